//! `session.cwd.set`: moves a live session to another directory.

use serde_json::{Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::store::Change;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("session.cwd.set", Lane::Pool, "Move a session to another directory.", set)];

fn set(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    idle(ctx, params)?;
    let path = params.text_or_empty("cwd")?.trim();
    if path.is_empty() {
        return Err(RpcError::new(4016, "cwd required"));
    }
    Ok(Reply::Job(JobSpec::Directory { path: path.into() }, found))
}

/// The session, between turns: a running one works where it began.
fn idle(ctx: &mut Ctx<'_>, params: &Params) -> Result<SessionId, RpcError> {
    let session = ctx.session(params)?;
    if session.is_running() { Err(RpcError::new(4009, "session busy")) } else { Ok(session.id) }
}

fn found(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Directory { cwd, branch, root } = result else { return Err(failed(4017, result)) };
    let id = idle(ctx, params)?;
    let change = Change::Moved {
        cwd: cwd.display().to_string(),
        branch: branch.clone(),
        root: root.display().to_string(),
    };
    let session = ctx.gateway.live_mut(id).ok_or_else(RpcError::no_session)?;
    session.cwd = cwd;
    session.branch = branch;
    session.cwd_chosen = true;
    ctx.gateway.record(ctx.now, id, change);
    // Before the answer, as in the original.
    ctx.gateway.send_info(id);
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    Ok(json!(ctx.gateway.info(session)))
}
