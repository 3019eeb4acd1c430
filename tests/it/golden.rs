//! Goldens: conversations with the pure gateway in virtual time, kept in `tests/golden/*.txt`.
//! `UPDATE_GOLDEN=1 cargo test --test it golden` rewrites them; read the difference before keeping it.

mod added;
mod agent;
mod attached;
mod facts;
mod kept;
mod names;
mod outcome;
mod play;
mod projects;
mod told;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tui_gateway::methods;
use tui_gateway::wire::event::EVENTS;

/// Asks for the files to be rewritten.
const UPDATE: &str = "UPDATE_GOLDEN";

fn files() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = fs::read_dir(&folder).expect("the folder of goldens");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(!paths.is_empty(), "no goldens in {}", folder.display());
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a golden is text");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// Whether a line of a golden is something that came out.
fn is_output(line: &str) -> bool {
    line.starts_with('!') || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with("< ")
}

#[test]
fn every_golden_is_what_the_gateway_does() {
    let update = std::env::var_os(UPDATE).is_some();
    let mut wrong = Vec::new();
    for (path, text) in files() {
        eprintln!("playing {}", path.display());
        let played = play::play(&text);
        if played == text {
            continue;
        }
        if update {
            fs::write(&path, &played).expect("the golden can be written");
        }
        wrong.push(format!("{}:{}", path.display(), first_difference(&text, &played)));
    }
    assert!(wrong.is_empty() || update, "{}\n({UPDATE}=1 rewrites them)", wrong.join("\n"));
}

fn first_difference(kept: &str, played: &str) -> String {
    let (mut kept, mut played) = (kept.lines(), played.lines());
    let mut number = 1;
    loop {
        let (is, should) = (kept.next(), played.next());
        if is != should || is.is_none() {
            let end = "(end of file)";
            return format!("{number}\n  file    {}\n  gateway {}", is.unwrap_or(end), should.unwrap_or(end));
        }
        number += 1;
    }
}

#[test]
fn playing_a_golden_twice_gives_the_same() {
    for (path, text) in files() {
        let (once, twice) = (play::play(&text), play::play(&text));
        assert!(once == twice, "{}:{}", path.display(), first_difference(&once, &twice));
    }
}

#[test]
fn every_golden_says_what_it_proves() {
    for (path, text) in files() {
        assert!(text.starts_with("# ") && text.ends_with('\n'), "{}", path.display());
    }
}

#[test]
fn every_method_has_a_golden() {
    let called: BTreeSet<String> = files()
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| play::request(line).filter(|_| !is_output(line)))
        .filter_map(|(_, request)| serde_json::from_str::<serde_json::Value>(request).ok())
        .filter_map(|request| request.get("method")?.as_str().map(str::to_owned))
        .collect();
    let missing: Vec<&str> =
        methods::all().map(|method| method.name).filter(|name| !called.contains(*name)).collect();
    assert!(missing.is_empty(), "no golden calls {missing:?}");
}

#[test]
fn every_event_has_a_golden() {
    let all: String = files().into_iter().map(|(_, text)| text).collect();
    // Deltas are shown by their kind.
    let shown = |name: &str| match name {
        "message.delta" => all.contains(" Message "),
        "reasoning.delta" => all.contains(" Reasoning ") && all.contains(" ReasoningVerbose "),
        name => all.contains(&format!(r#""type":"{name}""#)),
    };
    let names = EVENTS.iter().map(|row| row.0);
    let missing: Vec<&str> = names.filter(|name| !shown(name)).collect();
    assert!(missing.is_empty(), "no golden shows {missing:?}");
}
