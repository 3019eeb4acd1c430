//! The key `model`: another model, of the configured endpoint or of another provider, for a session, for
//! good, or both. Owns the flags, the aliases of `config.yaml`, and the question before an expensive model.
//! Left out: aliases of a catalogue, and the note in the conversation.

use serde_json::{Map, Value, json};

use super::{echo, session};
use crate::gateway::method::{After, Ctx, Next, Reply};
use crate::methods::composer::failed;
use crate::methods::menu;
use crate::model::edit::Edit;
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::provider::price::Price;
use crate::model::provider::{ModelChoice, ProviderDone, ProviderJob, table};
use crate::model::store::Change;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Wish {
    /// The model; may be empty.
    name: String,
    /// `--provider`.
    provider: Option<String>,
    /// `--global`.
    global: bool,
    /// `--session`.
    session: bool,
    /// `--confirm`: an expensive model is meant. Ours, for pages, where nobody can be asked.
    confirm: bool,
}

/// What came of it.
pub(in crate::methods) struct Chosen {
    /// The model.
    pub(in crate::methods) model: String,
    /// Its provider, as it is shown.
    pub(in crate::methods) provider: String,
    /// What a person should know; empty when there is nothing.
    pub(in crate::methods) warning: String,
    /// Whether the warning is a question, and nothing is switched.
    pub(in crate::methods) asks: bool,
}

pub(super) fn set(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let value = params.text_or_empty("value")?;
    let id = session(ctx, params)?;
    let confirmed = params.truthy("confirm_expensive_model");
    choose(ctx, value, id, confirmed, |chosen| {
        let question = if chosen.asks { chosen.warning.as_str() } else { "" };
        json!({
            "key": "model", "value": chosen.model, "warning": chosen.warning, "confirm_required": chosen.asks,
            "confirm_message": question,
        })
    })
}

/// Switches to the model that `value` names, with flags; `told` makes the result of what came of it. One that is
/// known to be expensive is asked about first, unless that is `confirmed`.
pub(in crate::methods) fn choose(
    ctx: &mut Ctx<'_>,
    value: &str,
    id: Option<SessionId>,
    confirmed: bool,
    told: fn(&Chosen) -> Value,
) -> Result<Reply, RpcError> {
    if value.trim().is_empty() {
        return Err(RpcError::new(4002, "model value required"));
    }
    let wish = wish(value);
    if wish.name.is_empty() {
        return Err(RpcError::new(5001, "model value required"));
    }
    if id.and_then(|id| ctx.gateway.live(id)).is_some_and(|session| session.is_running()) {
        let text = "session busy — /interrupt the current turn before switching models";
        return Err(RpcError::new(4009, text));
    }
    if ctx.gateway.has_other_agent() {
        return menu::choose_model(ctx, id, &wish.name, told);
    }
    let document = document(ctx);
    let persist = wish.global || (!wish.session && persists(&document));
    let confirmed = confirmed || wish.confirm;
    let choice = meant(ctx, &document, wish, id);
    if ctx.gateway.setup().demo_only {
        return Err(RpcError::new(5001, "this server answers with its demo agent alone"));
    }
    if id.is_none() && !persist {
        return Err(RpcError::no_session());
    }
    if choice.provider.is_none() && ctx.gateway.settings().model.base_url.is_empty() {
        return Err(RpcError::new(5001, "no model endpoint is configured"));
    }
    let switch = Switch { choice, id, persist, told };
    if confirmed {
        return switch.go(ctx);
    }
    let (model, slug) = (switch.choice.name.clone(), switch.choice.provider.clone());
    let spec = JobSpec::Agent(AgentJob::Providers(Box::new(ProviderJob::Price { model, slug })));
    let next = Next::new(move |ctx: &mut Ctx<'_>, result: JobResult| match price(result) {
        price if price.is_asked() => Ok(Reply::Now(switch.ask(ctx, price))),
        _ => switch.go(ctx),
    });
    Ok(Reply::Next { spec, next, lasts: true })
}

/// What the job says. Where it could not be done nothing is known, and nobody is asked.
fn price(result: JobResult) -> Price {
    match result {
        JobResult::Providers(Ok(done)) => match *done {
            ProviderDone::Priced(price) => price,
            _ => Price::default(),
        },
        _ => Price::default(),
    }
}

/// A switch that may be made.
struct Switch {
    choice: ModelChoice,
    id: Option<SessionId>,
    persist: bool,
    told: fn(&Chosen) -> Value,
}

impl Switch {
    /// Nothing is switched yet.
    fn ask(self, ctx: &Ctx<'_>, price: Price) -> Value {
        let provider = self.choice.provider.unwrap_or_else(|| ctx.gateway.provider().to_owned());
        let warning = price.question(&self.choice.name);
        (self.told)(&Chosen { model: self.choice.name, provider, warning, asks: true })
    }

    fn go(self, ctx: &mut Ctx<'_>) -> Result<Reply, RpcError> {
        let Switch { choice, id, persist, told } = self;
        let spec = match &choice.provider {
            Some(slug) => {
                let (model, slug, for_session) = (choice.name.clone(), slug.clone(), id.is_some());
                let job = ProviderJob::Switch { model, slug, persist, for_session };
                JobSpec::Agent(AgentJob::Providers(Box::new(job)))
            }
            None if persist => {
                // `model: name` is the short form of `model: {default: name}`.
                let is_short = matches!(document(ctx).get("model"), Some(Value::String(_)));
                let path: &[&'static str] = if is_short { &["model"] } else { &["model", "default"] };
                JobSpec::EditSettings { edits: vec![Edit::text(path, choice.name.as_str())] }
            }
            None => return Ok(Reply::Now(told(&take(ctx, id, choice, String::new())))),
        };
        let next = Next::new(move |ctx: &mut Ctx<'_>, result: JobResult| {
            let (choice, warning) = decided(ctx, choice, result)?;
            Ok(Reply::Now(told(&take(ctx, id, choice, warning))))
        });
        Ok(Reply::Next { spec, next, lasts: true })
    }
}

fn document(ctx: &Ctx<'_>) -> Map<String, Value> {
    serde_json::from_str(&ctx.gateway.settings().raw_json).unwrap_or_default()
}

/// The model that is meant, with its provider where that is not the configured one. Without a word about it,
/// the session's provider stays.
fn meant(ctx: &Ctx<'_>, document: &Map<String, Value>, wish: Wish, id: Option<SessionId>) -> ModelChoice {
    let choice = match wish.provider {
        Some(provider) => ModelChoice { name: wish.name, provider: Some(provider) },
        None => alias(document, &wish.name).unwrap_or_else(|| wish.name.into()),
    };
    let session = id.and_then(|id| ctx.gateway.live(id)).and_then(|session| session.model.as_ref());
    let provider = choice.provider.or_else(|| session.and_then(|model| model.provider.clone()));
    let is_configured = |slug: &String| is_same(slug, ctx.gateway.provider());
    ModelChoice { name: choice.name, provider: provider.filter(|slug| !is_configured(slug)) }
}

fn is_same(one: &str, other: &str) -> bool {
    let id = |name: &str| table::find(name).map(|known| known.id);
    one.eq_ignore_ascii_case(other) || id(one).is_some_and(|it| id(other) == Some(it))
}

/// `model_aliases.<name>`: a mapping with `model` and `provider`; or `model.aliases.<name>`: a model, perhaps
/// with its provider and a slash before it.
fn alias(document: &Map<String, Value>, name: &str) -> Option<ModelChoice> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let member = |members: Option<&Value>| {
        let mut members = members?.as_object()?.iter();
        members.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let choice = |name: String, provider: String| {
        let provider = Some(provider).filter(|provider| !provider.is_empty());
        (!name.is_empty()).then_some(ModelChoice { name, provider })
    };
    if let Some(entry) = member(document.get("model_aliases")) {
        return choice(text(entry.get("model")), text(entry.get("provider")));
    }
    let short = text(member(document.get("model").and_then(|model| model.get("aliases"))).as_ref());
    match short.split_once('/') {
        Some((provider, model)) => choice(model.trim().to_owned(), provider.trim().to_owned()),
        None => choice(short, String::new()),
    }
}

/// What the job says: the settings are those that it read, and the provider's id is the whole one.
fn decided(
    ctx: &mut Ctx<'_>,
    choice: ModelChoice,
    result: JobResult,
) -> Result<(ModelChoice, String), RpcError> {
    let switched = match result {
        JobResult::Settings(settings) => {
            ctx.gateway.use_settings(settings);
            return Ok((choice, String::new()));
        }
        JobResult::Providers(Ok(done)) => match *done {
            ProviderDone::Switched(switched) => switched,
            other => {
                log::error!("a job on providers gave the wrong result: {other:?}");
                return Err(RpcError::new(5001, "internal error"));
            }
        },
        JobResult::Providers(Err(error)) => return Err(RpcError::new(5001, error.to_string())),
        other => return Err(failed(5001, other)),
    };
    if let Some(settings) = switched.settings {
        ctx.gateway.use_settings(settings);
    }
    Ok((switched.choice, switched.warning))
}

/// The session's own choice from now on. A turn that has begun meanwhile keeps its model.
fn take(ctx: &mut Ctx<'_>, id: Option<SessionId>, choice: ModelChoice, warning: String) -> Chosen {
    let configured = ctx.gateway.provider().to_owned();
    let provider = choice.provider.unwrap_or_else(|| configured.clone());
    let model = choice.name;
    if let Some(id) = id.filter(|id| ctx.gateway.live(*id).is_some()) {
        let own = (provider != configured).then(|| provider.clone());
        if let Some(session) = ctx.gateway.live_mut(id) {
            session.model = Some(ModelChoice { name: model.clone(), provider: own });
        }
        let recorded = ModelChoice { name: model.clone(), provider: Some(provider.clone()) };
        ctx.gateway.record(ctx.now, id, Change::Model(recorded));
        ctx.after(After::Info(id));
    }
    Chosen { model, provider, warning, asks: false }
}

/// `model.persist_switch_by_default`, which is true unless it is set.
fn persists(document: &Map<String, Value>) -> bool {
    let set = document.get("model").and_then(|model| model.get("persist_switch_by_default"));
    set.and_then(Value::as_bool).unwrap_or(true)
}

/// Flags may stand anywhere, also behind a dash that a keyboard made longer.
fn wish(value: &str) -> Wish {
    let mut wish = Wish::default();
    let mut names = Vec::new();
    let mut words = value.split_whitespace();
    while let Some(word) = words.next() {
        match flag(word).as_deref() {
            Some("global") => wish.global = true,
            Some("session") => wish.session = true,
            Some("confirm") => wish.confirm = true,
            // No list of models is looked at.
            Some("refresh") => {}
            Some("provider") => wish.provider = words.next().map(echo),
            _ => names.push(word),
        }
    }
    wish.name = names.join(" ");
    wish
}

/// The name of a flag, if a word is one.
fn flag(word: &str) -> Option<String> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix(['—', '–', '―']))?;
    Some(name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn flags_stand_anywhere() {
        let small = Wish { name: "small".into(), ..Wish::default() };
        for (value, want) in [
            (" small ", small.clone()),
            ("small --session", Wish { session: true, ..small.clone() }),
            ("small --confirm", Wish { confirm: true, ..small.clone() }),
            ("—global small", Wish { global: true, ..small.clone() }),
            ("--provider p small –Refresh", Wish { provider: Some("p".into()), ..small.clone() }),
            ("small --other", Wish { name: "small --other".into(), ..small.clone() }),
            ("--session", Wish { session: true, ..Wish::default() }),
            ("small --provider", small.clone()),
        ] {
            assert_eq!(wish(value), want, "{value}");
        }
    }

    #[test]
    fn a_switch_is_for_good_unless_the_file_says_otherwise() {
        assert!(persists(&document("{}")) && persists(&document(r#"{"model": "m"}"#)));
        assert!(!persists(&document(r#"{"model": {"persist_switch_by_default": false}}"#)));
    }

    #[test]
    fn aliases_are_the_files() {
        let document = document(
            r#"{"model_aliases": {"Fav": {"model": "m1", "provider": "xai"}, "bare": {"model": "m2"}, "odd": 5},
                "model": {"aliases": {"fav": "other", "quick": "deepseek/v4", "plain": "m3", "empty": " "}}}"#,
        );
        let found = |name: &str| alias(&document, name).map(|choice| choice.to_string());
        assert_eq!(found("fav").as_deref(), Some("m1 of xai"));
        assert_eq!(found("BARE").as_deref(), Some("m2"));
        assert_eq!(found("quick").as_deref(), Some("v4 of deepseek"));
        assert_eq!(found("plain").as_deref(), Some("m3"));
        assert!(["odd", "empty", "none", ""].iter().all(|name| found(name).is_none()));
        assert!(is_same("Grok", "xai") && is_same("custom:box", "Custom:Box") && !is_same("xai", "zai"));
    }
}
