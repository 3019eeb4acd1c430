//! Taking messages back: undo, edit and resend, files that go back to what they were. What goes is out of
//! sight in the store too.

use std::sync::Arc;

use super::history::cut_back;
use super::io::Now;
use super::{Gateway, Session};
use crate::model::ids::SessionId;
use crate::model::message::Role;
use crate::model::store::Change;

impl Gateway {
    /// Removes the last exchange: what trails the last prompt, and that prompt. Says how many messages.
    pub(crate) fn undo(&mut self, now: Now, id: SessionId) -> usize {
        let Some(session) = self.sessions.get(&id) else { return 0 };
        let history = &session.history;
        let keep = match history.iter().rposition(|message| message.role == Role::User) {
            Some(at) if history[at..].iter().all(|message| message.role != Role::System) => at,
            _ => return 0,
        };
        self.cut(now, id, keep)
    }

    /// Cuts the history before its `ordinal`-th prompt (from 0); false when there is no such prompt.
    pub(crate) fn truncate_before_prompt(&mut self, now: Now, id: SessionId, ordinal: usize) -> bool {
        let Some(session) = self.sessions.get(&id) else { return false };
        let mut prompts =
            session.history.iter().enumerate().filter(|(_, message)| message.role == Role::User);
        let Some((at, _)) = prompts.nth(ordinal) else { return false };
        self.cut(now, id, at);
        true
    }

    /// Files of the workspace were put back, or not. Removes the last exchange, unless the conversation went
    /// on meanwhile, and says how many messages that were.
    pub(crate) fn end_rollback(&mut self, now: Now, id: SessionId, is_done: bool) -> usize {
        let Some(session) = self.sessions.get_mut(&id) else { return 0 };
        let Some(begun) = session.rolling_back.take() else { return 0 };
        let is_same = Arc::ptr_eq(&begun, &session.history) && !session.is_running();
        drop(begun);
        if is_done && is_same { self.undo(now, id) } else { 0 }
    }

    /// Keeps so many messages; the model sees nothing of the others. Says how many went.
    fn cut(&mut self, now: Now, id: SessionId, keep: usize) -> usize {
        let Some(session) = self.sessions.get_mut(&id) else { return 0 };
        let removed = session.history.get(keep..).unwrap_or_default();
        let Some(first) = removed.first() else { return 0 };
        let (messages, prompt) = (removed.len(), first.text.clone());
        let had_context = session.context.is_some();
        session.context = session.context.take().and_then(|context| cut_back(&context, removed));
        Arc::make_mut(&mut session.history).truncate(keep);
        let context = session.context.clone();
        self.record(now, id, Change::Cut { messages, prompt });
        if had_context {
            self.record(now, id, Change::Context(context));
        }
        // It belonged to what was taken back.
        self.drop_restored(now, id);
        messages
    }
}

impl Session {
    /// Files of the workspace are being put back. When that is done, the last exchange goes with them.
    pub fn begin_rollback(&mut self) {
        self.rolling_back = Some(Arc::clone(&self.history));
    }
}
