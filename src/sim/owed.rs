//! What a client has to receive: everything the gateway put out for it, in that order, text joined or cut as
//! the outbox likes, but no byte less and none twice.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use super::said::{self, Piece, Said};
use crate::base::textlog::TextLog;
use crate::model::ids::SessionId;
use crate::wire::delta::{Delta, DeltaKind};
use crate::wire::encode::Frame;

#[derive(Debug)]
enum Item {
    Frame(Frame, Rc<Said>),
    Text {
        session: SessionId,
        visible: bool,
        log: TextLog,
        range: Range<usize>,
    },
    /// Somebody else has the session from here on. The client is not told.
    Lost(SessionId),
}

/// What one connection is still owed.
#[derive(Default, Debug)]
pub(super) struct Owed {
    items: VecDeque<Item>,
    /// The largest frame so far, in bytes.
    largest: usize,
}

/// What a document was.
#[derive(Debug)]
pub(super) enum Heard {
    Frame(Rc<Said>),
    Text(Piece),
}

impl Owed {
    /// A frame was put out.
    pub(super) fn frame(&mut self, frame: &Frame, said: Rc<Said>) {
        self.largest = self.largest.max(frame.len());
        self.items.push_back(Item::Frame(frame.clone(), said));
    }

    /// Text was put out.
    pub(super) fn text(&mut self, delta: &Delta) {
        let visible = delta.kind == DeltaKind::Message;
        let own = |item: &&mut Item| match item {
            Item::Frame(..) => true,
            Item::Text { session, .. } | Item::Lost(session) => *session == delta.session,
        };
        if let Some(Item::Text { visible: kind, log, range, .. }) = self.items.iter_mut().rev().find(own)
            && *kind == visible
            && log.same(&delta.log)
            && range.end == delta.range.start
        {
            range.end = delta.range.end;
            return;
        }
        let (log, range) = (delta.log.clone(), delta.range.clone());
        self.items.push_back(Item::Text { session: delta.session, visible, log, range });
    }

    /// Somebody else has the session from here on.
    pub(super) fn lost(&mut self, session: SessionId) {
        self.items.push_back(Item::Lost(session));
    }

    /// Whether nothing is owed.
    pub(super) fn is_empty(&self) -> bool {
        self.items.iter().all(|item| matches!(item, Item::Lost(_)))
    }

    /// The largest frame that was put out, in bytes.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// The client received a document; it has to be the next that is owed. Sessions that were lost before it
    /// are added to `lost`. Texts of different sessions between two frames may come in any order.
    pub(super) fn received(&mut self, document: &[u8], lost: &mut Vec<SessionId>) -> Result<Heard, String> {
        match said::piece(document) {
            Some(piece) => self.received_text(piece, lost),
            None => self.received_frame(document, lost),
        }
    }

    fn received_frame(&mut self, document: &[u8], lost: &mut Vec<SessionId>) -> Result<Heard, String> {
        let wrong = |what: &str| format!("a client received {}: {what}", String::from_utf8_lossy(document));
        loop {
            match self.items.pop_front() {
                Some(Item::Lost(session)) => lost.push(session),
                Some(Item::Frame(frame, said)) if frame.bytes() == document => {
                    return Ok(Heard::Frame(said));
                }
                Some(Item::Frame(_, said)) => return Err(wrong(&format!("it was owed {said:?}"))),
                Some(Item::Text { session, log, range, .. }) => {
                    let owed = log.with(range, str::to_owned);
                    return Err(wrong(&format!("it was owed text of {session}: {owed:?}")));
                }
                None => return Err(wrong("it was owed nothing")),
            }
        }
    }

    fn received_text(&mut self, piece: Piece, lost: &mut Vec<SessionId>) -> Result<Heard, String> {
        let own = |item: &Item| match item {
            Item::Frame(..) => true,
            Item::Text { session, .. } | Item::Lost(session) => *session == piece.session,
        };
        loop {
            let Some(at) = self.items.iter().position(own) else {
                return Err(format!("a client received {piece:?}: it was owed none"));
            };
            let Item::Text { visible, log, range, .. } = &mut self.items[at] else {
                match self.items.remove(at) {
                    Some(Item::Lost(session)) => lost.push(session),
                    other => return Err(format!("a client received {piece:?}: it was owed {other:?}")),
                }
                continue;
            };
            let owed = log.with(range.clone(), str::to_owned);
            if *visible != piece.visible || piece.text.is_empty() || !owed.starts_with(&piece.text) {
                return Err(format!("a client received {piece:?}: it was owed {owed:?}"));
            }
            range.start += piece.text.len();
            if range.start >= range.end {
                self.items.remove(at);
            }
            return Ok(Heard::Text(piece));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode;
    use crate::wire::event::Event;

    #[test]
    fn text_may_be_cut_but_not_left_out_nor_doubled() {
        let (mut owed, log, session) = (Owed::default(), TextLog::default(), SessionId::from_bits(1));
        for text in ["ab", "cd"] {
            let range = log.append(text);
            owed.text(&Delta {
                kind: DeltaKind::Message,
                session,
                log: log.clone(),
                range,
                cuts: Vec::new(),
                seq: None,
            });
        }
        let start = encode::event(Some(session), &Event::MessageStart);
        owed.frame(&start, Rc::new(Said::Start(session)));
        let document = |text: &str| {
            let mut out = Vec::new();
            encode::delta(&mut out, DeltaKind::Message, session, text);
            out
        };
        let mut lost = Vec::new();
        let mut received = |document: &[u8]| owed.received(document, &mut lost);
        assert!(received(&document("abc")).is_ok());
        assert!(received(&document("c")).is_err(), "doubled");
        assert!(received(&document("d")).is_ok());
        assert!(received(start.bytes()).is_ok());
        assert!(received(start.bytes()).is_err(), "twice");
        assert!(owed.is_empty());
    }

    #[test]
    fn a_frame_does_not_pass_text_but_texts_of_two_sessions_may_pass_each_other() {
        let (mut owed, mut lost) = (Owed::default(), Vec::new());
        let sessions = [1, 2].map(SessionId::from_bits);
        let logs = [TextLog::default(), TextLog::default()];
        for (session, log) in sessions.iter().zip(&logs) {
            let (range, log) = (log.append("ab"), log.clone());
            owed.text(&Delta {
                kind: DeltaKind::Message,
                session: *session,
                log,
                range,
                cuts: Vec::new(),
                seq: None,
            });
        }
        let start = encode::event(Some(sessions[0]), &Event::MessageStart);
        owed.frame(&start, Rc::new(Said::Start(sessions[0])));
        let mut second = Vec::new();
        encode::delta(&mut second, DeltaKind::Message, sessions[1], "ab");
        assert!(owed.received(&second, &mut lost).is_ok());
        assert!(owed.received(start.bytes(), &mut lost).is_err(), "text of the first is still owed");
    }
}
