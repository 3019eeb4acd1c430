//! What a client has to receive: everything the gateway put out for it, in that order, text joined or cut as the
//! outbox likes, but no byte less and none twice.

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
        if let Some(Item::Text { session, visible: kind, log, range }) = self.items.back_mut()
            && *session == delta.session
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

    /// A session that was lost before what comes next.
    pub(super) fn take_lost(&mut self) -> Option<SessionId> {
        match self.items.front() {
            Some(Item::Lost(session)) => {
                let session = *session;
                self.items.pop_front();
                Some(session)
            }
            _ => None,
        }
    }

    /// Whether nothing is owed.
    pub(super) fn is_empty(&self) -> bool {
        self.items.iter().all(|item| matches!(item, Item::Lost(_)))
    }

    /// The largest frame that was put out, in bytes.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// The client received a document; it has to be the next that is owed.
    pub(super) fn received(&mut self, document: &[u8]) -> Result<Heard, String> {
        let wrong = |what: String| format!("a client received {}: {what}", String::from_utf8_lossy(document));
        match self.items.front_mut() {
            None | Some(Item::Lost(_)) => Err(wrong("it was owed nothing".to_owned())),
            Some(Item::Frame(frame, said)) if frame.bytes() == document => {
                let said = Rc::clone(said);
                self.items.pop_front();
                Ok(Heard::Frame(said))
            }
            Some(Item::Frame(_, said)) => Err(wrong(format!("it was owed {said:?}"))),
            Some(Item::Text { session, visible, log, range }) => {
                let owed = log.with(range.clone(), str::to_owned);
                let piece = said::piece(document);
                let fits = |piece: &Piece| {
                    piece.session == *session && piece.visible == *visible && owed.starts_with(&piece.text)
                };
                match piece.filter(fits) {
                    None => Err(wrong(format!("it was owed text of {session}: {owed:?}"))),
                    Some(piece) => {
                        range.start += piece.text.len();
                        if range.start >= range.end {
                            self.items.pop_front();
                        }
                        Ok(Heard::Text(piece))
                    }
                }
            }
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
            owed.text(&Delta { kind: DeltaKind::Message, session, log: log.clone(), range });
        }
        let start = encode::event(Some(session), &Event::MessageStart);
        owed.frame(&start, Rc::new(Said::Start(session)));
        let document = |text: &str| {
            let mut out = Vec::new();
            encode::delta(&mut out, DeltaKind::Message, session, text);
            out
        };
        assert!(owed.received(&document("abc")).is_ok());
        assert!(owed.received(&document("c")).is_err(), "doubled");
        assert!(owed.received(start.bytes()).is_err(), "a frame that passes text");
        assert!(owed.received(&document("d")).is_ok());
        assert!(owed.received(start.bytes()).is_ok() && owed.is_empty());
        assert!(owed.received(start.bytes()).is_err(), "twice");
    }
}
