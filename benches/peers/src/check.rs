//! Reading a connection in large blocks and checking all that comes: header, length, content and number of
//! each frame. The exact check is a comparison of memory, so that the client costs little beside a server;
//! the other one parses each frame as JSON, as a user's client does.

use std::io::{self, Read};
use std::net::TcpStream;

use serde::Deserialize;

use crate::frame::{DIGITS, PREFIX, SUFFIX, count_up};

/// How the texts of a server look.
#[derive(Clone, Debug)]
pub struct Shape {
    prefix: String,
    suffix: String,
}

impl Shape {
    /// Those of this workspace and of the gateway.
    pub fn plain() -> Self {
        Self { prefix: PREFIX.to_owned(), suffix: SUFFIX.to_owned() }
    }

    /// The original puts blanks behind colons and commas; a shorter id and word make its texts as long.
    pub fn original() -> Self {
        let prefix = "{\"jsonrpc\": \"2.0\", \"method\": \"event\", \"params\": {\"type\": \"message.delta\", \
                      \"session_id\": \"1\", \"payload\": {\"text\": \"";
        Self { prefix: prefix.to_owned(), suffix: " t\"}}}".to_owned() }
    }
}

/// How closely to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// One piece a frame, byte for byte.
    Exact,
    /// Any number of pieces a frame, as JSON.
    Json,
}

/// What came so far.
#[derive(Clone, Copy, Default, Debug)]
pub struct Seen {
    /// Data frames.
    pub frames: u64,
    /// Pieces of text in them.
    pub pieces: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// The parts of an event that a client needs.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    params: EventParams<'a>,
}

#[derive(Deserialize)]
struct EventParams<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    text: std::borrow::Cow<'a, str>,
}

/// One connection's checks.
pub struct Reader {
    look: Look,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The next frame if it is exact, and where its number stands.
    frame: Vec<u8>,
    digits: usize,
    /// The next piece of text if it is JSON.
    piece: Vec<u8>,
    /// What came so far.
    pub seen: Seen,
}

impl Reader {
    /// Reads up to `block` bytes at once. The first piece is number 0.
    pub fn new(block: usize, look: Look, shape: &Shape) -> Self {
        let number = "0".repeat(DIGITS);
        let text = format!("{}{number}{}", shape.prefix, shape.suffix);
        let mut frame = vec![0x81, 126];
        frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
        let digits = frame.len() + shape.prefix.len();
        frame.extend_from_slice(text.as_bytes());
        let word = shape.suffix.split('"').next().unwrap_or_default();
        let piece = format!("{number}{word}").into_bytes();
        Self { look, buffer: vec![0; block], start: 0, end: 0, frame, digits, piece, seen: Seen::default() }
    }

    /// One read and its checks. Gives the pieces it brought.
    ///
    /// # Errors
    /// When the stream ends or anything else than the next piece comes.
    pub fn read(&mut self, stream: &mut TcpStream) -> io::Result<u64> {
        if self.buffer.len() - self.end < self.buffer.len() / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = stream.read(&mut self.buffer[self.end..])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += count;
        self.seen.bytes += count as u64;
        let before = self.seen.pieces;
        self.check()?;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        Ok(self.seen.pieces - before)
    }

    fn check(&mut self) -> io::Result<()> {
        loop {
            if self.look == Look::Exact {
                self.check_exact();
            }
            let bytes = &self.buffer[self.start..self.end];
            let Some((opcode, from, to)) = parse_header(bytes) else { return Ok(()) };
            let payload = &bytes[from..to];
            match opcode {
                // Pings and pongs.
                0x89 | 0x8a => {}
                0x81 if self.look == Look::Json => {
                    self.seen.pieces += check_json(payload, &mut self.piece)?;
                    self.seen.frames += 1;
                }
                _ => return Err(wrong(bytes)),
            }
            self.start += to;
        }
    }

    /// Takes off all frames that are as they must be.
    fn check_exact(&mut self) {
        let len = self.frame.len();
        let mut count = 0;
        for frame in self.buffer[self.start..self.end].chunks_exact(len) {
            if frame != self.frame {
                break;
            }
            count += 1;
            count_up(&mut self.frame[self.digits..self.digits + DIGITS]);
        }
        self.start += count * len;
        self.seen.frames += count as u64;
        self.seen.pieces += count as u64;
    }
}

fn wrong(bytes: &[u8]) -> io::Error {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
    io::Error::other(format!("not what was to come: {shown:?}"))
}

/// Opcode with its first bits, and where the payload stands, if all of it is there.
pub fn parse_header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (len, from): (usize, usize) = match *bytes.get(1)? {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize, 10),
        len => (usize::from(len), 2),
    };
    let to = from.checked_add(len)?;
    (bytes.len() >= to).then_some((bytes[0], from, to))
}

/// Checks the pieces of one frame and counts them.
fn check_json(payload: &[u8], piece: &mut [u8]) -> io::Result<u64> {
    let event: Event<'_> = serde_json::from_slice(payload).map_err(|_| wrong(payload))?;
    let mut count = 0;
    for found in event.params.payload.text.as_bytes().chunks(piece.len()) {
        if event.params.r#type != "message.delta" || found != piece {
            return Err(wrong(payload));
        }
        count_up(&mut piece[..DIGITS]);
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;
    use crate::frame::{WIRE, wire};

    fn read(bytes: &[u8], look: Look) -> io::Result<Seen> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let mut near = TcpStream::connect(listener.local_addr()?)?;
        let (mut far, _) = listener.accept()?;
        near.write_all(bytes)?;
        drop(near);
        let mut reader = Reader::new(1000, look, &Shape::plain());
        while reader.seen.bytes < bytes.len() as u64 {
            reader.read(&mut far)?;
        }
        Ok(reader.seen)
    }

    #[test]
    fn counts_what_is_right_and_finds_what_is_not() {
        for look in [Look::Exact, Look::Json] {
            let good = wire(100);
            assert_eq!(read(&good, look).unwrap().pieces, 100);
            let ping = [&good[..WIRE], &[0x89, 0], &good[WIRE..]].concat();
            assert_eq!(read(&ping, look).unwrap().frames, 100);
            let lost = [&good[..WIRE], &good[2 * WIRE..]].concat();
            let doubled = [&good[..WIRE], &good[..WIRE]].concat();
            let mut changed = good.clone();
            changed[WIRE + 40] ^= 1;
            for wrong in [lost, doubled, changed] {
                assert!(read(&wrong, look).is_err());
            }
        }
    }
}
