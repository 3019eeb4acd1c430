//! What of a text may reach a terminal. Knows escape sequences by their form only (ECMA-48, 5.3 to 5.6).

use std::iter::Peekable;
use std::str::Chars;

/// Characters of a string (a title, a link) that are looked through for its end. One without an end keeps
/// its text and loses its beginning, or a reader would see nothing of what follows.
const STRING_MAX: usize = 256;

/// `text` without escape sequences and control characters. Line feeds and tabs stay; a carriage return
/// becomes a line feed.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            c if is_hidden(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Whether a terminal must not be sent this: it acts instead of being seen, or turns what is around it.
pub(super) fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

/// Skips what follows an escape character.
fn skip_escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        _ => {
            while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            chars.next_if(|c| matches!(c, '0'..='~'));
        }
    }
}

/// Skips parameters and the final byte of a control sequence.
fn skip_control(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

/// Skips a string with its end, if that is near.
fn skip_string(chars: &mut Peekable<Chars<'_>>) {
    let mut ahead = chars.clone();
    for _ in 0..STRING_MAX {
        match ahead.next() {
            None | Some('\n') => return,
            Some('\u{7}' | '\u{9c}') => {
                *chars = ahead;
                return;
            }
            Some('\u{1b}') => {
                ahead.next_if_eq(&'\\');
                *chars = ahead;
                return;
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_removed_whole() {
        for (text, want) in [
            ("a\u{1b}[2Jb\u{1b}[1;31mc", "abc"),
            ("a\u{9b}2Jb", "ab"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]8;;http://x\u{1b}\\b", "ab"),
            ("a\u{1b}(Bb\u{1b}cd", "abd"),
            ("a\u{1b}", "a"),
            ("a\u{1b}[12", "a"),
            ("a\u{8}\u{7}\u{0}b\r\nc\rd\te", "ab\nc\nd\te"),
            ("\u{202e}abc\u{2066}", "abc"),
            ("é 🦀", "é 🦀"),
        ] {
            assert_eq!(clean(text), want, "{text:?}");
        }
    }

    #[test]
    fn a_string_without_an_end_hides_nothing() {
        let long = "x".repeat(STRING_MAX + 1);
        assert_eq!(clean(&format!("\u{1b}]{long}\u{7}")), long);
        assert_eq!(clean("\u{1b}]0;a\nb\u{7}"), "0;a\nb");
    }
}
