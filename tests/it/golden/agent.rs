//! Lines that begin with `agent`: what an agent of the script tells the gateway.

use serde_json::Value;
use tui_gateway::model::agent_event::{AgentEvent, Subagent, SubagentEnd, SubagentKind, ToolExtras};
use tui_gateway::model::ask::Ask;
use tui_gateway::model::ids::AskId;
use tui_gateway::model::message::{Message, Role};
use tui_gateway::model::turn::{TurnEnd, TurnStatus, Usage};

/// The event these words stand for. `ask` numbers the question, should it be one.
pub(super) fn event(words: &[&str], ask: AskId) -> AgentEvent {
    let text = |at: usize| words.get(at).map(|word| (*word).to_owned()).unwrap_or_default();
    let number = |at: usize| text(at).parse().unwrap_or_else(|why| panic!("{words:?}: {why}"));
    match words {
        ["thinking"] => AgentEvent::Thinking,
        ["text", ..] => AgentEvent::Text(text(1).into()),
        ["reasoning", ..] => AgentEvent::Reasoning(text(1).into()),
        ["status", "warn", ..] => AgentEvent::Status { kind: "warn", text: text(2) },
        ["status", "lifecycle", ..] => AgentEvent::Status { kind: "lifecycle", text: text(2) },
        ["generating", ..] => AgentEvent::ToolGenerating { name: text(1) },
        ["tool", "start", ..] => {
            AgentEvent::ToolStart { id: text(2), name: text(3), context: text(4), args: text(5) }
        }
        ["tool", "done", ..] => {
            let extras = Box::new(extras(&text(6)));
            AgentEvent::ToolComplete { id: text(2), name: text(3), args: text(4), result: text(5), extras }
        }
        ["subagent", kind, members] => AgentEvent::Subagent(Box::new(subagent(kind, members))),
        ["expanded", text] => AgentEvent::Expanded((*text).to_owned()),
        ["refused", why] => AgentEvent::Refused((*why).to_owned()),
        ["compressed", _, context @ ..] => {
            AgentEvent::Compressed { context: messages(context), covered: number(1) as usize }
        }
        ["ask", question @ ..] => AgentEvent::Ask(ask, self::question(question)),
        ["gone", _] => AgentEvent::AskGone(AskId(number(1))),
        ["took", _] => AgentEvent::SteeringTaken(number(1) as usize),
        ["end", rest @ ..] => AgentEvent::End(Box::new(end(rest))),
        _ => panic!("no agent does this: {words:?}"),
    }
}

/// `{"summary":"…","todos":"[…]","inline_diff":"…"}`, each where it is there.
fn extras(json: &str) -> ToolExtras {
    if json.is_empty() {
        return ToolExtras::default();
    }
    let members = object(json);
    let text = |name: &str| members[name].as_str().map(str::to_owned);
    ToolExtras { summary: text("summary"), todos: text("todos"), inline_diff: text("inline_diff") }
}

/// What a subagent did, its members as JSON.
pub(super) fn subagent(kind: &str, json: &str) -> Subagent {
    let members = object(json);
    let text = |name: &str| members[name].as_str().unwrap_or_default().to_owned();
    let known = |name: &str| members[name].as_str().map(str::to_owned);
    let number = |name: &str| members[name].as_u64().unwrap_or_default();
    let kind = match kind {
        "start" => SubagentKind::Start,
        "thinking" => SubagentKind::Thinking,
        "tool" => SubagentKind::Tool,
        "progress" => SubagentKind::Progress,
        "complete" => SubagentKind::Complete,
        _ => panic!("no subagent does this: {kind}"),
    };
    let end = (kind == SubagentKind::Complete).then(|| SubagentEnd {
        status: "completed",
        summary: text("summary"),
        seconds: 1.5,
        usage: Usage { input: 100, output: 10, calls: 2, ..Usage::default() },
        files_read: vec!["/w/a".to_owned()],
        files_written: Vec::new(),
    });
    Subagent {
        kind,
        id: text("id"),
        parent: known("parent"),
        child_key: known("child"),
        depth: number("depth") as u32,
        goal: text("goal"),
        task_index: number("index") as usize,
        task_count: number("count") as usize,
        model: text("model"),
        tool_count: number("tools"),
        tool_name: text("tool"),
        text: text("text"),
        end,
    }
}

fn object(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|why| panic!("{json}: {why}"))
}

/// `"user: text"`, `"assistant: text"`, …
pub(super) fn messages(words: &[&str]) -> Vec<Message> {
    let message = |word: &&str| {
        let (role, text) = word.split_once(": ").unwrap_or_else(|| panic!("no message: {word}"));
        Message::new(Role::parse(role).unwrap_or_else(|| panic!("no role: {role}")), text)
    };
    words.iter().map(message).collect()
}

fn question(words: &[&str]) -> Ask {
    match words {
        ["approval", command] => Ask::Approval {
            command: (*command).to_owned(),
            pattern_key: "recursive delete".to_owned(),
            description: "deletes a directory".to_owned(),
            allow_permanent: true,
        },
        ["clarify", question] => Ask::Clarify { question: (*question).to_owned(), choices: None },
        ["clarify", question, choices @ ..] => {
            let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
            Ask::Clarify { question: (*question).to_owned(), choices: Some(choices) }
        }
        ["sudo"] => Ask::Sudo,
        ["secret", env_var, prompt] => {
            Ask::Secret { env_var: (*env_var).to_owned(), prompt: (*prompt).to_owned() }
        }
        _ => panic!("no such question: {words:?}"),
    }
}

/// `complete "text" "reasoning"`, `error "text"`, `interrupted`, `interrupted "text so far"`.
fn end(words: &[&str]) -> TurnEnd {
    let status = match words.first() {
        Some(&"complete") => TurnStatus::Complete,
        Some(&"error") => TurnStatus::Error,
        Some(&"interrupted") => TurnStatus::Interrupted,
        _ => panic!("no such end: {words:?}"),
    };
    let text = words.get(1).map(|text| (*text).to_owned());
    let reasoning = words.get(2).map(|text| (*text).to_owned());
    let answer =
        |text: &String| Message { reasoning: reasoning.clone(), ..Message::new(Role::Assistant, text) };
    let messages = match status {
        TurnStatus::Error => Vec::new(),
        _ => text.iter().map(answer).collect(),
    };
    let usage = match status {
        TurnStatus::Complete => Usage {
            model: "m".to_owned(),
            input: 2314,
            output: 12,
            calls: 1,
            context_used: 2314,
            context_max: 200_000,
            ..Usage::default()
        },
        _ => Usage::default(),
    };
    TurnEnd { status, text, reasoning, usage, messages }
}
