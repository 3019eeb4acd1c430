//! Flags of `sim`.

use super::{Flag, Mode};
use crate::cli::values::whole;

const SIM: &[Mode] = &[Mode::Sim];

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct SimArgs {
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--seeds`.
    pub seeds: Option<u64>,
    /// `--steps`.
    pub steps: Option<u64>,
    /// `--minimise`.
    pub minimise: bool,
    /// `--trace`.
    pub trace: bool,
}

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "seed",
        short: None,
        value: "N",
        on: SIM,
        help: "The seed to run; with --seeds the first of them. A seed that fails fails the same way again.",
        default: "0",
        set: |low, value| whole(&value).map(|seed| low.sim.seed = Some(seed)),
    },
    Flag {
        name: "seeds",
        short: None,
        value: "N",
        on: SIM,
        help: "How many seeds to run, one after the other, until one fails.",
        default: "1",
        set: |low, value| whole(&value).map(|seeds| low.sim.seeds = Some(seeds)),
    },
    Flag {
        name: "steps",
        short: None,
        value: "N",
        on: SIM,
        help: "Steps of a run before its faults are over.",
        default: "3000",
        set: |low, value| whole(&value).map(|steps| low.sim.steps = Some(steps)),
    },
    Flag {
        name: "minimise",
        short: None,
        value: "",
        on: SIM,
        help: "Shrink a run that fails: fewer faults, fewer steps. Prints the smallest schedule that fails the \
               same way, and its trace.",
        default: "",
        set: |low, _| {
            low.sim.minimise = true;
            Ok(())
        },
    },
    Flag {
        name: "trace",
        short: None,
        value: "",
        on: SIM,
        help: "Print what happens.",
        default: "",
        set: |low, _| {
            low.sim.trace = true;
            Ok(())
        },
    },
];
