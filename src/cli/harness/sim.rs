//! `sim` from the command line.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cli::flags::LowArgs;
use crate::cli::{fail, print};
use crate::sim::{self, Failure, Faults, Options, Outcome};

/// Steps of a run where nobody says otherwise.
const STEPS: u64 = 3_000;

/// Most steps of a run; a schedule is held in memory.
const STEPS_MAX: u64 = 10_000_000;

/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(1);

/// Runs `sim`.
pub(crate) fn sim(low: &LowArgs) -> ExitCode {
    let args = &low.sim;
    let steps = args.steps.unwrap_or(STEPS);
    if steps > STEPS_MAX {
        return fail(&format!("--steps wants {STEPS_MAX} at most"), ExitCode::from(crate::cli::EXIT_USAGE));
    }
    let options = Options {
        seed: low.seed.unwrap_or_default(),
        steps: steps as usize,
        faults: Faults::ALL,
        trace: args.trace,
        start: Instant::now(),
    };
    // Said once, by us; a run that panics would say it too.
    std::panic::set_hook(Box::new(|_| {}));
    match args.seeds {
        None => one(&options, args.minimise),
        Some(count) => many(&options, count, args.minimise),
    }
}

fn one(options: &Options, minimise: bool) -> ExitCode {
    let outcome = sim::run(options);
    let mut text = outcome.lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(options, &outcome));
    let printed = print(&text);
    match &outcome.failure {
        None => printed,
        Some(failure) => failed(options, failure, minimise),
    }
}

fn summary(options: &Options, outcome: &Outcome) -> String {
    format!(
        "seed {}: {} steps, {} virtual seconds, {} turns, hash {:016x}, faults: {}\n",
        options.seed,
        options.steps,
        outcome.seconds,
        outcome.turns,
        outcome.hash,
        outcome.faults.names().join(" "),
    )
}

fn many(options: &Options, count: u64, minimise: bool) -> ExitCode {
    let (begun, mut said) = (Instant::now(), Instant::now());
    let rate = |done: u64| done as f64 * 60.0 / begun.elapsed().as_secs_f64().max(1e-9);
    let terminal = io::stderr().is_terminal();
    for n in 0..count {
        let options = Options { seed: options.seed.wrapping_add(n), ..*options };
        let outcome = sim::run(&options);
        if let Some(failure) = &outcome.failure {
            return failed(&options, failure, minimise);
        }
        if terminal && said.elapsed() >= PROGRESS {
            said = Instant::now();
            // Without stderr nobody wants to know.
            let _ = write!(io::stderr(), "\r{} of {count} seeds, {:.0} a minute", n + 1, rate(n + 1));
        }
    }
    if terminal {
        let _ = writeln!(io::stderr());
    }
    let (first, seconds) = (options.seed, begun.elapsed().as_secs_f64());
    print(&format!(
        "{count} seeds from {first} are clean: {} steps each, {seconds:.1} s, {:.0} seeds a minute\n",
        options.steps,
        rate(count)
    ))
}

fn failed(options: &Options, failure: &Failure, _minimise: bool) -> ExitCode {
    let when = failure.step.map_or("after the last step".to_owned(), |step| format!("in step {step}"));
    let text = format!(
        "seed {} fails {when}: {}\nagain: tui-gateway sim --seed {} --steps {} --trace\n",
        options.seed, failure.what, options.seed, options.steps
    );
    print(&text);
    ExitCode::FAILURE
}
