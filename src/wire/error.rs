//! Errors as the wire knows them: a code to branch on, a message for people, and rarely data for
//! machines. `docs/protocol.md` lists the codes.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::model::stats::ErrorClass;

/// Not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// JSON, but no request.
pub const INVALID_REQUEST: i32 = -32600;
/// No such method.
pub const UNKNOWN_METHOD: i32 = -32601;
/// Parameters of the wrong type.
pub const INVALID_PARAMS: i32 = -32602;
/// A defect of ours.
pub const INTERNAL_ERROR: i32 = -32603;
/// The queue of slow methods is full; `data` says when to try again. Ours (the original queues without
/// bound).
pub const OVERLOADED: i32 = -32001;

/// The program that was to answer is gone; `data` says that the request may be made again. Ours.
pub const HOST_GONE: i32 = -32004;

/// An error reply.
#[derive(Clone, PartialEq, Debug)]
pub struct RpcError {
    /// What to branch on.
    pub code: i32,
    /// What to show.
    pub message: Cow<'static, str>,
    /// What a machine may need; absent in every error of the original.
    pub data: Option<Box<Value>>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// What it is about, for statistics.
    pub fn class(&self) -> ErrorClass {
        match self.code {
            PARSE_ERROR => ErrorClass::Parse,
            INVALID_REQUEST => ErrorClass::Request,
            UNKNOWN_METHOD => ErrorClass::Method,
            INVALID_PARAMS => ErrorClass::Params,
            OVERLOADED => ErrorClass::Overload,
            4000..5000 => ErrorClass::Client,
            5000.. => ErrorClass::Server,
            _ => ErrorClass::Internal,
        }
    }

    /// A parameter of the wrong type.
    pub fn param(name: &str, wanted: &str) -> Self {
        Self::new(INVALID_PARAMS, format!("invalid params: {name} must be {wanted}"))
    }

    /// The session is not (or no longer) live here.
    pub fn no_session() -> Self {
        Self::new(4001, "session not found")
    }

    /// The host ended, or cannot be started, before it answered.
    pub fn host_gone(why: &str) -> Self {
        Self {
            code: HOST_GONE,
            message: format!("the agent host did not answer: {why}").into(),
            data: Some(Box::new(serde_json::json!({"retryable": true}))),
        }
    }

    /// The queue of slow methods holds `queued` requests and takes no more.
    pub fn overloaded(queued: usize) -> Self {
        let data = serde_json::json!({"retryable": true, "retry_after_ms": 250, "queued": queued});
        Self {
            code: OVERLOADED,
            message: "server overloaded; retry later".into(),
            data: Some(Box::new(data)),
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_class() {
        let class = |code| RpcError::new(code, "").class();
        let cases = [
            (PARSE_ERROR, ErrorClass::Parse),
            (INVALID_REQUEST, ErrorClass::Request),
            (UNKNOWN_METHOD, ErrorClass::Method),
            (INVALID_PARAMS, ErrorClass::Params),
            (INTERNAL_ERROR, ErrorClass::Internal),
            (4000, ErrorClass::Client),
            (4999, ErrorClass::Client),
            (5000, ErrorClass::Server),
        ];
        for (code, wanted) in cases {
            assert_eq!(class(code), wanted, "{code}");
        }
        assert_eq!(RpcError::overloaded(1).class(), ErrorClass::Overload);
    }
}
