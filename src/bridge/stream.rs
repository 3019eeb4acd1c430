//! Text that streams through: kept while its turn runs, so that a client that comes later or reads slowly
//! gets the same text as the others.

use super::Bridge;
use super::host::is_ours;
use super::session::PromptState;
use crate::base::textlog::TextLog;
use crate::gateway::io::{Now, Output};
use crate::limits::TURN_TEXT_MAX;
use crate::model::ids::SessionId;
use crate::wire::delta::{Delta, DeltaKind};
use crate::wire::upstream::HostDelta;

/// A turn that runs in a host.
#[derive(Debug)]
pub(super) struct Turn {
    /// The visible answer so far.
    pub(super) text: TextLog,
    reasoning: TextLog,
    /// The stream that the last delta belonged to; `None` after anything else, so that the next delta leads.
    pub(super) stream: Option<DeltaKind>,
    /// Whether all of the answer is in `text`.
    pub(super) is_whole: bool,
    /// Where in `text` stands what the host has stored, as far as can be seen: the original does so behind each
    /// tool.
    pub(super) stored: usize,
    /// What went with its prompt, in a host that binds images to prompts.
    images: Vec<Box<str>>,
}

impl Default for Turn {
    /// One that was seen to begin nowhere: what it said before is not known.
    fn default() -> Self {
        Self {
            text: TextLog::default(),
            reasoning: TextLog::default(),
            stream: None,
            is_whole: false,
            stored: 0,
            images: Vec::new(),
        }
    }
}

impl Turn {
    /// Whether it was seen to begin, or to say something.
    pub(super) fn has_begun(&self) -> bool {
        self.is_whole || !self.text.is_empty()
    }

    /// One that begins now.
    pub(super) fn begun() -> Self {
        Self { is_whole: true, ..Self::default() }
    }
}

impl Bridge {
    /// A host streams.
    pub(super) fn host_streams(&mut self, now: Now, host: u32, delta: HostDelta) {
        let id = self.hosts.get(&host).and_then(|host| host.names.get(&*delta.session)).copied();
        let Some(session) = id.and_then(|id| self.sessions.get_mut(&id)) else {
            self.stale += 1;
            return;
        };
        let (id, kind) = (session.id, delta.kind);
        let begins = session.turn.is_none();
        let turn = session.turn.get_or_insert_default();
        if turn.text.len() + turn.reasoning.len() + delta.text.len() > TURN_TEXT_MAX {
            // Who still reads the old text holds it.
            (turn.text, turn.reasoning) = (TextLog::default(), TextLog::default());
            (turn.stream, turn.is_whole, turn.stored) = (None, false, 0);
        }
        let leading = turn.stream.replace(kind) != Some(kind);
        let log = if kind == DeltaKind::Message { &turn.text } else { &turn.reasoning };
        let range = log.append(&delta.text);
        let number = session.replay.text(&mut self.replays, kind, log, &range);
        let (log, cuts) = (log.clone(), delta.text.into_cuts());
        for client in &session.clients {
            let reads = self.clients.get(client).is_some_and(|client| client.reads_numbers);
            let (log, range, cuts) = (log.clone(), range.clone(), cuts.clone());
            let delta = Delta { kind, session: id, log, range, cuts, seq: number.filter(|_| reads) };
            self.outputs.push_back(Output::Delta { client: *client, delta, leading });
        }
        if number.is_some() {
            self.bound_replay();
        }
        if begins {
            self.watch_orphan(now, id);
        }
    }

    /// A turn begins in a host: whatever prompt is due is not to be submitted again.
    pub(super) fn turn_begins(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // The original says it twice for turns that nobody asked for.
        let is_new = session.turn.as_ref().is_none_or(|turn| !turn.text.is_empty() || !turn.is_whole);
        if !is_new {
            return;
        }
        self.turns += 1;
        let queues = is_ours(&self.hosts, session.host);
        let images = session.begin_prompts(queues);
        session.turn = Some(Turn { images, ..Turn::begun() });
        session.began = self.next_number;
        if !queues {
            // It took all that waited, whoever asked for it.
            session.images.consume();
        }
        self.watch_orphan(now, id);
    }

    /// A prompt failed before its turn began, or the model refused it: then a host that binds images to prompts
    /// has them wait for the next one again.
    pub(super) fn turn_fails(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(turn) = session.turn.as_mut().filter(|turn| turn.has_begun()) {
            let images = std::mem::take(&mut turn.images);
            return session.images.take_back(images);
        }
        if session.prompts.pop_front_if(|prompt| prompt.state == PromptState::Direct).is_some() {
            self.turn_ends(now, id);
            self.submit_waiting(now, id);
        }
    }

    /// It is over.
    pub(super) fn turn_ends(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.turn.take().is_none() {
            return;
        }
        session.questions.clear();
        session.replay.turn_over(&mut self.replays);
        self.questions.retain(|_, of| *of != id);
        self.watch_orphan(now, id);
        self.submit_waiting(now, id);
    }
}
