//! Running a program that may hang: found on the path, heard on one stream, killed with all it started when
//! its time is up.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Between two looks at a program that has closed its stream but not ended. It mostly has.
const PAUSE: Duration = Duration::from_millis(5);

/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;

/// Stack of the reading thread: the buffer, and little more.
const STACK_BYTES: usize = 128 << 10;

/// Which stream is heard; the other is thrown away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stream {
    Out,
    Err,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Whether it says that it went well.
    pub(super) success: bool,
    /// The end of what it said.
    pub(super) said: Vec<u8>,
    /// Whether that is all of it.
    pub(super) whole: bool,
}

/// The program of this name in the first folder of `path` that has it. Only absolute folders count: a program
/// of the working directory is not what the user meant.
pub(super) fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Runs a program until `until` at most and keeps the last `most` bytes of one of its streams.
///
/// # Errors
/// It cannot be started, or its time was up (`TimedOut`); then it is gone.
pub(super) fn run(mut command: Command, stream: Stream, most: usize, until: Instant) -> io::Result<Ended> {
    let (heard, writer) = io::pipe()?;
    match stream {
        Stream::Out => command.stdout(writer).stderr(Stdio::null()),
        Stream::Err => command.stdout(Stdio::null()).stderr(writer),
    };
    let spawned = command.stdin(Stdio::null()).process_group(0).spawn();
    // It holds the writing end: as long as it is there, the stream has no end.
    drop(command);
    let mut child = spawned?;
    let (told, said) = crossbeam_channel::bounded(1);
    let reader = move || {
        // Nobody waits for it any more when the time was up.
        let _ = told.send(listen(heard, most));
    };
    let thread = thread::Builder::new().name("program-output".to_owned()).stack_size(STACK_BYTES);
    if let Err(error) = thread.spawn(reader) {
        stop(&mut child);
        return Err(error);
    }
    let Ok((said, whole)) = said.recv_deadline(until) else {
        stop(&mut child);
        return Err(io::ErrorKind::TimedOut.into());
    };
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended { success: status.success(), said, whole });
        }
        if Instant::now() >= until {
            stop(&mut child);
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(PAUSE);
    }
}

/// The last `most` bytes, and whether there were no more.
fn listen(mut stream: impl Read, most: usize) -> (Vec<u8>, bool) {
    let mut kept = Vec::new();
    let mut whole = true;
    let mut buffer = [0; READ_BYTES];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => kept.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
        // Now and then only: moving the rest for every piece would cost more than the pieces.
        if kept.len() > most.saturating_mul(2) {
            whole = false;
            kept.drain(..kept.len() - most);
        }
    }
    if kept.len() > most {
        whole = false;
        kept.drain(..kept.len() - most);
    }
    (kept, whole)
}

/// Kills the program and its children, and reaps it. Until it is reaped its number is no stranger's.
fn stop(child: &mut Child) {
    if let Err(error) = kill_process_group(Pid::from_child(child), Signal::KILL) {
        log::debug!("cannot kill a program: {error}");
    }
    if let Err(error) = child.wait() {
        log::warn!("cannot learn how a program ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::program;
    use super::*;
    use crate::base::scratch::Scratch;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]);
        shell
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn programs_are_found_in_absolute_folders_of_the_path() {
        let dir = Scratch::new();
        dir.write("one/x", "no program");
        dir.dir("two/x");
        program(&dir.dir("three"), "x", "exit 0");
        let path = env::join_paths(["one", "two", "three"].map(|name| dir.path().join(name))).unwrap();
        assert_eq!(find("x", Some(&path)), Some(dir.path().join("three/x")));
        assert_eq!(find("y", Some(&path)), None);
        assert_eq!(find("sh", Some(OsStr::new("bin:.:"))), None);
        assert_eq!(find("sh", None), None);
    }

    #[test]
    fn one_stream_is_heard_to_its_end() {
        let both = "echo out; echo err >&2; exit 3";
        for (stream, want) in [(Stream::Out, "out\n"), (Stream::Err, "err\n")] {
            let ended = run(shell(both), stream, 100, soon()).unwrap();
            assert_eq!((ended.success, ended.said.as_slice(), ended.whole), (false, want.as_bytes(), true));
        }
        let ended = run(shell("seq 1 20000"), Stream::Out, 6, soon()).unwrap();
        assert_eq!((ended.success, ended.said.as_slice(), ended.whole), (true, &b"20000\n"[..], false));
    }

    #[test]
    fn what_hangs_is_killed_with_its_children() {
        for script in ["sleep 600 & sleep 600", "exec >&- 2>&-; sleep 600"] {
            let until = Instant::now() + Duration::from_millis(100);
            let error = run(shell(script), Stream::Out, 100, until).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
        }
        assert!(run(Command::new("/none"), Stream::Out, 1, soon()).is_err());
    }
}
