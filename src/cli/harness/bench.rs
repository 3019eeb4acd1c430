//! `bench` from the command line: words become options, results become files and a table.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::bench::failure::Failure;
use crate::bench::gateway::{Agent, GatewaySpec, ModelSpec};
use crate::bench::load::Stop;
use crate::bench::options::{Options, Sizes};
use crate::bench::progress::Progress;
use crate::bench::results::Results;
use crate::bench::scenarios::{self, SCENARIOS, Scenario};
use crate::bench::{self, report};
use crate::cli::flags::LowArgs;
use crate::cli::{EXIT_USAGE, fail};
use crate::server::AgentChoice;

/// Exit code of a run that was ended by Ctrl-C, as shells have it.
const EXIT_INTERRUPTED: u8 = 130;

/// Rounds with two gateways, and with one.
const ROUNDS_COMPARED: u32 = 5;
const ROUNDS_ALONE: u32 = 1;

/// Runs `bench`.
pub(crate) fn bench(low: &LowArgs) -> ExitCode {
    if low.bench.list {
        return list();
    }
    let options = match options(low) {
        Ok(options) => options,
        Err(why) => return fail(&why, ExitCode::from(EXIT_USAGE)),
    };
    let stop = Stop::default();
    if let Err(error) = listen_for_signals(&stop) {
        return fail(&format!("cannot listen for signals: {error}"), ExitCode::FAILURE);
    }
    let mut progress = Progress::on_stderr();
    let outcome = bench::run(&options, &stop, &mut progress);
    progress.finish();
    match outcome {
        Err(Failure::Interrupted) => fail("interrupted", ExitCode::from(EXIT_INTERRUPTED)),
        Err(failure) => fail(&failure.to_string(), ExitCode::FAILURE),
        Ok(results) => match publish(low, &results) {
            Err(why) => fail(&why, ExitCode::FAILURE),
            Ok(()) if results.failed() => fail("a scenario failed; see above", ExitCode::FAILURE),
            Ok(()) => ExitCode::SUCCESS,
        },
    }
}

fn list() -> ExitCode {
    let width = SCENARIOS.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let lines: Vec<String> = SCENARIOS
        .iter()
        .map(|scenario| format!("{:width$}  {}\n", scenario.name, scenario.summary))
        .collect();
    said(&lines.concat())
}

fn said(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&format!("stdout: {error}"), ExitCode::FAILURE),
    }
}

/// Ctrl-C ends a run in order: children are ended and their folders removed.
fn listen_for_signals(stop: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

fn options(low: &LowArgs) -> Result<Options, String> {
    let args = &low.bench;
    let gateways = gateways(low)?;
    let all_ours = gateways.iter().all(GatewaySpec::is_ours);
    let alone = gateways.len() == 1;
    Ok(Options {
        agent: match low.agent.unwrap_or(AgentChoice::Auto) {
            AgentChoice::Demo => Agent::Demo,
            AgentChoice::Openai => Agent::Model,
            AgentChoice::Auto if all_ours => Agent::Demo,
            AgentChoice::Auto => Agent::Model,
        },
        model: args.model_port.map_or(ModelSpec::Own, ModelSpec::Running),
        program: std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?,
        scenarios: chosen(low)?,
        rounds: args.rounds.unwrap_or(if alone { ROUNDS_ALONE } else { ROUNDS_COMPARED }),
        stdio: args.stdio,
        one_core: args.one_core,
        strace: args.strace,
        seed: low.seed.unwrap_or(1),
        sizes: Sizes {
            quick: args.quick,
            heavy: all_ours,
            time: args.seconds,
            clients: low.clients,
            sessions: args.sessions,
            rate: low.rate.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX)),
            tokens: args.tokens,
        },
        gateways,
    })
}

fn gateways(low: &LowArgs) -> Result<Vec<GatewaySpec>, String> {
    let args = &low.bench;
    let read = |flag: &str, word: &str, args: &Option<String>, pid: Option<u32>| {
        let spec = GatewaySpec::parse(word, args.as_deref().unwrap_or_default(), pid);
        spec.map_err(|error| format!("{flag}: {error}"))
    };
    let first = args.gateway.as_deref().unwrap_or("self");
    let mut found = vec![read("--gateway", first, &args.gateway_args, args.pid)?];
    match &args.vs {
        Some(word) => found.push(read("--vs", word, &args.vs_args, args.vs_pid)?),
        None if args.vs_args.is_some() => return Err("--vs-args needs --vs".to_owned()),
        None => {}
    }
    Ok(found)
}

/// The scenarios that were named, or all.
fn chosen(low: &LowArgs) -> Result<Vec<&'static Scenario>, String> {
    if low.words.is_empty() {
        return Ok(SCENARIOS.to_vec());
    }
    let mut chosen: Vec<&'static Scenario> = Vec::new();
    for word in &low.words {
        let name = word.to_string_lossy();
        let found = scenarios::find(&name);
        let found = found.ok_or_else(|| format!("there is no scenario '{name}'; --list names them"))?;
        if !chosen.iter().any(|known| known.name == found.name) {
            chosen.push(found);
        }
    }
    Ok(chosen)
}

/// Writes what was asked for, the table last.
fn publish(low: &LowArgs, results: &Results) -> Result<(), String> {
    let args = &low.bench;
    if let Some(path) = &args.json {
        write(path, &format!("{:#}\n", report::json(results)))?;
    }
    if let Some(path) = &args.html {
        write(path, &report::page(results))?;
    }
    if let Some(dir) = &args.svg {
        fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        for plot in report::plots(results) {
            write(&dir.join(format!("{}.svg", plot.name)), &plot.file())?;
        }
    }
    let shown = if args.markdown { report::markdown(results) } else { report::text(results) };
    said(&shown);
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
