//! A client that does not read costs an offset, not memory, delays nobody, and misses nothing.

use crate::support::client::Client;
use crate::support::proc;
use crate::support::raw;
use crate::support::server::Server;
use crate::support::turn::{assert_same, tokens};

const TOKENS: usize = 200_000;
const SIZE: usize = 5;

/// What the process may need at its peak on top of what it has before the turn. The text alone is there a few
/// times (with the agent, in the log, in the history, in the final frame) at 1 MB each, and SQLite needs some 8 MB
/// for a moment to store and index it; a queue of one frame a token would be 40 MB more.
const GROWTH_MAX: usize = 28 << 20;

#[test]
fn a_reader_that_pauses_costs_little_and_gets_everything() {
    let server = Server::start(&[]);
    let pid = server.process.pid();
    let mut slow = Client::over(raw::connect_lagging(server.port), server.port).unwrap();
    let mut other = Client::connect(&server);
    let session = slow.session();
    other.assert_served();
    let before = proc::peak_rss(pid);
    slow.submit(&session, &format!("TOKENS={TOKENS} SIZE={SIZE}"));

    // The other client is answered all the while, and so sees the end of the turn.
    other.wait_idle();
    let growth = proc::peak_rss(pid) - before;
    assert!(growth < GROWTH_MAX, "{} KiB more", growth >> 10);

    let turn = slow.turn(&session);
    assert_eq!(turn.status(), "complete");
    assert_same(&turn.streamed(), &tokens(TOKENS, SIZE));
    assert_same(turn.text(), &turn.streamed());
    slow.assert_served();
}

/// The same without merging, where a delta would be a frame: what waits is joined all the same.
#[test]
fn unmerged_text_is_bounded_too() {
    let server = Server::start(&["--no-merge"]);
    let pid = server.process.pid();
    let mut slow = Client::over(raw::connect_lagging(server.port), server.port).unwrap();
    let session = slow.session();
    let before = proc::peak_rss(pid);
    slow.submit(&session, &format!("TOKENS={TOKENS} SIZE={SIZE}"));
    Client::connect(&server).wait_idle();
    let growth = proc::peak_rss(pid) - before;
    assert!(growth < GROWTH_MAX, "{} KiB more", growth >> 10);
    assert_same(&slow.turn(&session).streamed(), &tokens(TOKENS, SIZE));
}
