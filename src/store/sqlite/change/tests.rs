//! Changes that are answered.

use std::sync::Arc;

use super::super::read::fixture::{count, database, says, session, set};
use super::super::{Database, read};
use super::answer;
use crate::base::scratch::Scratch;
use crate::model::ask::Ask;
use crate::model::goal::{Barrier, Contract, GoalState, GoalWish, Hold, Judgement, Ruling, Wait};
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

#[test]
fn a_goal_keeps_what_the_original_wrote_beside_it() {
    let mut db = database();
    let value = r#"{"goal": "ship", "status": "active", "turns_used": 3, "max_turns": 9, "subgoals": ["a"],
        "waiting_on_pid": 5}"#;
    db.conn.execute("INSERT INTO state_meta (key, value) VALUES ('goal:a', ?1)", [value]).unwrap();
    let mut ask = |wish| match answer(&mut db, &Asked::Goal { key: "a".into(), at: 7.0, wish }) {
        Ok(Told::Goal(change)) => (change.before, change.now),
        other => panic!("{other:?}"),
    };
    let (_, paused) = ask(GoalWish::Pause);
    let paused = paused.unwrap();
    assert_eq!((paused.text.as_str(), paused.state, paused.turns_used), ("ship", GoalState::Paused, 3));
    let (before, cleared) = ask(GoalWish::Clear);
    assert_eq!((before, cleared.map(|goal| goal.state)), (Some(paused), Some(GoalState::Cleared)));
    let sql = "SELECT value FROM state_meta WHERE key = 'goal:a'";
    let kept: String = db.conn.query_row(sql, [], |row| row.get(0)).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!((&kept["subgoals"][0], kept.get("waiting_on_pid")), (&serde_json::json!("a"), None));
    let set = GoalWish::Set { text: "rest".to_owned(), turns_max: 20, contract: Contract::default() };
    let Ok(Told::Goal(change)) = answer(&mut db, &Asked::Goal { key: "b".into(), at: 7.0, wish: set }) else {
        panic!()
    };
    let new = change.now.unwrap();
    assert_eq!((new.text.as_str(), new.created_at), ("rest", 7.0));
}

#[test]
fn a_judged_goal_is_what_the_original_reads() {
    let mut db = database();
    let value = r#"{"goal": "ship", "status": "active", "turns_used": 3, "max_turns": 9, "subgoals": ["a", 7],
        "contract": {"verification": "it runs", "extra": 1}, "waiting_on_session": "proc_1",
        "waiting_reason": "CI", "waiting_since": 5.0, "future": [1]}"#;
    db.conn.execute("INSERT INTO state_meta (key, value) VALUES ('goal:a', ?1)", [value]).unwrap();
    let kept = |db: &Database| -> serde_json::Value {
        let sql = "SELECT value FROM state_meta WHERE key = 'goal:a'";
        let text: String = db.conn.query_row(sql, [], |row| row.get(0)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let ask = |db: &mut Database, wish| match answer(db, &Asked::Goal { key: "a".into(), at: 7.0, wish }) {
        Ok(Told::Goal(change)) => change.now.unwrap(),
        other => panic!("{other:?}"),
    };
    let shown = ask(&mut db, GoalWish::Show);
    assert_eq!((shown.criteria.as_slice(), shown.contract.0[1].as_str()), (&["a".to_owned()][..], "it runs"));
    let wait = Wait { on: Barrier::Process("proc_1".to_owned()), reason: Some("CI".to_owned()), since: 5.0 };
    assert_eq!(shown.wait, Some(wait));
    let ruling = Ruling::Wait(Hold::Seconds(60));
    let judgement = Judgement { asked: Box::new(shown), ruling, reason: "so".to_owned() };
    let parked = ask(&mut db, GoalWish::Judged(judgement));
    assert_eq!(ask(&mut db, GoalWish::Show), parked, "what is written is what is read");
    let expected = serde_json::json!({
        "goal": "ship", "status": "active", "turns_used": 4, "max_turns": 9, "subgoals": ["a", 7],
        "contract": {"verification": "it runs", "extra": 1}, "future": [1], "created_at": 0.0,
        "paused_reason": null, "consecutive_parse_failures": 0, "last_turn_at": 7.0, "last_verdict": "wait",
        "last_reason": "so", "waiting_until": 67.0, "waiting_reason": "so", "waiting_since": 7.0,
    });
    assert_eq!(kept(&db), expected);
    ask(&mut db, GoalWish::Require("b".to_owned()));
    assert_eq!(kept(&db)["subgoals"], serde_json::json!(["a", 7, "b"]));
    assert_eq!(super::is_active(&db.conn, "a"), Ok(true));
    ask(&mut db, GoalWish::Pause);
    assert_eq!((super::is_active(&db.conn, "a"), super::is_active(&db.conn, "b")), (Ok(false), Ok(false)));
}

#[test]
fn subgoals_that_are_not_read_here_are_kept() {
    let mut db = database();
    let many: Vec<String> = (1..=60).map(|number| format!("s{number}")).collect();
    let mut subgoals = vec![serde_json::json!(" "), serde_json::json!(7)];
    subgoals.extend(many.iter().map(|text| serde_json::json!(text)));
    let value = serde_json::json!({ "goal": "ship", "subgoals": subgoals.clone() }).to_string();
    db.conn.execute("INSERT INTO state_meta (key, value) VALUES ('goal:a', ?1)", [value]).unwrap();
    let mut after = |wish| {
        let Ok(Told::Goal(_)) = answer(&mut db, &Asked::Goal { key: "a".into(), at: 7.0, wish }) else {
            panic!()
        };
        let sql = "SELECT value FROM state_meta WHERE key = 'goal:a'";
        let text: String = db.conn.query_row(sql, [], |row| row.get(0)).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["subgoals"].clone()
    };
    subgoals.remove(3);
    assert_eq!(after(GoalWish::Waive(2)), serde_json::json!(subgoals));
    assert_eq!(after(GoalWish::WaiveAll), serde_json::json!([]));
}

#[test]
fn a_goal_is_looked_at_without_a_write() {
    let mut db = database();
    let value = r#"{"goal": "ship"}"#;
    db.conn.execute("INSERT INTO state_meta (key, value) VALUES ('goal:a', ?1)", [value]).unwrap();
    db.conn.pragma_update(None, "query_only", true).unwrap();
    let mut ask = |wish| answer(&mut db, &Asked::Goal { key: "a".into(), at: 7.0, wish });
    assert!(ask(GoalWish::Pause).is_err(), "or this shows nothing");
    let Ok(Told::Goal(change)) = ask(GoalWish::Show) else { panic!() };
    assert_eq!(change.before, change.now);
    assert_eq!(change.now.map(|goal| goal.text).as_deref(), Some("ship"));
}
