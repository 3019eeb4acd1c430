//! Opening, finding, taking over and closing sessions.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::composer::failed;
use super::events::positioned;
use super::stored::{inquire, told, unlike};
use crate::gateway::method::{After, Ctx, Lane, Method, Reply, Route};
use crate::gateway::{NewSession, clean_title, view};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::message::{Message, Role};
use crate::model::provider::ModelChoice;
use crate::model::store::{Asked, Profile, Told};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("session.create", Lane::Pool, "Open a session.", create),
    Method::new("session.resume", Lane::Pool, "Go on with a conversation: by key, title or live id.", resume),
    Method::new("session.activate", Lane::Inline, "Take over a live session by its id.", activate),
    Method::new("session.close", Lane::Inline, "End a session; its turn is stopped.", close),
    Method::new("session.active_list", Lane::Inline, "List the live sessions of this process.", active_list)
        .by(Route::Merged("sessions")),
    Method::new("session.list", Lane::Pool, "List conversations, newest activity first.", list),
    Method::new("session.most_recent", Lane::Pool, "Name the newest conversation.", most_recent),
];

/// Terminal width when a client gives none.
const COLS_DEFAULT: i64 = 80;

/// Characters of a name to resume by; no key or title is longer.
const NAME_CHARS_MAX: usize = 200;

/// Widest terminal we believe in.
const COLS_MAX: i64 = 10_000;

fn create(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    // Checked before the job, so that a bad request costs nothing.
    let cwd = params.text_or_empty("cwd")?;
    read_new(ctx, params, PathBuf::new(), String::new())?;
    let candidates = match cwd {
        "" => ctx.gateway.cwd_candidates(),
        cwd => vec![PathBuf::from(cwd)],
    };
    Ok(Reply::Job(
        match profile(ctx, params)? {
            Some(profile) => JobSpec::ProfileWorkspace { profile, candidates },
            None => JobSpec::Workspace { candidates },
        },
        created,
    ))
}

fn created(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Workspace { cwd, branch } = result else { return Err(failed(5000, result)) };
    let new = read_new(ctx, params, cwd, branch)?;
    let id = ctx.gateway.create_session(ctx.now, ctx.client, new)?;
    ctx.after(After::Info(id));
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let result = json!({
        "session_id": id.as_str(),
        "stored_session_id": session.key,
        "message_count": session.history.len(),
        "messages": view::messages(&session.history),
        // Whole at once: our agents need no time to be built, and the terminal UI shows "starting" until it
        // reads a version. (The event that follows may come before it listens.)
        "info": ctx.gateway.info(session),
    });
    Ok(positioned(ctx, params.switch("replay"), id, result))
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
        key: None,
        profile: profile(ctx, params)?,
        // A directory that does not exist was replaced, and is nobody's choice.
        cwd_chosen: !params.text_or_empty("cwd")?.is_empty() && cwd != ctx.gateway.setup().process_cwd,
        branched_from: params.text("parent_session_id")?.filter(|key| !key.is_empty()).map(Arc::from),
        source: if source.is_empty() { "tui".to_owned() } else { source.to_owned() },
        cols: cols(params)?,
        cwd,
        branch,
        // A title that is taken is dropped, as the original drops it: the session is wanted all the same.
        title: title.filter(|title| !taken(title)),
        model: choice(params)?,
        close_on_disconnect: params.switch("close_on_disconnect"),
        history: seed(params.get("messages")),
    })
}

/// The model for the session, and its provider, which counts only with a model.
fn choice(params: &Params) -> Result<Option<ModelChoice>, RpcError> {
    let provider = params.text_or_empty("provider")?.trim();
    let model = params.text("model")?.map(str::trim).filter(|model| !model.is_empty());
    let provider = Some(provider).filter(|provider| !provider.is_empty()).map(str::to_owned);
    Ok(model.map(|model| ModelChoice { provider, ..model.into() }))
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

/// The profile that is named; 4002 for one that does not exist. The original silently takes its own then, or
/// any directory.
pub(super) fn profile(ctx: &Ctx<'_>, params: &Params) -> Result<Profile, RpcError> {
    let name = params.text_or_empty("profile")?.trim();
    ctx.gateway.profile(name).map_err(|why| RpcError::new(4002, why))
}

/// A session that is live is taken over; a conversation that is not comes from the store.
fn resume(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let name = params.text_or_empty("session_id")?.trim();
    if name.is_empty() {
        return Err(RpcError::new(4006, "session_id required"));
    }
    let profile = profile(ctx, params)?;
    if let Some(id) = ctx.gateway.find_session(name, &profile) {
        return Ok(Reply::Now(reuse(ctx, params, id)?));
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(not_stored());
    }
    let name = ctx.gateway.key_behind(name).unwrap_or(name).to_owned();
    let what = Asked::Load { name, at: ctx.now.wall };
    // Made for a client that waits, or not at all.
    Ok(Reply::Job(inquire(&profile, what), resumed))
}

fn not_stored() -> RpcError {
    RpcError::new(4007, "session not found")
}

/// Takes over a live session; the width is the new client's.
fn reuse(ctx: &mut Ctx<'_>, params: &Params, id: SessionId) -> Result<Value, RpcError> {
    if params.get("cols").is_some()
        && let Ok(cols) = cols(params)
        && let Some(session) = ctx.gateway.live_mut(id)
    {
        session.cols = cols;
    }
    let mut result = take_over(ctx, id)?;
    let key = result.get("session_key").cloned().unwrap_or_default();
    result.insert("resumed".into(), key);
    Ok(positioned(ctx, params.switch("replay"), id, result.into()))
}

fn resumed(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let loaded = match told(5000, result)? {
        Told::Loaded(Some(loaded)) => *loaded,
        Told::Loaded(None) => return Err(not_stored()),
        other => return Err(unlike(5000, other)),
    };
    // Somebody else may have been quicker, or the name led to the end of a chain that is live.
    if let Some(id) = ctx.gateway.find_session(&loaded.key, &profile(ctx, params)?) {
        return reuse(ctx, params, id);
    }
    let mut new = read_new(ctx, params, PathBuf::new(), String::new())?;
    new.cwd = ctx.gateway.cwd_candidates().into_iter().next().unwrap_or_default();
    // What these name in a request to create is no property of a conversation that exists.
    new.history = Vec::new();
    new.branched_from = None;
    let id = ctx.gateway.revive(ctx.now, ctx.client, new, loaded)?;
    ctx.after(After::Asks(id));
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let mut result = ctx.gateway.catch_up(session);
    result.insert("resumed".into(), session.key.clone().into());
    result.entry("inflight").or_insert(Value::Null);
    Ok(positioned(ctx, params.switch("replay"), id, result.into()))
}

fn activate(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let result = take_over(ctx, id)?.into();
    Ok(Reply::Now(positioned(ctx, params.switch("replay"), id, result)))
}

fn take_over(ctx: &mut Ctx<'_>, id: SessionId) -> Result<Map<String, Value>, RpcError> {
    ctx.gateway.attach(ctx.now, id, ctx.client);
    ctx.after(After::Asks(id));
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    Ok(ctx.gateway.catch_up(session))
}

fn close(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    let closed = id.is_some_and(|id| ctx.gateway.close_session(ctx.now, id, "tui_close"));
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
    let limit = params.int("limit")?.unwrap_or_default();
    Ok(Reply::Job(inquire(&profile(ctx, params)?, Asked::List { limit }), listed))
}

fn listed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match told(5006, result)? {
        Told::List(sessions) => {
            Ok(json!({ "sessions": sessions.iter().map(view::list_item).collect::<Vec<_>>() }))
        }
        other => Err(unlike(5006, other)),
    }
}

fn most_recent(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(inquire(&profile(ctx, params)?, Asked::List { limit: 1 }), newest))
}

/// Never an error, as in the original: whoever starts does not want to hear of a broken store first.
fn newest(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let newest = match told(5006, result) {
        Ok(Told::List(sessions)) => sessions.into_iter().next(),
        _ => None,
    };
    Ok(match newest {
        None => json!({ "session_id": null }),
        Some(newest) => json!({
            "session_id": newest.key.as_ref(),
            "title": newest.title,
            "started_at": newest.started_at,
            "source": newest.source,
        }),
    })
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
