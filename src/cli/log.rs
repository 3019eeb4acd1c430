//! The log: to stderr or a file, never stdout, which belongs to the protocol. One record is one line, and
//! no line carries a secret. Decides what is logged; what is worth logging is decided where it happens.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, LineWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use log::{Level, LevelFilter, Log, Metadata, Record};
use simplelog::{Config, ConfigBuilder, WriteLogger};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::environment;
use super::relay::{self, Relay};
use super::values;
use crate::base::mask::mask;

/// UTC with milliseconds.
const TIME_FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// Targets of this program begin with it.
const OWN_PREFIX: &str = "tui_gateway";
/// Only the owner may read a log.
const FILE_MODE: u32 = 0o600;

/// Why there is no log.
#[derive(Debug)]
pub enum LogError {
    /// The file cannot be appended to.
    Open(PathBuf, io::Error),
    /// Its thread cannot be started.
    Thread(io::Error),
    /// There is a logger already.
    Twice,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Open(path, error) => write!(f, "cannot write the log file {}: {error}", path.display()),
            LogError::Thread(error) => write!(f, "cannot start the log's thread: {error}"),
            LogError::Twice => f.write_str("the log is set up already"),
        }
    }
}

impl std::error::Error for LogError {}

/// The level in force: the flag, else the environment, else `default`. Beside it a warning when the
/// environment's word is none of the levels.
pub fn level(
    flag: Option<LevelFilter>,
    environment: Option<&OsStr>,
    default: LevelFilter,
) -> (LevelFilter, Option<String>) {
    match (flag, environment) {
        (Some(level), _) => (level, None),
        (None, Some(word)) if !word.is_empty() => match values::level(word) {
            Ok(level) => (level, None),
            Err(wanted) => (default, Some(format!("{} wants {wanted}", environment::LOG))),
        },
        (None, _) => (default, None),
    }
}

/// Starts the log: appended to `file`, else on stderr. Once in a process.
pub fn init(level: LevelFilter, file: Option<&Path>) -> Result<(), LogError> {
    let logger: Box<dyn Log> = match file {
        Some(path) => Box::new(Masked::new(level, Relay::start(append(path)?).map_err(LogError::Thread)?)),
        None => Box::new(Masked::new(level, Relay::start(io::stderr()).map_err(LogError::Thread)?)),
    };
    log::set_boxed_logger(logger).map_err(|_| LogError::Twice)?;
    log::set_max_level(level);
    Ok(())
}

/// Waits, but not long, for the last lines: the process ends.
pub fn finish() {
    relay::finish();
}

fn append(path: &Path) -> Result<File, LogError> {
    let options = OpenOptions::new().append(true).create(true).mode(FILE_MODE).to_owned();
    options.open(path).map_err(|error| LogError::Open(path.to_owned(), error))
}

/// A logger behind which no secret is left. It masks whole messages: behind it they fall into pieces.
struct Masked<W: Write + Send + 'static> {
    inner: Box<WriteLogger<LineWriter<W>>>,
}

impl<W: Write + Send + 'static> Masked<W> {
    fn new(level: LevelFilter, out: W) -> Self {
        // The line buffer makes a record one write, so that two processes with one stderr do not mix lines.
        Self { inner: WriteLogger::new(level, format(), LineWriter::new(out)) }
    }
}

/// Time, level, target, message.
fn format() -> Config {
    ConfigBuilder::new()
        .set_time_format_custom(TIME_FORMAT)
        .set_target_level(LevelFilter::Error)
        .set_thread_level(LevelFilter::Off)
        .set_location_level(LevelFilter::Off)
        .build()
}

impl<W: Write + Send + 'static> Log for Masked<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // At debug and trace, libraries log what they carry: frames, headers.
        let own = metadata.target().starts_with(OWN_PREFIX);
        (own || metadata.level() <= Level::Warn) && self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let text = mask(&text);
        let metadata = Metadata::builder().level(record.level()).target(short(record.target())).build();
        let mut masked = Record::builder();
        self.inner.log(&masked.metadata(metadata).args(format_args!("{}", one_line(&text))).build());
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

/// A target without the name of this program.
fn short(target: &str) -> &str {
    target.strip_prefix(OWN_PREFIX).and_then(|rest| rest.strip_prefix("::")).unwrap_or(target)
}

/// Control characters become blanks: text from outside cannot forge a record or move a terminal's cursor.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use log::{Level, LevelFilter, Log, Record};

    use super::{Masked, append, level};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: Level, target: &str, message: &str) -> String {
        let kept = Kept::default();
        let logger = Masked::new(LevelFilter::Debug, kept.clone());
        logger.log(&Record::builder().level(level).target(target).args(format_args!("{message}")).build());
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_record_is_one_line_of_time_level_target_message() {
        let line = logged(Level::Info, "tui_gateway::transport::ws", "accepted\nforged");
        let (time, rest) = line.split_at("2026-01-02T03:04:05.678Z".len());
        assert!(time.ends_with('Z') && time.contains('T'), "{line}");
        assert_eq!(rest, " [INFO] transport::ws: accepted forged\n");
    }

    #[test]
    fn a_canary_never_reaches_the_log() {
        let line = logged(Level::Warn, "tui_gateway", "GET /api/ws?token=canary, Bearer canary, sk-canary");
        assert!(line.ends_with("tui_gateway: GET /api/ws?token=***, Bearer ***, ***\n"), "{line}");
    }

    #[test]
    fn libraries_are_heard_from_warnings_on() {
        assert_eq!(logged(Level::Debug, "tungstenite::protocol", "frame"), "");
        assert!(
            logged(Level::Warn, "tungstenite::protocol", "frame").ends_with("tungstenite::protocol: frame\n")
        );
        assert_ne!(logged(Level::Debug, "tui_gateway::x", "own"), "");
        assert_eq!(logged(Level::Trace, "tui_gateway::x", "too much"), "");
    }

    #[test]
    fn the_flag_comes_before_the_environment() {
        let word = |text| Some(OsStr::new(text));
        let default = LevelFilter::Warn;
        assert_eq!(level(Some(LevelFilter::Off), word("debug"), default), (LevelFilter::Off, None));
        assert_eq!(level(None, word("DEBUG"), default), (LevelFilter::Debug, None));
        assert_eq!(level(None, word(""), default), (default, None));
        assert_eq!(level(None, None, default), (default, None));
        let (fallback, warning) = level(None, word("loud"), default);
        assert_eq!(fallback, default);
        assert!(warning.unwrap().starts_with("TUI_GATEWAY_LOG wants off, error"));
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = append(std::path::Path::new("/nonexistent/x.log")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write the log file /nonexistent/x.log: "), "{error}");
    }
}
