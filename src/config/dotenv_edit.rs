//! Changes of `<home>/.env` that leave everything else as a person wrote it, byte for byte: comments, order,
//! blank lines, ends of lines. One change at a time, whole or not at all. What a line says is `dotenv`'s.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::dotenv::assignment;
use super::file::replace;
use super::read::MAX_FILE;
use crate::base::secret::Secret;

/// Held by whoever changes a `.env` file.
static WRITING: Mutex<()> = Mutex::new(());

/// What begins some files.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A key as it can stand in the file and in a header: without ends of lines, other control characters and
/// what is no ASCII (the original does the same, because keys that were copied bring such along).
pub fn clean(key: &str) -> String {
    key.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).collect::<String>().trim().to_owned()
}

/// Sets a variable, which has to have a name of [`super::dotenv::is_name`] and a value that is [`clean`]. A
/// file that is not there yet is made, for its owner alone.
///
/// # Errors
/// The file cannot be read as text, or not be written.
pub fn set(file: &Path, name: &str, value: &Secret) -> io::Result<()> {
    change(file, |text| with(text, name, value.expose())).map(drop)
}

/// Removes these variables. Gives whether there was any.
///
/// # Errors
/// As for [`set`].
pub fn remove(file: &Path, names: &[&str]) -> io::Result<bool> {
    change(file, |text| without(text, names))
}

fn change(file: &Path, edit: impl Fn(&str) -> String) -> io::Result<bool> {
    let _one = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let old = read(file)?;
    let new = edit(&old);
    let is_other = new != old;
    if is_other {
        replace(file, &new)?;
    }
    Ok(is_other)
}

/// The text with its byte-order mark; nothing where there is no file.
fn read(file: &Path) -> io::Result<String> {
    // Before opening: to open a pipe would wait for its writer.
    match std::fs::metadata(file) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// The last line of the name is the one that counts, and the one that is written anew.
fn with(text: &str, name: &str, value: &str) -> String {
    let (mark, text) = parted(text);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let set = format!("{name}={}", spelled(value));
    let Some(at) = lines.iter().rposition(|line| names(line, &[name])) else {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { end };
        return format!("{mark}{text}{gap}{set}{end}");
    };
    let mut new = String::with_capacity(mark.len() + text.len() + set.len());
    new.push_str(mark);
    for (number, line) in lines.into_iter().enumerate() {
        if number == at {
            let export = if exports(line) { "export " } else { "" };
            new.push_str(&format!("{export}{set}{}", end_of(line)));
        } else {
            new.push_str(line);
        }
    }
    new
}

fn without(text: &str, gone: &[&str]) -> String {
    let (mark, text) = parted(text);
    let kept: String = text.split_inclusive('\n').filter(|line| !names(line, gone)).collect();
    // A mark of a later line that came to the beginning would be left out now, and its line set a variable.
    let guard = if mark.is_empty() && kept.starts_with(BYTE_ORDER_MARK) { "\n" } else { mark };
    format!("{guard}{kept}")
}

/// The byte-order mark and the rest. Only at the beginning it is one; whoever reads the file leaves out the
/// first and takes any other for a part of a name.
fn parted(text: &str) -> (&str, &str) {
    let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    text.split_at_checked(at).unwrap_or(("", text))
}

/// Whether a line sets one of these variables.
fn names(line: &str, wanted: &[&str]) -> bool {
    assignment(line).is_some_and(|(name, _)| wanted.contains(&name))
}

fn exports(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix("export");
    rest.is_some_and(|rest| rest.starts_with([' ', '\t']))
}

fn end_of(line: &str) -> &'static str {
    match line {
        line if line.ends_with("\r\n") => "\r\n",
        line if line.ends_with('\n') => "\n",
        _ => "",
    }
}

/// In quotes where a reader could take part of it for something else.
fn spelled(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=@%~,".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::dotenv::Dotenv;
    use super::*;
    use crate::base::scratch::Scratch;
    use proptest::prelude::*;

    #[test]
    fn everything_else_stays_byte_for_byte() {
        for (old, new) in [
            ("", "K=v\n"),
            ("A=1", "A=1\nK=v\n"),
            ("A=1\r\n# note\r\n", "A=1\r\n# note\r\nK=v\r\n"),
            ("# K=old\nK=old # mine\n\n B = 2\n", "# K=old\nK=v\n\n B = 2\n"),
            ("export K='old'\r\nA=1\r\n", "export K=v\r\nA=1\r\n"),
            ("K=1\nA=1\n  K = 2\nB=1", "K=1\nA=1\nK=v\nB=1"),
            ("\u{feff}K=old", "\u{feff}K=v"),
            ("\u{feff}", "\u{feff}K=v\n"),
            ("A=1\n\u{feff}K=old\n", "A=1\n\u{feff}K=old\nK=v\n"),
            ("KEY=1\nK.=2\n", "KEY=1\nK.=2\nK=v\n"),
        ] {
            assert_eq!(with(old, "K", "v"), new, "{old:?}");
        }
    }

    #[test]
    fn every_line_of_a_name_goes() {
        let old = "# keys\nK=1\nA=1\nexport K=2\r\n #K=3\nL=\"x\"\nM=1";
        assert_eq!(without(old, &["K", "L"]), "# keys\nA=1\n #K=3\nM=1");
        assert_eq!(without(old, &[]), old);
        assert_eq!(without("\u{feff}K=1\nA=1\n\u{feff}K=2", &["K"]), "\u{feff}A=1\n\u{feff}K=2");
        assert_eq!(without("K=1\n\u{feff}A=2", &["K"]), "\n\u{feff}A=2");
    }

    #[test]
    fn keys_are_cleaned() {
        assert_eq!(clean(" sk-\r\na\u{200b}b\té "), "sk-ab");
        assert_eq!(clean("\n é"), "");
    }

    #[test]
    fn a_new_file_is_its_owners_and_an_old_one_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;

        let dir = Scratch::new();
        let file = dir.path().join("home").join(".env");
        set(&file, "K", &Secret::new("a b#c")).unwrap();
        let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(), Dotenv::read(&file).get("K").map(Secret::expose)), (0o600, Some("a b#c")));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(remove(&file, &["K"]).unwrap() && !remove(&file, &["K"]).unwrap());
        assert_eq!((mode(), std::fs::read_to_string(&file).unwrap().as_str()), (0o640, ""));
        assert_eq!(std::fs::read_dir(dir.path().join("home")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_text_is_left_alone() {
        let dir = Scratch::new();
        let file = dir.write(".env", [b'K', 0xff]);
        assert!(set(&file, "K", &Secret::new("v")).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), [b'K', 0xff]);
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_again(old in "([AK=\"'# \r\n]|export ){0,40}", key in "[ -~]{1,40}") {
            let value = clean(&key);
            let new = with(&old, "K", &value);
            let read = Dotenv::parse(&new);
            prop_assert_eq!(read.get("K").map(Secret::expose), Some(value.as_str()));
        }
    }
}
