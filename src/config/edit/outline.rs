//! Where the keys and values of a document stand in its text, as far as they can be edited. Knows no change.

use std::ops::Range;
use std::vec::IntoIter;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::spelling::Quotes;

/// A node of the document. Ranges are bytes of the text.
pub(super) enum Node {
    /// Nothing is written here.
    Empty,
    /// A value on one line.
    Word {
        /// All of it, quotes with it.
        at: Range<usize>,
        /// How it is written.
        quotes: Quotes,
    },
    /// A mapping.
    Mapping {
        /// From `{` to `}`; `None` for a block.
        flow: Option<Range<usize>>,
        /// What it holds.
        entries: Vec<Entry>,
    },
    /// A list.
    List {
        /// From `[` to `]`; `None` for a block.
        flow: Option<Range<usize>>,
        /// What it holds.
        items: Vec<Node>,
    },
    /// What is left alone: a text over several lines, an alias, whatever has an anchor or a tag.
    Other,
}

/// A key and its value.
pub(super) struct Entry {
    /// The key, if it is one on one line.
    pub(super) key: Option<String>,
    /// Where the key stands; an empty range at its beginning if it is none on one line.
    pub(super) at: Range<usize>,
    /// The value.
    pub(super) value: Node,
}

/// The first document of a text that the reader takes, so that its depth is bounded. `None` where this and
/// the reader disagree.
pub(super) fn outline(text: &str) -> Option<Node> {
    let mut parser = Parser::new_from_str(text);
    let mut events = Vec::new();
    while let Some(next) = parser.next_event() {
        let (event, span) = next.ok()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::DocumentEnd | Event::StreamEnd => break,
            event => events.push((event, span)),
        }
    }
    // The parser counts characters.
    let offsets = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut reader = Reader { text, offsets, events: events.into_iter() };
    match reader.events.next() {
        None => Some(Node::Empty),
        Some((event, span)) => reader.node(event, span),
    }
}

struct Reader<'a> {
    text: &'a str,
    offsets: Vec<usize>,
    events: IntoIter<(Event<'a>, Span)>,
}

impl Reader<'_> {
    fn byte(&self, mark: Marker) -> usize {
        self.offsets.get(mark.index()).copied().unwrap_or(self.text.len())
    }

    fn node(&mut self, event: Event<'_>, span: Span) -> Option<Node> {
        Some(match event {
            Event::Scalar(_, _, anchor, tag) if anchor != 0 || tag.is_some() => Node::Other,
            Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty() => Node::Empty,
            Event::Scalar(_, style, ..) => self.word(style, span),
            Event::SequenceStart(..) => self.list(span)?,
            Event::MappingStart(..) => self.mapping(span)?,
            _ => Node::Other,
        })
    }

    /// The end that the parser gives a quoted text lies behind the comment after it: the closing quote is
    /// looked for.
    fn word(&self, style: ScalarStyle, span: Span) -> Node {
        let start = self.byte(span.start);
        let (quotes, end) = match style {
            ScalarStyle::Plain => {
                let is_one_line = span.start.line() == span.end.line();
                (Quotes::AsNeeded, is_one_line.then(|| self.byte(span.end)))
            }
            ScalarStyle::SingleQuoted => (Quotes::Single, closing(self.text, start, '\'')),
            ScalarStyle::DoubleQuoted => (Quotes::Double, closing(self.text, start, '"')),
            _ => (Quotes::AsNeeded, None),
        };
        end.map_or(Node::Other, |end| Node::Word { at: start..end, quotes })
    }

    fn list(&mut self, start: Span) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.events.next()?;
            if event == Event::SequenceEnd {
                return Some(Node::List { flow: self.flow(start, span, '['), items });
            }
            items.push(self.node(event, span)?);
        }
    }

    fn mapping(&mut self, start: Span) -> Option<Node> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.events.next()?;
            if event == Event::MappingEnd {
                return Some(Node::Mapping { flow: self.flow(start, span, '{'), entries });
            }
            let name = match &event {
                Event::Scalar(text, ..) => Some(text.clone().into_owned()),
                _ => None,
            };
            let begin = self.byte(span.start);
            let (key, at) = match self.node(event, span)? {
                Node::Word { at, .. } => (name, at),
                _ => (None, begin..begin),
            };
            let (event, span) = self.events.next()?;
            let value = self.node(event, span)?;
            entries.push(Entry { key, at, value });
        }
    }

    /// From bracket to bracket, if there are any.
    fn flow(&self, start: Span, end: Span, bracket: char) -> Option<Range<usize>> {
        let (from, to) = (self.byte(start.start), self.byte(start.end));
        // Blanks behind the bracket may count as part of it.
        let opening = self.text.get(from..to)?.trim_end();
        // The end that the parser gives lies behind a comment; its start is the bracket.
        let (close, end_of) = (self.byte(end.start), self.byte(end.end));
        let is_bracket = self.text.get(close..).is_some_and(|rest| rest.starts_with([']', '}']));
        let end = if is_bracket { close + 1 } else { end_of };
        opening.ends_with(bracket).then(|| from + opening.len() - bracket.len_utf8()..end)
    }
}

/// Where a quoted text that begins at `start` ends, if it does on the same line.
fn closing(text: &str, start: usize, quote: char) -> Option<usize> {
    let rest = text.get(start..)?.strip_prefix(quote)?;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' | '\r' => return None,
            '\\' if quote == '"' => {
                chars.next_if(|(_, escaped)| !matches!(*escaped, '\n' | '\r'))?;
            }
            // Two of them stand for one within such a text.
            c if c == quote && (quote == '"' || chars.next_if(|(_, next)| *next == quote).is_none()) => {
                return Some(start + quote.len_utf8() + at + quote.len_utf8());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands at the values of the topmost keys.
    fn values(text: &str) -> Vec<Option<&str>> {
        let Some(Node::Mapping { entries, .. }) = outline(text) else { return Vec::new() };
        let word = |entry: &Entry| match &entry.value {
            Node::Word { at, .. } => Some(&text[at.clone()]),
            Node::Mapping { flow: Some(at), .. } | Node::List { flow: Some(at), .. } => {
                Some(&text[at.clone()])
            }
            _ => None,
        };
        entries.iter().map(word).collect()
    }

    #[test]
    fn values_end_where_they_end() {
        let text =
            "a: x y  # note\nb: 'it''s' # it's\né: \"q \\\" # no\" # \"n\"\nc: [1, 'ö'] # n\nd: {} # n\n";
        assert_eq!(
            values(text),
            [Some("x y"), Some("'it''s'"), Some("\"q \\\" # no\""), Some("[1, 'ö']"), Some("{}")]
        );
    }

    #[test]
    fn what_is_not_on_one_line_is_left_alone() {
        let text = "a: x\n  y\nb: 'p\n  q'\nc: |\n  r\nd: &n s\ne: *n\nf: !!str 5\ng:\nh:\n  - 1\n";
        assert_eq!(values(text), [None; 8]);
        assert!(matches!(outline("# only this\n"), Some(Node::Empty)));
        assert!(outline("a: [\n").is_none());
    }

    #[test]
    fn keys_are_found_behind_wide_characters() {
        let text = "ключ: значение\r\n'other key': 1\r\n";
        let Some(Node::Mapping { entries, flow: None }) = outline(text) else { panic!("no mapping") };
        let keys: Vec<_> =
            entries.iter().map(|entry| (&text[entry.at.clone()], entry.key.as_deref())).collect();
        assert_eq!(keys, [("ключ", Some("ключ")), ("'other key'", Some("other key"))]);
    }
}
