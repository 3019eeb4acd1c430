//! Frames out: unfragmented, unmasked as a server sends them or masked as a client does. Appends to a buffer
//! of the caller.

use super::header::{FIN, LEN_16, LEN_64, MASKED, MAX_CONTROL, Opcode};
use super::mask::unmask;

/// Most bytes of a close reason: a control frame's payload without the code.
pub const MAX_REASON: usize = MAX_CONTROL - 2;
/// Most bytes of a server's header: two, and eight of length.
const MAX_SERVER_HEADER: usize = 10;

/// The bytes before a text message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TextHeader {
    bytes: [u8; MAX_SERVER_HEADER],
    len: usize,
}

impl TextHeader {
    /// 2, 4 or 10 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The header of a text message of `len` bytes, for callers that send header and text apart.
pub fn text_header(len: usize) -> TextHeader {
    header(Opcode::Text, len)
}

/// Appends a text message.
pub fn append_text(out: &mut Vec<u8>, text: &str) {
    append_frame(out, Opcode::Text, text.as_bytes());
}

/// Appends one document as a text message; its bytes are UTF-8 already.
pub fn append_document(out: &mut Vec<u8>, document: &[u8]) {
    append_frame(out, Opcode::Text, document);
}

/// Appends a whole frame. The payload of a control frame must have at most [`MAX_CONTROL`] bytes; the
/// functions below see to that.
pub fn append_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    debug_assert!(!opcode.is_control() || payload.len() <= MAX_CONTROL);
    out.reserve(MAX_SERVER_HEADER + payload.len());
    let first = FIN | opcode as u8;
    // Headers of a known size are single stores.
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < LEN_16 => out.extend_from_slice(&[first, short]),
        (_, Ok(len)) => {
            let [high, low] = len.to_be_bytes();
            out.extend_from_slice(&[first, LEN_16, high, low]);
        }
        _ => out.extend_from_slice(header(opcode, payload.len()).as_bytes()),
    }
    out.extend_from_slice(payload);
}

/// Appends a whole frame as a client sends it. The mask protects proxies from scripts (RFC 6455, 10.3), which
/// a program that chooses its own bytes is not; any value will do. Zero spares both ends the work.
pub fn append_masked_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: [u8; 4]) {
    debug_assert!(!opcode.is_control() || payload.len() <= MAX_CONTROL);
    let start = out.len();
    out.extend_from_slice(header(opcode, payload.len()).as_bytes());
    out[start + 1] |= MASKED;
    out.extend_from_slice(&mask);
    let from = out.len();
    out.extend_from_slice(payload);
    unmask(&mut out[from..], mask);
}

/// Appends a ping; a payload above [`MAX_CONTROL`] bytes is cut.
pub fn append_ping(out: &mut Vec<u8>, payload: &[u8]) {
    append_frame(out, Opcode::Ping, &payload[..payload.len().min(MAX_CONTROL)]);
}

/// Appends a pong; a payload above [`MAX_CONTROL`] bytes is cut.
pub fn append_pong(out: &mut Vec<u8>, payload: &[u8]) {
    append_frame(out, Opcode::Pong, &payload[..payload.len().min(MAX_CONTROL)]);
}

/// Appends a close; a reason above [`MAX_REASON`] bytes is cut between two characters.
pub fn append_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
    out.extend_from_slice(header(Opcode::Close, 2 + reason.len()).as_bytes());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// Appends the answer to a client's close: its code again (RFC 6455, 5.5.1), none if it gave none.
pub fn append_close_echo(out: &mut Vec<u8>, received: Option<u16>) {
    match received {
        Some(code) => append_close(out, code, ""),
        None => append_frame(out, Opcode::Close, &[]),
    }
}

fn header(opcode: Opcode, len: usize) -> TextHeader {
    let mut bytes = [0; MAX_SERVER_HEADER];
    bytes[0] = FIN | opcode as u8;
    let used = match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if short < LEN_16 => {
            bytes[1] = short;
            2
        }
        (_, Ok(len)) => {
            bytes[1] = LEN_16;
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
            4
        }
        _ => {
            bytes[1] = LEN_64;
            bytes[2..].copy_from_slice(&(len as u64).to_be_bytes());
            MAX_SERVER_HEADER
        }
    };
    TextHeader { bytes, len: used }
}

#[cfg(test)]
mod tests {
    use super::{
        MAX_REASON, Opcode, append_close, append_close_echo, append_document, append_masked_frame,
        append_ping, append_pong, append_text, text_header,
    };
    use crate::transport::ws::{Binary, Decoder, Event};

    fn bytes(append: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        append(&mut out);
        out
    }

    #[test]
    fn headers_are_as_short_as_can_be() {
        assert_eq!(text_header(0).as_bytes(), [0x81, 0]);
        assert_eq!(text_header(125).as_bytes(), [0x81, 125]);
        assert_eq!(text_header(126).as_bytes(), [0x81, 126, 0, 126]);
        assert_eq!(text_header(0xffff).as_bytes(), [0x81, 126, 0xff, 0xff]);
        assert_eq!(text_header(0x10000).as_bytes(), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn documents_have_the_shortest_length() {
        for (length, header) in [(125, vec![0x81, 125]), (126, vec![0x81, 126, 0, 126])] {
            let out = bytes(|out| append_document(out, &vec![b'x'; length]));
            assert_eq!(out[..out.len() - length], header);
        }
        let out = bytes(|out| append_document(out, &vec![b'x'; 70_000]));
        assert_eq!(out[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }

    #[test]
    fn examples_of_the_rfc() {
        assert_eq!(bytes(|out| append_text(out, "Hello")), b"\x81\x05Hello");
        assert_eq!(bytes(|out| append_ping(out, b"Hello")), b"\x89\x05Hello");
        assert_eq!(bytes(|out| append_pong(out, b"Hello")), b"\x8a\x05Hello");
    }

    #[test]
    fn control_frames_stay_short() {
        assert_eq!(bytes(|out| append_ping(out, &[b'a'; 300])).len(), 2 + 125);
        let reason = "\u{20ac}".repeat(100);
        let close = bytes(|out| append_close(out, 1011, &reason));
        assert_eq!(&close[..4], [0x88, 2 + 123, 3, 0xf3]);
        assert_eq!(str::from_utf8(&close[4..]).unwrap().len(), MAX_REASON);
        let uneven = bytes(|out| append_close(out, 1011, &format!("a{reason}")));
        assert_eq!(str::from_utf8(&uneven[4..]).unwrap().len(), MAX_REASON - 2);
    }

    #[test]
    fn a_close_is_answered_with_its_code() {
        assert_eq!(bytes(|out| append_close_echo(out, Some(4000))), [0x88, 2, 0x0f, 0xa0]);
        assert_eq!(bytes(|out| append_close_echo(out, None)), [0x88, 0]);
    }

    #[test]
    fn a_masked_frame_reads_back() {
        for (len, mask) in [(0, [0; 4]), (5, [1, 2, 3, 4]), (70_000, [9, 0, 7, 1])] {
            let text = "x".repeat(len);
            let mut frame = bytes(|out| append_masked_frame(out, Opcode::Text, text.as_bytes(), mask));
            let mut decoder = Decoder::new(1 << 20, Binary::Refuse);
            let event = decoder.decode(&mut frame.as_mut_slice()).unwrap();
            assert_eq!(event, Some(Event::Text(text.into())));
        }
    }

    #[test]
    fn a_client_reads_what_a_server_writes() {
        let mut frame = bytes(|out| append_text(out, "né"));
        let mut decoder = Decoder::for_client(1 << 20, Binary::Refuse);
        let event = decoder.decode(&mut frame.as_mut_slice()).unwrap();
        assert_eq!(event, Some(Event::Text("né".into())));
    }
}
