//! The input of a background process. A process that does not read fills its pipe; whoever writes waits for
//! that a little, and never for ever.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ChildStdin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lock;
use super::readiness::wait_writable;

/// How long the process may take to read what was written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// The input, until it is closed. A lock of its own: the output is read on while somebody writes.
#[derive(Debug)]
pub(super) struct Input(Mutex<Option<ChildStdin>>);

impl Input {
    /// The writing end of the pipe.
    pub(super) fn new(pipe: Option<ChildStdin>) -> Self {
        if let Some(pipe) = &pipe {
            // Fails for no pipe; then a write may wait longer.
            let _ = rustix::io::ioctl_fionbio(pipe, true);
        }
        Self(Mutex::new(pipe))
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The input is closed, or the process does not read.
    pub(super) fn write(&self, data: &[u8]) -> io::Result<()> {
        let mut input = lock(&self.0);
        let pipe = input.as_mut().ok_or_else(|| io::Error::other("its input is closed"))?;
        let deadline = Instant::now() + WRITE_TIMEOUT;
        let mut rest = data;
        while !rest.is_empty() {
            match pipe.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        let (taken, all) = (data.len() - rest.len(), data.len());
                        let text = format!("it does not read its input: {taken} of {all} bytes were taken");
                        return Err(io::Error::other(text));
                    }
                    wait_writable(pipe.as_fd(), left);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Closes it; whether it was open.
    pub(super) fn close(&self) -> bool {
        lock(&self.0).take().is_some()
    }
}
