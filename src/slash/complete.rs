//! `complete.slash`: candidates for the command at the start of the input. A fold over the table.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::catalog::{Added, resolve, shortened};
use super::details;
use super::table::{COMMANDS, Category, Command};

/// Candidates of one answer, as in the original; the client's own commands come on top.
const ITEMS_MAX: usize = 30;
/// Bytes of input that are looked at. Nobody completes a longer command, and the work stays bounded.
const TEXT_MAX: usize = 4096;

/// Characters of a note beside what users add (the original's).
const NOTE_CHARS_MAX: usize = 50;
/// Commands that open a list when they are sent without an argument.
const PICKED: [&str; 3] = ["model", "skin", "personality"];

/// One candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Item {
    /// What replaces the end of the input.
    pub(super) text: String,
    /// What is shown.
    pub(super) display: String,
    /// A note beside it.
    pub(super) meta: String,
}

impl Item {
    /// A candidate that is shown as it is inserted.
    pub(super) fn plain(text: &str, meta: impl Into<String>) -> Self {
        Self { text: text.to_owned(), display: text.to_owned(), meta: meta.into() }
    }

    fn into_value(self) -> Value {
        json!({ "text": self.text, "display": self.display, "meta": self.meta })
    }
}

/// The result of `complete.slash` for the input up to the cursor: `items` and `replace_from`.
///
/// `replace_from` counts UTF-16 code units, because the clients slice JavaScript strings with it; the
/// original counts code points and is off after an emoji. It is absent when `text` is no command.
pub fn complete(text: &str, added: &Added) -> Value {
    if !text.starts_with('/') || text.len() > TEXT_MAX {
        return json!({ "items": [] });
    }
    let last_blank = text.rfind(char::is_whitespace);
    let (items, start_without_blank) = if details::applies(text) {
        (details::candidates(text), text.len())
    } else {
        (commands_or_arguments(text, added), 1)
    };
    let start = match last_blank {
        Some(at) => at + text[at..].chars().next().map_or(0, char::len_utf8),
        None => start_without_blank,
    };
    let replace_from = text[..start].encode_utf16().count();
    let items: Vec<Value> = items.into_iter().map(Item::into_value).collect();
    json!({ "items": items, "replace_from": replace_from })
}

fn commands_or_arguments(text: &str, added: &Added) -> Vec<Item> {
    match text.split_once(char::is_whitespace) {
        Some((base, typed)) => arguments(&base.to_lowercase(), typed.trim_start(), added),
        None => commands(text.get(1..).unwrap_or_default(), added),
    }
}

/// Names and aliases that begin with `word`, whatever its case, ours and then what users add, each once; then
/// the client's own commands, with their slash, which the client drops when it is there already.
fn commands(word: &str, added: &Added) -> Vec<Item> {
    let word = word.to_lowercase();
    let (own, listed): (Vec<&Command>, Vec<&Command>) =
        COMMANDS.iter().partition(|command| command.category == Category::Tui);
    let ours = listed
        .into_iter()
        .flat_map(|command| command.names().map(move |name| (name, command)))
        .map(|(name, command)| (name, noted(name, command)));
    // The signs are the original's.
    let marked = |sign: &'static str| {
        move |(name, note): &'_ (String, String)| {
            (name.clone(), format!("{sign} {}", shortened(note, NOTE_CHARS_MAX, "...")))
        }
    };
    let bundles = added.bundles.iter().map(|(name, note, skills)| {
        let note = shortened(note, NOTE_CHARS_MAX, "...");
        (name.clone(), format!("▣ {note} ({skills} skills)"))
    });
    let theirs = added
        .agent
        .iter()
        .map(|(name, note)| (name.clone(), shortened(note, NOTE_CHARS_MAX, "...")))
        .chain(bundles)
        .chain(added.skills.iter().map(marked("⚡")))
        .chain(added.programs.iter().map(marked("🔌")))
        .chain(added.quick.iter().map(marked("»")));
    let mut seen = HashSet::new();
    let mut items: Vec<Item> = ours
        .map(|(name, note)| (name.to_owned(), note))
        .chain(theirs)
        .filter(|(name, _)| name.to_lowercase().starts_with(&word) && seen.insert(name.clone()))
        .map(|(name, note)| named(&name, note, &word))
        .take(ITEMS_MAX)
        .collect();
    items.extend(own.into_iter().filter(|command| command.name.starts_with(&word)).map(|command| {
        let slashed = format!("/{}", command.name);
        Item { text: slashed.clone(), display: slashed, meta: command.summary() }
    }));
    items
}

fn named(name: &str, meta: String, word: &str) -> Item {
    // A blank behind a complete name: accepting it moves on to the arguments. Not where a list opens instead.
    let blank = if name.to_lowercase() == word && !PICKED.contains(&name) { " " } else { "" };
    Item { text: format!("{name}{blank}"), display: format!("/{name}"), meta }
}

fn noted(name: &str, command: &Command) -> String {
    if name == command.name { command.summary() } else { command.alias_summary() }
}

/// Words for the first argument, and for those of `/tools`.
fn arguments(base: &str, typed: &str, added: &Added) -> Vec<Item> {
    match base {
        "/skin" => listed(&added.skins, typed),
        "/personality" => {
            let none = ("none".to_owned(), "no personality".to_owned());
            listed(&[std::slice::from_ref(&none), &added.personalities].concat(), typed)
        }
        "/mode" => listed(&added.modes, typed),
        "/tools" if typed.contains(char::is_whitespace) => toolsets(added, typed),
        base => resolve(base).map_or_else(Vec::new, |command| sub_commands(command.sub, typed)),
    }
}

/// Of a list with notes what begins with what is typed, and is more than it.
fn listed(list: &[(String, String)], typed: &str) -> Vec<Item> {
    let typed = typed.to_lowercase();
    list.iter()
        .filter(|(name, _)| name.to_lowercase().starts_with(&typed) && *name != typed)
        .take(ITEMS_MAX)
        .map(|(name, note)| Item::plain(name, shortened(note, NOTE_CHARS_MAX, "...")))
        .collect()
}

/// Sets of tools that are not so yet and were not named yet, behind `enable` or `disable`; then servers.
fn toolsets(added: &Added, typed: &str) -> Vec<Item> {
    let mut words: Vec<&str> = typed.split_whitespace().collect();
    let sets = match words.first().copied() {
        Some("enable") => &added.toolsets_off,
        Some("disable") => &added.toolsets_on,
        _ => return Vec::new(),
    };
    let last = if typed.ends_with(char::is_whitespace) { "" } else { words.pop().unwrap_or_default() };
    let all = sets.iter().chain(&added.servers);
    let free: Vec<(String, String)> =
        all.filter(|(name, _)| !words.contains(&name.as_str())).cloned().collect();
    listed(&free, last)
}

fn sub_commands(sub: &[&str], typed: &str) -> Vec<Item> {
    let typed = typed.to_lowercase();
    sub.iter()
        .filter(|word| word.starts_with(&typed) && **word != typed)
        .take(ITEMS_MAX)
        .map(|word| Item::plain(word, ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Added, ITEMS_MAX, TEXT_MAX, sub_commands};

    fn two(name: &str, note: &str) -> (String, String) {
        (name.to_owned(), note.to_owned())
    }

    fn complete(text: &str) -> Value {
        let added = Added {
            quick: vec![two("Deploy", "exec: ./deploy.sh"), two("usage", "exec: df")],
            skills: vec![two("tidy-notes", &"x".repeat(60))],
            bundles: vec![("zip-up".to_owned(), "x".repeat(60), 2)],
            skins: vec![two("default", "built in"), two("ares", "built in")],
            personalities: vec![two("concise", "Be short.")],
            toolsets_on: vec![two("file", "Files"), two("web", "Web pages")],
            toolsets_off: vec![two("todo", "Task list")],
            servers: vec![two("gh:", "a tool of this server")],
            agent: vec![two("mode", "Modes"), two("zplan", "Plans")],
            modes: vec![two("ask", "Ask"), two("code", "Code")],
            ..Added::default()
        };
        super::complete(text, &added)
    }

    fn texts(result: &Value) -> Vec<String> {
        result["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["text"].as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    fn check(text: &str, items: &[&str], replace_from: usize) {
        let result = complete(text);
        assert_eq!(texts(&result), items, "{text:?}");
        assert_eq!(result["replace_from"], json!(replace_from), "{text:?}");
    }

    #[test]
    fn first_words() {
        check("/q", &["queue", "q ", "quit"], 1);
        check("/help", &["help "], 1);
        check("/HELP", &["help "], 1);
        let c = ["clear", "compose", "compress", "config", "cron", "copy", "/compact"];
        check("/c", &c, 1);
        check("/d", &["Deploy", "/details"], 1);
        check("/deploy", &["Deploy "], 1);
        check("/tidy", &["tidy-notes"], 1);
        check("/model", &["model"], 1);
        check("/mode", &["model", "mode "], 1);
        check("/model ", &[], 7);
        check("/detail", &["/details"], 1);
        check("/l", &["learning", "learn", "/logs"], 1);
        check("/ ", &[], 2);
        check("/tmp/x", &[], 1);
        check("/detailsx", &[], 1);
    }

    #[test]
    fn an_empty_word_offers_everything_once() {
        let all = texts(&complete("/"));
        assert_eq!(all.first().map(String::as_str), Some("new"));
        assert_eq!((all.len(), all.last().map(String::as_str)), (ITEMS_MAX + 4, Some("/mouse")));
    }

    #[test]
    fn items_carry_a_name_and_a_note() {
        let result = complete("/res");
        assert_eq!(
            result["items"],
            json!([
                { "text": "reset", "display": "/reset", "meta": "Begin a fresh session (alias for /new)" },
                {
                    "text": "resume",
                    "display": "/resume",
                    "meta": "Return to an earlier session (usage: /resume [name])",
                },
            ])
        );
    }

    #[test]
    fn what_users_add_stands_once_and_says_what_it_is() {
        assert_eq!(texts(&complete("/us")), ["usage"], "theirs has no line of its own beside ours");
        let notes = |text: &str| complete(text)["items"][0]["meta"].clone();
        assert_eq!(notes("/tidy"), json!(format!("⚡ {}...", "x".repeat(50))));
        assert_eq!(notes("/zip"), json!(format!("▣ {}... (2 skills)", "x".repeat(50))));
        assert_eq!(notes("/dep"), json!("» exec: ./deploy.sh"));
    }

    #[test]
    fn what_is_no_command_has_no_index() {
        for text in ["", "x", " /help"] {
            assert_eq!(complete(text), json!({ "items": [] }), "{text:?}");
        }
        assert_eq!(complete(&format!("/{}", "x".repeat(TEXT_MAX))), json!({ "items": [] }));
    }

    #[test]
    fn details() {
        let first =
            ["hidden", "collapsed", "expanded", "cycle", "thinking", "tools", "subagents", "activity"];
        let spaced: Vec<String> = first.iter().map(|word| format!(" {word}")).collect();
        check("/details", &spaced.iter().map(String::as_str).collect::<Vec<_>>(), 8);
        check("/Details ", &first, 9);
        check("/details h", &["hidden"], 9);
        check("/details t", &["thinking", "tools"], 9);
        check("/details hidden", &[], 9);
        check("/details thinking ", &["hidden", "collapsed", "expanded", "reset"], 18);
        check("/details thinking r", &["reset"], 18);
        check("/details thinking reset", &[], 18);
        check("/details hidden ", &[], 16);
        check("/details thinking hidden ", &[], 25);
        let result = complete("/details tools re");
        assert_eq!(result["items"][0]["meta"], json!("clear tools override"));
    }

    #[test]
    fn arguments_follow_the_table() {
        let sub = ["high", "hide", "low"];
        let offered = |typed| sub_commands(&sub, typed).into_iter().map(|item| item.text).collect::<Vec<_>>();
        assert_eq!(offered(""), ["high", "hide", "low"]);
        assert_eq!(offered("HI"), ["high", "hide"]);
        assert_eq!(offered("low"), Vec::<String>::new());
        assert_eq!(offered("high x"), Vec::<String>::new());
        check("/reasoning HI", &["high", "hide"], 11);
        check("/skin ", &["default", "ares"], 6);
        check("/skin A", &["ares"], 6);
        check("/personality ", &["none", "concise"], 13);
        check("/tools ", &["list", "disable", "enable"], 7);
        check("/tools disable w", &["web"], 15);
        check("/tools disable web ", &["file", "gh:"], 19);
        check("/tools enable ", &["todo", "gh:"], 14);
        check("/tools enable todo g", &["gh:"], 19);
        check("/tools list ", &[], 12);
        check("/undo ", &[], 6);
        check("/mode ", &["ask", "code"], 6);
        check("/mode C", &["code"], 6);
        check("/zp", &["zplan"], 1);
        check("/nothing x", &[], 9);
    }

    #[test]
    fn the_index_counts_utf16_units() {
        // The emoji is one code point, two units.
        check("/queue \u{1F600} x", &[], 10);
        // A wide blank is one unit, three bytes.
        check("/undo\u{3000}", &[], 6);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "/?(details|undo|\\PC)?[ \t\u{3000}]?\\PC{0,40}") {
            let result = complete(&text);
            prop_assert!(result["items"].as_array().unwrap().len() <= ITEMS_MAX + 4);
            if let Some(at) = result.get("replace_from") {
                prop_assert!(at.as_u64().unwrap() <= text.encode_utf16().count() as u64);
            } else {
                prop_assert!(!text.starts_with('/'));
            }
        }
    }
}
