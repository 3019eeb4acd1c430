//! The names of a root's files, laid out to be searched: one text for all paths, and for each file what a search
//! asks first. Knows no file.

use super::MAX_FILES;

/// Bytes of all paths of a root; offsets are 32 bits wide.
const TEXT_MAX: usize = 64 << 20;

/// Paths relative to their root, with `/` between parts.
#[derive(Clone, Default, Debug)]
pub(in crate::probe) struct Index {
    paths: String,
    /// The base names in lower case.
    lower: String,
    files: Vec<File>,
}

/// Where the parts of one path are.
#[derive(Clone, Copy, Debug)]
struct File {
    end: u32,
    /// Where its base name begins.
    base: u32,
    lower_end: u32,
    letters: Letters,
}

/// One file, as a search sees it.
#[derive(Clone, Copy, Debug)]
pub(in crate::probe) struct Found<'a> {
    /// The path.
    pub(in crate::probe) path: &'a str,
    /// What follows its last `/`.
    pub(in crate::probe) base: &'a str,
    /// The same in lower case.
    pub(in crate::probe) lower: &'a str,
}

/// Which letters occur in a name, so that most names are passed over without a look at them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::probe) struct Letters(u64);

impl Letters {
    /// Those of a text in lower case.
    pub(in crate::probe) fn of(text: &str) -> Self {
        let bit = |letter: char| match letter {
            'a'..='z' => u32::from(letter) - u32::from('a'),
            '0'..='9' => 26 + u32::from(letter) - u32::from('0'),
            // Others share what is left.
            other => 36 + u32::from(other) % 28,
        };
        Self(text.chars().fold(0, |all, letter| all | 1 << bit(letter)))
    }

    /// Whether all of these occur there too.
    fn are_in(self, other: Self) -> bool {
        self.0 & other.0 == self.0
    }
}

impl Index {
    /// Adds a path; false when there is no room for more.
    pub(super) fn push(&mut self, path: &str) -> bool {
        if self.files.len() >= MAX_FILES || self.paths.len() + path.len() > TEXT_MAX {
            return false;
        }
        let base = path.rfind('/').map_or(0, |slash| slash + 1);
        let name = path.get(base..).unwrap_or_default();
        let from = self.lower.len();
        if name.is_ascii() {
            self.lower.extend(name.chars().map(|letter| letter.to_ascii_lowercase()));
        } else {
            self.lower.push_str(&name.to_lowercase());
        }
        let letters = Letters::of(self.lower.get(from..).unwrap_or_default());
        let base = self.paths.len() + base;
        self.paths.push_str(path);
        // Lower case is at most three times as long, so that this fits.
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        self.files.push(File {
            end: at(self.paths.len()),
            base: at(base),
            lower_end: at(self.lower.len()),
            letters,
        });
        true
    }

    /// How many there are.
    pub(in crate::probe) fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Those whose base names have all of these letters, in the order in which they were added.
    pub(in crate::probe) fn with(&self, letters: Letters) -> impl Iterator<Item = Found<'_>> {
        let (mut start, mut lower_start) = (0, 0);
        self.files.iter().filter_map(move |file| {
            let (from, lower_from) = (start, lower_start);
            (start, lower_start) = (file.end as usize, file.lower_end as usize);
            if !letters.are_in(file.letters) {
                return None;
            }
            Some(Found {
                path: self.paths.get(from..start)?,
                base: self.paths.get(file.base as usize..start)?,
                lower: self.lower.get(lower_from..lower_start)?,
            })
        })
    }

    /// All paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.with(Letters(0)).map(|file| file.path)
    }
}

impl<'a> FromIterator<&'a str> for Index {
    fn from_iter<I: IntoIterator<Item = &'a str>>(paths: I) -> Self {
        let mut index = Self::default();
        for path in paths {
            index.push(path);
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_letters() {
        let index: Index = ["src/FooBar.rs", "É/é", "a", ""].into_iter().collect();
        let bases =
            |query: &str| -> Vec<&str> { index.with(Letters::of(query)).map(|file| file.base).collect() };
        assert_eq!(bases("fb"), ["FooBar.rs"]);
        assert_eq!(bases("a"), ["FooBar.rs", "a"]);
        assert_eq!(bases("é"), ["é"]);
        assert_eq!(bases(""), ["FooBar.rs", "é", "a", ""]);
        let file = index.with(Letters::of("foobar")).next().unwrap();
        assert_eq!((file.path, file.lower), ("src/FooBar.rs", "foobar.rs"));
        assert_eq!(index.paths().collect::<Vec<_>>(), ["src/FooBar.rs", "É/é", "a", ""]);
    }
}
