//! What may cut a wait for the network short: the turn's interrupt, and a patience set by the caller.
//!
//! It hangs on the thread, not on the connection. A turn runs on one thread, all waiting for its call happens
//! there, and a pooled connection serves one turn after the other: so the thread is the one thing that always
//! belongs to the right turn, and `ureq` offers no other way to reach a connection in use.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

struct Watch {
    interrupt: Arc<AtomicBool>,
    until: Option<Instant>,
}

/// Holds the watch on this thread; dropping it ends it.
#[derive(Debug)]
pub(super) struct Guard {
    /// Stays on its thread.
    _thread: PhantomData<Rc<()>>,
}

/// From now on, waits of this thread end when `interrupt` is set.
pub(super) fn begin(interrupt: Arc<AtomicBool>) -> Guard {
    WATCH.with_borrow_mut(|watch| *watch = Some(Watch { interrupt, until: None }));
    Guard { _thread: PhantomData }
}

impl Guard {
    /// Lets waits end `patience` from now at the latest; `None` lifts that.
    pub(super) fn set_patience(&self, patience: Option<Duration>) {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        WATCH.with_borrow_mut(|watch| {
            if let Some(watch) = watch {
                watch.until = until;
            }
        });
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        WATCH.with_borrow_mut(|watch| *watch = None);
    }
}

/// The wait was cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CutShort {
    /// The turn was interrupted.
    Interrupted,
    /// The patience is over.
    OutOfPatience,
}

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CutShort::Interrupted => "interrupted",
            CutShort::OutOfPatience => "the server takes too long",
        })
    }
}

impl std::error::Error for CutShort {}

impl From<CutShort> for ureq::Error {
    fn from(cut: CutShort) -> Self {
        // Not `ErrorKind::Interrupted`: TLS would try again.
        ureq::Error::Io(io::Error::other(cut))
    }
}

/// Asks whether to wait on. To be called at least every [`crate::agent::INTERRUPT_POLL`] of waiting.
pub(super) fn check() -> Result<(), CutShort> {
    WATCH.with_borrow(|watch| match watch {
        Some(watch) if watch.interrupt.load(Ordering::SeqCst) => Err(CutShort::Interrupted),
        Some(Watch { until: Some(until), .. }) if *until <= Instant::now() => Err(CutShort::OutOfPatience),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_this_thread_as_long_as_the_guard_lives() {
        let flag = Arc::new(AtomicBool::new(false));
        let guard = begin(Arc::clone(&flag));
        assert_eq!(check(), Ok(()));
        guard.set_patience(Some(Duration::ZERO));
        assert_eq!(check(), Err(CutShort::OutOfPatience));
        guard.set_patience(None);
        flag.store(true, Ordering::SeqCst);
        assert_eq!(check(), Err(CutShort::Interrupted));
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(check(), Ok(()), "another thread, another turn"));
        });
        drop(guard);
        assert_eq!(check(), Ok(()));
    }
}
