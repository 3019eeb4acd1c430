//! Pages of settings: what holds, and what it is set to. What a setting may be is `config.set`'s business,
//! which is asked as a client asks it.

use serde_json::{Value, json};

use super::told::{ask, named, page, text};
use crate::gateway::method::{After, Ctx, Reply};
use crate::methods::config_set;
use crate::model::ids::SessionId;
use crate::wire::error::RpcError;

type Answer = Result<Reply, RpcError>;

/// What `/yolo` says.
const YOLO_ON: &str = "Dangerous commands run without asking in this session. /yolo turns that off.";
const YOLO_OFF: &str = "Dangerous commands ask first again, unless approvals.mode is off.";

/// Without an argument it says what holds.
pub(super) fn busy(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    set(ctx, id, "busy", arg)
}

/// Without an argument the next one of its words.
pub(super) fn verbose(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    set(ctx, id, "verbose", arg)
}

/// Without an argument it is turned over.
pub(super) fn statusbar(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    set(ctx, id, "statusbar", arg)
}

pub(super) fn indicator(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    if arg.is_empty() { get(ctx, id, "indicator") } else { set(ctx, id, "indicator", arg) }
}

pub(super) fn skin(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    if arg.is_empty() { get(ctx, id, "skin") } else { set(ctx, id, "skin", arg) }
}

/// The client hears how it stands, also when nothing is set.
pub(super) fn fast(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    if !matches!(arg, "" | "status") {
        return set(ctx, id, "fast", arg);
    }
    ask(ctx, "config.get", json!({ "session_id": named(id), "key": "fast" }), move |ctx, now| {
        if let Some(id) = id {
            ctx.after(After::Info(id));
        }
        page(format!("fast: {}", word(&now)))
    })
}

pub(super) fn reasoning(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    if !matches!(arg, "" | "status") {
        return set(ctx, id, "reasoning", arg);
    }
    ask(ctx, "config.get", json!({ "session_id": named(id), "key": "reasoning" }), |_, now| {
        let shown = if text(&now, "display") == "show" { "shown" } else { "hidden" };
        page(format!("reasoning: {}, {shown}", text(&now, "value")))
    })
}

pub(super) fn personality(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    if arg.is_empty() {
        return personalities(ctx);
    }
    set(ctx, id, "personality", arg)
}

/// The names in the file, and which of them holds.
fn personalities(ctx: &mut Ctx<'_>) -> Answer {
    ask(ctx, "config.get", json!({ "key": "personality" }), |ctx, now| {
        let known = config_set::personalities(ctx.gateway.settings());
        let names = known.iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = ["none"].into_iter().chain(names).collect();
        page(format!("personality: {}\navailable: {}", text(&now, "value"), names.join(", ")))
    })
}

pub(super) fn yolo(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    let wanted = json!({ "session_id": named(id), "key": "yolo", "value": arg });
    ask(ctx, "config.set", wanted, |_, done| {
        page(if text(&done, "value") == "1" { YOLO_ON } else { YOLO_OFF })
    })
}

fn set(ctx: &mut Ctx<'_>, id: Option<SessionId>, key: &'static str, value: &str) -> Answer {
    let wanted = json!({ "session_id": named(id), "key": key, "value": value });
    ask(ctx, "config.set", wanted, move |_, done| page(format!("{key}: {}", word(&done))))
}

fn get(ctx: &mut Ctx<'_>, id: Option<SessionId>, key: &'static str) -> Answer {
    let wanted = json!({ "session_id": named(id), "key": key });
    ask(ctx, "config.get", wanted, move |_, now| page(format!("{key}: {}", word(&now))))
}

/// The value in an answer, whatever its type.
fn word(answer: &Value) -> String {
    match answer.get("value") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
