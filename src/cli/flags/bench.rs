//! Flags of `bench`.

use super::Flag;

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct BenchArgs {}

pub(super) const FLAGS: &[Flag] = &[];
