//! Who is written to, and when: connections with something to write now, connections whose text waits for the
//! frame clock, and the clock itself. Owns that order; must not know what a connection is, so keys stand for
//! them.

use std::mem;
use std::time::Instant;

use super::outbox::Outbox;
use crate::reactor::pulse::{Edge, Pulse};
use crate::wire::delta::Delta;
use crate::wire::encode::Frame;

/// Whose turn it is.
#[derive(Debug)]
pub struct Pacer<K> {
    pulse: Pulse,
    /// With something to write.
    dirty: Vec<K>,
    /// Whose text waits for the pulse.
    held: Vec<K>,
}

impl<K> Default for Pacer<K> {
    fn default() -> Self {
        Self { pulse: Pulse::new(), dirty: Vec::new(), held: Vec::new() }
    }
}

impl<K: Copy + Ord> Pacer<K> {
    /// A control frame for the connection `key`, whose outbox this is. It leaves with this turn.
    pub fn push_frame(&mut self, key: K, outbox: &mut Outbox, frame: Frame, at: Instant) {
        outbox.push_frame(frame, at);
        self.dirty.push(key);
    }

    /// A frame that may wait for the clock. Senders may rely on the clock from now on (`Bell::set_pulsing`).
    pub fn push_paced_frame(&mut self, key: K, outbox: &mut Outbox, frame: Frame, at: Instant) {
        outbox.push_paced_frame(frame, at);
        self.pace(key, outbox, false, at);
    }

    /// A piece of text, the first of its stream if `leading`. True when senders may rely on the clock from
    /// now on, false when they could before.
    pub fn push_delta(
        &mut self,
        key: K,
        outbox: &mut Outbox,
        delta: Delta,
        leading: bool,
        at: Instant,
    ) -> bool {
        let (waiting, leaving) = (outbox.is_waiting(), outbox.is_leaving());
        outbox.push_delta(delta, at);
        // A flood adds thousands of pieces to a queue that already waits for its frame, or leaves already.
        let paced = !leaving && (!waiting || leading);
        if paced {
            self.pace(key, outbox, leading, at);
        }
        if outbox.is_waiting() && outbox.is_full_write() {
            // Waiting longer would not make fewer writes of it.
            outbox.release();
            self.dirty.push(key);
        }
        paced
    }

    fn pace(&mut self, key: K, outbox: &mut Outbox, leading: bool, at: Instant) {
        let edge = self.pulse.touch(at);
        if leading || edge == Edge::Leading {
            outbox.release();
        }
        if outbox.is_waiting() {
            self.held.push(key);
        } else {
            self.dirty.push(key);
        }
    }

    /// The connection has something to write, or its socket takes bytes again.
    pub fn mark(&mut self, key: K) {
        self.dirty.push(key);
    }

    /// Whether somebody has something to write now.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Everybody with something to write, each once.
    pub fn take_dirty(&mut self) -> Vec<K> {
        self.held.sort_unstable();
        self.held.dedup();
        self.dirty.sort_unstable();
        self.dirty.dedup();
        mem::take(&mut self.dirty)
    }

    /// Whether a frame is to be sent now: true once a frame.
    pub fn frame_due(&mut self, at: Instant) -> bool {
        self.pulse.due(at)
    }

    /// Everybody whose text waits. When nobody's does, the clock goes to rest: senders that relied on it have
    /// to be told, and looked at once more.
    pub fn take_held(&mut self) -> Vec<K> {
        if self.held.is_empty() {
            self.pulse.idle();
        }
        mem::take(&mut self.held)
    }

    /// The frame clock.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// When the next frame is due; `None` at rest.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.pulse.next_deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::textlog::TextLog;
    use crate::model::ids::SessionId;
    use crate::reactor::pulse::FRAME;
    use crate::wire::delta::DeltaKind;
    use crate::wire::encode;
    use crate::wire::jsonrpc::Id;

    struct Bench {
        pacer: Pacer<u8>,
        outbox: Outbox,
        log: TextLog,
        at: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let outbox = Outbox::new(|out, document| out.extend_from_slice(document), true);
            Self { pacer: Pacer::default(), outbox, log: TextLog::default(), at: Instant::now() }
        }

        fn delta(&mut self, leading: bool) -> bool {
            let (log, session) = (self.log.clone(), SessionId::from_bits(1));
            let range = log.append("x");
            let delta = Delta { kind: DeltaKind::Message, session, log, range, cuts: Vec::new(), seq: None };
            self.pacer.push_delta(7, &mut self.outbox, delta, leading, self.at)
        }

        fn write(&mut self) {
            let count = self.outbox.fill().len();
            self.outbox.took(count, self.at);
        }
    }

    #[test]
    fn the_first_piece_leaves_at_once_and_later_ones_with_the_frame() {
        let mut bench = Bench::new();
        assert!(bench.delta(true));
        assert_eq!((bench.pacer.take_dirty(), bench.pacer.held.len()), (vec![7], 0));
        bench.write();
        assert!(bench.delta(false), "the clock runs: the next piece waits for it");
        assert!(!bench.delta(false), "one that waits needs no second entry");
        assert_eq!((bench.pacer.take_dirty(), bench.pacer.next_deadline()), (vec![], Some(bench.at + FRAME)));
        assert!(bench.pacer.frame_due(bench.at + FRAME));
        assert_eq!(bench.pacer.take_held(), [7]);
        assert!(bench.pacer.next_deadline().is_some(), "text flowed: the clock runs on");
        assert!(bench.pacer.take_held().is_empty());
        assert_eq!(bench.pacer.next_deadline(), None, "an empty frame is the last");
    }

    #[test]
    fn a_new_stream_leads_while_the_clock_runs() {
        let mut bench = Bench::new();
        bench.delta(true);
        bench.write();
        bench.pacer.take_dirty();
        bench.delta(true);
        assert_eq!(bench.pacer.take_dirty(), [7]);
    }

    #[test]
    fn text_that_makes_a_whole_write_does_not_wait_for_the_clock() {
        let mut bench = Bench::new();
        bench.outbox = Outbox::new(|out, document| out.extend_from_slice(document), false);
        bench.delta(true);
        bench.write();
        bench.pacer.take_dirty();
        while !bench.outbox.is_full_write() {
            assert!(!bench.pacer.is_dirty(), "{} pieces wait", bench.outbox.queued());
            bench.delta(false);
        }
        assert!(bench.pacer.is_dirty() && bench.outbox.is_leaving());
        assert!(!bench.delta(false), "what leaves already needs no second entry");
        assert_eq!((bench.pacer.take_dirty(), bench.pacer.take_held()), (vec![7], vec![7]));
    }

    #[test]
    fn a_control_frame_needs_no_clock() {
        let mut bench = Bench::new();
        let frame = encode::result(&Id::null(), &serde_json::Value::Null);
        bench.pacer.push_frame(7, &mut bench.outbox, frame.clone(), bench.at);
        bench.pacer.mark(7);
        assert_eq!((bench.pacer.take_dirty(), bench.pacer.next_deadline()), (vec![7], None));
        bench.write();
        bench.pacer.push_paced_frame(7, &mut bench.outbox, frame.clone(), bench.at);
        bench.write();
        bench.pacer.push_paced_frame(7, &mut bench.outbox, frame, bench.at);
        assert!(bench.pacer.is_dirty() && bench.outbox.is_waiting(), "the first led, the second waits");
    }
}
