//! Words into lines. Looks end with a line and begin anew on the next, so that what stands in front of a line
//! has none of them.

use super::clean::is_hidden;
use super::style::{CYAN, PLAIN, Style};
use super::width;

/// Text of one look. A line feed in it is a break, a tab a blank.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Piece {
    /// The letters of `text`; `None` if there are none.
    pub(super) fn new(text: &str, style: Style) -> Option<Self> {
        let text: String = text.chars().filter(|c| !is_hidden(*c)).collect();
        (!text.is_empty()).then_some(Self { text, style })
    }
}

/// A line with its looks.
#[derive(Default, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// Columns that it takes.
    pub(super) width: usize,
}

/// Breaks text between words so that no line is wider than `width`, which counts as at least 2; words that are
/// wider themselves are cut. No text has no line.
pub(super) fn wrap(pieces: &[Piece], width: usize) -> Vec<Line> {
    let mut flow = Flow { width: width.max(2), ..Flow::default() };
    for piece in pieces {
        for c in piece.text.chars() {
            match c {
                '\n' => {
                    flow.end_word();
                    flow.end_line();
                }
                ' ' | '\t' => flow.blank(piece.style),
                c => flow.letter(c, piece.style),
            }
        }
    }
    flow.end_word();
    if !flow.line.text.is_empty() {
        flow.end_line();
    }
    flow.lines
}

#[derive(Default)]
struct Flow {
    width: usize,
    lines: Vec<Line>,
    line: Line,
    /// The look at the end of the line.
    style: Style,
    /// Blanks in front of the word, and their look.
    blanks: usize,
    blank_style: Style,
    word: Vec<(char, Style)>,
    word_width: usize,
}

impl Flow {
    fn letter(&mut self, c: char, style: Style) {
        self.word.push((c, style));
        self.word_width += width::of(c);
    }

    fn blank(&mut self, style: Style) {
        self.end_word();
        // Blanks of code mean something; others only keep words apart.
        self.blanks = if style.has(CYAN) { self.blanks + 1 } else { self.blanks.max(1) };
        self.blank_style = style;
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let blanks = std::mem::take(&mut self.blanks);
        if self.line.width > 0 {
            if self.line.width + blanks + self.word_width > self.width {
                self.end_line();
            } else {
                for _ in 0..blanks {
                    self.put(' ', self.blank_style);
                }
            }
        }
        for (c, style) in std::mem::take(&mut self.word) {
            if self.line.width > 0 && self.line.width + width::of(c) > self.width {
                self.end_line();
            }
            self.put(c, style);
        }
        self.word_width = 0;
    }

    fn put(&mut self, c: char, style: Style) {
        self.style.turn(style, &mut self.line.text);
        self.style = style;
        self.line.text.push(c);
        self.line.width += width::of(c);
    }

    fn end_line(&mut self) {
        self.style.turn(PLAIN, &mut self.line.text);
        self.style = PLAIN;
        self.blanks = 0;
        self.lines.push(std::mem::take(&mut self.line));
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::BOLD;
    use super::*;

    fn lines(pieces: &[(&str, Style)], width: usize) -> Vec<String> {
        let pieces: Vec<Piece> = pieces.iter().filter_map(|(text, style)| Piece::new(text, *style)).collect();
        wrap(&pieces, width).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_break_between_words_and_long_words_are_cut() {
        assert_eq!(lines(&[("one two  three", PLAIN)], 7), ["one two", "three"]);
        assert_eq!(lines(&[("a abcdefgh", PLAIN)], 4), ["a", "abcd", "efgh"]);
        assert_eq!(lines(&[("漢字漢 a", PLAIN)], 4), ["漢字", "漢 a"]);
        assert_eq!(lines(&[("a\n\nb", PLAIN)], 9), ["a", "", "b"]);
        assert_eq!(lines(&[(" ", PLAIN)], 9), [""; 0]);
    }

    #[test]
    fn a_look_ends_with_its_line() {
        assert_eq!(
            lines(&[("a", PLAIN), ("b cd", BOLD), ("e", PLAIN)], 3),
            ["a\u{1b}[1mb\u{1b}[0m", "\u{1b}[1mcd\u{1b}[0me"]
        );
        assert_eq!(lines(&[("a  b", CYAN)], 9), ["\u{1b}[36ma  b\u{1b}[0m"]);
    }

    #[test]
    fn what_acts_on_a_terminal_is_no_letter() {
        assert_eq!(lines(&[("a\u{1b}b\u{7f}\u{9b}", PLAIN)], 9), ["ab"]);
        assert!(Piece::new("\u{1b}", PLAIN).is_none());
    }
}
