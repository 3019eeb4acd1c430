//! One background process: its output, its input, its end. The entry outlives the process; what moves it are
//! the threads of [`super::attend`].

use std::io::{self, PipeWriter, Write};
use std::path::Path;
use std::process::ChildStdin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cut::{Newest, first_chars, last_chars};
use super::input::Input;
use super::notices::{Notice, Notices};
use super::plain::plain;
use super::text::{self, NOTICE_CHARS, masked_tail};
use super::view::{COMMAND_CHARS, PREVIEW_CHARS, TAIL_CHARS};
use super::watch::{Seen, Watch};
use super::{GRACE, POLL, SLACK_CHARS, lock};
use crate::base::claim::Claim;
use crate::base::mask::mask;
use crate::child::Group;
use crate::model::process::Process as ProcessView;

/// Newest characters of the output that are kept, as Hermes has it.
const OUTPUT_CHARS_MAX: usize = 200_000;

/// The exit code of what was killed here, as Hermes has it: minus the number of TERM.
const KILLED: i32 = -15;

/// What wakes the reading thread: the leader has exited.
pub(super) const EXITED: u8 = b'x';

/// What wakes the reading thread: the process is being ended.
const ENDING: u8 = b'e';

/// The entry of one process.
#[derive(Debug)]
pub(in crate::tools) struct Process {
    /// `proc_` and 12 hex digits.
    pub(in crate::tools) id: String,
    /// The stored key of the session that started it.
    pub(super) owner: String,
    command: String,
    cwd: String,
    pub(in crate::tools) pid: i32,
    started: Instant,
    started_at: String,
    state: Mutex<State>,
    /// Notified at the end.
    ended: Condvar,
    input: Input,
    /// The right to tell the agent of the end. Taken by `wait` and `log`, which told it, and when there is
    /// nobody to hear of it.
    heard: Claim,
    /// Wakes the reading thread.
    control: PipeWriter,
    notices: Arc<Notices>,
}

#[derive(Debug)]
struct State {
    /// There until the leader is reaped.
    group: Option<Group>,
    output: Newest,
    watch: Option<Watch>,
    patterns: Vec<String>,
    has_hit: bool,
    notifies: bool,
    /// Being ended since TERM was sent.
    ending: Option<Ending>,
    /// There when `group` is not.
    end: Option<End>,
    /// How many wait for the end.
    waiting: usize,
}

#[derive(Clone, Copy, Debug)]
struct Ending {
    kill_at: Instant,
    source: &'static str,
}

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::tools) struct End {
    /// Its exit code; −15 if it was ended here.
    pub(in crate::tools) code: i32,
    /// Who ended it; `None`: it did itself.
    pub(in crate::tools) source: Option<&'static str>,
    /// When.
    pub(super) at: Instant,
}

/// What became of waiting for the end.
#[derive(Clone, Copy, Debug)]
pub(in crate::tools) enum Waited {
    /// It came.
    Ended(End),
    /// The time was up.
    TimedOut,
    /// The turn was interrupted.
    Interrupted,
}

/// What an entry begins with.
#[derive(Debug)]
pub(super) struct Beginning<'a> {
    pub(super) id: String,
    pub(super) owner: &'a str,
    pub(super) command: &'a str,
    pub(super) cwd: &'a Path,
    pub(super) notifies: bool,
    pub(super) patterns: Vec<String>,
    pub(super) group: Group,
    pub(super) input: Option<ChildStdin>,
    pub(super) control: PipeWriter,
    pub(super) notices: Arc<Notices>,
}

impl Process {
    /// The entry of a process that has just been started. Its threads are still to be started.
    pub(super) fn new(beginning: Beginning<'_>) -> Self {
        let Beginning { id, owner, command, cwd, notifies, patterns, group, input, control, notices } =
            beginning;
        Self {
            id,
            owner: owner.to_owned(),
            command: command.to_owned(),
            cwd: cwd.display().to_string(),
            pid: group.pid().as_raw_nonzero().get(),
            started: Instant::now(),
            started_at: jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            state: Mutex::new(State {
                group: Some(group),
                output: Newest::new(OUTPUT_CHARS_MAX),
                watch: (!patterns.is_empty()).then(|| Watch::new(patterns.clone())),
                patterns,
                has_hit: false,
                notifies,
                ending: None,
                end: None,
                waiting: 0,
            }),
            ended: Condvar::new(),
            input: Input::new(input),
            heard: Claim::default(),
            control,
            notices,
        }
    }

    /// How it ended; `None` while it runs.
    pub(in crate::tools) fn end(&self) -> Option<End> {
        lock(&self.state).end
    }

    /// As others see it.
    pub(in crate::tools) fn view(&self) -> ProcessView {
        let state = lock(&self.state);
        let until = state.end.map_or_else(Instant::now, |end| end.at);
        let tail = masked_tail(state.output.as_str(), TAIL_CHARS);
        ProcessView {
            id: self.id.clone(),
            command: self.short_command(),
            cwd: self.cwd.clone(),
            pid: self.pid,
            started_at: self.started_at.clone(),
            uptime_seconds: until.saturating_duration_since(self.started).as_secs(),
            exit_code: state.end.map(|end| end.code),
            output_preview: last_chars(&tail, PREVIEW_CHARS).to_owned(),
            output_tail: tail,
            notify_on_complete: state.notifies,
            watch_patterns: state.patterns.clone(),
            watch_hit: state.has_hit,
        }
    }

    /// The command, masked and cut.
    pub(in crate::tools) fn short_command(&self) -> String {
        first_chars(&mask(&self.command), COMMAND_CHARS).to_owned()
    }

    /// The last characters of its output, plain and masked.
    pub(in crate::tools) fn tail(&self, chars: usize) -> String {
        let state = lock(&self.state);
        // Twice as much is enough: escape sequences are seldom half of the output.
        masked_tail(&plain(last_chars(state.output.as_str(), 2 * (chars + SLACK_CHARS))), chars)
    }

    /// The newest of its output, plain and masked: so many bytes at most, from the start of a character on.
    /// Also whether there was more.
    pub(in crate::tools) fn newest(&self, bytes_max: usize) -> (String, bool) {
        let (text, is_cut) = {
            let state = lock(&self.state);
            (mask(&plain(state.output.as_str())).into_owned(), state.output.is_cut())
        };
        let start = text.ceil_char_boundary(text.len().saturating_sub(bytes_max));
        (text.get(start..).unwrap_or_default().to_owned(), is_cut || start > 0)
    }

    /// All lines that are kept of its output, plain and masked. After its end they count as heard.
    pub(in crate::tools) fn log(&self) -> String {
        let state = lock(&self.state);
        if state.end.is_some() {
            self.consume();
        }
        mask(&plain(state.output.whole_lines())).into_owned()
    }

    /// Waits for the end, which then counts as heard.
    pub(in crate::tools) fn wait(&self, timeout: Duration, is_interrupted: &dyn Fn() -> bool) -> Waited {
        let deadline = Instant::now() + timeout;
        let mut state = lock(&self.state);
        state.waiting += 1;
        let waited = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(end) = state.end {
                self.consume();
                break Waited::Ended(end);
            } else if is_interrupted() {
                break Waited::Interrupted;
            } else if left.is_zero() {
                break Waited::TimedOut;
            }
            let woken = self.ended.wait_timeout(state, left.min(POLL));
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        };
        state.waiting -= 1;
        waited
    }

    /// Writes to its input.
    ///
    /// # Errors
    /// The input is closed, or the process does not read.
    pub(in crate::tools) fn write(&self, data: &[u8]) -> io::Result<()> {
        self.input.write(data)
    }

    /// Closes its input; whether it was open.
    pub(in crate::tools) fn close_input(&self) -> bool {
        self.input.close()
    }

    /// Begins to end it: TERM now, KILL later. Does not wait. False if it has ended already.
    pub(in crate::tools) fn stop(&self, source: &'static str) -> bool {
        self.stop_within(GRACE, source)
    }

    /// The same with this time from TERM to KILL; a shorter one counts even when it is being ended already.
    pub(super) fn stop_within(&self, grace: Duration, source: &'static str) -> bool {
        let mut state = lock(&self.state);
        let State { group: Some(group), ending, .. } = &mut *state else { return false };
        let kill_at = Instant::now() + grace;
        match ending {
            Some(begun) if begun.kill_at <= kill_at => {}
            Some(begun) => {
                begun.kill_at = kill_at;
                self.wake(ENDING);
            }
            None => {
                group.signal(Signal::TERM);
                *ending = Some(Ending { kill_at, source });
                self.wake(ENDING);
            }
        }
        true
    }

    /// Nobody is to hear of its end.
    pub(super) fn consume(&self) {
        self.heard.take();
    }

    /// Wakes the reading thread.
    pub(super) fn wake(&self, why: u8) {
        if let Err(error) = (&self.control).write_all(&[why]) {
            log::warn!("cannot wake the reader of {}: {error}", self.id);
        }
    }

    /// When what is being ended is to be killed.
    pub(super) fn kill_at(&self) -> Option<Instant> {
        lock(&self.state).ending.map(|ending| ending.kill_at)
    }

    /// Kills what is left of the group.
    pub(super) fn kill(&self) {
        if let Some(group) = &lock(&self.state).group {
            group.signal(Signal::KILL);
        }
    }

    /// Takes output: as it came, and plain for the watch.
    pub(super) fn take_in(&self, text: &str, plain_text: &str) {
        let mut state = lock(&self.state);
        state.output.push(text);
        let seen = state.watch.as_mut().and_then(|watch| watch.see(plain_text, Instant::now()));
        match seen {
            Some(Seen::Match { .. }) => state.has_hit = true,
            Some(Seen::Flood) => {
                state.watch = None;
                state.notifies = true;
            }
            None => {}
        }
        drop(state);
        if self.heard.is_taken() {
            return;
        }
        if let Some(seen) = seen {
            self.say(text::seen(&self.id, &self.short_command(), &seen), Claim::default());
        }
        self.notices.show(&self.owner, &self.id, &mask(text));
    }

    /// Reaps it, which has exited, and tells of the end.
    pub(super) fn finish(&self) {
        let mut state = lock(&self.state);
        let Some(group) = state.group.take() else { return };
        let code = group.reap();
        let source = state.ending.map(|ending| ending.source);
        let end = End { code: source.map_or(code, |_| KILLED), source, at: Instant::now() };
        state.end = Some(end);
        if state.waiting > 0 {
            self.consume();
        }
        let notifies = state.notifies && !self.heard.is_taken();
        drop(state);
        self.ended.notify_all();
        self.close_input();
        if notifies {
            let text = text::ended(&self.id, &self.short_command(), end.code, &self.tail(NOTICE_CHARS));
            self.say(text, self.heard.clone());
        }
    }

    fn say(&self, text: String, claim: Claim) {
        self.notices.say(Notice { owner: self.owner.clone(), process: self.id.clone(), text, claim });
    }
}
