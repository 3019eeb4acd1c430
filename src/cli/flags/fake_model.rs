//! Flags of `fake-model`.

use super::{Flag, Mode};
use crate::cli::values::{filled, rate};

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct FakeModelArgs {
    /// `--script`.
    pub script: Option<String>,
    /// `--rate`.
    pub rate: Option<u64>,
}

const FAKE_MODEL: &[Mode] = &[Mode::FakeModel];

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "script",
        short: None,
        value: "TEXT",
        on: FAKE_MODEL,
        help: "Script for prompts that have none of their own.",
        default: "repeat the prompt",
        set: |low, value| filled(&value).map(|text| low.fake_model.script = Some(text.to_owned())),
    },
    Flag {
        name: "rate",
        short: None,
        value: "TOKENS",
        on: FAKE_MODEL,
        help: "Tokens a second of each stream, where its script has no RATE=; 0 is as fast as it goes.",
        default: "0",
        set: |low, value| rate(&value).map(|rate| low.fake_model.rate = Some(rate)),
    },
];
