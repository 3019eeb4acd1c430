//! What can go wrong with recording before a document is lost; what goes wrong later is a gap in the record.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why recording did not begin, or ended early.
#[derive(Debug)]
pub enum RecordError {
    /// The file cannot be written.
    File(PathBuf, io::Error),
    /// The gateway's name leads nowhere.
    Name(String, io::Error),
    /// The port is taken, or similar.
    Listen(u16, io::Error),
    /// The gateway's program cannot be started.
    Command(String, io::Error),
    /// The loop failed.
    System(io::Error),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::File(path, error) => write!(f, "cannot record to {}: {error}", path.display()),
            RecordError::Name(name, error) => write!(f, "cannot find {name}: {error}"),
            RecordError::Listen(port, error) => write!(f, "cannot listen on 127.0.0.1:{port}: {error}"),
            RecordError::Command(name, error) => write!(f, "cannot start {name}: {error}"),
            RecordError::System(error) => write!(f, "recording failed: {error}"),
        }
    }
}

impl std::error::Error for RecordError {}
