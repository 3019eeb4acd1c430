//! Settings, as clients read them; `config_set` is how they write them. Reading looks at the file again, so
//! these run on the pool.

use serde_json::{Value, json};

use super::composer::failed;
use super::config_set;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("config.get", Lane::Pool, "Read a setting.", get),
    Method::new("config.set", Lane::Pool, "Change a setting, most of them in config.yaml.", config_set::set),
];

/// Keys `config.get` knows.
const KEYS: &[&str] = &[
    "full",
    "mtime",
    "profile",
    "project",
    "provider",
    "prompt",
    "skin",
    "indicator",
    "personality",
    "reasoning",
    "fast",
    "busy",
    "details_mode",
    "thinking_mode",
    "compact",
    "statusbar",
    "mouse",
];

fn get(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let key = params.text_or_empty("key")?;
    if !KEYS.contains(&key) {
        let shown: String = key.chars().take(100).collect();
        return Err(RpcError::new(4002, format!("unknown config key: {shown}")));
    }
    if key == "project" {
        let cwd = params.text_or_empty("cwd")?;
        let candidates = if cwd.is_empty() { ctx.gateway.cwd_candidates() } else { vec![cwd.into()] };
        return Ok(Reply::Job(JobSpec::Workspace { candidates }, project));
    }
    Ok(Reply::Job(JobSpec::LoadSettings, got))
}

fn project(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Workspace { cwd, branch } = result else { return Err(failed(5013, result)) };
    Ok(json!({ "cwd": cwd.display().to_string(), "branch": branch }))
}

fn got(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Settings(settings) = result else { return Err(failed(5013, result)) };
    ctx.gateway.use_settings(settings);
    let settings = ctx.gateway.settings();
    let display = &settings.display;
    let on_off = |on: bool| if on { "on" } else { "off" };
    let value = match params.text_or_empty("key")? {
        "full" => {
            let mut config = parsed(&settings.raw_json);
            hide_secrets(&mut config);
            return Ok(json!({ "config": config }));
        }
        "mtime" => return Ok(json!({ "mtime": settings.mtime })),
        "profile" => {
            let home = settings.home.display().to_string();
            return Ok(json!({ "home": home, "display": settings.home_shown }));
        }
        "provider" => {
            let (model, provider) = (ctx.gateway.model_of(None), ctx.gateway.provider());
            let row = json!({"id": provider, "label": provider, "aliases": [], "authenticated": true});
            return Ok(json!({ "model": model, "provider": provider, "providers": [row] }));
        }
        "prompt" => return Ok(json!({ "prompt": display.custom_prompt })),
        "reasoning" => {
            let shown = if display.show_reasoning { "show" } else { "hide" };
            let effort = match display.reasoning_effort.as_str() {
                "" => "medium",
                effort => effort,
            };
            return Ok(json!({ "value": effort, "display": shown }));
        }
        "skin" => parsed(&display.skin_json),
        "indicator" => display.indicator.into(),
        "personality" => display.personality.clone().into(),
        "fast" => display.service_tier.into(),
        "busy" => settings.busy_mode.as_str().into(),
        "details_mode" => display.details_mode.into(),
        "thinking_mode" => display.thinking_mode.into(),
        "compact" => on_off(display.compact).into(),
        "statusbar" => display.statusbar.into(),
        "mouse" => display.mouse.into(),
        other => return Err(RpcError::new(4002, format!("unknown config key: {other}"))),
    };
    Ok(json!({ "value": value }))
}

/// What begins a reference to a variable, which is no secret.
const REFERENCE: char = '$';

/// Ends of names, in small letters, whose values are secrets.
const SECRETS: [&str; 6] = ["api_key", "apikey", "token", "secret", "password", "authorization"];

/// The original shows clients the keys in the file; nobody needs them.
fn hide_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let low = name.to_lowercase();
                let is_variable = name.ends_with("_KEY");
                match member {
                    Value::String(text) if is_variable || SECRETS.iter().any(|end| low.ends_with(end)) => {
                        if !text.is_empty() && !text.starts_with(REFERENCE) {
                            "***".clone_into(text);
                        }
                    }
                    member => hide_secrets(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        _ => {}
    }
}

/// JSON text that was written by `config`.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_file_are_hidden_at_any_depth() {
        let mut config = json!({
            "model": {"api_key": "sk-1", "default": "m"}, "voice": {"record_key": "ctrl+b"},
            "mcp_servers": [{"env": {"GH_TOKEN": "t", "SOME_KEY": "k", "A": "${B}"}}], "api_key": "${OPENAI}",
            "headers": {"Authorization": "Bearer x"}, "token": 5,
        });
        hide_secrets(&mut config);
        let expected = json!({
            "model": {"api_key": "***", "default": "m"}, "voice": {"record_key": "ctrl+b"},
            "mcp_servers": [{"env": {"GH_TOKEN": "***", "SOME_KEY": "***", "A": "${B}"}}], "api_key": "${OPENAI}",
            "headers": {"Authorization": "***"}, "token": 5,
        });
        assert_eq!(config, expected);
    }
}
