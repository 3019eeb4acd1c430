//! A preview that does not load: an agent beside the conversation brings its server back. It sees the end of
//! the conversation, because there the server was started; nothing of it is stored, and nobody is asked.

use std::path::PathBuf;
use std::sync::Arc;

use super::Gateway;
use super::errand::Aside;
use super::errand_end;
use super::method::{After, Ctx};
use crate::model::errand::Errand;
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::message::{Message, Role};
use crate::model::turn::TurnSpec;
use crate::wire::error::RpcError;
use crate::wire::event::Event;

/// Messages of the conversation that the agent sees, unless its last prompt is further back (the original's).
const MESSAGES_MAX: usize = 24;

/// Characters of a tool's output in them (the original's).
const TOOL_CHARS_MAX: usize = 1_200;

/// Bits of an id.
const TASK_BITS: u32 = 0xff_ffff;

impl Ctx<'_> {
    /// Begins the work and gives its id. `cwd`: where, unless it is the session's directory.
    pub(crate) fn begin_preview(
        &mut self,
        id: SessionId,
        prompt: String,
        cwd: Option<PathBuf>,
    ) -> Result<String, RpcError> {
        let (task, context) = self.gateway.begin_preview(id, prompt, cwd)?;
        // A client knows the id from the reply; so the event follows it.
        self.after(After::PreviewBegun { session: id, task, context });
        Ok(name(task))
    }
}

impl Gateway {
    fn begin_preview(
        &mut self,
        id: SessionId,
        prompt: String,
        cwd: Option<PathBuf>,
    ) -> Result<(u32, usize), RpcError> {
        self.room_for_errand()?;
        let task = loop {
            let task = self.random.next_u32() & TASK_BITS;
            if self.jobs.values().all(|job| !job.is_task(&name(task))) {
                break task;
            }
        };
        let turn = self.take_turn_id();
        let session = self.sessions.get(&id).ok_or_else(RpcError::no_session)?;
        let spec = session.spec(turn, prompt, Vec::new());
        let history = recent(&spec.history);
        let context = history.len();
        let spec = TurnSpec {
            session_key: name(task),
            history: Arc::new(history),
            cwd: cwd.unwrap_or_else(|| session.cwd.clone()),
            ..spec
        };
        let errand = JobSpec::Errand(Box::new(Errand::Background(Box::new(spec))));
        self.send_aside(errand, Aside::Preview { session: id, task: name(task) });
        Ok((task, context))
    }

    /// The first line about it.
    pub(super) fn preview_begun(&mut self, id: SessionId, task: u32, context: usize) {
        let text = match context {
            0 => "Starting an agent that brings the server back".to_owned(),
            count => format!("Starting an agent that brings the server back (it sees {count} messages)"),
        };
        self.emit(id, &Event::PreviewProgress { task_id: &name(task), text: &text });
    }

    /// It is done. Its session may be gone, or without a client. The key of its tools is not closed: that
    /// would end the server it has started. `process.stop` ends it, and so does the end of this process.
    pub(super) fn preview_done(&mut self, id: SessionId, task: &str, result: JobResult) {
        let text = errand_end(result).unwrap_or_else(|why| format!("error: {why}"));
        self.emit(id, &Event::PreviewComplete { task_id: task, text: &text });
    }
}

fn name(task: u32) -> String {
    format!("preview_{task:06x}")
}

/// The end of a conversation: its last prompt with what followed, and what fits before it. The results of
/// tools are short, and none stands without its call.
fn recent(history: &[Message]) -> Vec<Message> {
    let last_prompt = history.iter().rposition(|message| message.role == Role::User);
    let start = history.len().saturating_sub(MESSAGES_MAX);
    let start = last_prompt.map_or(start, |at| start.min(at));
    let kept = history.iter().skip(start).skip_while(|message| message.role == Role::Tool);
    kept.cloned().map(shortened).collect()
}

fn shortened(mut message: Message) -> Message {
    message.reasoning = None;
    if message.role == Role::Tool
        && let Some((at, _)) = message.text.char_indices().nth(TOOL_CHARS_MAX)
    {
        message.text.truncate(at);
        message.text.push_str(" … (cut)");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_conversation_is_kept() {
        let mut history: Vec<Message> = Vec::new();
        for number in 0..10 {
            history.push(Message::new(Role::User, format!("prompt {number}")));
            history.push(Message::new(Role::Assistant, "a"));
            history.push(Message::new(Role::Tool, "ä".repeat(5_000)));
        }
        let kept = recent(&history);
        assert_eq!((kept.len(), kept[0].text.as_str()), (24, "prompt 2"));
        assert!(kept[2].text.chars().count() < 1_300);
        history.drain(..2);
        // The cut would leave a result without its call.
        history.push(Message::new(Role::Assistant, "b"));
        history.push(Message::new(Role::Assistant, "c"));
        assert_eq!(recent(&history)[0].role, Role::User);
        let long: Vec<Message> =
            (0..50).map(|at| Message::new(if at == 3 { Role::User } else { Role::Assistant }, "x")).collect();
        assert_eq!(recent(&long).len(), 47);
        assert!(recent(&[]).is_empty());
    }
}
