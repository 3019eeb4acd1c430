//! Snapshots kept, listed and read, and paths that lead elsewhere.

use super::*;
use crate::base::scratch::Scratch;
use std::os::unix::fs::{PermissionsExt, symlink};

fn tree(session_id: &str, finished_at: f64, stamp: &str, label: &str) -> TreeJob {
    let about = TreeAbout {
        session_id: session_id.to_owned(),
        started_at: None,
        finished_at,
        label: label.to_owned(),
        count: 1,
    };
    let subagents = r#"[{"id":"a"}]"#.to_owned();
    TreeJob::Save(Box::new(NewTree { about, stamp: stamp.to_owned(), subagents }))
}

fn saved(root: &Path, job: &TreeJob) -> PathBuf {
    match run(job, root, None) {
        Ok(TreeDone::Saved(path)) => path,
        other => panic!("{other:?}"),
    }
}

/// Labels and counts of what is listed.
fn listed(root: &Path, session_id: &str, all: bool, limit: usize) -> Vec<(String, usize)> {
    let job = TreeJob::List { session_id: session_id.to_owned(), all, limit };
    match run(&job, root, None) {
        Ok(TreeDone::Listed(found)) => {
            found.into_iter().map(|(_, about)| (about.label, about.count)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn loaded(root: &Path, path: impl AsRef<Path>) -> Result<TreeDone, String> {
    run(&TreeJob::Load { path: path.as_ref().display().to_string() }, root, None)
}

fn one(label: &str) -> (String, usize) {
    (label.to_owned(), 1)
}

#[test]
fn a_snapshot_is_kept_listed_and_read() {
    let home = Scratch::new();
    let root = home.path().join("spawn-trees");
    let path = saved(&root, &tree("a", 5.0, "t1", "one"));
    assert_eq!(path, root.join("a/t1.json"));
    let text =
        r#"{"session_id":"a","started_at":null,"finished_at":5.0,"label":"one","subagents":[{"id":"a"}]}"#;
    assert_eq!(loaded(&root, &path), Ok(TreeDone::Loaded(text.to_owned())));
    assert_eq!(loaded(&root, "a/t1.json"), Ok(TreeDone::Loaded(text.to_owned())));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&root)), (0o600, 0o700));
    let names = fs::read_dir(root.join("a")).unwrap().count();
    assert_eq!(names, 2, "the snapshot and the index, no draft");
}

#[test]
fn lists_are_newest_first_and_without_what_is_gone() {
    let home = Scratch::new();
    let root = home.path();
    assert!(listed(root, "a", true, 50).is_empty());
    let gone = saved(root, &tree("a", 9.0, "t9", "gone"));
    saved(root, &tree("a", 5.0, "t5", "first try"));
    saved(root, &tree("a", 5.0, "t5", "five"));
    saved(root, &tree("a", 7.0, "t7", "seven"));
    saved(root, &tree("b/../c", 6.0, "t6", "six"));
    fs::remove_file(gone).unwrap();
    fs::write(root.join("file"), "").unwrap();
    assert_eq!(listed(root, "a", false, 50), [one("seven"), one("five")]);
    assert_eq!(listed(root, "b/../c", false, 50), [one("six")]);
    assert_eq!(listed(root, "x", true, 50), [one("seven"), one("six"), one("five")]);
    assert_eq!(listed(root, "x", true, 1), [one("seven")]);
}

#[test]
fn without_an_index_the_snapshots_are_opened() {
    let home = Scratch::new();
    let path = saved(home.path(), &tree("a", 5.0, "t5", "five"));
    fs::write(path.with_file_name(INDEX), "{}\nnonsense\n").unwrap();
    fs::write(path.with_file_name("t6.json"), "nonsense").unwrap();
    // The one that cannot be read has the time of its file.
    assert_eq!(listed(home.path(), "a", false, 50), [(String::new(), 0), one("five")]);
}

#[test]
fn an_index_names_nothing_outside_of_its_folder() {
    let home = Scratch::new();
    let path = saved(home.path(), &tree("a", 5.0, "t5", "five"));
    let index = fs::read_to_string(path.with_file_name(INDEX)).unwrap();
    let moved = index.replace(&path.display().to_string(), "/old/home/t5.json");
    let other = moved.replace("t5", "passwd").replace("/old/home", "/etc");
    fs::write(path.with_file_name(INDEX), format!("{moved}{other}")).unwrap();
    assert_eq!(listed(home.path(), "a", false, 50), [one("five")]);
}

#[test]
fn nothing_outside_is_read() {
    let home = Scratch::new();
    let root = home.dir("root");
    let secret = home.write("secret.json", "{}");
    symlink(&secret, root.join("link.json")).unwrap();
    symlink(home.path(), root.join("dir")).unwrap();
    for path in ["../secret.json", "link.json", "dir/secret.json", "../none.json", "/none"] {
        let outside = TreeDone::Outside(root.join(path));
        assert_eq!(loaded(&root, path), Ok(outside), "{path}");
    }
    assert!(loaded(&root, "none.json").is_err());
    assert!(loaded(&root, ".").is_err());
    home.write("root/bytes.json", [0xff]);
    assert!(loaded(&root, "bytes.json").is_err());
}

#[test]
fn folders_have_plain_names() {
    for (id, want) in [("", "default"), ("3fa2c91b", "3fa2c91b"), ("../a b.c", "___a_b_c"), ("é-_", "é-_")]
    {
        assert_eq!(dir_name(id), want);
    }
    assert_eq!(dir_name(&"é".repeat(1000)).len(), DIR_BYTES_MAX);
}
