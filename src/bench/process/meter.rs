//! What a gateway used between two moments.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::proc::{self, Switches, own_cpu_ns, tree};

/// A measurement under way.
#[derive(Debug)]
pub struct Meter {
    root: u32,
    before: HashMap<u32, Seen>,
    own_cpu_ns: u64,
    started: Instant,
}

/// A process at the start.
#[derive(Clone, Copy, Debug)]
struct Seen {
    cpu_ns: u64,
    ended_children_ns: u64,
    switches: Switches,
}

/// What was used.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Used {
    /// CPU of all processes of the gateway, in nanoseconds.
    pub cpu_ns: u64,
    /// Voluntary context switches of threads that are still there.
    pub voluntary: u64,
    /// Involuntary ones.
    pub involuntary: u64,
    /// CPU of this process, the client.
    pub client_cpu_ns: u64,
    /// Wall time.
    pub wall: Duration,
}

impl Meter {
    /// Begins, for the process `root` and its descendants.
    pub fn start(root: u32) -> Self {
        let pids = tree(root);
        let switches: Vec<Switches> = pids.iter().map(|pid| proc::switches(*pid)).collect();
        // The clocks last, so that reading the rest is not in the figures.
        let seen = pids.iter().zip(switches).map(|(pid, switches)| {
            let ended_children_ns = proc::ended_children_cpu_ns(*pid);
            let cpu_ns = proc::cpu_ns(*pid).unwrap_or(0);
            (*pid, Seen { cpu_ns, ended_children_ns, switches })
        });
        let before = seen.collect();
        Self { root, before, own_cpu_ns: own_cpu_ns(), started: Instant::now() }
    }

    /// Ends. A process that came meanwhile counts as a whole; one that went counts with what its parent was
    /// told of it.
    pub fn stop(&self) -> Used {
        let wall = self.started.elapsed();
        let client_cpu_ns = own_cpu_ns().saturating_sub(self.own_cpu_ns);
        // Of those known the clock is read at once: it has not stopped.
        let known: HashMap<u32, u64> =
            self.before.keys().filter_map(|pid| Some((*pid, proc::cpu_ns(*pid)?))).collect();
        let mut used = Used { client_cpu_ns, wall, ..Used::default() };
        for pid in tree(self.root) {
            let before = self.before.get(&pid);
            let Some(cpu_ns) = known.get(&pid).copied().or_else(|| proc::cpu_ns(pid)) else { continue };
            let switches = proc::switches(pid);
            let zero = Seen { cpu_ns: 0, ended_children_ns: 0, switches: Switches::default() };
            let before = before.unwrap_or(&zero);
            used.cpu_ns += cpu_ns.saturating_sub(before.cpu_ns);
            used.cpu_ns += proc::ended_children_cpu_ns(pid).saturating_sub(before.ended_children_ns);
            used.voluntary += switches.voluntary.saturating_sub(before.switches.voluntary);
            used.involuntary += switches.involuntary.saturating_sub(before.switches.involuntary);
        }
        used
    }
}

impl Used {
    /// CPU of the gateway in microseconds, shared out over `count` things.
    pub fn cpu_us_each(&self, count: u64) -> f64 {
        self.cpu_ns as f64 / 1e3 / count.max(1) as f64
    }

    /// The same of the client.
    pub fn client_cpu_us_each(&self, count: u64) -> f64 {
        self.client_cpu_ns as f64 / 1e3 / count.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command, Stdio};

    use super::Meter;

    #[test]
    fn a_busy_child_is_seen_and_an_idle_one_is_not() {
        let meter = Meter::start(process::id());
        let busy = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo; exec sleep 60"])
            .stdout(Stdio::piped())
            .spawn();
        let mut busy = busy.unwrap();
        std::io::Read::read_exact(busy.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let used = meter.stop();
        let alone = Meter::start(busy.id()).stop();
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert!(used.cpu_ns > 1_000_000, "{used:?}");
        assert!(alone.cpu_ns < used.cpu_ns, "{alone:?} {used:?}");
    }
}
