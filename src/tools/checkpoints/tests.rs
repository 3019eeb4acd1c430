//! Checkpoints with the git that is installed. Without one there is nothing to test.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::super::path::testing::Room;
use super::super::{patch, terminal, write_file};
use super::*;
use crate::model::checkpoint::Checkpoint;

/// A room where checkpoints are made; `None` without git.
fn room() -> Option<Room> {
    let has_git = Command::new("git").arg("--version").output().is_ok_and(|said| said.status.success());
    let room = has_git.then(Room::new)?;
    room.desk.checkpoints.set(true);
    room.desk.approvals.lock().unwrap_or_else(PoisonError::into_inner).set_yolo(true);
    Some(room)
}

fn write(room: &Room, path: &str, content: &str) {
    let result = room.call(&write_file::TOOL, &json!({ "path": path, "content": content }));
    assert_eq!(result.get("error"), None, "{result}");
}

fn next_turn(room: &Room) {
    room.desk.begin_turn(&room.workspace());
}

fn run(room: &Room, work: CheckpointWork) -> Result<CheckpointDone, CheckpointError> {
    room.desk.checkpoints.run(&room.desk.home, &CheckpointJob { dir: room.workspace(), work })
}

fn list(room: &Room) -> Vec<Checkpoint> {
    match run(room, CheckpointWork::List) {
        Ok(CheckpointDone::Listed(Some(list))) => list,
        other => panic!("no list: {other:?}"),
    }
}

fn reasons(room: &Room) -> Vec<String> {
    list(room).into_iter().map(|checkpoint| checkpoint.reason).collect()
}

fn restore(room: &Room, at: &str, file: Option<&str>) -> Result<CheckpointDone, CheckpointError> {
    run(room, CheckpointWork::Restore { at: at.to_owned(), file: file.map(str::to_owned) })
}

fn compare(room: &Room, at: &str) -> (String, String) {
    match run(room, CheckpointWork::Compare { at: at.to_owned() }) {
        Ok(CheckpointDone::Compared { stat, diff }) => (stat, diff),
        other => panic!("not compared: {other:?}"),
    }
}

#[test]
fn a_restore_brings_back_the_bytes_and_leaves_new_files() {
    let Some(room) = room() else { return };
    room.write(".gitattributes", "* text=auto\n");
    room.write("text", "one\r\ntwo\n");
    room.write("dir/bytes", [0_u8, 13, 10, 255]);
    write(&room, "text", "other");
    fs::remove_dir_all(room.workspace().join("dir")).unwrap();
    room.write("new", "stays");
    let kept = list(&room);
    assert_eq!(reasons(&room), ["before write_file"]);
    let done = restore(&room, "1", None).unwrap();
    assert_eq!(done, CheckpointDone::Restored { from: kept[0].clone(), dir: room.workspace() });
    assert_eq!((room.text("text").as_str(), room.text("new").as_str()), ("one\r\ntwo\n", "stays"));
    assert_eq!(fs::read(room.workspace().join("dir/bytes")).unwrap(), [0, 13, 10, 255]);
    let short: String = kept[0].id.chars().take(8).collect();
    assert_eq!(reasons(&room), [format!("before restoring {short}"), "before write_file".to_owned()]);
    restore(&room, "1", None).unwrap();
    assert_eq!(room.text("text"), "other", "a restore can be taken back");
}

#[test]
fn a_directory_is_kept_once_a_turn() {
    let Some(room) = room() else { return };
    room.write("a", "1");
    write(&room, "a", "2");
    write(&room, "nested/b", "2");
    assert_eq!(list(&room).len(), 1);
    next_turn(&room);
    let edit = json!({ "path": "a", "old_string": "2", "new_string": "3" });
    assert_eq!(room.call(&patch::TOOL, &edit)["success"], true);
    assert_eq!(reasons(&room), ["before patch", "before write_file"]);
    restore(&room, "2", None).unwrap();
    assert_eq!(room.text("a"), "1");
}

#[test]
fn what_did_not_change_is_kept_once() {
    let Some(room) = room() else { return };
    room.write("a", "1");
    for _ in 0..2 {
        next_turn(&room);
        write(&room, "a", "1");
    }
    assert_eq!(list(&room).len(), 1);
}

#[test]
fn a_command_that_loses_files_is_kept_before() {
    let Some(room) = room() else { return };
    room.write("dir/a", "1");
    room.call(&terminal::TOOL, &json!({ "command": "ls" }));
    assert!(list(&room).is_empty());
    room.call(&terminal::TOOL, &json!({ "command": "rm -rf dir" }));
    assert_eq!(reasons(&room), ["before terminal: rm -rf dir"]);
    restore(&room, "1", None).unwrap();
    assert_eq!(room.text("dir/a"), "1");
}

#[test]
fn what_is_excluded_is_left_alone() {
    let Some(room) = room() else { return };
    for name in [".env", "node_modules/x", "ignored"] {
        room.write(name, "before");
    }
    room.write(".gitignore", "ignored\n");
    write(&room, "a", "1");
    for name in [".env", "node_modules/x", "ignored"] {
        room.write(name, "after");
    }
    restore(&room, "1", None).unwrap();
    for name in [".env", "node_modules/x", "ignored"] {
        assert_eq!(room.text(name), "after", "{name}");
    }
}

#[test]
fn a_repository_of_the_user_stays_as_it_is() {
    let Some(room) = room() else { return };
    room.write("a", "1");
    let git = |args: &[&str]| {
        let done = Command::new("git").args(args).current_dir(room.workspace()).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "a"]);
    let read = |name: &str| fs::read(room.workspace().join(".git").join(name)).unwrap();
    let before = ["HEAD", "index", "config"].map(read);
    write(&room, "a", "2");
    room.write("nested/.git/HEAD", "ref: refs/heads/none\n");
    room.write("nested/b", "b");
    restore(&room, "1", None).unwrap();
    assert_eq!(["HEAD", "index", "config"].map(read), before);
    assert_eq!((room.text("a").as_str(), room.text("nested/b").as_str()), ("1", "b"));
}

#[test]
fn one_file_is_restored_within_the_workspace_only() {
    let Some(room) = room() else { return };
    room.write("a", "1");
    room.write("d/b", "1");
    write(&room, "a", "2");
    room.write("d/b", "2");
    restore(&room, "1", Some("d/b")).unwrap();
    assert_eq!((room.text("a").as_str(), room.text("d/b").as_str()), ("2", "1"));
    let count = list(&room).len();
    for (file, want) in [
        ("../x", CheckpointError::Outside),
        ("d/../../x", CheckpointError::Outside),
        ("/etc/passwd", CheckpointError::Absolute),
    ] {
        assert_eq!(restore(&room, "1", Some(file)), Err(want), "{file}");
    }
    assert_eq!(restore(&room, "99", None), Err(CheckpointError::Number { count }));
    assert_eq!(list(&room).len(), count, "nothing is kept for what is refused");
    assert!(matches!(restore(&room, "1", Some("none")), Err(CheckpointError::Git(_))));
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_written_through() {
    let Some(room) = room() else { return };
    room.write("d/b", "1");
    write(&room, "a", "2");
    let outside = room.desk.home.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(room.workspace().join("d")).unwrap();
    std::os::unix::fs::symlink(&outside, room.workspace().join("d")).unwrap();
    assert_eq!(restore(&room, "1", Some("d/b")), Err(CheckpointError::Outside));
    restore(&room, "1", None).unwrap();
    assert_eq!(room.text("d/b"), "1");
    assert!(!outside.join("b").exists());
}

#[test]
fn changes_are_compared_new_files_too() {
    let Some(room) = room() else { return };
    room.write("a", "old\n");
    write(&room, "a", "new\n");
    room.write("b", "b\n");
    let (stat, diff) = compare(&room, "1");
    assert!(stat.contains("2 files changed"), "{stat}");
    assert!(diff.contains("-old\n+new\n") && diff.contains("+b\n"), "{diff}");
    room.write("b", "long line\n".repeat(1_000));
    assert_eq!(compare(&room, "1").1.chars().count(), 4_000);
    let unknown = run(&room, CheckpointWork::Compare { at: "ffffff".to_owned() });
    assert_eq!(unknown, Err(CheckpointError::Unknown("ffffff".to_owned())));
}

#[test]
fn nothing_is_kept_while_they_are_off() {
    let Some(room) = room() else { return };
    room.desk.checkpoints.set(false);
    room.write("a", "1");
    write(&room, "a", "2");
    assert_eq!(run(&room, CheckpointWork::List), Ok(CheckpointDone::Listed(None)));
    assert!(!room.desk.home.join("checkpoints").exists());
}

fn open(room: &Room) -> Store {
    Store::open(&room.desk.home, &room.workspace()).unwrap()
}

fn keep(room: &Room, number: usize) {
    room.write("a", number.to_string());
    open(room).keep(&format!("before {number}")).unwrap();
}

#[test]
fn the_oldest_go_and_the_others_keep_their_ids() {
    let Some(room) = room() else { return };
    (0..20).for_each(|number| keep(&room, number));
    let before = list(&room);
    keep(&room, 20);
    let after = list(&room);
    assert_eq!((before.len(), after.len()), (20, 20));
    assert_eq!(after[1..], before[..19]);
    assert_eq!(after[0].reason, "before 20");
    open(&room).shorten_all(5).unwrap();
    assert_eq!(list(&room), after[..5]);
    open(&room).keep_newest_only().unwrap();
    assert_eq!(list(&room), after[..1]);
}

#[test]
fn a_chain_of_the_original_is_read_and_goes_on() {
    let Some(room) = room() else { return };
    room.write("a", "1");
    {
        let store = open(&room);
        let tree = store.tree().unwrap();
        let first = store.git.text(&["commit-tree", &tree, "-m", "first"]).unwrap();
        let second = store.git.text(&["commit-tree", &tree, "-p", &first, "-m", "second"]).unwrap();
        let reference = format!("refs/hermes/{}", store::name(&room.workspace()));
        store.git.text(&["update-ref", &reference, &second]).unwrap();
    }
    assert_eq!(reasons(&room), ["second", "first"]);
    keep(&room, 2);
    assert_eq!(reasons(&room), ["before 2", "second", "first"]);
}

#[test]
fn directories_are_named_as_in_the_original() {
    // The first digits of the SHA-256 of the path, as `sha256sum` gives it.
    assert_eq!(store::name(Path::new("abc")), "ba7816bf8f01cfea");
}
