//! The actor of `--check`: says its lines as soon as everything recorded before them was heard, and wants to hear
//! exactly what was recorded, byte for byte and in order.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use super::actor::{Actor, Next, Report};
use super::script::{Closing, Conversation, Line, Script};
use crate::transport::ws::code;
use crate::wirelog::entry::Side;

/// One side of one conversation.
pub(super) struct Exact {
    script: Arc<Script>,
    conversation: usize,
    side: Side,
    next: usize,
    ended: bool,
    report: Report,
}

impl Exact {
    pub(super) fn new(script: Arc<Script>, conversation: usize, side: Side) -> Self {
        let report = Report { connections: u64::from(side == Side::Client), ..Report::default() };
        Self { script, conversation, side, next: 0, ended: false, report }
    }

    fn part(&self) -> Option<&Conversation> {
        self.script.conversations.get(self.conversation)
    }

    /// The line to be said or heard now.
    fn line(&self) -> Option<&Line> {
        self.part()?.lines.get(self.next)
    }
}

impl Actor for Exact {
    fn opened(&mut self, _now: Instant) {}

    fn heard(&mut self, document: &str, _now: Instant) {
        self.report.heard += 1;
        self.report.bytes += document.len() as u64;
        let place = (self.conversation, self.next);
        self.report.hash = self.report.hash.wrapping_add(place_hash(place, document));
        let fault = match self.line() {
            None => Some("a document behind the last one".to_owned()),
            Some(line) if line.by == self.side => {
                Some(format!("line {}: the other side spoke out of turn", line.number))
            }
            Some(line) if self.script.document(line) != document => {
                Some(format!("line {}: other bytes arrived", line.number))
            }
            Some(_) => None,
        };
        match fault {
            // One fault is enough: what follows would be out of step.
            Some(fault) => {
                self.report.fault(fault);
                self.ended = true;
            }
            None => self.next += 1,
        }
    }

    fn closed(&mut self, closed_with: Option<u16>) {
        if !mem::replace(&mut self.ended, true)
            && let Some(part) = self.script.conversations.get(self.conversation)
        {
            let missing = part.lines.len() - self.next;
            if missing > 0 {
                self.report.fault(format!("closed ({closed_with:?}) with {missing} documents to come"));
            }
        }
    }

    fn next(&mut self, _now: Instant) -> Next<'_> {
        let Some(part) = self.script.conversations.get(self.conversation) else { return Next::Wait(None) };
        let (closer, code, reason) = closing(part);
        match part.lines.get(self.next) {
            _ if self.ended && self.report.fault_count > 0 => {
                Next::Close(code::POLICY_VIOLATION, "not as recorded".to_owned())
            }
            Some(line) if line.by == self.side => {
                self.next += 1;
                self.report.said += 1;
                Next::Say(Cow::Borrowed(self.script.document(line)))
            }
            None if closer == self.side => {
                self.ended = true;
                Next::Close(code, reason)
            }
            _ => Next::Wait(None),
        }
    }

    fn report(&mut self) -> Report {
        mem::take(&mut self.report)
    }
}

/// The hash of everything a record holds: what two [`Exact`] actors hear of it, summed up.
pub(super) fn script_hash(script: &Script) -> u64 {
    let parts = script.conversations.iter().enumerate();
    let lines = parts.flat_map(|(part, conversation)| {
        conversation.lines.iter().enumerate().map(move |(at, line)| ((part, at), line))
    });
    lines.fold(0, |sum, (place, line)| sum.wrapping_add(place_hash(place, script.document(line))))
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo), over the place and the document: so that a sum of them knows the order.
fn place_hash((conversation, line): (usize, usize), document: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let place = [conversation as u64, line as u64].map(u64::to_le_bytes);
    let bytes = place.as_flattened().iter().chain(document.as_bytes());
    bytes.fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// Which side closes, and how. A code of 1005 stands for a close frame without one. Where the record does not
/// know, the client does.
pub(super) fn closing(part: &Conversation) -> (Side, u16, String) {
    match &part.closing {
        Some(Closing { by: Some(by), code, reason, .. }) => {
            (*by, code.unwrap_or(code::NORMAL), reason.clone())
        }
        _ => (Side::Client, code::NORMAL, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;
    use std::time::Instant;

    use super::super::actor::{Actor, Next, Report};
    use super::{Exact, script_hash};
    use crate::wirelog::entry::Side;
    use crate::wirelog::replay::testing::script;

    /// Both sides of the only conversation, each hearing what the other says; what both came to.
    fn play(lines: &[(Side, &str)], garble: impl Fn(&str) -> String) -> (Report, u64) {
        let script = Arc::new(script(lines));
        let now = Instant::now();
        let mut actors = [Side::Client, Side::Server].map(|side| Exact::new(Arc::clone(&script), 0, side));
        let mut open = 2;
        while open > 0 {
            for at in 0..2 {
                let said = match actors[at].next(now) {
                    Next::Say(document) => Some(document.into_owned()),
                    Next::Wait(_) => continue,
                    Next::Close(..) => None,
                };
                match said {
                    Some(document) => actors[1 - at].heard(&garble(&document), now),
                    None => {
                        actors[1 - at].closed(None);
                        open = 0;
                        break;
                    }
                }
            }
        }
        let mut report = Report::default();
        actors.iter_mut().for_each(|actor| report.add(actor.report()));
        (report, script_hash(&script))
    }

    const TALK: &[(Side, &str)] = &[
        (Side::Server, "ready"),
        (Side::Client, "{\"id\":1}"),
        (Side::Client, "{\"id\":2}"),
        (Side::Server, "a"),
        (Side::Server, "b"),
    ];

    #[test]
    fn a_true_replay_has_no_fault_and_the_same_hash() {
        let (report, hash) = play(TALK, str::to_owned);
        assert_eq!((report.said, report.heard, report.faults), (5, 5, Vec::<String>::new()));
        assert_eq!(report.hash, hash);
    }

    #[test]
    fn other_bytes_are_a_fault_of_their_line() {
        let (report, hash) =
            play(TALK, |document| if document == "a" { "A".to_owned() } else { document.to_owned() });
        assert_eq!(report.faults[0], "line 5: other bytes arrived");
        assert_ne!(report.hash, hash);
    }

    #[test]
    fn an_early_end_is_a_fault() {
        let script = Arc::new(script(TALK));
        let mut actor = Exact::new(script, 0, Side::Client);
        actor.heard("ready", Instant::now());
        assert!(matches!(actor.next(Instant::now()), Next::Say(Cow::Borrowed(_))));
        actor.closed(Some(1006));
        assert_eq!(actor.report().faults, ["closed (Some(1006)) with 3 documents to come"]);
    }
}
