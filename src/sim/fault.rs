//! What can go wrong. Each seed draws which of these do (swarm testing, Groce and others 2012): a run in which
//! everything fails all the time exercises less than many runs in which a few things do.

/// A kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// Connections are reset.
    Resets,
    /// Clients close their half and wait.
    HalfCloses,
    /// Clients read little at a time.
    SlowReaders,
    /// Clients stop reading for minutes.
    StalledReaders,
    /// The kernel takes less than it has room for.
    PartialWrites,
    /// Sockets are reported ready and are not.
    SpuriousWakes,
    /// Clients send what is no request, and frames that break the protocol.
    Garbage,
    /// Clients answer questions that are closed or were never asked.
    StaleAnswers,
    /// Agents vanish without an end.
    Crashes,
    /// Agents do not listen.
    Wedged,
    /// Agents say nothing for a long time.
    Silence,
    /// Jobs fail.
    FailedJobs,
    /// The pool has no room.
    RefusedJobs,
    /// Agents cannot be started.
    FailedStarts,
    /// The machine sleeps, and its wall clock jumps.
    Suspends,
    /// The process is stopped, and wakes up late.
    Stops,
    /// A turn of the loop takes long.
    SlowTurns,
    /// Connections cannot be accepted.
    FullListeners,
    /// Clients connect and say nothing.
    HalfOpens,
    /// Clients ping, and do not read the pongs.
    PingFloods,
    /// Clients do not answer pings.
    NoPongs,
    /// The settings change.
    Settings,
    /// Clients take over each other's sessions.
    Takeovers,
    /// Questions, prompts and answers are large.
    HugeFrames,
    /// Agents act in the middle of a turn of the loop.
    Races,
    /// Limits are small.
    SmallLimits,
}

/// All of them with their names.
pub const FAULTS: &[(Fault, &str)] = &[
    (Fault::Resets, "resets"),
    (Fault::HalfCloses, "half-closes"),
    (Fault::SlowReaders, "slow-readers"),
    (Fault::StalledReaders, "stalled-readers"),
    (Fault::PartialWrites, "partial-writes"),
    (Fault::SpuriousWakes, "spurious-wakes"),
    (Fault::Garbage, "garbage"),
    (Fault::StaleAnswers, "stale-answers"),
    (Fault::Crashes, "crashes"),
    (Fault::Wedged, "wedged"),
    (Fault::Silence, "silence"),
    (Fault::FailedJobs, "failed-jobs"),
    (Fault::RefusedJobs, "refused-jobs"),
    (Fault::FailedStarts, "failed-starts"),
    (Fault::Suspends, "suspends"),
    (Fault::Stops, "stops"),
    (Fault::SlowTurns, "slow-turns"),
    (Fault::FullListeners, "full-listeners"),
    (Fault::HalfOpens, "half-opens"),
    (Fault::PingFloods, "ping-floods"),
    (Fault::NoPongs, "no-pongs"),
    (Fault::Settings, "settings"),
    (Fault::Takeovers, "takeovers"),
    (Fault::HugeFrames, "huge-frames"),
    (Fault::Races, "races"),
    (Fault::SmallLimits, "small-limits"),
];

/// A set of faults.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Faults(u32);

impl Faults {
    /// None.
    pub const NONE: Faults = Faults(0);
    /// All.
    pub const ALL: Faults = Faults(u32::MAX);

    /// Whether `fault` is in it.
    pub fn has(self, fault: Fault) -> bool {
        self.0 & 1 << fault as u32 != 0
    }

    /// The same with `fault`.
    pub fn with(self, fault: Fault) -> Self {
        Self(self.0 | 1 << fault as u32)
    }

    /// The same without `fault`.
    pub fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << fault as u32))
    }

    /// Those in both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        FAULTS.iter().filter(|(fault, _)| self.has(*fault)).map(|(_, name)| *name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_fault_once_and_in_order() {
        assert!(FAULTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(FAULTS.len(), Fault::SmallLimits as usize + 1);
        assert!(FAULTS.len() <= 32);
    }

    #[test]
    fn sets_are_sets() {
        let set = Faults::NONE.with(Fault::Resets).with(Fault::Races);
        assert_eq!(set.names(), ["resets", "races"]);
        assert_eq!(set.without(Fault::Resets).names(), ["races"]);
        assert_eq!(set.and(Faults::ALL), set);
    }
}
