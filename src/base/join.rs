//! Things that become one when they follow each other.

/// What can grow.
pub trait Join: Sized {
    /// What it takes of a budget, at least one.
    fn weight(&self) -> usize;

    /// Adds `next` to this.
    ///
    /// # Errors
    /// Gives it back if the two are not to become one.
    fn join(&mut self, next: Self) -> Result<(), Self>;
}
