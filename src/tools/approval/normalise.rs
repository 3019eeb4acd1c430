//! The forms in which a command is looked at: as it is, and without what hides letters from a reader. Neither
//! replaces the other, because what looks like an escape sequence may be text to a shell. Quotes, escapes and
//! continued lines are [`super::words`]'s.

use std::iter::Peekable;
use std::str::Chars;

/// The command, and its plain form where that differs.
pub(super) fn forms(command: &str) -> Vec<String> {
    let plain = plain(command);
    if plain == command { vec![plain] } else { vec![command.to_owned(), plain] }
}

/// Without terminal escapes, control characters and characters of no width, and with the letters that look
/// like ASCII as ASCII. Not all of Unicode's compatibility form, but what passes for a name of a command.
fn plain(command: &str) -> String {
    let mut plain = String::with_capacity(command.len());
    let mut letters = command.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '\u{1b}' => skip_escape(&mut letters),
            '\r' => plain.push(' '),
            '\n' | '\t' => plain.push(c),
            _ if c.is_control() || has_no_width(c) => {}
            _ => plain.push(compatible(c)),
        }
    }
    plain
}

/// What follows an ESC: a control sequence, a string up to its end, or one character.
fn skip_escape(letters: &mut Peekable<Chars<'_>>) {
    match letters.next() {
        // ECMA-48: parameters are below `@`, and so is nothing that ends a sequence.
        Some('[') => {
            while letters.next_if(|c| (' '..='?').contains(c)).is_some() {}
            letters.next_if(|c| ('@'..='~').contains(c));
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while letters.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n')).is_some() {}
            letters.next_if_eq(&'\u{7}');
        }
        _ => {}
    }
}

/// Spaces without width, joiners, marks of direction, variation selectors.
fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The ASCII character of the same compatibility form, or the character itself.
fn compatible(c: char) -> char {
    let code = u32::from(c);
    let nth_letter = |nth: u32| match nth {
        0..=25 => u32::from('A') + nth,
        _ => u32::from('a') + nth - 26,
    };
    let ascii = match code {
        // Full width.
        0xff01..=0xff5e => code - 0xff01 + 0x21,
        // Blanks of several widths.
        0xa0 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => 0x20,
        // In circles.
        0x24b6..=0x24e9 => nth_letter(code - 0x24b6),
        // Mathematical alphabets of 52 letters each, and digits.
        0x1d400..=0x1d6a3 => nth_letter((code - 0x1d400) % 52),
        0x1d7ce..=0x1d7ff => u32::from('0') + (code - 0x1d7ce) % 10,
        _ => code,
    };
    char::from_u32(ascii).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_taken_off() {
        for (command, expected) in [
            ("ｒｍ　－ｒｆ　／", "rm -rf /"),
            ("𝐫𝐦 \u{1d68a}", "rm a"),
            ("ⓡⓜ", "rm"),
            ("r\u{200b}m\0 x", "rm x"),
            ("\u{1b}[31mrm\u{1b}[0m x", "rm x"),
            ("\u{1b}]0;title\u{7}rm x", "rm x"),
            ("rm\u{a0}x\r\n", "rm x \n"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(plain(command), expected, "{command:?}");
        }
    }

    #[test]
    fn the_form_as_it_is_stays_beside_the_plain_one() {
        assert_eq!(forms("ls"), ["ls"]);
        assert_eq!(forms("\u{1b}[;rm x"), ["\u{1b}[;rm x", "m x"]);
    }
}
