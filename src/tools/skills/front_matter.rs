//! The head of a skill's text: settings in YAML between two lines of dashes. Owns the lenient reading of what
//! people write there. Knows no files; the YAML reader holds the bounds.

use serde_json::{Map, Value};

use crate::base::front_matter;
use crate::config::yaml;

/// Most items of a list; the rest is left out.
const ITEMS_MAX: usize = 50;

/// Longest value of a setting, in characters.
pub(super) const VALUE_CHARS_MAX: usize = 1_024;

/// A text taken apart.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) front: Map<String, Value>,
    pub(super) body: &'a str,
}

impl<'a> Document<'a> {
    /// Takes a text apart. One without a complete head has no settings.
    pub(super) fn read(text: &'a str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        match front_matter::split(text) {
            Some((front, body)) => Self { front: settings(front), body },
            None => Self { front: Map::new(), body: text },
        }
    }

    /// A setting as one short line; `None` when it is absent, blank or no plain value.
    pub(super) fn line(&self, name: &str) -> Option<String> {
        line(self.front.get(name)?)
    }

    /// The setting at a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.front.get(*first)?, |value, name| value.get(*name))
    }
}

/// A plain value as one short line.
pub(super) fn line(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    one_line(&text, VALUE_CHARS_MAX)
}

/// The text in one line of so many characters; `None` when it is blank.
pub(super) fn one_line(text: &str, chars: usize) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().filter(|c| !c.is_control()).take(chars).collect();
    (!line.is_empty()).then_some(line)
}

/// The plain values of a list; people also write one with commas.
pub(super) fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items.iter().filter_map(line).take(ITEMS_MAX).collect(),
        Some(Value::String(text)) => {
            let items = text.trim_matches(['[', ']']).split(',');
            items.filter_map(|item| one_line(item, VALUE_CHARS_MAX)).take(ITEMS_MAX).collect()
        }
        _ => Vec::new(),
    }
}

fn settings(front: &str) -> Map<String, Value> {
    match yaml::parse(front) {
        Ok(Value::Object(settings)) => settings,
        Ok(_) => Map::new(),
        Err(_) => plain_settings(front),
    }
}

/// What people write that is no YAML, mostly a colon in a description: `name: value` in lines of their own.
fn plain_settings(front: &str) -> Map<String, Value> {
    let setting = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        let value = value.trim().trim_matches(['"', '\'']);
        (is_name && !value.is_empty()).then(|| (name.to_owned(), Value::from(value)))
    };
    front.lines().filter_map(setting).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_and_body_are_told_apart() {
        let document =
            Document::read("\u{feff}---\r\nname: a\nmetadata:\n  x: {tags: [p, 2]}\n---\nBody\n---\n");
        assert_eq!((document.line("name").as_deref(), document.body), (Some("a"), "Body\n---\n"));
        assert_eq!(list(document.at(&["metadata", "x", "tags"])), ["p", "2"]);
        assert_eq!(document.at(&["name", "x"]), None);
    }

    #[test]
    fn a_text_without_a_complete_head_is_all_body() {
        for text in ["", "---", "---\nname: a", "name: a\n---\n", "----\n---\n"] {
            let document = Document::read(text);
            assert_eq!((document.front.len(), document.body), (0, text), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_yaml_still_has_its_plain_lines() {
        let document = Document::read("---\nname: x\ndescription: Use when: asked\n  odd: [\n---\n");
        assert_eq!(document.line("name").as_deref(), Some("x"));
        assert_eq!(document.line("description").as_deref(), Some("Use when: asked"));
    }

    #[test]
    fn values_are_short_lines() {
        assert_eq!(line(&json!("a\n\u{1b}b")).as_deref(), Some("a b"));
        assert_eq!(line(&json!("x".repeat(9_999))).map(|line| line.len()), Some(VALUE_CHARS_MAX));
        assert_eq!([json!(" "), json!([]), json!(null)].map(|value| line(&value)), [None, None, None]);
        assert_eq!(list(Some(&json!("[a, b ,]"))), ["a", "b"]);
        assert_eq!(list(Some(&json!(vec!["x"; 999]))).len(), ITEMS_MAX);
    }
}
