//! The twin does what the database does.

use std::path::PathBuf;

use super::*;
use crate::model::ask::Ask;
use crate::model::message::{Message, Role};
use crate::model::store::{
    Change, Handoff, Hit, Listed, Loaded, NewBranch, OpenQuestion, Order, Read, Row, Search, Workdir,
};
use crate::model::turn::Usage;

fn row(key: &str) -> Row {
    Row { key: key.into(), source: "tui".to_owned(), started_at: 10.0, ..Row::default() }
}

fn user(text: &str) -> Message {
    Message::new(Role::User, text)
}

fn assistant(text: &str) -> Message {
    Message::new(Role::Assistant, text)
}

fn record(key: &str, at: f64, change: Change) -> Record {
    Record { profile: None, key: key.into(), at, change }
}

impl MemoryStore {
    fn with(keys: &[&str]) -> Self {
        let mut store = Self::new();
        for key in keys {
            store.change(key, Change::Begin(Box::new(row(key))));
        }
        store
    }

    fn change(&mut self, key: &str, change: Change) {
        self.change_at(key, 20.0, change);
    }

    fn change_at(&mut self, key: &str, at: f64, change: Change) {
        self.apply(&None, &[record(key, at, change)]).unwrap();
    }

    fn ask(&mut self, asked: Asked) -> Told {
        self.answer(&None, &asked).unwrap()
    }

    fn load(&mut self, name: &str) -> Option<Box<Loaded>> {
        let Told::Loaded(loaded) = self.ask(Asked::Load { name: name.to_owned(), at: 99.0 }) else {
            panic!()
        };
        loaded
    }

    /// What people see, and what the model sees instead.
    fn views(&mut self, key: &str) -> (Vec<String>, Option<Vec<String>>) {
        let texts = |messages: Vec<Message>| messages.into_iter().map(|message| message.text).collect();
        let loaded = self.load(key).unwrap();
        (texts(loaded.history), loaded.context.map(texts))
    }

    fn list(&mut self, limit: i64) -> Vec<Listed> {
        let Told::List(list) = self.ask(Asked::List { limit }) else { panic!() };
        list
    }

    fn keys(&mut self, limit: i64) -> Vec<String> {
        self.list(limit).into_iter().map(|listed| listed.key.to_string()).collect()
    }

    fn title(&mut self, key: &str, title: &str) -> Result<String, Arc<str>> {
        let asked = Asked::Title { row: Box::new(row(key)), title: title.to_owned() };
        let Told::Titled(titled) = self.ask(asked) else { panic!() };
        titled
    }

    fn found(&mut self, query: &str, order: Order) -> Vec<Hit> {
        let search = Search { query: query.to_owned(), roles: Vec::new(), limit: 10, order, except: None };
        let Told::Found(hits) = self.ask(Asked::Search(search)) else { panic!() };
        hits
    }
}

#[test]
fn what_is_appended_is_loaded_again() {
    let mut store = MemoryStore::with(&["a"]);
    let prompt = Message { images: vec![PathBuf::from("/i.png")], ..user("hello") };
    store.change("a", Change::Append(vec![prompt.clone(), assistant("Hi")]));
    store.change("a", Change::Amend("Hi!".to_owned()));
    store.change("a", Change::Model("m".into()));
    let usage = Usage { input: 3, context_used: 9, ..Usage::default() };
    store.change("a", Change::Used(usage.clone()));
    store.change("a", Change::Used(usage));
    let moved = Change::Moved { cwd: "/w".to_owned(), branch: String::new(), root: String::new() };
    store.change("a", moved);
    let loaded = store.load("a").unwrap();
    assert_eq!(loaded.history, [prompt, assistant("Hi!")]);
    assert_eq!((loaded.model.as_str(), loaded.cwd), ("m", Some(PathBuf::from("/w"))));
    assert_eq!((loaded.usage.input, loaded.usage.context_used, loaded.context), (6, 0, None));
}

#[test]
fn a_row_is_begun_once_and_only_filled_in_later() {
    let mut store = MemoryStore::with(&["a"]);
    let later = Row { source: "other".to_owned(), model: "m".to_owned(), ..row("a") };
    store.change("a", Change::Begin(Box::new(later)));
    let latest = Row { model: "n".to_owned(), ..row("a") };
    store.change("a", Change::Begin(Box::new(latest)));
    let loaded = store.load("a").unwrap();
    assert_eq!((loaded.source.as_str(), loaded.model.as_str()), ("tui", "m"));
}

#[test]
fn what_is_deleted_stays_so_whatever_is_recorded_later() {
    let mut store = MemoryStore::with(&["a"]);
    assert_eq!(store.ask(Asked::Delete { key: "a".into() }), Told::Deleted(true));
    assert_eq!(store.ask(Asked::Delete { key: "a".into() }), Told::Deleted(false));
    store.change("a", Change::Append(vec![user("hello")]));
    assert!(store.load("a").is_none() && store.list(0).is_empty());
}

#[test]
fn a_prompt_that_failed_is_marked() {
    let mut store = MemoryStore::with(&["a"]);
    store.change("a", Change::Append(vec![user("hello")]));
    store.change("a", Change::Failed);
    assert!(store.load("a").unwrap().history[0].failed);
}

#[test]
fn the_newest_messages_are_cut_if_they_are_what_was_meant() {
    let mut store = MemoryStore::with(&["a"]);
    let said = vec![user("one"), assistant("1"), user("two"), assistant("2")];
    store.change("a", Change::Append(said));
    for (messages, prompt) in [(1, "2"), (2, "one"), (0, "two"), (5, "one")] {
        store.change("a", Change::Cut { messages, prompt: prompt.to_owned() });
        assert_eq!(store.list(0)[0].messages, 4, "{messages} {prompt}");
    }
    store.change("a", Change::Cut { messages: 2, prompt: "two ".to_owned() });
    assert_eq!(store.views("a").0, ["one", "1"]);
    assert_eq!(store.list(0)[0].messages, 2);
    store.change("a", Change::Cut { messages: 2, prompt: "one".to_owned() });
    assert_eq!((store.list(0)[0].preview.as_str(), store.list(0)[0].messages), ("one", 0));
}

#[test]
fn the_model_sees_a_context_and_people_the_conversation() {
    let mut store = MemoryStore::with(&["a"]);
    let context = |texts: &[&str]| {
        Change::Context(Some(Arc::new(texts.iter().map(|text| assistant(text)).collect::<Vec<_>>())))
    };
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    store.change("a", Change::Append(vec![user("one"), assistant("1")]));
    store.change("a", context(&["short"]));
    store.change("a", Change::Append(vec![user("two"), assistant("2")]));
    let all = texts(&["one", "1", "two", "2"]);
    assert_eq!(store.views("a"), (all.clone(), Some(texts(&["short", "two", "2"]))));
    store.change("a", context(&["shorter"]));
    assert_eq!(store.views("a"), (all, Some(texts(&["shorter"]))));
    assert_eq!(store.list(0)[0].messages, 4);
    store.change("a", Change::Cut { messages: 2, prompt: "two".to_owned() });
    store.change("a", Change::Context(None));
    assert_eq!(store.views("a"), (texts(&["one", "1"]), None));
}

#[test]
fn a_list_has_the_newest_first_and_none_of_tools() {
    let mut store = MemoryStore::with(&["a", "b", "c"]);
    let tool = Row { source: "tool".to_owned(), started_at: 99.0, ..row("t") };
    store.change("t", Change::Begin(Box::new(tool)));
    store.change_at("b", 30.0, Change::Append(vec![user(&format!(" first\nline {}", "x".repeat(60)))]));
    assert_eq!(store.keys(0), ["b", "c", "a"]);
    assert_eq!(store.keys(2), ["b", "c"]);
    assert_eq!(store.keys(-1), ["b", "c"]);
    assert!(store.keys(-9).is_empty() && store.keys(i64::MIN).is_empty());
    let listed = &store.list(1)[0];
    assert_eq!(listed.preview, format!("first line {}...", "x".repeat(49)));
    assert_eq!((listed.last_active, listed.started_at), (30.0, 10.0));
}

#[test]
fn a_name_is_a_key_a_title_or_the_beginning_of_one_key() {
    let mut store = MemoryStore::with(&["2026_aa", "2026_ab"]);
    store.title("2026_ab", "Work").unwrap();
    for (name, key) in [
        ("2026_aa", Some("2026_aa")),
        ("Work", Some("2026_ab")),
        ("2026_AB", Some("2026_ab")),
        ("2026", None),
        ("202", None),
        ("", None),
        ("2026_é", None),
    ] {
        assert_eq!(store.load(name).map(|loaded| loaded.key).as_deref(), key, "{name}");
    }
}

#[test]
fn a_title_is_one_conversations_only_and_its_row_is_made() {
    let mut store = MemoryStore::new();
    assert_eq!(store.title("a", "Work"), Ok("Work".to_owned()));
    assert_eq!(store.title("b", "Work"), Err("a".into()));
    assert_eq!(store.keys(0), ["a"]);
    store.change("b", Change::Begin(Box::new(row("b"))));
    store.change("b", Change::Title("Work".to_owned()));
    assert_eq!(store.load("b").unwrap().title, None);
}

#[test]
fn a_branch_has_all_of_the_conversation_and_a_title_of_its_own() {
    let mut store = MemoryStore::with(&["a"]);
    store.title("a", "Work").unwrap();
    let branch = |key: &str, title: Option<&str>| {
        Asked::Branch(Box::new(NewBranch {
            row: Row { branched_from: Some("a".into()), ..row(key) },
            history: Arc::new(vec![user("one"), assistant("1")]),
            context: Some(Arc::new(vec![assistant("short")])),
            title: title.map(str::to_owned),
            base: "Work".to_owned(),
        }))
    };
    assert_eq!(store.ask(branch("b", None)), Told::Titled(Ok("Work #2".to_owned())));
    assert_eq!(store.ask(branch("c", Some("Work"))), Told::Titled(Err("a".into())));
    let both = vec!["one".to_owned(), "1".to_owned()];
    assert_eq!(store.views("b"), (both, Some(vec!["short".to_owned()])));
    assert!(store.load("c").is_none());
}

#[test]
fn a_question_is_taken_once_and_outlives_a_restart() {
    let mut store = MemoryStore::with(&["a"]);
    let question = Ask::Clarify { question: "Which?".to_owned(), choices: None };
    let open = OpenQuestion { request: 3, question, call: "c1".to_owned() };
    store.change("a", Change::Ask(open.clone()));
    store.restart();
    assert_eq!(store.load("a").unwrap().asks, [open]);
    let claim = |request| Asked::Claim { key: "a".into(), request };
    assert_eq!(store.ask(claim(4)), Told::Claimed(false));
    assert_eq!(store.ask(claim(3)), Told::Claimed(true));
    assert_eq!(store.ask(claim(3)), Told::Claimed(false));
}

#[test]
fn a_restart_keeps_what_was_under_way() {
    let mut store = MemoryStore::with(&["a"]);
    store.change("a", Change::Append(vec![user("one")]));
    store.change("a", Change::Streamed("lost".to_owned()));
    store.change("a", Change::Append(vec![assistant("1")]));
    for piece in ["An an", "swer"] {
        store.change("a", Change::Streamed(piece.to_owned()));
    }
    for (number, text) in [(1, "two"), (2, "three"), (3, "four")] {
        store.change("a", Change::Wait { number, text: text.to_owned(), images: Vec::new() });
    }
    store.change("a", Change::WaitOver { number: 2 });
    assert_eq!(store.views("a").0, ["one", "1"]);
    for _ in 0..2 {
        store.restart();
        assert_eq!(store.views("a").0, ["one", "1", "An answer", "two", "four"]);
    }
    assert_eq!(store.list(0)[0].messages, 5);
}

#[test]
fn a_handoff_is_asked_for_once_and_may_fail_once() {
    let mut store = MemoryStore::new();
    let asked = || Asked::HandOff { row: Box::new(row("a")), platform: "telegram".to_owned() };
    let pending =
        Handoff { state: "pending".to_owned(), platform: "telegram".to_owned(), ..Handoff::default() };
    assert_eq!(store.ask(asked()), Told::Handoff(Some(pending.clone())));
    assert_eq!(store.ask(asked()), Told::Handoff(Some(Handoff { refused: true, ..pending })));
    let fail = || Asked::HandoffFail { key: "a".into(), error: "é".repeat(600) };
    assert_eq!(store.ask(fail()), Told::HandoffFailed(true, "failed".to_owned()));
    assert_eq!(store.ask(fail()), Told::HandoffFailed(false, "failed".to_owned()));
    let state = |key: &str| Asked::HandoffState { key: key.into() };
    let Told::Handoff(Some(handoff)) = store.ask(state("a")) else { panic!() };
    assert_eq!((handoff.error.chars().count(), handoff.refused), (500, false));
    assert_eq!(store.ask(state("b")), Told::Handoff(None));
}

#[test]
fn a_search_finds_each_conversation_once() {
    let mut store = MemoryStore::with(&["a", "b"]);
    store.change_at("a", 21.0, Change::Append(vec![user("the fox"), assistant("The fox, a fox")]));
    store.change_at("b", 22.0, Change::Append(vec![user("a fox and a bear")]));
    let hits = store.found("FOX", Order::Rank);
    let snippets: Vec<&str> = hits.iter().map(|hit| hit.snippet.as_str()).collect();
    assert_eq!(snippets, ["The >>>fox<<<, a >>>fox<<<", "a >>>fox<<< and a bear"]);
    assert_eq!((hits[0].role.as_str(), hits[0].message), ("assistant", 2));
    let keys = |hits: Vec<Hit>| hits.into_iter().map(|hit| hit.session.key.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(store.found("fox", Order::Newest)), ["b", "a"]);
    assert_eq!(keys(store.found("fox", Order::Oldest)), ["a", "b"]);
    assert_eq!(keys(store.found("fox bear", Order::Rank)), ["b"]);
    let search = Search {
        query: "fox".to_owned(),
        roles: vec![Role::User],
        limit: 1,
        order: Order::Rank,
        except: Some("b".into()),
    };
    let Told::Found(hits) = store.ask(Asked::Search(search)) else { panic!() };
    assert_eq!(hits.iter().map(|hit| hit.message).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_part_is_read_around_a_message_or_from_both_ends() {
    let mut store = MemoryStore::with(&["a"]);
    let said = (1..=9).map(|number| user(&number.to_string())).collect();
    store.change("a", Change::Append(said));
    store.change("a", Change::Context(Some(Arc::new(vec![assistant("short")]))));
    let mut read = |key: &str, around, window| {
        let read = Read { key: key.into(), around, window };
        let Told::Excerpt(excerpt) = store.ask(Asked::Read(read)) else { panic!() };
        excerpt.map(|excerpt| {
            let numbers: Vec<i64> = excerpt.messages.iter().map(|said| said.number).collect();
            (numbers, excerpt.before, excerpt.after)
        })
    };
    assert_eq!(read("a", Some(3), 1), Some((vec![2, 3, 4], 1, 5)));
    assert_eq!(read("a", Some(9), 2), Some((vec![7, 8, 9], 6, 0)));
    assert_eq!(read("a", None, 2), Some((vec![1, 2, 8, 9], 0, 5)));
    assert_eq!(read("a", None, usize::MAX), Some(((1..=9).collect(), 0, 0)));
    assert_eq!(read("a", Some(10), 2), None, "a copy for the model");
    assert_eq!(read("b", None, 2), None);
}

#[test]
fn profiles_have_conversations_of_their_own() {
    let mut store = MemoryStore::with(&["a"]);
    assert_eq!(store.answer(&Some("work".into()), &Asked::List { limit: 0 }), Ok(Told::List(Vec::new())));
    store.change("a", Change::Append(vec![user("one"), assistant("1")]));
    assert_eq!(store.ask(Asked::Insights { since: 5.0 }), Told::Insights { sessions: 1, messages: 2 });
    assert_eq!(store.ask(Asked::Insights { since: 15.0 }), Told::Insights { sessions: 0, messages: 0 });
}

#[test]
fn the_oldest_that_ended_make_room_and_live_ones_never() {
    let mut store = MemoryStore::with(&["a", "b", "c", "d"]);
    for (key, at) in [("a", 24.0), ("b", 23.0), ("c", 22.0), ("d", 21.0)] {
        store.change_at(key, at, Change::Append(vec![user(&"x".repeat(10_000))]));
    }
    for key in ["a", "b", "c"] {
        store.change(key, Change::End("closed"));
    }
    assert!(store.load("c").is_some(), "and is live again");
    store.fit(3, usize::MAX);
    assert_eq!(store.keys(0), ["a", "c", "d"]);
    store.fit(3, 30_000);
    assert_eq!(store.keys(0), ["c", "d"]);
    store.fit(0, 0);
    assert_eq!(store.keys(0), ["c", "d"]);
}

#[test]
fn conversations_with_messages_are_sorted_and_directories_counted() {
    let mut store = MemoryStore::new();
    for (key, source, cwd) in
        [("a", "tui", Some("/w")), ("b", "cron", Some("/w")), ("c", "tool", Some("/a")), ("d", "tui", None)]
    {
        let cwd = cwd.map(str::to_owned);
        store.change(key, Change::Begin(Box::new(Row { source: source.to_owned(), cwd, ..row(key) })));
    }
    for (key, at) in [("a", 24.0), ("b", 23.0), ("c", 22.0)] {
        store.change_at(key, at, Change::Append(vec![user("fix it"), assistant("done")]));
    }
    let Told::Rows(rows) = store.ask(Asked::Rows { limit: -1 }) else { panic!() };
    let shown: Vec<_> =
        rows.iter().map(|row| (row.id.as_str(), row.message_count, row.last_active)).collect();
    assert_eq!(shown, [("a", 2, 24.0), ("c", 2, 22.0)]);
    assert_eq!((rows[0].preview.as_str(), rows[0].cwd.as_deref()), ("fix it", Some("/w")));
    let Told::Rows(rows) = store.ask(Asked::Rows { limit: 1 }) else { panic!() };
    assert_eq!(rows.len(), 1);
    let place = |cwd: &str, sessions| Workdir { cwd: cwd.to_owned(), sessions, last_active: 10.0 };
    assert_eq!(store.ask(Asked::Workdirs), Told::Workdirs([place("/a", 1), place("/w", 2)].into()));
    assert_eq!(store.ask(Asked::NoteRoots(vec![("/w".to_owned(), "/w".to_owned())])), Told::Noted(0));
}
