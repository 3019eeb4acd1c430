//! `sim` from the command line.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cli::flags::LowArgs;
use crate::cli::{fail, print};
use crate::sim::{self, Failure, Marks, Minimal, Options, Outcome};

/// Steps of a run where nobody says otherwise.
const STEPS: u64 = 3_000;

/// Most steps of a run; a schedule is held in memory.
const STEPS_MAX: u64 = 10_000_000;

/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(1);

/// Where the last panic was.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs `sim`.
pub(crate) fn sim(low: &LowArgs) -> ExitCode {
    let args = &low.sim;
    let steps = args.steps.unwrap_or(STEPS);
    if steps > STEPS_MAX {
        return fail(&format!("--steps wants {STEPS_MAX} at most"), ExitCode::from(crate::cli::EXIT_USAGE));
    }
    let mut options = Options::new(low.seed.unwrap_or_default(), steps as usize, Instant::now());
    if args.front && args.minimise {
        let text = "--minimise shrinks no run of --front: try fewer --steps";
        return fail(text, ExitCode::from(crate::cli::EXIT_USAGE));
    }
    (options.trace, options.front) = (args.trace, args.front);
    // A panic is a failure of its run, reported with it; shrinking makes thousands of them.
    std::panic::set_hook(Box::new(|panic| {
        if let (Some(place), Ok(mut last)) = (panic.location(), LAST_PANIC.lock()) {
            *last = Some(place.to_string());
        }
    }));
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
    text.push_str(&met(&outcome.marks));
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
    let (begun, mut said, mut marks) = (Instant::now(), Instant::now(), Marks::default());
    let rate = |done: u64| done as f64 * 60.0 / begun.elapsed().as_secs_f64().max(1e-9);
    let (first, terminal) = (options.seed, io::stderr().is_terminal());
    for n in 0..count {
        let mut options = *options;
        options.seed = first.wrapping_add(n);
        let outcome = sim::run(&options);
        if let Some(failure) = &outcome.failure {
            return failed(&options, failure, minimise);
        }
        marks.add(&outcome.marks);
        if terminal && said.elapsed() >= PROGRESS {
            said = Instant::now();
            // Without stderr nobody wants to know.
            let _ = write!(io::stderr(), "\r{} of {count} seeds, {:.0} a minute", n + 1, rate(n + 1));
        }
    }
    if terminal {
        let _ = writeln!(io::stderr());
    }
    let seconds = begun.elapsed().as_secs_f64();
    print(&format!(
        "{count} seeds from {first} are clean: {} steps each, {seconds:.1} s, {:.0} seeds a minute\n{}",
        options.steps,
        rate(count),
        met(&marks)
    ))
}

fn failed(options: &Options, failure: &Failure, minimise: bool) -> ExitCode {
    let when = failure.step.map_or("after the last step".to_owned(), |step| format!("in step {step}"));
    let place = LAST_PANIC.lock().ok().and_then(|mut last| last.take());
    let place = place.map(|place| format!(" (at {place})")).unwrap_or_default();
    let mut text = format!(
        "seed {} fails {when}: {}{place}\nagain: tui-gateway sim{} --seed {} --steps {} --trace\n",
        options.seed,
        failure.what,
        if options.front { " --front" } else { "" },
        options.seed,
        options.steps
    );
    if minimise {
        let minimal = sim::minimise(options, failure);
        text.push_str(&smallest(&minimal));
    }
    print(&text);
    ExitCode::FAILURE
}

fn smallest(minimal: &Minimal) -> String {
    let steps: Vec<String> =
        minimal.steps.iter().map(|step| format!("{} {:?}", step.number, step.op)).collect();
    let what = minimal.outcome.failure.as_ref().map_or("", |failure| failure.what.as_str());
    format!(
        "the smallest of {} runs that fails so has {} steps: {}\nfaults: {}\n{}\n{what}\n",
        minimal.tries,
        steps.len(),
        steps.join(", "),
        minimal.faults.names().join(" "),
        minimal.outcome.lines.join("\n"),
    )
}

fn met(marks: &Marks) -> String {
    let met: Vec<String> = marks.iter().map(|(what, count)| format!("{what} {count}")).collect();
    format!("met: {}\n", met.join(", "))
}
