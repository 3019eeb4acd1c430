//! Flags of `sim`.

use super::Flag;

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct SimArgs {}

pub(super) const FLAGS: &[Flag] = &[];
