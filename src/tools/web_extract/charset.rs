//! The bytes of a page as text. Knows UTF-8, UTF-16 and Windows-1252, which together nearly all pages use; of
//! others the characters of ASCII come out right. Pure.

/// Bytes of a page in which it may name its character set (HTML, 4.2.5.4).
const HEAD_BYTES: usize = 1_024;

/// The characters 80 to 9F of Windows-1252 (WHATWG Encoding).
const HIGH: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// The text; `declared` is what the server says.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let name = declared.map(str::to_owned).or_else(|| named_inside(bytes)).unwrap_or_default();
    match name.trim().trim_matches(['"', '\'']).to_ascii_lowercase().as_str() {
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" => {
            bytes.iter().map(|byte| latin(*byte)).collect()
        }
        "utf-16" | "utf-16le" => utf16(bytes, u16::from_le_bytes),
        "utf-16be" => utf16(bytes, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The character of Windows-1252.
pub(super) fn latin(byte: u8) -> char {
    let high = byte.checked_sub(0x80).and_then(|at| HIGH.get(usize::from(at)));
    high.copied().unwrap_or(char::from(byte))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// What follows `charset=` in the head of a page.
fn named_inside(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD_BYTES).unwrap_or(bytes)).to_ascii_lowercase();
    let (_, rest) = head.split_once("charset=")?;
    let rest = rest.trim_start_matches(['"', '\'', ' ']);
    let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))).next()?;
    // What was read so far would not be readable in it.
    (!name.starts_with("utf-16")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_decoded_as_they_say() {
        assert_eq!(decode("ä€".as_bytes(), None), "ä€");
        assert_eq!(decode(b"\xef\xbb\xbfa\xff", Some("utf-8")), "a\u{fffd}");
        assert_eq!(decode(b"\xe4\x80\x93", Some("ISO-8859-1")), "ä€“");
        assert_eq!(decode(b"<meta charset=\"windows-1252\">\xe4", None), "<meta charset=\"windows-1252\">ä");
        assert_eq!(decode(b"\xff\xfea\0\xac\x20", None), "a€");
        assert_eq!(decode(b"\0a\xd8\0x", Some("utf-16be")), "a\u{fffd}");
        assert_eq!(decode(b"abc", Some("klingon")), "abc");
    }
}
