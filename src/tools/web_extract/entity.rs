//! Character references of HTML: `&amp;`, `&#228;`, `&#xE4;`. Owns the names that occur in texts; a name it
//! does not know stays as it is. Pure.

use std::borrow::Cow;

use super::charset;

/// Longest reference, in bytes, from `&` to `;`.
const LENGTH_MAX: usize = 16;

/// The names, in order.
const NAMES: &[(&str, char)] = &[
    ("AElig", 'Æ'),
    ("Aacute", 'Á'),
    ("Agrave", 'À'),
    ("Aring", 'Å'),
    ("Auml", 'Ä'),
    ("Ccedil", 'Ç'),
    ("Eacute", 'É'),
    ("Egrave", 'È'),
    ("Ntilde", 'Ñ'),
    ("Oslash", 'Ø'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("aelig", 'æ'),
    ("agrave", 'à'),
    ("amp", '&'),
    ("apos", '\''),
    ("aring", 'å'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("ccedil", 'ç'),
    ("cent", '¢'),
    ("check", '✓'),
    ("copy", '©'),
    ("deg", '°'),
    ("divide", '÷'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("egrave", 'è'),
    ("emsp", '\u{2003}'),
    ("ensp", '\u{2002}'),
    ("euml", 'ë'),
    ("euro", '€'),
    ("frac12", '½'),
    ("ge", '≥'),
    ("gt", '>'),
    ("hellip", '…'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iexcl", '¡'),
    ("infin", '∞'),
    ("iquest", '¿'),
    ("iuml", 'ï'),
    ("laquo", '«'),
    ("larr", '←'),
    ("ldquo", '“'),
    ("le", '≤'),
    ("lsaquo", '‹'),
    ("lsquo", '‘'),
    ("lt", '<'),
    ("mdash", '—'),
    ("micro", 'µ'),
    ("middot", '·'),
    ("minus", '−'),
    ("nbsp", '\u{a0}'),
    ("ndash", '–'),
    ("ne", '≠'),
    ("ntilde", 'ñ'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("oelig", 'œ'),
    ("oslash", 'ø'),
    ("ouml", 'ö'),
    ("para", '¶'),
    ("plusmn", '±'),
    ("pound", '£'),
    ("quot", '"'),
    ("raquo", '»'),
    ("rarr", '→'),
    ("rdquo", '”'),
    ("reg", '®'),
    ("rsaquo", '›'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("sect", '§'),
    ("shy", '\u{ad}'),
    ("szlig", 'ß'),
    ("thinsp", '\u{2009}'),
    ("times", '×'),
    ("trade", '™'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("ugrave", 'ù'),
    ("uuml", 'ü'),
    ("yen", '¥'),
    ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
];

/// The text with its references read once.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let (plain, mut rest) = text.split_at(first);
    out.push_str(plain);
    // `rest` begins with `&`.
    while !rest.is_empty() {
        let length = match reference(rest) {
            Some((character, length)) => {
                out.push(character);
                length
            }
            None => {
                out.push('&');
                1
            }
        };
        let behind = &rest[length..];
        let (plain, next) = behind.split_at(behind.find('&').unwrap_or(behind.len()));
        out.push_str(plain);
        rest = next;
    }
    Cow::Owned(out)
}

/// The character of the reference at the start of a text, and the bytes it takes.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(LENGTH_MAX).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => NAMES.binary_search_by_key(&name, |(name, _)| *name).ok().map(|at| NAMES[at].1)?,
    };
    Some((character, end + 1))
}

/// By its number. What is no character, or nothing to show, is the sign for that.
fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    Some(match code {
        // Numbers of Windows-1252, which browsers read so.
        0x80..=0x9f => u8::try_from(code).map_or(char::REPLACEMENT_CHARACTER, charset::latin),
        0x09 | 0x0a => char::from_u32(code).unwrap_or(' '),
        0..=0x1f | 0x7f => char::REPLACEMENT_CHARACTER,
        _ => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_in_order() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn references_are_read_once() {
        for (text, want) in [
            ("plain", "plain"),
            ("a &lt; b &amp;&amp; c", "a < b && c"),
            ("&amp;lt;", "&lt;"),
            ("&#228;&#xE4;&#XE4;&auml;", "ääää"),
            ("&#128;&#x96;", "€–"),
            ("&#0;&#xD800;&#99999999;&#x1b;", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            ("&&;&#;&#x;&#-1;&unknown;&amp", "&&;&#;&#x;&#-1;&unknown;&amp"),
            ("é&é;&", "é&é;&"),
        ] {
            assert_eq!(decode(text), want, "{text}");
        }
    }
}
