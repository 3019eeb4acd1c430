//! The client's half of a handshake: any URL, any answer. Only the right key makes a WebSocket.

use tui_gateway::base::secret::Secret;
use tui_gateway::transport::dial::Dial;
use tui_gateway::transport::http::{MAX_HEAD, parse_head};
use tui_gateway::transport::target::Target;
use tungstenite::handshake::derive_accept_key;

use super::pieces::pieces;

/// Stands in the answer for the key that is right, which is another one each time.
const RIGHT_KEY: &str = "$KEY";

/// The first line is the URL, the rest the answer.
pub(crate) fn run(bytes: &[u8]) {
    let (url, answer) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &b""[..]),
    };
    let Ok(url) = str::from_utf8(url) else { return };
    let Ok(target) = Target::new(Some(url), Some(&Secret::new("t&k n"))) else { return };
    assert!(target.port > 0 && !target.host.is_empty());
    assert!(!format!("{target}{target:?}").contains("t%26k"), "the token is shown");
    let (dial, request) = Dial::new(&target);
    let key = key_of(&request);
    answered(&dial, &with_key(answer, &derive_accept_key(&key)), &key);
}

/// The key of a request that our own server can read.
fn key_of(request: &[u8]) -> Vec<u8> {
    match parse_head(request) {
        Ok(Some((head, taken))) => {
            assert_eq!(taken, request.len(), "the URL ends the head early");
            assert_eq!((head.header_count("host"), head.header_count("upgrade")), (1, 1));
            head.only_header("sec-websocket-key").expect("one key").to_vec()
        }
        other => panic!("our request is refused: {other:?}"),
    }
}

fn with_key(answer: &[u8], key: &str) -> Vec<u8> {
    let mut rest = answer;
    let mut out = Vec::new();
    while !rest.is_empty() {
        match rest.strip_prefix(RIGHT_KEY.as_bytes()) {
            Some(after) => {
                out.extend_from_slice(key.as_bytes());
                rest = after;
            }
            None => {
                out.push(rest[0]);
                rest = &rest[1..];
            }
        }
    }
    out
}

fn answered(dial: &Dial, bytes: &[u8], key: &[u8]) {
    let whole = dial.answered(bytes);
    if let Ok(Some(taken)) = whole {
        let head = &bytes[..taken];
        let right = derive_accept_key(key);
        assert!(head.windows(right.len()).any(|part| part == right.as_bytes()), "taken without the key");
    }
    if whole == Ok(None) {
        assert!(bytes.len() <= MAX_HEAD, "an answer without an end is waited for");
    }
    let mut came = 0;
    for piece in pieces(bytes, 0xa0) {
        came += piece.len();
        let part = dial.answered(&bytes[..came]);
        if part != Ok(None) {
            assert_eq!(part, whole, "more bytes changed the verdict");
            return;
        }
    }
}
