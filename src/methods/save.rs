//! `session.save`: the conversation, as the model sees it, as a file.

use serde_json::{Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::gateway::view;
use crate::model::facts::Export;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("session.save", Lane::Pool, "Write the conversation to a file.", save)];

fn save(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Lasting(job(ctx, params)?, saved))
}

/// The job that does it. Allowed while a turn runs: what was said before it is saved.
pub(super) fn job(ctx: &Ctx<'_>, params: &Params) -> Result<JobSpec, RpcError> {
    let id = ctx.session_id(params)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let time = |wall, format| view::local_time(wall, &ctx.gateway.setup().timezone, format);
    let export = Export {
        stamp: time(ctx.now.wall, "%Y%m%d_%H%M%S"),
        model: ctx.gateway.model_of(Some(session)),
        session_id: session.key.clone(),
        session_start: time(session.begun, "%Y-%m-%dT%H:%M:%S"),
        system_prompt: ctx.gateway.settings().model.system_prompt.clone(),
        messages: session.for_model(),
    };
    Ok(JobSpec::SaveConversation(Box::new(export)))
}

fn saved(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    Ok(json!({ "file": written(result)? }))
}

/// Where it was written to.
pub(super) fn written(result: JobResult) -> Result<String, RpcError> {
    match result {
        JobResult::Saved(path) => Ok(path.display().to_string()),
        other => Err(failed(5011, other)),
    }
}
