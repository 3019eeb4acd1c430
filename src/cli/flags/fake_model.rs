//! Flags of `fake-model`.

use super::{Flag, Mode};
use crate::cli::values::{filled, rate};

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct FakeModelArgs {
    /// `--script`.
    pub script: Option<String>,
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
        on: &[Mode::FakeModel, Mode::Bench],
        help: "Tokens a second of each stream. fake-model: where its script has no RATE=; 0 is as fast as \
               it goes.",
        default: "fake-model: 0, bench: 30 to 50",
        set: |low, value| rate(&value).map(|rate| low.rate = Some(rate)),
    },
];
