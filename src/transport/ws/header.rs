//! The header of a frame (RFC 6455, 5.2): judged byte by byte as it arrives, so that nothing of a bad frame
//! is waited for.

use super::Violation;

/// Most bytes of a header: two, eight of length, four of mask.
pub(super) const MAX_HEADER: usize = 14;
/// Most bytes of a control frame's payload (RFC 6455, 5.5).
pub const MAX_CONTROL: usize = 125;

/// The bit of the first byte that ends a message.
pub(super) const FIN: u8 = 0x80;
/// Reserved for extensions.
const RESERVED: u8 = 0x70;
/// The bit of the second byte that says a mask follows.
pub(super) const MASKED: u8 = 0x80;
/// In place of a length: the length follows in 2 bytes.
pub(super) const LEN_16: u8 = 126;
/// In place of a length: the length follows in 8 bytes.
pub(super) const LEN_64: u8 = 127;

/// Whose frames are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    /// A client's: each has to be masked.
    Client,
    /// A server's: none may be (RFC 6455, 5.1).
    Server,
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of a message.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The last frame of its sender.
    Close = 0x8,
    /// To be answered with a pong of the same payload.
    Ping = 0x9,
    /// Answers a ping, or nothing.
    Pong = 0xA,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return None,
        })
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// A header that breaks no rule by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Bytes of payload.
    pub(super) len: u64,
    /// Zeros, which change nothing, in a server's frame.
    pub(super) mask: [u8; 4],
}

/// Reads the header at the start of `bytes`, and how many bytes it took. `None` asks for more, which never
/// happens with [`MAX_HEADER`] bytes at hand.
pub(super) fn parse(bytes: &[u8], sender: Sender) -> Result<Option<(Header, usize)>, Violation> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    if first & RESERVED != 0 {
        return Err(Violation::ReservedBits);
    }
    let fin = first & FIN != 0;
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::ReservedOpcode)?;
    if opcode.is_control() && !fin {
        return Err(Violation::FragmentedControl);
    }
    let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
    match (sender, second & MASKED != 0) {
        (Sender::Client, false) => return Err(Violation::Unmasked),
        (Sender::Server, true) => return Err(Violation::Masked),
        _ => {}
    }
    let short = second & !MASKED;
    if opcode.is_control() && usize::from(short) > MAX_CONTROL {
        return Err(Violation::LongControl);
    }
    let Some((len, rest)) = parse_len(short, rest)? else { return Ok(None) };
    let (mask, rest) = match (sender, rest.split_first_chunk::<4>()) {
        (Sender::Server, _) => ([0; 4], rest),
        (Sender::Client, Some((mask, rest))) => (*mask, rest),
        (Sender::Client, None) => return Ok(None),
    };
    Ok(Some((Header { fin, opcode, len, mask }, bytes.len() - rest.len())))
}

/// Reads the extended length that `short` announces, if any, and says what is left of `bytes`.
fn parse_len(short: u8, bytes: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (len, rest, least) = match short {
        LEN_16 => {
            let Some((len, rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*len)), rest, u64::from(LEN_16))
        }
        LEN_64 => {
            let Some((len, rest)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
            (u64::from_be_bytes(*len), rest, 1 << 16)
        }
        short => (u64::from(short), bytes, 0),
    };
    if len < least {
        return Err(Violation::PaddedLength);
    }
    if len > i64::MAX.unsigned_abs() {
        return Err(Violation::LengthOverflow);
    }
    Ok(Some((len, rest)))
}

#[cfg(test)]
mod tests {
    use super::{Header, MAX_HEADER, Opcode, Sender, Violation};

    const MASK: [u8; 4] = [1, 2, 3, 4];

    fn parse(bytes: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
        super::parse(bytes, Sender::Client)
    }

    fn with_mask(start: &[u8]) -> Vec<u8> {
        [start, &MASK].concat()
    }

    #[test]
    fn reads_every_length_form() {
        let long = [0x02, 0xff, 0, 0, 0, 0, 0, 1, 0, 0];
        let table: [(&[u8], u64); 5] = [
            (&[0x81, 0x80], 0),
            (&[0x81, 0x80 | 125], 125),
            (&[0x81, 0xfe, 0, 126], 126),
            (&[0x81, 0xfe, 0xff, 0xff], 0xffff),
            (&long, 0x10000),
        ];
        for (start, len) in table {
            let bytes = with_mask(start);
            let fin = start[0] & 0x80 != 0;
            let opcode = if fin { Opcode::Text } else { Opcode::Binary };
            let header = Header { fin, opcode, len, mask: MASK };
            assert_eq!(parse(&bytes), Ok(Some((header, bytes.len()))));
            for end in 0..bytes.len() {
                assert_eq!(parse(&bytes[..end]), Ok(None), "{end} of {bytes:?}");
            }
        }
    }

    #[test]
    fn refuses_at_the_first_bad_byte() {
        let table: [(&[u8], Violation); 16] = [
            (&[0xc1], Violation::ReservedBits),
            (&[0xa1], Violation::ReservedBits),
            (&[0x91], Violation::ReservedBits),
            (&[0x83], Violation::ReservedOpcode),
            (&[0x87], Violation::ReservedOpcode),
            (&[0x8b], Violation::ReservedOpcode),
            (&[0x8f], Violation::ReservedOpcode),
            (&[0x09], Violation::FragmentedControl),
            (&[0x08], Violation::FragmentedControl),
            (&[0x81, 0x05], Violation::Unmasked),
            (&[0x89, 0xfe], Violation::LongControl),
            (&[0x8a, 0xff], Violation::LongControl),
            (&[0x81, 0xfe, 0, 125], Violation::PaddedLength),
            (&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Violation::PaddedLength),
            (&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], Violation::LengthOverflow),
            (&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Violation::LengthOverflow),
        ];
        for (bytes, violation) in table {
            assert_eq!(parse(bytes), Err(violation), "{bytes:x?}");
            assert_eq!(parse(&bytes[..bytes.len() - 1]), Ok(None), "{bytes:x?}");
        }
    }

    #[test]
    fn a_server_does_not_mask() {
        let header = Header { fin: true, opcode: Opcode::Text, len: 5, mask: [0; 4] };
        assert_eq!(super::parse(&[0x81, 5], Sender::Server), Ok(Some((header, 2))));
        assert_eq!(super::parse(&[0x81, 0x85], Sender::Server), Err(Violation::Masked));
    }

    #[test]
    fn the_longest_header_is_enough() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let mut bytes = [7; MAX_HEADER];
                bytes[..2].copy_from_slice(&[first, second]);
                assert_ne!(parse(&bytes), Ok(None));
            }
        }
    }
}
