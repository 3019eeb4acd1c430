//! The scripted model server: requests of any kind on one connection. However they arrive the answer is the
//! same, it is HTTP, and no wait is without an end.

use tui_gateway::fake_model::rehearse;

use super::pieces::{first, pieces};

/// Bytes of an answer that are looked at; a script may ask for hundreds of megabytes.
const ANSWER_MAX: usize = 32 << 10;

/// One byte that says how to cut, then the requests.
pub(crate) fn run(bytes: &[u8]) {
    let (seed, requests) = first(bytes);
    let whole = answer(requests, 0);
    for seed in [1, seed] {
        assert_eq!(answer(requests, seed), whole, "cuts do not matter");
    }
    assert!(whole.is_empty() || whole.starts_with("HTTP/1.1 "), "{whole}");
}

/// The answer, without the leave to go on that only a client that waits for it is given.
fn answer(requests: &[u8], seed: u8) -> String {
    let said = rehearse(&pieces(requests, seed), ANSWER_MAX);
    String::from_utf8_lossy(&said).replace("HTTP/1.1 100 Continue\r\n\r\n", "")
}
