//! Slash commands: the catalog, completion, and those that run here.

use serde_json::{Value, json};

use crate::gateway::Session;
use crate::gateway::method::{After, Ctx, Lane, Method, Reply};
use crate::gateway::view::WIRE_VERSION;
use crate::model::ids::SessionId;
use crate::model::message::Role;
use crate::slash;
use crate::wire::error::RpcError;
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
        "usage" => usage_page(session),
        "title" if rest.is_empty() => {
            format!("Title: {}", session.title.as_deref().unwrap_or("(none)"))
        }
        "history" => history_page(session),
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
        "steer" if id.is_some_and(|id| ctx.gateway.steer(id, arg)) => {
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
    session.undo();
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
    let (mut text, mut turns, mut rows) = (None, 0, 0);
    while turns < count {
        let last = session.history.iter().rev().find(|message| message.role == Role::User);
        let Some(prompt) = last.map(|message| message.text.clone()) else { break };
        let removed = session.undo();
        if removed == 0 {
            break;
        }
        (text, turns, rows) = (Some(prompt), turns + 1, rows + removed);
    }
    let id = session.id;
    let text = text.ok_or_else(|| RpcError::new(4018, "no user messages to undo"))?;
    ctx.after(After::Info(id));
    let notice = format!("{turns} turn(s) undone ({rows} messages)");
    Ok(json!({ "type": "prefill", "message": text, "notice": notice }))
}

fn help_page() -> String {
    let line = |command: &slash::table::Command| format!("/{:<12} {}", command.name, command.summary());
    slash::table::COMMANDS.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn usage_page(session: &Session) -> String {
    let usage = &session.usage;
    format!(
        "Model calls: {}\nPrompt tokens: {}\nCompletion tokens: {}\nReasoning tokens: {}",
        usage.calls, usage.input, usage.output, usage.reasoning
    )
}

fn history_page(session: &Session) -> String {
    let line =
        |message: &crate::model::message::Message| format!("{}: {}", message.role.as_str(), message.text);
    match session.history.is_empty() {
        true => "(no messages yet)".to_owned(),
        false => session.history.iter().map(line).collect::<Vec<_>>().join("\n\n"),
    }
}
