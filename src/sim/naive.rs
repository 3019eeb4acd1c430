//! Habits that others paid for, so that the traps can be shown to catch them.

/// A habit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Naive {
    /// A connection whose client sends no more is kept.
    ZombiesStay,
}
