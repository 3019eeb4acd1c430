//! What the documents of one stream have in common. A gateway says the same words around every piece of a
//! text, so the next one is known by two comparisons of memory instead of a walk through its members.

use super::skim::Skim;

/// The words around the text of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    before: Box<str>,
    after: Box<str>,
}

impl Template {
    /// From one document of the stream; `None` if it has no text.
    pub fn of(document: &str) -> Option<Self> {
        let range = Skim::of(document).text_range(document)?;
        Some(Self { before: document[..range.start].into(), after: document[range.end..].into() })
    }

    /// The text of `document`, if it is of this stream and says it without escapes. `None` says nothing: it
    /// has to be looked at.
    pub fn text<'d>(&self, document: &'d str) -> Option<&'d str> {
        let text = document.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        let plain = !text.bytes().any(|byte| byte == b'"' || byte == b'\\');
        plain.then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    fn delta(session: &str, text: &str) -> String {
        let params = format!(r#""type": "message.delta", "session_id": "{session}""#);
        format!(r#"{{"params": {{{params}, "payload": {{"text": "{text}"}}}}}}"#)
    }

    #[test]
    fn the_same_stream_is_known_and_no_other() {
        let template = Template::of(&delta("a", "first")).unwrap();
        assert_eq!(template.text(&delta("a", "second ")), Some("second "));
        assert_eq!(template.text(&delta("a", "")), Some(""));
        assert_eq!(template.text(&delta("b", "second")), None);
        assert_eq!(template.text(r#"{"id":1,"result":{}}"#), None);
    }

    #[test]
    fn what_is_escaped_or_goes_on_behind_the_text_is_not_judged() {
        let template = Template::of(&delta("a", "x")).unwrap();
        assert_eq!(template.text(&delta("a", "x\\n")), None);
        let verbose = delta("a", r#"x","more":""#);
        assert_eq!(template.text(&verbose), None);
        let words_overlap = template.before.to_string();
        assert_eq!(template.text(&words_overlap), None);
        assert!(Template::of("{}").is_none());
    }
}
