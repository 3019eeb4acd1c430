//! Real directories and a real git, where there is one.

use std::process::Command;

use super::*;
use crate::base::scratch::Scratch;

fn sorted(index: &Index) -> Vec<String> {
    let mut list: Vec<String> = index.paths().map(str::to_owned).collect();
    list.sort_unstable();
    list
}

fn listed(root: &Path) -> Vec<String> {
    sorted(&FileLists::default().get(root, Instant::now()))
}

fn git(dir: &Path, args: &[&str]) -> bool {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    Command::new("git")
        .args(identity)
        .args(args)
        .current_dir(dir)
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn walks_where_there_is_no_git() {
    let dir = Scratch::new();
    for name in ["a.txt", ".env", "src/b.rs", ".hidden/c", "target/d", "src/build/e", "src/.f"] {
        dir.write(name, "");
    }
    std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
    let walked = |root: &Path| sorted(&walk::list(root, &|_| ()));
    assert_eq!(walked(dir.path()), [".env", "a.txt", "loop", "src/.f", "src/b.rs"]);
    assert!(walked(&dir.path().join("none")).is_empty());
}

#[test]
fn asks_git_where_there_is_one() {
    let dir = Scratch::new();
    if !git(dir.path(), &["init", "-q"]) {
        return;
    }
    for name in ["tracked", "gone", "new é", "ignored/x", ".gitignore", "sub/.env", "sub/y"] {
        dir.write(name, if name == ".gitignore" { "ignored/\n" } else { "" });
    }
    assert!(git(dir.path(), &["add", "tracked", "gone"]));
    std::fs::remove_file(dir.path().join("gone")).unwrap();
    assert_eq!(listed(dir.path()), [".gitignore", "gone", "new é", "sub/.env", "sub/y", "tracked"]);
    assert_eq!(listed(&dir.path().join("sub")), [".env", "y"], "relative to the root asked for");
    assert_eq!(listed(&dir.path().join("ignored")), ["x"], "git has nothing here, so it is walked");
}

#[test]
fn a_repository_cannot_run_a_program() {
    let dir = Scratch::new();
    if !git(dir.path(), &["init", "-q"]) {
        return;
    }
    let (trap, mark) = (dir.path().join("trap"), dir.path().join("mark"));
    dir.write("trap", format!("#!/bin/sh\ntouch {}\n", mark.display()));
    assert!(Command::new("chmod").arg("+x").arg(&trap).status().unwrap().success());
    assert!(git(dir.path(), &["config", "core.fsmonitor", &trap.display().to_string()]));
    assert_eq!(listed(dir.path()), ["trap"]);
    assert!(!mark.exists());
}

#[test]
fn a_change_is_seen_at_the_next_look_and_not_before() {
    let (dir, lists, now) = (Scratch::new(), FileLists::default(), Instant::now());
    dir.write("a", "");
    assert_eq!(sorted(&lists.get(dir.path(), now)), ["a"]);
    dir.write("b", "");
    assert_eq!(sorted(&lists.get(dir.path(), now + LOOK_AFTER / 2)), ["a"], "too early to look");
    let mut seen = Vec::new();
    // Reading takes longer than an answer waits for it, at worst.
    for look in 2..100 {
        seen = sorted(&lists.get(dir.path(), now + LOOK_AFTER * look));
        if seen.len() == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(seen, ["a", "b"]);
}

#[test]
fn roots_are_forgotten_the_oldest_first() {
    let (dir, lists, now) = (Scratch::new(), FileLists::default(), Instant::now());
    for n in 0..2 * u32::try_from(MAX_ROOTS).unwrap() {
        lists.get(&dir.dir(&format!("d{n}")), now + Duration::from_millis(n.into()));
    }
    let roots = lists.lock();
    assert!(
        roots.len() <= MAX_ROOTS && roots.contains_key(&dir.path().join(format!("d{}", 2 * MAX_ROOTS - 1)))
    );
}
