//! Changes in `config.yaml` that leave everything else as a person wrote it: comments, order, quotes, blank
//! lines. Held against the reader: what the new text means has to be what the old one meant and the change,
//! or nothing is changed. Knows no file.
//!
//! In reading order: `meaning` says what a change means, `outline` where things stand in the text, `place`
//! which piece of it is replaced, `spelling` how a value is written. Left alone on purpose: lists within
//! brackets, but for lists of words on one line; braces over several lines, texts over several lines, and what
//! has an anchor.

mod meaning;
mod outline;
mod place;
mod spelling;

use std::fmt;

use serde_json::Value;

use super::yaml;
use crate::model::edit::{Change, Edit};

/// Why a change was not made.
#[derive(Debug)]
pub enum EditError {
    /// The file cannot be read as it is: what is wrong, and on which line.
    Broken(String),
    /// The place is written in a way that is not edited here.
    Shape,
    /// The administrator's file has a say about the place: what a user writes there would not count.
    Managed,
    /// It cannot be read or written.
    Io(std::io::Error),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EditError::Broken(why) => write!(f, "config.yaml cannot be read as it is: {why}"),
            EditError::Shape => {
                f.write_str("config.yaml is written in a way that is not edited automatically")
            }
            EditError::Managed => f.write_str("the administrator's config.yaml decides this setting"),
            EditError::Io(error) => write!(f, "config.yaml cannot be changed: {error}"),
        }
    }
}

impl std::error::Error for EditError {}

impl From<std::io::Error> for EditError {
    fn from(error: std::io::Error) -> Self {
        EditError::Io(error)
    }
}

/// The text after these changes, one after the other.
///
/// # Errors
/// The document is broken, or a place is written in a way that is not edited.
pub fn edited(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut text = text.to_owned();
    for edit in edits {
        let (path, change) = edit.place();
        text = changed(&text, &path, change)?;
    }
    Ok(text)
}

/// Whether a document of the administrator's has a say about the place of this change.
pub(super) fn is_decided(document: &Value, edit: &Edit) -> bool {
    meaning::has(document, &edit.place().0)
}

fn changed(text: &str, path: &[&str], change: &Change) -> Result<String, EditError> {
    let Some(wanted) = meaning::changed(&document(text)?, path, change)? else { return Ok(text.to_owned()) };
    let new = place::made(text, path, change)?;
    // The order of keys may differ.
    match document(&new) {
        Ok(is) if is == wanted => Ok(new),
        _ => Err(EditError::Shape),
    }
}

fn document(text: &str) -> Result<Value, EditError> {
    match yaml::parse(text) {
        Ok(value @ (Value::Object(_) | Value::Null)) => Ok(value),
        Ok(_) => Err(EditError::Broken("it is no mapping of keys to values".to_owned())),
        Err(why) => Err(EditError::Broken(why.to_string())),
    }
}

#[cfg(test)]
mod many_tests;
#[cfg(test)]
mod tests;
