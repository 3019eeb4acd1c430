//! Looking at a live session, and small changes to it.

use serde_json::{Value, json};

use crate::gateway::method::{After, Ctx, Lane, Method, Reply};
use crate::gateway::{clean_title, view};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("session.title", Lane::Inline, "Read or set the title.", title),
    Method::new("session.status", Lane::Inline, "A page about the session.", status),
    Method::new("session.usage", Lane::Inline, "Token counters.", usage),
    Method::new("session.history", Lane::Inline, "The transcript.", history),
    Method::new("session.undo", Lane::Inline, "Remove the last exchange.", undo),
];

fn title(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    if !params.has("title") {
        let session = ctx.session(params)?;
        let title = session.title.as_deref().unwrap_or_default();
        return Ok(Reply::Now(json!({ "title": title, "session_key": session.key })));
    }
    let wanted = params.text_or_empty("title")?.trim().to_owned();
    let title = clean_title(&wanted)?.ok_or_else(|| RpcError::new(4021, "title required"))?;
    if let Some(key) = ctx.gateway.title_holder(id, &title) {
        return Err(RpcError::new(4022, format!("Title '{title}' is already in use by session {key}")));
    }
    ctx.session(params)?.title = Some(title);
    ctx.after(After::Info(id));
    Ok(Reply::Now(json!({ "pending": false, "title": wanted })))
}

fn status(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    Ok(Reply::Now(json!({ "output": ctx.gateway.status_page(session) })))
}

fn usage(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    Ok(Reply::Now(json!(ctx.gateway.usage(session))))
}

fn history(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let session = ctx.session(params)?;
    let messages = view::messages(&session.history);
    Ok(Reply::Now(json!({ "count": session.history.len(), "messages": messages })))
}

fn undo(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let session = ctx.session(params)?;
    if session.is_running() {
        return Err(RpcError::new(4009, "session busy — /interrupt the current turn before /undo"));
    }
    Ok(Reply::Now(Value::from_iter([("removed", session.undo())])))
}
