//! Projects with and without git, and what is told of them.

use super::*;
use crate::base::scratch::Scratch;

fn at(path: &Path, home: Option<&Path>) -> Option<Facts> {
    find(&Start::At(path.to_owned()), home)
}

fn commands(dir: &Scratch) -> Vec<String> {
    at(dir.path(), None).expect("a project").verify_commands
}

#[test]
fn git_decides_before_any_marker() {
    let dir = Scratch::new();
    dir.write("a/Makefile", "");
    let deep = dir.dir("a/b/c");
    assert_eq!(at(&deep, None).expect("marked").root, dir.path().join("a"));
    // A file is one as well: that of a worktree.
    dir.write(".git", "gitdir: elsewhere\n");
    assert_eq!(at(&deep, None).expect("in git").root, dir.path());
    let missing = deep.join("no/such/file.rs");
    assert_eq!(at(&missing, None).expect("above it").root, dir.path());
}

#[test]
fn a_marker_counts_up_to_six_levels_above_and_not_at_home() {
    let dir = Scratch::new();
    dir.write("p/AGENTS.md", "");
    let (near, far) = (dir.dir("p/1/2/3/4/5/6"), dir.dir("p/1/2/3/4/5/6/7"));
    let root = dir.path().join("p");
    assert_eq!(at(&near, None).expect("near").root, root);
    assert_eq!(at(&far, None), None);
    assert_eq!(at(&near, Some(&root)), None);
    assert_eq!(at(Path::new("~/p/1"), Some(dir.path())).expect("~ is expanded").root, root);
}

#[test]
fn files_are_told_in_a_fixed_order() {
    let dir = Scratch::new();
    for name in ["go.mod", "setup.py", "CLAUDE.md", "AGENTS.md", "yarn.lock", "bun.lock", "bun.lockb"] {
        dir.write(name, "");
    }
    // A directory is no manifest.
    dir.dir("Dockerfile");
    let facts = at(dir.path(), None).expect("a project");
    assert_eq!(facts.manifests, ["setup.py", "go.mod"]);
    assert_eq!(facts.context_files, ["AGENTS.md", "CLAUDE.md"]);
    assert_eq!(facts.package_managers, ["bun", "yarn"]);
    assert!(facts.verify_commands.is_empty());
}

#[test]
fn commands_come_from_scripts_and_targets() {
    let dir = Scratch::new();
    dir.write("package.json", r#"{"scripts":{"build":"b","test":"t","dev":"d"}}"#);
    assert_eq!(commands(&dir), ["npm run test", "npm run build"]);
    dir.write("pnpm-lock.yaml", "");
    dir.write("scripts/run_tests.sh", "");
    dir.write("pyproject.toml", "[tool.pytest.ini_options]\n");
    dir.write("Makefile", "lint :\n\tx\ntests: a\nfmt := x\ncheck ::= y\nbuild::\n\ttest:\n");
    let want = [
        "scripts/run_tests.sh",
        "pnpm run test",
        "pnpm run build",
        "pytest",
        "make tests",
        "make lint",
        "make build",
    ];
    assert_eq!(commands(&dir), want);
}

#[test]
fn at_most_eight_commands_and_none_from_what_cannot_be_read() {
    let dir = Scratch::new();
    let rules: String = TARGETS.iter().map(|name| format!("{name}:\n")).collect();
    dir.write("Makefile", &rules);
    dir.write("pytest.ini", "");
    assert_eq!(commands(&dir).len(), COMMANDS_MAX);
    assert_eq!(commands(&dir)[0], "pytest");
    dir.write("Makefile", format!("{rules}{}", "#".repeat(FILE_BYTES_MAX as usize)));
    for package in [r#"{"scripts":["test"]}"#, r#"["test"]"#, "{", ""] {
        dir.write("package.json", package);
        assert_eq!(commands(&dir), ["pytest"], "{package}");
    }
}
