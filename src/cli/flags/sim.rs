//! Flags of `sim`.

use super::{Flag, Mode};
use crate::cli::values::number;

const SIM: &[Mode] = &[Mode::Sim];

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct SimArgs {
    /// `--seeds`.
    pub seeds: Option<u64>,
    /// `--steps`.
    pub steps: Option<u64>,
    /// `--minimise`.
    pub minimise: bool,
    /// `--trace`.
    pub trace: bool,
    /// `--front`.
    pub front: bool,
}

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "seeds",
        short: None,
        value: "N",
        on: SIM,
        help: "How many seeds to run, one after the other, until one fails.",
        default: "1",
        set: |low, value| number(&value).map(|seeds| low.sim.seeds = Some(seeds)),
    },
    Flag {
        name: "steps",
        short: None,
        value: "N",
        on: SIM,
        help: "Steps of a run before its faults are over.",
        default: "3000",
        set: |low, value| number(&value).map(|steps| low.sim.steps = Some(steps)),
    },
    Flag {
        name: "front",
        short: None,
        value: "",
        on: SIM,
        help: "Simulate what --upstream does: a bridge in front of hosts that stall and die. Not with --minimise.",
        default: "",
        set: |low, _| {
            low.sim.front = true;
            Ok(())
        },
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
