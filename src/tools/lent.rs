//! What an agent that is a program of its own does through us: it reads files as they are, and runs commands
//! that it looks after itself, both by the rules of our own tools. Knows no protocol. To write a file it has
//! `write_file`, as everybody.

use std::io;
use std::sync::Arc;

use super::approval::{Verdict, gate};
use super::desk::Desk;
use super::error::ToolError;
use super::host::Host;
use super::path;
use super::shell::{COMMAND_BYTES_MAX, Process, Start, lock};
use super::text_file::{self, Form};

/// Longest text that is handed over, in bytes: 4 MiB. As JSON it stays below the bound of a message, 16 MiB,
/// unless most of it are control characters.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// Who ends such a command, as the process list says it.
const SOURCE: &str = "terminal/kill";

/// Lines of a text file, from `first` (1 is the first one) on, at most `count` of them: unmasked, because the
/// agent writes back what it reads. `None` when there is no such file.
///
/// # Errors
/// The file may not be read, is no text, or these lines have more than 4 MiB.
pub fn read_lines(
    desk: &Desk,
    written: &str,
    first: u64,
    count: Option<u64>,
) -> Result<Option<String>, ToolError> {
    let failed = |why: &dyn std::fmt::Display| ToolError::new(format!("{written} cannot be read: {why}."));
    let real = path::readable(desk, &path::resolve(desk, written))?;
    let bytes = match text_file::read(&real) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    if text_file::is_private_key(&bytes) {
        return Err(ToolError::new(format!("Access denied: {written} is a private key.")));
    }
    let Some((_, text)) = Form::read(&bytes) else { return Err(failed(&"it is no UTF-8 text")) };
    let skipped = usize::try_from(first.saturating_sub(1)).unwrap_or(usize::MAX);
    let count = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut lines = String::new();
    for line in text.split_inclusive('\n').skip(skipped).take(count) {
        if lines.len() + line.len() > TEXT_BYTES_MAX {
            return Err(failed(&format!("these lines have more than {TEXT_BYTES_MAX} bytes")));
        }
        lines.push_str(line);
    }
    Ok(Some(lines))
}

/// A command for the shell: without arguments `command` is one already, else every word stands for itself.
/// Variables are set for it alone.
///
/// # Errors
/// It is empty or too long, or a variable has no name.
pub fn command_line(command: &str, args: &[&str], variables: &[(&str, &str)]) -> Result<String, ToolError> {
    if command.trim().is_empty() {
        return Err(ToolError::new("command is empty"));
    }
    let mut line = String::new();
    for (name, value) in variables {
        if !is_name(name) {
            return Err(ToolError::new("a variable has no name that a shell takes"));
        }
        line.push_str(&format!("export {name}={}; ", quoted(value)));
    }
    if args.is_empty() {
        line.push_str(command);
    } else {
        let words = std::iter::once(command).chain(args.iter().copied());
        line.push_str(&words.map(quoted).collect::<Vec<_>>().join(" "));
    }
    if line.len() > COMMAND_BYTES_MAX || line.contains('\0') {
        return Err(ToolError::new(format!(
            "the command is longer than {COMMAND_BYTES_MAX} bytes or contains a NUL"
        )));
    }
    Ok(line)
}

/// Whether a shell takes it as the name of a variable.
fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// A word that stands for itself. Plain ones stay as they are, for whoever is asked about them.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./,:@%+=".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A command that an agent started. Dropping it ends the command.
#[derive(Debug)]
pub struct Terminal {
    process: Arc<Process>,
    bytes_max: usize,
}

impl Terminal {
    /// Starts a command as `terminal` does in the background: what is dangerous asks first, so that this
    /// waits for a person. Of its output the newest `bytes_max` bytes are kept, and at most what the process
    /// list keeps.
    ///
    /// # Errors
    /// It may not run, the directory does not exist, or the system refuses.
    pub fn start(
        line: &str,
        dir: Option<&str>,
        bytes_max: usize,
        desk: &Desk,
        host: &dyn Host,
    ) -> Result<Self, ToolError> {
        if let Verdict::Blocked { why } = gate(line, desk, host) {
            return Err(ToolError::new(why));
        }
        // The answer may have come with the end of the turn.
        if host.interrupted() {
            return Err(ToolError::new("Interrupted."));
        }
        let plan = lock(&desk.shell).plan(&desk.workspace(), dir)?;
        desk.keep_before_command(line, &plan.dir);
        let start =
            Start { owner: &desk.key, command: line, plan: &plan, notifies: false, patterns: Vec::new() };
        let process = desk.processes.start(start);
        let process = process.map_err(|error| ToolError::new(format!("cannot run the command: {error}")))?;
        // Nobody writes to it: a command that reads has to see the end of its input.
        process.close_input();
        Ok(Self { process, bytes_max })
    }

    /// The newest of its output, plain and masked, and whether there was more.
    pub fn output(&self) -> (String, bool) {
        self.process.newest(self.bytes_max)
    }

    /// Its exit code, minus the signal's number when one ended it; `None` while it runs.
    pub fn end(&self) -> Option<i32> {
        self.process.end().map(|end| end.code)
    }

    /// Begins to end it: TERM now, KILL later. Does not wait.
    pub fn kill(&self) {
        self.process.stop(SOURCE);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::path::testing::Room;
    use super::*;
    use crate::model::ask::{Answer, Choice};

    fn start(room: &Room, line: &str, bytes_max: usize) -> Result<Terminal, ToolError> {
        Terminal::start(line, None, bytes_max, &room.desk, &room.turn)
    }

    fn ended(terminal: &Terminal) -> i32 {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match terminal.end() {
                Some(code) => return code,
                None if Instant::now() > until => panic!("it does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    #[test]
    fn lines_are_read_as_they_are() {
        let room = Room::new();
        room.write("f", "one\ntwo sk-abcdefghijklmnopqrstuvwx\nthree");
        let read = |first, count| read_lines(&room.desk, "f", first, count).unwrap().unwrap();
        assert_eq!(read(1, None), "one\ntwo sk-abcdefghijklmnopqrstuvwx\nthree");
        assert_eq!(read(2, Some(1)), "two sk-abcdefghijklmnopqrstuvwx\n");
        assert_eq!(read(3, Some(9)), "three");
        assert_eq!((read(0, Some(1)), read(u64::MAX, None)), ("one\n".to_owned(), String::new()));
        assert_eq!(read_lines(&room.desk, "none", 1, None), Ok(None));
    }

    #[test]
    fn what_our_own_tools_do_not_read_is_not_read() {
        let room = Room::new();
        room.write("key", "-----BEGIN PRIVATE KEY-----\nabc\n");
        room.write("bytes", b"\xff\xfe");
        room.write("large", "x".repeat(TEXT_BYTES_MAX + 1));
        for name in ["key", "bytes", "large", "."] {
            assert!(read_lines(&room.desk, name, 1, None).is_err(), "{name}");
        }
    }

    #[test]
    fn words_stand_for_themselves() {
        let line =
            |command, args: &[&str], variables: &[(&str, &str)]| command_line(command, args, variables);
        assert_eq!(line("a | b", &[], &[]).unwrap(), "a | b");
        assert_eq!(line("npm", &["run", "a b", "it's"], &[]).unwrap(), r"npm run 'a b' 'it'\''s'");
        assert_eq!(line("a", &[], &[("X_1", "$y")]).unwrap(), "export X_1='$y'; a");
        assert!(line(" ", &["x"], &[]).is_err() && line("a\0", &[], &[]).is_err());
        for name in ["", "1a", "a=b", "a;b", "a b"] {
            assert!(line("a", &[], &[(name, "x")]).is_err(), "{name}");
        }
    }

    #[test]
    fn a_command_runs_beside_whoever_started_it() {
        let room = Room::new();
        let terminal = start(&room, "printf 'äöü'; cat; exit 3", 5).unwrap();
        assert_eq!(ended(&terminal), 3);
        assert_eq!(terminal.output(), ("öü".to_owned(), true), "cut at a character");
        let endless = start(&room, "exec sleep 600", 100).unwrap();
        assert_eq!(endless.end(), None);
        endless.kill();
        assert!(ended(&endless) < 0);
    }

    #[test]
    fn what_is_dangerous_asks_first() {
        let room = Room::new();
        room.write("d/f", "x");
        assert!(start(&room, "rm -rf d", 100).is_err() && room.turn.asked.lock().unwrap().len() == 1);
        *room.turn.answer.lock().unwrap() = Some(Answer::Choice(Choice::Once));
        assert_eq!(ended(&start(&room, "rm -rf d", 100).unwrap()), 0);
        assert!(!room.workspace().join("d").exists());
    }
}
