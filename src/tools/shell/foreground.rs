//! A command that is waited for: until it exits, its time is up, or the turn is interrupted. Reads on the
//! calling thread, so a command that prints without end is held back by its pipe and never by memory. Always
//! comes back: neither a command that ignores TERM nor a process that keeps the pipe open can hold it.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::capture::Capture;
use super::readiness::readable;
use super::spawn::{Mode, Started, start};
use super::state::Plan;
use super::{DRAIN, GRACE, POLL};
use crate::child::Group;

/// Bytes read at once: what a pipe holds on Linux.
const READ_BYTES: usize = 64 << 10;

/// The first pause when the output has ended before the command; mostly it exits at once.
const PAUSE: Duration = Duration::from_millis(1);

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tools) enum Exit {
    /// By itself, with this code; minus the signal's number when one ended it.
    Code(i32),
    /// Its time was up, and it was ended.
    TimedOut,
    /// The turn was interrupted, and it was ended.
    Interrupted,
}

/// Runs the command to its end and gives what it printed: plain, trimmed, masked and bounded.
///
/// # Errors
/// It cannot be started.
pub(in crate::tools) fn run(
    command: &str,
    plan: &Plan,
    timeout: Duration,
    is_interrupted: &dyn Fn() -> bool,
) -> io::Result<(String, Exit)> {
    let Started { group, output, .. } = start(command, plan, Mode::Foreground)?;
    let deadline = Instant::now() + timeout;
    let mut run = Run {
        group,
        output,
        is_open: true,
        pause: PAUSE,
        capture: Capture::new(),
        buffer: vec![0; READ_BYTES].into_boxed_slice(),
    };
    let cause = loop {
        run.step(left(deadline).min(POLL));
        if run.group.has_exited() {
            break None;
        } else if is_interrupted() {
            break Some(Exit::Interrupted);
        } else if left(deadline).is_zero() {
            break Some(Exit::TimedOut);
        }
    };
    if cause.is_some() {
        run.stop();
    }
    run.drain();
    let Run { group, capture, .. } = run;
    let exit = match cause {
        Some(cause) => cause,
        None => Exit::Code(group.reap()),
    };
    Ok((capture.finish(), exit))
}

/// A command on its way.
struct Run {
    group: Group,
    output: PipeReader,
    /// The output has not ended.
    is_open: bool,
    /// The next pause if it has.
    pause: Duration,
    capture: Capture,
    buffer: Box<[u8]>,
}

impl Run {
    /// Takes what comes within `wait`, at most once.
    fn step(&mut self, wait: Duration) {
        if !self.is_open {
            thread::sleep(wait.min(self.pause));
            self.pause = (self.pause * 2).min(POLL);
            return;
        }
        if readable([self.output.as_fd()], Some(wait)) == [false] {
            return;
        }
        match self.output.read(&mut self.buffer) {
            Ok(0) => self.is_open = false,
            Ok(count) => self.capture.push(self.buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                log::warn!("cannot read a command's output: {error}");
                self.is_open = false;
            }
        }
    }

    /// Ends the group. Its output is read on, since a full pipe would keep it from ending in peace.
    fn stop(&mut self) {
        self.group.signal(Signal::TERM);
        let kill_at = Instant::now() + GRACE;
        // The end of the output tells that all of the group is gone, not only its leader.
        while (self.is_open || !self.group.has_exited()) && !left(kill_at).is_zero() {
            self.step(left(kill_at).min(POLL));
        }
        // Its end is seen to where the group is dropped.
        self.group.signal(Signal::KILL);
    }

    /// Reads what the command left in the pipe. A process that it left behind loses its output here.
    fn drain(&mut self) {
        let end = Instant::now() + DRAIN;
        while self.is_open && !left(end).is_zero() {
            self.step(left(end));
        }
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use super::super::state::Shell;
    use super::*;
    use crate::base::scratch::Scratch;

    /// Far more than any of these commands takes.
    const AMPLE: Duration = Duration::from_secs(60);

    /// Runs a command in a shell that lasts.
    fn go(shell: &mut Shell, command: &str) -> (String, Exit) {
        let plan = shell.plan(Path::new("/"), None).unwrap();
        let ended = run(command, &plan, AMPLE, &|| false).unwrap();
        shell.settle(&plan);
        ended
    }

    /// Runs a command with this time limit, interrupted when the flag says so.
    fn limited(command: &str, timeout: Duration, is_interrupted: &dyn Fn() -> bool) -> (String, Exit) {
        let plan = Shell::default().plan(Path::new("/"), None).unwrap();
        run(command, &plan, timeout, is_interrupted).unwrap()
    }

    #[test]
    fn output_and_exit_codes_come_back() {
        let mut shell = Shell::default();
        let ended = go(&mut shell, "printf 'a\\n'; printf 'b\\n' >&2; (exit 3)");
        assert_eq!(ended, ("a\nb".to_owned(), Exit::Code(3)));
        assert_eq!(go(&mut shell, "exit 4").1, Exit::Code(4));
        assert_eq!(go(&mut shell, "kill -9 $$").1, Exit::Code(-9));
        assert_eq!(go(&mut shell, "cat; echo $?").0, "0", "the input is empty");
    }

    #[test]
    fn cd_and_export_stay_in_their_own_shell() {
        let scratch = Scratch::new();
        let dir = scratch.dir("it's \"here\"");
        let (mut one, mut other) = (Shell::default(), Shell::default());
        one.stand_in(&dir);
        let command =
            "mkdir in && cd in && export KEPT='a b\n\"c\" $d'; unset CARGO_MANIFEST_DIR; LOST=1; exit 7";
        assert_eq!(go(&mut one, command).1, Exit::Code(7));
        let command = "printf '%s|%s|%s|%s' \"$PWD\" \"$KEPT\" \"$LOST\" \"${CARGO_MANIFEST_DIR-none}\"";
        let said = go(&mut one, command).0;
        assert_eq!(said, format!("{}|a b\n\"c\" $d||none", dir.join("in").display()));
        assert_eq!(go(&mut other, "printf '%s|%s' \"$PWD\" \"$KEPT\"").0, "/|");
    }

    #[test]
    fn a_command_is_never_quoted_into_the_script() {
        let mut shell = Shell::default();
        let command = "echo 'it''s' \"\\$x\" `echo y`; cat <<'EOF'\n$(no) 'quotes\nEOF\n";
        assert_eq!(go(&mut shell, command).0, "its $x y\n$(no) 'quotes");
        assert_eq!(go(&mut shell, "-n x").1, Exit::Code(127), "no option of eval");
    }

    #[test]
    fn the_time_is_limited() {
        assert_eq!(limited("sleep 600", Duration::from_millis(100), &|| false).1, Exit::TimedOut);
    }

    #[test]
    fn a_stop_ends_the_whole_group() {
        let scratch = Scratch::new();
        let file = scratch.path().join("pid");
        let command = format!("echo begun; sleep 600 & echo $! > '{}'; wait", file.display());
        let (text, exit) = limited(&command, AMPLE, &|| is_written(&file));
        assert!(text.starts_with("begun") && exit == Exit::Interrupted, "{text} {exit:?}");
        assert!(is_gone(&file), "the sleep is still there");
    }

    #[test]
    fn who_ignores_term_is_killed() {
        let scratch = Scratch::new();
        let file = scratch.path().join("pid");
        let command = format!("trap '' TERM; echo $$ > '{}'; while :; do sleep 600; done", file.display());
        assert_eq!(limited(&command, AMPLE, &|| is_written(&file)).1, Exit::Interrupted);
        assert!(is_gone(&file), "the loop is still there");
    }

    #[test]
    fn an_interrupt_is_felt_at_the_first_look() {
        let looks = Cell::new(0);
        let is_interrupted = || {
            looks.set(looks.get() + 1);
            looks.get() > 2
        };
        assert_eq!(limited("sleep 600", AMPLE, &is_interrupted).1, Exit::Interrupted);
        assert_eq!(looks.get(), 3);
    }

    #[test]
    fn who_holds_the_pipe_does_not_hold_the_turn() {
        let scratch = Scratch::new();
        let file = scratch.path().join("pid");
        let command = format!("sleep 600 & echo $! > '{}'; echo done", file.display());
        assert_eq!(limited(&command, AMPLE, &|| false), ("done".to_owned(), Exit::Code(0)));
        let pid = std::fs::read_to_string(&file).unwrap();
        let killed = std::process::Command::new("kill").args(["-9", pid.trim()]).status().unwrap();
        assert!(killed.success(), "what was left behind goes on");
    }

    #[test]
    fn output_without_end_is_taken_and_cut() {
        let (text, exit) = limited("yes | head -c 300000000; echo; echo last", AMPLE, &|| false);
        assert_eq!(exit, Exit::Code(0));
        assert!(text.starts_with("y\ny\n") && text.ends_with("\nlast"));
        assert!(text.contains(" of 300000006 characters left out here]") && text.len() < 51_000);
    }

    #[test]
    fn who_closes_its_output_is_still_waited_for() {
        let ended = limited("exec >/dev/null 2>&1; sleep 0.3; exit 5", AMPLE, &|| false);
        assert_eq!(ended, (String::new(), Exit::Code(5)));
    }

    /// Whether a whole line stands in the file.
    fn is_written(file: &Path) -> bool {
        std::fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n'))
    }

    /// Whether the process whose number stands in the file is gone, or waits for its new parent to reap it;
    /// the system takes a moment.
    fn is_gone(file: &Path) -> bool {
        let pid = std::fs::read_to_string(file).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        (0..100).any(|_| {
            let is_there = std::fs::read_to_string(&stat).is_ok_and(|text| !text.contains(") Z"));
            if is_there {
                thread::sleep(Duration::from_millis(20));
            }
            !is_there
        })
    }
}
