//! Flags of `record` and `replay`.

use super::Flag;

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct WirelogArgs {}

pub(super) const FLAGS: &[Flag] = &[];
