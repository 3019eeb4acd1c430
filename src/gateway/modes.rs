//! What people switched on for the whole process: voice, spoken answers, a browser. Kept as long as it runs,
//! as in the original. Knows no device and no connection.

use super::Gateway;
use crate::model::ids::SessionId;
use crate::wire::event::Event;

/// What is on.
#[derive(Clone, Default, Debug)]
pub(super) struct Modes {
    voice: Voice,
    /// The browser that was reached last; nothing since it was let go.
    browser: Option<String>,
}

/// Whether people may speak, and hear.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Voice {
    /// Voice mode.
    pub(crate) on: bool,
    /// Whether answers are spoken.
    pub(crate) speaks: bool,
}

impl Gateway {
    /// Whether people may speak, and hear.
    pub(crate) fn voice(&self) -> Voice {
        self.modes.voice
    }

    /// Switches it.
    pub(crate) fn set_voice(&mut self, voice: Voice) {
        self.modes.voice = voice;
    }

    /// The URL of the browser that was reached.
    pub(crate) fn browser(&self) -> Option<&str> {
        self.modes.browser.as_deref()
    }

    /// A browser was reached, or is let go.
    pub(crate) fn set_browser(&mut self, url: Option<String>) {
        self.modes.browser = url;
    }

    /// Tells a session how it goes with the browser.
    pub(crate) fn tell_of_browser(&mut self, id: SessionId, message: &str, level: &'static str) {
        self.emit(id, &Event::BrowserProgress { message, level });
    }

    /// A random UUID (version 4 of RFC 9562): for keys that only need to differ.
    pub(crate) fn random_uuid(&mut self) -> String {
        let (high, low) = (self.random.next_u64(), self.random.next_u64());
        // Its version and its variant stand at fixed places.
        let high = (high & !0xf000) | 0x4000;
        let low = (low & !(0b11 << 62)) | (0b10 << 62);
        let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xffff);
        format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
    }
}
