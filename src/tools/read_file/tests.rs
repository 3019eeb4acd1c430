//! The tool as the model sees it.

use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;

use super::super::path::testing::Room;
use super::*;

fn read(room: &Room, args: &Value) -> Value {
    room.call(&TOOL, args)
}

#[test]
fn a_file_is_read_with_numbers() {
    let room = Room::new();
    room.write("a.txt", "alpha\nbeta\n");
    let result = read(&room, &json!({"path": "a.txt"}));
    let want = json!({"content": "1|alpha\n2|beta", "total_lines": 2, "file_size": 11, "truncated": false,
        "is_binary": false, "is_image": false});
    assert_eq!(result, want);
}

#[test]
fn a_page_names_the_next_one() {
    let room = Room::new();
    room.write("a", "1\n2\n3\n");
    let result = read(&room, &json!({"path": "a", "offset": "2", "limit": 1}));
    assert_eq!((&result["content"], &result["truncated"]), (&json!("2|2"), &json!(true)));
    assert_eq!(result["hint"], "Lines 2-2 of 3 are shown. Use offset=3 for more.");
    let result = read(&room, &json!({"path": "a", "offset": 9}));
    assert_eq!(result["hint"], "The file has only 3 lines.");
}

#[test]
fn a_missing_file_names_its_neighbours() {
    let room = Room::new();
    room.write("src/main.rs", "");
    let result = read(&room, &json!({"path": "src/mian.rs"}));
    let want =
        json!({"content": "", "error": "File not found: src/mian.rs", "similar_files": ["src/main.rs"]});
    assert_eq!(result, want);
}

#[test]
fn a_directory_is_said_to_be_one() {
    let room = Room::new();
    room.write("d/b", "");
    room.write("d/a/x", "");
    let result = read(&room, &json!({"path": "d"}));
    assert_eq!(result["error"], "d is a directory, not a file.");
    assert_eq!(result["entries"], json!(["a/", "b"]));
}

#[test]
fn pictures_and_binaries_are_told_apart() {
    let room = Room::new();
    room.write("p", b"\x89PNG\r\n\x1a\n");
    room.write("b", b"\x7fELF\0");
    for (path, is_image) in [("p", true), ("b", false)] {
        let result = read(&room, &json!({"path": path}));
        assert_eq!((&result["is_binary"], &result["is_image"]), (&json!(true), &json!(is_image)));
        assert!(result["error"].is_string());
    }
}

#[test]
fn secrets_stay_where_they_are() {
    let room = Room::new();
    std::fs::write(room.desk.home.join(".env"), "KEY=canary").unwrap();
    symlink(room.desk.home.join(".env"), room.workspace().join("link")).unwrap();
    room.write("key", "-----BEGIN PRIVATE KEY-----\ncanary\n");
    room.write("log", "GET /?token=canary\n");
    for path in ["link", "key", "log", "/proc/self/environ", "/dev/zero"] {
        let result = read(&room, &json!({"path": path})).to_string();
        assert!(!result.contains("canary"), "{path}: {result}");
        assert_eq!(result.contains("error"), path != "log", "{path}: {result}");
    }
}

#[test]
fn the_same_lines_are_not_read_twice_until_the_file_changes() {
    let room = Room::new();
    room.write("a", "x");
    let args = json!({"path": "a"});
    assert_eq!(read(&room, &args)["content"], "1|x");
    let again = read(&room, &args);
    assert_eq!((&again["status"], &again["dedup"]), (&json!("unchanged"), &json!(true)));
    assert!(read(&room, &args)["error"].as_str().unwrap().starts_with("BLOCKED"));
    room.write("a", "longer");
    assert_eq!(read(&room, &args)["content"], "1|longer");
}

#[test]
fn an_interrupted_turn_reads_nothing() {
    let room = Room::new();
    room.write("a", "x");
    room.turn.interrupt.store(true, Ordering::SeqCst);
    assert_eq!(read(&room, &json!({"path": "a"})), json!({"error": "Interrupted."}));
}
