//! Opening, finding, taking over and closing sessions.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{After, Ctx, Lane, Method, Reply};
use crate::gateway::{NewSession, clean_title, view};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::message::{Message, Role};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("session.create", Lane::Pool, "Open a session.", create),
    Method::new("session.resume", Lane::Inline, "Take over a live session by key, title or id.", resume),
    Method::new("session.activate", Lane::Inline, "Take over a live session by its id.", activate),
    Method::new("session.close", Lane::Inline, "End a session; its turn is stopped.", close),
    Method::new("session.active_list", Lane::Inline, "List the live sessions of this process.", active_list),
    Method::new("session.list", Lane::Inline, "List conversations, newest activity first.", list),
    Method::new("session.most_recent", Lane::Inline, "Name the newest conversation.", most_recent),
];

/// Terminal width when a client gives none.
const COLS_DEFAULT: i64 = 80;

/// Widest terminal we believe in.
const COLS_MAX: i64 = 10_000;

/// Rows of `session.list` when a client gives no limit.
const LIST_LIMIT_DEFAULT: i64 = 200;

fn create(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    // Checked before the job, so that a bad request costs nothing.
    let cwd = params.text_or_empty("cwd")?;
    read_new(ctx, params, PathBuf::new(), String::new())?;
    let candidates = match cwd {
        "" => ctx.gateway.cwd_candidates(),
        cwd => vec![PathBuf::from(cwd)],
    };
    Ok(Reply::Job(JobSpec::Workspace { candidates }, created))
}

fn created(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Workspace { cwd, branch } = result else { return Err(failed(5000, result)) };
    let new = read_new(ctx, params, cwd, branch)?;
    let id = ctx.gateway.create_session(ctx.now, ctx.client, new)?;
    ctx.after(After::Info(id));
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    Ok(json!({
        "session_id": id.as_str(),
        "stored_session_id": session.key,
        "message_count": session.history.len(),
        "messages": view::messages(&session.history),
        // Whole at once: our agents need no time to be built, and the terminal UI shows "starting" until it
        // reads a version. (The event that follows may come before it listens.)
        "info": ctx.gateway.info(session),
    }))
}

fn read_new(ctx: &Ctx<'_>, params: &Params, cwd: PathBuf, branch: String) -> Result<NewSession, RpcError> {
    let source = params.text_or_empty("source")?.trim();
    let title = match params.get("title") {
        None => None,
        Some(Value::String(title)) => clean_title(title)?,
        Some(_) => return Err(RpcError::param("title", "a string")),
    };
    let taken =
        |title: &String| ctx.gateway.sessions_by_age().iter().any(|s| s.title.as_ref() == Some(title));
    Ok(NewSession {
        source: if source.is_empty() { "tui".to_owned() } else { source.to_owned() },
        cols: cols(params)?,
        cwd,
        branch,
        // A title that is taken is dropped, as the original drops it: the session is wanted all the same.
        title: title.filter(|title| !taken(title)),
        model: params.text("model")?.map(str::trim).filter(|model| !model.is_empty()).map(str::to_owned),
        close_on_disconnect: params.switch("close_on_disconnect"),
        history: seed(params.get("messages")),
    })
}

/// Terminal width.
pub(super) fn cols(params: &Params) -> Result<i64, RpcError> {
    Ok(params.int("cols")?.unwrap_or(COLS_DEFAULT).clamp(1, COLS_MAX))
}

/// The messages a client brings along; what is no message is skipped.
fn seed(messages: Option<&Value>) -> Vec<Message> {
    let Some(Value::Array(items)) = messages else { return Vec::new() };
    let message = |item: &Value| {
        let role = Role::parse(item.get("role")?.as_str()?)?;
        let text = item.get("content").and_then(Value::as_str).or_else(|| item.get("text")?.as_str())?;
        (role != Role::Tool && !text.trim().is_empty()).then(|| Message::new(role, text))
    };
    items.iter().filter_map(message).collect()
}

fn resume(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let name = params.text_or_empty("session_id")?.trim();
    if name.is_empty() {
        return Err(RpcError::new(4006, "session_id required"));
    }
    let id = ctx.gateway.find_session(name).ok_or_else(|| RpcError::new(4007, "session not found"))?;
    if params.get("cols").is_some()
        && let Ok(cols) = cols(params)
        && let Some(session) = ctx.gateway.live_mut(id)
    {
        session.cols = cols;
    }
    let mut result = take_over(ctx, id)?;
    let key = result.get("session_key").cloned().unwrap_or_default();
    result.insert("resumed".into(), key);
    Ok(Reply::Now(result.into()))
}

fn activate(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    Ok(Reply::Now(take_over(ctx, id)?.into()))
}

fn take_over(ctx: &mut Ctx<'_>, id: SessionId) -> Result<Map<String, Value>, RpcError> {
    ctx.gateway.attach(ctx.now, id, ctx.client);
    ctx.after(After::Asks(id));
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    Ok(ctx.gateway.catch_up(session))
}

fn close(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    let closed = id.is_some_and(|id| ctx.gateway.close_session(ctx.now, id));
    Ok(Reply::Now(json!({ "closed": closed })))
}

fn active_list(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let current = params.text("current_session_id")?;
    let sessions = ctx.gateway.sessions_by_age();
    let items: Vec<Value> =
        sessions.iter().map(|session| ctx.gateway.active_item(session, current)).collect();
    Ok(Reply::Now(json!({ "sessions": items })))
}

fn list(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let limit = match params.int("limit")? {
        None | Some(0) => LIST_LIMIT_DEFAULT,
        Some(limit) => limit.max(0),
    };
    let items: Vec<Value> = newest_first(ctx).take(limit as usize).collect();
    Ok(Reply::Now(json!({ "sessions": items })))
}

fn most_recent(ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    let newest = newest_first(ctx).next();
    Ok(Reply::Now(newest.map_or_else(
        || json!({ "session_id": null }),
        |item| {
            json!({
                "session_id": item["id"],
                "title": item["title"],
                "started_at": item["started_at"],
                "source": item["source"],
            })
        },
    )))
}

/// Conversations that hold something, or were given a title; not those of tools.
fn newest_first(ctx: &Ctx<'_>) -> impl Iterator<Item = Value> + use<> {
    let mut sessions = ctx.gateway.sessions_by_age();
    sessions.retain(|session| {
        session.source != "tool" && (!session.history.is_empty() || session.title.is_some())
    });
    sessions.sort_by(|a, b| b.last_active.total_cmp(&a.last_active).then(b.number.cmp(&a.number)));
    sessions.into_iter().map(view::list_item).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_skip_what_is_no_message() {
        let items = json!([{"role": "user", "content": "a"}, {"role": "assistant", "text": "b"}, 5,
            {"role": "tool", "content": "c"}, {"role": "user", "content": " "}, {"role": "user", "content": [1]}]);
        let texts: Vec<_> = seed(Some(&items)).into_iter().map(|message| message.text).collect();
        assert_eq!(texts, ["a", "b"]);
        assert!(seed(Some(&json!("x"))).is_empty());
    }
}
