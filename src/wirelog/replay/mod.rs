//! Playing a record again: as the gateway to a front end, as clients to a gateway, or as both to prove that it
//! can be told byte for byte.
//!
//! Reader's path: `script` (a record in memory) → `envelope` (what a document says of itself) → `actor` (who
//! plays one side of one connection: `exact`, `gateway`, `client`) → `hub` (WebSockets) → `stage` (actors on
//! them).

mod actor;
mod call;
mod check;
mod client;
mod compare;
mod cues;
mod envelope;
mod exact;
mod gateway;
mod hub;
mod ids;
mod link;
mod score;
mod script;
mod serve;
mod stage;
#[cfg(test)]
mod testing;
mod transcript;

use std::fmt;
use std::io;

use crate::transport::access::TokenError;
use crate::transport::target::TargetError;

pub use actor::{FAULTS_MAX, Pace, Report};
pub use call::{CallOptions, Called, call};
pub use check::{Checked, check};
pub use script::{
    CONVERSATIONS_MAX, Closing, Conversation, Line, SCRIPT_BYTES_MAX, SCRIPT_LINES_MAX, Script, ScriptError,
};
pub use serve::{ServeNews, ServeOptions, serve};

/// Why a replay did not begin, or ended early.
#[derive(Debug)]
pub enum ReplayError {
    /// The port is taken, or similar.
    Listen(u16, io::Error),
    /// The token cannot be one.
    Token(TokenError),
    /// The URL leads nowhere.
    Target(TargetError),
    /// The gateway's name leads nowhere.
    Name(String, io::Error),
    /// Many clients at once are for a gateway on this machine only.
    NotLocal,
    /// A signal came.
    Interrupted,
    /// The loop failed.
    System(io::Error),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Listen(port, error) => write!(f, "cannot listen on 127.0.0.1:{port}: {error}"),
            ReplayError::Token(error) => error.fmt(f),
            ReplayError::Target(error) => error.fmt(f),
            ReplayError::Name(name, error) => write!(f, "cannot reach {name}: {error}"),
            ReplayError::NotLocal => f.write_str("--clients is for a gateway on this machine only"),
            ReplayError::Interrupted => f.write_str("interrupted"),
            ReplayError::System(error) => write!(f, "the replay failed: {error}"),
        }
    }
}

impl std::error::Error for ReplayError {}
