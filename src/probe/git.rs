//! The branch of a directory, read from git's own files: no child process, a few small reads.
//!
//! Knows `.git` directories, `.git` files (worktrees, submodules) and `HEAD`; nothing else of git.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes read of `HEAD` or a `.git` file: a path may have 4,096.
const MAX_READ: u64 = 8 << 10;
/// Characters of a short commit id (git's own default).
const SHORT_ID: usize = 7;

/// The current branch of the repository that `dir` is in, or the short id of the commit when none is
/// checked out; `""` outside git.
pub fn branch(dir: &Path) -> String {
    dir.ancestors()
        .find_map(|dir| read_small(&git_dir(dir)?.join("HEAD")))
        .and_then(|head| shown(&head))
        .unwrap_or_default()
}

/// The root of the repository that `dir` is in, of its main working tree where there are several; `None`
/// outside git.
pub fn root(dir: &Path) -> Option<PathBuf> {
    let (tree, git) = dir.ancestors().find_map(|dir| {
        let git = git_dir(dir)?;
        git.join("HEAD").is_file().then_some((dir, git))
    })?;
    // Of a working tree beside the main one, this names the directory they share.
    let common = read_small(&git.join("commondir")).map_or_else(|| git.clone(), |text| git.join(text.trim()));
    let common = common.canonicalize().unwrap_or(common);
    // A submodule's lies within the repository around it; its own root is where it is.
    let main = common.parent().filter(|_| common.ends_with(".git"));
    Some(main.unwrap_or(tree).to_owned())
}

/// The repository of a directory that has `.git`: that directory itself or the one that the file names.
fn git_dir(dir: &Path) -> Option<PathBuf> {
    let entry = dir.join(".git");
    if std::fs::metadata(&entry).ok()?.is_dir() {
        return Some(entry);
    }
    let text = read_small(&entry)?;
    let named = text.strip_prefix("gitdir:")?.trim();
    // A relative path starts where the file is.
    Some(dir.join(named))
}

fn shown(head: &str) -> Option<String> {
    let head = head.trim_end();
    if let Some(name) = head.strip_prefix("ref:") {
        let name = name.trim_start().strip_prefix("refs/heads/")?;
        // The reftable format keeps a fixed word here; control characters cannot be in a name.
        let valid = !name.is_empty() && name != ".invalid" && !name.contains(char::is_control);
        return valid.then(|| name.to_owned());
    }
    let is_id = matches!(head.len(), 40 | 64) && head.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| head[..SHORT_ID].to_owned())
}

fn read_small(path: &Path) -> Option<String> {
    // Before opening: to open a pipe would wait for its writer.
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_READ).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn branches_and_commits() {
        let dir = Scratch::new();
        let deep = dir.dir("a/b/c");
        for (head, want) in [
            ("ref: refs/heads/main\n", "main"),
            ("ref: refs/heads/feature/x-1\n", "feature/x-1"),
            ("ref:refs/heads/main", "main"),
            ("0123456789abcdef0123456789abcdef01234567\n", "0123456"),
            ("0123456789abcdef\n", ""),
            ("ref: refs/remotes/origin/main\n", ""),
            ("ref: refs/heads/.invalid\n", ""),
            ("ref: refs/heads/a\x1b[31m\n", ""),
            ("ref: refs/heads/\n", ""),
            ("", ""),
            ("é", ""),
        ] {
            dir.write(".git/HEAD", head);
            assert_eq!(branch(dir.path()), want, "{head:?}");
            assert_eq!(branch(&deep), want, "{head:?} from below");
        }
        dir.write(".git/HEAD", [0xff; 50]);
        assert_eq!(branch(dir.path()), "");
        dir.write(".git/HEAD", vec![b'a'; 1 << 20]);
        assert_eq!(branch(dir.path()), "");
    }

    #[test]
    fn worktrees_and_submodules() {
        let dir = Scratch::new();
        dir.write("main/.git/HEAD", "ref: refs/heads/main\n");
        let far = dir.write("main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n");
        dir.write("w/.git", format!("gitdir: {}\n", far.parent().unwrap().display()));
        assert_eq!(branch(&dir.path().join("w")), "side");
        dir.write("main/sub/.git", "gitdir: ../.git/worktrees/w\n");
        assert_eq!(branch(&dir.path().join("main/sub")), "side");
        dir.write("main/odd/.git", "nonsense");
        assert_eq!(
            branch(&dir.path().join("main/odd")),
            "main",
            "not a repository, so the one above it counts"
        );
    }

    #[test]
    fn working_trees_share_the_root_of_the_main_one() {
        let dir = Scratch::new();
        let root_of = |name: &str| root(&dir.path().join(name));
        assert_eq!(root_of(""), None);
        dir.write("main/.git/HEAD", "ref: refs/heads/main\n");
        let far = dir.write("main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n");
        dir.write("main/.git/worktrees/w/commondir", "../..\n");
        dir.write("w/.git", format!("gitdir: {}\n", far.parent().unwrap().display()));
        dir.dir("main/a/b");
        dir.dir("w/a");
        let main = Some(dir.path().join("main"));
        assert_eq!((root_of("main"), root_of("main/a/b")), (main.clone(), main.clone()));
        assert_eq!((root_of("w"), root_of("w/a")), (main.clone(), main));
        dir.write("main/.git/modules/sub/HEAD", "ref: refs/heads/main\n");
        dir.write("main/sub/.git", "gitdir: ../.git/modules/sub\n");
        assert_eq!(root_of("main/sub"), Some(dir.path().join("main/sub")));
    }

    #[test]
    fn what_git_itself_makes() {
        let dir = Scratch::new();
        let done = std::process::Command::new("git")
            .args(["init", "-q", "-b", "trunk"])
            .current_dir(dir.path())
            .status();
        // Only where git is installed.
        if done.is_ok_and(|status| status.success()) {
            assert_eq!(branch(dir.path()), "trunk");
        }
    }
}
