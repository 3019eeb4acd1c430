//! Looking at a live session, and small changes to it.

use serde_json::{Value, json};

use super::stored::{inquire, told, unlike};
use crate::gateway::method::{After, Ctx, Lane, Method, Reply, Then};
use crate::gateway::{clean_title, view};
use crate::model::ids::SessionId;
use crate::model::job::JobResult;
use crate::model::store::{Asked, Told};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("session.title", Lane::Pool, "Read or set the title.", title),
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
        return Err(title_taken(&title, &key));
    }
    let row = ctx.gateway.row(id).ok_or_else(RpcError::no_session)?;
    let profile = ctx.session(params)?.profile.clone();
    let ask = Asked::Title { row: Box::new(row), title: title.clone() };
    let then = Then::new(move |ctx, result| titled(ctx, id, &title, &wanted, result));
    Ok(Reply::Then(inquire(&profile, ask), then))
}

fn title_taken(title: &str, key: &str) -> RpcError {
    RpcError::new(4022, format!("Title '{title}' is already in use by session {key}"))
}

/// The store has it, or somebody else has. Where it cannot be written now it is written later, which the
/// original calls pending.
fn titled(
    ctx: &mut Ctx<'_>,
    id: SessionId,
    title: &str,
    wanted: &str,
    result: JobResult,
) -> Result<Value, RpcError> {
    let pending = match result {
        JobResult::Store(Err(_)) => true,
        result => match told(5007, result)? {
            Told::Titled(Ok(_)) => false,
            Told::Titled(Err(key)) => return Err(title_taken(title, &key)),
            other => return Err(unlike(5007, other)),
        },
    };
    ctx.gateway.take_title_of_person(ctx.now, id, title.to_owned(), pending)?;
    ctx.after(After::Info(id));
    Ok(json!({ "pending": pending, "title": wanted }))
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
    let id = ctx.session_id(params)?;
    if ctx.session(params)?.is_running() {
        return Err(RpcError::new(4009, "session busy — /interrupt the current turn before /undo"));
    }
    Ok(Reply::Now(Value::from_iter([("removed", ctx.gateway.undo(ctx.now, id))])))
}
