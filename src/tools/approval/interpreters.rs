//! Programs that run code they are given: shells and script languages, and where they take the code from.

use super::word::Word;

/// Shells. What they are given is a text of this module's own kind.
const SHELLS: &[&str] =
    &["ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "rbash", "sh", "tcsh", "yash", "zsh"];

/// Options of shells whose value is the next word.
const SHELL_VALUES: &[&str] = &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"];

/// Script languages, and the options that take code. A single letter also stands at the end of a cluster.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("bun", &["-e", "--eval", "-p", "--print"]),
    ("deno", &["eval"]),
    ("lua", &["-e"]),
    ("luajit", &["-e"]),
    ("node", &["-e", "--eval", "-p", "--print"]),
    ("nodejs", &["-e", "--eval", "-p", "--print"]),
    ("osascript", &["-e"]),
    ("perl", &["-e", "-E"]),
    ("php", &["-r", "--run"]),
    ("powershell", &["-c", "-command", "-encodedcommand", "-enc"]),
    ("pwsh", &["-c", "-command", "-encodedcommand", "-enc"]),
    ("pypy", &["-c"]),
    ("python", &["-c"]),
    ("rscript", &["-e"]),
    ("ruby", &["-e"]),
];

/// Where a shell takes its commands from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// From an argument.
    Argument(String),
    /// From a file.
    File,
    /// From what it reads.
    Input,
}

/// Whether this is a shell.
pub(super) fn is_shell(name: &str) -> bool {
    SHELLS.contains(&name)
}

/// Whether this is a shell or a script language.
pub(super) fn is_interpreter(name: &str) -> bool {
    is_shell(name) || code_options(name).is_some()
}

/// Where a shell with these arguments takes its commands from.
pub(super) fn shell_source(args: &[Word]) -> Source {
    let (mut wants_argument, mut wants_input) = (false, false);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        match text {
            "--" | "-" => {
                let first = words.next();
                return source(first, wants_argument, wants_input);
            }
            _ if SHELL_VALUES.contains(&text) => {
                words.next();
            }
            "--command" => wants_argument = true,
            _ if text.starts_with("--") => {
                if let Some(code) = text.strip_prefix("--command=") {
                    return Source::Argument(code.to_owned());
                }
            }
            _ if text.starts_with(['-', '+']) => {
                wants_argument |= text.starts_with('-') && text.contains('c');
                wants_input |= text.contains('s');
            }
            _ => return source(Some(word), wants_argument, wants_input),
        }
    }
    source(None, wants_argument, wants_input)
}

fn source(first: Option<&Word>, wants_argument: bool, wants_input: bool) -> Source {
    match first {
        Some(word) if wants_argument => Source::Argument(word.text.clone()),
        Some(word) if !wants_input && word.text != "/dev/stdin" => Source::File,
        _ => Source::Input,
    }
}

/// Whether a script language is given code in its arguments.
pub(super) fn has_code(name: &str, args: &[Word]) -> bool {
    let Some(options) = code_options(name) else { return false };
    args.iter().any(|word| {
        let text = word.text.to_lowercase();
        options.iter().any(|option| {
            let attached = text.strip_prefix(option).is_some_and(|value| value.starts_with('='));
            // `perl -lne '…'`, `ruby -ne`: a cluster that ends in the letter, or has the code glued to it.
            let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1);
            let cluster = text.strip_prefix('-').filter(|cluster| !cluster.starts_with('-'));
            let clustered = letter
                .zip(cluster)
                .is_some_and(|(letter, cluster)| cluster.ends_with(letter) || cluster.starts_with(letter));
            text == *option || attached || clustered
        })
    })
}

/// Whether an interpreter with these arguments runs what it reads.
pub(super) fn reads_code(name: &str, args: &[Word]) -> bool {
    if is_shell(name) {
        return shell_source(args) == Source::Input;
    }
    let is_file = |word: &Word| !word.text.starts_with('-') && word.text != "/dev/stdin";
    let is_module = |word: &Word| word.text.starts_with("-m");
    code_options(name).is_some()
        && !has_code(name, args)
        && !args.iter().any(|word| is_file(word) || is_module(word))
}

/// The options of a language that take code; `None` for what is none. Versions count as the language.
fn code_options(name: &str) -> Option<&'static [&'static str]> {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    LANGUAGES.iter().find(|(language, _)| *language == base).map(|(_, options)| *options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Word> {
        line.split_whitespace().map(Word::plain).collect()
    }

    #[test]
    fn shells_take_commands_from_three_places() {
        for (line, expected) in [
            ("-c ls", Source::Argument("ls".into())),
            ("-xec ls", Source::Argument("ls".into())),
            ("-c -x -o pipefail ls", Source::Argument("ls".into())),
            ("--command=ls", Source::Argument("ls".into())),
            ("--norc build.sh", Source::File),
            ("-- build.sh", Source::File),
            ("", Source::Input),
            ("-s arg", Source::Input),
            ("-", Source::Input),
            ("/dev/stdin", Source::Input),
        ] {
            assert_eq!(shell_source(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn languages_take_code_as_an_option_or_read_it() {
        for (name, line) in [
            ("python3.12", "-c x"),
            ("perl", "-lne x"),
            ("perl", "-E x"),
            ("node", "--eval=x"),
            ("php", "-r x"),
        ] {
            assert!(has_code(name, &words(line)) && !reads_code(name, &words(line)), "{name} {line}");
        }
        for (name, line) in [("python3", "app.py"), ("python", "-m http.server"), ("node", "--version x.js")]
        {
            assert!(!has_code(name, &words(line)) && !reads_code(name, &words(line)), "{name} {line}");
        }
        assert!(reads_code("python3", &[]) && reads_code("perl", &words("-")) && reads_code("sh", &[]));
        assert!(!is_interpreter("pythonic") && !is_interpreter("cat"));
    }
}
