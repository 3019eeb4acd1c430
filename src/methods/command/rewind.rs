//! `/retry` and `/undo`: the conversation goes back, and what was asked comes into the composer or is sent
//! again.

use serde_json::json;

use crate::gateway::method::{After, Ctx, Reply};
use crate::model::ids::SessionId;
use crate::model::message::Role;
use crate::wire::error::RpcError;

/// Characters of a word that is no number that are repeated.
const ECHO_CHARS: usize = 60;

/// Takes the last prompt back, also in the store, which the original forgets, and sends it again.
pub(super) fn retry(ctx: &mut Ctx<'_>, id: Option<SessionId>, _arg: &str) -> Result<Reply, RpcError> {
    let session = id.and_then(|id| ctx.gateway.live_mut(id));
    let session = session.ok_or_else(|| RpcError::new(4001, "no active session to retry"))?;
    if session.is_running() {
        return Err(RpcError::new(4009, "session busy — /interrupt the current turn before /retry"));
    }
    let last = session.history.iter().rev().find(|message| message.role == Role::User);
    let text = last.map(|message| message.text.clone());
    let text = text.ok_or_else(|| RpcError::new(4018, "no previous user message to retry"))?;
    if text.is_empty() {
        return Err(RpcError::new(4018, "last user message is empty"));
    }
    let id = session.id;
    ctx.gateway.undo(ctx.now, id);
    Ok(Reply::Now(json!({ "type": "send", "message": text })))
}

/// Takes so many exchanges back, one unless a number says otherwise.
pub(super) fn undo(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    let session = id.and_then(|id| ctx.gateway.live_mut(id));
    let session = session.ok_or_else(|| RpcError::new(4001, "no active session to undo"))?;
    if session.is_running() {
        return Err(RpcError::new(4009, "session busy — /interrupt the current turn before /undo"));
    }
    let word = arg.split_whitespace().next().unwrap_or("1");
    let bad = || {
        let shown: String = word.chars().take(ECHO_CHARS).collect();
        RpcError::new(4004, format!("undo: invalid count '{shown}' — use /undo or /undo N"))
    };
    let count = word.parse::<i64>().map_err(|_| bad())?.max(1);
    let id = session.id;
    let (mut text, mut turns, mut rows) = (None, 0, 0);
    while turns < count {
        let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
        let last = session.history.iter().rev().find(|message| message.role == Role::User);
        let Some(prompt) = last.map(|message| message.text.clone()) else { break };
        let removed = ctx.gateway.undo(ctx.now, id);
        if removed == 0 {
            break;
        }
        (text, turns, rows) = (Some(prompt), turns + 1, rows + removed);
    }
    let text = text.ok_or_else(|| RpcError::new(4018, "no user messages to undo"))?;
    ctx.after(After::Info(id));
    let notice = format!("{turns} turn(s) undone ({rows} messages)");
    Ok(Reply::Now(json!({ "type": "prefill", "message": text, "notice": notice })))
}
