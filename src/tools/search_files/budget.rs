//! How much of a disk one search may read, and for how long. Knows nothing of what is searched for.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::super::Host;

/// Longest time of a search.
const TIME_MAX: Duration = Duration::from_secs(20);

/// Most entries of folders that are looked at.
const ENTRIES_MAX: u64 = 300_000;

/// Most bytes read, of all files and of a single one: 2 GiB and 64 MiB. What is larger is a log or no text.
const BYTES_MAX: u64 = 2 << 30;
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Most results that are counted.
const RESULTS_MAX: u64 = 20_000;

/// Why a search ended before everything was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    Interrupted,
    Time,
    Entries,
    Bytes,
    Results,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Interrupted => write!(f, "The search was interrupted"),
            Stop::Time => write!(f, "The search ended after {} s", TIME_MAX.as_secs()),
            Stop::Entries => write!(f, "The search ended after {ENTRIES_MAX} files and folders"),
            Stop::Bytes => write!(f, "The search ended after {} MiB", BYTES_MAX >> 20),
            Stop::Results => write!(f, "The search ended after {RESULTS_MAX} results"),
        }
    }
}

/// What is left. Shared by those who walk, read and collect, all on one thread.
pub(super) struct Budget<'a> {
    host: &'a dyn Host,
    end: Instant,
    entries: Cell<u64>,
    bytes: Cell<u64>,
    results: Cell<u64>,
    skipped: Cell<u64>,
    stopped: Cell<Option<Stop>>,
}

impl<'a> Budget<'a> {
    /// All of it, from now on.
    pub(super) fn new(host: &'a dyn Host) -> Self {
        Self {
            host,
            end: Instant::now() + TIME_MAX,
            entries: Cell::new(ENTRIES_MAX),
            bytes: Cell::new(BYTES_MAX),
            results: Cell::new(RESULTS_MAX),
            skipped: Cell::new(0),
            stopped: Cell::new(None),
        }
    }

    /// Whether the search goes on; to be asked often.
    pub(super) fn goes_on(&self) -> bool {
        if self.stopped.get().is_none() {
            if self.host.interrupted() {
                self.stopped.set(Some(Stop::Interrupted));
            } else if Instant::now() >= self.end {
                self.stopped.set(Some(Stop::Time));
            }
        }
        self.stopped.get().is_none()
    }

    /// An entry is looked at; says whether the search goes on.
    pub(super) fn spend_entry(&self) -> bool {
        self.spend(&self.entries, 1, Stop::Entries)
    }

    /// A result is found; says whether the search goes on.
    pub(super) fn spend_result(&self) -> bool {
        self.spend(&self.results, 1, Stop::Results)
    }

    /// A file was skipped, or a part of it: it cannot be read, has too long lines or is too large.
    pub(super) fn skip(&self) {
        self.skipped.set(self.skipped.get() + 1);
    }

    /// Files skipped.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped.get()
    }

    /// Why the search ended early, if it did.
    pub(super) fn why_stopped(&self) -> Option<Stop> {
        self.stopped.get()
    }

    /// The bytes of a file, as many as may be read; after that it fails.
    pub(super) fn meter<R: Read>(&self, file: R) -> impl Read {
        Metered { file, left: FILE_BYTES_MAX, budget: self }
    }

    fn spend(&self, left: &Cell<u64>, amount: u64, stop: Stop) -> bool {
        match left.get().checked_sub(amount) {
            Some(less) => left.set(less),
            None => self.stopped.set(self.stopped.get().or(Some(stop))),
        }
        self.goes_on()
    }
}

struct Metered<'b, 'a, R> {
    file: R,
    left: u64,
    budget: &'b Budget<'a>,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.budget.goes_on() {
            return Err(io::Error::other("the search is over"));
        }
        let count = self.file.read(buffer)?;
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| io::Error::other("the file is too large"))?;
        self.budget.spend(&self.budget.bytes, count as u64, Stop::Bytes);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::super::path::testing::Turn;
    use super::*;

    #[test]
    fn an_interrupt_stops_everything() {
        let turn = Turn::default();
        let budget = Budget::new(&turn);
        assert!(budget.goes_on() && budget.spend_entry() && budget.spend_result());
        turn.interrupt.store(true, Ordering::SeqCst);
        assert!(!budget.spend_entry());
        let read = budget.meter(&b"x"[..]).read(&mut [0]);
        assert!(read.is_err());
        assert_eq!(budget.why_stopped(), Some(Stop::Interrupted));
    }

    #[test]
    fn there_is_an_end_to_results_and_bytes() {
        let turn = Turn::default();
        let budget = Budget::new(&turn);
        budget.results.set(1);
        assert!(budget.spend_result() && !budget.spend_result());
        assert_eq!(budget.why_stopped(), Some(Stop::Results));
        let budget = Budget::new(&turn);
        budget.bytes.set(1);
        let mut file = budget.meter(&b"xyz"[..]);
        let [first, second] = [(); 2].map(|()| file.read(&mut [0; 2]));
        assert!(first.is_ok_and(|count| count == 2) && second.is_err());
        assert_eq!(budget.why_stopped(), Some(Stop::Bytes));
    }

    #[test]
    fn one_file_does_not_take_it_all() {
        let turn = Turn::default();
        let budget = Budget::new(&turn);
        let read = io::copy(&mut budget.meter(io::repeat(b'x')), &mut io::sink());
        assert!(read.is_err() && budget.goes_on());
    }
}
