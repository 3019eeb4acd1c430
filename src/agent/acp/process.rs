//! The program of an agent: what it sees of the environment, its last words, its end. Knows nothing of what is
//! said on its pipes.

use std::io::{self, Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::failure::said;
use super::words::CommandLine;
use crate::child::{Group, LastWords, Pipes};
use crate::shell::environ;

/// From TERM to KILL.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long its last words are waited for once its output has ended.
const WORDS_GRACE: Duration = Duration::from_millis(200);

/// How long its exit is waited for once one of its pipes is closed.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// What an agent's two streams are, and the program behind them.
pub(super) struct Opened {
    /// What it says.
    pub(super) output: Box<dyn Read + Send>,
    /// What it is told.
    pub(super) input: Box<dyn Write + Send>,
    /// The program; a test may have none.
    pub(super) process: Option<Process>,
}

/// A running program. Dropping it kills what is left.
#[derive(Debug)]
pub(super) struct Process {
    /// Until it is ended.
    group: Mutex<Option<Group>>,
    words: Arc<LastWords>,
}

impl Process {
    /// Starts it where the gateway runs. It sees the environment but for secrets; of these it gets the keys
    /// of model providers, since it is what asks a model.
    ///
    /// # Errors
    /// The system refuses; one line for people.
    pub(super) fn start(line: &CommandLine) -> Result<Opened, String> {
        let refused = |error: io::Error| said(&format!("cannot start {}: {error}", line.program));
        let mut command = Command::new(&line.program);
        command.args(&line.args).env_clear().envs(environ::seen_by_own());
        let (group, Pipes { input, output, errors }) = Group::start_piped(&mut command).map_err(refused)?;
        let words = LastWords::listen("acp-errors", errors).map_err(refused)?;
        let process = Self { group: Mutex::new(Some(group)), words };
        Ok(Opened { output: Box::new(output), input: Box::new(input), process: Some(process) })
    }

    /// Its last words, on one line; empty when it said nothing. Waits a moment for them.
    pub(super) fn last_words(&self) -> String {
        said(&self.words.wait(WORDS_GRACE))
    }

    /// How it ended, if it did so by itself. Waits a moment for that: its pipes are closed a little earlier.
    pub(super) fn how_it_ended(&self) -> Option<String> {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        match group.as_ref()?.code_within(EXIT_GRACE)? {
            code @ 0.. => Some(format!("it ended with exit code {code}")),
            signal => Some(format!("signal {} ended it", signal.unsigned_abs())),
        }
    }

    /// Ends it with all it started, and waits for that some seconds at most.
    pub(super) fn end(&self) {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(group) = group {
            group.end(TERM_GRACE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> Opened {
        let args = vec!["-c".to_owned(), script.to_owned()];
        Process::start(&CommandLine { program: "/bin/sh".to_owned(), args }).unwrap()
    }

    #[test]
    fn its_last_words_are_kept() {
        let opened = start("echo hello; echo first >&2; echo; echo last >&2");
        let Opened { mut output, process, .. } = opened;
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), process.unwrap().last_words().as_str()), ("hello\n\n", "first | last"));
    }

    #[test]
    fn how_it_ended_is_known() {
        for (script, how) in [
            ("exit 3", Some("it ended with exit code 3")),
            ("kill -9 $$", Some("signal 9 ended it")),
            ("exec >&-; exec sleep 600", None),
        ] {
            let Opened { mut output, process, .. } = start(script);
            output.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(process.unwrap().how_it_ended().as_deref(), how, "{script}");
        }
    }

    #[test]
    fn it_ends_with_what_it_started() {
        let Opened { mut output, process, .. } = start("trap '' TERM; sleep 600 & echo $!; exec cat");
        let mut number = [0; 1];
        output.read_exact(&mut number).unwrap();
        process.unwrap().end();
        let mut rest = Vec::new();
        // The end of the output: nobody is left that holds the pipe.
        output.read_to_end(&mut rest).unwrap();
    }

    #[test]
    fn what_is_not_there_is_told() {
        let line = CommandLine { program: "/nowhere/agent".to_owned(), args: Vec::new() };
        assert!(Process::start(&line).is_err_and(|why| why.contains("/nowhere/agent")));
    }
}
