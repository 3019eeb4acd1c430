//! SIGINT, SIGTERM and SIGHUP as something a poll can wait for. Knows no loop.

use std::io;
use std::os::unix::net::UnixStream as StdStream;

use mio::net::UnixStream;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// Becomes readable with the first signal. From now on those signals do nothing else.
pub(super) fn watch() -> io::Result<UnixStream> {
    let (near, far) = StdStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        pipe::register(signal, far.try_clone()?)?;
    }
    near.set_nonblocking(true)?;
    Ok(UnixStream::from_std(near))
}
