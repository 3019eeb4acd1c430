//! The decoder as a whole: by example, by violation, cut at random, and against tungstenite.

mod cuts;
mod examples;
mod oracle;
mod violations;

use std::iter;

use super::{Binary, Decoder, Event, Violation};

/// A message bound that random tests can reach.
const MAX_MESSAGE: usize = 1000;

/// A client's frame with this first byte; the mask is fixed, the length in its shortest form.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// Everything a client said, and how it ended.
type Heard = (Vec<Event<'static>>, Option<Violation>);

/// Decodes `bytes` handed over in pieces of these sizes, over and over; the events before a violation count.
fn hear(decoder: &mut Decoder, bytes: &[u8], sizes: &[usize]) -> Heard {
    let mut events = Vec::new();
    let mut rest = bytes;
    for &size in sizes.iter().cycle().chain(iter::once(&usize::MAX)) {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(size.clamp(1, rest.len()));
        rest = after;
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => {
                    events.push(to_static(event));
                    // Every event takes bytes; a decoder that stands still must fail, not fill the memory.
                    assert!(events.len() <= bytes.len(), "an event without input");
                }
                Ok(None) => break,
                Err(violation) => return (events, Some(violation)),
            }
        }
        assert!(input.is_empty(), "all input is taken in");
    }
    (events, None)
}

/// What a decoder with these settings hears in `bytes`, handed over at once.
fn hear_whole(max_message: usize, binary: Binary, bytes: &[u8]) -> Heard {
    hear(&mut Decoder::new(max_message, binary), bytes, &[usize::MAX])
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

fn text(text: &str) -> Event<'static> {
    Event::Text(text.to_owned().into())
}
