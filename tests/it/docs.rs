//! The documents against the program: tables are equal to the rows they are generated from, and what a
//! document names exists. `UPDATE_DOCS=1` writes the tables anew instead of comparing them.

#![allow(clippy::unwrap_used, reason = "a file that cannot be read is a failed test")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tui_gateway::base::tally::Kind;
use tui_gateway::cli::environment::ENVIRONMENT;
use tui_gateway::cli::help;
use tui_gateway::methods;
use tui_gateway::model::stats::{
    AcceptFailure, Closed, ErrorClass, OverrunKind, Pace, Refused, Stats, TurnOutcome,
};
use tui_gateway::wire::event::EVENTS;
use tui_gateway::wire::metrics::metrics;

/// The documents a reader is sent to.
const DOCUMENTS: [&str; 9] = [
    "README.md",
    "docs/architecture.md",
    "docs/protocol.md",
    "docs/metrics.md",
    "docs/testing.md",
    "docs/performance.md",
    "docs/scaling.md",
    "docs/small-model.md",
    "docs/changelog.md",
];

/// Upper-case words in `src` that are no variables this program reads.
const NOT_READ: [&str; 4] = [
    // Read by test builds alone.
    "TUI_GATEWAY_TEST_SLOWDOWN",
    // The name of a tag in a model's answer.
    "REASONING_SCRATCHPAD",
    // The name of a clock, on a page of the fake model's.
    "CLOCK_MONOTONIC",
    // A word of the fake model's scripts.
    "RETRY_AFTER",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file below `src`: its path from the root, and its text without the unit tests at its end.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut dirs = vec![root().join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().filter(|path| !is_test(path)).map(source).collect()
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_string_lossy();
    name.ends_with("tests") || path.iter().any(|part| part == "tests")
}

fn source(path: &PathBuf) -> (String, String) {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    (path.strip_prefix(root()).unwrap().display().to_string(), text[..end].to_owned())
}

/// Compares each generated section of a document, or writes it under `UPDATE_DOCS`.
fn hold(path: &str, sections: &[(&str, String)]) {
    let mut text = read(path);
    for (name, wanted) in sections {
        let (start, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
        let from = text.find(&start).unwrap_or_else(|| panic!("{path} lacks {start}")) + start.len();
        let to = from + text[from..].find(&end).unwrap_or_else(|| panic!("{path} lacks {end}"));
        if env::var_os("UPDATE_DOCS").is_some() {
            text.replace_range(from..to, &format!("\n{wanted}\n"));
        } else {
            let shown = text[from..to].trim();
            assert_eq!(shown, wanted.trim(), "{path}, {name}: UPDATE_DOCS=1 cargo test --test it docs");
        }
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(path), text).unwrap();
    }
}

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    out.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn method_table() -> String {
    let mut out = String::from("| method | lane | what it does |\n|---|---|---|\n");
    for method in methods::all() {
        row(&mut out, &[&format!("`{}`", method.name), method.lane.as_str(), method.summary]);
    }
    out
}

fn event_table() -> String {
    let mut out = String::from("| event | payload | when |\n|---|---|---|\n");
    for (name, payload, when) in EVENTS {
        row(&mut out, &[&format!("`{name}`"), payload, when]);
    }
    out
}

fn metric_table() -> String {
    let mut out = String::from("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for metric in metrics(&Stats::default()) {
        let name = format!("`{}`", metric.name);
        row(&mut out, &[&name, metric.kind().as_str(), metric.label, metric.help]);
    }
    out
}

fn label_table() -> String {
    fn values<K: Kind>(out: &mut String, of: &str) {
        let values: Vec<String> = K::LABELS.iter().map(|label| format!("`{label}`")).collect();
        row(out, &[of, &values.join(", ")]);
    }
    let mut out = String::from("| label | values |\n|---|---|\n");
    values::<Closed>(&mut out, "`reason` of connections closed");
    values::<Refused>(&mut out, "`reason` of requests refused");
    values::<AcceptFailure>(&mut out, "`reason` of accept failures");
    values::<OverrunKind>(&mut out, "`reason` of reader overruns");
    values::<TurnOutcome>(&mut out, "`status` of turns ended");
    values::<ErrorClass>(&mut out, "`class` of errors");
    values::<Pace>(&mut out, "`pace` of a frame's stages");
    out
}

#[test]
fn the_metrics_are_explained() {
    hold("docs/metrics.md", &[("metrics", metric_table()), ("labels", label_table())]);
}

#[test]
fn the_readme_has_the_flags_and_the_variables() {
    hold("README.md", &[("flags and variables", help::markdown())]);
}

#[test]
fn the_protocol_has_the_methods_and_the_events() {
    hold("docs/protocol.md", &[("methods", method_table()), ("events", event_table())]);
}

/// Codes are written as numbers where they are used; the table explains each.
#[test]
fn every_error_code_is_explained() {
    let text = read("docs/protocol.md");
    let explained: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | ").map(|cells| cells.0))
        .collect();
    let mut used = Vec::new();
    for (path, source) in sources() {
        for call in ["RpcError::new(", "failed(", "told("] {
            for (at, _) in source.match_indices(call) {
                let code: String =
                    source[at + call.len()..].chars().take_while(char::is_ascii_digit).collect();
                assert!(code.is_empty() || explained.contains(&code.as_str()), "{path}: {code}");
                used.push(code);
            }
        }
    }
    // A code may also be handed to a helper of its family.
    let spoken: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("src/methods/"))
        .flat_map(|(_, source)| {
            let words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            words.filter(|word| word.len() == 4).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    used.extend(spoken);
    // Those below zero are constants with names; 1000 and above are close codes.
    for code in explained.iter().filter(|code| code.starts_with(['4', '5'])) {
        assert!(used.iter().any(|used| used == code), "nothing answers {code}");
    }
}

/// Quoted words that can only be the names of environment variables.
fn variables(source: &str) -> Vec<&str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let is_name = |word: &&str| {
        word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    code.flat_map(|line| line.split('"')).filter(is_name).collect()
}

#[test]
fn every_variable_that_is_read_is_documented_and_the_reverse() {
    let mut read = Vec::new();
    // Tools and tool servers name the variables that commands get or must not get; they read none for
    // themselves.
    let sources = sources()
        .into_iter()
        .filter(|(path, _)| !["src/tools/", "src/mcp/", "src/shell/"].iter().any(|top| path.starts_with(top)))
        // A table of the keys of some forty providers; the README says that they are read.
        .filter(|(path, _)| path != "src/model/provider/table.rs");
    for (path, source) in sources {
        if path == "src/cli/environment.rs" {
            // Rows whose name is a constant are read through it.
            let constants = source.lines().filter(|line| line.starts_with("pub const "));
            read.extend(constants.flat_map(variables).map(str::to_owned));
        } else {
            let names = variables(&source);
            let names = names.into_iter().filter(|name| {
                // Those of git are git's: whether one is set decides who is asked. What ends so begins others.
                !name.starts_with("CARGO_PKG_")
                    && !name.starts_with("GIT_")
                    && !name.ends_with('_')
                    && !NOT_READ.contains(name)
            });
            for name in names {
                assert!(ENVIRONMENT.iter().any(|row| row.name == name), "{path} reads {name}: add its row");
                read.push(name.to_owned());
            }
        }
    }
    for row in ENVIRONMENT {
        assert!(read.iter().any(|name| name == row.name), "nothing reads {}", row.name);
        assert!(row.help.ends_with('.'), "{}", row.name);
    }
}

#[test]
fn what_the_documents_name_exists() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap();
        for (at, _) in text.match_indices("](") {
            let link = text[at + 2..].split([')', '#']).next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") {
                assert!(root().join(folder).join(link).exists(), "{document} links to {link}");
            }
        }
        // Without blocks of code, whose back quotes come in threes.
        let prose: String = text.split("```").step_by(2).collect();
        for word in prose.split('`').skip(1).step_by(2) {
            if word.starts_with("src/") && !word.contains(['*', ' ', '{']) {
                assert!(root().join(word).exists(), "{document} names {word}");
            }
        }
    }
}

#[test]
fn the_code_map_has_every_folder() {
    let text = read("docs/architecture.md");
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy();
            assert!(text.contains(&format!("`src/{name}/`")), "the code map lacks src/{name}/");
        }
    }
}

#[test]
fn the_dependency_table_has_every_crate() {
    let text = read("docs/architecture.md");
    let manifest = read("Cargo.toml");
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    for line in section.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" = ") {
            assert!(text.contains(&format!("| `{name}` |")), "docs/architecture.md lacks {name}");
        }
    }
}
