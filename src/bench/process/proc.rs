//! Reading `/proc` (proc(5)) and CPU clocks. What is gone meanwhile counts as nothing.

use std::collections::HashMap;
use std::fs;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use rustix::time::{ClockId, clock_gettime};

/// Most processes of one gateway that are looked at.
const PROCESSES_MAX: usize = 4_096;

/// Nanoseconds in a unit of the times in `stat`: 100 a second on every Linux that people run.
const STAT_UNIT_NS: u64 = 10_000_000;

/// Fields of `stat` behind the command: the parent's pid, and the times of children that were waited for.
const STAT_PARENT: usize = 1;
const STAT_CHILD_USER: usize = 13;
const STAT_CHILD_SYSTEM: usize = 14;

/// Resident memory, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Memory {
    /// All of it, shared pages counted in each process.
    pub rss: u64,
    /// The proportional share, which may be added up.
    pub pss: u64,
}

/// Times a process gave up its core.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Switches {
    /// To wait: each is a wake-up.
    pub(super) voluntary: u64,
    /// For somebody else.
    pub(super) involuntary: u64,
}

/// `root` and its descendants.
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in numbers("/proc") {
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(STAT_PARENT)?.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() && found.len() < PROCESSES_MAX {
        found.extend(children.remove(&found[at]).unwrap_or_default());
        at += 1;
    }
    found
}

/// CPU time of one process so far, user and system, threads that ended included, in nanoseconds: the clock
/// that the kernel keeps for each process. `/proc/PID/stat` counts the same in steps of 10 ms, and
/// `schedstat` forgets threads that ended, which every turn's thread does.
pub(super) fn cpu_ns(pid: u32) -> Option<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
    let time = clock.now().ok()?;
    nanoseconds(time.tv_sec(), time.tv_nsec())
}

/// CPU time of `root` and its descendants so far, in nanoseconds.
pub fn cpu_ns_of_tree(root: u32) -> u64 {
    tree(root).into_iter().filter_map(cpu_ns).sum()
}

/// CPU time of children of `pid` that ended and were waited for, in nanoseconds, in steps of 10 ms.
pub(super) fn ended_children_cpu_ns(pid: u32) -> u64 {
    let fields = stat(pid).unwrap_or_default();
    let time = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (time(STAT_CHILD_USER) + time(STAT_CHILD_SYSTEM)) * STAT_UNIT_NS
}

/// CPU time of this process so far, in nanoseconds.
pub fn own_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    nanoseconds(time.tv_sec, time.tv_nsec).unwrap_or(0)
}

fn nanoseconds(seconds: i64, rest: i64) -> Option<u64> {
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(u64::try_from(rest).ok()?)
}

/// Memory of `root` and its descendants.
pub fn memory(root: u32) -> Memory {
    let mut sum = Memory::default();
    for pid in tree(root) {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        sum.rss += field(&text, "Rss:") << 10;
        sum.pss += field(&text, "Pss:") << 10;
    }
    sum
}

/// Context switches of all threads a process has. Those of threads that ended are lost with them, so they are
/// a lower bound where threads come and go.
pub(super) fn switches(pid: u32) -> Switches {
    let mut sum = Switches::default();
    for thread in numbers(&format!("/proc/{pid}/task")) {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).unwrap_or_default();
        sum.voluntary += field(&text, "voluntary_ctxt_switches:");
        sum.involuntary += field(&text, "nonvoluntary_ctxt_switches:");
    }
    sum
}

/// Who traces a process; 0 if nobody does.
pub(super) fn tracer(pid: u32) -> u64 {
    field(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default(), "TracerPid:")
}

/// The number behind `name` at the start of a line; 0 if it is not there.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The fields of `/proc/PID/stat` behind the command, which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// The entries of a directory that are numbers.
fn numbers(dir: &str) -> Vec<u32> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command};

    use super::{cpu_ns, field, memory, own_cpu_ns, switches, tree};

    #[test]
    fn this_process_can_be_read() {
        let pid = process::id();
        let before = cpu_ns(pid).unwrap();
        let mut sum = 0_u64;
        while cpu_ns(pid).unwrap() < before + 1_000_000 {
            sum = sum.wrapping_add(1);
        }
        assert!(own_cpu_ns() >= before, "{sum}");
        let memory = memory(pid);
        assert!(memory.rss > 1 << 20 && memory.pss > 1 << 20 && memory.pss <= memory.rss + (1 << 20));
        assert!(switches(pid).voluntary > 0);
    }

    #[test]
    fn a_child_belongs_to_the_tree_while_it_lives() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(tree(process::id()).contains(&child.id()));
        assert_eq!(tree(child.id()), [child.id()]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(cpu_ns(child.id()), None);
    }

    #[test]
    fn fields_are_numbers_or_nothing() {
        let text = "Name:\tx\nvoluntary_ctxt_switches:\t17\nnonvoluntary_ctxt_switches:\t4\nPss:   12 kB\n";
        assert_eq!(field(text, "voluntary_ctxt_switches:"), 17);
        assert_eq!(field(text, "nonvoluntary_ctxt_switches:"), 4);
        assert_eq!((field(text, "Pss:"), field(text, "Rss:"), field(text, "Name:")), (12, 0, 0));
    }
}
