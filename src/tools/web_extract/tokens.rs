//! HTML cut into tags and text, whatever it looks like: what browsers do with broken tags is done here as far
//! as it matters for reading. Takes time in proportion to the length. Knows no meaning of tags but of those
//! whose content has no tags.

/// A piece of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    /// Text with its character references.
    Text(&'a str),
    /// An opening tag; a slash at its end is part of the attributes.
    Open { name: &'a str, attributes: &'a str },
    /// A closing tag.
    Close(&'a str),
}

/// Elements whose content is text up to their own end.
const RAW: &[&str] = &["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

/// The pieces, one after the other.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// The element whose text comes next.
    raw: Option<&'static str>,
    /// Whether quotes still hide the end of a tag. One that nobody closes would hide all of the rest, again
    /// and again for each tag.
    quotes: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Self { rest: html, raw: None, quotes: true }
    }

    /// Takes the first bytes off.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Takes all up to and with `end`, which is looked for from `from` on; without an end all of the rest.
    fn take_past(&mut self, end: &str, from: usize) -> &'a str {
        let found = self.rest.get(from..).and_then(|rest| rest.find(end));
        self.take(found.map_or(self.rest.len(), |at| from + at + end.len()))
    }

    /// Text up to the next `<`; one at its start opens nothing.
    fn text(&mut self) -> Token<'a> {
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let found = self.rest.get(first..).and_then(|rest| rest.find('<'));
        Token::Text(self.take(found.map_or(self.rest.len(), |at| first + at)))
    }

    /// Text up to the closing tag of `name`.
    fn raw_text(&mut self, name: &str) -> Token<'a> {
        let is_end = |at: usize| {
            let behind = self.rest.get(at + 2..).unwrap_or_default().as_bytes();
            let follows = behind.get(name.len()).copied().unwrap_or(b'>');
            behind.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
                && (follows.is_ascii_whitespace() || matches!(follows, b'/' | b'>'))
        };
        let end = self.rest.match_indices("</").map(|(at, _)| at).find(|at| is_end(*at));
        Token::Text(self.take(end.unwrap_or(self.rest.len())))
    }

    /// An opening tag; nothing when the page ends in it.
    fn open(&mut self) -> Option<Token<'a>> {
        let end = self.tag_end()?;
        let tag = self.take(end + 1);
        let (name, attributes) = name_and_rest(tag.get(1..end).unwrap_or_default());
        self.raw = RAW.iter().copied().find(|raw| raw.eq_ignore_ascii_case(name));
        Some(Token::Open { name, attributes })
    }

    /// Where the `>` of the tag at the start is.
    fn tag_end(&mut self) -> Option<usize> {
        if self.quotes {
            if let Some(end) = quoted_tag_end(self.rest) {
                return Some(end);
            }
            self.quotes = false;
        }
        self.rest.find('>')
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(name) = self.raw.take() {
            return Some(self.raw_text(name));
        }
        loop {
            match self.rest.as_bytes() {
                [] => return None,
                // The shortest comment is `<!-->`.
                [b'<', b'!', b'-', b'-', ..] => self.take_past("-->", 2),
                [b'<', b'!' | b'?', ..] => self.take_past(">", 2),
                [b'<', b'/', first, ..] if first.is_ascii_alphabetic() => {
                    let tag = self.take_past(">", 2);
                    let inner = tag.get(2..).unwrap_or_default().trim_end_matches('>');
                    return Some(Token::Close(name_and_rest(inner).0));
                }
                [b'<', b'/', _, ..] => self.take_past(">", 2),
                [b'<', first, ..] if first.is_ascii_alphabetic() => {
                    let token = self.open();
                    if token.is_none() {
                        self.rest = "";
                    }
                    return token;
                }
                _ => return Some(self.text()),
            };
        }
    }
}

/// Where the `>` is that stands in no quotes; only a value of an attribute begins with one.
fn quoted_tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    let mut is_value = false;
    for (at, byte) in tag.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'>' => return Some(at),
            None if is_value && matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None => {}
        }
        is_value = quote.is_none() && (byte == b'=' || (is_value && byte.is_ascii_whitespace()));
    }
    None
}

/// The name at the start of a tag, and its attributes.
fn name_and_rest(tag: &str) -> (&str, &str) {
    tag.split_at(tag.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(tag.len()))
}

/// The value of an attribute, with its character references; the first of several counts.
pub(super) fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end =
            rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/')).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let (value, next) = match behind.trim_start().strip_prefix('=') {
            Some(value) => split_value(value.trim_start()),
            None => ("", behind),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        // A name of no letters, as in `==`, has to be passed as well.
        if next.len() == rest.len() || next.is_empty() {
            return None;
        }
        rest = next;
    }
}

fn split_value(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote.and_then(|quote| text.get(1..)?.split_once(quote)) {
        Some(parts) => parts,
        None => text.split_at(text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::Token::{Close, Text};
    use super::*;

    fn open<'a>(name: &'a str, attributes: &'a str) -> Token<'a> {
        Token::Open { name, attributes }
    }

    fn all(html: &str) -> Vec<Token<'_>> {
        Tokens::new(html).collect()
    }

    #[test]
    fn tags_and_text_are_told_apart() {
        let want = [open("p", " class=\"a>b\""), Text("x &lt; y"), Close("P"), open("br", "/")];
        assert_eq!(all("<p class=\"a>b\">x &lt; y</P ><br/>"), want);
        assert_eq!(all("a < b <3 <"), [Text("a "), Text("< b "), Text("<3 "), Text("<")]);
        assert_eq!(all("é<é</é>"), [Text("é"), Text("<é")]);
    }

    #[test]
    fn what_is_no_content_is_passed() {
        assert_eq!(all("<!DOCTYPE html>a<!-- <b> -->b<!-->c<?x?>d</>"), ["a", "b", "c", "d"].map(Text));
        assert_eq!(all("a<!-- b"), [Text("a")]);
        assert_eq!(all("a<p class=\"b"), [Text("a")]);
        assert_eq!(all("a</p"), [Text("a"), Close("p")]);
    }

    #[test]
    fn the_content_of_some_elements_has_no_tags() {
        let want = [open("script", ""), Text("a</b><p>"), Close("SCRIPT"), Text("x")];
        assert_eq!(all("<script>a</b><p></SCRIPT>x"), want);
        assert_eq!(all("<style></styles>"), [open("style", ""), Text("</styles>")]);
    }

    #[test]
    fn a_quote_that_nobody_closes_hides_little() {
        assert_eq!(all("<a href=\"x>y</a>"), [open("a", " href=\"x"), Text("y"), Close("a")]);
        assert_eq!(all("<a it's>y"), [open("a", " it's"), Text("y")]);
    }

    #[test]
    fn attributes_are_found() {
        let text = " HREF = 'a b' title=\"c\" x=1/2 y z=\"";
        for (name, want) in
            [("href", Some("a b")), ("title", Some("c")), ("x", Some("1/2")), ("y", Some("")), ("q", None)]
        {
            assert_eq!(attribute(text, name), want, "{name}");
        }
        assert_eq!(attribute(text, "z"), Some("\""));
        for odd in ["", "/", "==", "= =", "\"\"", "a=", "é=ü'"] {
            assert_eq!(attribute(odd, "href"), None, "{odd}");
        }
    }

    #[test]
    fn hostile_pages_take_time_in_proportion() {
        for piece in ["<a x=\"><a\"x=\">", "<!--<", "<script></", "<a", "<a =\"", "</", "<a href='>"] {
            assert!(all(&piece.repeat(200_000)).len() <= 800_000, "{piece}");
        }
    }
}
