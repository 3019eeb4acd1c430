//! Flags of `fake-model`.

use super::Flag;

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct FakeModelArgs {}

pub(super) const FLAGS: &[Flag] = &[];
