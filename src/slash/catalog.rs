//! `commands.catalog` and `command.resolve`: folds over the table. Knows nothing of requests.

use serde_json::{Map, Value, json};

use super::commands::ELSEWHERE;
use super::table::{COMMANDS, Category, Command};

/// Characters of a note beside a user's command (the original's).
const NOTE_CHARS_MAX: usize = 120;

/// What users add to the catalogue.
#[derive(Clone, Default, Debug)]
pub struct Added {
    /// Quick commands, by name, with what is shown beside them.
    pub quick: Vec<(String, String)>,
    /// Executables that are switched on.
    pub programs: Vec<(String, String)>,
    /// Skills, by command.
    pub skills: Vec<(String, String)>,
    /// Bundles of skills, by command, with what each is for and how many are in it; completed, not listed.
    pub bundles: Vec<(String, String, usize)>,
    /// Skins that can be loaded, and what they are.
    pub skins: Vec<(String, String)>,
    /// Personalities, and how each begins.
    pub personalities: Vec<(String, String)>,
    /// Sets of tools that are on, and what they are.
    pub toolsets_on: Vec<(String, String)>,
    /// Sets of tools that are off.
    pub toolsets_off: Vec<(String, String)>,
    /// Servers whose tools can be switched, as `name:`.
    pub servers: Vec<(String, String)>,
    /// Commands of another program's agent.
    pub agent: Vec<(String, String)>,
    /// Its modes, and what people call them.
    pub modes: Vec<(String, String)>,
    /// What of all this could not be found, in a sentence; empty when nothing is missing.
    pub warning: String,
}

/// The result of `commands.catalog`: `pairs`, `sub`, `canon`, `categories`, `skill_count`, `warning`.
///
/// A name stands in `pairs` once; the original lists `/sessions` twice, and a quick command with the name of
/// one of its own too. Theirs wins here as there.
pub fn catalog(added: &Added) -> Value {
    let mut sub = Map::new();
    let mut canon = Map::new();
    for command in COMMANDS {
        if !command.sub.is_empty() {
            sub.insert(slashed(command.name), json!(command.sub));
        }
        if command.category == Category::Tui {
            continue;
        }
        for name in command.names() {
            canon.insert(slashed(name), Value::String(slashed(command.name)));
        }
    }
    let own: Vec<&(String, String)> = added.quick.iter().chain(&added.programs).collect();
    for (name, _) in &own {
        canon.insert(slashed(&name.to_lowercase()), Value::String(slashed(name)));
    }
    let is_theirs = |name: &str| own.iter().any(|(theirs, _)| theirs == name);
    let ours: Vec<&Command> = COMMANDS.iter().filter(|command| !is_theirs(command.name)).collect();
    let mut pairs: Vec<Value> = ours.iter().map(|command| pair(command)).collect();
    pairs.extend(own.iter().copied().chain(&added.agent).chain(&added.skills).map(shown));
    let mut categories = categories(&ours);
    if !own.is_empty() {
        let pairs: Vec<Value> = own.iter().copied().map(shown).collect();
        categories.push(json!({ "name": "User commands", "pairs": pairs }));
    }
    if !added.agent.is_empty() {
        let pairs: Vec<Value> = added.agent.iter().map(shown).collect();
        categories.push(json!({ "name": "Agent", "pairs": pairs }));
    }
    json!({
        "pairs": pairs,
        "sub": sub,
        "canon": canon,
        "categories": categories,
        "skill_count": added.skills.len(),
        "warning": added.warning,
    })
}

/// A command of a user's, its note cut as in the original.
fn shown((name, note): &(String, String)) -> Value {
    json!([slashed(name), shortened(note, NOTE_CHARS_MAX, "…")])
}

/// A text, or its beginning and a mark.
pub(super) fn shortened(text: &str, chars: usize, mark: &str) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}{mark}", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The command of this name or alias. Case and leading slashes do not matter; white space does.
pub fn resolve(name: &str) -> Option<&'static Command> {
    let name = name.trim_start_matches('/').to_lowercase();
    COMMANDS.iter().chain(ELSEWHERE).find(|command| command.names().any(|known| known == name))
}

/// Whether a command that runs here has this name or alias: what users add runs under others only.
pub fn is_ours(name: &str) -> bool {
    COMMANDS.iter().any(|command| command.names().any(|known| known == name))
}

/// The headings in order of first appearance, each with its commands in the table's order.
fn categories(commands: &[&Command]) -> Vec<Value> {
    let mut order: Vec<Category> = Vec::new();
    for command in commands {
        if !order.contains(&command.category) {
            order.push(command.category);
        }
    }
    order
        .into_iter()
        .map(|category| {
            let pairs: Vec<Value> =
                commands.iter().filter(|command| command.category == category).map(|one| pair(one)).collect();
            json!({ "name": category.as_str(), "pairs": pairs })
        })
        .collect()
}

fn pair(command: &Command) -> Value {
    json!([slashed(command.name), command.summary()])
}

fn slashed(name: &str) -> String {
    format!("/{name}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Added, catalog, is_ours, resolve};
    use crate::slash::table::COMMANDS;

    #[test]
    fn the_catalogue_has_the_fields_of_the_original() {
        let catalog = catalog(&Added::default());
        let keys: Vec<&str> = catalog.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["pairs", "sub", "canon", "categories", "skill_count", "warning"]);
        assert_eq!(catalog["skill_count"], json!(0));
        assert_eq!(catalog["warning"], json!(""));
        assert_eq!(catalog["pairs"][0], json!(["/new", "Begin a fresh session (usage: /new [name])"]));
    }

    #[test]
    fn canon_maps_aliases_and_leaves_the_client_its_own() {
        let catalog = catalog(&Added::default());
        assert_eq!(catalog["canon"]["/reset"], json!("/new"));
        assert_eq!(catalog["canon"]["/new"], json!("/new"));
        assert_eq!(catalog["canon"]["/exit"], json!("/quit"));
        assert_eq!(catalog["canon"].get("/details"), None);
    }

    #[test]
    fn categories_hold_every_pair_once() {
        let catalog = catalog(&Added::default());
        let names: Vec<&Value> =
            catalog["categories"].as_array().unwrap().iter().map(|category| &category["name"]).collect();
        assert_eq!(names, ["Session", "Info", "Configuration", "Tools & Skills", "Exit", "TUI"]);
        let grouped: usize = catalog["categories"]
            .as_array()
            .unwrap()
            .iter()
            .map(|category| category["pairs"].as_array().unwrap().len())
            .sum();
        assert_eq!(grouped, catalog["pairs"].as_array().unwrap().len());
        assert_eq!(grouped, COMMANDS.len());
    }

    #[test]
    fn what_users_add_is_listed_and_takes_the_place_of_ours() {
        let two = |name: &str, note: &str| (name.to_owned(), note.to_owned());
        let added = Added {
            quick: vec![two("Deploy", "exec: ./deploy.sh"), two("new", "theirs")],
            skills: vec![two("tidy", &"x".repeat(130))],
            ..Added::default()
        };
        let catalog = catalog(&added);
        let pairs = catalog["pairs"].as_array().unwrap();
        assert_eq!(pairs.iter().filter(|pair| pair[0] == "/new").count(), 1);
        assert_eq!(pairs.last().unwrap(), &json!(["/tidy", format!("{}…", "x".repeat(120))]));
        assert_eq!((&catalog["canon"]["/deploy"], &catalog["skill_count"]), (&json!("/Deploy"), &json!(1)));
        assert_eq!(catalog["canon"].get("/tidy"), None);
        assert_eq!(catalog["canon"]["/reset"], json!("/new"), "an alias still leads to the name");
        let user = catalog["categories"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(user["name"], json!("User commands"));
        assert_eq!(user["pairs"][1], json!(["/new", "theirs"]));
    }

    #[test]
    fn resolve_ignores_case_and_slashes_but_not_blanks() {
        assert_eq!(resolve("/Q").unwrap().name, "queue");
        assert_eq!(resolve("//Exit").unwrap().name, "quit");
        assert_eq!(resolve("help").unwrap().category.as_str(), "Info");
        assert_eq!(resolve("approve").unwrap().name, "approve", "of the messaging platforms");
        for unknown in ["", "/", " help", "help ", "kanban"] {
            assert!(resolve(unknown).is_none(), "{unknown:?}");
        }
    }

    #[test]
    fn names_and_aliases_of_what_runs_here_are_taken() {
        assert!(["help", "q", "reload_mcp", "logs"].into_iter().all(is_ours));
        // The messaging platforms' commands do not run here.
        assert!(!["restart", "approve", "deploy", ""].into_iter().any(is_ours));
    }

    #[test]
    fn every_sub_command_is_of_a_command_that_is_listed() {
        let catalog = catalog(&Added { warning: "w".to_owned(), ..Added::default() });
        let listed: Vec<&Value> = catalog["pairs"].as_array().unwrap().iter().map(|pair| &pair[0]).collect();
        for name in catalog["sub"].as_object().unwrap().keys() {
            assert!(listed.iter().any(|listed| *listed == name), "{name}");
        }
        assert_eq!(catalog["sub"]["/fast"], json!(["normal", "fast", "status", "on", "off"]));
        assert_eq!(catalog["sub"].get("/reset"), None);
        assert_eq!(catalog["warning"], json!("w"));
    }
}
