//! A switch that one sets and others read, on any thread. Knows nothing of what it switches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A shared switch, off at first.
#[derive(Clone, Default, Debug)]
pub struct Switch(Arc<AtomicBool>);

impl Switch {
    /// Sets it.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::SeqCst);
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The same switch, not the same state.
impl PartialEq for Switch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Switch {}

#[cfg(test)]
mod tests {
    use super::Switch;

    #[test]
    fn copies_are_one_switch() {
        let switch = Switch::default();
        let other = switch.clone();
        switch.set(true);
        assert!(other.is_on() && other == switch && other != Switch::default());
    }
}
