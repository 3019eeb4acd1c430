//! `complete.slash`: candidates for the command at the start of the input. A fold over the table.

use serde_json::{Value, json};

use super::catalog::resolve;
use super::details;
use super::table::{COMMANDS, Category, Command};

/// Candidates of one answer, as in the original; the client's own commands come on top.
const ITEMS_MAX: usize = 30;
/// Bytes of input that are looked at. Nobody completes a longer command, and the work stays bounded.
const TEXT_MAX: usize = 4096;

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
pub fn complete(text: &str) -> Value {
    if !text.starts_with('/') || text.len() > TEXT_MAX {
        return json!({ "items": [] });
    }
    let last_blank = text.rfind(char::is_whitespace);
    let (items, start_without_blank) = if details::applies(text) {
        (details::candidates(text), text.len())
    } else {
        (commands_or_arguments(COMMANDS, text), 1)
    };
    let start = match last_blank {
        Some(at) => at + text[at..].chars().next().map_or(0, char::len_utf8),
        None => start_without_blank,
    };
    let replace_from = text[..start].encode_utf16().count();
    let items: Vec<Value> = items.into_iter().map(Item::into_value).collect();
    json!({ "items": items, "replace_from": replace_from })
}

fn commands_or_arguments(table: &[Command], text: &str) -> Vec<Item> {
    match text.split_once(char::is_whitespace) {
        Some((base, typed)) => arguments(base, typed.trim_start()),
        None => commands(table, &text[1..]),
    }
}

/// Names and aliases that begin with `word`, whatever its case; then the client's own commands, with their
/// slash, which the client drops when it is there already.
fn commands(table: &[Command], word: &str) -> Vec<Item> {
    let word = word.to_lowercase();
    let (own, listed): (Vec<&Command>, Vec<&Command>) =
        table.iter().partition(|command| command.category == Category::Tui);
    let mut items: Vec<Item> = listed
        .into_iter()
        .flat_map(|command| command.names().map(move |name| (name, command)))
        .filter(|(name, _)| name.starts_with(&word))
        .map(|(name, command)| named(name, command, &word))
        .take(ITEMS_MAX)
        .collect();
    items.extend(own.into_iter().filter(|command| command.name.starts_with(&word)).map(|command| {
        let slashed = format!("/{}", command.name);
        Item { text: slashed.clone(), display: slashed, meta: command.summary() }
    }));
    items
}

fn named(name: &str, command: &Command, word: &str) -> Item {
    // A blank behind a complete name: accepting it moves on to the arguments.
    let blank = if name == word { " " } else { "" };
    let meta = if name == command.name { command.summary() } else { command.alias_summary() };
    Item { text: format!("{name}{blank}"), display: format!("/{name}"), meta }
}

/// Words for the first argument. There is no completion for the second.
fn arguments(base: &str, typed: &str) -> Vec<Item> {
    resolve(base).map_or_else(Vec::new, |command| sub_commands(command.sub, typed))
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

    use super::{ITEMS_MAX, TEXT_MAX, complete, sub_commands};

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
        check("/c", &["clear", "compress", "copy"], 1);
        check("/s", &["save", "stop", "steer", "status", "sessions"], 1);
        check("/d", &["/details"], 1);
        check("/detail", &["/details"], 1);
        check("/l", &["/logs"], 1);
        check("/ ", &[], 2);
        check("/tmp/x", &[], 1);
        check("/detailsx", &[], 1);
    }

    #[test]
    fn an_empty_word_offers_everything_once() {
        let all = texts(&complete("/"));
        assert_eq!(all.first().map(String::as_str), Some("new"));
        assert_eq!(all.last().map(String::as_str), Some("/logs"));
        assert_eq!(all.iter().filter(|name| name.trim_start_matches('/') == "sessions").count(), 1);
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
        check("/undo ", &[], 6);
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
            prop_assert!(result["items"].as_array().unwrap().len() <= ITEMS_MAX + 2);
            if let Some(at) = result.get("replace_from") {
                prop_assert!(at.as_u64().unwrap() <= text.encode_utf16().count() as u64);
            } else {
                prop_assert!(!text.starts_with('/'));
            }
        }
    }
}
