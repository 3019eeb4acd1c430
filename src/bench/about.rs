//! What a run's figures belong to: when, on what, how busy it was.

use std::fs;
use std::time::Duration;

use super::gateway::Agent;
use super::options::Options;
use super::results::About;

/// What is known before.
pub(super) fn before(options: &Options) -> About {
    About {
        began: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        machine: machine(),
        rounds: options.rounds,
        agent: match options.agent {
            Agent::Demo => "demo",
            Agent::Model => "model",
        },
        transport: if options.stdio { "stdio" } else { "WebSocket" },
        seed: options.seed,
        quick: options.sizes.quick,
        one_core: options.one_core,
        ..About::default()
    }
}

/// And what only after.
pub(super) fn after(about: &mut About, took: Duration) {
    about.took = took;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    about.load = load.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} × {model}, Linux {}, {}", kernel.trim(), std::env::consts::ARCH)
}
