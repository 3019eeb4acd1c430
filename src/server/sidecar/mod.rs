//! The sidecar: a second reader of everything that stdout is given, over a WebSocket this program opens
//! itself (`HERMES_TUI_SIDECAR_URL`). A dashboard that runs the terminal UI in a page shows from it what goes
//! on.
//!
//! It lives on the loop and never delays the primary: what is copied is copied once stdout has it, what the
//! sidecar does not take waits within bounds or is dropped, and whatever goes wrong with it is its own
//! affair.
//!
//! Reader's path: here (where it meets the loop) → `publisher` (one connection after the other) → `queue`
//! (what it is owed) → `wire` and `tls` (how it gets there) → `retry`, `lookup`.

mod lookup;
mod publisher;
mod queue;
mod retry;
#[cfg(feature = "openai")]
mod tls;
mod wire;

use mio::Token;

use super::main_loop::Server;
use crate::model::stats::SidecarStats;
use crate::reactor::mailbox::Mail;
use crate::reactor::poller::Ready;
use crate::transport::target::Target;
use lookup::Found;
pub(super) use publisher::Publisher;
use wire::Security;

/// Token of its socket. Keys of links pack to larger numbers (`base::slots::KEY_BITS_MIN`).
pub(super) const SIDECAR: Token = Token(2);

impl Server {
    /// Opens the sidecar at `url`; one that leads nowhere is said once, and the primary does without.
    pub(super) fn open_sidecar(&mut self, url: &str) {
        let target = Target::exactly(url).map_err(|error| error.to_string());
        match target.and_then(|target| Ok((Security::of(&target)?, target))) {
            Ok((security, target)) => {
                // Rests only have to differ between processes.
                let seed = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
                let mut publisher = Box::new(Publisher::new(target, security, &self.bell, seed));
                publisher.start(&mut self.poller, self.at);
                self.sidecar = Some(publisher);
            }
            Err(error) => log::warn!("no sidecar: {error}"),
        }
    }

    pub(super) fn sidecar_ready(&mut self, ready: Ready) {
        if let Some(publisher) = &mut self.sidecar {
            publisher.ready(&mut self.poller, ready, &mut self.read_buffer, self.at);
        }
    }

    pub(super) fn sidecar_due(&mut self) {
        if let Some(publisher) = &mut self.sidecar {
            publisher.due(&mut self.poller, self.at);
        }
    }

    /// What came of a lookup, if one is over.
    pub(super) fn sidecar_mail(&self) -> Mail<Found> {
        self.sidecar.as_ref().map_or(Mail::Empty, |publisher| publisher.mail())
    }

    pub(super) fn sidecar_found(&mut self, found: Found) {
        if let Some(publisher) = &mut self.sidecar {
            publisher.found(&mut self.poller, found, self.at);
        }
    }

    /// Writes what was copied, as far as the socket takes it.
    pub(super) fn flush_sidecar(&mut self) {
        if let Some(publisher) = &mut self.sidecar {
            publisher.flush(&mut self.poller, self.at);
        }
    }

    /// The process ends: what the socket takes at once leaves, and a close. Nobody waits for more.
    pub(super) fn close_sidecar(&mut self) {
        if let Some(publisher) = self.sidecar.take() {
            publisher.close(&mut self.poller, self.at);
        }
    }

    /// What is counted of it; zeros without one.
    pub(super) fn sidecar_stats(&self) -> SidecarStats {
        self.sidecar.as_ref().map(|publisher| publisher.stats()).unwrap_or_default()
    }
}
