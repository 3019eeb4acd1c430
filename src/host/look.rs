//! What the system says of a process, on Linux. Nothing else is read of it.

use std::fs;

use crate::model::host::HostLook;

/// Where the state stands in `/proc/PID/stat`, counted from behind the name; then its time in user mode and
/// in the kernel (`proc_pid_stat(5)`: fields 3, 14 and 15).
const STATE: usize = 0;
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;

/// Looks. A process the system says nothing of runs, and has used no time.
pub(super) fn look(pid: u32) -> HostLook {
    let said = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    said.as_deref().and_then(read).unwrap_or(HostLook { is_stopped: false, ticks: 0 })
}

fn read(stat: &str) -> Option<HostLook> {
    // The name may have blanks and braces in it.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(SYSTEM_TICKS + 1).collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(HostLook {
        is_stopped: matches!(*fields.get(STATE)?, "T" | "t"),
        ticks: ticks(USER_TICKS)?.saturating_add(ticks(SYSTEM_TICKS)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_time_are_found_behind_any_name() {
        let stat = "42 (a) R (b) T 1 42 42 0 -1 4194560 97 0 0 0 30 12 0 0 20 0 1 0 1 2 3\n";
        assert_eq!(read(stat), Some(HostLook { is_stopped: true, ticks: 42 }));
        let traced = stat.replace(") T ", ") t ");
        assert!(read(&traced).unwrap().is_stopped);
        assert!(!read(&stat.replace(") T ", ") S ")).unwrap().is_stopped);
    }

    #[test]
    fn anything_else_says_nothing() {
        for stat in ["", "1 (x", "1 (x) R 1 2", "1 (x) R 1 2 3 4 5 6 7 8 9 10 a b"] {
            assert_eq!(read(stat), None, "{stat}");
        }
    }
}
