//! What a session read of which file: whether it would read the same again, and whether a file it changes is
//! still as it knows it. Pure bookkeeping; touches no file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::super::text_file::Stamp;
use super::page::Page;

/// Most files that are remembered. With more all is forgotten, which costs a repeated read.
const FILES_MAX: usize = 4_096;

/// Most pages of one file that are remembered; with more those of the file are forgotten.
const PAGES_MAX: usize = 256;

/// What was read, and what was searched for.
#[derive(Default, Debug)]
pub(in crate::tools) struct Reads {
    files: HashMap<PathBuf, Seen>,
    last_search: Option<Search>,
}

/// A file as it was when it was read or written.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// The session knows every line up to here, from the first on.
    known: u64,
    /// It knows all of them.
    whole: bool,
    /// First line and number of lines of each page, and how often it was asked for again.
    pages: HashMap<(u64, u64), u32>,
}

/// Whether a page would be the same as before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Again {
    /// It was not read before, or may differ.
    No,
    /// It is asked for the second time.
    Once,
    /// It was refused already.
    More,
}

/// The last search: what was asked, what came back, and how often in a row.
#[derive(Debug)]
struct Search {
    asked: u64,
    found: u64,
    times: u32,
}

impl Reads {
    /// Whether this page of the file would be the same as before; counts that it was asked for.
    pub(super) fn again(&mut self, file: &Path, stamp: Stamp, page: (u64, u64)) -> Again {
        let seen = self.files.get_mut(file).filter(|seen| seen.stamp == stamp);
        let Some(times) = seen.and_then(|seen| seen.pages.get_mut(&page)) else { return Again::No };
        *times = times.saturating_add(1);
        if *times == 1 { Again::Once } else { Again::More }
    }

    /// A page was shown.
    pub(super) fn note(&mut self, file: &Path, stamp: Stamp, asked: (u64, u64), page: &Page) {
        let seen = self.seen(file, stamp);
        if seen.pages.len() >= PAGES_MAX {
            seen.pages.clear();
        }
        seen.pages.insert(asked, 0);
        if page.first <= seen.known.saturating_add(1) {
            seen.known = seen.known.max(page.last);
        }
        seen.whole |= page.total_is_known && seen.known >= page.total;
    }

    /// The session changed the file from `was` to `is`. It knows all of it when it wrote `all` of it, or knew
    /// all of what was there.
    pub(in crate::tools) fn note_written(
        &mut self,
        file: &Path,
        was: Option<Stamp>,
        is: Option<Stamp>,
        all: bool,
    ) {
        let knew = self.files.remove(file).is_some_and(|seen| seen.whole && Some(seen.stamp) == was);
        if let Some(is) = is {
            let seen = self.seen(file, is);
            seen.whole = all || knew;
            // Where lines went is not followed.
            seen.known = 0;
        }
    }

    /// What is to be said before the file, now `stamp`, is changed; with `all` when nothing of it stays.
    pub(in crate::tools) fn warning(&self, file: &Path, stamp: Stamp, all: bool) -> Option<&'static str> {
        match self.files.get(file) {
            None if all && !stamp.is_empty() => {
                Some("The file was there and had not been read. What it held is gone.")
            }
            Some(seen) if seen.stamp != stamp => {
                Some("The file had changed since it was last read. Read it again before you change more.")
            }
            Some(seen) if all && !seen.whole => {
                Some("The file was replaced after only a part of it was read.")
            }
            _ => None,
        }
    }

    /// How often in a row the same was asked (a hash) with the same result (a hash), this time counted.
    pub(in crate::tools) fn count_search(&mut self, asked: u64, found: u64) -> u32 {
        match &mut self.last_search {
            Some(last) if (last.asked, last.found) == (asked, found) => {
                last.times = last.times.saturating_add(1);
                last.times
            }
            other => {
                *other = Some(Search { asked, found, times: 1 });
                1
            }
        }
    }

    /// The model no longer sees what it read, because its context was compressed: everything may be read
    /// again.
    pub(in crate::tools) fn forget_pages(&mut self) {
        self.files.values_mut().for_each(|seen| seen.pages.clear());
        self.last_search = None;
    }

    /// The file's entry; a new one when the file is not as it was.
    fn seen(&mut self, file: &Path, stamp: Stamp) -> &mut Seen {
        if self.files.len() >= FILES_MAX && !self.files.contains_key(file) {
            self.files.clear();
        }
        let fresh = || Seen { stamp, known: 0, whole: false, pages: HashMap::new() };
        let seen = self.files.entry(file.to_owned()).or_insert_with(fresh);
        if seen.stamp != stamp {
            *seen = fresh();
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    fn page(first: u64, last: u64, total: u64) -> Page {
        Page { text: String::new(), first, last, total, total_is_known: true }
    }

    /// Two files of different sizes give two stamps.
    fn stamps(dir: &Scratch) -> [Stamp; 2] {
        ["a", "bb"].map(|text| Stamp::at(&dir.write(text, text)).unwrap())
    }

    #[test]
    fn the_same_page_is_told_once_and_then_refused() {
        let dir = Scratch::new();
        let [old, new] = stamps(&dir);
        let (mut reads, file) = (Reads::default(), Path::new("/f"));
        let mut ask = |stamp, asked| {
            let again = reads.again(file, stamp, asked);
            if again == Again::No {
                reads.note(file, stamp, asked, &page(1, 1, 1));
            }
            again
        };
        let (head, rest) = ((1, 9), (2, 9));
        let asked = [(old, head), (old, head), (old, head), (old, rest), (new, head), (new, head)];
        let said = asked.map(|(stamp, asked)| ask(stamp, asked));
        assert_eq!(said, [Again::No, Again::Once, Again::More, Again::No, Again::No, Again::Once]);
        reads.forget_pages();
        assert_eq!(reads.again(file, new, (1, 9)), Again::No);
    }

    #[test]
    fn a_file_that_is_not_known_is_warned_about() {
        let dir = Scratch::new();
        let [old, new] = stamps(&dir);
        let (mut reads, file) = (Reads::default(), Path::new("/f"));
        assert!(reads.warning(file, old, true).is_some() && reads.warning(file, old, false).is_none());
        reads.note(file, old, (1, 2), &page(1, 2, 4));
        assert!(reads.warning(file, old, true).is_some_and(|warning| warning.contains("part")));
        reads.note(file, old, (3, 2), &page(3, 4, 4));
        assert_eq!(reads.warning(file, old, true), None);
        assert!(reads.warning(file, new, false).is_some_and(|warning| warning.contains("changed")));
        reads.note_written(file, Some(old), Some(new), false);
        assert_eq!(reads.warning(file, new, true), None, "it knew the file and what it changed");
        reads.note_written(file, Some(old), Some(new), false);
        assert!(reads.warning(file, new, true).is_some(), "it had changed");
        reads.note_written(file, Some(new), None, false);
        assert!(reads.warning(file, new, true).is_some());
    }

    #[test]
    fn the_number_of_files_has_an_end() {
        let dir = Scratch::new();
        let [stamp, _] = stamps(&dir);
        let mut reads = Reads::default();
        for number in 0..=FILES_MAX {
            reads.note_written(Path::new(&format!("/{number}")), None, Some(stamp), true);
        }
        assert_eq!(reads.files.len(), 1);
    }

    #[test]
    fn equal_searches_are_counted_in_a_row() {
        let mut reads = Reads::default();
        let asked = [(1, 1), (1, 1), (1, 1), (1, 2), (1, 2), (2, 2), (1, 2)];
        assert_eq!(asked.map(|(asked, found)| reads.count_search(asked, found)), [1, 2, 3, 1, 2, 1, 1]);
    }
}
