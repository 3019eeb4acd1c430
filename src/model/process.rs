//! Background processes, as clients see them.

/// One process. Its texts are bounded and masked; the output still has its escape sequences.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// `proc_` and 12 hex digits.
    pub id: String,
    /// The beginning of the command.
    pub command: String,
    /// Where it was started.
    pub cwd: String,
    /// The number of its shell.
    pub pid: i32,
    /// When, as `YYYY-MM-DDTHH:MM:SS` in local time.
    pub started_at: String,
    /// For how many seconds it has been running, or was.
    pub uptime_seconds: u64,
    /// Its exit code, −15 if it was killed; `None` while it runs.
    pub exit_code: Option<i32>,
    /// A short piece of the end of its output.
    pub output_preview: String,
    /// A longer one.
    pub output_tail: String,
    /// Whether the session hears of its end.
    pub notify_on_complete: bool,
    /// What its output is watched for.
    pub watch_patterns: Vec<String>,
    /// Whether something of that was there.
    pub watch_hit: bool,
}

impl Process {
    /// The word on the wire.
    pub fn status(&self) -> &'static str {
        if self.exit_code.is_none() { "running" } else { "exited" }
    }
}

/// What ending a process came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Killed {
    /// There is none of this id that is the session's.
    Unknown,
    /// It was told to end.
    Killed,
    /// It had ended before, with this code.
    AlreadyExited(i32),
}
