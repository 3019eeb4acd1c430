//! The escapes of `$'…'`, as bash has them. Knows nothing of words.

/// Most characters of a number, by the letter before it.
const OCTAL_MAX: usize = 3;
const HEX_MAX: usize = 2;
const UNICODE_MAX: usize = 4;
const LONG_UNICODE_MAX: usize = 8;

/// What the characters after a backslash stand for, and how many they are; nothing for a NUL. `None` when the
/// text ends, a number is no character, or the meaning is not worth knowing.
pub(super) fn decode(after: &[char]) -> Option<(Option<char>, usize)> {
    let (&first, rest) = after.split_first()?;
    let simple = |c| Some((Some(c), 1));
    match first {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'e' | 'E' => simple('\u{1b}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' | '\'' | '"' | '?' => simple(first),
        '0'..='7' => {
            let (value, length) = number(after, 8, OCTAL_MAX);
            character(value & 0xff, length)
        }
        'x' => numbered(rest, HEX_MAX),
        'u' => numbered(rest, UNICODE_MAX),
        'U' => numbered(rest, LONG_UNICODE_MAX),
        // A control character. Where a quote after it ends is a question that nobody has to ask.
        'c' => None,
        // Anything else keeps its backslash, so it is taken for the text it is.
        _ => Some((Some('\\'), 0)),
    }
}

/// A number after its letter; without digits the backslash is just that.
fn numbered(rest: &[char], most: usize) -> Option<(Option<char>, usize)> {
    let (value, length) = number(rest, 16, most);
    if length == 0 { Some((Some('\\'), 0)) } else { character(value, length + 1) }
}

/// The digits at the start, at most `most` of them.
fn number(letters: &[char], radix: u32, most: usize) -> (u32, usize) {
    let digits = letters.iter().take(most).map_while(|c| c.to_digit(radix));
    digits.fold((0, 0), |(value, length), digit| (value * radix + digit, length + 1))
}

/// Bytes above 0x7f are taken for characters: no command has them in its name.
fn character(value: u32, length: usize) -> Option<(Option<char>, usize)> {
    let c = char::from_u32(value)?;
    Some((Some(c).filter(|c| *c != '\0'), length))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_are_read_as_bash_reads_them() {
        for (text, expected) in [
            ("n", Some((Some('\n'), 1))),
            ("x72m", Some((Some('r'), 3))),
            ("x7g", Some((Some('\u{7}'), 2))),
            ("155", Some((Some('m'), 3))),
            ("1555", Some((Some('m'), 3))),
            ("u0072", Some((Some('r'), 5))),
            ("U00000072m", Some((Some('r'), 9))),
            ("0", Some((None, 1))),
            ("xyz", Some((Some('\\'), 0))),
            ("q", Some((Some('\\'), 0))),
            ("UFFFFFFFF", None),
            ("ud800", None),
            ("cA", None),
            ("", None),
        ] {
            let letters: Vec<char> = text.chars().collect();
            assert_eq!(decode(&letters), expected, "{text}");
        }
    }
}
