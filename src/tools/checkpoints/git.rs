//! One run of git in the store: with an environment of its own, so that nothing of the user's settings,
//! hooks, filters and keys has a say, and within a time. Knows nothing of checkpoints.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::base::mask::mask;
use crate::model::checkpoint::CheckpointError;
use crate::shell::program::{self, Bounds, Keep};

/// How long one run may take (the original's).
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// The same of what writes many files: to stop in the middle would leave half of them (the original's).
pub(super) const LONG_LIMIT: Duration = Duration::from_secs(60);

/// Bytes of output that are kept unless said otherwise: the names of all files of a large directory.
const OUTPUT_BYTES_MAX: usize = 32 << 20;

/// Bytes of its complaints that are kept.
const COMPLAINT_BYTES_MAX: usize = 4 << 10;

/// Characters of a complaint that are passed on.
const COMPLAINT_CHARS: usize = 500;

/// Who makes the commits.
const NAME: &str = "tui-gateway";
const EMAIL: &str = "checkpoints@localhost";

/// Settings of every run, before those of the store. The first ones only make sure: git has no other settings
/// to read.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "commit.gpgsign=false",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.untrackedCache=false",
    "gc.auto=0",
    // Names that other systems cannot have would otherwise be left out.
    "core.protectHFS=false",
    "core.protectNTFS=false",
];

/// Git, on one store and one directory.
#[derive(Debug)]
pub(super) struct Git {
    program: PathBuf,
    store: PathBuf,
    dir: PathBuf,
    index: PathBuf,
}

impl Git {
    /// The program on the path, if there is one, with this store, this directory, and this index of it.
    ///
    /// # Errors
    /// There is no git here.
    pub(super) fn new(store: PathBuf, dir: &Path, index: PathBuf) -> Result<Self, CheckpointError> {
        let path = env::var_os("PATH");
        let program = program::find("git", path.as_deref());
        let missing = || CheckpointError::Unavailable("git is not installed".to_owned());
        Ok(Self { program: program.ok_or_else(missing)?, store, dir: dir.to_owned(), index })
    }

    /// The store.
    pub(super) fn store(&self) -> &Path {
        &self.store
    }

    /// The directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file that holds what git knows of the directory. May be removed at any time.
    pub(super) fn index(&self) -> &Path {
        &self.index
    }

    /// Makes an empty store.
    ///
    /// # Errors
    /// Git fails.
    pub(super) fn init(&self) -> Result<(), CheckpointError> {
        let mut command = self.command();
        // Without templates: they are the system's.
        command.args(["init", "--quiet", "--bare", "--template="]).arg(&self.store);
        hear(command, Stdio::null(), 0, LIMIT).map(drop)
    }

    /// Runs it and gives its output as text, without white space at the end.
    ///
    /// # Errors
    /// Git fails, or takes too long.
    pub(super) fn text<A: AsRef<OsStr>>(&self, args: &[A]) -> Result<String, CheckpointError> {
        let output = self.run(args, Stdio::null(), OUTPUT_BYTES_MAX, LIMIT)?;
        Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
    }

    /// The same with the output as it is.
    ///
    /// # Errors
    /// As above.
    pub(super) fn bytes<A: AsRef<OsStr>>(&self, args: &[A]) -> Result<Vec<u8>, CheckpointError> {
        self.run(args, Stdio::null(), OUTPUT_BYTES_MAX, LIMIT)
    }

    /// Runs it with this input and gives the first `most` bytes of its output.
    ///
    /// # Errors
    /// As above.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        input: Stdio,
        most: usize,
        limit: Duration,
    ) -> Result<Vec<u8>, CheckpointError> {
        let mut command = self.command();
        command.args(args).env("GIT_DIR", &self.store).env("GIT_WORK_TREE", &self.dir);
        command.env("GIT_INDEX_FILE", &self.index);
        hear(command, input, most, limit)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // Without HOME there are no attributes and exclusions of the user, without the rest no GIT_… of
        // theirs, and no secrets.
        command.env_clear().current_dir(&self.dir);
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_ATTR_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C").env("TZ", "UTC");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), NAME).env(format!("GIT_{who}_EMAIL"), EMAIL);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(["--no-pager", "--literal-pathspecs"]);
        command
    }
}

fn hear(command: Command, input: Stdio, most: usize, limit: Duration) -> Result<Vec<u8>, CheckpointError> {
    let (stdout, stderr) = (Keep::Head(most), Keep::Head(COMPLAINT_BYTES_MAX));
    let bounds = Bounds { until: Instant::now() + limit, stdout, stderr };
    let ended = program::run_with(command, input, &bounds).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => CheckpointError::TimedOut,
        _ => CheckpointError::Unavailable(format!("git cannot be run: {error}")),
    })?;
    if ended.success() {
        return Ok(ended.stdout.bytes);
    }
    let complaint = String::from_utf8_lossy(&ended.stderr.bytes);
    Err(CheckpointError::Git(mask(complaint.trim()).chars().take(COMPLAINT_CHARS).collect()))
}
