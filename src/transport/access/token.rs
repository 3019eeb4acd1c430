//! The credential, compared in time that depends neither on where two tokens differ nor on how long the right
//! one is. Knows no requests.

use std::fmt;
use std::hint::black_box;

use crate::base::secret::Secret;

/// Most bytes of a token. A random one of 32 bytes in base64 has 43.
pub const MAX_TOKEN: usize = 256;

/// Why a string cannot be the token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenError {
    /// It would let everybody in.
    Empty,
    /// Longer than [`MAX_TOKEN`].
    TooLong,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::Empty => f.write_str("the token is empty"),
            TokenError::TooLong => write!(f, "the token is longer than {MAX_TOKEN} bytes"),
        }
    }
}

impl std::error::Error for TokenError {}

/// A token, padded with zeros so that every comparison walks the same number of bytes.
pub(super) struct Token {
    padded: [u8; MAX_TOKEN],
    len: usize,
}

impl Token {
    pub(super) fn new(secret: &Secret) -> Result<Self, TokenError> {
        let bytes = secret.expose().as_bytes();
        match bytes.len() {
            0 => Err(TokenError::Empty),
            len if len > MAX_TOKEN => Err(TokenError::TooLong),
            len => Ok(Self { padded: pad(bytes), len }),
        }
    }

    /// Whether `offered` is this token.
    pub(super) fn matches(&self, offered: &str) -> bool {
        let padded = pad(offered.as_bytes());
        let mut difference = self.len ^ offered.len();
        for (ours, theirs) in self.padded.iter().zip(&padded) {
            // `black_box` keeps the optimiser from leaving the loop once the result is known.
            difference = black_box(difference | usize::from(ours ^ theirs));
        }
        difference == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The first [`MAX_TOKEN`] bytes, filled up with zeros.
fn pad(bytes: &[u8]) -> [u8; MAX_TOKEN] {
    let mut padded = [0; MAX_TOKEN];
    for (to, from) in padded.iter_mut().zip(bytes) {
        *to = *from;
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::{MAX_TOKEN, Token, TokenError};
    use crate::base::secret::Secret;

    #[test]
    fn only_the_very_token_matches() {
        let token = Token::new(&Secret::new("s3cret")).unwrap();
        assert!(token.matches("s3cret"));
        for other in ["", "s3cre", "s3crett", "S3cret", "s3creT", "s3cret\0", "\0s3cret", "xxxxxx"] {
            assert!(!token.matches(other), "{other:?}");
        }
        assert!(!token.matches(&format!("s3cret{}", "\0".repeat(MAX_TOKEN))));
    }

    #[test]
    fn length_is_bounded() {
        let longest = "a".repeat(MAX_TOKEN);
        let token = Token::new(&Secret::new(&*longest)).unwrap();
        assert!(token.matches(&longest));
        assert!(!token.matches(&format!("{longest}a")));
        assert_eq!(Token::new(&Secret::new("")).unwrap_err(), TokenError::Empty);
        assert_eq!(Token::new(&Secret::new(longest + "a")).unwrap_err(), TokenError::TooLong);
    }

    #[test]
    fn never_shows_itself() {
        assert_eq!(format!("{:?}", Token::new(&Secret::new("canary")).unwrap()), "***");
    }
}
