//! The words of a command line, as a shell splits them: blanks, quotes, backslashes. Expands nothing, and
//! knows nothing of what is run.

use std::iter::Peekable;
use std::str::Chars;

/// Bytes of a command line at most: what Linux takes for one argument (`MAX_ARG_STRLEN`).
const LINE_BYTES_MAX: usize = 128 << 10;

/// The program and its arguments: split at blanks, with `'…'`, `"…"` and `\x`.
///
/// # Errors
/// It is empty or longer than 128 KiB, has a NUL in it, a quote is open, or nothing follows a backslash. The text
/// is one line for people.
pub fn split(line: &str) -> Result<(String, Vec<String>), String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("the command is longer than {LINE_BYTES_MAX} bytes"));
    }
    if line.contains('\0') {
        return Err("a command cannot have a NUL in it".to_owned());
    }
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            break;
        }
        words.push(word(&mut chars)?);
    }
    let mut words = words.into_iter();
    match words.next() {
        Some(program) if !program.is_empty() => Ok((program, words.collect())),
        _ => Err("the command is empty".to_owned()),
    }
}

/// The word that begins here, up to the next blank; an empty pair of quotes is one.
fn word(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut word = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        match c {
            '\'' => quoted(chars, &mut word, '\'')?,
            '"' => quoted(chars, &mut word, '"')?,
            '\\' => word.push(chars.next().ok_or("nothing follows the last backslash")?),
            c => word.push(c),
        }
    }
    Ok(word)
}

/// The rest of a quotation. In double quotes a backslash stands for itself, but for the four where it means
/// something to a shell.
fn quoted(chars: &mut Peekable<Chars<'_>>, word: &mut String, quote: char) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                word.push(chars.next_if(|next| matches!(next, '"' | '\\' | '$' | '`')).unwrap_or('\\'));
            }
            c => word.push(c),
        }
    }
    Err(format!("the quote {quote} is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, words: &[&str]) {
        let (program, args) = split(line).unwrap();
        assert_eq!([vec![program], args].concat(), words, "{line}");
    }

    #[test]
    fn a_line_is_split_at_blanks() {
        check("python3 -m tui_gateway.entry", &["python3", "-m", "tui_gateway.entry"]);
        check(" \ta  b\n", &["a", "b"]);
        check("$HOME/x *", &["$HOME/x", "*"]);
    }

    #[test]
    fn quotes_keep_a_word_together() {
        check("sh -c 'exec \"$0\" \\x' a", &["sh", "-c", "exec \"$0\" \\x", "a"]);
        check(r#"a"b c"'d'e "" x"#, &["ab cde", "", "x"]);
        check(r#""a\"b\\c\$d\`e\f" y"#, &[r#"a"b\c$d`e\f"#, "y"]);
    }

    #[test]
    fn a_backslash_takes_the_next_as_it_is() {
        check(r"/opt/my\ tool \'a \\", &["/opt/my tool", "'a", r"\"]);
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for line in ["", "  ", "''", "\"\" a", "a 'b", "a \"b", "a \"b\\\"", "a \\", "a\0b"] {
            assert!(split(line).is_err(), "{line:?}");
        }
        assert!(split(&"a".repeat(LINE_BYTES_MAX + 1)).is_err());
    }
}
