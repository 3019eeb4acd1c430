//! A right that exists once: whoever takes it first has it. Knows nothing of what it is for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A right that several hold and one of them takes.
#[derive(Clone, Default, Debug)]
pub struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Takes it; false when it was taken before.
    pub fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether it was taken.
    pub fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The same right, not the same state.
impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Claim;

    #[test]
    fn it_is_taken_once() {
        let claim = Claim::default();
        let other = claim.clone();
        assert!(!claim.is_taken() && other.take());
        assert!(claim.is_taken() && !claim.take());
    }
}
