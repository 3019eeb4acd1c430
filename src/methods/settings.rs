//! Settings, as clients read them; `config_set` is how they write them. Reading looks at the file again, so
//! these run on the pool.

use serde_json::{Value, json};

use super::composer::failed;
use super::config_set;
use crate::gateway::method::{After, Ctx, Lane, Method, Reply};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("config.get", Lane::Pool, "Read a setting.", get),
    Method::new("config.set", Lane::Pool, "Change a setting, most of them in config.yaml.", config_set::set),
    Method::new(
        "setup.status",
        Lane::Inline,
        "Whether the user may start. Always: the demo agent needs nothing.",
        status,
    ),
    Method::new("setup.runtime_check", Lane::Inline, "Whether a configured provider can be called.", runtime),
    Method::new("reload.mcp", Lane::Pool, "Connect to tool servers that are not connected.", reload_mcp),
    Method::new("model.options", Lane::Inline, "The models that can be picked: the configured one.", options),
];

/// Keys `config.get` knows.
const KEYS: &[&str] = &[
    "full",
    "mtime",
    "profile",
    "project",
    "provider",
    "prompt",
    "skin",
    "indicator",
    "personality",
    "reasoning",
    "fast",
    "busy",
    "details_mode",
    "thinking_mode",
    "compact",
    "statusbar",
    "mouse",
];

fn get(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let key = params.text_or_empty("key")?;
    if !KEYS.contains(&key) {
        let shown: String = key.chars().take(100).collect();
        return Err(RpcError::new(4002, format!("unknown config key: {shown}")));
    }
    if key == "project" {
        let cwd = params.text_or_empty("cwd")?;
        let candidates = if cwd.is_empty() { ctx.gateway.cwd_candidates() } else { vec![cwd.into()] };
        return Ok(Reply::Job(JobSpec::Workspace { candidates }, project));
    }
    Ok(Reply::Job(JobSpec::LoadSettings, got))
}

fn project(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Workspace { cwd, branch } = result else { return Err(failed(5013, result)) };
    Ok(json!({ "cwd": cwd.display().to_string(), "branch": branch }))
}

fn got(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Settings(settings) = result else { return Err(failed(5013, result)) };
    ctx.gateway.use_settings(settings);
    let settings = ctx.gateway.settings();
    let display = &settings.display;
    let on_off = |on: bool| if on { "on" } else { "off" };
    let value = match params.text_or_empty("key")? {
        "full" => return Ok(json!({ "config": parsed(&settings.raw_json) })),
        "mtime" => return Ok(json!({ "mtime": settings.mtime })),
        "profile" => {
            let home = settings.home.display().to_string();
            return Ok(json!({ "home": home, "display": home }));
        }
        "provider" => {
            let (model, provider) = (ctx.gateway.model_of(None), ctx.gateway.provider());
            let row = json!({"id": provider, "label": provider, "aliases": [], "authenticated": true});
            return Ok(json!({ "model": model, "provider": provider, "providers": [row] }));
        }
        "prompt" => return Ok(json!({ "prompt": display.custom_prompt })),
        "reasoning" => {
            let shown = if display.show_reasoning { "show" } else { "hide" };
            let effort = match display.reasoning_effort.as_str() {
                "" => "medium",
                effort => effort,
            };
            return Ok(json!({ "value": effort, "display": shown }));
        }
        "skin" => parsed(&display.skin_json),
        "indicator" => display.indicator.into(),
        "personality" => display.personality.clone().into(),
        "fast" => display.service_tier.into(),
        "busy" => settings.busy_mode.as_str().into(),
        "details_mode" => display.details_mode.into(),
        "thinking_mode" => display.thinking_mode.into(),
        "compact" => on_off(display.compact).into(),
        "statusbar" => display.statusbar.into(),
        "mouse" => display.mouse.into(),
        other => return Err(RpcError::new(4002, format!("unknown config key: {other}"))),
    };
    Ok(json!({ "value": value }))
}

/// JSON text that was written by `config`.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!({}))
}

fn status(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Now(json!({ "provider_configured": true })))
}

fn runtime(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let configured = ctx.gateway.provider();
    let wanted = params.text_or_empty("provider")?.trim();
    if !wanted.is_empty() && wanted != configured {
        return Ok(Reply::Now(
            json!({ "ok": false, "error": format!("provider '{wanted}' is not configured") }),
        ));
    }
    Ok(Reply::Now(json!({ "ok": true, "provider": configured, "model": null, "source": "config" })))
}

/// The terminal UI asks for this whenever `config.yaml` changed, and an approval for good changes it: what is
/// connected goes on, so that no call under way is cut, and nobody has to be asked first.
fn reload_mcp(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    params.text_or_empty("session_id")?;
    Ok(Reply::Job(JobSpec::Agent(AgentJob::ReloadServers), reloaded))
}

/// A server without tools has nothing to reload, and that is done.
fn reloaded(ctx: &mut Ctx<'_>, params: &Params, _result: JobResult) -> Result<Value, RpcError> {
    if let Some(id) = SessionId::parse(params.text_or_empty("session_id")?) {
        ctx.after(After::Info(id));
    }
    Ok(json!({ "status": "reloaded" }))
}

fn options(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    let model = ctx.gateway.model_of(id.and_then(|id| ctx.gateway.live(id)));
    let provider = ctx.gateway.provider();
    let row = json!({
        "slug": provider,
        "name": provider,
        "is_current": true,
        "is_user_defined": true,
        "models": [model],
        "total_models": 1,
        "source": "model-config",
        "authenticated": true,
        "capabilities": {},
    });
    Ok(Reply::Now(json!({ "model": model, "provider": provider, "providers": [row] })))
}
