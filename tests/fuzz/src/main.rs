//! The fuzzer's one binary: libFuzzer in front of the target that `FUZZ_TARGET` names. Knows what a target is
//! called, not what it does.

#![no_main]

#[allow(dead_code, reason = "the integration tests use more of it")]
#[path = "../../it/stage.rs"]
mod stage;
mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// The name of the environment variable that says which target runs.
const CHOICE: &str = "FUZZ_TARGET";

fuzz_target!(|data: &[u8]| {
    static RUN: OnceLock<targets::Run> = OnceLock::new();
    RUN.get_or_init(chosen)(data);
});

fn chosen() -> targets::Run {
    let name = std::env::var(CHOICE).unwrap_or_default();
    let found = targets::ALL.iter().find(|(known, _)| *known == name);
    let Some((_, run)) = found else {
        let names: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
        panic!("{CHOICE} must be one of {names:?}");
    };
    *run
}
