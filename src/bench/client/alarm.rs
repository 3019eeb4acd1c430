//! A timer that ends a poll to the microsecond. `epoll_wait` counts in milliseconds and rounds up, which would
//! make an open-loop client late by half a millisecond on average: more than a call to a fast gateway takes.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::Token;
use mio::unix::SourceFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::reactor::poller::Poller;

/// The shortest wait the kernel is asked for. Zero would disarm the timer.
const SHORTEST: Duration = Duration::from_nanos(1);

/// One timer of the kernel.
#[derive(Debug)]
pub(super) struct Alarm {
    fd: OwnedFd,
    armed: Option<Instant>,
}

impl Alarm {
    /// A disarmed timer, reported by `poller` as `token`.
    pub(super) fn new(poller: &Poller, token: Token) -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        poller.add_readable(&mut SourceFd(&fd.as_raw_fd()), token)?;
        Ok(Self { fd, armed: None })
    }

    /// Ends a poll at `at`, or never. It fires once; an instant in the past fires at once. Its count is never
    /// read: each expiry is an edge of its own.
    pub(super) fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if at == self.armed {
            return Ok(());
        }
        let wait = at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()).max(SHORTEST));
        let value = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(wait) };
        timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &value)?;
        self.armed = at;
        Ok(())
    }

    /// It fired: the same instant may be set again.
    pub(super) fn fired(&mut self) {
        self.armed = None;
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
