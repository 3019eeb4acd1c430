//! `config.set`. What a client sets is written to `config.yaml` on the pool, which keeps the rest of the file
//! as it is (the original writes it anew, without its comments). Most replies say what holds afterwards, so
//! that a variable that overrules the file is not hidden. What a key may be set to is its row's in `keys`.

mod keys;
pub(super) mod model;
mod personality;
mod yolo;

use serde_json::{Value, json};

use self::keys::{KEYS, Key, Told, section_edit};
pub(super) use self::personality::known as personalities;
use super::composer::failed;
use crate::gateway::method::{After, Ctx, Finish, Reply};
use crate::model::edit::Edit;
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// Characters of an unknown word that are repeated.
const ECHO_CHARS: usize = 100;

/// What begins the keys of the parts of a transcript.
const SECTION_PREFIX: &str = "details_mode.";

/// Keys whose values are texts: taken as they are.
const TEXTS: [&str; 2] = ["prompt", "skin"];

/// Answers `config.set`.
pub(super) fn set(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let key = params.text_or_empty("key")?;
    match key {
        "model" => return model::set(ctx, params),
        "yolo" => return yolo::set(ctx, params),
        _ => {}
    }
    let value = value(key, params)?;
    if let Some(section) = key.strip_prefix(SECTION_PREFIX) {
        return Ok(write(vec![section_edit(section, &value)?], done));
    }
    let edits = (known(key)?.edits)(&value, ctx.gateway.settings())?;
    Ok(if edits.is_empty() { Reply::Job(JobSpec::LoadSettings, done) } else { write(edits, done) })
}

/// The file is changed even when whoever asked does not wait for it: then the gateway has to know.
fn write(edits: Vec<Edit>, done: Finish) -> Reply {
    Reply::Lasting(JobSpec::EditSettings { edits }, done)
}

fn done(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    use_newer(ctx, result)?;
    let key = params.text_or_empty("key")?;
    let value = value(key, params)?;
    if key.starts_with(SECTION_PREFIX) {
        return Ok(json!({ "key": key, "value": value }));
    }
    let known = known(key)?;
    let id = session(ctx, params)?;
    match (known.told, id) {
        (Told::Session, Some(id)) => ctx.after(After::Info(id)),
        (Told::Skin, _) => ctx.after(After::Skin),
        _ => {}
    }
    let mut told = json!({ "key": key, "value": (known.shown)(&value, ctx.gateway.settings()) });
    if let (true, Some(session)) = (key == "personality", id.and_then(|id| ctx.gateway.live(id))) {
        told["history_reset"] = false.into();
        told["info"] = json!(ctx.gateway.info(session));
    }
    Ok(told)
}

/// Takes the settings that a job has read.
fn use_newer(ctx: &mut Ctx<'_>, result: JobResult) -> Result<(), RpcError> {
    let JobResult::Settings(settings) = result else { return Err(failed(5001, result)) };
    ctx.gateway.use_settings(settings);
    Ok(())
}

/// The live session of the request. An unknown one counts as none, as in the original.
fn session(ctx: &Ctx<'_>, params: &Params) -> Result<Option<SessionId>, RpcError> {
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    Ok(id.filter(|id| ctx.gateway.live(*id).is_some()))
}

fn known(key: &str) -> Result<&'static Key, RpcError> {
    KEYS.iter().find(|row| row.name == key).ok_or_else(|| unknown("config key", key))
}

/// The value as a text. Numbers and booleans count as their words.
fn value(key: &str, params: &Params) -> Result<String, RpcError> {
    let text = match params.get("value") {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(word @ (Value::Bool(_) | Value::Number(_))) => word.to_string(),
        Some(_) => return Err(RpcError::param("value", "a string")),
    };
    Ok(if TEXTS.contains(&key) { text } else { text.trim().to_lowercase() })
}

fn unknown(what: &str, word: &str) -> RpcError {
    RpcError::new(4002, format!("unknown {what}: {}", echo(word)))
}

fn echo(word: &str) -> String {
    word.chars().take(ECHO_CHARS).collect()
}

#[cfg(test)]
mod tests;
