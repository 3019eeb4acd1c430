//! The ways to log in that an agent offers: which of them is used, and what people are told of them. Asks nobody.

use serde_json::Value;

use super::hub::short;
use crate::limits::{ACP_OFFER_ID_BYTES_MAX, ACP_OFFERS_MAX};

/// Most ways that people are told, and most words of how to do it.
const TOLD_MAX: usize = 8;
const WORDS_MAX: usize = 16;

/// What says which way to use.
const HOW: &str = "--acp-auth ID, or TUI_GATEWAY_ACP_AUTH";

/// A way to log in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Login {
    /// What the agent calls it.
    pub(super) id: String,
    name: String,
    about: String,
    kind: Kind,
}

/// What it takes.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    /// The agent does it, perhaps with a browser.
    Agent,
    /// Variables in the environment of the agent's program; these are the needed ones.
    Variables(Vec<String>),
    /// A terminal in which the program is run with these arguments.
    Terminal(Vec<String>),
}

impl Login {
    /// The ways in the answer to `initialize`.
    pub(super) fn read_all(told: &Value) -> Vec<Self> {
        let listed = told.get("authMethods").and_then(Value::as_array).into_iter().flatten();
        listed.take(ACP_OFFERS_MAX).filter_map(Self::read).collect()
    }

    fn read(method: &Value) -> Option<Self> {
        let member = |name: &str| method.get(name)?.as_str();
        let id = member("id").filter(|id| !id.is_empty() && id.len() <= ACP_OFFER_ID_BYTES_MAX)?.to_owned();
        let kind = match member("type") {
            Some("terminal") => Kind::Terminal(words(method.get("args"), |word| word.as_str())),
            Some("env_var") => Kind::Variables(words(method.get("vars"), |variable| {
                let is_needed = variable.get("optional").and_then(Value::as_bool) != Some(true);
                variable.get("name")?.as_str().filter(|_| is_needed)
            })),
            _ => Kind::Agent,
        };
        let name = member("name").map(short).filter(|name| !name.is_empty()).unwrap_or_else(|| short(&id));
        Some(Self { id, name, about: member("description").map(short).unwrap_or_default(), kind })
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its id, its name, and what it takes.
    fn described(&self) -> String {
        let mut text = format!("{} ({}", short(&self.id), self.name);
        if !self.about.is_empty() && self.about != self.name {
            text.push_str(&format!(": {}", self.about));
        }
        match &self.kind {
            Kind::Agent => {}
            Kind::Variables(names) if names.is_empty() => {}
            Kind::Variables(names) => text.push_str(&format!("; set {}", names.join(", "))),
            Kind::Terminal(args) => {
                text.push_str("; only in a terminal, with the agent's program");
                if !args.is_empty() {
                    text.push_str(&format!(" and {}", args.join(" ")));
                }
            }
        }
        text.push(')');
        text
    }
}

/// The way to use: the one that is wanted, else the only one that needs no terminal.
///
/// # Errors
/// There is none that could be used from here; a text for people.
pub(super) fn choose<'a>(logins: &'a [Login], wanted: Option<&str>) -> Result<&'a Login, String> {
    let is_terminal = |login: &&Login| matches!(login.kind, Kind::Terminal(_));
    if let Some(wanted) = wanted {
        return match logins.iter().find(|login| login.id == wanted) {
            Some(login) if is_terminal(&login) => Err(format!(
                "The agent wants a login first, and {} cannot be done from here: run it once yourself.",
                login.described()
            )),
            Some(login) => Ok(login),
            None => Err(format!("The agent has no login named {}. {}", short(wanted), advice(logins))),
        };
    }
    let mut here = logins.iter().filter(|login| !is_terminal(login));
    match (here.next(), here.next()) {
        (Some(login), None) => Ok(login),
        _ => Err(advice(logins)),
    }
}

/// What a person can do.
pub(super) fn advice(logins: &[Login]) -> String {
    if logins.is_empty() {
        return "The agent wants a login first, and does not say how: log in with its own program."
            .to_owned();
    }
    let told: Vec<String> = logins.iter().take(TOLD_MAX).map(Login::described).collect();
    let is_terminal_alone = logins.iter().all(|login| matches!(login.kind, Kind::Terminal(_)));
    let how = if is_terminal_alone { "Run it once yourself" } else { "Choose one by its id with" };
    let how = if is_terminal_alone { how.to_owned() } else { format!("{how} {HOW}") };
    format!("The agent wants a login first. It offers: {}. {how}.", told.join("; "))
}

fn words(list: Option<&Value>, word: impl Fn(&Value) -> Option<&str>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.take(WORDS_MAX).filter_map(word).map(short).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn logins() -> Vec<Login> {
        Login::read_all(&json!({"authMethods": [
            {"id": "browser", "name": "Log in", "description": "in a browser"},
            {"id": "key", "name": "Key", "type": "env_var",
                "vars": [{"name": "A_KEY"}, {"name": "A_URL", "optional": true}]},
            {"id": "tty", "name": "Setup", "type": "terminal", "args": ["--setup"]},
            {"name": "no id"}, 7, {"id": "x".repeat(ACP_OFFER_ID_BYTES_MAX + 1)},
        ]}))
    }

    #[test]
    fn the_one_that_is_wanted_is_used_if_it_can_be() {
        let logins = logins();
        assert_eq!(logins.len(), 3);
        assert_eq!(choose(&logins, Some("key")).map(|login| login.id.as_str()), Ok("key"));
        let why = choose(&logins, Some("tty")).unwrap_err();
        assert!(why.contains("only in a terminal") && why.contains("--setup"), "{why}");
        let why = choose(&logins, Some("other")).unwrap_err();
        assert!(
            why.contains("no login named other") && why.contains("browser (Log in: in a browser)"),
            "{why}"
        );
    }

    #[test]
    fn the_only_one_without_a_terminal_is_used_unasked() {
        let logins = logins();
        assert_eq!(choose(&logins[1..], None).map(|login| login.id.as_str()), Ok("key"));
        let why = choose(&logins, None).unwrap_err();
        assert!(why.contains("key (Key; set A_KEY)") && why.contains("--acp-auth ID"), "{why}");
        let why = choose(&logins[2..], None).unwrap_err();
        assert!(why.contains("Run it once yourself") && !why.contains("--acp-auth"), "{why}");
        assert!(choose(&[], None).unwrap_err().contains("does not say how"));
    }
}
