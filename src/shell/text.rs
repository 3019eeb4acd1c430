//! What a program said, as text within bounds. What is no UTF-8 is replaced; the original loses all of it.

/// The last `chars` characters.
pub(super) fn last(bytes: &[u8], chars: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let surplus = text.chars().count().saturating_sub(chars);
    text.chars().skip(surplus).collect()
}

/// What was said on both streams, a line feed between them where both said something; the first `chars`
/// characters, without white space around them.
pub(super) fn joined(stdout: &[u8], stderr: &[u8], chars: usize) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    let between = if stdout.is_empty() || stderr.is_empty() { "" } else { "\n" };
    let text = format!("{stdout}{between}{stderr}");
    text.trim().chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_in_characters() {
        assert_eq!(last("aéb".as_bytes(), 2), "éb");
        assert_eq!(last(b"ab", 5), "ab");
        // Cut inside of a character.
        assert_eq!(last(&"éb".as_bytes()[1..], 1), "b");
    }

    #[test]
    fn streams_are_joined_and_trimmed() {
        assert_eq!(joined(b"a\n", b"b\n", 9), "a\n\nb");
        assert_eq!(joined(b"", b" b\n", 9), "b");
        assert_eq!(joined("ééé".as_bytes(), b"", 2), "éé");
    }
}
