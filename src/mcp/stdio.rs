//! A server that is a process: messages are lines of its stdin and stdout. Owns the process group, from the
//! start to the reaping; knows nothing of what the messages mean.
//!
//! Four threads, each with one thing to wait for: the output, the errors, the input, the exit.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{ChildStdin, ChildStdout, Command};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::config::StdioSpec;
use super::error::{McpError, said};
use super::inbox::Inbox;
use super::lines::each_line;
use super::link::{Link, Outgoing};
use super::lock;
use crate::child::{Group, LastWords, Pipes, wait_for_exit};
use crate::limits::RPC_MESSAGE_BYTES_MAX;

/// What a server sees of the gateway's environment besides names that begin with [`PASSED_LEAD`]; everything
/// else has to be configured. As Hermes has it.
const PASSED: [&str; 8] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TERM", "SHELL", "TMPDIR"];
const PASSED_LEAD: &str = "XDG_";

/// Messages that may wait until the server reads them. A server that reads has none.
const LETTERS_MAX: usize = 64;

/// How long a server may take to end once its input is closed, and then once it was told to.
const CLOSE_GRACE: Duration = Duration::from_secs(1);
const TERM_GRACE: Duration = Duration::from_secs(1);

/// How long the system may take to end what was killed.
const KILL_GRACE: Duration = Duration::from_millis(500);

/// How long what the process started may hold its output open after it has exited.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

/// How long the end of the output waits for the last words.
const WORDS_GRACE: Duration = Duration::from_millis(200);

/// How often a writer whose server does not read looks whether it still runs.
const WRITE_SLICE: Duration = Duration::from_secs(1);

/// A running server. Dropping it kills what is left.
pub(super) struct Stdio(Arc<Process>);

#[derive(Debug)]
struct Process {
    /// Closed when it is gone.
    letters: Mutex<Option<Sender<String>>>,
    /// Until it is reaped.
    group: Mutex<Option<Group>>,
    state: Mutex<State>,
    changed: Condvar,
    words: Arc<LastWords>,
    inbox: Arc<Inbox>,
}

#[derive(Default, Debug)]
struct State {
    /// The leader has exited; it stays a zombie until `is_given_up`.
    has_exited: bool,
    /// Its output has ended, or is not read any more.
    is_silent: bool,
    /// No signal will be sent any more.
    is_given_up: bool,
}

impl Stdio {
    /// Starts it.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn open(spec: &StdioSpec, inbox: &Arc<Inbox>) -> Result<Self, McpError> {
        let refused = |error: io::Error| {
            McpError::Down(said(&format!("cannot start {}: {error}", spec.command.display())))
        };
        let (group, pipes) = Group::start_piped(&mut command(spec)).map_err(refused)?;
        let Pipes { input, output, errors } = pipes;
        let words = LastWords::listen("mcp-errors", errors).map_err(refused)?;
        let pid = group.pid();
        let (sender, letters) = crossbeam_channel::bounded(LETTERS_MAX);
        let stdio = Self(Arc::new(Process {
            letters: Mutex::new(Some(sender)),
            group: Mutex::new(Some(group)),
            state: Mutex::default(),
            changed: Condvar::new(),
            words,
            inbox: Arc::clone(inbox),
        }));
        let spawn = |work: Box<dyn FnOnce(&Process) + Send>| {
            let process = Arc::clone(&stdio.0);
            thread::Builder::new().name("mcp-pipe".to_owned()).spawn(move || work(&process)).map_err(refused)
        };
        spawn(Box::new(move |process: &Process| process.watch(pid)))?;
        spawn(Box::new(move |process: &Process| process.read(output)))?;
        spawn(Box::new(move |process: &Process| process.write(input, &letters)))?;
        Ok(stdio)
    }
}

/// The command and what it sees of the environment.
fn command(spec: &StdioSpec) -> Command {
    let mut command = Command::new(&spec.command);
    command
        .args(spec.args.iter().map(|arg| arg.expose()))
        .env_clear()
        .envs(inherited())
        .envs(spec.env.iter().map(|(name, value)| (name, value.expose())));
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    command
}

fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    let passes = |name: &str| PASSED.contains(&name) || name.starts_with(PASSED_LEAD);
    std::env::vars_os().filter(move |(name, _)| name.to_str().is_some_and(passes))
}

impl Link for Stdio {
    fn send(&self, message: Outgoing) -> Result<(), McpError> {
        self.0.put(message.text)?;
        if !message.is_request {
            // The lines keep their order, so that a message in the queue is as good as sent.
            self.0.inbox.settle(message.ticket, Ok(Value::Null));
        }
        Ok(())
    }

    fn end(&self) {
        let process = &self.0;
        lock(&process.letters).take();
        let is_over = |state: &State| state.has_exited && state.is_silent;
        let ended_itself = process.wait(CLOSE_GRACE, is_over);
        // Also then, for what it may have started.
        process.signal(Signal::TERM);
        if !ended_itself && !process.wait(TERM_GRACE, is_over) {
            process.signal(Signal::KILL);
            process.wait(KILL_GRACE, |state| state.has_exited);
        }
        process.note(|state| state.is_given_up = true);
        let words = said(&process.words.wait(Duration::ZERO));
        if !words.is_empty() {
            log::debug!("the last words of a tool server: {words}");
        }
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        if !lock(&self.0.state).is_given_up {
            self.0.signal(Signal::KILL);
            self.0.note(|state| state.is_given_up = true);
        }
        lock(&self.0.letters).take();
    }
}

impl Process {
    /// Puts a message into the queue.
    fn put(&self, mut text: String) -> Result<(), McpError> {
        text.push('\n');
        let letters = lock(&self.letters);
        let letters = letters.as_ref().ok_or_else(|| McpError::Down("it is being stopped".to_owned()))?;
        letters.try_send(text).map_err(|error| {
            if error.is_full() { McpError::Busy } else { McpError::Down("its input is closed".to_owned()) }
        })
    }

    /// Waits for the exit, sees to it that the connection ends with it, and reaps.
    fn watch(&self, pid: Pid) {
        // Fails for no child of ours; then it has exited, too.
        let _ = wait_for_exit(pid);
        self.note(|state| state.has_exited = true);
        if !self.wait(OUTPUT_GRACE, |state| state.is_silent) {
            self.inbox.close(self.ended(Instant::now()));
        }
        let given_up = self.changed.wait_while(lock(&self.state), |state| !state.is_given_up);
        drop(given_up);
        let group = lock(&self.group).take();
        group.map(Group::reap);
    }

    /// Reads the output to its end.
    fn read(&self, output: ChildStdout) {
        let read = each_line(output, RPC_MESSAGE_BYTES_MAX, |line| self.hear(line));
        self.note(|state| state.is_silent = true);
        let why = match read {
            Err(error) => McpError::Down(said(&format!("its output cannot be read: {error}"))),
            Ok(()) => {
                let until = Instant::now() + WORDS_GRACE;
                self.wait(WORDS_GRACE, |state| state.has_exited);
                self.ended(until)
            }
        };
        self.inbox.close(why);
    }

    fn hear(&self, line: &[u8]) {
        if let Some(answer) = self.inbox.take(line)
            && let Err(error) = self.put(answer)
        {
            log::debug!("a tool server gets no answer: {error}");
        }
    }

    /// Writes what comes, until there will be no more; then the input is closed.
    fn write(&self, mut input: ChildStdin, letters: &Receiver<String>) {
        // Fails for no pipe; then a write may wait longer.
        let _ = ioctl_fionbio(&input, true);
        for letter in letters {
            if let Err(error) = self.write_all(&mut input, letter.as_bytes()) {
                let said = said(&format!("it takes no input: {error}"));
                // The end of its output says more, and follows at once if it has ended.
                self.wait(OUTPUT_GRACE + WORDS_GRACE, |state| state.has_exited && state.is_silent);
                return self.inbox.close(McpError::Down(said));
            }
        }
    }

    fn write_all(&self, input: &mut ChildStdin, data: &[u8]) -> io::Result<()> {
        let mut rest = data;
        while !rest.is_empty() {
            match input.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // What it started may hold the pipe and never read it.
                    if lock(&self.state).has_exited {
                        return Err(error);
                    }
                    wait_writable(input)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// That it has ended, with its last words, which are waited for so long at most.
    fn ended(&self, until: Instant) -> McpError {
        let words = self.words.wait_until(until);
        let colon = if words.is_empty() { "" } else { ": " };
        McpError::Down(said(&format!("its process ended{colon}{words}")))
    }

    /// Signals all of the group.
    fn signal(&self, signal: Signal) {
        if let Some(group) = lock(&self.group).as_ref() {
            group.signal(signal);
        }
    }

    fn note(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_all();
    }

    /// Waits until it is so, for `limit` at most; whether it is.
    fn wait(&self, limit: Duration, is_so: impl Fn(&State) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.state), limit, |state| !is_so(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_so(&state)
    }
}

/// Waits until the pipe takes something, or never will again, for a slice of time.
fn wait_writable(pipe: &ChildStdin) -> io::Result<()> {
    let slice = Timespec::try_from(WRITE_SLICE).ok();
    match poll(&mut [PollFd::new(pipe, PollFlags::OUT)], slice.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
