//! The help texts and the README's tables: folds over [`flags()`] and [`ENVIRONMENT`]. Pure.

use super::environment::ENVIRONMENT;
use super::flags::{Flag, Mode, flags};

/// Columns of the longest help line.
const WIDTH: usize = 100;
/// Columns between the two columns of a list, and before the first.
const GAP: usize = 2;

/// What `--help` prints: of one mode, or of the program.
pub fn help(mode: Option<Mode>) -> String {
    let mut out = String::new();
    match mode {
        Some(mode) => {
            push(&mut out, &usage(mode));
            push(&mut out, "");
            push(&mut out, mode.summary());
        }
        None => {
            push(&mut out, "A gateway between chat front ends and language-model agents.");
            push(&mut out, "");
            push(&mut out, "Usage: tui-gateway [COMMAND] [FLAGS]");
            push(&mut out, "");
            push(&mut out, "Commands:");
            list(
                &mut out,
                Mode::ALL.map(|mode| (mode.name().to_owned(), mode.summary().to_owned())).as_slice(),
            );
        }
    }
    push(&mut out, "");
    match mode {
        Some(_) => push(&mut out, "Flags:"),
        None => push(&mut out, "Flags of serve (COMMAND --help lists those of another):"),
    }
    let shown = mode.unwrap_or(Mode::Serve);
    let known = flags().filter(|flag| flag.applies_to(shown));
    list(&mut out, &known.map(|flag| (heading(flag), meaning(flag))).collect::<Vec<_>>());
    if mode.is_none() {
        push(&mut out, "");
        push(&mut out, "Environment:");
        let rows = ENVIRONMENT
            .iter()
            .map(|variable| (variable.name.to_owned(), with_default(variable.help, variable.default)));
        list(&mut out, &rows.collect::<Vec<_>>());
    }
    out
}

/// The README's tables of flags and of environment variables, in Markdown.
pub fn markdown() -> String {
    let mut out = String::from("| flag | commands | meaning | default |\n|---|---|---|---|\n");
    for flag in flags() {
        let on: Vec<&str> = flag.on.iter().map(|mode| mode.name()).collect();
        let on = if flag.on.len() == Mode::ALL.len() { "all".to_owned() } else { on.join(", ") };
        let cells = [&format!("`{}`", heading(flag).trim_start()), &on, flag.help, flag.default];
        row(&mut out, &cells);
    }
    out.push_str("\n| variable | meaning | default |\n|---|---|---|\n");
    for variable in ENVIRONMENT {
        row(&mut out, &[&format!("`{}`", variable.name), variable.help, variable.default]);
    }
    out
}

fn usage(mode: Mode) -> String {
    let words = mode.words();
    let gap = if words.is_empty() { "" } else { " " };
    format!("Usage: tui-gateway {} [FLAGS]{gap}{words}", mode.name())
}

fn heading(flag: &Flag) -> String {
    let short = flag.short.map_or(String::new(), |letter| format!("-{letter}, "));
    let value = if flag.value.is_empty() { String::new() } else { format!(" {}", flag.value) };
    format!("{short}--{}{value}", flag.name)
}

fn meaning(flag: &Flag) -> String {
    with_default(flag.help, flag.default)
}

fn with_default(help: &str, default: &str) -> String {
    if default.is_empty() { help.to_owned() } else { format!("{help} [default: {default}]") }
}

/// Two columns, the second wrapped.
fn list(out: &mut String, rows: &[(String, String)]) {
    let left = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2 * GAP;
    for (name, text) in rows {
        let mut line = format!("{:GAP$}{name}", "");
        line.push_str(&" ".repeat(left.saturating_sub(line.chars().count())));
        let indent = line.chars().count();
        for word in text.split(' ') {
            let used = line.chars().count();
            if used > indent && used + 1 + word.chars().count() > WIDTH {
                push(out, &line);
                line = " ".repeat(indent);
            }
            if line.chars().count() > indent {
                line.push(' ');
            }
            line.push_str(word);
        }
        push(out, &line);
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    push(out, &format!("| {} |", cells.join(" | ")));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{WIDTH, help, markdown};
    use crate::cli::environment::ENVIRONMENT;
    use crate::cli::flags::{DEFAULT_HOST, DEFAULT_PORT, Mode, flags};

    #[test]
    fn flags_are_unique_and_well_formed() {
        let (mut seen, mut shorts) = (HashSet::new(), HashSet::new());
        for flag in flags() {
            assert!(seen.insert(flag.name), "--{} twice", flag.name);
            assert!(flag.short.is_none_or(|letter| shorts.insert(letter)), "-{:?} twice", flag.short);
            assert!(flag.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "--{}", flag.name);
            assert!(flag.value.bytes().all(|b| b.is_ascii_uppercase()), "--{}", flag.name);
            assert!(flag.help.ends_with('.') && !flag.on.is_empty(), "--{}", flag.name);
        }
    }

    #[test]
    fn shown_defaults_are_the_real_ones() {
        let default = |name| flags().find(|flag| flag.name == name).unwrap().default;
        assert_eq!(default("host"), DEFAULT_HOST);
        assert!(default("port").starts_with(&format!("{DEFAULT_PORT},")));
        let url = format!("ws://{DEFAULT_HOST}:{DEFAULT_PORT}/api/ws");
        assert!(default("url").ends_with(&url));
        assert!(ENVIRONMENT.iter().any(|variable| variable.default == url));
    }

    #[test]
    fn every_help_fits_and_names_its_flags() {
        for mode in [None].into_iter().chain(Mode::ALL.map(Some)) {
            let text = help(mode);
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH && line == line.trim_end(), "{line:?}");
            }
            for flag in flags() {
                let shown = text
                    .lines()
                    .any(|line| line.split_whitespace().next() == Some(&format!("--{}", flag.name)));
                let shown = shown || text.contains(&format!(", --{}", flag.name));
                assert_eq!(shown, flag.applies_to(mode.unwrap_or(Mode::Serve)), "{mode:?} --{}", flag.name);
            }
        }
        assert!(help(None).contains("HERMES_HOME"));
        assert!(help(Some(Mode::Chat)).starts_with("Usage: tui-gateway chat [FLAGS]\n"));
    }

    #[test]
    fn the_readme_tables_hold_every_row() {
        let text = markdown();
        assert_eq!(
            text.lines().filter(|line| line.starts_with("| `")).count(),
            flags().count() + ENVIRONMENT.len()
        );
        assert!(text.contains("| `--names` | methods | Print the names only. |  |\n"));
        assert!(text.contains("| `-h, --help` | all | Print this help. |"));
    }
}
