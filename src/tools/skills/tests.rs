//! The tools on real folders.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::super::path::testing::Room;
use super::*;

/// Writes a file below the skills of the room.
fn write(room: &Room, name: &str, text: &str) {
    let path = room.desk.home.join("skills").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn skill(room: &Room, place: &str, front: &str) {
    write(room, &format!("{place}/SKILL.md"), &format!("---\n{front}\n---\n# Title\n\nFirst line.\n"));
}

fn view(room: &Room, name: &str, file: Option<&str>) -> Value {
    room.call(&VIEW, &json!({"name": name, "file_path": file}))
}

#[test]
fn skills_are_listed_by_category() {
    let room = Room::new();
    skill(&room, "ml/tune", "name: fine-tune\ndescription: Tunes\n");
    skill(&room, "ml/tune/scripts/inner", "name: hidden");
    skill(&room, "notes", "x: 1");
    skill(&room, "zz/again", "name: notes");
    skill(&room, ".archive/old", "name: old");
    skill(&room, "other", "name: other\nplatforms: [plan9]");
    skill(&room, "a/b/c/d/e", "name: too-deep");
    let result = room.call(&LIST, &json!({}));
    let want = json!([
        {"name": "notes", "description": "First line.", "category": "general"},
        {"name": "fine-tune", "description": "Tunes", "category": "ml"},
    ]);
    assert_eq!((&result["skills"], &result["count"]), (&want, &json!(2)));
    assert_eq!(result["categories"], json!(["general", "ml"]));
    assert_eq!(room.call(&LIST, &json!({"category": "ML"}))["count"], 1);
    let by_category = categories(&room.desk.home, &[]);
    assert_eq!(json!(by_category), json!({"general": ["notes"], "ml": ["fine-tune"]}));
}

#[test]
fn without_skills_there_is_nothing_to_show() {
    let room = Room::new();
    assert_eq!(room.call(&LIST, &json!({}))["count"], 0);
    assert_eq!((for_prompt(&room.desk.home, &[]), categories(&room.desk.home, &[]).len()), (None, 0));
}

#[test]
fn links_are_followed_but_not_in_circles() {
    let room = Room::new();
    room.write("mine/SKILL.md", "Mine.");
    room.write("secret.md", "away");
    fs::create_dir_all(room.desk.home.join("skills/out")).unwrap();
    symlink(room.workspace().join("mine"), room.desk.home.join("skills/linked")).unwrap();
    symlink("..", room.workspace().join("mine/circle")).unwrap();
    symlink(room.workspace().join("secret.md"), room.desk.home.join("skills/out/SKILL.md")).unwrap();
    let result = room.call(&LIST, &json!({}));
    assert_eq!((&result["count"], &result["skills"][0]["name"]), (&json!(1), &json!("linked")));
}

#[test]
fn a_skill_is_shown_with_what_belongs_to_it() {
    let room = Room::new();
    let front = "name: deploy\ndescription: Deploys\nmetadata:\n  hermes:\n    tags: [ops, ssh]\n    \
                 related_skills: [other]";
    skill(&room, "ops/deploy", front);
    write(&room, "ops/deploy/references/api.md", "API token=canary");
    write(&room, "ops/deploy/scripts/sub/run.sh", "#!/bin/sh\n");
    write(&room, "ops/deploy/notes.txt", "not linked");
    let result = view(&room, "deploy", None);
    assert_eq!(result["success"], true);
    assert_eq!((&result["tags"], &result["related_skills"]), (&json!(["ops", "ssh"]), &json!(["other"])));
    assert_eq!(result["path"], "ops/deploy/SKILL.md");
    let linked = json!({"references": ["references/api.md"], "scripts": ["scripts/sub/run.sh"]});
    assert_eq!(result["linked_files"], linked);
    assert!(result["content"].as_str().unwrap().ends_with("First line.\n"));
    assert_eq!((&result["setup_needed"], &result["readiness_status"]), (&json!(false), &json!("available")));
    let file = view(&room, "deploy", Some("references/api.md"));
    assert_eq!((&file["content"], &file["file_type"]), (&json!("API token=***"), &json!(".md")));
    assert_eq!(view(&room, "ops/deploy", None)["name"], "deploy");
    assert_eq!(view(&room, "DEPLOY", None)["name"], "deploy");
    let missing = view(&room, "deploy", Some("references/none.md"));
    assert_eq!((&missing["success"], &missing["available_files"]), (&json!(false), &linked));
}

#[test]
fn what_is_missing_is_named_and_never_shown() {
    let room = Room::new();
    let front = "name: x\nrequired_environment_variables:\n  - name: TGW_TEST_SET\n  - \
                 {name: TGW_TEST_MISSING, prompt: Key}\n  - bad name\n\
                 required_credential_files: [{path: auth/x.json}]\n\
                 prerequisites: {env_vars: [TGW_TEST_OLD], commands: [sh, tgw-none, ../x]}";
    skill(&room, "x", front);
    fs::write(room.desk.home.join(".env"), "TGW_TEST_SET=canary\nTGW_TEST_OLD=\n").unwrap();
    let result = view(&room, "x", None);
    let missing = json!(["TGW_TEST_MISSING", "TGW_TEST_OLD"]);
    assert_eq!(result["missing_required_environment_variables"], missing);
    let second = json!({"name": "TGW_TEST_MISSING", "prompt": "Key"});
    assert_eq!(result["required_environment_variables"][1], second);
    assert_eq!(result["missing_required_commands"], json!(["tgw-none", "../x"]));
    assert_eq!(result["missing_credential_files"], json!(["auth/x.json"]));
    assert_eq!(
        (&result["setup_needed"], &result["readiness_status"]),
        (&json!(true), &json!("setup_needed"))
    );
    assert!(!result.to_string().contains("canary"));
}

#[test]
fn one_name_of_several_skills_is_not_guessed() {
    let room = Room::new();
    skill(&room, "a/same", "description: A");
    skill(&room, "b/same", "description: B");
    let result = view(&room, "same", None);
    assert_eq!((&result["success"], &result["matches"]), (&json!(false), &json!(["a/same", "b/same"])));
    assert_eq!(view(&room, "b/same", None)["description"], "B");
    let none = view(&room, "none", None);
    assert_eq!(none["available_skills"], json!(["same"]));
}

#[test]
fn nothing_outside_the_folder_is_shown() {
    let room = Room::new();
    skill(&room, "x", "name: x");
    let folder = room.desk.home.join("skills/x");
    fs::write(room.desk.home.join("secret.md"), "canary").unwrap();
    fs::create_dir(folder.join("references")).unwrap();
    symlink("../../../secret.md", folder.join("references/out.md")).unwrap();
    symlink("../../..", folder.join("references/up")).unwrap();
    symlink("../SKILL.md", folder.join("references/in.md")).unwrap();
    for file in ["../../secret.md", "/etc/passwd", "references/out.md", "references/up/secret.md"] {
        let result = view(&room, "x", Some(file));
        assert_eq!(result["success"], false, "{file}");
        assert!(!result.to_string().contains("canary"), "{file}");
    }
    assert_eq!(view(&room, "../x", None)["success"], false);
    assert_eq!(view(&room, "x", None)["linked_files"], json!({"references": ["references/in.md"]}));
    assert_eq!(view(&room, "x", Some("references/in.md"))["success"], true);
}

#[test]
fn long_and_binary_files_are_bounded() {
    let room = Room::new();
    skill(&room, "x", "name: x");
    write(&room, "x/assets/long.txt", &"é".repeat(250_000));
    write(&room, "x/assets/bin", "a\0b");
    let long = view(&room, "x", Some("assets/long.txt"));
    assert_eq!(long["content"].as_str().unwrap().chars().count(), 100_000);
    assert!(long["note"].as_str().unwrap().contains("read_file"));
    let binary = view(&room, "x", Some("assets/bin"));
    assert!(binary["content"].as_str().unwrap().contains("binary"), "{binary}");
}

#[test]
fn the_list_in_the_prompt_is_bounded() {
    let room = Room::new();
    for at in 0..80 {
        skill(&room, &format!("c/s{at:02}"), &format!("description: {}", "d".repeat(300)));
    }
    let prompt = for_prompt(&room.desk.home, &[]).unwrap();
    assert!(prompt.chars().count() <= 6_000 && prompt.contains("\n- s00: ddd"));
    assert!(prompt.ends_with("more: see skills_list."), "{prompt}");
}

#[test]
fn other_folders_come_after_the_home() {
    let room = Room::new();
    skill(&room, "a/same", "description: Ours");
    skill(&room, "both", "name: here");
    room.write("team/a/same/SKILL.md", "---\ndescription: Theirs\n---\n");
    room.write("team/z/more/SKILL.md", "---\nname: more\ndescription: More\n---\nText.\n");
    room.write("team/z/more/references/x.md", "x");
    room.write("second/more/SKILL.md", "---\nname: more\n---\n");
    room.write("second/b/both/SKILL.md", "---\nname: both\n---\n");
    let base = room.workspace();
    let own = room.desk.home.join("skills");
    let others: Vec<_> = [base.join("none"), own, base.join("team"), base.join("second")].into();
    room.desk.use_skill_folders(&others.clone().into());
    let list = room.call(&LIST, &json!({}));
    let want = json!([
        {"name": "same", "description": "Ours", "category": "a"},
        {"name": "both", "description": "", "category": "b"},
        {"name": "here", "description": "First line.", "category": "general"},
        {"name": "more", "description": "More", "category": "z"},
    ]);
    assert_eq!(list["skills"], want);
    let same = view(&room, "same", None);
    assert_eq!(same["description"], "Ours", "what is shadowed could not be named");
    let more = view(&room, "z/more", None);
    assert_eq!((&more["path"], &more["name"]), (&json!("z/more/SKILL.md"), &json!("more")));
    assert_eq!(more["linked_files"], json!({"references": ["references/x.md"]}));
    assert_eq!(view(&room, "more", None)["matches"], json!(["z/more", "more"]));
    let found = rows(&room.desk.home, &others, Some("z/more"));
    assert_eq!(found[0].root, Some(base.join("team")));
    assert!(rows(&room.desk.home, &others, Some("same")).iter().all(|row| row.root.is_none()));
    assert!(for_prompt(&room.desk.home, &others).unwrap().contains("\n- more: More"));
    assert_eq!(categories(&room.desk.home, &others)["z"], ["more"]);
}
