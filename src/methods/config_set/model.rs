//! The key `model`: another model of the configured endpoint, for a session, for good, or both. Owns the
//! flags. Left out: other providers, aliases and catalogues, the price guard, the note in the conversation.

use serde_json::{Map, Value, json};

use super::{echo, session, use_newer, write};
use crate::gateway::method::{After, Ctx, Reply};
use crate::model::edit::Edit;
use crate::model::job::JobResult;
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
}

pub(super) fn set(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let value = params.text_or_empty("value")?;
    if value.trim().is_empty() {
        return Err(RpcError::new(4002, "model value required"));
    }
    let wish = wish(value);
    if wish.name.is_empty() {
        return Err(RpcError::new(5001, "model value required"));
    }
    let id = session(ctx, params)?;
    if id.and_then(|id| ctx.gateway.live(id)).is_some_and(|session| session.is_running()) {
        let text = "session busy — /interrupt the current turn before switching models";
        return Err(RpcError::new(4009, text));
    }
    if ctx.gateway.settings().model.base_url.is_empty() || ctx.gateway.setup().demo_only {
        return Err(RpcError::new(5001, "no model endpoint is configured"));
    }
    if let Some(provider) = wish.provider.as_deref().filter(|provider| *provider != ctx.gateway.provider()) {
        return Err(RpcError::new(5001, format!("provider '{}' is not configured", echo(provider))));
    }
    let document: Map<String, Value> =
        serde_json::from_str(&ctx.gateway.settings().raw_json).unwrap_or_default();
    if wish.global || (!wish.session && persists(&document)) {
        // `model: name` is the short form of `model: {default: name}`.
        let is_short = matches!(document.get("model"), Some(Value::String(_)));
        let path: &[&'static str] = if is_short { &["model"] } else { &["model", "default"] };
        return Ok(write(vec![Edit::text(path, wish.name)], written));
    }
    if id.is_none() {
        return Err(RpcError::no_session());
    }
    choose(ctx, params).map(Reply::Now)
}

fn written(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    use_newer(ctx, result)?;
    choose(ctx, params)
}

/// The session's own choice from now on. A turn that has begun meanwhile keeps its model.
fn choose(ctx: &mut Ctx<'_>, params: &Params) -> Result<Value, RpcError> {
    let name = wish(params.text_or_empty("value")?).name;
    if let Some(id) = session(ctx, params)? {
        if let Some(session) = ctx.gateway.live_mut(id) {
            session.model = Some(name.clone());
        }
        ctx.gateway.record(ctx.now, id, Change::Model(name.clone()));
        ctx.after(After::Info(id));
    }
    Ok(json!({
        "key": "model", "value": name, "warning": "", "confirm_required": false, "confirm_message": "",
    }))
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
            // There is no list of models that could be read anew.
            Some("refresh") => {}
            Some("provider") => wish.provider = words.next().map(str::to_owned),
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

    #[test]
    fn flags_stand_anywhere() {
        let small = Wish { name: "small".into(), ..Wish::default() };
        for (value, want) in [
            (" small ", small.clone()),
            ("small --session", Wish { session: true, ..small.clone() }),
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
        let document = |text: &str| serde_json::from_str(text).unwrap();
        assert!(persists(&document("{}")) && persists(&document(r#"{"model": "m"}"#)));
        assert!(!persists(&document(r#"{"model": {"persist_switch_by_default": false}}"#)));
    }
}
