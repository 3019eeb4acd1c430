//! Reads along with one direction of a WebSocket: the bytes have been relayed already, the tap says what was
//! in them. Knows no sockets and no files.

use crate::transport::ws::{Binary, Decoder, Event, Violation};

use super::entry::{DOCUMENT_MAX, Side};

/// Stands for the code of a close frame without one (RFC 6455, 7.1.5).
pub(super) const NO_CODE: u16 = 1005;

/// What passed by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// A document.
    Document(String),
    /// A close frame.
    Close {
        /// Its code; [`NO_CODE`] if it had none.
        code: u16,
        /// Its reason.
        reason: String,
    },
}

/// The tap of one direction.
pub(super) struct Tap {
    decoder: Decoder,
}

impl Tap {
    /// A tap on what `side` says.
    pub(super) fn new(side: Side) -> Self {
        let decoder = match side {
            Side::Client => Decoder::new(DOCUMENT_MAX, Binary::Refuse),
            Side::Server => Decoder::for_client(DOCUMENT_MAX, Binary::Refuse),
        };
        Self { decoder }
    }

    /// Takes in bytes as they were on the wire; unmasks them in place.
    ///
    /// # Errors
    /// When they break the protocol or are larger than what is kept; nothing is heard of this direction any more.
    pub(super) fn hear(&mut self, mut bytes: &mut [u8], heard: &mut Vec<Heard>) -> Result<(), Violation> {
        while let Some(event) = self.decoder.decode(&mut bytes)? {
            match event {
                Event::Text(text) => heard.push(Heard::Document(text.into_owned())),
                Event::Close { code, reason } => {
                    heard.push(Heard::Close { code: code.unwrap_or(NO_CODE), reason: reason.into_owned() });
                }
                // Alive, and nothing said.
                Event::Ping(_) | Event::Pong(_) | Event::Binary(_) => {}
            }
        }
        Ok(())
    }
}
