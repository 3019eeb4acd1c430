//! The command line, read: which mode, and what was said. A fold over [`flags::flags`]; touches nothing.

use std::ffi::OsString;
use std::fmt;

use lexopt::Arg;

use super::flags::{self, Flag, LowArgs, Mode};
use super::near::nearest;

/// What to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Run in this mode.
    Run(Mode, Box<LowArgs>),
    /// Print the help, of one mode or of all.
    Help(Option<Mode>),
    /// Print the version.
    Version,
}

/// A command line that cannot be followed. Its text is one line; the exit code is 2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UsageError {
    /// No such sub-command.
    UnknownMode(String),
    /// No such flag, as it was written, with its dashes.
    UnknownFlag(String, Mode),
    /// A flag of other modes.
    Misplaced(&'static str, &'static [Mode], Mode),
    /// The value of a flag was refused; the text says what is wanted.
    Value(&'static str, String),
    /// A flag came without its value.
    NoValue(&'static str, &'static str),
    /// A switch came with a value.
    Switch(String),
    /// A word that belongs to nothing.
    Word(String),
}

/// How the terminal UI starts its gateway: `python -m tui_gateway.entry …`. Taken as `stdio`, so that
/// `HERMES_PYTHON` may name this program.
const PYTHON_ENTRY: [&str; 2] = ["-m", "tui_gateway.entry"];
/// Characters of a user's word that an error repeats, and of a sentence that holds one.
const ECHO_MAX: usize = 60;
const SENTENCE_MAX: usize = 160;

impl Command {
    /// Reads the arguments, without the program's own name.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut args: Vec<OsString> = args.into_iter().collect();
        if args.iter().take(PYTHON_ENTRY.len()).eq(PYTHON_ENTRY.iter()) {
            return Ok(Command::Run(Mode::Stdio, Box::default()));
        }
        let named = args.first().is_some_and(|first| !first.as_encoded_bytes().starts_with(b"-"));
        let mode = match named {
            true => Some(mode(&args.remove(0))?),
            false => None,
        };
        let low = read(mode.unwrap_or(Mode::Serve), args)?;
        if low.help {
            return Ok(Command::Help(mode));
        }
        if low.version {
            return Ok(Command::Version);
        }
        Ok(Command::Run(mode.unwrap_or(Mode::Serve), Box::new(low)))
    }
}

fn mode(word: &OsString) -> Result<Mode, UsageError> {
    let known = Mode::ALL.into_iter().find(|mode| word == mode.name());
    known.ok_or_else(|| UsageError::UnknownMode(echo(&word.to_string_lossy())))
}

/// Reads flags until the end, or until one asks for help or the version.
fn read(mode: Mode, args: Vec<OsString>) -> Result<LowArgs, UsageError> {
    let mut low = LowArgs::default();
    let mut parser = lexopt::Parser::from_args(args);
    while !low.help && !low.version {
        let written = match parser.next() {
            Ok(Some(Arg::Long(name))) => format!("--{name}"),
            Ok(Some(Arg::Short(letter))) => format!("-{letter}"),
            Ok(Some(Arg::Value(word))) if !mode.words().is_empty() => {
                low.words.push(word);
                continue;
            }
            Ok(Some(Arg::Value(word))) => return Err(UsageError::Word(echo(&word.to_string_lossy()))),
            Ok(None) => break,
            // The one thing left to go wrong here: a switch was given a value.
            Err(lexopt::Error::UnexpectedValue { option, .. }) => return Err(UsageError::Switch(option)),
            Err(other) => return Err(UsageError::Word(echo(&other.to_string()))),
        };
        let flag = find(&written, mode)?;
        let value = match flag.value {
            "" => OsString::new(),
            name => parser.value().map_err(|_| UsageError::NoValue(flag.name, name))?,
        };
        (flag.set)(&mut low, value)
            .map_err(|wanted| UsageError::Value(flag.name, one_line(&wanted, SENTENCE_MAX)))?;
    }
    Ok(low)
}

fn find(written: &str, mode: Mode) -> Result<&'static Flag, UsageError> {
    let matches = |flag: &&Flag| match written.strip_prefix("--") {
        Some(name) => flag.name == name,
        None => flag.short.is_some_and(|letter| written.chars().nth(1) == Some(letter)),
    };
    let Some(flag) = flags::flags().find(matches) else {
        return Err(UsageError::UnknownFlag(echo(written), mode));
    };
    match flag.applies_to(mode) {
        true => Ok(flag),
        false => Err(UsageError::Misplaced(flag.name, flag.on, mode)),
    }
}

/// A user's word, fit for one line of an error.
fn echo(word: &str) -> String {
    one_line(word, ECHO_MAX)
}

fn one_line(text: &str, chars_max: usize) -> String {
    let clean = |c: char| if c.is_control() { '?' } else { c };
    let mut short: String = text.chars().take(chars_max).map(clean).collect();
    if text.chars().nth(chars_max).is_some() {
        short.push('…');
    }
    short
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::UnknownMode(word) => {
                write!(f, "unknown command '{word}'")?;
                suggest(f, "", nearest(word, Mode::ALL.map(Mode::name)))
            }
            UsageError::UnknownFlag(written, mode) => {
                write!(f, "unknown flag '{written}'")?;
                let names = flags::flags().filter(|flag| flag.applies_to(*mode)).map(|flag| flag.name);
                suggest(f, "--", nearest(written.trim_start_matches('-'), names))
            }
            UsageError::Misplaced(name, on, mode) => {
                let on: Vec<&str> = on.iter().map(|mode| mode.name()).collect();
                write!(f, "--{name} belongs to {}, not to {}", listed(&on), mode.name())
            }
            UsageError::Value(name, wanted) => write!(f, "--{name} wants {wanted}"),
            UsageError::NoValue(name, value) => write!(f, "--{name} wants a value: --{name} {value}"),
            UsageError::Switch(written) => write!(f, "{written} takes no value"),
            UsageError::Word(word) => write!(f, "unexpected argument '{word}'"),
        }
    }
}

impl std::error::Error for UsageError {}

/// Names as a sentence has them: `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [before @ .., second, last] if !before.is_empty() => {
            format!("{}, {second} and {last}", before.join(", "))
        }
        few => few.join(" and "),
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, dashes: &str, near: Option<&str>) -> fmt::Result {
    match near {
        Some(near) => write!(f, " (did you mean '{dashes}{near}'?)"),
        None => f.write_str(" (see --help)"),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;
    use std::time::Duration;

    use log::LevelFilter;
    use proptest::prelude::*;

    use super::{Command, Mode, UsageError};
    use crate::cli::flags::LowArgs;
    use crate::server::AgentChoice;

    fn parse(line: &str) -> Result<Command, UsageError> {
        Command::parse(line.split_whitespace().map(OsString::from))
    }

    #[track_caller]
    fn low(line: &str, expected: Mode) -> LowArgs {
        match parse(line) {
            Ok(Command::Run(mode, low)) if mode == expected => *low,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[track_caller]
    fn refused(line: &str, message: &str) {
        assert_eq!(parse(line).unwrap_err().to_string(), message, "{line}");
    }

    #[test]
    fn nothing_means_serve() {
        assert_eq!(low("", Mode::Serve), LowArgs::default());
        assert_eq!(low("--port 0", Mode::Serve), low("serve --port=0", Mode::Serve));
    }

    #[test]
    fn serve_notes_every_flag() {
        let low = low(
            "serve --host ::1 --port 9000 --token canary --agent demo --no-merge --ping-interval 2.5 \
             --ping-timeout 0 --log-level debug --log-file /tmp/x.log",
            Mode::Serve,
        );
        assert_eq!(low.host.as_deref(), Some("::1"));
        assert_eq!(low.port, Some(9000));
        assert_eq!(low.token.as_ref().map(|token| token.expose()), Some("canary"));
        assert_eq!(low.agent, Some(AgentChoice::Demo));
        assert!(low.no_merge);
        assert_eq!(low.ping_interval, Some(Duration::from_millis(2500)));
        assert_eq!(low.ping_timeout, Some(Duration::ZERO));
        assert_eq!(low.log_level, Some(LevelFilter::Debug));
        assert_eq!(low.log_file.as_deref(), Some(Path::new("/tmp/x.log")));
        assert!(!format!("{low:?}").contains("canary"));
    }

    #[test]
    fn the_last_of_two_counts() {
        assert_eq!(low("--port 1 --port 2", Mode::Serve).port, Some(2));
    }

    #[test]
    fn the_terminal_ui_starts_stdio_whatever_follows() {
        assert_eq!(low("-m tui_gateway.entry --bogus x", Mode::Stdio), LowArgs::default());
        assert_eq!(low("stdio --agent openai", Mode::Stdio).agent, Some(AgentChoice::Openai));
        refused("-m other.module", "unknown flag '-m' (see --help)");
        refused("-m", "unknown flag '-m' (see --help)");
    }

    #[test]
    fn help_and_version_come_first() {
        assert_eq!(parse("--help --bogus"), Ok(Command::Help(None)));
        assert_eq!(parse("chat -h"), Ok(Command::Help(Some(Mode::Chat))));
        assert_eq!(parse("-V"), Ok(Command::Version));
        assert_eq!(parse("stdio --version"), Ok(Command::Version));
    }

    #[test]
    fn refusals_are_one_clear_line() {
        refused("serv", "unknown command 'serv' (did you mean 'serve'?)");
        refused("kanban", "unknown command 'kanban' (see --help)");
        refused("--prot 1", "unknown flag '--prot' (did you mean '--port'?)");
        refused("chat --nam", "unknown flag '--nam' (see --help)");
        refused("stdio --no-merge", "--no-merge belongs to serve, not to stdio");
        refused("serve --speed 1", "--speed belongs to replay, not to serve");
        refused("--port 65536", "--port wants a number from 0 to 65535, not '65536'");
        refused("--agent dmeo", "--agent wants auto, demo or openai, not 'dmeo' (did you mean 'demo'?)");
        refused("--log-level loud", "--log-level wants off, error, warn, info, debug or trace, not 'loud'");
        refused(
            "--log-level degub",
            "--log-level wants off, error, warn, info, debug or trace, not 'degub' (did you mean 'debug'?)",
        );
        refused("--ping-interval -1", "--ping-interval wants seconds from 0 to 86400, not '-1'");
        refused("--ping-interval NaN", "--ping-interval wants seconds from 0 to 86400, not 'NaN'");
        refused("--host", "--host wants a value: --host HOST");
        refused("--no-merge=yes", "--no-merge takes no value");
        refused("chat hello", "unexpected argument 'hello'");
        refused("--token=", "--token wants a value that is not empty");
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(super::listed(&["a"]), "a");
        assert_eq!(super::listed(&["a", "b"]), "a and b");
        assert_eq!(super::listed(&["a", "b", "c", "d"]), "a, b, c and d");
    }

    #[test]
    fn an_error_does_not_carry_control_bytes() {
        let error = Command::parse(["serve\u{1b}[2J\n".into()]).unwrap_err().to_string();
        assert!(!error.contains(char::is_control), "{error:?}");
        let long = Command::parse(["x".repeat(5000).into()]).unwrap_err().to_string();
        assert!(long.len() < 120, "{long}");
    }

    proptest! {
        #[test]
        fn any_arguments_are_answered(args in proptest::collection::vec("(--?[a-z-]{0,12}=?)?\\PC{0,12}", 0..6)) {
            if let Err(error) = Command::parse(args.into_iter().map(OsString::from)) {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }
}
