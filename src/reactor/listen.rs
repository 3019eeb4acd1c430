//! Opening a listening socket. Knows nothing of who calls.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::SockRef;

/// Connections the kernel keeps until they are accepted; its own bound (`net.core.somaxconn`, 4,096 on Linux)
/// counts when that is lower. The standard library asks for 128: of 200 clients that dial in the same moment, the
/// rest then waits a second for the kernel's next try.
const BACKLOG: i32 = 4_096;

/// Listens on `address`. The socket does not block.
///
/// # Errors
/// The system's: the address is in use, or not one of this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // A second call changes how many may wait.
    SockRef::from(&listener).listen(BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::time::Duration;

    #[test]
    fn a_storm_of_clients_is_not_turned_away() {
        /// Above the standard library's 128.
        const STORM: usize = 300;
        let bound = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
        if bound.trim().parse().is_ok_and(|bound: usize| bound < STORM) {
            return;
        }
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // Below the kernel's second, after which it tries again.
        let patience = Duration::from_millis(900);
        let storm: Vec<TcpStream> =
            (0..STORM).map(|_| TcpStream::connect_timeout(&address, patience).unwrap()).collect();
        assert_eq!(storm.len(), STORM);
    }
}
