//! What wakes the simulated loop: a flag instead of a file descriptor.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::reactor::mailbox::Wake;

/// Raised by whoever rings the bell.
#[derive(Clone, Default, Debug)]
pub(super) struct Hand(Arc<AtomicBool>);

impl Hand {
    /// Whether it is raised.
    pub(super) fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes it down, as a wait does that returns because of it.
    pub(super) fn take_down(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Wake for Hand {
    fn wake(&self) -> io::Result<()> {
        self.0.store(true, Ordering::Relaxed);
        Ok(())
    }
}
