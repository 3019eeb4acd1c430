//! Slash commands: the catalog, completion, and those that run here.

use serde_json::{Value, json};

use super::save;
use crate::gateway::method::{After, Ctx, Lane, Method, Reply};
use crate::gateway::view::{WIRE_VERSION, thousands};
use crate::model::ids::SessionId;
use crate::model::job::JobResult;
use crate::model::message::{Message, Role};
use crate::slash;
use crate::wire::error::RpcError;
use crate::wire::event::UsageView;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("commands.catalog", Lane::Inline, "The slash commands that work here.", catalog),
    Method::new("command.resolve", Lane::Inline, "Which command a name or alias means.", resolve),
    Method::new("complete.slash", Lane::Inline, "Complete a slash command.", complete),
    Method::new("slash.exec", Lane::Inline, "Run a slash command and show its output.", exec),
    Method::new("command.dispatch", Lane::Inline, "Run a slash command that becomes a prompt.", dispatch),
];

/// What `/yolo` says.
const YOLO_ON: &str = "Dangerous commands run without asking in this session. /yolo turns that off.";
const YOLO_OFF: &str = "Dangerous commands ask first again, unless approvals.mode is off.";

/// Characters of a message on the page of `/history`; the terminal client shows as many.
const HISTORY_CHARS_MAX: usize = 400;

/// Messages on that page, the newest ones: nobody reads more of them there.
const HISTORY_MESSAGES_MAX: usize = 200;

/// What stands there when nothing was said, which is not saved either.
const NO_MESSAGES: &str = "(no messages yet)";

/// Commands whose answer is [`dispatch`]'s.
const DISPATCHED: &[&str] = &["retry", "queue", "q", "steer", "undo"];

fn catalog(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Now(slash::catalog::catalog()))
}

fn resolve(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let name = params.text_or_empty("name")?;
    match slash::catalog::resolve(name) {
        Some(found) => Ok(Reply::Now(json!({
            "canonical": found.name,
            "description": found.description,
            "category": found.category.as_str(),
        }))),
        None => {
            let shown: String = name.chars().take(100).collect();
            Err(RpcError::new(4011, format!("unknown command: {shown}")))
        }
    }
}

fn complete(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Now(slash::complete::complete(params.text_or_empty("text")?)))
}

fn exec(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let command = params.text_or_empty("command")?.trim();
    if command.is_empty() {
        return Err(RpcError::new(4004, "empty command"));
    }
    let command = command.trim_start_matches('/');
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let (name, rest) = (name.to_lowercase(), rest.trim());
    if DISPATCHED.contains(&name.as_str()) {
        return run(ctx, &name, rest, Some(id)).map(Reply::Now);
    }
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let output = match name.as_str() {
        "status" => ctx.gateway.status_page(session),
        "usage" => usage_page(&ctx.gateway.usage(session)),
        "title" if rest.is_empty() => {
            format!("Title: {}", session.title.as_deref().unwrap_or("(none)"))
        }
        "history" => history_page(&session.history),
        "save" if session.history.is_empty() => NO_MESSAGES.to_owned(),
        "save" => return Ok(Reply::Lasting(save::job(ctx, params)?, saved_page)),
        "yolo" => {
            let on = !session.yolo.is_on();
            session.yolo.set(on);
            ctx.after(After::Info(id));
            if on { YOLO_ON.to_owned() } else { YOLO_OFF.to_owned() }
        }
        "help" => help_page(),
        "version" | "v" => {
            format!("tui-gateway {} (wire of hermes-agent {WIRE_VERSION})", env!("CARGO_PKG_VERSION"))
        }
        _ => {
            let shown: String = name.chars().take(60).collect();
            format!("/{shown} is not available in this server")
        }
    };
    Ok(Reply::Now(json!({ "output": output })))
}

fn dispatch(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let name = params.text_or_empty("name")?.trim_start_matches('/').to_lowercase();
    let arg = params.text_or_empty("arg")?.trim();
    let id =
        SessionId::parse(params.text_or_empty("session_id")?).filter(|id| ctx.gateway.live(*id).is_some());
    run(ctx, &name, arg, id).map(Reply::Now)
}

fn run(ctx: &mut Ctx<'_>, name: &str, arg: &str, id: Option<SessionId>) -> Result<Value, RpcError> {
    match name {
        "queue" | "q" if arg.is_empty() => Err(RpcError::new(4004, "usage: /queue <prompt>")),
        "queue" | "q" => Ok(json!({ "type": "send", "message": arg })),
        "steer" if arg.is_empty() => Err(RpcError::new(4004, "usage: /steer <prompt>")),
        "steer" if id.is_some_and(|id| ctx.gateway.steer(ctx.now, id, arg)) => {
            let shown: String = arg.chars().take(80).collect();
            Ok(json!({ "type": "exec", "output": format!("guidance for the running turn: \"{shown}\"") }))
        }
        // Nothing runs that could be guided: it is a prompt like any other.
        "steer" => Ok(json!({ "type": "send", "message": arg })),
        "retry" => retry(ctx, id),
        "undo" => undo(ctx, id, arg),
        _ => {
            let shown: String = name.chars().take(60).collect();
            Err(RpcError::new(4018, format!("not a quick/plugin/skill command: {shown}")))
        }
    }
}

fn retry(ctx: &mut Ctx<'_>, id: Option<SessionId>) -> Result<Value, RpcError> {
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
    Ok(json!({ "type": "send", "message": text }))
}

fn undo(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Result<Value, RpcError> {
    let session = id.and_then(|id| ctx.gateway.live_mut(id));
    let session = session.ok_or_else(|| RpcError::new(4001, "no active session to undo"))?;
    if session.is_running() {
        return Err(RpcError::new(4009, "session busy — /interrupt the current turn before /undo"));
    }
    let word = arg.split_whitespace().next().unwrap_or("1");
    let bad = || {
        let shown: String = word.chars().take(60).collect();
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
    Ok(json!({ "type": "prefill", "message": text, "notice": notice }))
}

fn help_page() -> String {
    let line = |command: &slash::table::Command| format!("/{:<12} {}", command.name, command.summary());
    slash::table::COMMANDS.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn usage_page(usage: &UsageView) -> String {
    let mut lines = vec![
        format!("Model: {}", usage.model),
        format!("Model calls: {}", thousands(usage.calls)),
        format!("Prompt tokens: {}", thousands(usage.input)),
        format!("Completion tokens: {}", thousands(usage.output)),
        format!("Reasoning tokens: {}", thousands(usage.reasoning)),
        format!("Total tokens: {}", thousands(usage.total)),
    ];
    if let (Some(used), Some(max), Some(percent)) =
        (usage.context_used, usage.context_max, usage.context_percent)
    {
        lines.push(format!("Context: {} of {} tokens ({percent}%)", thousands(used), thousands(max)));
    }
    if usage.compressions > 0 {
        lines.push(format!("Compressions: {}", usage.compressions));
    }
    lines.join("\n")
}

fn history_page(history: &[Message]) -> String {
    let lines: Vec<String> = history.iter().filter_map(history_line).collect();
    let earlier = lines.len().saturating_sub(HISTORY_MESSAGES_MAX);
    let shown = lines[earlier..].join("\n\n");
    match (lines.is_empty(), earlier) {
        (true, _) => NO_MESSAGES.to_owned(),
        (false, 0) => shown,
        (false, _) => format!("({earlier} earlier messages)\n\n{shown}"),
    }
}

/// Of a tool's result what was done, as in a transcript.
fn history_line(message: &Message) -> Option<String> {
    let text = match &message.called {
        Some(called) if called.label.is_empty() => called.name.as_str(),
        Some(called) => called.label.as_str(),
        None => message.text.trim(),
    };
    let clipped: String = text.chars().take(HISTORY_CHARS_MAX).collect();
    let more = if clipped.len() < text.len() { "…" } else { "" };
    (!text.is_empty()).then(|| format!("{}: {clipped}{more}", message.role.as_str()))
}

fn saved_page(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    Ok(json!({ "output": format!("conversation saved to: {}", save::written(result)?) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Called;

    #[test]
    fn the_page_of_a_conversation_is_bounded_and_shows_no_results() {
        assert_eq!(history_page(&[]), NO_MESSAGES);
        let called =
            |label: &str| Called { id: "1".into(), name: "terminal".into(), label: label.to_owned() };
        let history = [
            Message::new(Role::User, "look "),
            Message::new(Role::Assistant, " "),
            Message::result(called("Running ls"), "secret"),
            Message::result(called(""), "secret"),
            Message::new(Role::Assistant, "é".repeat(HISTORY_CHARS_MAX + 1)),
        ];
        let long = "é".repeat(HISTORY_CHARS_MAX);
        let expected = format!("user: look\n\ntool: Running ls\n\ntool: terminal\n\nassistant: {long}…");
        assert_eq!(history_page(&history), expected);
        let many = vec![Message::new(Role::User, "x"); HISTORY_MESSAGES_MAX + 5];
        assert!(history_page(&many).starts_with("(5 earlier messages)\n\nuser: x\n\n"));
    }
}
