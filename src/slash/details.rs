//! What may follow `/details`: a mode for everything, or a section and a mode for it.

use super::complete::Item;

/// Modes, for everything or for one section.
const MODES: [&str; 3] = ["hidden", "collapsed", "expanded"];
/// Steps to the next mode; for everything only.
const CYCLE: &str = "cycle";
/// Parts of the screen with a mode of their own.
const SECTIONS: [&str; 4] = ["thinking", "tools", "subagents", "activity"];
/// Takes a section's own mode away.
const RESET: &str = "reset";

/// Whether `text` is the command `/details`, alone or with something behind it.
pub(super) fn applies(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("/details"))
}

/// Candidates for `text`, for which [`applies`] holds.
pub(super) fn candidates(text: &str) -> Vec<Item> {
    let trailing = text.ends_with(char::is_whitespace);
    let words: Vec<&str> = text.split_whitespace().skip(1).collect();
    match (words.as_slice(), trailing) {
        ([], true) => first_words(),
        // Nothing parts the command from its argument yet, so the candidates bring the blank along.
        ([], false) => {
            first_words().into_iter().map(|item| Item { text: format!(" {}", item.text), ..item }).collect()
        }
        ([typed], false) => narrowed(first_words(), typed),
        ([section], true) => modes_of(section),
        ([section, typed], false) => narrowed(modes_of(section), typed),
        _ => Vec::new(),
    }
}

fn first_words() -> Vec<Item> {
    let modes = MODES.iter().map(|mode| Item::plain(mode, "global mode"));
    let cycle = Item::plain(CYCLE, "cycle global mode");
    let sections = SECTIONS.iter().map(|section| Item::plain(section, "section override"));
    modes.chain([cycle]).chain(sections).collect()
}

/// The modes a section may have; none when it is no section.
fn modes_of(section: &str) -> Vec<Item> {
    let Some(section) = SECTIONS.iter().find(|known| known.eq_ignore_ascii_case(section)) else {
        return Vec::new();
    };
    let modes = MODES.iter().map(|mode| Item::plain(mode, format!("set {section}")));
    modes.chain([Item::plain(RESET, format!("clear {section} override"))]).collect()
}

/// Those that begin with what is typed and are more than it.
fn narrowed(items: Vec<Item>, typed: &str) -> Vec<Item> {
    let typed = typed.to_lowercase();
    items.into_iter().filter(|item| item.text.starts_with(&typed) && item.text != typed).collect()
}
