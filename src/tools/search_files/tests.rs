//! The tool as the model sees it.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::super::path::testing::Room;
use super::*;

fn search(room: &Room, args: Value) -> Value {
    room.call(&TOOL, &args)
}

/// Files that have `needle` in them, and others.
fn room() -> Room {
    let room = Room::new();
    std::fs::create_dir(room.workspace().join(".git")).unwrap();
    room.write("a.rs", "one\nneedle two\nthree\n");
    room.write("src/b.rs", "needle\n");
    room.write("src/c.py", "# needle\n");
    room.write(".gitignore", "target\n");
    room.write("target/d.rs", "needle\n");
    room.write(".hidden/e.rs", "needle\n");
    room.write("data.bin", b"needle\0\n");
    room
}

#[test]
fn lines_are_found_where_people_look() {
    let found = search(&room(), json!({"pattern": r"need\w+"}));
    let want = json!({"total_count": 3, "matches": [
        {"path": "a.rs", "line": 2, "content": "needle two"},
        {"path": "src/b.rs", "line": 1, "content": "needle"},
        {"path": "src/c.py", "line": 1, "content": "# needle"},
    ]});
    assert_eq!(found, want);
}

#[test]
fn globs_and_paths_narrow_it() {
    let room = room();
    for (args, total) in [
        (json!({"pattern": "needle", "file_glob": "*.rs"}), 2),
        (json!({"pattern": "needle", "path": "src"}), 2),
        (json!({"pattern": "needle", "path": "src/c.py"}), 1),
        (json!({"pattern": "needle", "path": ".hidden"}), 1),
        (json!({"pattern": "needle", "path": "src", "file_glob": "!*.py"}), 1),
        (json!({"pattern": "^needle$"}), 1),
        (json!({"pattern": "Needle"}), 0),
    ] {
        assert_eq!(search(&room, args.clone())["total_count"], total, "{args}");
    }
}

#[test]
fn pages_follow_one_another() {
    let room = Room::new();
    room.write("a", "x\n".repeat(7));
    let first = search(&room, json!({"pattern": "x", "limit": 5}));
    assert_eq!((&first["total_count"], &first["truncated"]), (&json!(7), &json!(true)));
    assert!(first["hint"].as_str().unwrap().contains("offset=5"), "{first}");
    assert_eq!(first["matches_text"], "a\n  1: x\n  2: x\n  3: x\n  4: x\n  5: x\n");
    let second = search(&room, json!({"pattern": "x", "limit": 5, "offset": 5}));
    assert_eq!(second["matches"][1]["line"], 7);
    assert_eq!((second.get("truncated"), second.get("hint")), (None, None));
}

#[test]
fn context_is_marked() {
    let room = Room::new();
    room.write("a", "1\nneedle\n3\n4\n");
    let found = search(&room, json!({"pattern": "needle", "context": 1}));
    assert_eq!(found["total_count"], 1);
    assert_eq!(found["matches"][0], json!({"path": "a", "line": 1, "content": "1", "context": true}));
    assert_eq!(found["matches"][2]["line"], 3);
    assert_eq!(found["matches"].as_array().unwrap().len(), 3);
}

#[test]
fn files_are_listed_newest_first() {
    let room = room();
    let old = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(room.workspace().join("a.rs")).unwrap().set_modified(old).unwrap();
    let found = search(&room, json!({"pattern": "*.rs", "target": "files"}));
    assert_eq!(found, json!({"total_count": 2, "files": ["src/b.rs", "a.rs"]}));
    let found = search(&room, json!({"pattern": "two|# n", "output_mode": "files_only"}));
    assert_eq!(found, json!({"total_count": 2, "files": ["src/c.py", "a.rs"]}));
}

#[test]
fn lines_are_counted_by_file() {
    let found = search(&room(), json!({"pattern": "e", "output_mode": "count", "limit": 2}));
    assert_eq!(found["counts"], json!({"a.rs": 3, "src/b.rs": 1}));
    assert_eq!((&found["total_count"], &found["truncated"]), (&json!(5), &json!(true)));
}

#[test]
fn secrets_are_not_found() {
    let room = Room::new();
    std::fs::write(room.desk.home.join("auth.json"), "canary").unwrap();
    symlink(room.desk.home.join("auth.json"), room.workspace().join("link")).unwrap();
    room.write("key.pem", "-----BEGIN PRIVATE KEY-----\ncanary\n");
    room.write("log", "token=canary\n");
    let home = room.desk.home.display().to_string();
    for path in [".", "link", home.as_str()] {
        let found = search(&room, json!({"pattern": ".", "path": path})).to_string();
        assert!(!found.contains("canary"), "{path}: {found}");
    }
}

#[test]
fn what_cannot_be_searched_is_said() {
    let room = Room::new();
    room.write("a", "f(x\n");
    let missing = search(&room, json!({"pattern": "x", "path": "none"}));
    assert_eq!(missing, json!({"total_count": 0, "error": "Path not found: none"}));
    let plain = search(&room, json!({"pattern": "f(x"}));
    assert_eq!((&plain["total_count"], plain["pattern_note"].is_string()), (&json!(1), true));
    for args in [
        json!({"pattern": ""}),
        json!({"pattern": "a\nb"}),
        json!({"pattern": "x", "target": "web"}),
        json!({"pattern": "x", "output_mode": "all"}),
        json!({"pattern": "x", "file_glob": "["}),
        json!({"pattern": "x", "path": "/proc"}),
    ] {
        assert!(search(&room, args.clone())["error"].is_string(), "{args}");
    }
}

#[test]
fn an_interrupted_search_says_so() {
    let room = room();
    room.turn.interrupt.store(true, Ordering::SeqCst);
    let found = search(&room, json!({"pattern": "needle"}));
    assert!(found["incomplete"].as_str().unwrap().contains("interrupted"), "{found}");
}

#[test]
fn going_in_circles_is_noticed() {
    let room = room();
    let again = || search(&room, json!({"pattern": "needle"}));
    for _ in 0..2 {
        assert_eq!(again().get("_warning"), None);
    }
    assert!(again()["_warning"].is_string());
    assert!(again()["error"].as_str().unwrap().starts_with("BLOCKED"));
    room.write("new.rs", "needle\n");
    assert_eq!(again()["total_count"], 4, "there is something new");
}
