//! A connection without a socket, in virtual time: what a client that sends any bytes is answered. For the
//! fuzzer. Knows no more than `exchange` offers.

use std::time::{Duration, Instant};

use super::exchange::{Exchange, Fate, World};
use super::ledger::{Anchor, Ledger};
use super::plan::Defaults;

/// The longest wait that is waited for; what comes later is not seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is answered to the bytes of `pieces`, which come one after the other in no time: the first
/// `bytes_max`, and not much more.
pub(super) fn rehearse(pieces: &[&[u8]], bytes_max: usize) -> Vec<u8> {
    let start = Instant::now();
    let mut world = World::new(Ledger::new(Anchor::new(start, 0)), Defaults::default(), 1);
    let mut exchange = Exchange::new(start);
    for piece in pieces {
        exchange.received(piece, start, &mut world);
    }
    let (mut now, mut said) = (start, Vec::new());
    while said.len() < bytes_max && matches!(exchange.fate(), Fate::Open | Fate::Finished) {
        if exchange.advance(now, &mut world) {
            continue;
        }
        let bytes = exchange.pending(now);
        if !bytes.is_empty() {
            said.extend_from_slice(bytes);
            let count = bytes.len();
            exchange.wrote(count, now, &mut world);
            continue;
        }
        match exchange.next_deadline().filter(|due| *due <= now + PATIENCE) {
            Some(due) => {
                assert!(due > now, "something is due, and nothing was done");
                now = due;
            }
            None => break,
        }
    }
    said
}
