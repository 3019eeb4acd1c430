//! Skills and memories in real files.

use std::fs;
use std::os::unix::fs::symlink;

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::base::scratch::Scratch;
use crate::model::learning::LearnedKind;

const SKILL: &str =
    "---\nname: tidy\ndescription: Tidies up.\nmetadata:\n  hermes: {category: home}\n---\nDo it.\n";

struct Room {
    home: Scratch,
    folders: Vec<PathBuf>,
    now: Zoned,
}

impl Room {
    fn new() -> Self {
        let now = date(2026, 7, 1).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
        Self { home: Scratch::new(), folders: Vec::new(), now }
    }

    fn with_memories() -> Self {
        let room = Self::new();
        room.home.write("memories/MEMORY.md", "first\n§\nsecond one\nmore");
        room.home.write("memories/USER.md", "# Likes tea");
        room
    }

    fn with_skill(usage: &str) -> Self {
        let room = Self::new();
        room.home.write("skills/tidy/SKILL.md", SKILL);
        room.home.write("skills/.usage.json", usage);
        room
    }

    fn run(&self, job: LearningJob) -> LearningDone {
        run(&job, &Around { home: self.home.path(), folders: &self.folders, now: &self.now }).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).unwrap()
    }

    fn detail(&self, id: &str) -> LearningDone {
        self.run(LearningJob::Detail { id: id.to_owned() })
    }

    fn delete(&self, id: &str) -> LearningDone {
        self.run(LearningJob::Delete { id: id.to_owned() })
    }

    fn edit(&self, id: &str, content: &str) -> LearningDone {
        self.run(LearningJob::Edit { id: id.to_owned(), content: content.to_owned() })
    }

    fn ids(&self) -> Vec<String> {
        match self.run(LearningJob::List) {
            LearningDone::Listed(nodes) => nodes.into_iter().map(|node| node.id).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn refused(done: LearningDone) -> String {
    match done {
        LearningDone::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn memories_have_ids_through_both_files() {
    let room = Room::with_memories();
    let mut ids = room.ids();
    ids.sort();
    assert_eq!(ids, ["memory:memory:0", "memory:memory:1", "memory:profile:2"]);
    assert_eq!(
        room.detail("memory:memory:1"),
        LearningDone::Detail {
            kind: LearnedKind::Memory,
            label: "second one".to_owned(),
            content: "second one\nmore".to_owned(),
        }
    );
    assert!(matches!(room.detail("memory:profile:2"), LearningDone::Detail { .. }));
}

#[test]
fn ids_that_are_stale_or_none_are_refused() {
    let room = Room::with_memories();
    for (id, want) in [
        ("memory:memory:2", "memory node id is stale — refresh the graph"),
        ("memory:profile:0", "memory node id is stale — refresh the graph"),
        ("memory:memory:3", "memory index 3 out of range"),
        ("memory:memory:-1", "memory index -1 out of range"),
        ("memory:other:0", "bad memory node id: 'memory:other:0'"),
        ("memory:memory", "bad memory node id: 'memory:memory'"),
        ("memory:memory:x", "bad memory node id: 'memory:memory:x'"),
        ("none", "skill 'none' not found"),
    ] {
        assert_eq!(refused(room.detail(id)), want);
        assert_eq!(refused(room.delete(id)), want);
    }
    assert_eq!(refused(Room::new().detail("memory:memory:0")), "MEMORY.md not found");
    assert_eq!(room.text("memories/MEMORY.md"), "first\n§\nsecond one\nmore");
}

#[test]
fn a_memory_is_changed_and_removed() {
    let room = Room::with_memories();
    room.edit("memory:memory:1", " second,\ncorrected ");
    assert_eq!(room.text("memories/MEMORY.md"), "first\n§\nsecond,\ncorrected");
    assert!(refused(room.edit("memory:memory:1", " ")).contains("empty memory"));
    assert!(refused(room.edit("memory:memory:1", "a\n§\nb")).contains("§"));
    room.delete("memory:memory:0");
    assert_eq!(room.text("memories/MEMORY.md"), "second,\ncorrected");
    assert_eq!(refused(room.delete("memory:profile:2")), "memory index 2 out of range", "it has moved up");
    assert_eq!(
        room.delete("memory:profile:1"),
        LearningDone::Changed("deleted memory from USER.md".to_owned())
    );
    assert_eq!(room.text("memories/USER.md"), "");
}

#[test]
fn what_a_person_wrote_by_hand_keeps_its_form() {
    let room = Room::new();
    room.home.write("memories/real.md", "a\r\n§\r\nb\r\n");
    symlink("real.md", room.home.path().join("memories/MEMORY.md")).unwrap();
    room.edit("memory:memory:1", "c\nd");
    assert_eq!(room.text("memories/real.md"), "a\r\n§\r\nc\r\nd");
    assert!(room.home.path().join("memories/MEMORY.md").is_symlink());
}

#[test]
fn learned_skills_are_made_or_used_and_not_shipped() {
    let used = r#"{"tidy": {"use_count": 2, "last_used_at": "2026-06-01T00:00:00+00:00"}}"#;
    let room = Room::with_skill(used);
    match room.run(LearningJob::List) {
        LearningDone::Listed(nodes) => {
            assert_eq!((nodes[0].category.as_str(), nodes[0].uses), ("home", 2));
            assert_eq!((nodes[0].at, nodes[0].meta.as_str()), (1_780_272_000, "home · used 2×"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(Room::with_skill(r#"{"tidy": {"created_by": "agent"}}"#).ids(), ["tidy"]);
    for usage in ["{}", "", r#"{"tidy": 5}"#, r#"{"tidy": {"use_count": 0}}"#] {
        assert!(Room::with_skill(usage).ids().is_empty(), "{usage}");
    }
    room.home.write("skills/.bundled_manifest", "other:1\ntidy:abc\n");
    assert!(room.ids().is_empty());
}

#[test]
fn a_skill_goes_into_the_archive_unless_it_must_stay() {
    let room = Room::with_skill(r#"{"other": {"x": 1}}"#);
    room.home.write("skills/.archive/tidy/SKILL.md", "older");
    assert!(matches!(room.delete("tidy"), LearningDone::Changed(_)));
    assert_eq!(room.text("skills/.archive/tidy-20260701120000/SKILL.md"), SKILL);
    let usage = room.text("skills/.usage.json");
    assert!(usage.contains("archived") && usage.contains("\"x\": 1"), "{usage}");
    assert_eq!(refused(room.delete("tidy")), "skill 'tidy' not found");

    let pinned = Room::with_skill(r#"{"tidy": {"pinned": true}}"#);
    assert!(refused(pinned.delete("tidy")).contains("pinned"));
    let from_hub = Room::with_skill("{}");
    from_hub.home.write("skills/.hub/lock.json", r#"{"installed": {"tidy": {}}}"#);
    assert!(refused(from_hub.delete("tidy")).contains("hub-installed"));
    let protected = Room::new();
    protected.home.write("skills/plan/SKILL.md", SKILL);
    assert!(refused(protected.delete("plan")).contains("protected"));
}

#[test]
fn a_skills_text_is_checked_before_it_is_written() {
    let room = Room::with_skill("{}");
    let new = SKILL.replace("Do it.", "Do it well.");
    assert_eq!(room.edit("tidy", &new), LearningDone::Changed("updated 'tidy'".to_owned()));
    assert_eq!(room.text("skills/tidy/SKILL.md"), new);
    assert_eq!(refused(room.edit("none", &new)), "skill 'none' not found");
    for (content, part) in [
        ("", "empty"),
        ("Do it.", "frontmatter"),
        ("---\nname: a\n", "not closed"),
        ("---\n- a\n---\nx", "mapping"),
        ("---\nname: a\n---\nx", "description"),
        ("---\nname: a\ndescription: b\n---\n \n", "content"),
    ] {
        for id in ["tidy", "none"] {
            let why = refused(room.edit(id, content));
            assert!(why.contains(part), "{content:?}: {why}");
        }
    }
    assert_eq!(room.text("skills/tidy/SKILL.md"), new);
}

#[test]
fn nothing_of_a_drawing_acts_on_a_terminal() {
    let room = Room::new();
    room.home.write("memories/MEMORY.md", "\u{1b}]0;t\u{7}# One\u{9b}2J\nmore\u{8}\n§\n\u{1b}");
    room.home.write("skills/k\u{1b}[2J/a\u{7}/SKILL.md", "no head");
    room.home.write("skills/.usage.json", r#"{"a": {"use_count": 1}}"#);
    let around = Around { home: room.home.path(), folders: &room.folders, now: &room.now };
    let Ok(LearningDone::Listed(all)) = run(&LearningJob::List, &around) else { panic!("no list") };
    assert_eq!(all.len(), 3);
    for node in &all {
        let lines = [&node.label, &node.meta, &node.category];
        assert!(!lines.into_iter().any(|text| text.chars().any(char::is_control)), "{node:?}");
        assert!(!node.body.contains(['\u{1b}', '\u{8}', '\u{9b}']), "{node:?}");
        let detail = run(&LearningJob::Detail { id: node.id.clone() }, &around);
        assert!(matches!(detail, Ok(LearningDone::Detail { .. })), "it is found by what is listed");
    }
}

#[test]
fn skills_of_other_folders_are_shown_and_edited_but_not_put_away() {
    let mut room = Room::with_skill(r#"{"tidy": {"use_count": 1}, "cook": {"use_count": 3}}"#);
    let (theirs, elsewhere) = (SKILL.replace("tidy", "cook"), Scratch::new());
    elsewhere.write("team/home/cook/SKILL.md", &theirs);
    elsewhere.write("team/tidy/SKILL.md", "---\nname: tidy\n---\nNot this one.\n");
    room.folders = vec![elsewhere.path().join("none"), elsewhere.path().join("team")];
    assert_eq!(room.ids(), ["tidy"], "what others own was not learned here");
    assert!(matches!(room.detail("cook"), LearningDone::Detail { content, .. } if content == theirs));
    assert!(matches!(room.detail("tidy"), LearningDone::Detail { content, .. } if content == SKILL));
    assert!(refused(room.delete("cook")).contains("external_dirs"));
    let file = elsewhere.path().join("team/home/cook/SKILL.md");
    let other = theirs.replace("Do it.", "Do it well.");
    assert_eq!(room.edit("cook", &other), LearningDone::Changed("updated 'cook'".to_owned()));
    assert_eq!(fs::read_to_string(&file).unwrap(), other);
}
