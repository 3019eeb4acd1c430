//! The tool as the model sees it.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::path::testing::Room;
use super::super::read_file;
use super::*;

fn replace(room: &Room, path: &str, old: &str, new: &str) -> Value {
    room.call(&TOOL, &json!({"path": path, "old_string": old, "new_string": new}))
}

fn patch(room: &Room, patch: &str) -> Value {
    room.call(&TOOL, &json!({"mode": "patch", "patch": patch}))
}

#[test]
fn a_replacement_gives_a_diff() {
    let room = Room::new();
    let path = room.write("a.txt", "one\ntwo\n").display().to_string();
    let want = json!({"success": true, "diff": "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n",
        "files_modified": [path],
        "lint": {"status": "skipped", "message": "No parser is at hand for this kind of file."},
        "resolved_path": path});
    assert_eq!(replace(&room, "a.txt", "two", "2"), want);
    assert_eq!(room.text("a.txt"), "one\n2\n");
}

#[test]
fn several_matches_are_counted_unless_all_are_meant() {
    let room = Room::new();
    room.write("a", "x\ny\nx\n");
    let result = replace(&room, "a", "x", "z");
    assert_eq!(result["error"], "Found 2 matches for old_string in the file");
    assert!(result["_hint"].as_str().unwrap().contains("lines 1, 3"), "{result}");
    let all = json!({"path": "a", "old_string": "x", "new_string": "z", "replace_all": true});
    assert_eq!(room.call(&TOOL, &all)["success"], true);
    assert_eq!(room.text("a"), "z\ny\nz\n");
}

#[test]
fn what_is_not_there_is_said_and_nothing_is_written() {
    let room = Room::new();
    room.write("a", "x\ny\n");
    let result = replace(&room, "a", "x\nnone\n", "z");
    assert_eq!(result["error"], "Could not find a match for old_string in the file");
    assert!(result["_hint"].as_str().unwrap().contains("line 1"), "{result}");
    let wrong = [("a", "", "z"), ("a", "x", "x"), ("b", "x", "z"), ("/etc/hosts", "x", "z"), (".", "x", "z")];
    for (path, old, new) in wrong {
        assert_eq!(replace(&room, path, old, new)["success"], false, "{path} {old}");
    }
    assert_eq!(room.text("a"), "x\ny\n");
    assert!(room.call(&TOOL, &json!({"mode": "sed"}))["error"].is_string());
    assert_eq!(room.call(&TOOL, &json!({"mode": "patch"}))["error"], "patch is required");
}

#[test]
fn line_ends_mode_and_link_stay() {
    let room = Room::new();
    let target = room.write("t", "\u{feff}a\r\nb\r\n");
    std::fs::set_permissions(&target, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("t", room.workspace().join("link")).unwrap();
    assert_eq!(replace(&room, "link", "a\nb\n", "a\nx\nb\n")["success"], true);
    assert_eq!(room.text("t"), "\u{feff}a\r\nx\r\nb\r\n");
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(room.workspace().join("link").is_symlink());
}

#[test]
fn a_patch_changes_several_files() {
    let room = Room::new();
    room.write("a", "1\n2\n");
    room.write("gone", "x\n");
    room.write("old", "moved\n");
    let result = patch(
        &room,
        "*** Begin Patch\n*** Update File: a\n 1\n-2\n+two\n*** Add File: d/new\n+made\n\
         *** Delete File: gone\n*** Move File: old -> d/moved\n*** Update File: a\n-1\n+one\n*** End Patch\n",
    );
    assert_eq!(result["success"], true, "{result}");
    let texts = ["a", "d/new", "d/moved"].map(|name| room.text(name));
    assert_eq!(texts, ["one\ntwo\n", "made\n", "moved\n"]);
    assert!(!room.workspace().join("gone").exists() && !room.workspace().join("old").exists());
    let full = |name: &str| room.workspace().join(name).display().to_string();
    assert_eq!(result["files_modified"], json!([full("a")]));
    assert_eq!(result["files_created"], json!([full("d/new"), full("d/moved")]));
    assert_eq!(result["files_deleted"], json!([full("gone"), full("old")]));
    assert!(result["diff"].as_str().unwrap().contains("-x\n"), "{result}");
}

#[test]
fn nothing_is_written_when_a_hunk_does_not_fit() {
    let room = Room::new();
    room.write("a", "1\n");
    room.write("b", "2\n");
    for second in [
        "*** Update File: b\n-3\n+4\n",
        "*** Add File: b\n+x\n",
        "*** Delete File: c\n",
        "*** Move File: a -> b\n",
    ] {
        let result = patch(&room, &format!("*** Update File: a\n-1\n+one\n{second}"));
        assert_eq!(result["success"], false, "{second}");
        assert_eq!([room.text("a"), room.text("b")], ["1\n", "2\n"], "{second}");
    }
}

#[test]
fn what_was_written_is_put_back_when_the_system_refuses() {
    let room = Room::new();
    room.write("a", "1\n");
    // A file and a folder of one name cannot both be.
    let result = patch(&room, "*** Update File: a\n-1\n+one\n*** Add File: d\n+x\n*** Add File: d/e\n+x\n");
    assert_eq!(result["success"], false, "{result}");
    assert_eq!(room.text("a"), "1\n");
    assert!(!room.workspace().join("d").exists());
}

#[test]
fn a_private_key_does_not_get_into_the_diff() {
    let room = Room::new();
    room.write("key", "-----BEGIN PRIVATE KEY-----\ncanary\n");
    let result = patch(&room, "*** Delete File: key\n");
    assert_eq!(result["success"], true);
    assert!(!result.to_string().contains("canary"), "{result}");
}

#[test]
fn a_change_by_somebody_else_is_warned_about() {
    let room = Room::new();
    room.write("a", "1\n");
    assert_eq!(replace(&room, "a", "1", "22").get("_warning"), None, "never read, but the text was known");
    room.call(&read_file::TOOL, &json!({"path": "a"}));
    assert_eq!(replace(&room, "a", "22", "333").get("_warning"), None);
    room.write("a", "333 and more\n");
    assert!(replace(&room, "a", "333", "4")["_warning"].as_str().unwrap().contains("changed"));
}

#[test]
fn the_files_of_a_call() {
    let args = |args: Value| Args::parse(&args.to_string()).unwrap();
    let one = args(json!({"path": "./x/../a", "old_string": "b", "new_string": "c"}));
    assert_eq!(files(&one), ["a"]);
    let two = args(json!({"patch": "*** Update File: b\n*** Move File: ./a -> b\n"}));
    assert_eq!(files(&two), ["a", "b"]);
}
