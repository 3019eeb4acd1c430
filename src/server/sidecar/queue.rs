//! What the sidecar is owed: whole documents in order, bounded in number and in bytes, and the bytes they become.
//! Owns what is dropped when it falls behind: the newest, as in the original, so that what it gets has a gap only
//! behind what it got. Must not know sockets, clocks, or what a document says.

use std::collections::VecDeque;
use std::io;

use crate::limits::{SIDECAR_BYTES_MAX, SIDECAR_FRAMES_MAX, WIRE_TARGET};
use crate::transport::ws::{MAX_CONTROL, Opcode, append_masked_frame};

/// Where masks come from. They must not be guessed (RFC 6455, 10.3): what a model says is in the frames, and
/// whoever writes its input would choose the bytes that a proxy on the way sees.
type Masks = fn() -> io::Result<[u8; 4]>;

/// The queue of one sidecar, over all its connections.
pub(super) struct Queue {
    frames: VecDeque<Box<[u8]>>,
    /// Bytes of `frames`.
    bytes: usize,
    /// Bytes to write next, those before `cursor` gone. Refilled only once all of them are.
    wire: Vec<u8>,
    cursor: usize,
    /// Where in `wire` each document ends that is not gone yet.
    ends: VecDeque<usize>,
    /// The payload of the latest ping, which alone has to be answered (RFC 6455, 5.5.3).
    pong: Option<Vec<u8>>,
    /// Whether documents may leave: the handshake is over.
    open: bool,
    sent: u64,
    dropped: u64,
}

impl Queue {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            wire: Vec::new(),
            cursor: 0,
            ends: VecDeque::new(),
            pong: None,
            open: false,
            sent: 0,
            dropped: 0,
        }
    }

    /// Adds a document, or drops it where there is no room.
    pub(super) fn push(&mut self, document: &[u8]) {
        let waiting = self.bytes + self.wire.len() - self.cursor;
        if self.frames.len() >= SIDECAR_FRAMES_MAX || waiting + document.len() > SIDECAR_BYTES_MAX {
            self.dropped += 1;
            return;
        }
        self.bytes += document.len();
        self.frames.push_back(document.into());
    }

    /// A document that is not even queued: nobody is there to have it.
    pub(super) fn skip(&mut self) {
        self.dropped += 1;
    }

    /// A connection begins with this request; documents wait until [`Queue::open`].
    pub(super) fn begin(&mut self, request: Vec<u8>) {
        self.open = false;
        self.wire = request;
        self.cursor = 0;
        self.ends.clear();
        self.pong = None;
    }

    /// The handshake is over.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// A ping came.
    pub(super) fn ping(&mut self, payload: &[u8]) {
        self.pong = Some(payload[..payload.len().min(MAX_CONTROL)].to_vec());
    }

    /// The bytes to write next; empty when nothing is to be written.
    ///
    /// # Errors
    /// When there is no randomness for a mask.
    pub(super) fn fill(&mut self, masks: Masks) -> io::Result<&[u8]> {
        if self.cursor == self.wire.len() && self.open {
            self.wire.clear();
            self.cursor = 0;
            if let Some(payload) = self.pong.take() {
                append_masked_frame(&mut self.wire, Opcode::Pong, &payload, masks()?);
            }
            while self.wire.len() < WIRE_TARGET {
                let Some(document) = self.frames.pop_front() else { break };
                self.bytes -= document.len();
                append_masked_frame(&mut self.wire, Opcode::Text, &document, masks()?);
                self.ends.push_back(self.wire.len());
            }
            if self.wire.is_empty() {
                // At rest it keeps nothing.
                self.wire = Vec::new();
            }
        }
        Ok(&self.wire[self.cursor..])
    }

    /// The socket took `count` bytes of what [`Queue::fill`] gave.
    pub(super) fn took(&mut self, count: usize) {
        self.cursor = (self.cursor + count).min(self.wire.len());
        while self.ends.front().is_some_and(|end| *end <= self.cursor) {
            self.ends.pop_front();
            self.sent += 1;
        }
    }

    /// Whether something waits that could be written.
    pub(super) fn wants_write(&self) -> bool {
        self.cursor < self.wire.len() || (self.open && (self.pong.is_some() || !self.frames.is_empty()))
    }

    /// Whether a frame is half written, so that no other may follow.
    pub(super) fn is_cut(&self) -> bool {
        self.cursor > 0 && self.cursor < self.wire.len()
    }

    /// The connection is gone: what was not written is dropped.
    pub(super) fn clear(&mut self) {
        let lost = self.frames.len() + self.ends.len();
        let (sent, dropped) = (self.sent, self.dropped + lost as u64);
        *self = Self { sent, dropped, ..Self::new() };
    }

    /// Documents that a socket took to their last byte.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Documents that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// A mask nobody can guess.
pub(super) fn mask() -> io::Result<[u8; 4]> {
    getrandom::u32().map(u32::to_ne_bytes).map_err(|error| io::Error::other(error.to_string()))
}

/// A close frame with `code`, or with none.
///
/// # Errors
/// When there is no randomness for its mask.
pub(super) fn close(code: Option<u16>) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let payload = code.map(u16::to_be_bytes).map(Vec::from).unwrap_or_default();
    append_masked_frame(&mut out, Opcode::Close, &payload, mask()?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ws::{Binary, Decoder, Event};

    fn masks() -> io::Result<[u8; 4]> {
        Ok([1, 2, 3, 4])
    }

    fn open() -> Queue {
        let mut queue = Queue::new();
        queue.begin(Vec::new());
        queue.open();
        queue
    }

    /// What a server reads of everything that is written.
    fn read(queue: &mut Queue) -> Vec<String> {
        let mut decoder = Decoder::new(SIDECAR_BYTES_MAX, Binary::Refuse);
        let mut said = Vec::new();
        loop {
            let mut bytes = queue.fill(masks).unwrap().to_vec();
            if bytes.is_empty() {
                return said;
            }
            queue.took(bytes.len());
            let mut input = &mut bytes[..];
            while let Some(event) = decoder.decode(&mut input).unwrap() {
                said.push(match event {
                    Event::Text(text) => text.into_owned(),
                    Event::Pong(payload) => format!("pong {}", String::from_utf8_lossy(&payload)),
                    other => panic!("{other:?}"),
                });
            }
        }
    }

    #[test]
    fn documents_leave_masked_and_in_order_once_the_handshake_is_over() {
        let mut queue = Queue::new();
        queue.begin(b"GET".to_vec());
        queue.push(b"one");
        assert_eq!(queue.fill(masks).unwrap(), b"GET");
        queue.took(3);
        assert!(queue.fill(masks).unwrap().is_empty() && !queue.wants_write(), "not open yet");
        queue.open();
        queue.push(b"two");
        queue.ping(b"a");
        queue.ping(b"b");
        assert_eq!(read(&mut queue), ["pong b", "one", "two"]);
        assert_eq!((queue.sent(), queue.dropped()), (2, 0));
    }

    #[test]
    fn the_newest_is_dropped_when_it_is_full() {
        let mut queue = open();
        for index in 0..SIDECAR_FRAMES_MAX + 3 {
            queue.push(index.to_string().as_bytes());
        }
        assert_eq!(queue.dropped(), 3);
        let said = read(&mut queue);
        assert_eq!(said.last(), Some(&(SIDECAR_FRAMES_MAX - 1).to_string()));
        assert_eq!((said.len(), queue.sent()), (SIDECAR_FRAMES_MAX, SIDECAR_FRAMES_MAX as u64));
    }

    #[test]
    fn bytes_are_bounded_with_those_that_are_encoded() {
        let mut queue = open();
        let half = vec![b'x'; SIDECAR_BYTES_MAX / 2];
        queue.push(&half);
        assert!(queue.fill(masks).unwrap().len() > half.len());
        queue.push(&half);
        queue.push(&half);
        // The first one's header is more than the rest of the bound.
        assert_eq!((queue.dropped(), queue.bytes), (2, 0));
        queue.took(16);
        queue.push(&half);
        assert_eq!((queue.dropped(), queue.bytes), (2, half.len()));
        queue.push(&vec![b'x'; SIDECAR_BYTES_MAX + 1]);
        assert_eq!(queue.dropped(), 3, "one alone is too large");
    }

    #[test]
    fn what_a_lost_connection_did_not_take_is_counted() {
        let mut queue = open();
        queue.push(b"one");
        queue.push(b"two");
        let first = queue.fill(masks).unwrap().len() / 2;
        queue.took(first + 1);
        queue.push(b"three");
        assert!(queue.is_cut());
        queue.clear();
        assert_eq!((queue.sent(), queue.dropped(), queue.wants_write()), (1, 2, false));
    }
}
