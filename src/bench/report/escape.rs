//! Text that stays text inside of HTML and SVG, also in an attribute.

/// The text with everything that would end it or begin something else written out; control characters, which
/// XML does not allow, become blanks.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_gets_out() {
        let hostile = "</text><script>alert(\"1\" & '2')</script>\0\n";
        let shown = escape(hostile);
        assert!(!shown.contains(['<', '>', '"', '\'', '\0', '\n']));
        assert_eq!(escape("a&lt;"), "a&amp;lt;");
    }
}
