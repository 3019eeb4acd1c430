//! Chance that replays: everything a run decides comes from one of these.

use crate::base::prng::Prng;

/// A die, or many.
#[derive(Clone, Debug)]
pub(super) struct Dice(Prng);

impl Dice {
    /// The dice of `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self(Prng::from_seed(seed))
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound as u64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.below(high - low + 1)
    }

    /// True this often in a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    /// One of `choices`, which are not empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// An index by its weight; 0 when all weights are.
    pub(super) fn weighted(&mut self, weights: &[u16]) -> usize {
        let total: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
        let mut at = self.below(total);
        for (index, weight) in weights.iter().enumerate() {
            match at.checked_sub(usize::from(*weight)) {
                None => return index,
                Some(rest) => at = rest,
            }
        }
        0
    }
}
