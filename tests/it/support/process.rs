//! A child process and its pipes. Stdout is read only when a test asks for a line, so that a test decides
//! whether somebody reads; stderr is always taken in.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::{DEADLINE, within};

/// The child.
pub(crate) struct Process {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: Arc<Stderr>,
}

/// What it said on stderr, and the news of more.
#[derive(Default)]
struct Stderr {
    said: Mutex<Said>,
    news: Condvar,
}

#[derive(Default)]
struct Said {
    text: String,
    ended: bool,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_into(command, Stdio::piped())
    }

    /// With another stdout, which cannot be read from here.
    pub(crate) fn spawn_into(command: &mut Command, stdout: Stdio) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = Arc::new(Stderr::default());
        let (pipe, heard) = (child.stderr.take().unwrap(), Arc::clone(&stderr));
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let mut said = heard.said.lock().unwrap();
                said.text.push_str(&String::from_utf8_lossy(&line));
                said.text.push('\n');
                heard.news.notify_all();
            }
            heard.said.lock().unwrap().ended = true;
            heard.news.notify_all();
        });
        let stdout = child.stdout.take().map(BufReader::new);
        Self { child, stdout, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its stdin, once.
    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// Its stdout, to be read no more by [`Process::line`]; dropping it closes the pipe.
    pub(crate) fn take_stdout(&mut self) -> BufReader<ChildStdout> {
        self.stdout.take().unwrap()
    }

    /// The next line of stdout, its line feed included; empty at the end.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let mut stdout = self.stdout.take().unwrap();
        let (stdout, line) = within("a line on stdout", move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            (stdout, line)
        });
        self.stdout = Some(stdout);
        line
    }

    /// Everything on stdout up to its end.
    #[track_caller]
    pub(crate) fn rest_of_stdout(&mut self) -> String {
        let mut stdout = self.stdout.take().unwrap();
        within("the end of stdout", move || {
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            rest
        })
    }

    /// What it said on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.said.lock().unwrap().text.clone()
    }

    /// Waits for a line on stderr that holds `needle`, and returns it.
    #[track_caller]
    pub(crate) fn wait_stderr(&self, needle: &str) -> String {
        let said = self.wait_until(|said| said.text.contains(needle));
        let line = said.lines().find(|line| line.contains(needle));
        line.unwrap_or_else(|| panic!("no {needle:?} on stderr:\n{said}")).to_owned()
    }

    /// Waits until it is gone.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let said = self.wait_until(|_| false);
        assert!(self.stderr.said.lock().unwrap().ended, "still there; stderr:\n{said}");
        // Its stderr is closed, so its end is near.
        self.child.wait().unwrap()
    }

    /// Waits until the process ended or `done` is true.
    fn wait_until(&self, done: impl Fn(&Said) -> bool) -> String {
        let said = self.stderr.said.lock().unwrap();
        let open = |said: &mut Said| !said.ended && !done(said);
        let (said, _) = self.stderr.news.wait_timeout_while(said, DEADLINE, open).unwrap();
        said.text.clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
