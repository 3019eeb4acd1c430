//! What processes leave behind that end without a word.

use super::*;

fn question(request: u32) -> OpenQuestion {
    let question = Ask::Clarify { question: "Which?".to_owned(), choices: None };
    OpenQuestion { request, question, call: "c1".to_owned() }
}

#[test]
fn what_a_crash_cut_off_is_brought_to_an_end_by_the_next() {
    let home = Scratch::new();
    let mut first = store(&home);
    let changes = vec![
        begin("a"),
        says(Role::User, "hello"),
        Change::Streamed("half an ".to_owned()),
        Change::Streamed("answer".to_owned()),
        Change::Ask(question(3)),
        Change::Wait { number: 1, text: "gone".to_owned(), images: Vec::new() },
        Change::Wait { number: 2, text: "next".to_owned(), images: vec!["/i.png".into()] },
        Change::WaitOver { number: 1 },
    ];
    apply(&mut first, "a", changes);
    let mut living = store(&home);
    let seen = load(&mut living, "a");
    assert_eq!((texts(&seen.history), seen.asks.len()), (vec!["hello"], 0));
    // As the system does it when a process dies: the lock is let go, and its file stays.
    drop(first);
    let mut store = store(&home);
    let loaded = load(&mut store, "a");
    assert_eq!(texts(&loaded.history), ["hello", "half an answer", "next"]);
    assert_eq!(loaded.history[2].images, [PathBuf::from("/i.png")]);
    assert_eq!(loaded.asks, [question(3)]);
    let conn = file(&home);
    let unfinished =
        "SELECT COUNT(*) FROM messages WHERE finish_reason = 'incomplete' AND role = 'assistant'";
    assert_eq!(number(&conn, unfinished), 1);
    assert_eq!(number(&conn, "SELECT message_count FROM sessions"), 3);
    assert_eq!(names(&conn, "SELECT kind || owner FROM tui_gateway_journal"), ["ask"]);
    apply(&mut store, "a", vec![Change::AskOver { request: 3 }]);
    assert_eq!(number(&conn, "SELECT COUNT(*) FROM tui_gateway_journal"), 0);
}

#[test]
fn what_was_appended_is_not_recovered_again() {
    let home = Scratch::new();
    let mut first = store(&home);
    let streamed = |text: &str| Change::Streamed(text.to_owned());
    apply(&mut first, "a", vec![begin("a"), streamed("one"), says(Role::Assistant, "one")]);
    drop(first);
    assert_eq!(texts(&load(&mut store(&home), "a").history), ["one"]);
}

#[test]
fn a_journal_of_a_conversation_that_is_gone_holds_nobody_up() {
    let home = Scratch::new();
    apply(&mut store(&home), "a", vec![begin("a"), Change::Streamed("half".to_owned())]);
    file(&home).execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM sessions").unwrap();
    apply(&mut store(&home), "b", vec![begin("b")]);
    assert_eq!(number(&file(&home), "SELECT COUNT(*) FROM tui_gateway_journal"), 0);
}

#[test]
fn a_process_lives_on_in_databases_that_are_closed_for_others() {
    let base = Scratch::new();
    let root = base.path().to_path_buf();
    let mut store =
        Sqlite::new(Box::new(move |profile| Ok(root.join(profile.as_deref().unwrap_or("default")))));
    for number in 0..=OPEN_MAX {
        let profile = Some(Arc::from(format!("p{number}")));
        let changes = records("a", vec![begin("a"), Change::Streamed("half".to_owned())]);
        store.apply(&profile, &changes).unwrap();
    }
    let name = Arc::clone(store.owner.name());
    assert_eq!(store.open.len(), OPEN_MAX);
    assert!(!owner::is_dead(&base.path().join("p0"), &name));
    store.close();
    assert!(owner::is_dead(&base.path().join("p0"), &name));
}

#[test]
fn a_journal_that_nobody_here_wrote_holds_nobody_up() {
    let home = Scratch::new();
    apply(
        &mut store(&home),
        "a",
        vec![begin("a"), says(Role::User, "hello"), Change::Streamed("half".to_owned())],
    );
    let conn = file(&home);
    conn.execute_batch(
        "INSERT INTO tui_gateway_journal (session_id, owner, kind, number, body, at) VALUES \
         ('a', x'ff', 'text', 1, 'x', 1), ('a', 'gone', x'fe', 'no', x'ff', 9e999), \
         ('a', 'gone', 'text', 1, ' and more', 9e999), ('a', '', 'ask', 'three', '{}', 'now');
         INSERT INTO tui_gateway_context VALUES ('a', 'x', x'01', 1.5);",
    )
    .unwrap();
    let loaded = load(&mut store(&home), "a");
    // Which process comes first is nobody's to say.
    let mut texts = texts(&loaded.history);
    texts.sort_unstable();
    assert_eq!((texts, loaded.asks.len()), (vec!["and more", "half", "hello"], 0));
}
