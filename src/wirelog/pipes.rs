//! `record` over stdio: starts the gateway and stands in its pipes, one thread a direction. Its stderr is ours,
//! so is its exit code, and what ends us is passed on to it. Reading and writing block, as the pipes alone would.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::entry::{DOCUMENT_MAX, Header, Over, Side, What};
use super::error::RecordError;
use super::scribe::{self, Scribe, Tally};
use super::tap::{HeardLine, LineTap};
use crate::base::mask;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// The one connection.
const CONNECTION: u32 = 1;

/// What to record.
#[derive(Debug)]
pub struct PipeOptions {
    /// The file, which must not hold anything yet.
    pub file: PathBuf,
    /// The gateway's program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// The record of both threads, until it is finished.
type Shared = Arc<Mutex<Option<Scribe>>>;

/// Runs the gateway on this process's stdin and stdout and records until it has ended. Gives the exit code: the
/// gateway's own, or 128 and the signal's number, as a shell has it.
///
/// # Errors
/// When it cannot begin.
pub fn record_pipes(options: PipeOptions) -> Result<(Tally, u8), RecordError> {
    let name = options.program.to_string_lossy().into_owned();
    let words = std::iter::once(&options.program).chain(&options.arguments);
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let header = Header {
        started: format!("{:.3}", jiff::Timestamp::now()),
        over: Over::Stdio,
        gateway: mask::mask(&line).into_owned(),
    };
    let unwritable = |error| RecordError::File(options.file.clone(), error);
    let paper = scribe::open(&options.file).map_err(unwritable)?;
    let scribe = Scribe::start(paper, &header).map_err(unwritable)?;
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT]).map_err(RecordError::System)?;
    let mut command = Command::new(&options.program);
    command.args(&options.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| RecordError::Command(name, error))?;
    let pid = Pid::from_child(&child);
    thread::spawn(move || pass_signals_on(&mut signals, pid));
    let (tally, status) = relay(&mut child, scribe).map_err(RecordError::System)?;
    Ok((tally, code(status)))
}

/// An interrupt comes from the terminal and has reached the gateway already.
fn pass_signals_on(signals: &mut Signals, pid: Pid) {
    for signal in signals {
        let signal = match signal {
            SIGTERM => Signal::TERM,
            SIGHUP => Signal::HUP,
            _ => continue,
        };
        // A gateway that is gone already needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// Relays until the gateway closes its stdout, and waits for its end.
fn relay(child: &mut Child, mut scribe: Scribe) -> io::Result<(Tally, ExitStatus)> {
    scribe.note(0, CONNECTION, What::Opened);
    let shared: Shared = Arc::new(Mutex::new(Some(scribe)));
    let ended_first = Arc::new(Mutex::new(None));
    if let Some(stdin) = child.stdin.take() {
        let (shared, ended_first) = (Arc::clone(&shared), Arc::clone(&ended_first));
        thread::spawn(move || {
            carry(io::stdin(), stdin, Side::Client, &shared);
            note_first(&ended_first, Side::Client);
        });
    }
    if let Some(stdout) = child.stdout.take() {
        // Not through the process's own stdout: that would hold back what does not end with a line feed.
        let ours = File::from(rustix::io::dup(rustix::stdio::stdout())?);
        carry(stdout, ours, Side::Server, &shared);
        note_first(&ended_first, Side::Server);
    }
    let status = child.wait()?;
    let by = *ended_first.lock().unwrap_or_else(PoisonError::into_inner);
    // Whoever reads stdin may sit in it for ever; what it hears from now on is too late.
    let scribe = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
    let tally = scribe.map(|mut scribe| {
        scribe.note(scribe.now(), CONNECTION, What::Closed { by, code: None, reason: "".into() });
        scribe.finish()
    });
    Ok((tally.unwrap_or_default(), status))
}

fn note_first(ended_first: &Mutex<Option<Side>>, side: Side) {
    ended_first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(side);
}

/// Carries bytes from one pipe to the next until either ends; dropping `to` tells its reader.
fn carry(mut from: impl Read, mut to: impl Write, side: Side, shared: &Shared) {
    let mut tap = LineTap::new(DOCUMENT_MAX);
    let mut buffer = vec![0; BUFFER];
    let mut heard = Vec::new();
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                log::warn!("what the {side:?} says cannot be read: {error}");
                break;
            }
        };
        // Noted before it is passed on, or the answer to it might be noted first, by the other thread.
        tap.hear(&buffer[..count], &mut heard);
        note(shared, side, &mut heard);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    heard.extend(tap.finish());
    note(shared, side, &mut heard);
}

fn note(shared: &Shared, by: Side, heard: &mut Vec<HeardLine>) {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(scribe) = shared.as_mut() else { return heard.clear() };
    let at = scribe.now();
    for line in heard.drain(..) {
        let what = match line {
            HeardLine::Text(text, changed) => What::Said { by, changed, document: text.into() },
            HeardLine::TooLong => What::Gap { entries: 1, bytes: 0 },
        };
        scribe.note(at, CONNECTION, what);
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
