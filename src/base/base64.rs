//! Base64 (RFC 4648, section 4): the alphabet with `+` and `/`, padded. Knows no data URLs.

/// Bits of one digit.
const DIGIT_BITS: u32 = 6;

/// The digits, by their value.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The digits that stand for these bytes, padded.
pub fn encode(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| group.get(at).copied().unwrap_or_default();
        let bits = u32::from_be_bytes([0, byte(0), byte(1), byte(2)]);
        for place in 0..4 {
            // One digit more than there are bytes; the rest is padding.
            let shift = DIGIT_BITS * (3 - place);
            let digit = DIGITS[(bits >> shift) as usize % DIGITS.len()];
            digits.push(if place as usize <= group.len() { char::from(digit) } else { '=' });
        }
    }
    digits
}

/// The bytes that these digits stand for; `None` for anything but whole groups of four, of which the last may
/// end in one or two `=`. White space is for the caller to take out. Bits that no byte needs are not looked
/// at, as in the original.
pub fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    let (groups, []) = digits.as_chunks::<4>() else { return None };
    let Some((last, whole)) = groups.split_last() else { return Some(Vec::new()) };
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for group in whole {
        bytes.extend(three(*group)?);
    }
    let kept = match last {
        [_, _, b'=', b'='] => 1,
        [_, _, _, b'='] => 2,
        _ => 3,
    };
    // A padding digit counts as zero; its bytes are not kept.
    let mut last = *last;
    last.iter_mut().skip(kept + 1).for_each(|digit| *digit = b'A');
    bytes.extend(three(last)?.into_iter().take(kept));
    Some(bytes)
}

/// Three bytes of four digits.
fn three(group: [u8; 4]) -> Option<[u8; 3]> {
    let mut bits: u32 = 0;
    for digit in group {
        bits = bits << DIGIT_BITS | value(digit)?;
    }
    let [_, bytes @ ..] = bits.to_be_bytes();
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn encodes_the_examples_of_the_rfc() {
        for (bytes, digits) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), digits);
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        for length in [0, 1, 2, 3, 254, 255, 256] {
            assert_eq!(decode(encode(&bytes[..length]).as_bytes()).as_deref(), Some(&bytes[..length]));
        }
    }

    #[test]
    fn decodes_what_is_padded_right_and_nothing_else() {
        let cases: &[(&str, Option<&[u8]>)] = &[
            ("", Some(b"")),
            ("Zg==", Some(b"f")),
            ("Zm8=", Some(b"fo")),
            ("Zm9v", Some(b"foo")),
            ("Zm9vYmE=", Some(b"fooba")),
            ("Zm9vYmFy", Some(b"foobar")),
            ("+/+/", Some(b"\xfb\xff\xbf")),
            ("Zh==", Some(b"f")),
            ("Zg", None),
            ("Zg=", None),
            ("Zg===", None),
            ("Z===", None),
            ("====", None),
            ("Zg==Zg==", None),
            ("Z=g=", None),
            ("Zm9v ", None),
            ("Zm 9", None),
            ("Zm-_", None),
            ("Zm9\u{e9}", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(decode(text.as_bytes()).as_deref(), *bytes, "{text}");
        }
    }

    #[test]
    fn every_digit_has_its_value() {
        let values: Vec<u32> = DIGITS.iter().filter_map(|digit| value(*digit)).collect();
        assert_eq!(values, (0..64).collect::<Vec<u32>>());
        assert_eq!((0..=u8::MAX).filter(|digit| value(*digit).is_some()).count(), 64);
    }
}
