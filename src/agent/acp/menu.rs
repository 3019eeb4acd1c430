//! What an agent lets a person choose in a session: read from its answers and updates, and put as the requests
//! that choose. Newer agents offer the same as options of the session, which count where nothing else is offered.
//! Pure; all of it is bounded, because all of it is the agent's.

use serde_json::{Value, json};

use super::hub::short;
use crate::limits::{ACP_OFFER_CHARS_MAX, ACP_OFFER_ID_BYTES_MAX, ACP_OFFERS_MAX};
use crate::model::menu::{Choices, Menu, Offer, Pick};

/// Kinds of updates that say something about the menu or about usage, also between turns. Only the newest of each
/// counts.
pub(super) const LASTING: [&str; 4] =
    [COMMANDS, "config_option_update", "current_mode_update", "usage_update"];

/// The kind of update that names commands.
const COMMANDS: &str = "available_commands_update";

/// A session's menu.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Card {
    /// What is on it.
    pub(super) menu: Menu,
    /// The options of the session that stand for modes and models, where no words of their own do.
    mode_option: Option<String>,
    model_option: Option<String>,
}

impl Card {
    /// The agent opened the session, or took it up again: what it offers there. Commands are told later.
    pub(super) fn opened(&mut self, told: &Value) {
        let commands = std::mem::take(&mut self.menu.commands);
        let modes = told.get("modes").map(|modes| choices(modes, "currentModeId", "availableModes", "id"));
        let models =
            told.get("models").map(|models| choices(models, "currentModelId", "availableModels", "modelId"));
        let (modes, models) = (modes.unwrap_or_default(), models.unwrap_or_default());
        *self = Self { menu: Menu { modes, models, commands }, ..Self::default() };
        self.options(told);
    }

    /// Takes an update; whether something else is on offer, or holds, from now on.
    pub(super) fn take(&mut self, update: &Value) -> bool {
        let before = self.menu.clone();
        match update.get("sessionUpdate").and_then(Value::as_str).unwrap_or_default() {
            "current_mode_update" => {
                if let Some(id) = update.get("currentModeId").and_then(Value::as_str) {
                    self.hold(Pick::Mode, id);
                }
            }
            COMMANDS => self.menu.commands = commands(update).map(Command::into_offer).collect(),
            "config_option_update" => self.options(update),
            _ => {}
        }
        self.menu != before
    }

    /// The request that chooses: its method and its parameters.
    pub(super) fn request(&self, pick: Pick, session: &str, id: &str) -> (&'static str, Value) {
        let option = match pick {
            Pick::Mode => &self.mode_option,
            Pick::Model => &self.model_option,
        };
        match (option, pick) {
            (Some(option), _) => (
                "session/set_config_option",
                json!({ "sessionId": session, "configId": option, "value": id }),
            ),
            (None, Pick::Mode) => ("session/set_mode", json!({ "sessionId": session, "modeId": id })),
            (None, Pick::Model) => ("session/set_model", json!({ "sessionId": session, "modelId": id })),
        }
    }

    /// The agent did so.
    pub(super) fn chosen(&mut self, pick: Pick, id: &str, answer: &Value) {
        self.hold(pick, id);
        self.options(answer);
    }

    /// What is not on offer does not hold.
    fn hold(&mut self, pick: Pick, id: &str) {
        let choices = self.menu.choices_mut(pick);
        if choices.all.iter().any(|offer| offer.id == id) {
            id.clone_into(&mut choices.current);
        }
    }

    /// The options of the session: those for modes and models, where the agent has no other words for them.
    fn options(&mut self, told: &Value) {
        let options = told.get("configOptions").and_then(Value::as_array).into_iter().flatten();
        for option in options.take(ACP_OFFERS_MAX) {
            let (pick, place) = match option.get("category").and_then(Value::as_str) {
                Some("mode") => (Pick::Mode, &mut self.mode_option),
                Some("model") => (Pick::Model, &mut self.model_option),
                _ => continue,
            };
            let Some(id) = option.get("id").and_then(Value::as_str).and_then(id) else { continue };
            let is_ours = place.as_ref().is_some_and(|known| *known == id);
            let is_select = option.get("type").is_some_and(|kind| kind == "select");
            if is_select && (is_ours || self.menu.choices(pick).all.is_empty()) {
                *self.menu.choices_mut(pick) = selection(option);
                *place = Some(id);
            }
        }
    }
}

fn choices(told: &Value, current: &str, list: &str, key: &str) -> Choices {
    let listed = told.get(list).and_then(Value::as_array).into_iter().flatten();
    let all: Vec<Offer> = listed.take(ACP_OFFERS_MAX).filter_map(|one| offer(one, key)).collect();
    held(all, told.get(current))
}

/// The choices of an option: a list, or a list of groups.
fn selection(option: &Value) -> Choices {
    let listed = option.get("options").and_then(Value::as_array).into_iter().flatten();
    let flat = listed.flat_map(|one| match one.get("options").and_then(Value::as_array) {
        Some(group) => group.as_slice(),
        None => std::slice::from_ref(one),
    });
    let all: Vec<Offer> = flat.take(ACP_OFFERS_MAX).filter_map(|one| offer(one, "value")).collect();
    held(all, option.get("currentValue"))
}

fn held(all: Vec<Offer>, current: Option<&Value>) -> Choices {
    let current = current.and_then(Value::as_str).and_then(id).unwrap_or_default();
    Choices { current, all }
}

fn offer(told: &Value, key: &str) -> Option<Offer> {
    let id = id(told.get(key)?.as_str()?)?;
    let text = |name: &str| told.get(name).and_then(Value::as_str).map(note).unwrap_or_default();
    let name = Some(text("name")).filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone());
    Some(Offer { about: text("description"), id, name })
}

/// The update with nothing that [`Card::take`] would not look at, where agents say much more than that.
pub(super) fn trimmed(update: Value) -> Value {
    if update.get("sessionUpdate").is_none_or(|kind| kind != COMMANDS) {
        return update;
    }
    let plain =
        |Command { id, about, hint }| json!({ "name": id, "description": about, "input": { "hint": hint } });
    json!({ "sessionUpdate": COMMANDS, "availableCommands": commands(&update).map(plain).collect::<Value>() })
}

/// A command of the agent.
struct Command {
    id: String,
    about: String,
    /// What is to be written behind it.
    hint: String,
}

impl Command {
    fn read(told: &Value) -> Option<Self> {
        let name = told.get("name")?.as_str()?.trim_start_matches('/');
        let id = id(name).filter(|name| !name.contains(char::is_whitespace))?;
        let text =
            |pointer: &str| told.pointer(pointer).and_then(Value::as_str).map(note).unwrap_or_default();
        Some(Self { id, about: text("/description"), hint: text("/input/hint") })
    }

    fn into_offer(self) -> Offer {
        let Self { id, about, hint } = self;
        let about = if hint.is_empty() { about } else { format!("{about} (usage: /{id} {hint})") };
        Offer { name: id.clone(), id, about }
    }
}

fn commands(update: &Value) -> impl Iterator<Item = Command> {
    let listed = update.get("availableCommands").and_then(Value::as_array).into_iter().flatten();
    listed.take(ACP_OFFERS_MAX).filter_map(Command::read)
}

/// An id as it is, unless it is too long, or no text for a line.
fn id(text: &str) -> Option<String> {
    let is_fit = !text.is_empty() && text.len() <= ACP_OFFER_ID_BYTES_MAX && !text.contains(char::is_control);
    is_fit.then(|| text.to_owned())
}

fn note(text: &str) -> String {
    super::failure::said(text).chars().take(ACP_OFFER_CHARS_MAX).collect()
}

/// A model's name as people see it, of what an agent is and has; the agent's own where it has none.
pub(super) fn model_name(card: &Card, agent: &str) -> String {
    let current = &card.menu.models.current;
    if current.is_empty() { agent.to_owned() } else { short(current) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(choices: &Choices) -> Vec<&str> {
        choices.all.iter().map(|offer| offer.id.as_str()).collect()
    }

    #[test]
    fn a_session_opens_with_its_modes_and_models() {
        let mut card = Card::default();
        card.opened(&json!({
            "modes": {"currentModeId": "ask", "availableModes": [
                {"id": "ask", "name": "Ask"}, {"id": "code", "name": "Code", "description": "writes\nfiles"}, 5]},
            "models": {"currentModelId": "m1", "availableModels": [{"modelId": "m1", "name": "One"}]},
        }));
        assert_eq!(
            (ids(&card.menu.modes), card.menu.modes.all[1].about.as_str()),
            (vec!["ask", "code"], "writes files")
        );
        assert_eq!((ids(&card.menu.models), card.menu.models.current.as_str()), (vec!["m1"], "m1"));
        let mode = card.request(Pick::Mode, "s", "code");
        assert_eq!(mode, ("session/set_mode", json!({"sessionId": "s", "modeId": "code"})));
        let update = |id: &str| json!({"sessionUpdate": "current_mode_update", "currentModeId": id});
        assert!(card.take(&update("code")) && !card.take(&update("code")) && !card.take(&update("none")));
        assert_eq!(card.menu.modes.current, "code");
    }

    #[test]
    fn options_stand_in_where_there_is_nothing_else() {
        let option = |current: &str| {
            json!({"id": "which", "name": "Model", "type": "select", "category": "model", "currentValue": current,
                "options": [{"group": "g", "name": "G", "options": [{"value": "a", "name": "A"}]},
                    {"value": "b", "name": "B"}]})
        };
        let mut card = Card::default();
        card.opened(&json!({"configOptions": [option("a")]}));
        assert_eq!((ids(&card.menu.models), card.menu.models.current.as_str()), (vec!["a", "b"], "a"));
        let (method, params) = card.request(Pick::Model, "s", "b");
        assert_eq!((method, &params["configId"]), ("session/set_config_option", &json!("which")));
        card.chosen(Pick::Model, "b", &json!({"configOptions": [option("b")]}));
        assert_eq!(card.menu.models.current, "b");
        assert!(card.take(&json!({"sessionUpdate": "config_option_update", "configOptions": [option("a")]})));
        card.opened(&json!({"configOptions": [option("a")],
            "models": {"currentModelId": "m", "availableModels": [{"modelId": "m", "name": "M"}]}}));
        assert_eq!(
            (ids(&card.menu.models), card.request(Pick::Model, "s", "m").0),
            (vec!["m"], "session/set_model")
        );
    }

    #[test]
    fn commands_are_read_within_bounds() {
        let mut card = Card::default();
        let many = vec![json!({"name": "n", "description": "d"}); ACP_OFFERS_MAX + 1];
        assert!(card.take(&json!({"sessionUpdate": "available_commands_update", "availableCommands": many})));
        assert_eq!(card.menu.commands.len(), ACP_OFFERS_MAX);
        let listed = json!([{"name": "plan", "description": "Plans", "input": {"hint": "what"}}, {"name": "a b"},
            {"name": "x".repeat(ACP_OFFER_ID_BYTES_MAX + 1)}, {"name": "\u{7}"}, {}]);
        card.take(&json!({"sessionUpdate": "available_commands_update", "availableCommands": listed}));
        assert_eq!(card.menu.commands.len(), 1);
        assert_eq!(card.menu.commands[0].about, "Plans (usage: /plan what)");
        let wordy =
            json!({"name": "/plan", "description": "d".repeat(9_000), "input": {"hint": "h"}, "more": 1});
        let long =
            json!({"sessionUpdate": "available_commands_update", "availableCommands": vec![wordy; 300]});
        let (mut whole, mut cut) = (Card::default(), Card::default());
        let trimmed = trimmed(long.clone());
        assert!(whole.take(&long) && cut.take(&trimmed) && whole == cut);
        assert!(trimmed.to_string().len() < ACP_OFFERS_MAX * 2 * ACP_OFFER_CHARS_MAX);
        card.opened(&json!({}));
        assert_eq!(card.menu.commands.len(), 1, "commands are told apart from the session");
    }
}
