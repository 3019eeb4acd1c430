//! The words of commands that people run. Plain data; how a command runs is `shell`'s.

use std::path::PathBuf;

/// Work on commands that people run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShellJob {
    /// A line for the system's shell, looked over first. → [`ShellDone::Ran`]
    Line {
        /// The line.
        line: String,
        /// Where it runs.
        cwd: PathBuf,
    },
    /// A line that the configuration has: nobody looks it over. → [`ShellDone::Said`]
    Quick {
        /// The line.
        line: String,
        /// Where it runs.
        cwd: PathBuf,
    },
    /// A program that the person put into the home directory of the settings. → [`ShellDone::Said`]
    Program {
        /// Its path.
        path: PathBuf,
        /// Its only argument.
        arg: String,
        /// Where it runs.
        cwd: PathBuf,
    },
    /// This program's own command line. → [`ShellDone::Said`]
    Own {
        /// The arguments, without the program's name.
        args: Vec<String>,
        /// Where it runs.
        cwd: PathBuf,
        /// Seconds it may take; 0 runs nothing.
        limit_s: u64,
    },
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShellDone {
    /// The ends of what it said on each stream.
    Ran {
        /// Standard output, at most 4000 characters.
        stdout: String,
        /// Standard error, at most 2000 characters.
        stderr: String,
        /// Its exit code, or the negative number of the signal that ended it.
        code: i32,
    },
    /// The beginning of what it said on both streams, without white space around it.
    Said {
        /// The text.
        text: String,
        /// As above.
        code: i32,
    },
}

/// Why nothing came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShellError {
    /// It was looked over, and is not run.
    Refused(Danger),
    /// Nobody can look it over in this build.
    NoGuard,
    /// Its time was up; it is gone, with all it started.
    TimedOut {
        /// Seconds it had.
        limit_s: u64,
    },
    /// It cannot be run; a sentence for people.
    Failed(String),
}

/// What is wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Danger {
    /// What is never run, in a few words.
    HardLine(&'static str),
    /// A category of commands that are dangerous, in a few words.
    Category(&'static str),
}
