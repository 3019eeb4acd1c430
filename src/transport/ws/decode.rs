//! Frames in, events out. The bytes lie in a buffer of the caller, shared by all connections and unmasked in
//! place: what lies there whole is lent out, not copied. A decoder keeps only what is unfinished.

use std::borrow::Cow;
use std::mem;

use super::header::{self, Header, MAX_HEADER, Sender};
use super::mask::unmask;
use super::message::Message;
use super::{Opcode, Violation, close};

/// Something the peer said. Borrows from the input if it lay there whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'i> {
    /// A text message.
    Text(Cow<'i, str>),
    /// A binary message; only with [`Binary::Deliver`].
    Binary(Cow<'i, [u8]>),
    /// To be answered with a pong of the same payload, at most [`MAX_CONTROL`](super::MAX_CONTROL) bytes.
    Ping(Cow<'i, [u8]>),
    /// An answer to a ping; at most [`MAX_CONTROL`](super::MAX_CONTROL) bytes.
    Pong(Cow<'i, [u8]>),
    /// The peer is done; to be answered with the same code unless we closed first. Always the last event.
    Close {
        /// Its code, if it gave one.
        code: Option<u16>,
        /// Its reason, often empty.
        reason: Cow<'i, str>,
    },
}

/// What becomes of binary messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    /// [`Violation::Binary`], at the header. What a gateway wants.
    Refuse,
    /// [`Event::Binary`]. What an echo server of a conformance suite needs.
    Deliver,
}

/// The receiving half of one connection. Not `Debug`: a message may hold a secret.
pub struct Decoder {
    sender: Sender,
    max_message: usize,
    binary: Binary,
    state: State,
    /// The start of a header that came in pieces.
    header: [u8; MAX_HEADER],
    header_len: usize,
    /// The data message under way, if it is fragmented or came in pieces.
    message: Option<Message>,
    /// The start of a control frame that came in pieces; it may stand between the fragments of a message.
    control: Vec<u8>,
}

#[derive(Clone, Copy)]
enum State {
    /// Between frames, or inside a header.
    Header,
    /// Inside a payload.
    Payload(Frame),
    /// After a close frame or a violation: whatever comes is ignored.
    Ended,
}

/// A frame whose payload is under way.
#[derive(Clone, Copy)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    /// Bytes of payload still to come.
    remaining: usize,
    /// Turned to where the next byte begins.
    mask: [u8; 4],
}

impl Decoder {
    /// A server's decoder, for a client's messages of at most `max_message` bytes.
    pub fn new(max_message: usize, binary: Binary) -> Self {
        Self::of(Sender::Client, max_message, binary)
    }

    /// A client's decoder, for a server's messages.
    pub fn for_client(max_message: usize, binary: Binary) -> Self {
        Self::of(Sender::Server, max_message, binary)
    }

    fn of(sender: Sender, max_message: usize, binary: Binary) -> Self {
        Self {
            sender,
            max_message,
            binary,
            state: State::Header,
            header: [0; MAX_HEADER],
            header_len: 0,
            message: None,
            control: Vec::new(),
        }
    }

    /// The next event in `input`, which is advanced past it; `None` once all of `input` is taken in. Unmasks
    /// in place, so each byte must be shown once only. After [`Event::Close`] or a violation all input is
    /// ignored.
    ///
    /// # Errors
    /// When the peer broke the protocol or a bound: close with [`Violation::close_code`]. A frame is
    /// refused as soon as its bad byte is here, a message that is too big before any memory is allocated for
    /// it.
    pub fn decode<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, Violation> {
        let outcome = self.decode_frames(input);
        if matches!(outcome, Err(_) | Ok(Some(Event::Close { .. }))) {
            self.state = State::Ended;
            self.message = None;
            self.control = Vec::new();
        }
        outcome
    }

    /// Takes in frames until one of them completes an event.
    fn decode_frames<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, Violation> {
        loop {
            let mut frame = match self.state {
                State::Payload(frame) => frame,
                State::Header => match self.read_header(input)? {
                    Some(header) => self.begin(&header)?,
                    None => return Ok(None),
                },
                State::Ended => {
                    *input = &mut [];
                    return Ok(None);
                }
            };
            let chunk = frame.take_payload(input);
            self.state = if frame.remaining == 0 { State::Header } else { State::Payload(frame) };
            let event = if frame.opcode.is_control() {
                self.control(frame, chunk)?
            } else {
                self.data(frame, chunk)?
            };
            if event.is_some() || frame.remaining > 0 {
                return Ok(event);
            }
        }
    }

    /// Reads a header, from the input alone if it is there whole.
    fn read_header(&mut self, input: &mut &mut [u8]) -> Result<Option<Header>, Violation> {
        if self.header_len == 0
            && let Some((header, used)) = header::parse(input, self.sender)?
        {
            take_front(input, used);
            return Ok(Some(header));
        }
        while let [byte] = *take_front(input, 1) {
            self.header[self.header_len] = byte;
            self.header_len += 1;
            // With `MAX_HEADER` bytes a header is complete or refused, so the index above stays in range.
            if let Some((header, _)) = header::parse(&self.header[..self.header_len], self.sender)? {
                self.header_len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Judges a header by what came before it.
    fn begin(&mut self, header: &Header) -> Result<Frame, Violation> {
        let Header { fin, opcode, mask, .. } = *header;
        let collected = self.message.as_ref().map_or(0, Message::len);
        if !opcode.is_control() {
            match (opcode, &self.message) {
                (Opcode::Continuation, None) => return Err(Violation::LoneContinuation),
                (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::InterleavedMessage),
                (Opcode::Binary, None) if self.binary == Binary::Refuse => return Err(Violation::Binary),
                _ => {}
            }
        }
        let remaining = usize::try_from(header.len).map_err(|_| Violation::TooBig)?;
        if !opcode.is_control() && remaining > self.max_message - collected {
            return Err(Violation::TooBig);
        }
        if let (Opcode::Continuation, Some(message)) = (opcode, &mut self.message) {
            message.add_fragment(remaining)?;
        }
        Ok(Frame { opcode, fin, remaining, mask })
    }

    /// Takes in payload of a data frame.
    fn data<'i>(&mut self, frame: Frame, chunk: &'i [u8]) -> Result<Option<Event<'i>>, Violation> {
        let complete = frame.fin && frame.remaining == 0;
        if complete && self.message.is_none() {
            return whole(frame.opcode, chunk).map(Some);
        }
        if chunk.is_empty() && frame.remaining > 0 {
            // Only the header is here; the payload may yet come whole.
            return Ok(None);
        }
        let message = self.message.get_or_insert_with(|| Message::new(frame.opcode));
        message.append(chunk, self.max_message)?;
        if !complete {
            return Ok(None);
        }
        self.message.take().map(Message::finish).transpose()
    }

    /// Takes in payload of a control frame.
    fn control<'i>(&mut self, frame: Frame, chunk: &'i [u8]) -> Result<Option<Event<'i>>, Violation> {
        if frame.remaining > 0 {
            self.control.extend_from_slice(chunk);
            return Ok(None);
        }
        let payload = if self.control.is_empty() {
            Cow::Borrowed(chunk)
        } else {
            self.control.extend_from_slice(chunk);
            Cow::Owned(mem::take(&mut self.control))
        };
        Ok(Some(match frame.opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => {
                let (code, reason) = close::parse_cow(payload)?;
                Event::Close { code, reason }
            }
        }))
    }

    /// Bytes allocated for what is unfinished.
    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        self.message.as_ref().map_or(0, Message::capacity) + self.control.capacity()
    }
}

impl Frame {
    /// Takes what is there of the payload off the input, unmasked.
    fn take_payload<'i>(&mut self, input: &mut &'i mut [u8]) -> &'i [u8] {
        let chunk = take_front(input, self.remaining);
        if self.mask != [0; 4] {
            self.mask = unmask(chunk, self.mask);
        }
        self.remaining -= chunk.len();
        chunk
    }
}

/// The event of a message that lies in the input whole.
fn whole(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, Violation> {
    if opcode == Opcode::Binary {
        return Ok(Event::Binary(payload.into()));
    }
    str::from_utf8(payload).map(|text| Event::Text(text.into())).map_err(|_| Violation::NotUtf8)
}

/// Takes up to `n` bytes off the front of `input`.
fn take_front<'i>(input: &mut &'i mut [u8], n: usize) -> &'i mut [u8] {
    // The length first: `take` leaves an empty slice behind.
    let n = n.min(input.len());
    let (front, rest) = mem::take(input).split_at_mut(n);
    *input = rest;
    front
}
