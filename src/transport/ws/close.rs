//! Close codes, and the payload of a close frame (RFC 6455, 5.5.1 and 7.4).

use std::borrow::Cow;

use super::Violation;

/// The close codes this server sends (RFC 6455, 7.4.1, and IANA's registry).
pub mod code {
    /// The purpose is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The server shuts down.
    pub const GOING_AWAY: u16 = 1001;
    /// A frame broke the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A kind of message that is not taken.
    pub const UNSUPPORTED_DATA: u16 = 1003;
    /// Text that is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// A rule of this server was broken that has no code of its own.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A message above the bound.
    pub const MESSAGE_TOO_BIG: u16 = 1009;
    /// The server failed.
    pub const INTERNAL_ERROR: u16 = 1011;
    /// The server is overloaded, or the client too slow; to be tried again.
    pub const TRY_AGAIN_LATER: u16 = 1013;
}

/// Splits the payload of a close frame into code and reason; an empty one has neither.
pub(super) fn parse(payload: &[u8]) -> Result<(Option<u16>, &str), Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok((None, "")) } else { Err(Violation::BadClose) };
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(Violation::BadClose);
    }
    let reason = str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok((Some(code), reason))
}

/// Like [`parse`], of a payload that was borrowed or collected.
pub(super) fn parse_cow(payload: Cow<'_, [u8]>) -> Result<(Option<u16>, Cow<'_, str>), Violation> {
    match payload {
        Cow::Borrowed(payload) => parse(payload).map(|(code, reason)| (code, reason.into())),
        Cow::Owned(payload) => parse(&payload).map(|(code, reason)| (code, reason.to_owned().into())),
    }
}

/// Whether `code` may stand in a close frame: registered with IANA and not reserved for local use (1004,
/// 1005, 1006, 1015), or of the ranges for libraries and applications.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::{Violation, parse};

    #[test]
    fn splits_code_and_reason() {
        assert_eq!(parse(b""), Ok((None, "")));
        assert_eq!(parse(b"\x03\xe8"), Ok((Some(1000), "")));
        assert_eq!(parse(b"\x0f\xa0bye \xc3\xa9"), Ok((Some(4000), "bye \u{e9}")));
        assert_eq!(parse(b"\x03"), Err(Violation::BadClose));
        assert_eq!(parse(b"\x03\xe8\xff"), Err(Violation::NotUtf8));
        assert_eq!(parse(b"\x03\xe8\xc3"), Err(Violation::NotUtf8));
    }

    #[test]
    fn codes() {
        for good in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(parse(&u16::to_be_bytes(good)), Ok((Some(good), "")), "{good}");
        }
        for bad in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert_eq!(parse(&u16::to_be_bytes(bad)), Err(Violation::BadClose), "{bad}");
        }
    }
}
