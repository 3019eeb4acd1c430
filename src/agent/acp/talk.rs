//! What an agent says in a turn, as events for the gateway and as messages of the conversation. Knows no
//! connection: it is told the updates of `session/update`, and how the turn ended.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::call::{ToolCallState, block_text};
use super::failure::Failure;
use super::terminals::Terminals;
use crate::agent::AgentIo;
use crate::base::mask::mask;
use crate::model::agent_event::{AgentEvent, ToolExtras};
use crate::model::label::short_line;
use crate::model::message::{Message, Role};
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::tools::{Args, Call, Desk, Host, find};

/// Most calls of a turn that are open at once, and most of a turn; what is beyond is not shown.
const OPEN_MAX: usize = 256;
const CALLS_MAX: usize = 4_096;

/// Longest id of a call, in bytes.
const ID_BYTES_MAX: usize = 256;

/// What text that follows tools begins with, so that it does not run into what was said before, as with our
/// own agent.
const AFTER_TOOLS: &str = "\n\n";

/// The tool that keeps our plans.
const PLAN: &str = "todo";

/// What the history holds for an answer without text, as with our own agent.
const EMPTY: &str = "(empty)";

/// What a call came to that the turn's end cut off.
const NOT_FINISHED: &str = r#"{"error":"Not finished: the turn ended."}"#;

/// A turn's talk.
pub(super) struct Talk<'a> {
    turn: &'a TurnSpec,
    io: &'a AgentIo,
    /// Ids of calls that the conversation has.
    ids: HashSet<String>,
    open: Vec<ToolCallState>,
    /// What the agent calls those of this turn that are done.
    done: HashSet<String>,
    calls: usize,
    /// What is part of the conversation already.
    said: Vec<Message>,
    /// What was said and thought since.
    text: String,
    reasoning: String,
    /// Tools ran since text was said.
    is_after_tools: bool,
    /// The last plan, and how many there were.
    plan: Value,
    plans: usize,
    /// The agent was asked.
    pub(super) is_asked: bool,
    /// What the agent calls its model, or else itself.
    pub(super) name: String,
    /// Tokens of the context that are taken, and how many there may be; 0 where that is not known.
    pub(super) context: (u64, u64),
}

impl<'a> Talk<'a> {
    /// Nothing was said yet.
    pub(super) fn new(turn: &'a TurnSpec, io: &'a AgentIo) -> Self {
        let calls = turn.history.iter().flat_map(|message| &message.calls);
        Self {
            turn,
            io,
            ids: calls.map(|call| call.id.clone()).collect(),
            open: Vec::new(),
            done: HashSet::new(),
            calls: 0,
            said: Vec::new(),
            text: String::new(),
            reasoning: String::new(),
            is_after_tools: false,
            plan: Value::Null,
            plans: 0,
            is_asked: false,
            name: String::new(),
            context: (0, 0),
        }
    }

    /// Takes an update. Kinds that are unknown, or say nothing to people, are passed over.
    pub(super) fn update(&mut self, update: &Value, terminals: &Terminals, desk: &Desk, host: &dyn Host) {
        match update.get("sessionUpdate").and_then(Value::as_str).unwrap_or_default() {
            "agent_message_chunk" => {
                if let Some(text) = update.get("content").and_then(block_text) {
                    self.say(text);
                }
            }
            "agent_thought_chunk" => {
                if let Some(text) = update.get("content").and_then(block_text).filter(|text| !text.is_empty())
                {
                    self.reasoning.push_str(&text);
                    self.io.emit(AgentEvent::Reasoning(text.into()));
                }
            }
            "tool_call" | "tool_call_update" => self.tool_call(update, terminals),
            "plan" => self.plan(update, desk, host),
            other => log::debug!("an agent's update is passed over: {}", short_line(&mask(other))),
        }
    }

    /// An open call, for a question about it.
    pub(super) fn known_call(&self, agent_id: &str) -> Option<&ToolCallState> {
        self.open.iter().find(|call| call.agent_id == agent_id)
    }

    fn say(&mut self, mut text: String) {
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.is_after_tools) && !text.starts_with('\n') {
            text.insert_str(0, AFTER_TOOLS);
        }
        self.text.push_str(&text);
        self.io.emit(AgentEvent::Text(text.into()));
    }

    fn tool_call(&mut self, update: &Value, terminals: &Terminals) {
        let Some(agent_id) = update.get("toolCallId").and_then(Value::as_str) else { return };
        let is_update = update.get("sessionUpdate").is_some_and(|kind| kind == "tool_call_update");
        let at = match self.open.iter().position(|call| call.agent_id == agent_id) {
            Some(at) => {
                if let Some(call) = self.open.get_mut(at) {
                    call.take(update);
                }
                at
            }
            // A late word about a call that is done is no call.
            None if is_update && self.done.contains(agent_id) => return,
            // Some agents begin a call by what is to be news of one.
            None if update.get("title").is_some_and(Value::is_string) => match self.begin(agent_id, update) {
                Some(at) => at,
                None => return,
            },
            None => return,
        };
        match update.get("status").and_then(Value::as_str) {
            Some("completed") => self.complete(at, false, terminals),
            Some("failed") => self.complete(at, true, terminals),
            _ => {}
        }
    }

    /// A call begins; its place, unless there are too many.
    fn begin(&mut self, agent_id: &str, update: &Value) -> Option<usize> {
        if self.open.len() >= OPEN_MAX || self.calls >= CALLS_MAX || agent_id.len() > ID_BYTES_MAX {
            log::debug!("a tool call of an agent is one too many, or its id is too long");
            return None;
        }
        self.calls += 1;
        // Agents may number their calls from 1 in every session, and call one again.
        let mut id = agent_id.to_owned();
        let mut number = 1;
        while !self.ids.insert(id.clone()) {
            number += 1;
            id = format!("{agent_id}-{number}");
        }
        let call = ToolCallState::new(agent_id, id, update);
        self.io.emit(AgentEvent::ToolStart {
            id: call.id.clone(),
            name: call.name.clone(),
            context: call.title.clone(),
            args: call.arguments(),
        });
        self.open.push(call);
        Some(self.open.len() - 1)
    }

    fn complete(&mut self, at: usize, has_failed: bool, terminals: &Terminals) {
        if at >= self.open.len() {
            return;
        }
        let call = self.open.remove(at);
        let outcome = call.outcome(has_failed, terminals, &self.turn.cwd);
        self.completed(&call, outcome.result, outcome.extras);
    }

    /// A call is done: it becomes part of the conversation with what was said before.
    fn completed(&mut self, call: &ToolCallState, result: String, extras: ToolExtras) {
        let text = std::mem::take(&mut self.text).trim().to_owned();
        let messages = call.messages(text, self.take_reasoning(), &result);
        self.io.emit(AgentEvent::ToolComplete {
            id: call.id.clone(),
            name: call.name.clone(),
            args: call.arguments(),
            result,
            extras: Box::new(extras),
        });
        self.io.emit(AgentEvent::Said(messages.clone()));
        self.said.extend(messages);
        self.done.insert(call.agent_id.clone());
        self.is_after_tools = true;
    }

    /// A plan is shown as that of our own agent. It is no tool of the agent's, so that it is not kept as one.
    fn plan(&mut self, update: &Value, desk: &Desk, host: &dyn Host) {
        let Some(entries) = update.get("entries").filter(|entries| entries.is_array()) else { return };
        if self.plan == *entries || self.plans >= CALLS_MAX {
            return;
        }
        self.plan.clone_from(entries);
        self.plans += 1;
        // Without ids the items are numbered; ids of a plan before would be taken for the same items.
        let args = json!({ "todos": entries }).to_string();
        let (Some(tool), Some(parsed)) = (find(PLAN), Args::parse(&args)) else { return };
        let result = tool.call(&Call { args: &parsed, desk, host });
        let told: Value = serde_json::from_str(&result).unwrap_or_default();
        let Some(todos) = told.get("todos").map(Value::to_string) else { return };
        let args = format!("{{\"todos\":{todos}}}");
        let (id, name) = (format!("plan-{}", self.plans), PLAN.to_owned());
        let context = parsed.label(PLAN);
        self.io.emit(AgentEvent::ToolStart {
            id: id.clone(),
            name: name.clone(),
            context,
            args: args.clone(),
        });
        let extras = Box::new(ToolExtras { todos: Some(todos), ..ToolExtras::default() });
        self.io.emit(AgentEvent::ToolComplete { id, name, args, result, extras });
    }

    fn take_reasoning(&mut self) -> Option<String> {
        let reasoning = std::mem::take(&mut self.reasoning);
        let reasoning = reasoning.trim();
        (!reasoning.is_empty()).then(|| reasoning.to_owned())
    }

    /// The end of the turn.
    pub(super) fn end(mut self, outcome: Result<Value, Failure>) -> TurnEnd {
        for call in std::mem::take(&mut self.open) {
            self.completed(&call, NOT_FINISHED.to_owned(), ToolExtras::default());
        }
        let stop = match &outcome {
            Ok(answer) => answer.get("stopReason").and_then(Value::as_str).unwrap_or_default(),
            Err(_) => "",
        };
        let (status, warning) = match &outcome {
            _ if self.io.interrupted() => (TurnStatus::Interrupted, None),
            Err(Failure::Interrupted) => (TurnStatus::Interrupted, None),
            Err(failure) => (TurnStatus::Error, Some(failure.to_string())),
            Ok(_) => match stop {
                "cancelled" => (TurnStatus::Interrupted, None),
                "refusal" => (TurnStatus::Error, Some("The agent refuses to go on.".to_owned())),
                "max_tokens" => (
                    TurnStatus::Complete,
                    Some("The answer was cut off at the model's output limit.".to_owned()),
                ),
                "max_turn_requests" => {
                    (TurnStatus::Complete, Some("The agent asked its model as often as it may.".to_owned()))
                }
                _ => (TurnStatus::Complete, None),
            },
        };
        let usage = outcome.as_ref().map(used).unwrap_or_default();
        self.ended(status, warning, usage)
    }

    fn ended(mut self, status: TurnStatus, warning: Option<String>, used: Usage) -> TurnEnd {
        let reasoning = self.take_reasoning();
        let tail = self.text.trim().to_owned();
        let mut messages = std::mem::take(&mut self.said);
        if !tail.is_empty() {
            let message = Message::new(Role::Assistant, tail.as_str());
            messages.push(Message { reasoning: reasoning.clone(), ..message });
        } else if status == TurnStatus::Complete {
            messages.push(Message::new(Role::Assistant, EMPTY));
        } else if !messages.is_empty() {
            // The next prompt must not follow a tool's result: the roles alternate.
            let why = match status {
                TurnStatus::Interrupted => "Operation interrupted.",
                TurnStatus::Complete | TurnStatus::Error => "Operation failed.",
            };
            messages.push(Message::new(Role::Assistant, why));
        }
        let mut text = Some(tail).filter(|tail| !tail.is_empty());
        match (status, warning) {
            (TurnStatus::Error, Some(why)) if text.is_none() => text = Some(format!("Error: {why}")),
            (_, Some(text)) => self.io.emit(AgentEvent::Status { kind: "warn", text }),
            (_, None) => {}
        }
        let text = text.or_else(|| {
            Some(match status {
                TurnStatus::Interrupted => "Operation interrupted.".to_owned(),
                TurnStatus::Complete | TurnStatus::Error => {
                    "⚠️ No reply: the agent returned an empty answer. Try again or rephrase.".to_owned()
                }
            })
        });
        let (calls, (context_used, context_max)) = (u64::from(self.is_asked), self.context);
        let usage = Usage { model: self.name, calls, context_used, context_max, ..used };
        TurnEnd { status, text, reasoning, usage, messages }
    }
}

/// What the turn took, where the agent says so. What it read from a cache is part of the prompt; some agents
/// count it among the input, and then their sum says so.
fn used(answer: &Value) -> Usage {
    let tokens =
        |name: &str| answer.get("usage").and_then(|usage| usage.get(name)?.as_u64()).unwrap_or_default();
    let (input, output, reasoning) = (tokens("inputTokens"), tokens("outputTokens"), tokens("thoughtTokens"));
    let whole = input.saturating_add(tokens("cachedReadTokens")).saturating_add(tokens("cachedWriteTokens"));
    let is_apart = whole.saturating_add(output) <= tokens("totalTokens");
    Usage { input: if is_apart { whole } else { input }, output, reasoning, ..Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_counted_once() {
        let used = |total: u64| {
            used(
                &json!({"usage": {"inputTokens": 10, "outputTokens": 5, "cachedReadTokens": 90, "thoughtTokens": 2,
                "totalTokens": total}}),
            )
        };
        assert_eq!((used(15).input, used(105).input, used(105).output, used(15).reasoning), (10, 100, 5, 2));
        assert_eq!(super::used(&json!({"usage": {"inputTokens": -1}})), Usage::default());
        assert_eq!(super::used(&json!({"stopReason": "end_turn"})), Usage::default());
    }
}
