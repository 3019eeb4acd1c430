//! Records become rows, and rows the conversation that they were.

use super::*;

#[test]
fn a_conversation_that_begins_twice_is_only_filled_in() {
    let home = Scratch::new();
    let mut store = store(&home);
    let known = Row {
        model: "m".to_owned(),
        provider: "p".to_owned(),
        cwd: Some("/w".to_owned()),
        branched_from: Some("nobody".into()),
        started_at: 60.0,
        source: "cli".to_owned(),
        ..row("a")
    };
    apply(&mut store, "a", vec![begin("a"), Change::Begin(Box::new(known.clone()))]);
    let other = Row { model: "other".to_owned(), cwd: Some("/x".to_owned()), ..known };
    apply(&mut store, "a", vec![Change::Begin(Box::new(other))]);
    let row = "SELECT source || ' ' || started_at || ' ' || model || ' ' || cwd || ' ' || model_config \
         FROM sessions";
    let config = "{\"model\":\"m\",\"provider\":\"p\",\"_branched_from\":\"nobody\"}";
    assert_eq!(names(&file(&home), row), [format!("tui 50.0 m /w {config}")]);
}

#[test]
fn messages_are_stored_as_the_original_stores_them_and_counted() {
    let home = Scratch::new();
    let mut store = store(&home);
    let call = ToolCall { id: "c1".to_owned(), name: "terminal".to_owned(), arguments: "{}".to_owned() };
    let called = Called { id: "c1".to_owned(), name: "terminal".to_owned(), label: String::new() };
    let messages = vec![
        Message { images: vec!["/i.png".into(), "/j.png".into()], ..Message::new(Role::User, "look") },
        Message {
            calls: vec![call],
            reasoning: Some("why".to_owned()),
            ..Message::new(Role::Assistant, "hm")
        },
        Message::result(called, "out"),
    ];
    apply(&mut store, "a", vec![begin("a"), Change::Append(messages.clone())]);
    let conn = file(&home);
    let rows = "SELECT json_array(role, content, tool_call_id, tool_name, json(tool_calls), reasoning) \
         FROM messages ORDER BY id";
    let calls = "[{\"id\":\"c1\",\"call_id\":\"c1\",\"response_item_id\":null,\"type\":\"function\",\
        \"function\":{\"name\":\"terminal\",\"arguments\":\"{}\"}}]";
    let wanted = [
        r#"["user","look\n[screenshot]\n[screenshot]",null,null,null,null]"#.to_owned(),
        format!(r#"["assistant","hm",null,null,{calls},"why"]"#),
        r#"["tool","out","c1","terminal",null,null]"#.to_owned(),
    ];
    assert_eq!(names(&conn, rows), wanted);
    assert_eq!(number(&conn, "SELECT 10 * message_count + tool_call_count FROM sessions"), 31);
    let mut history = load(&mut store, "a").history;
    if let Some(called) = &mut history[2].called {
        called.label.clear();
    }
    assert_eq!(history, messages);
}

#[test]
fn a_record_that_cannot_be_holds_no_other_up() {
    let home = Scratch::new();
    let mut store = store(&home);
    apply(&mut store, "a", vec![begin("a"), Change::Title("Work".to_owned())]);
    file(&home).execute_batch("UPDATE sessions SET model_config = '{broken'").unwrap();
    let mut all =
        records("b", vec![says(Role::User, "too early"), begin("b"), Change::Title("Work".to_owned())]);
    all.extend(records("a", vec![Change::Model("m".into())]));
    all.extend(records("b", vec![says(Role::User, "hello")]));
    store.apply(&None, &all).unwrap();
    let b = load(&mut store, "b");
    assert_eq!((b.title.as_deref(), texts(&b.history)), (None, vec!["hello"]));
    let a = load(&mut store, "a");
    assert_eq!((a.title.as_deref(), a.model.as_str()), (Some("Work"), "m"));
    assert_eq!(names(&file(&home), "SELECT model_config FROM sessions WHERE id = 'a'"), ["{broken"]);
}

#[test]
fn a_row_takes_what_changes_of_it() {
    let home = Scratch::new();
    let mut store = store(&home);
    let moved = |cwd: &str, branch: &str, root: &str| Change::Moved {
        cwd: cwd.to_owned(),
        branch: branch.to_owned(),
        root: root.to_owned(),
    };
    let usage = Usage { input: 5, output: 3, reasoning: 2, calls: 1, ..Usage::default() };
    let changes = vec![
        begin("a"),
        moved("/w", "main", "/"),
        moved("/w/x", "", ""),
        moved("", "dev", ""),
        Change::Used(usage.clone()),
        Change::Used(usage),
        Change::Model("m".into()),
        Change::End("first"),
        Change::End("second"),
    ];
    apply(&mut store, "a", changes);
    let row = "SELECT cwd || ' ' || git_branch || ' ' || git_repo_root || ' ' || input_tokens || ' ' \
         || output_tokens || ' ' || reasoning_tokens || ' ' || api_call_count || ' ' || model || ' ' \
         || model_config || ' ' || ended_at || ' ' || end_reason FROM sessions";
    assert_eq!(names(&file(&home), row), ["/w/x dev / 10 6 4 2 m {\"model\":\"m\"} 100.0 first"]);
}

#[test]
fn the_newest_message_is_amended_and_may_have_failed() {
    let home = Scratch::new();
    let mut store = store(&home);
    let changes = vec![
        begin("a"),
        says(Role::User, "one"),
        says(Role::Assistant, "two"),
        Change::Amend("three".to_owned()),
        says(Role::User, "four"),
        Change::Failed,
    ];
    apply(&mut store, "a", changes);
    let history = load(&mut store, "a").history;
    assert_eq!(texts(&history), ["one", "three", "four"]);
    assert_eq!(history.iter().map(|message| message.failed).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!((hits(&mut store, "two"), hits(&mut store, "three")), (0, 1));
}

#[test]
fn an_amended_prompt_keeps_its_images() {
    let home = Scratch::new();
    let mut store = store(&home);
    let prompt = Message { images: vec!["/a.png".into()], ..Message::new(Role::User, "see @file:x") };
    let changes = vec![begin("a"), Change::Append(vec![prompt]), Change::Amend("see\n\nx".to_owned())];
    apply(&mut store, "a", changes);
    let history = load(&mut store, "a").history;
    assert_eq!((texts(&history), history[0].images.len()), (vec!["see\n\nx"], 1));
    assert_eq!(names(&file(&home), "SELECT content FROM messages"), ["see\n\nx\n[screenshot]"]);
}

/// A conversation of two turns.
fn two_turns(store: &mut Sqlite) {
    let changes = vec![
        begin("a"),
        says(Role::User, "one"),
        says(Role::Assistant, "two"),
        says(Role::User, "three"),
        says(Role::Assistant, "four"),
    ];
    apply(store, "a", changes);
}

fn cut(messages: usize, prompt: &str) -> Change {
    Change::Cut { messages, prompt: prompt.to_owned() }
}

#[test]
fn the_newest_messages_are_taken_back_if_they_are_the_right_ones() {
    let home = Scratch::new();
    let mut store = store(&home);
    two_turns(&mut store);
    for (messages, prompt) in [(2, "other"), (1, "four"), (0, ""), (9, "one")] {
        apply(&mut store, "a", vec![cut(messages, prompt)]);
        assert_eq!(load(&mut store, "a").history.len(), 4, "{messages} {prompt}");
    }
    apply(&mut store, "a", vec![cut(2, " three ")]);
    assert_eq!(texts(&load(&mut store, "a").history), ["one", "two"]);
    let conn = file(&home);
    assert_eq!(number(&conn, "SELECT 10 * message_count + rewind_count FROM sessions"), 21);
    assert_eq!(number(&conn, "SELECT COUNT(*) FROM messages WHERE active = 0 AND compacted = 0"), 2);
}

#[test]
fn rows_that_hold_no_message_are_not_counted_when_messages_are_taken_back() {
    let home = Scratch::new();
    let mut store = store(&home);
    two_turns(&mut store);
    let odd = "INSERT INTO messages (session_id, role, content, timestamp) VALUES ('a', 'oracle', 'x', 1.0)";
    file(&home).execute_batch(odd).unwrap();
    apply(&mut store, "a", vec![says(Role::User, "five"), cut(3, "three")]);
    assert_eq!(texts(&load(&mut store, "a").history), ["one", "two"]);
}

fn context(texts: &[&str]) -> Change {
    Change::Context(Some(Arc::new(texts.iter().map(|text| Message::new(Role::User, *text)).collect())))
}

fn views(store: &mut Sqlite) -> (Vec<String>, Option<Vec<String>>) {
    let owned = |messages: Vec<Message>| messages.into_iter().map(|message| message.text).collect();
    let loaded = load(store, "a");
    (owned(loaded.history), loaded.context.map(owned))
}

fn view(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_model_sees_something_else_than_people_and_both_see_what_comes_after() {
    let home = Scratch::new();
    let mut store = store(&home);
    two_turns(&mut store);
    apply(&mut store, "a", vec![context(&["short"]), says(Role::User, "five")]);
    let people = ["one", "two", "three", "four", "five"];
    assert_eq!(views(&mut store), (view(&people), Some(view(&["short", "five"]))));
    // Copies are replaced, what came after them is put away with the rest.
    apply(&mut store, "a", vec![context(&["shorter", "still"]), says(Role::User, "six")]);
    let people = ["one", "two", "three", "four", "five", "six"];
    assert_eq!(views(&mut store), (view(&people), Some(view(&["shorter", "still", "six"]))));
    let conn = file(&home);
    assert_eq!(number(&conn, "SELECT COUNT(*) FROM messages"), 8);
    assert_eq!(number(&conn, "SELECT message_count FROM sessions"), 6);
    // What is taken back from people is taken back from the model too.
    apply(&mut store, "a", vec![cut(1, "six"), cut(3, "three"), context(&["least"])]);
    assert_eq!(views(&mut store), (view(&["one", "two"]), Some(view(&["least"]))));
    apply(&mut store, "a", vec![Change::Context(None)]);
    assert_eq!(views(&mut store), (view(&["one", "two"]), None));
    assert_eq!(number(&conn, "SELECT COUNT(*) FROM messages WHERE active = 1"), 2);
    assert_eq!(number(&conn, "SELECT COUNT(*) FROM tui_gateway_context"), 0);
}

#[test]
fn what_another_program_put_away_stays_away() {
    let home = Scratch::new();
    let mut store = store(&home);
    two_turns(&mut store);
    file(&home)
        .execute_batch("UPDATE messages SET active = 0, compacted = 1 WHERE content IN ('one', 'two')")
        .unwrap();
    apply(&mut store, "a", vec![context(&["short"])]);
    assert_eq!(views(&mut store), (view(&["three", "four"]), Some(view(&["short"]))));
    file(&home).execute_batch("UPDATE messages SET active = 0, compacted = 1").unwrap();
    apply(&mut store, "a", vec![context(&["new"]), says(Role::User, "five")]);
    assert_eq!(views(&mut store), (view(&["five"]), Some(view(&["new", "five"]))));
}
