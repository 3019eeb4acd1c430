//! The key `personality`: a name for a system prompt that stands in `agent.personalities`. Some are
//! built in. The original tells the running agent too; here it holds for sessions that begin from now on.

use serde_json::{Map, Value};

use super::echo;
use crate::model::edit::Edit;
use crate::model::personality::BUILTIN;
use crate::model::settings::Settings;
use crate::wire::error::RpcError;

/// Words that mean none.
const NONE: [&str; 4] = ["", "none", "default", "neutral"];

pub(super) fn edits(value: &str, now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let known = known(now);
    let text = match known.iter().find(|(name, _)| name.to_lowercase() == value) {
        _ if NONE.contains(&value) => "",
        Some((_, text)) => text.as_str(),
        None => return Err(unknown(value, &known)),
    };
    // The original overwrites it.
    let prompt = now.model.system_prompt.as_str();
    let is_ours = prompt.is_empty() || known.iter().any(|(_, text)| text == prompt);
    if !is_ours {
        let text = "agent.system_prompt in config.yaml is written by hand; a personality would replace it";
        return Err(RpcError::new(5001, text));
    }
    let name = shown(value);
    Ok(vec![Edit::text(&["display", "personality"], name), Edit::text(&["agent", "system_prompt"], text)])
}

/// The name in the reply.
pub(super) fn shown(value: &str) -> &str {
    if NONE.contains(&value) { "none" } else { value }
}

/// Names and prompts: those built in, then those of `agent.personalities`, each a text, or a mapping with
/// `system_prompt`. One of the file takes the place of a built-in one of its name.
pub(in crate::methods) fn known(now: &Settings) -> Vec<(String, String)> {
    let document: Map<String, Value> = serde_json::from_str(&now.raw_json).unwrap_or_default();
    let members = document.get("agent").and_then(|agent| agent.get("personalities"));
    let text = |value: &Value| {
        let text = value.as_str().or_else(|| value.get("system_prompt")?.as_str())?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    };
    let members = members.and_then(Value::as_object).into_iter().flatten();
    let own: Vec<_> = members.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect();
    let builtin =
        BUILTIN.iter().filter(|(name, _)| own.iter().all(|(known, _)| !known.eq_ignore_ascii_case(name)));
    let builtin: Vec<_> = builtin.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    [builtin, own].concat()
}

fn unknown(value: &str, known: &[(String, String)]) -> RpcError {
    let names: Vec<String> = ["none"]
        .into_iter()
        .chain(known.iter().map(|(name, _)| name.as_str()))
        .map(|name| format!("`{}`", echo(name)))
        .collect();
    let text = format!("Unknown personality: `{}`.\n\nAvailable: {}", echo(value), names.join(", "));
    RpcError::new(5001, text)
}
