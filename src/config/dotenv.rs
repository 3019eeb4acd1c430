//! `<home>/.env`: names and values, read only to look up keys. Never touches the process environment.

use std::collections::HashMap;
use std::path::Path;

use super::read;
use crate::base::secret::Secret;

/// The variables of a `.env` file. Values are secrets, so `Debug` hides them.
#[derive(Default, Debug)]
pub struct Dotenv {
    values: HashMap<String, Secret>,
}

impl Dotenv {
    /// Reads a file; one that is missing, broken or larger than 1 MiB has no variables.
    pub fn read(path: &Path) -> Self {
        match read::text(path) {
            Ok(text) => Self::parse(&text),
            Err(read::ReadError::Missing) => Self::default(),
            Err(error) => {
                log::warn!(".env is ignored: {error}");
                Self::default()
            }
        }
    }

    /// Parses the text: one `NAME=value` a line, optional `export`, quotes and comments. The last of a
    /// repeated name wins; lines that make no sense are skipped.
    pub fn parse(text: &str) -> Self {
        Self { values: text.lines().filter_map(line).collect() }
    }

    /// How many variables another file adds, changes or removes.
    pub fn changes(&self, new: &Self) -> usize {
        let text = |of: &Self, name: &str| of.get(name).map(|value| value.expose().to_owned());
        let gone = self.values.keys().filter(|name| !new.values.contains_key(*name)).count();
        gone + new.values.keys().filter(|name| text(self, name) != text(new, name)).count()
    }

    /// The value of a name, perhaps empty.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.values.get(name)
    }
}

fn line(line: &str) -> Option<(String, Secret)> {
    let (name, raw) = assignment(line)?;
    Some((name.to_owned(), Secret::new(value(raw))))
}

/// The name that a line sets, and what it is set to as it is written.
pub(super) fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let (name, raw) = line.split_once('=')?;
    let name = name.trim();
    is_name(name).then(|| (name, raw.trim()))
}

/// Whether `name` can be the name of a variable: ASCII letters, digits and `_`, no digit first.
pub fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn value(raw: &str) -> String {
    if let Some(rest) = raw.strip_prefix('\'') {
        return rest.split('\'').next().unwrap_or_default().to_owned();
    }
    if let Some(rest) = raw.strip_prefix('"') {
        return double_quoted(rest);
    }
    // A comment needs a blank before it, because keys may contain `#`.
    let end =
        raw.match_indices('#').map(|(at, _)| at).find(|&at| raw[..at].ends_with([' ', '\t']) || at == 0);
    raw[..end.unwrap_or(raw.len())].trim_end().to_owned()
}

fn double_quoted(rest: &str) -> String {
    let mut value = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(other @ ('"' | '\\' | '$')) => value.push(other),
                Some(other) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;
    use proptest::prelude::*;

    #[test]
    fn reads_the_usual_forms() {
        for (text, want) in [
            ("K=v", Some("v")),
            ("  export K = v  ", Some("v")),
            ("export\tK=v", Some("v")),
            ("K=", Some("")),
            ("K='a b#c' # note", Some("a b#c")),
            ("K=\"a\\\"b\\nc\" # note", Some("a\"b\nc")),
            ("K=\"open", Some("open")),
            ("K=sk-a#b", Some("sk-a#b")),
            ("K=sk-a # note", Some("sk-a")),
            ("K=# note", Some("")),
            ("K=a=b", Some("a=b")),
            ("K=1\r\nK=2\r\n", Some("2")),
            ("# K=v", None),
            ("K", None),
            ("exportK=v", None),
            ("=v", None),
            ("K K=v", None),
        ] {
            let file = Dotenv::parse(text);
            assert_eq!(file.get("K").map(Secret::expose), want, "{text:?}");
        }
        assert!(Dotenv::parse("1K=v").get("1K").is_none());
    }

    #[test]
    fn a_bad_file_has_no_variables_and_nothing_is_shown() {
        let dir = Scratch::new();
        assert!(Dotenv::read(&dir.path().join(".env")).get("K").is_none());
        assert!(Dotenv::read(&dir.write("b", [b'K', b'=', 0xff])).get("K").is_none());
        let good = Dotenv::read(&dir.write("g", "\u{feff}K=sk-canary"));
        assert_eq!(good.get("K").map(Secret::expose), Some("sk-canary"));
        assert!(!format!("{good:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn never_panics_nor_grows(text in "([A-Z_ \"'#=\\\\\nexport]|\\PC){0,200}") {
            let file = Dotenv::parse(&text);
            let size: usize = file.values.iter().map(|(k, v)| k.len() + v.expose().len()).sum();
            prop_assert!(size <= text.len());
        }
    }
}
