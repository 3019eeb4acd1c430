//! `replay` from the command line: which part to play, and what it came to, in words.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use log::LevelFilter;

use super::{PORT, say, usage};
use crate::base::mask;
use crate::base::secret::Secret;
use crate::cli::flags::LowArgs;
use crate::cli::flags::wirelog::Role;
use crate::cli::target::target;
use crate::cli::{environment, fail, log as logging, print};
use crate::transport::target::Target;
use crate::wirelog::replay::{
    CallOptions, Pace, ReplayError, Report, Script, ServeNews, ServeOptions, call, check, serve,
};

/// Most clients that play a record at once: each is a copy of all its connections.
const CLIENTS_MAX: u32 = 256;

/// Runs `replay`.
pub(crate) fn replay(low: &LowArgs) -> ExitCode {
    let [file] = low.words.as_slice() else {
        return usage("replay wants one file: replay FILE [--as gateway|client]");
    };
    if low.wirelog.check && low.wirelog.role.is_some() {
        return usage("--check plays both sides: leave --as out");
    }
    if let Err(error) = logging::init(low.log_level.unwrap_or(LevelFilter::Warn), low.log_file.as_deref()) {
        return fail(&error.to_string(), ExitCode::FAILURE);
    }
    if low.clients.is_some_and(|clients| clients > CLIENTS_MAX) {
        return usage(&format!("--clients wants {CLIENTS_MAX} at most here"));
    }
    let path = Path::new(file);
    let script = match load(path) {
        Ok(script) => Arc::new(script),
        Err(why) => return fail(&format!("{}: {why}", path.display()), ExitCode::FAILURE),
    };
    warn_of_gaps(&script);
    let result = match low.wirelog.role {
        None => run_check(&script),
        Some(Role::Gateway) => run_gateway(low, &script),
        Some(Role::Client) => match target(low) {
            Ok(target) => run_clients(low, &script, target),
            Err(error) => return usage(&error.to_string()),
        },
    };
    let code = match result {
        Ok(code) => code,
        Err(error) => fail(&error.to_string(), ExitCode::FAILURE),
    };
    logging::finish();
    code
}

fn load(path: &Path) -> Result<Script, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    Script::read(BufReader::with_capacity(1 << 20, file)).map_err(|error| error.to_string())
}

fn warn_of_gaps(script: &Script) {
    if script.lost > 0 {
        say(&format!("the record has gaps: {} entries are missing", script.lost));
    }
    if script.unfinished {
        say("the recorder was killed: the record ends where it was");
    }
}

/// Both sides against each other.
fn run_check(script: &Arc<Script>) -> Result<ExitCode, ReplayError> {
    let checked = check(script)?;
    let text = format!(
        "{} documents, {} bytes, {} connections, {:.1} s of record: played in {:.3} s, hash {:016x}, {}\n",
        script.documents(),
        script.bytes(),
        script.conversations.len(),
        script.length as f64 / 1e6,
        checked.took.as_secs_f64(),
        checked.report.hash,
        if checked.holds() { "byte-identical in both directions" } else { "NOT as recorded" },
    );
    print(&text);
    print(&faults(&checked.report));
    Ok(if checked.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The gateway, until a signal.
fn run_gateway(low: &LowArgs, script: &Arc<Script>) -> Result<ExitCode, ReplayError> {
    let said = low.token.clone();
    let set = || std::env::var(environment::TOKEN).ok().filter(|token| !token.is_empty()).map(Secret::new);
    let (token, random) = match said.or_else(set) {
        Some(token) => (token, false),
        None => (Secret::random().map_err(|error| ReplayError::System(error.into()))?, true),
    };
    let options = ServeOptions {
        port: low.port.unwrap_or(PORT),
        token: token.clone(),
        pace: Pace { speed: low.wirelog.speed.unwrap_or(1.0) },
        waits: !low.wirelog.tolerant,
    };
    let report = serve(script, &options, |news| match news {
        ServeNews::Ready(port) => {
            let shown = if random { token.expose() } else { "…" };
            say(&format!("playing the gateway; connect with: ws://127.0.0.1:{port}/api/ws?token={shown}"));
            let _ = writeln!(io::stdout(), "HERMES_DASHBOARD_READY port={port}");
        }
        ServeNews::Came(number) => say(&format!("a client came; it is played connection {number}")),
        ServeNews::Left(report) => {
            say(&format!("a client left; it was told {} documents and said {}", report.said, report.heard));
            report.faults.iter().for_each(|fault| say(fault));
        }
    })?;
    Ok(if report.fault_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The clients.
fn run_clients(low: &LowArgs, script: &Arc<Script>, target: Target) -> Result<ExitCode, ReplayError> {
    if let Some(token) = target.token() {
        mask::register_secret(token.expose());
    }
    let options = CallOptions {
        target,
        pace: Pace { speed: low.wirelog.speed.unwrap_or(1.0) },
        clients: low.clients.unwrap_or(1) as usize,
    };
    let called = call(script, &options)?;
    let Report { connections, said, heard, compared, fault_count, .. } = called.report;
    print(&format!(
        "{connections} connections said {said} documents and heard {heard} in {:.3} s; \
         {compared} answers and events compared, {fault_count} differences\n",
        called.took.as_secs_f64(),
    ));
    print(&faults(&called.report));
    Ok(if fault_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The faults, a line each.
fn faults(report: &Report) -> String {
    let mut text: String = report.faults.iter().map(|fault| format!("  {fault}\n")).collect();
    let more = report.fault_count - report.faults.len() as u64;
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}
