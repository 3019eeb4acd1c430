//! Lines below each other, each with what stands in front of it: bars of quotes, markers of lists, indents.

use super::RENDERED_BYTES_MAX;
use super::style::DIM;

/// Quotes and lists within each other that are indented. What is deeper stands where the last of these does,
/// so that the work for a line has a bound.
pub(super) const DEPTH_MAX: usize = 8;

/// Columns of text at least, however deep it stands.
const WIDTH_MIN: usize = 20;

/// In front of each line of a quote, with a blank.
const BAR: &str = "│";
const BAR_WIDTH: usize = 2;

/// What lines stand in.
pub(super) enum Within {
    Quote,
    Item {
        /// Not written yet.
        marker: Option<String>,
        /// Columns of the marker.
        indent: usize,
    },
}

pub(super) struct Paper {
    pub(super) out: String,
    cols: usize,
    /// Quotes and items around the next line, outermost first.
    pub(super) within: Vec<Within>,
    /// Whether an empty line stands in front of the next.
    pub(super) apart: bool,
}

impl Paper {
    pub(super) fn new(cols: usize) -> Self {
        Self { out: String::new(), cols, within: Vec::new(), apart: false }
    }

    /// Columns for text, beside what stands in front of it.
    pub(super) fn room(&self) -> usize {
        let taken = self.within.iter().take(DEPTH_MAX).map(|around| match around {
            Within::Quote => BAR_WIDTH,
            Within::Item { indent, .. } => *indent,
        });
        self.cols.saturating_sub(taken.sum()).max(WIDTH_MIN)
    }

    /// Writes a line. What is too much is not written: it is not going to be read.
    pub(super) fn line(&mut self, text: &str) {
        if self.out.len() > RENDERED_BYTES_MAX {
            return;
        }
        self.stand_apart();
        let front = self.front(true);
        self.out.push_str(if text.is_empty() { front.trim_end() } else { &front });
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Writes the empty line in front of a block, if there is to be one. Markers wait for text.
    pub(super) fn stand_apart(&mut self) {
        if std::mem::take(&mut self.apart) && !self.out.is_empty() {
            let front = self.front(false);
            self.out.push_str(front.trim_end());
            self.out.push('\n');
        }
    }

    fn front(&mut self, with_markers: bool) -> String {
        let mut front = String::new();
        for around in self.within.iter_mut().take(DEPTH_MAX) {
            match around {
                Within::Quote => {
                    DIM.paint(BAR, &mut front);
                    front.push(' ');
                }
                Within::Item { marker, indent } => match marker.take_if(|_| with_markers) {
                    Some(marker) => front.push_str(&marker),
                    None => front.extend(std::iter::repeat_n(' ', *indent)),
                },
            }
        }
        front
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_written_once_and_indents_what_follows() {
        let mut paper = Paper::new(30);
        paper.line("a");
        paper.apart = true;
        paper.within.push(Within::Item { marker: Some("1. ".to_owned()), indent: 3 });
        paper.line("b");
        paper.line("c");
        paper.line("");
        assert_eq!(paper.out, "a\n\n1. b\n   c\n\n");
        assert_eq!(paper.room(), 27);
    }

    #[test]
    fn what_is_deep_still_has_room() {
        let mut paper = Paper::new(20);
        paper.within.extend((0..1_000).map(|_| Within::Quote));
        paper.line("a");
        assert_eq!(paper.room(), WIDTH_MIN);
        assert_eq!(paper.out.matches(BAR).count(), DEPTH_MAX);
    }
}
