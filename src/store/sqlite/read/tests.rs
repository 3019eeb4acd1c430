//! Rows that another program may have written, read.

use super::answer;
use super::fixture::{count, database, says, session, set};
use crate::model::message::Role;
use crate::model::store::{Asked, Excerpt, Hit, Listed, Loaded, Order, Read, Search, Told};
use crate::store::sqlite::Database;

fn list(db: &mut Database, limit: i64) -> Vec<Listed> {
    let Told::List(list) = answer(db, &Asked::List { limit }).unwrap() else { panic!() };
    list
}

fn keys(db: &mut Database) -> Vec<String> {
    list(db, 0).into_iter().map(|listed| listed.key.to_string()).collect()
}

fn load(db: &mut Database, name: &str) -> Option<Box<Loaded>> {
    let asked = Asked::Load { name: name.to_owned(), at: 99.0 };
    let Told::Loaded(loaded) = answer(db, &asked).unwrap() else { panic!() };
    loaded
}

fn texts(db: &mut Database, name: &str) -> Vec<String> {
    load(db, name).unwrap().history.into_iter().map(|message| message.text).collect()
}

/// What the model sees, where that is something else.
fn context(db: &mut Database, name: &str) -> Option<Vec<String>> {
    let context = load(db, name).unwrap().context?;
    Some(context.into_iter().map(|message| message.text).collect())
}

fn execute(db: &Database, sql: &str) {
    db.conn.execute_batch(sql).unwrap();
}

#[test]
fn the_list_has_the_newest_activity_first() {
    let mut db = database();
    for (key, begun) in [("old", 1.0), ("new", 2.0), ("empty", 3.0)] {
        session(&db, key, begun);
    }
    says(&db, "new", "user", " fix\nit ", 4.0);
    says(&db, "old", "user", "hello", 5.0);
    assert_eq!(keys(&mut db), ["old", "new", "empty"]);
    let listed = &list(&mut db, 0)[1];
    assert_eq!((listed.preview.as_str(), listed.last_active), ("fix it", 4.0));
    says(&db, "new", "assistant", "done", 6.0);
    assert_eq!(keys(&mut db), ["new", "old", "empty"]);
    // Behind the back of what was seen so far.
    execute(&db, "DELETE FROM messages WHERE session_id = 'new'");
    assert_eq!(keys(&mut db), ["old", "empty", "new"]);
    execute(&db, "DELETE FROM sessions WHERE id = 'new'");
    assert_eq!(keys(&mut db), ["old", "empty"]);
}

#[test]
fn the_list_has_branches_but_no_runs_of_subagents_and_tools() {
    let mut db = database();
    for (begun, key) in ["top", "branch", "legacy", "run", "stray", "tool", "archived"].iter().enumerate() {
        session(&db, key, begun as f64);
    }
    set(&db, "top", "end_reason = 'branched', ended_at = 2.0");
    set(&db, "branch", "parent_session_id = 'tool', model_config = '{\"_branched_from\": \"tool\"}'");
    set(&db, "legacy", "parent_session_id = 'top'");
    set(&db, "run", "model_config = '{\"_delegate_from\": \"top\"}'");
    set(&db, "stray", "parent_session_id = 'tool', model_config = '{\"_branched_from\"'");
    set(&db, "tool", "source = 'tool'");
    set(&db, "archived", "archived = 1");
    assert_eq!(keys(&mut db), ["legacy", "branch", "top"]);
    assert_eq!(list(&mut db, 2).len(), 2);
    assert_eq!(list(&mut db, -1).len(), 2);
    assert_eq!(list(&mut db, i64::MIN).len(), 0);
    assert_eq!(list(&mut db, i64::MAX).len(), 3);
}

/// A conversation that was compressed twice into new keys, with a stale sibling.
fn chain() -> Database {
    let db = database();
    for (key, begun) in [("one", 1.0), ("two", 2.0), ("three", 3.0), ("stale", 9.0), ("else", 5.0)] {
        session(&db, key, begun);
    }
    set(&db, "one", "end_reason = 'compression', ended_at = 2.0, title = 'First'");
    set(&db, "two", "parent_session_id = 'one', end_reason = 'compression', ended_at = 3.0");
    set(&db, "three", "parent_session_id = 'two', title = 'Work', message_count = 3");
    set(&db, "stale", "parent_session_id = 'two', end_reason = 'ws_orphan_reap', ended_at = 10.0");
    says(&db, "one", "user", "hello", 1.0);
    says(&db, "one", "assistant", "hi", 1.1);
    says(&db, "two", "user", "go on", 2.0);
    says(&db, "three", "user", "go on", 20.0);
    says(&db, "three", "assistant", "going", 21.0);
    db
}

#[test]
fn a_compressed_conversation_stands_in_the_list_as_its_end() {
    let mut db = chain();
    let list = list(&mut db, 0);
    let keys: Vec<&str> = list.iter().map(|listed| &*listed.key).collect();
    assert_eq!(keys, ["three", "else"]);
    assert_eq!((list[0].title.as_str(), list[0].started_at, list[0].messages), ("Work", 1.0, 3));
    assert_eq!(list[0].preview, "go on");
}

#[test]
fn a_compressed_conversation_is_loaded_from_its_end_with_what_came_before() {
    let mut db = chain();
    for name in ["one", "two", "three", "First", "Work", "thre"] {
        assert_eq!(&*load(&mut db, name).unwrap().key, "three", "{name}");
    }
    assert_eq!(texts(&mut db, "one"), ["hello", "hi", "go on", "going"]);
    assert_eq!(context(&mut db, "one"), Some(vec!["go on".to_owned(), "going".to_owned()]));
}

#[test]
fn a_name_means_one_conversation_only() {
    let mut db = database();
    for key in ["2026_a", "2026_b", "20x6_c"] {
        session(&db, key, 1.0);
    }
    set(&db, "2026_b", "title = 'Fix'");
    assert_eq!(&*load(&mut db, "Fix").unwrap().key, "2026_b");
    assert_eq!(&*load(&mut db, "20x6").unwrap().key, "20x6_c");
    for name in ["2026", "2026_", "20x", "20_6_c", "%%%%", "", "Fi"] {
        assert_eq!(load(&mut db, name), None, "{name}");
    }
}

#[test]
fn a_branch_shows_its_own_messages_only() {
    let mut db = chain();
    session(&db, "branch", 30.0);
    set(&db, "branch", "parent_session_id = 'one', model_config = '{\"_branched_from\": \"one\"}'");
    says(&db, "branch", "user", "copied", 30.0);
    assert_eq!(texts(&mut db, "branch"), ["copied"]);
    assert_eq!(context(&mut db, "branch"), None);
    assert_eq!(&*load(&mut db, "one").unwrap().key, "three");
}

#[test]
fn a_loaded_conversation_is_live_again_and_knows_what_it_used() {
    let mut db = database();
    session(&db, "a", 1.0);
    set(&db, "a", "ended_at = 2.0, end_reason = 'tui_close', cwd = '/tmp', model = 'm', title = ''");
    set(&db, "a", "input_tokens = 5, cache_read_tokens = 3, output_tokens = 2, api_call_count = 1");
    let loaded = load(&mut db, "a").unwrap();
    assert_eq!((loaded.usage.input, loaded.usage.output, loaded.usage.calls), (8, 2, 1));
    assert_eq!((loaded.model.as_str(), loaded.title.as_deref(), loaded.started_at), ("m", None, 1.0));
    assert_eq!(count(&db, "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND end_reason IS NULL"), 1);
}

/// A conversation whose model sees copies in the place of it, and one message after.
fn with_context() -> Database {
    let db = database();
    session(&db, "a", 1.0);
    let first = says(&db, "a", "user", "walrus one", 1.0);
    says(&db, "a", "assistant", "walrus two", 2.0);
    let copy = says(&db, "a", "user", "walrus summary", 3.0);
    says(&db, "a", "user", "walrus three", 4.0);
    execute(&db, &format!("UPDATE messages SET active = 0, compacted = 1 WHERE id < {copy}"));
    execute(&db, &format!("INSERT INTO tui_gateway_context VALUES ('a', {first}, {copy}, {copy})"));
    db
}

#[test]
fn people_see_what_the_model_sees_a_summary_of() {
    let mut db = with_context();
    assert_eq!(texts(&mut db, "a"), ["walrus one", "walrus two", "walrus three"]);
    assert_eq!(context(&mut db, "a"), Some(vec!["walrus summary".to_owned(), "walrus three".to_owned()]));
}

#[test]
fn where_another_program_compressed_everybody_sees_what_it_left() {
    let mut db = with_context();
    execute(&db, "UPDATE messages SET active = 0, compacted = 1");
    says(&db, "a", "user", "walrus foreign", 5.0);
    assert_eq!(texts(&mut db, "a"), ["walrus foreign"]);
    assert_eq!(context(&mut db, "a"), None);
}

#[test]
fn messages_that_were_taken_back_are_out_of_sight() {
    let mut db = with_context();
    execute(&db, "UPDATE messages SET active = 0, compacted = 0 WHERE content = 'walrus two'");
    assert_eq!(texts(&mut db, "a"), ["walrus one", "walrus three"]);
    assert_eq!(found(&mut db, "two"), Vec::<Hit>::new());
}

#[test]
fn a_file_without_tables_of_ours_is_read_all_the_same() {
    let mut db = with_context();
    execute(&db, "DROP TABLE tui_gateway_context; DROP TABLE tui_gateway_message");
    execute(&db, "DROP TABLE tui_gateway_journal");
    assert_eq!(texts(&mut db, "a"), ["walrus summary", "walrus three"]);
    assert_eq!(found(&mut db, "walrus").len(), 1);
    assert_eq!(excerpt(&mut db, None, 9).unwrap().messages.len(), 4);
}

#[test]
fn rows_of_the_original_become_messages() {
    let mut db = database();
    session(&db, "a", 1.0);
    let prompt = says(&db, "a", "user", "look\n[screenshot]", 1.0);
    let extra = "{\"images\": [\"/i.png\"], \"failed\": true}";
    let sql = "INSERT INTO tui_gateway_message VALUES (?1, ?2)";
    db.conn.execute(sql, rusqlite::params![prompt, extra]).unwrap();
    says(&db, "a", "user", "\0json:[{\"type\": \"text\", \"text\": \"parts\"}]", 2.0);
    let call = says(&db, "a", "assistant", "<memory-context>x</memory-context> hm ", 3.0);
    let calls = "[{\"id\": \"c1\", \"function\": {\"name\": \"terminal\", \"arguments\": \"{}\"}}, 7]";
    let sql = "UPDATE messages SET tool_calls = ?2, reasoning_content = 'why' WHERE id = ?1";
    db.conn.execute(sql, rusqlite::params![call, calls]).unwrap();
    says(&db, "a", "tool", "out ", 4.0);
    execute(&db, "UPDATE messages SET tool_call_id = 'c1' WHERE role = 'tool'");
    says(&db, "a", "oracle", "nobody", 5.0);
    says(&db, "a", "user", "Review the conversation above and update the skill library now", 6.0);
    says(&db, "a", "assistant", "Updated.", 7.0);
    let history = load(&mut db, "a").unwrap().history;
    let texts: Vec<&str> = history.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["look", "parts", "hm", "out "]);
    assert_eq!((history[0].images.len(), history[0].failed), (1, true));
    assert_eq!((history[2].calls.len(), history[2].reasoning.as_deref()), (1, Some("why")));
    assert_eq!(history[3].called.as_ref().map(|called| called.name.as_str()), Some("terminal"));
}

fn find(db: &mut Database, query: &str, order: Order, roles: &[Role], except: Option<&str>) -> Vec<Hit> {
    let except = except.map(Into::into);
    let search = Search { query: query.to_owned(), roles: roles.to_vec(), limit: 10, order, except };
    let Told::Found(hits) = answer(db, &Asked::Search(search)).unwrap() else { panic!() };
    hits
}

fn found(db: &mut Database, query: &str) -> Vec<Hit> {
    find(db, query, Order::Rank, &[], None)
}

#[test]
fn a_search_finds_one_message_a_conversation_and_no_copies() {
    let mut db = with_context();
    session(&db, "b", 2.0);
    says(&db, "b", "assistant", "the walrus sleeps", 9.0);
    session(&db, "run", 3.0);
    set(&db, "run", "source = 'subagent'");
    says(&db, "run", "user", "walrus", 9.0);
    let hits = found(&mut db, "walrus");
    assert_eq!(hits.len(), 2);
    assert!(hits.iter().all(|hit| hit.snippet.contains(">>>walrus<<<")));
    assert_eq!(found(&mut db, "summary"), Vec::<Hit>::new());
    assert_eq!(found(&mut db, "\"walrus sleeps\" NOT summary").len(), 1);
    assert_eq!(found(&mut db, "one OR sleeps").len(), 2);
    let keys = |hits: Vec<Hit>| hits.iter().map(|hit| hit.session.key.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(find(&mut db, "walrus", Order::Newest, &[], None)), ["b", "a"]);
    assert_eq!(keys(find(&mut db, "walrus", Order::Oldest, &[], None)), ["a", "b"]);
    assert_eq!(keys(find(&mut db, "walrus", Order::Rank, &[Role::Assistant], Some("b"))), ["a"]);
}

#[test]
fn a_conversation_is_left_out_with_what_came_before_it() {
    let mut db = chain();
    assert_eq!(find(&mut db, "hello", Order::Rank, &[], Some("three")), Vec::<Hit>::new());
    assert_eq!(find(&mut db, "hello", Order::Rank, &[], Some("else")).len(), 1);
}

#[test]
fn words_of_east_asia_are_found_long_and_short() {
    let mut db = database();
    session(&db, "a", 1.0);
    says(&db, "a", "user", "我们去大别山项目看看", 1.0);
    assert!(found(&mut db, "大别山项目")[0].snippet.contains("大别山项目"));
    assert!(found(&mut db, "别山")[0].snippet.contains(">>>别山<<<"));
    assert_eq!(found(&mut db, "别山 NOT 看看"), Vec::<Hit>::new());
    assert_eq!(found(&mut db, "山% OR 桂林"), Vec::<Hit>::new());
}

#[test]
fn no_query_is_an_error_and_no_index_is_needed() {
    let mut db = with_context();
    for query in ["", "\"", "AND", "(((", "a*b:c^d{e}", "NEAR(a b)", "'; DROP", "\0", "NOT NOT NOT x"] {
        found(&mut db, query);
    }
    execute(&db, "DROP TABLE messages_fts");
    assert_eq!(found(&mut db, "walrus").len(), 1);
}

fn excerpt(db: &mut Database, around: Option<i64>, window: usize) -> Option<Box<Excerpt>> {
    let read = Read { key: "a".into(), around, window };
    let Told::Excerpt(excerpt) = answer(db, &Asked::Read(read)).unwrap() else { panic!() };
    excerpt
}

#[test]
fn an_excerpt_has_what_was_said_without_copies() {
    let mut db = with_context();
    let all = excerpt(&mut db, None, 5).unwrap();
    let texts: Vec<&str> = all.messages.iter().map(|message| message.message.text.as_str()).collect();
    assert_eq!(texts, ["walrus one", "walrus two", "walrus three"]);
    let around = excerpt(&mut db, Some(all.messages[1].number), 0).unwrap();
    assert_eq!((around.before, around.after, around.messages.len()), (1, 1, 1));
    assert_eq!(excerpt(&mut db, Some(1000), 5), None);
}

#[test]
fn insights_count_conversations_that_stand_in_lists() {
    let mut db = chain();
    set(&db, "else", "message_count = 7");
    let told = answer(&mut db, &Asked::Insights { since: 4.0 });
    assert_eq!(told, Ok(Told::Insights { sessions: 1, messages: 7 }));
}
