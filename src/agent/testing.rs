//! For tests only: runs an agent on a thread, as the supervisor will, and collects what it says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Agent, AgentControl, agent_io};
use crate::base::switch::Switch;
use crate::model::agent_event::AgentEvent;
use crate::model::ids::{SessionId, TurnId};
use crate::model::message::Message;
use crate::model::turn::{TurnEnd, TurnSpec};
use crate::reactor::joining::joining_mailbox;
use crate::reactor::mailbox::{Mail, lone_bell};

/// Longer than any test turn takes on the slowest machine; a turn that is still running is a bug.
const DEADLINE: Duration = Duration::from_secs(60);

/// Events that may wait: a flood has to block, not grow. None is joined, so that each is seen.
const MAILBOX: usize = 256;

/// A turn with this prompt and no history.
pub(crate) fn turn(prompt: &str) -> TurnSpec {
    turn_after(Vec::new(), prompt)
}

/// A turn with a conversation before it.
pub(crate) fn turn_after(history: Vec<Message>, prompt: &str) -> TurnSpec {
    TurnSpec {
        turn: TurnId(1),
        session: SessionId::from_bits(1),
        session_key: String::from("test"),
        prompt: prompt.to_owned(),
        expands: false,
        images: Vec::new(),
        history: Arc::new(history),
        cwd: PathBuf::from("/"),
        model: None,
        yolo: Switch::default(),
        profile: None,
        resumed: None,
    }
}

/// Runs `agent` to its end. `watch` sees every event as it comes and may answer or interrupt.
pub(crate) fn run(
    mut agent: impl Agent + 'static,
    turn: TurnSpec,
    mut watch: impl FnMut(&AgentEvent, &AgentControl),
) -> (Vec<AgentEvent>, TurnEnd) {
    let (_poll, bell) = lone_bell().unwrap();
    let (sender, receiver) = joining_mailbox(&bell, MAILBOX, 1);
    let (io, control) = agent_io(sender);
    let thread = std::thread::spawn(move || agent.run(&turn, &io));
    let deadline = Instant::now() + DEADLINE;
    let mut events = Vec::new();
    loop {
        match receiver.take() {
            Mail::Item(event) | Mail::Newest(event) => {
                watch(&event, &control);
                events.push(event);
            }
            Mail::Empty => {
                assert!(Instant::now() < deadline, "the turn does not end; so far: {events:?}");
                std::thread::sleep(Duration::from_millis(1));
            }
            Mail::Closed => return (events, thread.join().unwrap()),
        }
    }
}

/// The joined pieces of text.
pub(crate) fn text_of(events: &[AgentEvent]) -> String {
    events
        .iter()
        .filter_map(|event| if let AgentEvent::Text(text) = event { Some(text.as_str()) } else { None })
        .collect()
}

/// The joined pieces of reasoning.
pub(crate) fn reasoning_of(events: &[AgentEvent]) -> String {
    events
        .iter()
        .filter_map(|event| if let AgentEvent::Reasoning(text) = event { Some(text.as_str()) } else { None })
        .collect()
}

/// The status lines, as `kind: text`.
pub(crate) fn statuses_of(events: &[AgentEvent]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| {
            if let AgentEvent::Status { kind, text } = event { Some(format!("{kind}: {text}")) } else { None }
        })
        .collect()
}
