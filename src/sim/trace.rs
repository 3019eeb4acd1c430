//! What happened, twice: as a number that tells whether two runs were the same, and as lines for people, where
//! somebody wants them.

use std::collections::BTreeMap;
use std::time::Duration;

/// How often what is rare happened: a simulation that never meets a fault proves nothing about it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Marks(BTreeMap<&'static str, u64>);

impl Marks {
    /// It happened.
    pub(super) fn mark(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Marks) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// Everything that happened, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(what, count)| (*what, *count))
    }

    /// How often `what` happened.
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }
}

/// The record of a run.
#[derive(Clone, Default, Debug)]
pub(super) struct Trace {
    hash: u64,
    /// Lines for people, when they are kept.
    lines: Option<Vec<String>>,
    pub(super) marks: Marks,
}

impl Trace {
    /// A record that keeps lines if `lines`.
    pub(super) fn new(lines: bool) -> Self {
        Self { hash: 0, lines: lines.then(Vec::new), marks: Marks::default() }
    }

    /// The number so far.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines so far.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }

    /// Something happened at `at`; `what` and `number` tell it from other things.
    pub(super) fn note(
        &mut self,
        at: Duration,
        what: &'static str,
        number: u64,
        text: impl FnOnce() -> String,
    ) {
        self.mix(at.as_nanos() as u64);
        self.mix(number ^ (what.len() as u64) << 32 ^ u64::from(what.as_bytes()[0]));
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>14.6} {what:<9} {}", at.as_secs_f64(), text()));
        }
    }

    /// Bytes were said.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.mix(chunk.try_into().map_or(0, u64::from_le_bytes));
        }
        for byte in chunks.remainder() {
            self.mix(u64::from(*byte));
        }
    }

    /// One round of the multiplicative hash of FxHash: fast, and good enough to tell runs apart.
    fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}
