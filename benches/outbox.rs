//! What a piece of streamed text costs between the gateway and the socket.

use std::time::Instant;

use divan::Bencher;
use tui_gateway::base::textlog::TextLog;
use tui_gateway::model::ids::SessionId;
use tui_gateway::outbound::outbox::Outbox;
use tui_gateway::transport::ws::append_document;
use tui_gateway::wire::delta::{Delta, DeltaKind};

fn main() {
    divan::main();
}

/// Pieces in one frame of the pulse: 600 tokens a second.
const PIECES: usize = 20;

fn delta(log: &TextLog, text: &str) -> Delta {
    let range = log.append(text);
    Delta {
        kind: DeltaKind::Message,
        session: SessionId::from_bits(1),
        log: log.clone(),
        range,
        cuts: Vec::new(),
        seq: None,
    }
}

/// 20 pieces of 5 bytes, flushed as one frame.
#[divan::bench(args = [true, false])]
fn a_frame_of_20_pieces(bencher: Bencher<'_, '_>, merge: bool) {
    let now = Instant::now();
    bencher.bench_local(|| {
        let mut outbox = Outbox::new(append_document, merge);
        let log = TextLog::default();
        for _ in 0..PIECES {
            outbox.push_delta(delta(&log, "token"), now);
        }
        outbox.release();
        let count = outbox.fill().len();
        outbox.took(count, now);
        count
    });
}

/// A reader that lags: what each further piece costs.
#[divan::bench]
fn a_piece_for_a_lagging_reader(bencher: Bencher<'_, '_>) {
    let now = Instant::now();
    let mut outbox = Outbox::new(append_document, true);
    let log = TextLog::default();
    bencher.bench_local(|| outbox.push_delta(delta(&log, "token"), now));
}
