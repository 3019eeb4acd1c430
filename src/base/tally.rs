//! Counts by kind, in fixed memory: how often each of a closed set of things happened.
//!
//! Owns the numbers and the words for the kinds. Must not know what is counted.

use std::fmt;
use std::marker::PhantomData;

/// Most kinds one tally tells apart.
pub const KINDS_MAX: usize = 12;

/// A closed set of kinds; made by [`kinds!`](crate::base::tally::kinds).
pub trait Kind: Copy + 'static {
    /// The kinds' words, in the order of listings: lower case, joined by `_`.
    const LABELS: &'static [&'static str];

    /// The place of the kind's word in [`Kind::LABELS`].
    fn index(self) -> usize;
}

/// Declares an enum of kinds, each with its word in listings.
macro_rules! kinds {
    ($(#[$of:meta])* $vis:vis enum $name:ident { $($(#[$one:meta])* $kind:ident = $label:literal,)+ }) => {
        $(#[$of])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        $vis enum $name { $($(#[$one])* $kind,)+ }

        impl $crate::base::tally::Kind for $name {
            const LABELS: &'static [&'static str] = &[$($label),+];

            fn index(self) -> usize {
                self as usize
            }
        }

        const _: () = {
            use $crate::base::tally::{KINDS_MAX, Kind};
            assert!(<$name as Kind>::LABELS.len() <= KINDS_MAX);
        };
    };
}
pub(crate) use kinds;

/// A count for each kind.
#[derive(Clone, Copy)]
pub struct Tally<K> {
    counts: [u64; KINDS_MAX],
    kinds: PhantomData<K>,
}

impl<K: Kind> Tally<K> {
    /// One more of this kind.
    pub fn add(&mut self, kind: K) {
        self.counts[kind.index()] += 1;
    }

    /// How often this kind was counted.
    pub fn of(&self, kind: K) -> u64 {
        self.counts[kind.index()]
    }

    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The count of each kind, in the order of [`Kind::LABELS`].
    pub fn counts(&self) -> &[u64] {
        &self.counts[..K::LABELS.len()]
    }
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self { counts: [0; KINDS_MAX], kinds: PhantomData }
    }
}

impl<K: Kind> fmt::Debug for Tally<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(K::LABELS.iter().zip(self.counts())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Tally};

    kinds! {
        /// What a test counts.
        enum Fruit {
            /// One.
            Apple = "apple",
            /// Another.
            Fig = "fig",
        }
    }

    #[test]
    fn every_kind_has_its_own_count() {
        let mut tally = Tally::default();
        for fruit in [Fruit::Fig, Fruit::Apple, Fruit::Fig] {
            tally.add(fruit);
        }
        assert_eq!((tally.of(Fruit::Apple), tally.of(Fruit::Fig), tally.total()), (1, 2, 3));
        assert_eq!((Fruit::LABELS, tally.counts()), (&["apple", "fig"][..], &[1, 2][..]));
        assert_eq!(format!("{tally:?}"), r#"{"apple": 1, "fig": 2}"#);
    }

    #[test]
    fn kinds_that_never_came_are_listed_too() {
        assert_eq!(Tally::<Fruit>::default().counts(), [0, 0]);
    }
}
