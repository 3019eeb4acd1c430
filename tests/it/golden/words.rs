//! The small syntax of golden files: words and quoted words, spans of time, and text that would be too
//! long or too odd to stand in a file.

use std::time::Duration;

/// Splits a line at blanks. `"…"` is a JSON string, `'…'` is taken as it stands; both count as one word.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => closing_quote(rest),
            '\'' => rest[1..].find('\'').map_or(rest.len(), |at| at + 2),
            _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        let (word, tail) = rest.split_at(end);
        words.push(match first {
            '"' => serde_json::from_str(word).unwrap_or_else(|why| panic!("{word}: {why}")),
            '\'' => word.trim_matches('\'').to_owned(),
            _ => word.to_owned(),
        });
        rest = tail.trim_start();
    }
    words
}

/// The length of the JSON string at the start of `text`.
fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// `33ms` or `20s`.
pub(super) fn span(text: &str) -> Duration {
    let number = |digits: &str| digits.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(millis), _) => Duration::from_millis(number(millis)),
        (None, Some(seconds)) => Duration::from_secs(number(seconds)),
        _ => panic!("no span of time: {text}"),
    }
}

/// Replaces `$bom` and `$times(text,count)`.
pub(super) fn unfold(text: &str) -> String {
    let mut out = text.replace("$bom", "\u{feff}");
    while let Some((before, call)) = out.split_once("$times(") {
        let Some((arguments, after)) = call.split_once(')') else { panic!("open $times in {text}") };
        let Some((piece, count)) = arguments.rsplit_once(',') else { panic!("no count in {text}") };
        let count: usize = count.parse().unwrap_or_else(|why| panic!("{count}: {why}"));
        out = format!("{before}{}{after}", piece.repeat(count));
    }
    out
}

#[test]
fn quoted_words_are_one_word() {
    assert_eq!(
        words(r#"end  error "a \"b\" \\" '{"c": 1}' d"#),
        ["end", "error", "a \"b\" \\", r#"{"c": 1}"#, "d"]
    );
    assert_eq!(words("  "), Vec::<String>::new());
    assert_eq!(unfold("{$times([,3)$times(ab,2)}"), "{[[[abab}");
}
