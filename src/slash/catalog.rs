//! `commands.catalog` and `command.resolve`: folds over the table. Knows nothing of requests.

use serde_json::{Map, Value, json};

use super::table::{COMMANDS, Category, Command};

/// The result of `commands.catalog`: `pairs`, `sub`, `canon`, `categories`, `skill_count`, `warning`.
///
/// A name stands in `pairs` once; the original lists `/sessions` twice.
pub fn catalog() -> Value {
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
    json!({
        "pairs": COMMANDS.iter().map(pair).collect::<Vec<_>>(),
        "sub": sub,
        "canon": canon,
        "categories": categories(),
        "skill_count": 0,
        "warning": "",
    })
}

/// The command of this name or alias. Case and leading slashes do not matter; white space does.
pub fn resolve(name: &str) -> Option<&'static Command> {
    let name = name.trim_start_matches('/').to_lowercase();
    COMMANDS.iter().find(|command| command.names().any(|known| known == name))
}

/// The headings in order of first appearance, each with its commands in the table's order.
fn categories() -> Vec<Value> {
    let mut order: Vec<Category> = Vec::new();
    for command in COMMANDS {
        if !order.contains(&command.category) {
            order.push(command.category);
        }
    }
    order
        .into_iter()
        .map(|category| {
            let pairs: Vec<Value> =
                COMMANDS.iter().filter(|command| command.category == category).map(pair).collect();
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

    use super::{catalog, resolve};
    use crate::slash::table::COMMANDS;

    #[test]
    fn the_catalogue_has_the_fields_of_the_original() {
        let catalog = catalog();
        let keys: Vec<&str> = catalog.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["pairs", "sub", "canon", "categories", "skill_count", "warning"]);
        assert_eq!(catalog["skill_count"], json!(0));
        assert_eq!(catalog["warning"], json!(""));
        assert_eq!(catalog["pairs"][0], json!(["/new", "Begin a fresh session (usage: /new [name])"]));
    }

    #[test]
    fn canon_maps_aliases_and_leaves_the_client_its_own() {
        let catalog = catalog();
        assert_eq!(catalog["canon"]["/reset"], json!("/new"));
        assert_eq!(catalog["canon"]["/new"], json!("/new"));
        assert_eq!(catalog["canon"]["/exit"], json!("/quit"));
        assert_eq!(catalog["canon"].get("/details"), None);
    }

    #[test]
    fn categories_hold_every_pair_once() {
        let catalog = catalog();
        let names: Vec<&Value> =
            catalog["categories"].as_array().unwrap().iter().map(|category| &category["name"]).collect();
        assert_eq!(names, ["Session", "Configuration", "Info", "Exit", "TUI"]);
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
    fn resolve_ignores_case_and_slashes_but_not_blanks() {
        assert_eq!(resolve("/Q").unwrap().name, "queue");
        assert_eq!(resolve("//Exit").unwrap().name, "quit");
        assert_eq!(resolve("help").unwrap().category.as_str(), "Info");
        for unknown in ["", "/", " help", "help ", "kanban"] {
            assert!(resolve(unknown).is_none(), "{unknown:?}");
        }
    }
}
