//! A scripted model server, OpenAI- and Anthropic-compatible, on a loop of its own: thousands of streams at a
//! set rate on one thread, and every fault a client should survive. For tests, measurements and
//! demonstrations; listens on 127.0.0.1 only.
//!
//! From a request to its answer: `http` (bytes to requests) → `ask` (what is wanted) → `script` and `plan`
//! (what to say) → `speech` (when) → `dialect` (in which words) → `stream` or `dialect::Whole` (in which
//! form) → `exchange` (one connection, and what it is owed) → `connection` and `server` (sockets, timers and
//! the loop). All but the last two are sans I/O. `ledger` remembers how it went, for `/stats`. Knows nothing
//! of the gateway.

mod ask;
mod connection;
mod dialect;
mod exchange;
mod http;
mod ledger;
mod limits;
mod listener;
mod plan;
mod rehearsal;
mod reply;
mod script;
mod server;
mod speech;
mod stream;

use std::time::Duration;

use ask::Ask;
use plan::Defaults;
use script::Faults;
use speech::{Next, Pace, Piece, Speech};

pub use server::{Options, Server};

/// The text that a stream says to `prompt` in all, for a client that wants to compare: that of the first
/// answer to a request that offers no tools, without what goes wrong on purpose.
pub fn said_to(prompt: &str) -> String {
    let ask = Ask::plain(prompt);
    let script = Defaults::default().script_for(&ask);
    let pace = Pace { size: script.size, ..Pace::default() };
    let mut speech = Speech::new(plan::parts(&script, &ask), pace, Faults::default());
    let mut said = String::new();
    loop {
        match speech.next(Duration::MAX) {
            Next::Piece(Piece::Text(text)) => said.push_str(&text),
            Next::Piece(Piece::HugeFill(count)) => said.extend(std::iter::repeat_n('x', count)),
            Next::Piece(_) | Next::At(_) => {}
            Next::End(_) => return said,
        }
    }
}

/// What a connection is answered to the bytes of `pieces`, in virtual time: the first `bytes_max`. For the
/// fuzzer.
#[doc(hidden)]
pub fn rehearse(pieces: &[&[u8]], bytes_max: usize) -> Vec<u8> {
    rehearsal::rehearse(pieces, bytes_max)
}
