//! Reading again what stands outside of the settings' file: tool servers and `.env`.

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{After, Ctx, Lane, Method, Reply, Route};
use crate::model::edit::Edit;
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("reload.mcp", Lane::Pool, "Connect to tool servers that are not connected.", mcp),
    Method::new("reload.env", Lane::Pool, "Read .env again; counts what changed.", env).by(Route::All),
];

/// Where it stands that nobody wants to be asked.
const CONFIRM: [&str; 2] = ["approvals", "mcp_reload_confirm"];

/// What a person should know before tools change.
const QUESTION: &str = "With other tools the model reads the whole conversation again, at full price. \
                        `/reload-mcp now` goes on; `/reload-mcp always` goes on and does not ask again.";

/// The terminal UI asks for this, confirmed, whenever `config.yaml` changed, and an approval for good changes
/// it: what is connected goes on, so that no call under way is cut.
fn mcp(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    params.text_or_empty("session_id")?;
    if !params.truthy("confirm") && asks(&ctx.gateway.settings().raw_json) {
        return Ok(Reply::Now(json!({ "status": "confirm_required", "message": QUESTION })));
    }
    if params.truthy("confirm") && params.truthy("always") {
        let edits = vec![Edit::flag(&CONFIRM, false)];
        return Ok(Reply::Lasting(JobSpec::EditSettings { edits }, remembered));
    }
    Ok(Reply::Job(JobSpec::Agent(AgentJob::ReloadServers), reloaded))
}

/// `approvals.mcp_reload_confirm`, true unless it is switched off.
fn asks(raw_json: &str) -> bool {
    let document: Map<String, Value> = serde_json::from_str(raw_json).unwrap_or_default();
    let [outer, inner] = CONFIRM;
    document.get(outer).and_then(|member| member.get(inner)).and_then(Value::as_bool).unwrap_or(true)
}

/// Nobody is asked any more; the servers follow the new settings on their own.
fn remembered(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Settings(settings) = result else { return Err(failed(5015, result)) };
    ctx.gateway.use_settings(settings);
    reloaded(ctx, params, JobResult::ServersReloaded)
}

/// A server without tools has nothing to reload, and that is done.
fn reloaded(ctx: &mut Ctx<'_>, params: &Params, _result: JobResult) -> Result<Value, RpcError> {
    if let Some(id) = SessionId::parse(params.text_or_empty("session_id")?) {
        ctx.after(After::Info(id));
    }
    Ok(json!({ "status": "reloaded" }))
}

fn env(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Lasting(JobSpec::ReloadEnv, env_read))
}

fn env_read(ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Env { changed, settings } = result else { return Err(failed(5015, result)) };
    ctx.gateway.use_settings(settings);
    Ok(json!({ "updated": changed }))
}

#[cfg(test)]
mod tests {
    use super::asks;

    #[test]
    fn a_reload_is_asked_about_unless_that_is_switched_off() {
        assert!(asks("{}") && asks(r#"{"approvals": "off"}"#) && asks("broken"));
        assert!(asks(r#"{"approvals": {"mcp_reload_confirm": true}}"#));
        assert!(!asks(r#"{"approvals": {"mcp_reload_confirm": false}}"#));
    }
}
