//! What of a session is recorded, and when: the other half of every change that has to outlive the process. A
//! session is recorded from its first prompt or title on; until then it costs the store nothing.
//!
//! A reply leaves once everything recorded before it is kept (`dispatch`), so that what a client was told is
//! so.

use std::path::PathBuf;
use std::sync::Arc;

use super::deadlines::Timer;
use super::history::interrupted_tail;
use super::io::{Now, Output};
use super::session::Queued;
use super::{Gateway, Session};
use crate::limits::CHECKPOINT_INTERVAL;
use crate::model::ids::SessionId;
use crate::model::message::{Message, Role};
use crate::model::store::{Change, Record, Row};

/// What the store has of a prompt that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kept {
    /// Nothing: it is no person's.
    Nothing,
    /// It is part of the conversation already.
    Message,
    /// That it waits, under this number.
    Waiting(u64),
}

impl Gateway {
    /// Records a change, if the store knows the session.
    pub(crate) fn record(&mut self, now: Now, id: SessionId, change: Change) {
        let Some(session) = self.sessions.get(&id).filter(|session| session.stored) else { return };
        let key = session.key.as_str().into();
        let record = Record { profile: session.profile.clone(), key, at: now.wall, change };
        self.recorded = true;
        self.outputs.push_back(Output::Record(Box::new(record)));
    }

    /// From here on the store knows the session, with all that was said in it so far.
    pub(crate) fn begin_record(&mut self, now: Now, id: SessionId) {
        let row = self.row(id);
        let (Some(row), Some(session)) = (row, self.sessions.get_mut(&id)) else { return };
        if std::mem::replace(&mut session.stored, true) {
            return;
        }
        let (history, titled) = (Arc::clone(&session.history), session.title.is_some());
        self.record(now, id, Change::Begin(Box::new(row)));
        if !history.is_empty() {
            self.record(now, id, Change::Append(history.as_ref().clone()));
        }
        if titled {
            self.store_title(id);
        }
    }

    /// The session's row, as it begins.
    pub(crate) fn row(&self, id: SessionId) -> Option<Row> {
        let session = self.sessions.get(&id)?;
        Some(Row {
            key: session.key.as_str().into(),
            source: session.source.clone(),
            model: self.stored_model(session),
            provider: self.provider_of(Some(session)).to_owned(),
            cwd: session.cwd_chosen.then(|| session.cwd.display().to_string()),
            branched_from: session.branched_from.clone(),
            started_at: session.begun,
        })
    }

    /// The session's model as it is stored. What the agent of another program has by itself is no choice of a
    /// person's, which a resumed session would hold it to.
    fn stored_model(&self, session: &Session) -> String {
        match (&self.setup.other_agent, &session.model) {
            (Some(_), Some(chosen)) => chosen.name.clone(),
            (Some(agent), None) => agent.clone(),
            (None, _) => self.model_of(Some(session)),
        }
    }

    /// A prompt waits for the running turn; it must not be lost with the process. Where somebody stands in front
    /// who submits it again, it would be there twice.
    pub(super) fn keep_waiting(&mut self, now: Now, id: SessionId, text: &str, images: &[PathBuf]) -> Kept {
        if self.setup.fronted {
            return Kept::Nothing;
        }
        let number = self.next_waiting;
        self.next_waiting += 1;
        let change = Change::Wait { number, text: text.to_owned(), images: images.to_vec() };
        self.record(now, id, change);
        Kept::Waiting(number)
    }

    /// It waits no more.
    pub(super) fn wait_over(&mut self, now: Now, id: SessionId, kept: Kept) {
        if let Kept::Waiting(number) = kept {
            self.record(now, id, Change::WaitOver { number });
        }
    }

    /// A prompt becomes part of the conversation, before its turn says anything. A conversation that a crash
    /// cut off is brought to an end first, so that roles alternate and the model knows why there is no
    /// answer.
    pub(super) fn keep_prompt(&mut self, now: Now, id: SessionId, prompt: &Queued) {
        self.begin_record(now, id);
        self.drop_restored(now, id);
        if let Some(session) = self.sessions.get_mut(&id) {
            let tail = interrupted_tail(&session.history);
            if !tail.is_empty() {
                if let Some(context) = &mut session.context {
                    Arc::make_mut(context).extend(tail.iter().cloned());
                }
                Arc::make_mut(&mut session.history).extend(tail.iter().cloned());
                self.record(now, id, Change::Append(tail));
            }
        }
        let images = prompt.images.clone();
        let message = Message { images, ..Message::new(Role::User, prompt.text.as_str()) };
        self.record(now, id, Change::Append(vec![message]));
        self.wait_over(now, id, prompt.kept);
    }

    /// A session goes: what it still holds is written into the conversation, where the next to resume it
    /// finds it.
    pub(super) fn keep_rest(&mut self, now: Now, id: SessionId, reason: &'static str) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let mut rest = session.turn.as_ref().map(|turn| turn.unsaid()).unwrap_or_default();
        let steered = session.turn.as_mut().map(|turn| std::mem::take(&mut turn.steered)).unwrap_or_default();
        let waiting: Vec<Queued> = steered.into_iter().chain(session.queue.drain(..)).collect();
        let prompt = |prompt: &Queued| Message {
            images: prompt.images.clone(),
            ..Message::new(Role::User, prompt.text.as_str())
        };
        rest.extend(waiting.iter().filter(|prompt| prompt.resumed.is_none()).map(prompt));
        if !rest.is_empty() {
            self.record(now, id, Change::Append(rest));
        }
        for prompt in waiting {
            self.wait_over(now, id, prompt.kept);
        }
        self.record(now, id, Change::End(reason));
    }

    /// Text was streamed: it is recorded a little later, with that of all other turns.
    pub(super) fn want_checkpoint(&mut self, now: Now) {
        if !std::mem::replace(&mut self.checkpoint_set, true) {
            self.deadlines.set(Timer::Checkpoint, now.at + CHECKPOINT_INTERVAL);
        }
    }

    /// Without a turn there is nothing to record a little later.
    pub(super) fn rest_checkpoint(&mut self) {
        if self.turns.is_empty() && std::mem::take(&mut self.checkpoint_set) {
            self.deadlines.clear(Timer::Checkpoint);
        }
    }

    /// What was streamed since the last time goes to the store.
    pub(super) fn checkpoint(&mut self, now: Now) {
        self.checkpoint_set = false;
        let running: Vec<SessionId> = self.turns.values().copied().collect();
        let mut grown: Vec<(SessionId, String)> = Vec::new();
        for id in running {
            let turn = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut());
            if let Some(piece) = turn.and_then(|turn| turn.take_unkept()) {
                grown.push((id, piece));
            }
        }
        grown.sort_unstable_by_key(|(id, _)| *id);
        for (id, piece) in grown {
            self.record(now, id, Change::Streamed(piece));
        }
    }
}

impl Session {
    /// Whether a question is open that outlived the process that asked it.
    pub(super) fn has_restored(&self) -> bool {
        self.restored.is_some()
    }
}
