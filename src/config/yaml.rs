//! A YAML document as a JSON value, the way the original's reader (PyYAML, YAML 1.1) sees it.
//!
//! Owns the tree: anchors, merge keys, duplicate keys and every bound. What a plain word means is in
//! `scalar`. Knows no file and no setting.

mod scalar;

use std::collections::HashMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

/// Collections inside one another, the outermost counted; every later recursion over a value relies on it.
pub const MAX_DEPTH: usize = 64;
/// Scalars and collections after aliases are expanded. Each anchor keeps a copy, which counts too.
pub const MAX_NODES: usize = 100_000;
/// Bytes of scalars after aliases are expanded, counted in the same way.
pub const MAX_TEXT: usize = 8 << 20;

/// What is wrong with a document. Says where, never quotes it: it may hold keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct YamlError {
    /// The line, from 1, where one can be named.
    pub line: Option<usize>,
    /// What is wrong.
    pub kind: YamlErrorKind,
}

/// Kinds of [`YamlError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum YamlErrorKind {
    /// More input than a settings file may have.
    TooLarge,
    /// Not YAML.
    Syntax,
    /// More than [`MAX_DEPTH`] collections inside one another.
    TooDeep,
    /// More than [`MAX_NODES`] nodes or [`MAX_TEXT`] bytes of scalars.
    TooMuch,
    /// An alias inside the very node it names.
    Recursive,
    /// `<<` with something that is neither a mapping nor a list of mappings.
    BadMerge,
    /// A mapping or a list as a key.
    BadKey,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(match self.kind {
            YamlErrorKind::TooLarge => "the document is too large",
            YamlErrorKind::Syntax => "this is not valid YAML",
            YamlErrorKind::TooDeep => "the nesting is too deep",
            YamlErrorKind::TooMuch => "the document is too large once its aliases are expanded",
            YamlErrorKind::Recursive => "an alias refers to the node it is in",
            YamlErrorKind::BadMerge => "`<<` needs a mapping or a list of mappings",
            YamlErrorKind::BadKey => "a key must be a single word or number",
        })
    }
}

/// Parses the first document of `text`. An empty text is null.
pub fn parse(text: &str) -> Result<Value, YamlError> {
    if text.len() > super::read::MAX_FILE {
        return Err(YamlError { line: None, kind: YamlErrorKind::TooLarge });
    }
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(next) = parser.next_event() {
        let (event, span) = next
            .map_err(|error| YamlError { line: Some(error.marker().line()), kind: YamlErrorKind::Syntax })?;
        let done = matches!(event, Event::DocumentEnd | Event::StreamEnd);
        builder.event(event).map_err(|kind| YamlError { line: Some(span.start.line()), kind })?;
        if done {
            break;
        }
    }
    Ok(builder.root.unwrap_or(Value::Null))
}

/// A collection that is still open.
enum Open {
    List { items: Vec<Value>, anchor: usize },
    Mapping { own: Vec<(String, Value)>, merged: Vec<Map<String, Value>>, key: Option<Key>, anchor: usize },
}

/// A key that waits for its value.
enum Key {
    Text(String),
    Merge,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Value>,
    /// Finished nodes by their anchor's number; the numbers start at 1.
    anchors: HashMap<usize, Value>,
    nodes: usize,
    text: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>) -> Result<(), YamlErrorKind> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.charge(1, text.len())?;
                let tag = tag.as_deref().map(scalar_tag);
                let plain = style == ScalarStyle::Plain;
                if plain && tag.is_none() && text == "<<" && self.at_key() {
                    return self.put_key(Key::Merge);
                }
                self.put(scalar::resolve(&text, plain, tag.unwrap_or_default()), anchor)
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().ok_or(YamlErrorKind::Recursive)?;
                let size = Size::of(&value);
                if self.open.len() + size.depth > MAX_DEPTH {
                    return Err(YamlErrorKind::TooDeep);
                }
                self.charge(size.nodes, size.text)?;
                self.put(value, 0)
            }
            Event::SequenceStart(anchor, _) => self.begin(Open::List { items: Vec::new(), anchor }),
            Event::MappingStart(anchor, _) => {
                self.begin(Open::Mapping { own: Vec::new(), merged: Vec::new(), key: None, anchor })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn charge(&mut self, nodes: usize, text: usize) -> Result<(), YamlErrorKind> {
        self.nodes += nodes;
        self.text += text;
        let fits = self.nodes <= MAX_NODES && self.text <= MAX_TEXT;
        if fits { Ok(()) } else { Err(YamlErrorKind::TooMuch) }
    }

    fn begin(&mut self, collection: Open) -> Result<(), YamlErrorKind> {
        self.charge(1, 0)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlErrorKind::TooDeep);
        }
        if self.at_key() {
            return Err(YamlErrorKind::BadKey);
        }
        self.open.push(collection);
        Ok(())
    }

    fn end(&mut self) -> Result<(), YamlErrorKind> {
        match self.open.pop() {
            Some(Open::List { items, anchor }) => self.put(Value::Array(items), anchor),
            Some(Open::Mapping { own, merged, anchor, .. }) => {
                self.put(Value::Object(unite(own, merged)), anchor)
            }
            None => Err(YamlErrorKind::Syntax),
        }
    }

    /// Whether the next node is a key.
    fn at_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Mapping { key: None, .. }))
    }

    /// A finished node goes where it belongs.
    fn put(&mut self, value: Value, anchor: usize) -> Result<(), YamlErrorKind> {
        if anchor != 0 {
            let size = Size::of(&value);
            self.charge(size.nodes, size.text)?;
            self.anchors.insert(anchor, value.clone());
        }
        if self.at_key() {
            return self.put_key(Key::Text(key_text(value)?));
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List { items, .. }) => items.push(value),
            Some(Open::Mapping { own, merged, key, .. }) => match key.take() {
                Some(Key::Text(key)) => own.push((key, value)),
                Some(Key::Merge) => merge(merged, value)?,
                None => return Err(YamlErrorKind::BadKey),
            },
        }
        Ok(())
    }

    fn put_key(&mut self, new: Key) -> Result<(), YamlErrorKind> {
        match self.open.last_mut() {
            Some(Open::Mapping { key: key @ None, .. }) => {
                *key = Some(new);
                Ok(())
            }
            _ => Err(YamlErrorKind::BadKey),
        }
    }
}

/// What a tag asks for; tags that are not about scalars ask for nothing.
fn scalar_tag(tag: &Tag) -> scalar::Wish {
    match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
        (true, "str") => scalar::Wish::Text,
        (true, "int" | "float" | "bool" | "null") => scalar::Wish::Resolved,
        // The lone `!`.
        (false, "" | "!") => scalar::Wish::Text,
        _ => scalar::Wish::ByStyle,
    }
}

/// A key as the original's JSON writer spells it: `true`, `null`, `12`.
fn key_text(value: Value) -> Result<String, YamlErrorKind> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err(YamlErrorKind::BadKey),
        other => Ok(other.to_string()),
    }
}

/// Notes what `<<` brings. Of a list the first mapping that has a key wins.
fn merge(merged: &mut Vec<Map<String, Value>>, value: Value) -> Result<(), YamlErrorKind> {
    match value {
        Value::Object(map) => merged.push(map),
        Value::Array(items) => {
            for item in items.into_iter().rev() {
                let Value::Object(map) = item else { return Err(YamlErrorKind::BadMerge) };
                merged.push(map);
            }
        }
        _ => return Err(YamlErrorKind::BadMerge),
    }
    Ok(())
}

/// Merged members first, in their place but with the mapping's own values where it has some; of a key
/// given twice the last value.
fn unite(own: Vec<(String, Value)>, merged: Vec<Map<String, Value>>) -> Map<String, Value> {
    let mut all = Map::new();
    for (key, value) in merged.into_iter().flatten().chain(own) {
        all.insert(key, value);
    }
    all
}

/// How large a finished value is. Recursion is safe: no value is deeper than [`MAX_DEPTH`].
struct Size {
    nodes: usize,
    text: usize,
    /// Collections inside one another; 0 for a scalar.
    depth: usize,
}

impl Size {
    fn of(value: &Value) -> Self {
        let mut size = Size { nodes: 1, text: 0, depth: 0 };
        match value {
            Value::String(text) => size.text = text.len(),
            Value::Array(items) => size.add_children(items.iter()),
            Value::Object(map) => {
                // Keys are nodes as well.
                size.nodes += map.len();
                size.text += map.keys().map(String::len).sum::<usize>();
                size.add_children(map.values());
            }
            _ => {}
        }
        size
    }

    fn add_children<'a>(&mut self, children: impl Iterator<Item = &'a Value>) {
        self.depth = 1;
        for child in children {
            let child = Size::of(child);
            self.nodes += child.nodes;
            self.text += child.text;
            self.depth = self.depth.max(child.depth + 1);
        }
    }
}

#[cfg(test)]
mod tests;
