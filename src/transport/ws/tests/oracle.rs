//! Against tungstenite: as a client that speaks to our decoder, as a client that reads our encoder, and as
//! another server that hears the same damaged bytes.

use std::io::{self, Read, Write};

use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::{MAX_MESSAGE, hear, hear_whole};
use crate::transport::ws::{Binary, Decoder, Event, Opcode, encode};

/// A connection in memory: what can be read, and what was written.
struct Wire {
    inbound: io::Cursor<Vec<u8>>,
    outbound: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inbound.read(buf)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outbound.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn socket(role: Role, inbound: Vec<u8>) -> WebSocket<Wire> {
    let wire = Wire { inbound: io::Cursor::new(inbound), outbound: Vec::new() };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(4096);
    WebSocket::from_raw_socket(wire, role, Some(config))
}

/// What tungstenite reads in `bytes`; the flag says whether it refused something before their end.
fn tungstenite_reads(role: Role, bytes: &[u8]) -> (Vec<Event<'static>>, bool) {
    let mut socket = socket(role, bytes.to_vec());
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
                let (code, reason) = frame
                    .map_or((None, String::new()), |f| (Some(f.code.into()), f.reason.as_str().to_owned()));
                events.push(Event::Close { code, reason: reason.into() });
                return (events, false);
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (events, false),
            Err(_) => return (events, true),
        };
        events.push(event);
    }
}

fn any_message() -> impl Strategy<Value = Event<'static>> {
    prop_oneof![
        "\\PC{0,100}".prop_map(|text| Event::Text(text.into())),
        (0..MAX_MESSAGE).prop_map(|len| Event::Text("x".repeat(len).into())),
        vec(any::<u8>(), 0..200).prop_map(|bytes| Event::Binary(bytes.into())),
        vec(any::<u8>(), 0..126).prop_map(|bytes| Event::Ping(bytes.into())),
        vec(any::<u8>(), 0..126).prop_map(|bytes| Event::Pong(bytes.into())),
    ]
}

fn any_close() -> impl Strategy<Value = Event<'static>> {
    let code = prop_oneof![1000..=1003_u16, 1007..=1013_u16, 3000..=4999_u16];
    prop_oneof![
        (code, "[a-z\u{e9}\u{20ac}]{0,41}")
            .prop_map(|(code, reason)| Event::Close { code: Some(code), reason: reason.into() }),
        Just(Event::Close { code: None, reason: "".into() }),
    ]
}

/// The messages of a conversation, the last of them perhaps a close.
fn conversation() -> impl Strategy<Value = Vec<Event<'static>>> {
    (vec(any_message(), 0..6), prop::option::of(any_close()))
        .prop_map(|(messages, close)| messages.into_iter().chain(close).collect())
}

/// `messages` as a tungstenite client writes them; data in fragments of `fragment` bytes if that is not 0.
fn tungstenite_writes(messages: &[Event<'static>], fragment: usize) -> Vec<u8> {
    let mut socket = socket(Role::Client, Vec::new());
    for message in messages {
        let message = match message.clone() {
            Event::Text(text) if fragment > 0 => {
                write_fragments(&mut socket, Data::Text, text.as_bytes(), fragment);
                continue;
            }
            Event::Binary(bytes) if fragment > 0 => {
                write_fragments(&mut socket, Data::Binary, &bytes, fragment);
                continue;
            }
            Event::Text(text) => Message::text(text.into_owned()),
            Event::Binary(bytes) => Message::binary(bytes.into_owned()),
            Event::Ping(bytes) => Message::Ping(bytes.into_owned().into()),
            Event::Pong(bytes) => Message::Pong(bytes.into_owned().into()),
            Event::Close { code, reason } => Message::Close(
                code.map(|code| CloseFrame { code: code.into(), reason: reason.into_owned().into() }),
            ),
        };
        socket.write(message).unwrap();
    }
    socket.flush().unwrap();
    socket.into_inner().outbound
}

fn write_fragments(socket: &mut WebSocket<Wire>, kind: Data, payload: &[u8], size: usize) {
    let mut opcode = OpCode::Data(kind);
    let last = payload.len().div_ceil(size).max(1) - 1;
    for i in 0..=last {
        let piece = &payload[i * size..payload.len().min((i + 1) * size)];
        socket.write(Message::Frame(Frame::message(piece.to_vec(), opcode, i == last))).unwrap();
        opcode = OpCode::Data(Data::Continue);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn our_decoder_hears_what_tungstenite_says(
        messages in conversation(),
        fragment in prop_oneof![Just(0_usize), 1..300_usize],
        sizes in vec(1..400_usize, 1..9),
    ) {
        let bytes = tungstenite_writes(&messages, fragment);
        let mut decoder = Decoder::new(MAX_MESSAGE, Binary::Deliver);
        prop_assert_eq!(hear(&mut decoder, &bytes, &sizes), (messages, None));
    }

    #[test]
    fn tungstenite_hears_what_our_encoder_says(messages in conversation()) {
        let mut bytes = Vec::new();
        for message in &messages {
            match message {
                Event::Text(text) => encode::append_text(&mut bytes, text),
                Event::Binary(payload) => encode::append_frame(&mut bytes, Opcode::Binary, payload),
                Event::Ping(payload) => encode::append_ping(&mut bytes, payload),
                Event::Pong(payload) => encode::append_pong(&mut bytes, payload),
                Event::Close { code: Some(code), reason } => encode::append_close(&mut bytes, *code, reason),
                Event::Close { code: None, .. } => encode::append_close_echo(&mut bytes, None),
            }
        }
        prop_assert_eq!(tungstenite_reads(Role::Client, &bytes), (messages, false));
    }

    /// We never take what tungstenite refuses, and hear nothing else than it does. We may refuse earlier: at
    /// the first bad byte instead of the end of its frame, and what it lets pass (padded lengths).
    #[test]
    fn damaged_bytes_are_heard_alike(
        messages in conversation(),
        fragment in prop_oneof![Just(0_usize), 1..300_usize],
        damages in vec((any::<prop::sample::Index>(), 1..=u8::MAX), 0..3),
    ) {
        let mut bytes = tungstenite_writes(&messages, fragment);
        for (at, difference) in damages {
            if !bytes.is_empty() {
                // Half of the damage falls on the first bytes, where headers are.
                let len = if difference & 1 == 0 { bytes.len() } else { bytes.len().min(8) };
                bytes[at.index(len)] ^= difference;
            }
        }
        let (mut ours, violation) = hear_whole(MAX_MESSAGE, Binary::Deliver, &bytes);
        let (theirs, they_refuse) = tungstenite_reads(Role::Server, &bytes);
        // Registered after tungstenite's table was made.
        let new_code = matches!(ours.last(), Some(Event::Close { code: Some(1014), .. }));
        if new_code {
            ours.pop();
        }
        if violation.is_none() && !new_code {
            prop_assert!(!they_refuse, "we took what they refused: {ours:?}");
            prop_assert_eq!(ours, theirs);
        } else {
            prop_assert!(theirs.starts_with(&ours), "{ours:?}\n{theirs:?}");
        }
    }
}
