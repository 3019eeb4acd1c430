//! Changes that are answered.

use std::sync::Arc;

use super::super::read::fixture::{count, database, says, session, set};
use super::super::{Database, read};
use super::answer;
use crate::base::scratch::Scratch;
use crate::model::ask::Ask;
use crate::model::message::{Called, Message, Role, ToolCall};
use crate::model::store::{Asked, Handoff, Loaded, NewBranch, OpenQuestion, Row, Told};

fn row(key: &str) -> Row {
    Row { key: key.into(), source: "tui".to_owned(), started_at: 50.0, ..Row::default() }
}

fn title(db: &mut Database, key: &str, title: &str) -> Result<String, Arc<str>> {
    let asked = Asked::Title { row: Box::new(row(key)), title: title.to_owned() };
    let Told::Titled(titled) = answer(db, &asked).unwrap() else { panic!() };
    titled
}

fn load(db: &mut Database, name: &str) -> Option<Box<Loaded>> {
    let asked = Asked::Load { name: name.to_owned(), at: 99.0 };
    let Told::Loaded(loaded) = read::answer(db, &asked).unwrap() else { panic!() };
    loaded
}

#[test]
fn a_title_is_one_conversations_only_and_its_row_is_made() {
    let mut db = database();
    assert_eq!(title(&mut db, "a", "Work"), Ok("Work".to_owned()));
    assert_eq!(title(&mut db, "b", "Work"), Err("a".into()));
    assert_eq!(count(&db, "SELECT COUNT(*) FROM sessions"), 1);
    assert_eq!(title(&mut db, "a", "Work"), Ok("Work".to_owned()));
}

#[test]
fn a_compressed_ancestor_gives_its_title_up() {
    let mut db = database();
    session(&db, "root", 1.0);
    session(&db, "tip", 2.0);
    session(&db, "branch", 3.0);
    set(&db, "root", "title = 'Work', end_reason = 'compression'");
    set(&db, "tip", "parent_session_id = 'root'");
    set(&db, "branch", "parent_session_id = 'root', model_config = '{\"_branched_from\": \"root\"}'");
    assert_eq!(title(&mut db, "branch", "Work"), Err("root".into()));
    assert_eq!(title(&mut db, "tip", "Work"), Ok("Work".to_owned()));
    assert_eq!(count(&db, "SELECT COUNT(*) FROM sessions WHERE id = 'root' AND title IS NULL"), 1);
}

fn branch(key: &str, title: Option<&str>) -> NewBranch {
    let call = ToolCall { id: "c1".to_owned(), name: "terminal".to_owned(), arguments: "{}".to_owned() };
    let called = Called { id: "c1".to_owned(), name: "terminal".to_owned(), label: String::new() };
    let history = vec![
        Message::new(Role::User, "list"),
        Message { calls: vec![call], ..Message::new(Role::Assistant, "") },
        Message::result(called, "a b"),
        Message::new(Role::Assistant, "Two."),
    ];
    NewBranch {
        row: Row { branched_from: Some("from".into()), ..row(key) },
        history: Arc::new(history),
        context: None,
        title: title.map(str::to_owned),
        base: "Work".to_owned(),
    }
}

fn titled(db: &mut Database, branch: NewBranch) -> Result<String, Arc<str>> {
    let Told::Titled(titled) = answer(db, &Asked::Branch(Box::new(branch))).unwrap() else { panic!() };
    titled
}

#[test]
fn a_branch_has_all_of_the_conversation_and_a_title_of_its_own() {
    let mut db = database();
    session(&db, "from", 1.0);
    set(&db, "from", "title = 'Work'");
    assert_eq!(titled(&mut db, branch("b1", None)), Ok("Work #2".to_owned()));
    assert_eq!(titled(&mut db, branch("b2", None)), Ok("Work #3".to_owned()));
    assert_eq!(titled(&mut db, branch("b3", Some("Work"))), Err("from".into()));
    assert_eq!(count(&db, "SELECT message_count + tool_call_count FROM sessions WHERE id = 'b1'"), 5);
    let loaded = load(&mut db, "b1").unwrap();
    assert_eq!(loaded.history.len(), 4);
    assert_eq!(loaded.history[1].calls, branch("b1", None).history[1].calls);
    assert_eq!(loaded.history[2].called.as_ref().map(|called| called.name.as_str()), Some("terminal"));
    assert_eq!(loaded.context, None);
    assert!(load(&mut db, "b3").is_none());
}

#[test]
fn a_branch_of_a_compressed_conversation_shows_people_all_of_it() {
    let mut db = database();
    session(&db, "from", 1.0);
    let context = vec![Message::new(Role::User, "Summary"), Message::new(Role::Assistant, "Two.")];
    let new = NewBranch { context: Some(Arc::new(context.clone())), ..branch("b1", Some("Other")) };
    assert_eq!(titled(&mut db, new), Ok("Other".to_owned()));
    let loaded = load(&mut db, "b1").unwrap();
    assert_eq!(loaded.history.len(), 4);
    assert_eq!(loaded.context, Some(context));
}

#[test]
fn titles_that_are_cut_still_differ() {
    let mut db = database();
    let base = "x".repeat(100);
    session(&db, "from", 1.0);
    set(&db, "from", &format!("title = '{base}'"));
    let new = |key| NewBranch { base: base.clone(), ..branch(key, None) };
    let (first, second) = (titled(&mut db, new("b1")).unwrap(), titled(&mut db, new("b2")).unwrap());
    assert_eq!(first, format!("{} #2", "x".repeat(97)));
    assert_eq!(second, format!("{} #3", "x".repeat(97)));
}

#[test]
fn a_conversation_goes_with_its_subagents_and_files_and_leaves_its_branches() {
    let scratch = Scratch::new();
    let mut db = database();
    scratch.path().clone_into(&mut db.home);
    for key in ["a", "run", "deep", "branch", "other"] {
        session(&db, key, 1.0);
        says(&db, key, "user", "hello", 1.0);
    }
    set(&db, "run", "parent_session_id = 'a', model_config = '{\"_delegate_from\": \"a\"}'");
    set(&db, "deep", "parent_session_id = 'run', model_config = '{\"_delegate_from\": \"run\"}'");
    set(&db, "branch", "parent_session_id = 'a', model_config = '{\"_branched_from\": \"a\"}'");
    set(&db, "other", "model_config = '{broken'");
    for name in
        ["a.json", "run.jsonl", "request_dump_deep_1.json", "branch.json", "request_dump_other_1.json"]
    {
        scratch.write(&format!("sessions/{name}"), "{}");
    }
    let asked = Asked::Delete { key: "a".into() };
    assert_eq!(answer(&mut db, &asked), Ok(Told::Deleted(true)));
    assert_eq!(answer(&mut db, &asked), Ok(Told::Deleted(false)));
    assert_eq!(count(&db, "SELECT COUNT(*) FROM sessions"), 2);
    assert_eq!(count(&db, "SELECT COUNT(*) FROM messages"), 2);
    assert_eq!(count(&db, "SELECT COUNT(*) FROM sessions WHERE parent_session_id IS NULL"), 2);
    let mut left: Vec<_> = std::fs::read_dir(scratch.path().join("sessions")).unwrap().flatten().collect();
    left.sort_by_key(std::fs::DirEntry::file_name);
    let left: Vec<_> = left.iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(left, ["branch.json", "request_dump_other_1.json"]);
}

#[test]
fn a_key_that_is_a_path_removes_no_file() {
    let scratch = Scratch::new();
    let mut db = database();
    scratch.path().clone_into(&mut db.home);
    session(&db, "../precious", 1.0);
    scratch.dir("sessions");
    let precious = scratch.write("precious.json", "{}");
    assert_eq!(answer(&mut db, &Asked::Delete { key: "../precious".into() }), Ok(Told::Deleted(true)));
    assert!(precious.exists());
}

#[test]
fn a_question_is_taken_once_and_never_from_a_living_process() {
    let mut db = database();
    session(&db, "a", 1.0);
    let question = Ask::Clarify { question: "Which?".to_owned(), choices: None };
    let open = OpenQuestion { request: 3, question, call: "c1".to_owned() };
    let body = read::encode_question(&open).unwrap();
    for (owner, number) in [("", 3), ("somebody", 4)] {
        let sql = "INSERT INTO tui_gateway_journal (session_id, owner, kind, number, body, at) \
             VALUES ('a', ?1, 'ask', ?2, ?3, 1.0)";
        db.conn.execute(sql, rusqlite::params![owner, number, body]).unwrap();
    }
    assert_eq!(load(&mut db, "a").unwrap().asks, [open]);
    let claim = |request| Asked::Claim { key: "a".into(), request };
    assert_eq!(answer(&mut db, &claim(3)), Ok(Told::Claimed(true)));
    assert_eq!(answer(&mut db, &claim(3)), Ok(Told::Claimed(false)));
    assert_eq!(answer(&mut db, &claim(4)), Ok(Told::Claimed(false)));
}

#[test]
fn a_handoff_is_asked_for_once_and_may_fail_once() {
    let mut db = database();
    let asked = Asked::HandOff { row: Box::new(row("a")), platform: "telegram".to_owned() };
    let pending =
        Handoff { state: "pending".to_owned(), platform: "telegram".to_owned(), ..Handoff::default() };
    assert_eq!(answer(&mut db, &asked), Ok(Told::Handoff(Some(pending.clone()))));
    let refused = Handoff { refused: true, ..pending };
    assert_eq!(answer(&mut db, &asked), Ok(Told::Handoff(Some(refused))));
    let fail = Asked::HandoffFail { key: "a".into(), error: "é".repeat(600) };
    assert_eq!(answer(&mut db, &fail), Ok(Told::HandoffFailed(true, "failed".to_owned())));
    assert_eq!(answer(&mut db, &fail), Ok(Told::HandoffFailed(false, "failed".to_owned())));
    let unknown = Asked::HandoffFail { key: "b".into(), error: String::new() };
    assert_eq!(answer(&mut db, &unknown), Ok(Told::HandoffFailed(false, String::new())));
    let state = read::answer(&mut db, &Asked::HandoffState { key: "a".into() });
    let Ok(Told::Handoff(Some(handoff))) = state else { panic!() };
    assert_eq!((handoff.error.chars().count(), handoff.refused), (500, false));
}
