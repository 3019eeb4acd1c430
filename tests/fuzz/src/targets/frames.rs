//! WebSocket frames, for a server's and for a client's decoder. However the bytes are cut the events are the
//! same; tungstenite hears the same, or takes what we refuse for a reason; and what was heard can be said
//! again.

use std::io::{self, Read, Write};

use tui_gateway::transport::ws::{
    Binary, Decoder, Event, MAX_CONTROL, Opcode, Violation, append_close, append_close_echo, append_frame,
    append_masked_frame,
};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::pieces::{first, pieces};

/// Bounds of a message: one that a short input passes, and one that three header sizes fit into.
const BOUNDS: [usize; 4] = [64, 1_000, 70_000, 16 << 20];

/// The first byte of the input: a client's decoder instead of a server's.
const AS_CLIENT: u8 = 1;
/// Binary messages are refused.
const REFUSE_BINARY: u8 = 2;

#[derive(Clone, Copy)]
struct Case {
    client: bool,
    binary: Binary,
    bound: usize,
}

type Heard = (Vec<Event<'static>>, Option<Violation>);

/// One byte of choices, one that says how to cut, then the stream.
pub(crate) fn run(bytes: &[u8]) {
    let (choices, rest) = first(bytes);
    let (seed, stream) = first(rest);
    let case = Case {
        client: choices & AS_CLIENT != 0,
        binary: if choices & REFUSE_BINARY != 0 { Binary::Refuse } else { Binary::Deliver },
        bound: BOUNDS[usize::from(choices >> 2 & 3)],
    };
    let whole = hear(case, &pieces(stream, 0));
    for seed in [1, seed] {
        assert_eq!(hear(case, &pieces(stream, seed)), whole, "cuts do not matter");
    }
    within_bounds(case, &whole);
    if case.binary == Binary::Deliver {
        tungstenite_agrees(case, stream, &whole);
    }
    said_again(case, &whole.0);
}

fn decoder(case: Case) -> Decoder {
    let make = if case.client { Decoder::for_client } else { Decoder::new };
    make(case.bound, case.binary)
}

fn hear(case: Case, pieces: &[&[u8]]) -> Heard {
    let mut decoder = decoder(case);
    let mut events = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => events.push(to_static(event)),
                Ok(None) => break,
                Err(violation) => return (events, Some(violation)),
            }
        }
        assert!(input.is_empty(), "all input is taken in");
    }
    (events, None)
}

fn to_static(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Text(text) => Event::Text(text.into_owned().into()),
        Event::Binary(bytes) => Event::Binary(bytes.into_owned().into()),
        Event::Ping(bytes) => Event::Ping(bytes.into_owned().into()),
        Event::Pong(bytes) => Event::Pong(bytes.into_owned().into()),
        Event::Close { code, reason } => Event::Close { code, reason: reason.into_owned().into() },
    }
}

fn within_bounds(case: Case, (events, violation): &Heard) {
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Text(text) => assert!(text.len() <= case.bound),
            Event::Binary(bytes) => assert!(bytes.len() <= case.bound && case.binary == Binary::Deliver),
            Event::Ping(bytes) | Event::Pong(bytes) => assert!(bytes.len() <= MAX_CONTROL),
            Event::Close { reason, .. } => {
                assert!(reason.len() <= MAX_CONTROL - 2);
                assert!(at + 1 == events.len() && violation.is_none(), "a close is the last event");
            }
        }
    }
    if let Some(violation) = violation {
        assert!((1002..=1009).contains(&violation.close_code()), "{violation:?}");
    }
}

/// A connection that only reads; what tungstenite answers is dropped.
struct Wire<'a>(&'a [u8]);

impl Read for Wire<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite reads; the flag says whether it refused something before the end.
fn tungstenite_reads(case: Case, stream: &[u8]) -> (Vec<Event<'static>>, bool) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(case.bound))
        // It counts control frames as well.
        .max_frame_size(Some(case.bound.max(MAX_CONTROL)))
        .read_buffer_size(4096);
    let role = if case.client { Role::Client } else { Role::Server };
    let mut socket = WebSocket::from_raw_socket(Wire(stream), role, Some(config));
    let mut events = Vec::new();
    loop {
        let event = match socket.read() {
            Ok(Message::Text(text)) => Event::Text(text.as_str().to_owned().into()),
            Ok(Message::Binary(bytes)) => Event::Binary(bytes.to_vec().into()),
            Ok(Message::Ping(bytes)) => Event::Ping(bytes.to_vec().into()),
            Ok(Message::Pong(bytes)) => Event::Pong(bytes.to_vec().into()),
            Ok(Message::Close(frame)) => {
                // Its way of refusing a close code.
                if frame.as_ref().is_some_and(|frame| frame.reason.as_str() == "Protocol violation") {
                    return (events, true);
                }
                let said = frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned()));
                let (code, reason) =
                    said.map_or((None, String::new()), |(code, reason)| (Some(code), reason));
                events.push(Event::Close { code, reason: reason.into() });
                return (events, false);
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (events, false);
            }
            Err(_) => return (events, true),
        };
        events.push(event);
    }
}

/// We never take what tungstenite refuses, and hear nothing else than it does. We may refuse earlier: at the
/// first bad byte instead of the end of its frame, and what it lets pass (padded lengths, many fragments).
fn tungstenite_agrees(case: Case, stream: &[u8], (ours, violation): &Heard) {
    let (theirs, they_refuse) = tungstenite_reads(case, stream);
    // Registered after tungstenite's table was made.
    let new_code = matches!(ours.last(), Some(Event::Close { code: Some(1014), .. }));
    let ours = &ours[..ours.len() - usize::from(new_code)];
    if violation.is_none() && !new_code {
        assert!(!they_refuse, "we took what they refused: {ours:?}");
        assert_eq!(ours, theirs);
    } else {
        assert!(theirs.starts_with(ours), "{ours:?}\n{theirs:?}");
    }
}

/// Our own encoder says it to our own decoder of the other side.
fn said_again(case: Case, events: &[Event<'static>]) {
    let (mut out, mut masked) = (Vec::new(), Vec::new());
    for (event, mask) in events.iter().zip(0_u32..) {
        let Some((opcode, payload)) = frame_of(event) else { continue };
        append_frame(&mut out, opcode, payload);
        append_masked_frame(&mut masked, opcode, payload, mask.wrapping_mul(0x9e37_79b9).to_be_bytes());
    }
    let (mut as_server, close) = (events.to_vec(), events.last().filter(|event| frame_of(event).is_none()));
    if let Some(Event::Close { code, reason }) = close {
        match code {
            Some(code) => append_close(&mut out, *code, reason),
            None => append_close_echo(&mut out, None),
        }
    }
    assert_eq!(hear(Case { client: true, ..case }, &[&out]), (as_server.clone(), None));
    as_server.retain(|event| frame_of(event).is_some());
    assert_eq!(hear(Case { client: false, ..case }, &[&masked]), (as_server, None));
}

/// The frame that says it; a close has a writer of its own.
fn frame_of<'e>(event: &'e Event<'_>) -> Option<(Opcode, &'e [u8])> {
    Some(match event {
        Event::Text(text) => (Opcode::Text, text.as_bytes()),
        Event::Binary(bytes) => (Opcode::Binary, bytes),
        Event::Ping(bytes) => (Opcode::Ping, bytes),
        Event::Pong(bytes) => (Opcode::Pong, bytes),
        Event::Close { .. } => return None,
    })
}
