//! A `.env` file of any content, and a variable to set and to remove. What is set is read again, what is
//! removed is gone, and all other variables keep their values.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tui_gateway::base::secret::Secret;
use tui_gateway::config::dotenv::{Dotenv, is_name};
use tui_gateway::config::dotenv_edit::{clean, remove, set};

use super::home::{Scratch, parts};

pub(crate) fn run(bytes: &[u8]) {
    let [name, value, file] = parts(bytes);
    let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
    let value = clean(&value);
    if !is_name(&name) {
        return;
    }
    let home = Scratch::new("dotenv");
    home.write(".env", file);
    let path = home.path().join(".env");
    let before = others(file, &path, &name);
    if set(&path, &name, &Secret::new(&*value)).is_err() {
        assert!(str::from_utf8(file).is_err(), "a text was refused");
        assert_eq!(fs::read(&path).expect("it is there"), file, "what was refused was changed");
        return;
    }
    let found = Dotenv::read(&path);
    assert_eq!(found.get(&name).map(Secret::expose), Some(value.as_str()));
    assert_eq!(others(file, &path, &name), before);
    let written = fs::read_to_string(&path).expect("text");
    // All lines of text that were there are there, but the one that was set.
    let lines = |text: &str| text.split_inclusive('\n').count();
    let old = lines(&String::from_utf8_lossy(file));
    assert!((old..=old + 1).contains(&lines(&written)), "{written:?}");
    assert!(remove(&path, &[&name]).expect("it can be removed"), "it was not there");
    assert!(Dotenv::read(&path).get(&name).is_none());
    assert_eq!(others(file, &path, &name), before);
}

/// The values of all words that stand in `file` and could be names, but `name`.
fn others(file: &[u8], path: &Path, name: &str) -> BTreeMap<String, String> {
    let found = Dotenv::read(path);
    let text = String::from_utf8_lossy(file);
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let values = words
        .filter(|word| *word != name)
        .filter_map(|word| Some((word.to_owned(), found.get(word)?.expose().to_owned())));
    values.collect()
}
