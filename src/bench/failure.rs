//! Why a measurement is worth nothing.

use std::fmt;
use std::io;

/// What went wrong, for a person. Only [`Failure::Interrupted`] ends the whole run; after any other the next
/// scenario is tried, and the run as a whole has failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The gateway said something else than it should have: text lost, doubled or out of order, an error for
    /// an answer, a second end of a turn.
    Wrong(String),
    /// Something did not come in time.
    Late(String),
    /// A connection ended that should not have.
    Gone(String),
    /// The gateway or the model server could not be started.
    Start(String),
    /// This machine did not let us.
    Machine(String),
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Wrong(what) => write!(f, "wrong: {what}"),
            Failure::Late(what) => write!(f, "late: {what}"),
            Failure::Gone(what) | Failure::Start(what) | Failure::Machine(what) => f.write_str(what),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Machine(error.to_string())
    }
}
