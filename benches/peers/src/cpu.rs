//! CPU time in nanoseconds, of this process and of others.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// CPU time this process has used.
pub fn own() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// CPU time a process and all its descendants have used, threads that ended included.
pub fn tree(root: i32) -> Duration {
    family(root).into_iter().map(of).sum()
}

fn of(pid: i32) -> Duration {
    let time = clock_getcpuclockid(Pid::from_raw(pid)).and_then(clock_gettime);
    time.map(Duration::from).unwrap_or_default()
}

/// Resident memory of a process and its descendants, in KiB.
pub fn resident_kib(root: i32) -> u64 {
    let of = |pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
    };
    family(root).into_iter().map(of).sum()
}

/// A process and its descendants.
fn family(root: i32) -> Vec<i32> {
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        for task in fs::read_dir(format!("/proc/{}/task", found[at])).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
        }
        at += 1;
    }
    found
}
