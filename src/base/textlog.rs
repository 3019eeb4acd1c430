//! Text that only grows, written by one owner and read by many: a turn's answer, and the clients it has
//! not reached yet. A reader that lags holds a range, not a copy.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// A shared handle; clones see the same text. Stays on one thread.
#[derive(Clone, Default, Debug)]
pub struct TextLog(Rc<RefCell<String>>);

impl TextLog {
    /// Appends `text` and says where it stands, in bytes.
    pub fn append(&self, text: &str) -> Range<usize> {
        let mut all = self.0.borrow_mut();
        let start = all.len();
        all.push_str(text);
        start..all.len()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands the text of `range` to `read`; a range that is not one of this log reads as empty.
    pub fn with<R>(&self, range: Range<usize>, read: impl FnOnce(&str) -> R) -> R {
        read(self.0.borrow().get(range).unwrap_or_default())
    }

    /// The largest character boundary at or below `at`.
    pub fn floor(&self, at: usize) -> usize {
        self.0.borrow().floor_char_boundary(at)
    }

    /// A copy of all of it.
    pub fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// Whether both handles name the same text.
    pub fn same(&self, other: &TextLog) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::TextLog;

    #[test]
    fn ranges_stay_valid_while_it_grows() {
        let log = TextLog::default();
        let first = log.append("né");
        let second = log.append("e");
        log.append(&"x".repeat(10_000));
        assert_eq!(log.with(first, str::to_owned), "né");
        assert_eq!(log.with(second, str::to_owned), "e");
        assert_eq!(log.with(2..3, str::to_owned), "", "inside a character");
        assert_eq!(log.floor(2), 1);
    }

    #[test]
    fn clones_are_the_same_log() {
        let log = TextLog::default();
        let other = log.clone();
        other.append("a");
        assert!(log.same(&other) && log.len() == 1);
        assert!(!log.same(&TextLog::default()));
    }
}
