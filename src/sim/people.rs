//! Clients that are not there, and the people before them: who is connected, what they know, what they see.
//! They learn only from the bytes they receive.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::call::{Call, Sent};
use super::dice::Dice;
use super::fault::Fault;
use super::net::Found;
use super::owed::Heard;
use super::said::{Outcome, Piece, Said};
use super::world::World;
use crate::gateway::AskKind;
use crate::limits::{DOCUMENT_BYTES_MAX, TURN_TEXT_MAX};
use crate::model::ids::SessionId;
use crate::transport::ws::{Binary, Decoder, Event, Opcode, append_masked_frame};

/// What a client sends to become a client. The head of a real one is no subject of the simulation.
pub(super) const HEAD: &[u8] = b"GET\n";

/// What it gets.
pub(super) const WELCOME: &[u8] = b"OK\n";

/// Bytes a person sends ahead of the network at most; then they wait.
const UNSENT_MAX: usize = 40_000;

/// One person and their client.
#[derive(Default)]
pub(super) struct Person {
    pub(super) conn: Option<Conn>,
    /// Sessions they know of, with stored keys.
    pub(super) known: Vec<(SessionId, String)>,
    /// Questions they were shown and have not seen closed.
    pub(super) seen: Vec<Seen>,
    views: BTreeMap<SessionId, View>,
    /// Reads nothing.
    pub(super) stalled: bool,
    /// Answers no pings.
    pub(super) deaf: bool,
}

/// A question on the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    pub(super) session: SessionId,
    pub(super) request: u32,
    pub(super) kind: AskKind,
}

/// A running turn on the screen.
#[derive(Debug)]
struct View {
    text: String,
    /// Whether they saw it from the start, or were told what they had missed.
    whole: bool,
}

/// A connection as its client sees it.
pub(super) struct Conn {
    pub(super) sock: usize,
    /// What the network had no room for yet.
    out: Vec<u8>,
    /// Bytes of the welcome that have not come.
    welcome: usize,
    decoder: Decoder,
    /// Bytes of the head that were sent.
    head: usize,
    ready: bool,
    pub(super) waiting: BTreeMap<u64, Rc<Sent>>,
    /// Requests that are answered in the order in which they were asked.
    inline: VecDeque<u64>,
    pub(super) leaving: bool,
}

impl Conn {
    pub(super) fn new(sock: usize) -> Self {
        Self {
            sock,
            out: Vec::new(),
            welcome: WELCOME.len(),
            decoder: Decoder::for_client(DOCUMENT_BYTES_MAX * 8, Binary::Refuse),
            head: 0,
            ready: false,
            waiting: BTreeMap::new(),
            inline: VecDeque::new(),
            leaving: false,
        }
    }

    /// Whether it may speak.
    pub(super) fn is_open(&self) -> bool {
        self.head == HEAD.len() && !self.leaving && self.out.len() < UNSENT_MAX
    }

    /// Bytes the network had no room for.
    #[cfg(test)]
    pub(super) fn unsent(&self) -> usize {
        self.out.len()
    }

    pub(super) fn needs_head(&self) -> bool {
        self.head < HEAD.len()
    }

    /// Sends some of the head, or all of it.
    pub(super) fn send_head(&mut self, most: usize) {
        let end = (self.head + most).min(HEAD.len());
        self.out.extend_from_slice(&HEAD[self.head..end]);
        self.head = end;
    }

    pub(super) fn send(&mut self, opcode: Opcode, payload: &[u8], mask: u32) {
        append_masked_frame(&mut self.out, opcode, payload, mask.to_le_bytes());
    }

    /// Sends bytes that are no frame of ours.
    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Remembers that an answer is due.
    pub(super) fn asked(&mut self, sent: &Rc<Sent>) {
        let Some(id) = sent.id else { return };
        self.waiting.insert(id, Rc::clone(sent));
        if sent.call.is_inline() {
            self.inline.push_back(id);
        }
    }

    /// An answer came; the error says what is wrong with that.
    fn answered(&mut self, id: u64) -> Result<Rc<Sent>, String> {
        let sent = self.waiting.remove(&id).ok_or_else(|| format!("request {id} is answered twice"))?;
        if sent.call.is_inline() {
            match self.inline.pop_front() {
                Some(first) if first == id => {}
                first => return Err(format!("request {id} is answered before {first:?}")),
            }
        }
        Ok(sent)
    }
}

/// What reading led to.
enum Read {
    More,
    Over,
}

impl World {
    /// Hands the network what it has room for.
    pub(super) fn pump(&mut self, person: usize) {
        if let Some(conn) = &mut self.people[person].conn {
            let count = self.net.client_write(conn.sock, &conn.out);
            conn.out.drain(..count);
        }
    }

    /// A person reads at most `most` bytes; false when there were none.
    pub(super) fn read_some(&mut self, person: usize, most: usize) -> bool {
        let Some(conn) = &mut self.people[person].conn else { return false };
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        let (sock, found) = (conn.sock, self.net.client_read(conn.sock, most, &mut bytes));
        let read = match found {
            Found::Nothing => Read::More,
            Found::End => Read::Over,
            Found::Bytes(_) => {
                self.trace.bytes(&bytes);
                let skip = conn.welcome.min(bytes.len());
                conn.welcome -= skip;
                self.take_in(person, sock, &mut bytes[skip..])
            }
        };
        self.scratch = bytes;
        if matches!(read, Read::Over) {
            self.lose(person);
        }
        matches!(found, Found::Bytes(_))
    }

    /// The connection is over for its client. It will have to find its way back.
    pub(super) fn lose(&mut self, person: usize) {
        let someone = &mut self.people[person];
        someone.seen.clear();
        someone.views.clear();
        someone.stalled = false;
        someone.deaf = false;
        if let Some(conn) = someone.conn.take() {
            self.net.client_gone(conn.sock);
        }
    }

    fn take_in(&mut self, person: usize, sock: usize, mut bytes: &mut [u8]) -> Read {
        loop {
            let Some(conn) = &mut self.people[person].conn else { return Read::Over };
            match conn.decoder.decode(&mut bytes) {
                Ok(None) => return Read::More,
                Ok(Some(Event::Text(text))) => {
                    let mut lost = Vec::new();
                    let heard = self.owed[sock].received(text.as_bytes(), &mut lost);
                    for session in lost {
                        self.people[person].views.remove(&session);
                    }
                    match heard {
                        Ok(heard) => self.hear(person, heard),
                        Err(what) => self.model.fail(|| what),
                    }
                }
                Ok(Some(Event::Ping(payload))) if !self.people[person].deaf => {
                    if let Some(conn) = &mut self.people[person].conn {
                        conn.send(Opcode::Pong, &payload, 0);
                    }
                }
                Ok(Some(Event::Close { .. })) => return Read::Over,
                Ok(Some(_)) => {}
                Err(violation) => {
                    self.model.fail(|| format!("the server broke the protocol: {violation}"));
                    return Read::Over;
                }
            }
        }
    }

    fn hear(&mut self, person: usize, heard: Heard) {
        let result = match heard {
            Heard::Text(piece) => self.people[person].read_text(piece),
            Heard::Frame(said) => {
                if let Said::Reply { outcome: Outcome::Created { session, key }, .. } = &*said {
                    self.directory.push((*session, key.clone()));
                }
                self.people[person].read(&said, self.plan.bounds.turn_text)
            }
        };
        if let Err(what) = result {
            self.model.fail(|| format!("person {person}: {what}"));
        }
    }
}

impl Person {
    fn read_text(&mut self, piece: Piece) -> Result<(), String> {
        if piece.visible {
            let view = self.views.entry(piece.session).or_insert(View { text: String::new(), whole: false });
            view.text.push_str(&piece.text);
        }
        Ok(())
    }

    fn read(&mut self, said: &Said, turn_text: usize) -> Result<(), String> {
        let Some(conn) = &mut self.conn else { return Err("reads without a connection".to_owned()) };
        if std::mem::replace(&mut conn.ready, true) == (*said == Said::Ready) {
            return Err(format!("gateway.ready is the first frame and comes once; this was {said:?}"));
        }
        match said {
            Said::Ready | Said::Event { .. } | Said::Notice { .. } => {}
            Said::Reply { id: None, .. } => {}
            Said::Reply { id: Some(id), outcome } => {
                let sent = conn.answered(*id)?;
                self.read_reply(&sent, outcome);
            }
            Said::Start(session) => {
                self.views.insert(*session, View { text: String::new(), whole: true });
            }
            Said::Complete { session, text, .. } => {
                self.seen.retain(|seen| seen.session != *session);
                if let Some(view) = self.views.remove(session) {
                    view.compare(text.as_deref().unwrap_or_default(), turn_text)?;
                }
            }
            Said::Ask { session, request, kind, .. } => {
                let seen = Seen { session: *session, request: *request, kind: *kind };
                if !self.seen.contains(&seen) {
                    self.seen.push(seen);
                }
            }
        }
        Ok(())
    }

    fn read_reply(&mut self, sent: &Sent, outcome: &Outcome) {
        match (&sent.call, outcome) {
            (_, Outcome::Created { session, key }) => self.known.push((*session, key.clone())),
            (_, Outcome::Attached { session, inflight, .. }) => {
                self.views.remove(session);
                if let Some((_, text)) = inflight {
                    self.views.insert(*session, View { text: text.clone(), whole: true });
                }
                if self.known.iter().all(|(known, _)| known != session) {
                    self.known.push((*session, String::new()));
                }
            }
            (Call::Answer { request, .. } | Call::Approve { request: Some(request), .. }, _) => {
                self.seen.retain(|seen| seen.request != *request);
            }
            (Call::Close { session }, Outcome::Closed(_)) => self.forget(*session),
            (Call::Submit { session, .. }, Outcome::Error { code: 4001, .. })
            | (Call::Resume { session, .. } | Call::Activate { session }, Outcome::Error { .. }) => {
                self.forget(*session);
            }
            _ => {}
        }
    }

    fn forget(&mut self, session: SessionId) {
        self.known.retain(|(known, _)| *known != session);
        self.seen.retain(|seen| seen.session != session);
        self.views.remove(&session);
    }

    /// What runs on the screen although its turn is over, if anything does.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.views.keys().copied()
    }

    /// A session they know, or none.
    pub(super) fn some_session(&self, dice: &mut Dice) -> Option<(SessionId, String)> {
        (!self.known.is_empty()).then(|| self.known[dice.below(self.known.len())].clone())
    }
}

impl View {
    /// What was streamed has to be what is final: all of it for who saw it all, its end for who came later.
    fn compare(&self, last: &str, turn_text: usize) -> Result<(), String> {
        // An agent may have said more than is kept, in runs where that limit is small.
        let cut = turn_text < TURN_TEXT_MAX;
        let fits = match self.whole {
            true if cut => last.starts_with(&self.text),
            true => last == self.text || self.text.is_empty(),
            false => last.ends_with(&self.text) || cut,
        };
        match fits {
            true => Ok(()),
            false => Err(format!("streamed {:?}, but the answer is {last:?}", self.text)),
        }
    }
}

impl World {
    /// A person who may do something, if there is one.
    pub(super) fn someone(&mut self, dice: &mut Dice) -> usize {
        dice.below(self.people.len())
    }

    /// How much a person reads at once.
    pub(super) fn appetite(&self, dice: &mut Dice) -> usize {
        match self.plan.faults.has(Fault::SlowReaders) && dice.chance(70) {
            true => dice.between(1, 300) as usize,
            false => 1 << 20,
        }
    }
}
