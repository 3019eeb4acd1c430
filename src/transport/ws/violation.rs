//! What a peer may do wrong, and the close code it is told.

use std::fmt;

use super::close::code;

/// Why a connection must be failed (RFC 6455, 7.1.7). Nothing more is decoded after one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Violation {
    /// A reserved bit is set, though no extension was agreed on.
    ReservedBits,
    /// An opcode without a meaning.
    ReservedOpcode,
    /// A client must mask.
    Unmasked,
    /// A server must not.
    Masked,
    /// A control frame without its final bit.
    FragmentedControl,
    /// A control frame of more than 125 bytes.
    LongControl,
    /// A length not written in its shortest form.
    PaddedLength,
    /// A length with its top bit set.
    LengthOverflow,
    /// A continuation without a message to continue.
    LoneContinuation,
    /// A new message inside an unfinished one.
    InterleavedMessage,
    /// A close payload of one byte, or with a code that must not be sent.
    BadClose,
    /// A binary message; the gateway speaks text only.
    Binary,
    /// Text, or the reason of a close, that is not UTF-8.
    NotUtf8,
    /// A message in too many and too small fragments.
    TooManyFragments,
    /// A message above the decoder's bound.
    TooBig,
}

impl Violation {
    /// The code to close with. For binary the original closes with 1000; 1003 is the code made for it.
    pub fn close_code(self) -> u16 {
        match self {
            Violation::ReservedBits
            | Violation::ReservedOpcode
            | Violation::Unmasked
            | Violation::Masked
            | Violation::FragmentedControl
            | Violation::LongControl
            | Violation::PaddedLength
            | Violation::LengthOverflow
            | Violation::LoneContinuation
            | Violation::InterleavedMessage
            | Violation::BadClose => code::PROTOCOL_ERROR,
            Violation::Binary => code::UNSUPPORTED_DATA,
            Violation::NotUtf8 => code::INVALID_PAYLOAD,
            Violation::TooManyFragments => code::POLICY_VIOLATION,
            Violation::TooBig => code::MESSAGE_TOO_BIG,
        }
    }
}

impl fmt::Display for Violation {
    /// Short enough to be the reason of a close frame.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Violation::ReservedBits => "reserved bits set",
            Violation::ReservedOpcode => "reserved opcode",
            Violation::Unmasked => "client frame not masked",
            Violation::Masked => "server frame masked",
            Violation::FragmentedControl => "fragmented control frame",
            Violation::LongControl => "control frame too long",
            Violation::PaddedLength => "length not in its shortest form",
            Violation::LengthOverflow => "length out of range",
            Violation::LoneContinuation => "continuation without a message",
            Violation::InterleavedMessage => "new message inside an unfinished one",
            Violation::BadClose => "bad close frame",
            Violation::Binary => "binary messages are not accepted",
            Violation::NotUtf8 => "text is not UTF-8",
            Violation::TooManyFragments => "too many fragments",
            Violation::TooBig => "message too big",
        })
    }
}

impl std::error::Error for Violation {}
