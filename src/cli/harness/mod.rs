//! The commands of the instrument: what was said on the command line becomes options, and a failure becomes
//! one line on stderr.

mod bench;
mod fake_model;
mod sim;
mod wirelog;

use std::process::ExitCode;

use super::flags::{LowArgs, Mode};

/// Runs a command of the instrument; `None` for a mode that is none.
pub(super) fn run(mode: Mode, low: &LowArgs) -> Option<ExitCode> {
    match mode {
        Mode::FakeModel => Some(fake_model::fake_model(low)),
        Mode::Bench => Some(bench::bench(low)),
        Mode::Record => Some(wirelog::record(low)),
        Mode::Replay => Some(wirelog::replay(low)),
        Mode::Sim => Some(sim::sim(low)),
        Mode::Serve | Mode::Stdio | Mode::Chat | Mode::Methods => None,
    }
}
