//! How letters look, and the sequences that say so (ECMA-48, 8.3.117: select graphic rendition).

/// A set of looks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Style(u8);

pub(super) const PLAIN: Style = Style(0);
pub(super) const BOLD: Style = Style(1);
pub(super) const DIM: Style = Style(2);
pub(super) const ITALIC: Style = Style(4);
pub(super) const UNDERLINE: Style = Style(8);
pub(super) const STRUCK: Style = Style(16);
pub(super) const RED: Style = Style(32);
pub(super) const GREEN: Style = Style(64);
/// Code, and the places in a diff.
pub(super) const CYAN: Style = Style(128);

const CODES: [(Style, &str); 8] = [
    (BOLD, "1"),
    (DIM, "2"),
    (ITALIC, "3"),
    (UNDERLINE, "4"),
    (STRUCK, "9"),
    (RED, "31"),
    (GREEN, "32"),
    (CYAN, "36"),
];

impl Style {
    /// Both.
    pub(super) fn and(self, other: Style) -> Style {
        Style(self.0 | other.0)
    }

    pub(super) fn has(self, other: Style) -> bool {
        self.0 & other.0 == other.0
    }

    /// Turns from this look to `next`.
    pub(super) fn turn(self, next: Style, out: &mut String) {
        if self == next {
            return;
        }
        if self != PLAIN {
            out.push_str("\u{1b}[0m");
        }
        if next == PLAIN {
            return;
        }
        let mut before = "\u{1b}[";
        for (_, code) in CODES.iter().filter(|(style, _)| next.has(*style)) {
            out.push_str(before);
            out.push_str(code);
            before = ";";
        }
        out.push('m');
    }

    /// Appends `text` in this look, and ends it.
    pub(super) fn paint(self, text: &str, out: &mut String) {
        PLAIN.turn(self, out);
        out.push_str(text);
        self.turn(PLAIN, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_one_sequence_and_ends() {
        let mut out = String::new();
        BOLD.and(CYAN).paint("a", &mut out);
        PLAIN.paint("b", &mut out);
        assert_eq!(out, "\u{1b}[1;36ma\u{1b}[0mb");
    }
}
