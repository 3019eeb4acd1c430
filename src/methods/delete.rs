//! `session.delete`: removes a stored conversation for good.

use serde_json::{Value, json};

use super::stored::{inquire, told, unlike};
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::job::JobResult;
use crate::model::store::{Asked, StoreError, Told};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("session.delete", Lane::Pool, "Remove a stored conversation for good.", delete)];

/// Of a profile that is named, or else the server's own; the original knows only the latter.
fn delete(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let key = params.text_or_empty("session_id")?;
    if key.is_empty() {
        return Err(RpcError::new(4006, "session_id required"));
    }
    let profile = super::session::profile(ctx, params)?;
    if ctx.gateway.is_live_key(key) {
        return Err(RpcError::new(4023, "cannot delete an active session"));
    }
    Ok(Reply::Job(inquire(&profile, Asked::Delete { key: key.into() }), deleted))
}

fn deleted(_ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    if let JobResult::Store(Err(StoreError::Failed(why))) = result {
        return Err(RpcError::new(5036, format!("delete failed: {why}")));
    }
    match told(5036, result)? {
        Told::Deleted(true) => Ok(json!({ "deleted": params.text_or_empty("session_id")? })),
        Told::Deleted(false) => Err(RpcError::new(4007, "session not found")),
        other => Err(unlike(5036, other)),
    }
}
