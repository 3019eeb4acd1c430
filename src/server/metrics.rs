//! What the server counts beside what its parts count themselves, and all of it at one moment.
//!
//! The hooks are one line each where something happens; a page is put together only when somebody asks, in time
//! that grows with connections and agents alone.

use std::fs;
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::io::Errno;

use super::main_loop::Server;
use crate::agent::Timed;
use crate::base::tally::Tally;
use crate::gateway::view::WIRE_VERSION;
use crate::model::stats::{
    AcceptFailure, AgentStats, BOUNDS_US, ByPace, Closed, LinkStats, Load, OverrunKind, Pace, ProcessStats,
    ReactorStats, Refused, SlowTurn, Spread, StageStats, Stats,
};
use crate::outbound::Waited;
use crate::outbound::outbox::{Overrun, Sent};
use crate::reactor::drift::{self, Culprit, Histogram, SlowTurns};
use crate::transport::access::Refusal;
use crate::transport::ws::code;

/// Milliseconds of a tick of `/proc`: Linux counts 100 a second for programs, whatever it does inside.
const TICK_MS: u64 = 10;

/// Counters since the start.
pub(super) struct Metrics {
    /// When the process started, counted from 1970.
    started: Duration,
    pub(super) accepted: u64,
    pub(super) upgraded: u64,
    pub(super) http_requests: u64,
    pub(super) refused: Tally<Refused>,
    pub(super) closed: Tally<Closed>,
    pub(super) accept_failures: Tally<AcceptFailure>,
    pub(super) overruns: Tally<OverrunKind>,
    pub(super) pings: u64,
    pub(super) pong_timeouts: u64,
    pub(super) bytes_in: u64,
    pub(super) messages_in: u64,
    pub(super) stalls: u64,
    /// What connections that are gone had sent.
    gone: Sent,
    slow: SlowTurns,
    drained: Paces,
    written: Paces,
}

/// A histogram for each pace.
#[derive(Default)]
struct Paces {
    paced: Histogram,
    now: Histogram,
}

impl Paces {
    fn record(&mut self, pace: Pace, time: Duration) {
        match pace {
            Pace::Paced => self.paced.record(time),
            Pace::Now => self.now.record(time),
        }
    }

    fn spreads(&self) -> ByPace {
        ByPace { paced: spread(&self.paced), now: spread(&self.now) }
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub(super) fn new() -> Self {
        Self {
            started: wall(),
            accepted: 0,
            upgraded: 0,
            http_requests: 0,
            refused: Tally::default(),
            closed: Tally::default(),
            accept_failures: Tally::default(),
            overruns: Tally::default(),
            pings: 0,
            pong_timeouts: 0,
            bytes_in: 0,
            messages_in: 0,
            stalls: 0,
            gone: Sent::default(),
            slow: SlowTurns::default(),
            drained: Paces::default(),
            written: Paces::default(),
        }
    }

    /// The loop took an agent's event that was timed.
    pub(super) fn drained(&mut self, timed: Timed, now: Instant) {
        let pace = if timed.paced { Pace::Paced } else { Pace::Now };
        self.drained.record(pace, now.saturating_duration_since(timed.said));
    }

    /// A socket took the last byte of a document that was timed, if it was one.
    pub(super) fn written(&mut self, waited: Option<Waited>) {
        if let Some(Waited { pace, time }) = waited {
            self.written.record(pace, time);
        }
    }

    /// A connection ended, and had sent so much.
    pub(super) fn link_gone(&mut self, why: Closed, sent: Sent) {
        self.closed.add(why);
        self.gone = self.gone + sent;
    }

    /// A turn of the loop took long.
    pub(super) fn slow_turn(&mut self, turn: drift::SlowTurn) {
        self.slow.record(wall(), turn);
    }

    /// Accepting failed.
    pub(super) fn accept_failed(&mut self, error: &io::Error) {
        let descriptors = matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE));
        let kind = if descriptors { AcceptFailure::Descriptors } else { AcceptFailure::Other };
        self.accept_failures.add(kind);
    }
}

impl Server {
    /// Everything that is counted.
    pub(super) fn stats(&self) -> Box<Stats> {
        Box::new(Stats {
            version: env!("CARGO_PKG_VERSION"),
            wire_version: WIRE_VERSION,
            process: process(self.metrics.started),
            gateway: self.core.stats(),
            links: self.link_stats(),
            sidecar: self.sidecar_stats(),
            hosts: self.host_stats(),
            agents: AgentStats {
                running: self.agents.len() as u64,
                mailbox: Load::of(self.agents.waiting()),
            },
            reactor: self.reactor_stats(),
            stages: StageStats {
                drained: self.metrics.drained.spreads(),
                written: self.metrics.written.spreads(),
            },
        })
    }

    fn link_stats(&self) -> LinkStats {
        let metrics = &self.metrics;
        let sent = self.links.iter().fold(metrics.gone, |sent, (_, link)| sent + link.outbox.sent());
        LinkStats {
            open: self.links.len() as u64,
            accepted: metrics.accepted,
            upgraded: metrics.upgraded,
            http_requests: metrics.http_requests,
            refused: metrics.refused,
            closed: metrics.closed,
            accept_failures: metrics.accept_failures,
            overruns: metrics.overruns,
            pings: metrics.pings,
            pong_timeouts: metrics.pong_timeouts,
            bytes_in: metrics.bytes_in,
            messages_in: metrics.messages_in,
            bytes_out: sent.bytes,
            frames_out: sent.frames,
            merged: sent.merged,
            outbox: Load::of(self.links.iter().map(|(_, link)| link.outbox.backlog())),
        }
    }

    fn reactor_stats(&self) -> ReactorStats {
        let slow = &self.metrics.slow;
        let one = |(at, turn): (Duration, drift::SlowTurn)| SlowTurn {
            at,
            took: turn.took,
            culprit: Culprit { connection: None, ..turn.culprit }.to_string(),
            connection: turn.culprit.connection,
        };
        ReactorStats {
            wakes: spread(self.drift.wakes()),
            turns: spread(self.drift.turns()),
            frames: self.pacer.pulse().frames(),
            frames_skipped: self.pacer.pulse().skipped(),
            stalls: self.metrics.stalls,
            slow_by: slow.by_culprit().map(|(culprit, count)| (culprit.to_string(), count)).collect(),
            slow_last: slow.last().map(one).collect(),
        }
    }
}

fn spread(histogram: &Histogram) -> Spread {
    Spread {
        below: BOUNDS_US.map(|bound| histogram.below(Duration::from_micros(bound))),
        count: histogram.count(),
        sum: histogram.sum(),
        p50: histogram.p50(),
        p99: histogram.p99(),
        max: histogram.max(),
    }
}

/// What the system says. The files are made in memory as they are read: nobody waits for a disk.
fn process(started: Duration) -> ProcessStats {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    ProcessStats { started, cpu: cpu(&read("stat")), resident: resident(&read("status")) }
}

/// The time all threads computed, out of `/proc/self/stat`: the 14th and 15th field, in ticks. Counted from the
/// end of the second, the program's name in brackets, which may hold anything.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, numbers) = stat.rsplit_once(')')?;
    let mut ticks = numbers.split_ascii_whitespace().skip(11).map(|number| number.parse::<u64>().ok());
    let ticks = ticks.next()??.checked_add(ticks.next()??)?;
    Some(Duration::from_millis(ticks.checked_mul(TICK_MS)?))
}

/// Resident bytes out of `/proc/self/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1 << 10)
}

/// Now, counted from 1970.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How a close of ours is counted.
pub(super) fn closed_with(code: u16) -> Closed {
    match code {
        code::GOING_AWAY => Closed::Shutdown,
        code::INTERNAL_ERROR => Closed::NoPong,
        code::TRY_AGAIN_LATER => Closed::SlowReader,
        _ => Closed::Violation,
    }
}

/// How a refusal is counted.
pub(super) fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Credential | Refusal::Bearer => Refused::Credential,
        Refusal::Peer => Refused::Peer,
        Refusal::Host | Refusal::PlainHost => Refused::Host,
        Refusal::Origin => Refused::Origin,
        Refusal::UnknownPath => Refused::Path,
        Refusal::Channel | Refusal::ChannelsFull => Refused::Channel,
    }
}

/// How a reader that is given up is counted.
pub(super) fn overrun(overrun: Overrun) -> OverrunKind {
    match overrun {
        Overrun::Control => OverrunKind::Control,
        Overrun::Stalled => OverrunKind::Stalled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(resident("VmPeak:\t  9 kB\nVmRSS:\t    4532 kB\nThreads:\t3\n"), Some(4532 << 10));
        for other in ["", "VmRSS:", "VmRSS:\t12 MB\n", "VmRSS: x kB\n"] {
            assert_eq!(resident(other), None, "{other:?}");
        }
    }

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = |name: &str| format!("7 ({name}) S 1 7 7 0 -1 4194560 99 0 0 0 125 75 3 4 20 0 5 0 1\n");
        for name in ["tui-gateway", "a) R 1 (b", ""] {
            assert_eq!(cpu(&stat(name)), Some(Duration::from_secs(2)), "{name}");
        }
        for other in ["", ")", "7 (x) S 1 7 7 0 -1 4194560 99 0 0 0 125", "7 (x) S 1 7 7 0 -1 9 9 0 0 0 x y"]
        {
            assert_eq!(cpu(other), None, "{other:?}");
        }
        let now = process(Duration::ZERO);
        assert!(now.cpu.is_some() && now.resident.is_some_and(|bytes| bytes > 1 << 20), "{now:?}");
    }

    #[test]
    fn a_histogram_is_shown_as_it_is() {
        let mut histogram = Histogram::new();
        for micros in [1, 9, 20, 10_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        let shown = spread(&histogram);
        assert_eq!((shown.below[0], shown.below[1], shown.below[2], shown.below[20]), (1, 2, 3, 3));
        assert_eq!(
            (shown.count, shown.sum, shown.max),
            (4, Duration::from_micros(10_000_030), histogram.max())
        );
        assert!(shown.below.is_sorted());
    }

    #[test]
    fn only_a_want_of_descriptors_counts_as_one() {
        let mut metrics = Metrics::new();
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS] {
            metrics.accept_failed(&errno.into());
        }
        metrics.accept_failed(&io::Error::other("no number"));
        assert_eq!(metrics.accept_failures.of(AcceptFailure::Descriptors), 2);
        assert_eq!(metrics.accept_failures.of(AcceptFailure::Other), 2);
    }
}
