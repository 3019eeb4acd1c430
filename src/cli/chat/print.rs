//! Pieces on a terminal, or on what stands in its place. Decides line breaks and what a terminal must not
//! receive; decides nothing about the conversation.

use std::borrow::Cow;
use std::io::{self, Write};

use super::question::visible;
use super::view::Piece;

/// SGR "faint", and back.
const DIM: &str = "\u{1b}[2m";
const NORMAL: &str = "\u{1b}[0m";

/// What the cursor of stdout stands behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    LineBreak,
    Answer,
    Reasoning,
}

/// Writes pieces.
pub(super) struct Printer<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    terminal: bool,
    behind: Behind,
}

impl<'a> Printer<'a> {
    /// Answers go to `out`, everything else to `err`. `terminal`: whether `out` is one.
    pub(super) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, terminal: bool) -> Self {
        Self { out, err, terminal, behind: Behind::LineBreak }
    }

    /// Shows a piece at once. A failure of `err` is ignored, one of `out` ends the conversation.
    pub(super) fn show(&mut self, piece: &Piece) -> io::Result<()> {
        match piece {
            Piece::Answer(text) => {
                if self.behind == Behind::Reasoning {
                    self.break_line()?;
                }
                self.write(text, "", "", Behind::Answer)?;
            }
            // Somewhere else than on a terminal, only the answer is wanted.
            Piece::Reasoning(_) if !self.terminal => {}
            Piece::Reasoning(text) => {
                if self.behind == Behind::Answer {
                    self.break_line()?;
                }
                self.write(text, DIM, NORMAL, Behind::Reasoning)?;
            }
            Piece::AnswerEnd => {
                if self.behind != Behind::LineBreak {
                    self.break_line()?;
                }
            }
            Piece::Listing(text) => self.write(text, "", "", Behind::Answer)?,
            Piece::Note(text) => self.prompt(&format!("{}\n", visible(text)))?,
        }
        self.out.flush()
    }

    /// Shows a text on stderr that ends where something is typed. It must be free of control characters.
    pub(super) fn prompt(&mut self, text: &str) -> io::Result<()> {
        // On a terminal both streams share one line.
        if self.terminal && self.behind != Behind::LineBreak {
            self.break_line()?;
            self.out.flush()?;
        }
        let _ = self.err.write_all(text.as_bytes());
        let _ = self.err.flush();
        Ok(())
    }

    fn write(&mut self, text: &str, before: &str, after: &str, behind: Behind) -> io::Result<()> {
        let text = if self.terminal { harmless(text) } else { Cow::Borrowed(text) };
        if text.is_empty() {
            return Ok(());
        }
        write!(self.out, "{before}{text}{after}")?;
        self.behind = if text.ends_with('\n') { Behind::LineBreak } else { behind };
        Ok(())
    }

    fn break_line(&mut self) -> io::Result<()> {
        self.behind = Behind::LineBreak;
        self.out.write_all(b"\n")
    }
}

/// Without control characters: a model's text must not move the cursor or set the window's title.
fn harmless(text: &str) -> Cow<'_, str> {
    let allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(allowed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| allowed(*c)).collect())
}

#[cfg(test)]
mod tests {
    use super::{Piece, Printer};

    fn shown(terminal: bool, pieces: &[Piece]) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut printer = Printer::new(&mut out, &mut err, terminal);
        for piece in pieces {
            printer.show(piece).unwrap();
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn answer(text: &str) -> Piece {
        Piece::Answer(text.to_owned())
    }

    fn turn() -> Vec<Piece> {
        vec![
            Piece::Reasoning("hm".to_owned()),
            answer("a\u{1b}[2J"),
            Piece::Note("[tool\u{7}]".to_owned()),
            answer("b"),
            Piece::AnswerEnd,
        ]
    }

    #[test]
    fn a_pipe_gets_the_answer_and_nothing_else() {
        assert_eq!(shown(false, &turn()), ("a\u{1b}[2Jb\n".to_owned(), "[tool\\u{7}]\n".to_owned()));
    }

    #[test]
    fn a_terminal_gets_lines_and_no_control_characters() {
        let expected = "\u{1b}[2mhm\u{1b}[0m\na[2J\nb\n".to_owned();
        assert_eq!(shown(true, &turn()), (expected, "[tool\\u{7}]\n".to_owned()));
    }

    #[test]
    fn an_answer_ends_with_one_line_break() {
        assert_eq!(shown(false, &[answer("a\n"), Piece::AnswerEnd]).0, "a\n");
        assert_eq!(shown(false, &[answer("a"), Piece::AnswerEnd, Piece::AnswerEnd]).0, "a\n");
    }
}
