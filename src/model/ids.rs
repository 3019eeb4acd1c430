//! Identifiers. A *live* session id exists in this process only; a *stored* key survives it.

use std::fmt;

/// Live session id: 8 lower-case hex digits, as it stands on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 8]);

impl SessionId {
    /// The id with these 32 random bits.
    pub fn from_bits(bits: u32) -> Self {
        let mut digits = [0; 8];
        for (i, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(bits >> (28 - 4 * i) & 0xf) as usize];
        }
        Self(digits)
    }

    /// Reads an id from the wire; `None` unless it is 8 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 8] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(digits))
    }

    /// The 8 digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One turn of one session; never reused while the process lives, so that late news of an old turn
/// is recognised and dropped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TurnId(pub u64);

/// One question an agent asks; unique within its turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AskId(pub u32);

/// One connection; never reused while the process lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClientId(pub u64);

/// One program behind us that speaks the protocol; never reused while the process lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct HostId(pub u32);

/// One job given to the pool; never reused while the process lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ticket(pub u64);

#[cfg(test)]
mod tests {
    use super::SessionId;

    #[test]
    fn session_id_round_trips() {
        let id = SessionId::from_bits(0x0c0f_fee1);
        assert_eq!(id.as_str(), "0c0ffee1");
        assert_eq!(SessionId::parse("0c0ffee1"), Some(id));
    }

    #[test]
    fn session_id_refuses_other_spellings() {
        for text in ["", "0C0FFEE1", "0c0ffee", "0c0ffee12", "0c0ffeeg", "0c0ffe\u{e9}"] {
            assert_eq!(SessionId::parse(text), None, "{text}");
        }
    }
}
