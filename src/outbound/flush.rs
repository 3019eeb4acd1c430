//! One write to a connection that a kernel carries: as much as it takes, within the budget. Owns the rule;
//! the socket is anything that can be written to.

use std::io::{self, Write};
use std::time::Instant;

use super::Waited;
use super::outbox::{Outbox, Overrun};

/// What came of it.
#[derive(Debug)]
pub enum Flushed {
    /// Everything that may leave has left.
    All,
    /// The budget is used up; write again in the next turn.
    Budget,
    /// The kernel takes no more; it will say when it does.
    Blocked,
    /// The reader is too far behind to keep: close with 1013.
    Slow(Overrun),
    /// The socket is broken.
    Failed(io::Error),
}

/// Writes what may leave. `blocked` is kept for the connection: while it is set nobody asks the kernel again,
/// and whoever hears that there is room clears it. `at` is the moment of the step, `clock` the one of a write;
/// `gone` hears how long a timed document waited.
pub fn flush(
    outbox: &mut Outbox,
    blocked: &mut bool,
    socket: &mut impl Write,
    at: Instant,
    clock: impl Fn() -> Instant,
    mut gone: impl FnMut(Waited),
) -> Flushed {
    if *blocked {
        return outbox.overrun(at).map_or(Flushed::Blocked, Flushed::Slow);
    }
    let mut budget = outbox.bounds().write_budget;
    loop {
        let bytes = outbox.fill();
        if bytes.is_empty() {
            return Flushed::All;
        }
        if budget == 0 {
            return outbox.overrun(at).map_or(Flushed::Budget, Flushed::Slow);
        }
        let at = clock();
        match socket.write(bytes) {
            Ok(count) => {
                outbox.took(count, at).into_iter().for_each(&mut gone);
                budget = budget.saturating_sub(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *blocked = true;
                return outbox.overrun(at).map_or(Flushed::Blocked, Flushed::Slow);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Flushed::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{CONTROL_BYTES_MAX, WRITE_BUDGET, WRITE_STALL_MAX};
    use crate::wire::encode;
    use crate::wire::jsonrpc::Id;

    /// Takes `room` bytes, at most `most` at once, then blocks.
    struct Kernel {
        room: usize,
        most: usize,
    }

    impl Write for Kernel {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.most).min(self.room);
            self.room -= count;
            if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn owed(bytes: usize, at: Instant) -> Outbox {
        let mut outbox = Outbox::new(|out, document| out.extend_from_slice(document), true);
        outbox.push_frame(encode::result(&Id::null(), &"x".repeat(bytes).into()), at);
        outbox
    }

    #[test]
    fn a_full_kernel_is_asked_once() {
        let at = Instant::now();
        let (mut outbox, mut blocked) = (owed(1000, at), false);
        let mut kernel = Kernel { room: 100, most: 7 };
        assert!(matches!(flush(&mut outbox, &mut blocked, &mut kernel, at, || at, drop), Flushed::Blocked));
        kernel.room = 10_000;
        assert!(matches!(flush(&mut outbox, &mut blocked, &mut kernel, at, || at, drop), Flushed::Blocked));
        assert_eq!(kernel.room, 10_000, "not asked while blocked");
        blocked = false;
        assert!(matches!(flush(&mut outbox, &mut blocked, &mut kernel, at, || at, drop), Flushed::All));
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_turn_has_a_budget() {
        let at = Instant::now();
        let (mut outbox, mut blocked) = (owed(3 * WRITE_BUDGET, at), false);
        let mut kernel = Kernel { room: usize::MAX, most: 4096 };
        let mut turns = 1;
        while matches!(flush(&mut outbox, &mut blocked, &mut kernel, at, || at, drop), Flushed::Budget) {
            turns += 1;
        }
        assert_eq!((turns, outbox.is_empty()), (4, true));
    }

    /// Found by simulation: a socket that still takes bytes excused any backlog.
    #[test]
    fn a_budget_is_no_excuse_for_a_backlog() {
        let at = Instant::now();
        let (mut outbox, mut blocked) = (owed(CONTROL_BYTES_MAX, at), false);
        for _ in 0..2 {
            outbox.push_frame(encode::result(&Id::null(), &"x".repeat(CONTROL_BYTES_MAX).into()), at);
        }
        let mut kernel = Kernel { room: usize::MAX, most: 4096 };
        let flushed = flush(&mut outbox, &mut blocked, &mut kernel, at, || at, drop);
        assert!(matches!(flushed, Flushed::Slow(Overrun::Control)), "{flushed:?}");
    }

    #[test]
    fn a_reader_that_takes_nothing_is_slow_in_the_end() {
        let at = Instant::now();
        let (mut outbox, mut blocked) = (owed(1000, at), false);
        let mut kernel = Kernel { room: 0, most: 1 };
        assert!(matches!(flush(&mut outbox, &mut blocked, &mut kernel, at, || at, drop), Flushed::Blocked));
        let later = at + WRITE_STALL_MAX;
        let flushed = flush(&mut outbox, &mut blocked, &mut kernel, later, || later, drop);
        assert!(matches!(flushed, Flushed::Slow(Overrun::Stalled)), "{flushed:?}");
    }
}
