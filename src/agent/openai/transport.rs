//! Sockets whose every wait can be cut short (`watch`), put below TLS into `ureq`'s chain of connectors.
//! Owns resolving, connecting, reading and writing; knows nothing of HTTP.
//!
//! The kernel ends each blocked read or write after [`INTERRUPT_POLL`], set once per socket; `ureq`'s own time
//! limits are applied on top. Name lookups and connects cannot be cut into slices: they run on a helper thread
//! which an interrupted turn leaves behind, until the system's or the connect limit ends it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Error, ProxyProtocol};

use super::watch;
use crate::agent::INTERRUPT_POLL;

/// Most addresses of one host that are tried; what `ureq` has room for.
const ADDRESSES_MAX: usize = 16;

/// Runs blocking work on a thread of its own and waits for it as patiently as the watch and `limit` allow.
fn off_thread<T: Send + 'static>(
    limit: NextTimeout,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let start = Instant::now();
    let (sender, receiver) = crossbeam_channel::bounded(1);
    // Nobody may be listening any more; then the result is dropped.
    thread::Builder::new().name(String::from("dial")).spawn(move || drop(sender.send(work())))?;
    loop {
        watch::check()?;
        match receiver.recv_timeout(INTERRUPT_POLL) {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Timeout) if start.elapsed() < *limit.after => {}
            Err(RecvTimeoutError::Timeout) => return Err(Error::Timeout(limit.reason)),
            Err(RecvTimeoutError::Disconnected) => return Err(Error::ConnectionFailed),
        }
    }
}

/// Looks names up.
#[derive(Debug)]
pub(super) struct Lookup;

impl Resolver for Lookup {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host_and_port = uri
            .scheme()
            .zip(uri.authority())
            .and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority))
            .ok_or_else(|| Error::BadUri(String::from("no host")))?;
        let mut found = self.empty();
        if let Ok(address) = host_and_port.parse::<SocketAddr>() {
            found.push(address);
            return Ok(found);
        }
        let addresses = off_thread(timeout, move || {
            Ok(host_and_port.to_socket_addrs()?.take(ADDRESSES_MAX).collect::<Vec<_>>())
        })?;
        for address in addresses {
            found.push(address);
        }
        if found.is_empty() { Err(Error::HostNotFound) } else { Ok(found) }
    }
}

/// Opens sockets.
#[derive(Debug)]
pub(super) struct Dial;

impl<In: Transport> Connector<In> for Dial {
    type Out = Either<In, Socket>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            // A tunnel through a proxy, whose socket was opened here before.
            return Ok(Some(Either::A(chained)));
        }
        if let Some(proxy) = details.config.proxy() {
            let tunnels = matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
            if !tunnels && !proxy.is_no_proxy(details.uri) {
                // Connecting directly would go around what the person asked for.
                return Err(Error::InvalidProxyUrl);
            }
        }
        let addresses: Vec<SocketAddr> = details.addrs.iter().copied().collect();
        let limit = details.timeout;
        let after = *limit.after;
        let stream = off_thread(limit, move || connect_first(&addresses, after))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(INTERRUPT_POLL))?;
        stream.set_write_timeout(Some(INTERRUPT_POLL))?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(Socket { stream, buffers })))
    }
}

/// Connects to the first address that answers. Each gets an equal share of `limit`.
fn connect_first(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    /// The system refuses to wait for no time at all.
    const SHARE_MIN: Duration = Duration::from_millis(10);
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(address, share.max(SHARE_MIN)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    buffers: LazyBuffers,
}

/// The end of one slice of waiting, not of the wait.
fn is_slice_end(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

/// Repeats `act` slice by slice until it does something or must not be waited for any longer.
fn in_slices(limit: NextTimeout, mut act: impl FnMut() -> io::Result<usize>) -> Result<usize, Error> {
    let start = Instant::now();
    loop {
        watch::check()?;
        match act() {
            Ok(count) => return Ok(count),
            Err(error) if !is_slice_end(&error) => return Err(Error::Io(error)),
            Err(_) if start.elapsed() >= *limit.after => return Err(Error::Timeout(limit.reason)),
            Err(_) => {}
        }
    }
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Self { stream, buffers } = self;
        let mut rest = buffers.output().get(..amount).unwrap_or_default();
        while !rest.is_empty() {
            match in_slices(timeout.for_write(), || stream.write(rest))? {
                0 => return Err(Error::Io(io::ErrorKind::WriteZero.into())),
                count => rest = rest.get(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let Self { stream, buffers } = self;
        let count = in_slices(timeout.for_read(), || stream.read(buffers.input_append_buf()))?;
        buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        // Between two calls there is nothing to read: neither an end nor words nobody asked for.
        let quiet = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(&mut [0]));
        let quiet = matches!(quiet, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        quiet && self.stream.set_nonblocking(false).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_one_address_after_the_other() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let limit = Duration::from_secs(10);
        assert_eq!(connect_first(&[closed, open], limit).unwrap().peer_addr().unwrap(), open);
        assert!(connect_first(&[closed], limit).is_err());
        assert!(connect_first(&[], limit).is_err());
    }
}
