//! Why a turn of another program's agent failed: sentences for people, and the errors of JSON-RPC, both ways.

use std::fmt;
use std::time::Duration;

pub(super) use crate::base::jsonrpc::{Fault, INTERNAL_ERROR, INVALID_PARAMS};
use crate::base::mask::mask;
use crate::tools::ToolError;

/// ACP: the agent wants a login first.
pub(super) const AUTH_REQUIRED: i64 = -32000;
/// ACP: there is no such file.
pub(super) const RESOURCE_NOT_FOUND: i64 = -32002;

/// Most characters that are repeated of what an agent says about its trouble.
const SAID_CHARS_MAX: usize = 2_000;

impl From<ToolError> for Fault {
    fn from(error: ToolError) -> Self {
        Self::new(INTERNAL_ERROR, error.to_string())
    }
}

/// Why there is no answer. Its texts are masked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The turn was interrupted, or the server ends.
    Interrupted,
    /// The agent did not answer this in this time.
    TimedOut(&'static str, Duration),
    /// The program is not there, or does not listen: why.
    Down(String),
    /// The turn cannot begin here: why.
    Unready(String),
    /// The agent answered with an error.
    Refused(Fault),
    /// The agent wants a login first: what a person can do; empty until that is known.
    Login(String),
    /// What it said is not what the protocol allows.
    Malformed(&'static str),
    /// It says more than the turn can take.
    Flooded,
    /// The turn before has not let go of the session.
    Busy,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("Operation interrupted."),
            Self::TimedOut(what, limit) => {
                write!(f, "The agent did not answer {what} within {} s.", limit.as_secs())
            }
            Self::Down(why) => write!(f, "The agent's program does not run: {why}."),
            Self::Unready(why) => f.write_str(why),
            Self::Refused(fault) => write!(f, "The agent refused: {} ({})", fault.message, fault.code),
            Self::Login(advice) => f.write_str(advice),
            Self::Malformed(what) => write!(f, "The agent cannot be understood: {what}."),
            Self::Flooded => f.write_str("The agent says more than can be taken."),
            Self::Busy => f.write_str("The agent is still busy with the turn before."),
        }
    }
}

impl From<Fault> for Failure {
    /// What an agent answered. Some say what matters in `data` only.
    fn from(fault: Fault) -> Self {
        if fault.code == AUTH_REQUIRED {
            return Self::Login(String::new());
        }
        let details = fault.data.get("details").unwrap_or(&fault.data).as_str();
        let message = match details {
            Some(details) => said(&format!("{}: {details}", fault.message)),
            None => said(&fault.message),
        };
        Self::Refused(Fault::new(fault.code, message))
    }
}

/// What an agent or its program said, fit to be shown: one line, masked and bounded.
pub(super) fn said(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    mask(&line).chars().filter(|c| !c.is_control()).take(SAID_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_refusal_tells_what_matters_and_no_secret() {
        let told = |data: Value| Failure::from(Fault { data, ..Fault::new(-1, "Bearer x a") });
        let refused = |message: &str| Failure::Refused(Fault::new(-1, message));
        assert_eq!(told(Value::Null), refused("Bearer *** a"));
        assert_eq!(told(json!("b")), refused("Bearer *** a: b"));
        assert_eq!(told(json!({"details": "Bearer canary"})), refused("Bearer *** a: Bearer ***"));
        assert_eq!(told(json!({"other": 1})), refused("Bearer *** a"));
        assert_eq!(Failure::from(Fault::new(AUTH_REQUIRED, "x")), Failure::Login(String::new()));
    }
}
