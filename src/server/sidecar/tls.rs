//! TLS over a socket that never blocks: rustls between the bytes of a connection and those of its socket. Owns
//! the connection's records; must not know what is said, nor whose certificates are trusted.

use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, RootCertStore};

use super::wire::{Arrived, Pushed, not_yet};
use crate::limits::WIRE_TARGET;
use crate::trust;

/// What a connection is made with.
pub(super) struct Config {
    client: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Config {
    /// For a server of this name or address.
    ///
    /// # Errors
    /// The name is none, or nobody can be trusted; a sentence for people.
    pub(super) fn new(host: &str) -> Result<Self, String> {
        Self::trusting(host, trust::roots()?)
    }

    /// The same with these roots.
    pub(super) fn trusting(host: &str, roots: RootCertStore) -> Result<Self, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(ALL_VERSIONS)
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { client: Arc::new(client), name })
    }

    /// A connection over this socket; nothing of it is said before [`Tls::push`].
    pub(super) fn on(&self, socket: TcpStream) -> io::Result<Tls> {
        let connection = ClientConnection::new(Arc::clone(&self.client), self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        connection.set_buffer_limit(Some(WIRE_TARGET));
        Ok(Tls { connection, socket })
    }
}

/// A connection.
pub(super) struct Tls {
    connection: ClientConnection,
    socket: TcpStream,
}

impl Tls {
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    pub(super) fn owes(&self) -> bool {
        self.connection.wants_write()
    }

    /// Writes records until there are none, or the socket takes no more.
    pub(super) fn push(&mut self) -> io::Result<Pushed> {
        let mut bytes = 0;
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes += count,
                Err(error) if not_yet(&error) => return Ok(Pushed { bytes, whole: false }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Pushed { bytes, whole: true })
    }

    /// Takes as much as it has room for; before the handshake is over that waits here.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.connection.writer().write(bytes)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    /// One read of the socket at most, so that a server that says nothing in many records is bounded by the
    /// caller's budget.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Arrived> {
        if let Some(arrived) = self.decrypted(buffer)? {
            return Ok(arrived);
        }
        let count = self.connection.read_tls(&mut self.socket)?;
        if let Err(error) = self.connection.process_new_packets() {
            // Why, said to the other side, if the socket takes it at once.
            let _ = self.connection.write_tls(&mut self.socket);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(self.decrypted(buffer)?.unwrap_or(Arrived::Nothing(count)))
    }

    /// What was read before; `None` where there is nothing yet.
    fn decrypted(&mut self, buffer: &mut [u8]) -> io::Result<Option<Arrived>> {
        match self.connection.reader().read(buffer) {
            Ok(0) => Ok(Some(Arrived::End)),
            Ok(count) => Ok(Some(Arrived::Bytes(count))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // It hung up without a word, as many do.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Some(Arrived::End)),
            Err(error) => Err(error),
        }
    }

    /// Says the end, as far as the socket takes it.
    pub(super) fn end(&mut self) {
        self.connection.send_close_notify();
        let _ = self.push();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_refused() {
        for host in ["", "a b", "a..b"] {
            assert!(Config::trusting(host, RootCertStore::empty()).is_err(), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(Config::trusting(host, RootCertStore::empty()).is_ok(), "{host}");
        }
    }
}
