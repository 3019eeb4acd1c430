//! What a project says of itself: where it begins, what describes it and which commands check it, all by the
//! names of files and two of their contents. The rules are the original's. Knows no conversation and no
//! ledger.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::workspace;
use crate::model::facts::{Facts, Start};

/// Files that make a directory a project, in the order in which they are told.
const MANIFESTS: [&str; 19] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "package.json",
    "tsconfig.json",
    "deno.json",
    "Cargo.toml",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Gemfile",
    "composer.json",
    "mix.exs",
    "pubspec.yaml",
    "CMakeLists.txt",
    "Makefile",
    "Dockerfile",
];

/// So do these, which tell agents how to work on it.
const CONTEXT_FILES: [&str; 3] = ["AGENTS.md", "CLAUDE.md", ".cursorrules"];

/// Lock files of Python, and whose they are.
const PYTHON_LOCKS: [(&str, &str); 3] =
    [("uv.lock", "uv"), ("poetry.lock", "poetry"), ("Pipfile.lock", "pipenv")];

/// The same of JavaScript.
const SCRIPT_LOCKS: [(&str, &str); 5] = [
    ("pnpm-lock.yaml", "pnpm"),
    ("bun.lockb", "bun"),
    ("bun.lock", "bun"),
    ("yarn.lock", "yarn"),
    ("package-lock.json", "npm"),
];

/// Scripts and targets that check something.
const TARGETS: [&str; 8] = ["test", "tests", "lint", "typecheck", "check", "build", "fmt", "format"];

/// Most commands that are told (the original's).
const COMMANDS_MAX: usize = 8;

/// Directories above the start that may be a project's without git (the original's).
const CLIMB_MAX: usize = 6;

/// Bytes of a file that is read; a larger one is ignored (the original's).
const FILE_BYTES_MAX: u64 = 256 << 10;

/// The project around a place, `None` where there is none.
pub fn find(start: &Start, user_home: Option<&Path>) -> Option<Facts> {
    let start = match start {
        Start::At(path) => workspace::absolute(path, user_home),
        Start::Workspace(candidates) => workspace::resolve(candidates, user_home),
    };
    // What does not exist may still have a project above it.
    let start = start.canonicalize().unwrap_or(start);
    let root = git_root(&start).or_else(|| marked_root(&start, user_home))?.to_owned();
    Some(Facts {
        manifests: files(&root, &MANIFESTS),
        package_managers: package_managers(&root),
        verify_commands: verify_commands(&root),
        context_files: files(&root, &CONTEXT_FILES),
        root,
    })
}

fn git_root(start: &Path) -> Option<&Path> {
    start.ancestors().find(|dir| dir.join(".git").exists())
}

/// Never the user's home: what lies there is for all projects.
fn marked_root<'a>(start: &'a Path, user_home: Option<&Path>) -> Option<&'a Path> {
    let home = user_home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned()));
    let has_marker = |dir: &&Path| MANIFESTS.iter().chain(&CONTEXT_FILES).any(|name| dir.join(name).exists());
    let mut climbed = start.ancestors().take(CLIMB_MAX + 1).filter(|dir| home.as_deref() != Some(*dir));
    climbed.find(has_marker)
}

fn files(root: &Path, names: &[&'static str]) -> Vec<&'static str> {
    names.iter().copied().filter(|name| root.join(name).is_file()).collect()
}

fn package_managers(root: &Path) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (lock, manager) in PYTHON_LOCKS.into_iter().chain(SCRIPT_LOCKS) {
        if !found.contains(&manager) && root.join(lock).is_file() {
            found.push(manager);
        }
    }
    found
}

fn verify_commands(root: &Path) -> Vec<String> {
    let mut commands = Vec::new();
    let own = "scripts/run_tests.sh";
    if root.join(own).is_file() {
        commands.push(own.to_owned());
    }
    let lock = SCRIPT_LOCKS.into_iter().find(|(lock, _)| root.join(lock).is_file());
    let manager = lock.map_or("npm", |(_, manager)| manager);
    let package: Value = read_small(&root.join("package.json"))
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let scripts = TARGETS.iter().filter(|name| package["scripts"].get(**name).is_some());
    commands.extend(scripts.map(|name| format!("{manager} run {name}")));
    let configures_pytest =
        || read_small(&root.join("pyproject.toml")).is_some_and(|text| text.contains("[tool.pytest"));
    if root.join("pytest.ini").is_file() || configures_pytest() {
        commands.push("pytest".to_owned());
    }
    let makefile = read_small(&root.join("Makefile")).unwrap_or_default();
    let targets = TARGETS.iter().filter(|name| makefile.lines().any(|line| is_rule(line, name)));
    commands.extend(targets.map(|name| format!("make {name}")));
    commands.truncate(COMMANDS_MAX);
    commands
}

/// Whether a line of a Makefile begins the rule of this target. An assignment is none; the original takes
/// `test := x` for one.
fn is_rule(line: &str, target: &str) -> bool {
    let Some(rest) = line.strip_prefix(target) else { return false };
    let Some(rest) = rest.trim_start().strip_prefix(':') else { return false };
    !rest.trim_start_matches(':').starts_with('=')
}

/// A small file as text, what is no UTF-8 replaced.
fn read_small(path: &Path) -> Option<String> {
    // Before opening: to open a pipe would wait for its writer.
    let about = fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
