//! `record` from the command line; `replay` stands beside it.

mod replay;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use log::LevelFilter;

use crate::base::mask;
use crate::cli::flags::LowArgs;
use crate::cli::target::{Choice, find};
use crate::cli::{EXIT_USAGE, environment, fail, log as logging};
use crate::transport::target::Target;
use crate::wirelog::{PipeOptions, ProxyOptions, Tally, record_pipes, record_socket};

pub(crate) use replay::replay;

/// Port to listen on: the one after the gateway's.
const PORT: u16 = 9120;

/// Runs `record`.
pub(crate) fn record(low: &LowArgs) -> ExitCode {
    let Some((file, command)) = low.words.split_first() else {
        return usage("record wants a file: record FILE [-- COMMAND...]");
    };
    if let Err(error) = logging::init(low.log_level.unwrap_or(LevelFilter::Warn), low.log_file.as_deref()) {
        return fail(&error.to_string(), ExitCode::FAILURE);
    }
    let code = match command.is_empty() {
        true => record_websocket(low, file),
        false => record_stdio(file, command),
    };
    logging::finish();
    code
}

fn record_websocket(low: &LowArgs, file: &OsString) -> ExitCode {
    let Choice { target, token_was_found, .. } = match find(low) {
        Ok(choice) => choice,
        Err(error) => return usage(&error.to_string()),
    };
    if let Some(token) = target.token() {
        mask::register_secret(token.expose());
    }
    let file = PathBuf::from(file);
    let port = low.port.unwrap_or(PORT);
    let options = ProxyOptions { file: file.clone(), target: target.clone(), port };
    let tally = record_socket(&options, |port| announce(&target, token_was_found, port));
    match tally {
        Ok(tally) => {
            say(&summary(&tally));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string(), ExitCode::FAILURE),
    }
}

/// The stderr is the gateway's, so nothing is said there that it did not say, unless something is missing.
fn record_stdio(file: &OsString, command: &[OsString]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else {
        return usage("record wants a command behind --");
    };
    if let Ok(token) = std::env::var(environment::TOKEN) {
        mask::register_secret(&token);
    }
    let options = PipeOptions { file: file.into(), program: program.clone(), arguments: arguments.to_vec() };
    match record_pipes(options) {
        Ok((tally, code)) => {
            if tally.lost > 0 {
                say(&summary(&tally));
            }
            ExitCode::from(code)
        }
        Err(error) => fail(&error.to_string(), ExitCode::FAILURE),
    }
}

/// Says where clients connect: one line for programs on stdout, as `serve` does, and one for people on stderr. The
/// token is shown where the person did not give it.
fn announce(target: &Target, token_was_found: bool, port: u16) {
    let (path, query) = (target.path(), target.path_and_query());
    let shown = match (token_was_found, target.token()) {
        (true, Some(_)) => query.expose().to_owned(),
        _ => format!("{path}?token=…"),
    };
    say(&format!("recording {target}; connect with: ws://127.0.0.1:{port}{shown}"));
    let _ = writeln!(io::stdout(), "HERMES_DASHBOARD_READY port={port}");
}

fn summary(tally: &Tally) -> String {
    let gap = match tally.lost {
        0 => String::new(),
        lost => format!("; {lost} entries are missing"),
    };
    format!("recorded {} documents, {} bytes{gap}", tally.documents, tally.bytes)
}

fn say(line: &str) {
    // Without stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

fn usage(message: &str) -> ExitCode {
    fail(message, ExitCode::from(EXIT_USAGE))
}
