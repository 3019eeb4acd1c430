//! Modes, models and commands of another program's agent, as clients see them: pages, lists to pick from, and
//! prompts. Where our own agent answers there is nothing of this.

use std::fmt::Write;

use serde_json::{Value, json};

use super::config_set::model::Chosen;
use crate::gateway::method::{After, Ctx, Next, Reply};
use crate::gateway::view::OTHER_AGENT;
use crate::model::ids::SessionId;
use crate::model::job::JobResult;
use crate::model::menu::{Menu, Offer, Pick};
use crate::model::provider::ProviderRow;
use crate::wire::error::RpcError;

/// The command that shows and chooses modes.
pub(super) const MODE: &str = "mode";

/// What is said of it.
const MODE_NOTE: &str = "Show the agent's modes, or choose one (usage: /mode [mode])";

/// The commands of a session with such an agent, by name, with a note: `/mode`, and the agent's own, but for those
/// that stand for something here.
pub(super) fn commands(menu: &Menu, is_taken: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let own = menu.commands.iter().filter(|command| command.id != MODE && !is_taken(&command.id));
    let mode = (MODE.to_owned(), MODE_NOTE.to_owned());
    [mode].into_iter().chain(own.map(|command| (command.id.clone(), command.about.clone()))).collect()
}

/// The agent's own command of this name, whatever its case.
pub(super) fn command(ctx: &Ctx<'_>, id: Option<SessionId>, name: &str) -> Option<String> {
    let commands = &ctx.gateway.menu(ctx.client, id)?.commands;
    let lower = name.to_lowercase();
    commands.iter().find(|command| command.id.to_lowercase() == lower).map(|command| command.id.clone())
}

/// A command of the agent is a prompt like any other.
pub(super) fn sent(name: &str, arg: &str) -> Value {
    json!({ "type": "send", "message": format!("/{name} {arg}").trim_end() })
}

/// `/mode` and `/model`: what there is; with a word behind it, a switch. `told` makes the result of the page.
pub(super) fn page(
    ctx: &mut Ctx<'_>,
    id: SessionId,
    pick: Pick,
    arg: &str,
    told: fn(String) -> Value,
) -> Result<Reply, RpcError> {
    let wanted = Some(arg.trim()).filter(|word| !word.is_empty());
    let known = ctx.gateway.live(id).map(|session| (&session.menu, session.is_running()));
    if wanted.is_none()
        && let Some((menu, is_running)) = known
        && (is_running || !menu.choices(pick).all.is_empty())
    {
        return Ok(Reply::Now(told(listed(menu, pick))));
    }
    let is_switch = wanted.is_some();
    choose(ctx, id, wanted.map(|word| (pick, word)), move |menu| {
        told(if is_switch { held(menu, pick) } else { listed(menu, pick) })
    })
}

/// `config.set` with a model, however its result is told.
pub(super) fn choose_model(
    ctx: &mut Ctx<'_>,
    id: Option<SessionId>,
    model: &str,
    told: fn(&Chosen) -> Value,
) -> Result<Reply, RpcError> {
    let id = id.ok_or_else(|| RpcError::new(5001, "the agent of this server has its models by session"))?;
    choose(ctx, id, Some((Pick::Model, model)), move |menu| {
        let (model, provider) = (menu.models.current.clone(), OTHER_AGENT.to_owned());
        told(&Chosen { model, provider, warning: String::new(), asks: false })
    })
}

/// `model.options`: the agent's models as those of one provider.
pub(super) fn options(
    ctx: &mut Ctx<'_>,
    id: Option<SessionId>,
    row: fn(&ProviderRow) -> Value,
) -> Result<Reply, RpcError> {
    let agent = ctx.gateway.setup().other_agent.clone().unwrap_or_default();
    let fallback = ctx.gateway.model_of(id.and_then(|id| ctx.gateway.live(id)));
    let told = move |menu: &Menu| {
        let models: Vec<String> = menu.models.all.iter().map(|offer| offer.id.clone()).collect();
        let models = if models.is_empty() { vec![fallback.clone()] } else { models };
        let current = Some(&menu.models.current).filter(|id| !id.is_empty()).unwrap_or(&fallback);
        let provider = ProviderRow {
            slug: OTHER_AGENT.to_owned(),
            name: agent.clone(),
            is_current: true,
            is_user_defined: true,
            models,
            prices: Default::default(),
            source: "model-config",
            api_url: None,
            missing: None,
        };
        json!({ "model": current, "provider": OTHER_AGENT, "providers": [row(&provider)] })
    };
    let Some(session) = id.and_then(|id| ctx.gateway.live(id)) else {
        return Ok(Reply::Now(told(&Menu::default())));
    };
    if session.is_running() || !session.menu.models.all.is_empty() {
        return Ok(Reply::Now(told(&session.menu)));
    }
    choose(ctx, session.id, None, told)
}

/// Asks the agent, which is started if it does not run.
fn choose(
    ctx: &mut Ctx<'_>,
    id: SessionId,
    pick: Option<(Pick, &str)>,
    told: impl Fn(&Menu) -> Value + Send + 'static,
) -> Result<Reply, RpcError> {
    let kind = pick.map(|(pick, _)| pick);
    let spec = ctx.gateway.choosing(id, pick.map(|(pick, word)| (pick, word.to_owned())))?;
    let next = Next::new(move |ctx: &mut Ctx<'_>, result: JobResult| {
        let told = told(ctx.gateway.chosen(ctx.now, id, kind, result)?);
        ctx.after(After::Info(id));
        Ok(Reply::Now(told))
    });
    Ok(Reply::Next { spec, next, lasts: true })
}

/// What holds now.
fn held(menu: &Menu, pick: Pick) -> String {
    let choices = menu.choices(pick);
    let current = choices.all.iter().find(|offer| offer.id == choices.current);
    format!("{}: {}", pick.as_str(), current.map_or_else(|| choices.current.clone(), named))
}

/// All that could hold.
fn listed(menu: &Menu, pick: Pick) -> String {
    let (noun, choices) = (pick.as_str(), menu.choices(pick));
    if choices.all.is_empty() {
        return format!("The agent offers no {noun}s to choose from.");
    }
    let mut text = held(menu, pick);
    text.push('\n');
    for offer in &choices.all {
        let mark = if offer.id == choices.current { "* " } else { "  " };
        let colon = if offer.about.is_empty() { "" } else { ": " };
        let _ = write!(text, "\n{mark}{}{colon}{}", named(offer), offer.about);
    }
    let _ = write!(text, "\n\n/{noun} <id> switches.");
    text
}

/// The id, and the name where it is another word.
fn named(offer: &Offer) -> String {
    if offer.id == offer.name { offer.id.clone() } else { format!("{} ({})", offer.id, offer.name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::menu::Choices;

    fn offer(id: &str, name: &str, about: &str) -> Offer {
        Offer { id: id.into(), name: name.into(), about: about.into() }
    }

    #[test]
    fn a_page_shows_what_holds() {
        let all = vec![offer("ask", "Ask", "asks first"), offer("code", "code", "")];
        let menu = Menu { modes: Choices { current: "code".into(), all }, ..Menu::default() };
        let page = "mode: code\n\n  ask (Ask): asks first\n* code\n\n/mode <id> switches.";
        assert_eq!(listed(&menu, Pick::Mode), page);
        assert_eq!(listed(&menu, Pick::Model), "The agent offers no models to choose from.");
    }

    #[test]
    fn commands_of_the_agent_stand_beside_ours() {
        let commands =
            vec![offer("mode", "mode", ""), offer("help", "help", ""), offer("Plan", "Plan", "plans")];
        let menu = Menu { commands, ..Menu::default() };
        let names = super::commands(&menu, |name| name == "help");
        let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["mode", "Plan"]);
        assert_eq!(sent("Plan", "a b")["message"], "/Plan a b");
        assert_eq!(sent("Plan", "")["message"], "/Plan");
    }
}
