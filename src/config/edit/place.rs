//! Where in the text a change is made: one piece of it is replaced, and nothing else moves. What is not laid
//! out simply is refused; whether the result means what it should is the caller's to check.

use std::ops::Range;

use super::EditError;
use super::outline::{Entry, Node, outline};
use super::spelling::{Quotes, spelled, text_spelled};
use super::yaml;
use crate::model::edit::Change;

/// Blanks by which what is written anew stands further in than what it belongs to.
const STEP: usize = 2;

/// The text with the change made, which is known to be one.
///
/// # Errors
/// The place is written in a way that is not edited.
pub(super) fn made(text: &str, path: &[&str], change: &Change) -> Result<String, EditError> {
    let root = outline(text).ok_or(EditError::Shape)?;
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (at, with) = Page { text, eol, change }.patch(&root, None, path).ok_or(EditError::Shape)?;
    let (Some(before), Some(after)) = (text.get(..at.start), text.get(at.end..)) else {
        return Err(EditError::Shape);
    };
    Ok([before, &with, after].concat())
}

/// What replaces which bytes.
type Patch = (Range<usize>, String);

struct Page<'a> {
    text: &'a str,
    eol: &'static str,
    change: &'a Change,
}

impl Page<'_> {
    /// In a node, the value of `owner`. `None` wherever it is not simple.
    fn patch(&self, node: &Node, owner: Option<&Entry>, path: &[&str]) -> Option<Patch> {
        match (node, owner) {
            (Node::Mapping { flow: None, entries }, _) => {
                let known = entries.iter().rposition(|entry| entry.key.as_deref() == path.first().copied());
                match (known, path.get(1..)?) {
                    (None, _) => self.add(entries, path),
                    (Some(at), []) => self.change(entries, entries.get(at)?),
                    (Some(at), rest) => {
                        let entry = entries.get(at)?;
                        self.patch(&entry.value, Some(entry), rest)
                    }
                }
            }
            // An empty document, or one of comments.
            (Node::Empty, None) => Some(self.insert(self.text.len(), &self.block(0, path))),
            (Node::Mapping { flow: Some(at), entries }, None) if entries.is_empty() => {
                Some((at.clone(), self.block(0, path).trim_end().to_owned()))
            }
            (Node::Mapping { flow: Some(at), entries }, _) if !entries.is_empty() => {
                self.within(at, entries, path)
            }
            (node, Some(owner)) => self.fill(node, owner, |indent| self.block(indent, path)),
            _ => None,
        }
    }

    /// A value in braces on one line: its word is replaced, or it is put behind the last one.
    fn within(&self, braces: &Range<usize>, entries: &[Entry], path: &[&str]) -> Option<Patch> {
        let (Change::Set(scalar), [key]) = (self.change, path) else { return None };
        if self.text.get(braces.clone())?.contains('\n') {
            return None;
        }
        if let Some(known) = entries.iter().rfind(|entry| entry.key.as_deref() == Some(*key)) {
            let Node::Word { at, quotes } = &known.value else { return None };
            return Some((at.clone(), spelled(scalar, *quotes)));
        }
        let inside = self.text.get(braces.start..braces.end.checked_sub(1)?)?.trim_end();
        let at = braces.start + inside.len();
        let comma = if inside.ends_with(',') { "" } else { "," };
        let key = text_spelled(key, Quotes::AsNeeded);
        Some((at..at, format!("{comma} {key}: {}", spelled(scalar, Quotes::AsNeeded))))
    }

    /// A key that is there already.
    fn change(&self, siblings: &[Entry], entry: &Entry) -> Option<Patch> {
        match (self.change, &entry.value) {
            (Change::Set(scalar), Node::Word { at, quotes }) => Some((at.clone(), spelled(scalar, *quotes))),
            (Change::Set(scalar), Node::Empty) => {
                let at = self.behind_colon(entry)?;
                Some((at..at, format!(" {}", spelled(scalar, Quotes::AsNeeded))))
            }
            (Change::Append(item), Node::List { flow: None, items }) => {
                let Some(Node::Word { at, .. }) = items.last() else { return None };
                let dash = self.text.get(self.line_start(at.start)..at.start)?.trim_end_matches(' ');
                let indent = dash.strip_suffix('-').filter(|blanks| blanks.bytes().all(|b| b == b' '))?;
                Some(self.insert(self.line_end(at.end), &self.item(indent.len(), item)))
            }
            (Change::Append(item), Node::List { flow: Some(brackets), items }) if !items.is_empty() => {
                let Some(Node::Word { at, .. }) = items.last() else { return None };
                self.on_one_line(brackets)?;
                Some((at.end..at.end, format!(", {}", text_spelled(item, Quotes::AsNeeded))))
            }
            (Change::Without(item), Node::List { flow: Some(brackets), items }) => {
                self.without_word(brackets, items, item)
            }
            (Change::Without(item), Node::List { flow: None, items }) => {
                self.without_line(entry, items, item)
            }
            (Change::Append(item), node) => self.fill(node, entry, |indent| self.item(indent, item)),
            (Change::Remove, node) => self.remove(siblings, entry, node),
            _ => None,
        }
    }

    /// A key that is not there yet, behind the last one of its mapping.
    fn add(&self, siblings: &[Entry], path: &[&str]) -> Option<Patch> {
        let (first, last) = (siblings.first()?, siblings.last()?);
        let indent = self.indent(first.at.start)?;
        Some(self.insert(self.end_of(last, indent), &self.block(indent, path)))
    }

    /// In the place of nothing, of `null`, or of empty brackets: what `body` writes at an indent, on lines of
    /// its own. A comment on the key's line stays there.
    fn fill(&self, node: &Node, owner: &Entry, body: impl Fn(usize) -> String) -> Option<Patch> {
        let hollow = match node {
            Node::Empty => {
                let at = self.behind_colon(owner)?;
                at..at
            }
            // Of words only those that mean nothing come here: anything else is no mapping and no list.
            Node::Word { at, .. } => at.clone(),
            Node::Mapping { flow: Some(at), entries } if entries.is_empty() => at.clone(),
            Node::List { flow: Some(at), items } if items.is_empty() => at.clone(),
            _ => return None,
        };
        let indent = self.indent(owner.at.start)?;
        let line_end = self.line_end(hollow.end);
        let start = self.text.get(..hollow.start)?.trim_end_matches(' ').len();
        let rest = self.text.get(hollow.end..line_end)?.trim_end();
        Some((start..line_end, format!("{rest}{}{}", self.eol, body(indent + STEP))))
    }

    /// Without a key whose value is on its line. A comment there stays.
    fn remove(&self, siblings: &[Entry], entry: &Entry, value: &Node) -> Option<Patch> {
        let end = match value {
            Node::Word { at, .. } => at.end,
            Node::Empty => self.behind_colon(entry)?,
            _ => return None,
        };
        self.indent(entry.at.start)?;
        if siblings.len() == 1 {
            // Without it there would be nothing, which is no mapping.
            return Some((entry.at.start..end, "{}".to_owned()));
        }
        let line_end = self.line_end(end);
        let rest = self.text.get(end..line_end)?;
        if rest.trim().is_empty() {
            return Some((self.line_start(entry.at.start)..line_end, String::new()));
        }
        let comment = end + (rest.len() - rest.trim_start().len());
        Some((entry.at.start..comment, String::new()))
    }

    /// A list within brackets without one of its words.
    fn without_word(&self, brackets: &Range<usize>, items: &[Node], text: &str) -> Option<Patch> {
        self.on_one_line(brackets)?;
        let mut kept = Vec::new();
        for item in items {
            let Node::Word { at, .. } = item else { return None };
            if !self.means(at, text) {
                kept.push(self.text.get(at.clone())?);
            }
        }
        Some((brackets.clone(), format!("[{}]", kept.join(", "))))
    }

    /// A list of lines without one of them. A comment there stays.
    fn without_line(&self, owner: &Entry, items: &[Node], text: &str) -> Option<Patch> {
        let at = items.iter().find_map(|item| match item {
            Node::Word { at, .. } if self.means(at, text) => Some(at),
            _ => None,
        })?;
        let start = self.line_start(at.start);
        let dash = self.text.get(start..at.start)?.trim_end_matches(' ');
        let indent = dash.strip_suffix('-').filter(|blanks| blanks.bytes().all(|b| b == b' '))?.len();
        if items.len() == 1 {
            // Without it there would be nothing, which is no list.
            let indent = self.indent(owner.at.start)? + STEP;
            return Some((start..at.end, format!("{:indent$}[]", "")));
        }
        let line_end = self.line_end(at.end);
        let rest = self.text.get(at.end..line_end)?;
        if rest.trim().is_empty() {
            return Some((start..line_end, String::new()));
        }
        let comment = at.end + (rest.len() - rest.trim_start().len());
        Some((start + indent..comment, String::new()))
    }

    /// Whether a word is read as this text.
    fn means(&self, at: &Range<usize>, text: &str) -> bool {
        let word = self.text.get(at.clone()).unwrap_or_default();
        matches!(yaml::parse(word), Ok(serde_json::Value::String(read)) if read == text)
    }

    /// On several lines there may be comments between.
    fn on_one_line(&self, at: &Range<usize>) -> Option<()> {
        (!self.text.get(at.clone())?.contains('\n')).then_some(())
    }

    /// The lines of a path that is not there yet.
    fn block(&self, indent: usize, path: &[&str]) -> String {
        let mut lines = String::new();
        for (depth, key) in path.iter().enumerate() {
            let indent = indent + depth * STEP;
            let key = text_spelled(key, Quotes::AsNeeded);
            let value = match self.change {
                Change::Set(scalar) if depth + 1 == path.len() => {
                    format!(" {}", spelled(scalar, Quotes::AsNeeded))
                }
                _ => String::new(),
            };
            lines.push_str(&format!("{:indent$}{key}:{value}{}", "", self.eol));
        }
        if let Change::Append(item) = self.change {
            lines.push_str(&self.item(indent + path.len() * STEP, item));
        }
        lines
    }

    fn item(&self, indent: usize, item: &str) -> String {
        format!("{:indent$}- {}{}", "", text_spelled(item, Quotes::AsNeeded), self.eol)
    }

    /// Whole lines at the beginning of a line, or at the end of a text that may lack its last line feed.
    fn insert(&self, at: usize, lines: &str) -> Patch {
        let is_open = self.text.get(..at).is_some_and(|before| !before.is_empty() && !before.ends_with('\n'));
        (at..at, if is_open { format!("{}{lines}", self.eol) } else { lines.to_owned() })
    }

    /// How far in a key stands that begins its line.
    fn indent(&self, at: usize) -> Option<usize> {
        let before = self.text.get(self.line_start(at)..at)?;
        before.bytes().all(|b| b == b' ').then_some(before.len())
    }

    fn behind_colon(&self, entry: &Entry) -> Option<usize> {
        let rest = self.text.get(entry.at.end..)?;
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        rest.get(blanks..)?.starts_with(':').then(|| entry.at.end + blanks + 1)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |feed| feed + 1)
    }

    /// Behind the line feed of the line.
    fn line_end(&self, at: usize) -> usize {
        let feed = self.text.get(at..).and_then(|rest| rest.find('\n'));
        feed.map_or(self.text.len(), |feed| at + feed + 1)
    }

    /// Behind the last line of the last entry of a block at `indent`. Comments and empty lines after it are
    /// not part of it, unless they are part of a text.
    fn end_of(&self, entry: &Entry, indent: usize) -> usize {
        let has_dashes = matches!(entry.value, Node::List { flow: None, .. });
        let is_text = ends_in_text(&entry.value);
        let mut end = self.line_end(entry.at.end);
        let mut at = end;
        for line in self.text.get(end..).unwrap_or_default().split_inclusive('\n') {
            at += line.len();
            let content = line.trim();
            let width = line.len() - line.trim_start_matches(' ').len();
            let is_inside = width > indent || (has_dashes && width == indent && content.starts_with('-'));
            if content.is_empty() || (content.starts_with('#') && !(is_text && is_inside)) {
                continue;
            }
            if !is_inside || (width == 0 && (content.starts_with("---") || content.starts_with("..."))) {
                break;
            }
            end = at;
        }
        end
    }
}

/// Whether the last thing in a value may be a text over several lines, in which `#` begins no comment.
fn ends_in_text(node: &Node) -> bool {
    match node {
        Node::Other => true,
        Node::Empty | Node::Word { .. } => false,
        Node::Mapping { entries, .. } => entries.last().is_some_and(|entry| ends_in_text(&entry.value)),
        Node::List { items, .. } => items.last().is_some_and(ends_in_text),
    }
}
