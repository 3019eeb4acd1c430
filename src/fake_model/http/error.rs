//! What can be wrong with a request before anybody looks at what it wants.

use std::fmt;

/// Why a request is refused. The connection closes behind the answer: where the next request would begin is
/// not known any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::fake_model) enum RequestError {
    /// Not HTTP, or a target that is not a plain path.
    Malformed,
    /// Two lengths, a length beside chunks, or a length that is no number: whoever believes the other one is
    /// led astray.
    Length,
    /// Chunks that are none.
    Chunk,
    /// A body that did not come within [`super::super::limits::BODY_DEADLINE`], or a head in its time.
    Late,
    /// A body above [`super::super::limits::BODY_MAX`].
    BodyTooLarge,
    /// A target above [`crate::transport::http::MAX_TARGET`].
    TargetTooLong,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A head above [`crate::transport::http::MAX_HEAD`] or [`crate::transport::http::MAX_HEADERS`].
    HeadTooLarge,
    /// A transfer coding other than `chunked`.
    Coding,
    /// Neither HTTP/1.1 nor HTTP/1.0.
    Version,
}

impl RequestError {
    /// The status code of the answer.
    pub(in crate::fake_model) fn status(self) -> u16 {
        match self {
            RequestError::Malformed | RequestError::Length | RequestError::Chunk => 400,
            RequestError::Late => 408,
            RequestError::BodyTooLarge => 413,
            RequestError::TargetTooLong => 414,
            RequestError::Expectation => 417,
            RequestError::HeadTooLarge => 431,
            RequestError::Coding => 501,
            RequestError::Version => 505,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RequestError::Malformed => "malformed request",
            RequestError::Length => "the length of the request body is not clear",
            RequestError::Chunk => "malformed chunk",
            RequestError::Late => "the request did not come in time",
            RequestError::BodyTooLarge => "request body too large",
            RequestError::TargetTooLong => "request target too long",
            RequestError::Expectation => "unknown expectation",
            RequestError::HeadTooLarge => "request head too large",
            RequestError::Coding => "transfer coding not supported",
            RequestError::Version => "HTTP version not supported",
        })
    }
}

impl std::error::Error for RequestError {}

impl From<httparse::Error> for RequestError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => RequestError::HeadTooLarge,
            httparse::Error::Version => RequestError::Version,
            _ => RequestError::Malformed,
        }
    }
}
