//! The sidecar's socket, plain or below TLS. Owns how bytes get through and what TLS says on its own; must not
//! know what the bytes are, nor when a connection is given up.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

#[cfg(feature = "openai")]
use super::tls::{Config, Tls};
use crate::transport::target::Target;

/// How bytes are to get to a target.
pub(super) enum Security {
    /// As they are.
    Plain,
    /// Through TLS.
    #[cfg(feature = "openai")]
    Encrypted(Config),
}

impl Security {
    /// What the target's URL asks for. May read a file of certificates.
    ///
    /// # Errors
    /// There is no TLS to be had; a sentence for people.
    pub(super) fn of(target: &Target) -> Result<Self, String> {
        if !target.is_encrypted() {
            return Ok(Self::Plain);
        }
        #[cfg(feature = "openai")]
        return Config::new(&target.host).map(Self::Encrypted);
        #[cfg(not(feature = "openai"))]
        Err("wss:// needs the full build; this one was made without TLS".to_owned())
    }

    /// Puts it on a socket that is being connected.
    pub(super) fn on(&self, socket: TcpStream) -> io::Result<Wire> {
        match self {
            Self::Plain => Ok(Wire::Plain(socket)),
            #[cfg(feature = "openai")]
            Self::Encrypted(config) => Ok(Wire::Encrypted(Box::new(config.on(socket)?))),
        }
    }
}

/// What a look into the socket brought.
pub(super) enum Arrived {
    /// The other side says no more.
    End,
    /// So many bytes.
    Bytes(usize),
    /// So many bytes of the socket that are TLS's own.
    #[cfg_attr(not(feature = "openai"), expect(dead_code, reason = "only TLS has bytes of its own"))]
    Nothing(usize),
}

/// What came of pushing.
pub(super) struct Pushed {
    /// Bytes that the socket took.
    pub(super) bytes: usize,
    /// Whether it took them all.
    pub(super) whole: bool,
}

/// An open or opening connection.
pub(super) enum Wire {
    Plain(TcpStream),
    #[cfg(feature = "openai")]
    Encrypted(Box<Tls>),
}

impl Wire {
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "openai")]
            Self::Encrypted(tls) => tls.socket(),
        }
    }

    /// Writes what was taken and is still here, as far as the socket takes it.
    pub(super) fn push(&mut self) -> io::Result<Pushed> {
        match self {
            Self::Plain(_) => Ok(Pushed { bytes: 0, whole: true }),
            #[cfg(feature = "openai")]
            Self::Encrypted(tls) => tls.push(),
        }
    }

    /// Whether [`Wire::push`] has something to write.
    pub(super) fn owes(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "openai")]
            Self::Encrypted(tls) => tls.owes(),
        }
    }

    /// Takes some of the bytes, once everything before is pushed.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            #[cfg(feature = "openai")]
            Self::Encrypted(tls) => tls.write(bytes),
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Arrived> {
        match self {
            Self::Plain(socket) => Ok(match socket.read(buffer)? {
                0 => Arrived::End,
                count => Arrived::Bytes(count),
            }),
            #[cfg(feature = "openai")]
            Self::Encrypted(tls) => tls.read(buffer),
        }
    }

    /// The last bytes, as far as the socket takes them at once: it is gone either way.
    pub(super) fn end(&mut self, bytes: &[u8]) {
        let _ = self.write(bytes);
        #[cfg(feature = "openai")]
        if let Self::Encrypted(tls) = self {
            tls.end();
        }
    }
}

/// Whether a socket has nothing now. On some systems one that still connects says so in its own way.
pub(super) fn not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected)
}
