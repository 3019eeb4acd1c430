//! A background process as others see it: numbers and bounded, masked text, nothing that could be signalled.

/// Characters of the command.
pub(super) const COMMAND_CHARS: usize = 200;

/// Characters of the short piece of output.
pub(super) const PREVIEW_CHARS: usize = 200;

/// Characters of the longer one, for clients.
pub(super) const TAIL_CHARS: usize = 4000;

/// One process. Its texts are masked; the output still has its escape sequences.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessView {
    /// `proc_` and 12 hex digits.
    pub id: String,
    /// Its first 200 characters.
    pub command: String,
    /// Where it was started.
    pub cwd: String,
    /// The number of its shell.
    pub pid: i32,
    /// When, as `YYYY-MM-DDTHH:MM:SS` in local time.
    pub started_at: String,
    /// For how many seconds it has been running, or was. Hermes goes on counting after the end.
    pub uptime_seconds: u64,
    /// Its exit code, −15 if it was killed; `None` while it runs.
    pub exit_code: Option<i32>,
    /// The last 200 characters of its output.
    pub output_preview: String,
    /// The last 4000.
    pub output_tail: String,
    /// Whether the session hears of its end.
    pub notify_on_complete: bool,
    /// What its output is watched for.
    pub watch_patterns: Vec<String>,
    /// Whether something of that was there.
    pub watch_hit: bool,
}

impl ProcessView {
    /// `running` or `exited`.
    pub fn status(&self) -> &'static str {
        if self.exit_code.is_none() { "running" } else { "exited" }
    }
}
