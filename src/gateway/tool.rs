//! What clients are shown of an agent's tools and of its subagents, as `display.tool_progress` has it. Knows
//! nothing of what a tool does.

use serde_json::Value;

use super::Gateway;
use super::io::Now;
use super::turn::Running;
use super::verbose;
use crate::model::agent_event::{Subagent, SubagentKind, ToolExtras};
use crate::model::ids::SessionId;
use crate::wire::event::{Event, SubagentView};

/// A call that is done.
pub(super) struct Done<'a> {
    /// Its id.
    pub(super) tool: &'a str,
    /// The tool's name.
    pub(super) name: &'a str,
    /// JSON as text.
    pub(super) args: &'a str,
    /// As the tool gave it.
    pub(super) result: &'a str,
    pub(super) extras: &'a ToolExtras,
}

impl Gateway {
    pub(super) fn shows_tools(&self) -> bool {
        self.settings.display.tool_progress != "off"
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.settings.display.tool_progress == "verbose"
    }

    pub(super) fn tool_started(
        &mut self,
        now: Now,
        id: SessionId,
        tool: String,
        name: &str,
        context: &str,
        args: &str,
    ) {
        self.break_stream(id);
        if self.shows_tools() {
            let args_text = self.is_verbose().then(|| verbose::tail(args));
            let args_text = args_text.as_deref();
            self.emit(id, &Event::ToolStart { tool_id: &tool, name, context, args_text });
        }
        if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            turn.tools.insert(tool, Running { name: name.to_owned(), started: now.at });
        }
    }

    pub(super) fn tool_completed(&mut self, now: Now, id: SessionId, done: &Done<'_>) {
        self.break_stream(id);
        let turn = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut());
        let started = turn.and_then(|turn| turn.tools.remove(done.tool)).map(|tool| tool.started);
        let Done { tool, name, args, result, extras } = *done;
        // What changed in files is shown to everybody.
        if !self.shows_tools() && extras.inline_diff.is_none() {
            return;
        }
        let result_text = self.is_verbose().then(|| verbose::tail(result));
        let todos: Option<Value> = extras.todos.as_deref().and_then(|todos| serde_json::from_str(todos).ok());
        let event = Event::ToolComplete {
            tool_id: tool,
            name,
            args: &parsed(args),
            duration_s: started.map(|started| (now.at - started).as_secs_f64()),
            result: &parsed(result),
            summary: extras.summary.as_deref(),
            result_text: result_text.as_deref(),
            todos: todos.as_ref(),
            inline_diff: extras.inline_diff.as_deref(),
        };
        self.emit(id, &event);
    }

    /// A subagent of this session did something, in a turn or beside it.
    pub(super) fn subagent_news(&mut self, id: SessionId, subagent: &Subagent) {
        if self.shows_tools() {
            self.emit(id, &Event::Subagent(&view(subagent)));
        }
    }
}

/// JSON where it is that, else text.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn view(subagent: &Subagent) -> SubagentView<'_> {
    let end = subagent.end.as_ref();
    let usage = end.map(|end| &end.usage);
    let is_tool = subagent.kind == SubagentKind::Tool;
    SubagentView {
        event: match subagent.kind {
            SubagentKind::Start => "subagent.start",
            SubagentKind::Thinking => "subagent.thinking",
            SubagentKind::Tool => "subagent.tool",
            SubagentKind::Progress => "subagent.progress",
            SubagentKind::Complete => "subagent.complete",
        },
        goal: &subagent.goal,
        task_count: subagent.task_count,
        task_index: subagent.task_index,
        subagent_id: known(&subagent.id),
        parent_id: subagent.parent.as_deref(),
        child_session_id: subagent.child_key.as_deref(),
        depth: subagent.depth,
        model: known(&subagent.model),
        tool_count: subagent.tool_count,
        tool_name: known(&subagent.tool_name),
        tool_preview: known(&subagent.text).filter(|_| is_tool),
        text: known(&subagent.text),
        status: end.map(|end| end.status),
        summary: end.map(|end| end.summary.as_str()),
        duration_seconds: end.map(|end| end.seconds),
        input_tokens: usage.map(|usage| usage.input),
        output_tokens: usage.map(|usage| usage.output),
        reasoning_tokens: usage.map(|usage| usage.reasoning),
        api_calls: usage.map(|usage| usage.calls),
        files_read: end.map(|end| end.files_read.as_slice()).filter(|files| !files.is_empty()),
        files_written: end.map(|end| end.files_written.as_slice()).filter(|files| !files.is_empty()),
    }
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
