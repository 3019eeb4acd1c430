//! Models to pick from: who offers them, keys that open more of them, and whether the user may start.
//! Choosing one is `config_set::model`'s. Files and networks are asked by jobs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::composer::failed;
use super::config_set::model::{Chosen, choose};
use super::menu;
use crate::base::secret::Secret;
use crate::gateway::method::{Ctx, Lane, Method, Next, Reply};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::menu::Pick;
use crate::model::provider::price::{Cost, Price};
use crate::model::provider::{Current, ProviderDone, ProviderError, ProviderJob, ProviderRow};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("model.options", Lane::Pool, "The models that can be picked, by provider.", options),
    Method::new("model.save_key", Lane::Pool, "Keep a provider's key in .env.", save_key),
    Method::new("model.disconnect", Lane::Pool, "Forget a provider's keys.", disconnect),
    Method::new(
        "setup.status",
        Lane::Inline,
        "Whether the user may start. Always: the demo agent needs nothing.",
        status,
    ),
    Method::new("setup.runtime_check", Lane::Pool, "Whether a provider could be called.", runtime),
];

/// Rows of the page of `/model`, and models of each: a page has some forty lines.
const PAGE_ROWS: usize = 12;
const PAGE_MODELS: usize = 8;

/// What begins the ids of models that can be served first, after a maker's name; not those of `codex`.
const FAST: [&str; 4] = ["gpt-", "o1", "o3", "o4"];

fn options(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    if ctx.gateway.has_other_agent() {
        let id = session(ctx, params)?;
        return menu::options(ctx, id, row);
    }
    let current = current(ctx, session(ctx, params)?);
    let refresh = params.truthy("refresh");
    Ok(Reply::Job(job(ProviderJob::Options { current, refresh }), listed))
}

fn listed(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let rows = match done(result, 5033)? {
        Ok(ProviderDone::Rows(rows)) => rows,
        other => return Err(odd(5033, other)),
    };
    let current = current(ctx, session(ctx, params)?);
    let demo = (current.provider == "demo").then(demo);
    let rows: Vec<Value> = demo.iter().chain(&rows).map(row).collect();
    Ok(json!({ "model": current.model, "provider": current.provider, "providers": rows }))
}

/// Who answers while nothing is configured. Ours.
fn demo() -> ProviderRow {
    let name = || "demo".to_owned();
    let (is_current, is_user_defined, source) = (true, true, "model-config");
    let models = vec![name()];
    let (slug, name) = (name(), name());
    ProviderRow { slug, name, is_current, is_user_defined, models, source, ..ProviderRow::default() }
}

fn save_key(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let slug = params.text_or_empty("slug")?.trim();
    let key = params.text_or_empty("api_key")?.trim();
    if slug.is_empty() || key.is_empty() {
        return Err(RpcError::new(4001, "slug and api_key are required"));
    }
    let current = current(ctx, session(ctx, params)?);
    let (slug, key) = (slug.to_owned(), Secret::new(key));
    Ok(Reply::Lasting(job(ProviderJob::SaveKey { slug, key, current }), saved))
}

fn saved(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match done(result, 5034)? {
        Ok(ProviderDone::Saved(row)) => Ok(json!({ "provider": plain(&row, true) })),
        Err(error) => Err(refused(&error, 5034)),
        other => Err(odd(5034, other)),
    }
}

fn disconnect(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let slug = params.text_or_empty("slug")?.trim().to_owned();
    if slug.is_empty() {
        return Err(RpcError::new(4001, "slug is required"));
    }
    Ok(Reply::Lasting(job(ProviderJob::Disconnect { slug }), disconnected))
}

fn disconnected(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match done(result, 5035)? {
        Ok(ProviderDone::Disconnected { slug, name }) => {
            Ok(json!({ "slug": slug, "name": name, "disconnected": true }))
        }
        Err(error) => Err(refused(&error, 5035)),
        other => Err(odd(5035, other)),
    }
}

/// Whatever the files say: where they name no model that can be called, the demo agent answers.
fn status(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Now(json!({ "provider_configured": true })))
}

/// Never an error: whoever asks wants to know what is wrong.
fn runtime(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let slug = match params.text_or_empty("provider") {
        Ok(slug) => slug.trim().to_owned(),
        Err(error) => return Ok(Reply::Now(not_ok(&error.message))),
    };
    if ctx.gateway.uses_demo() && (slug.is_empty() || slug == "demo") {
        return Ok(Reply::Now(json!({ "ok": true, "provider": "demo", "model": null, "source": "demo" })));
    }
    Ok(Reply::Job(job(ProviderJob::Check { slug }), checked))
}

fn checked(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let checked = match done(result, 0) {
        Ok(Ok(ProviderDone::Checked(checked))) => checked,
        Ok(Ok(_)) => return Ok(not_ok("internal error")),
        Ok(Err(error)) => return Ok(not_ok(&error.to_string())),
        Err(error) => return Ok(not_ok(&error.message)),
    };
    let provider = &checked.provider;
    let mut told = json!({
        "ok": checked.usable, "provider": provider, "model": null, "source": checked.source,
    });
    if !checked.usable {
        told["error"] = format!("No usable credentials found for {provider}.").into();
    }
    Ok(told)
}

fn not_ok(why: &str) -> Value {
    json!({ "ok": false, "error": why })
}

/// `/model`: what is in use and what could be; with a name behind it, a switch.
pub(super) fn page_model(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    if let Some(id) = id.filter(|_| ctx.gateway.has_other_agent() && arg.trim().is_empty()) {
        return menu::page(ctx, id, Pick::Model, "", |text| json!({ "output": text }));
    }
    if arg.trim().is_empty() {
        let now = current(ctx, id);
        let next = Next::new(move |ctx: &mut Ctx<'_>, result: JobResult| {
            let rows = match done(result, 5033)? {
                Ok(ProviderDone::Rows(rows)) => rows,
                other => return Err(odd(5033, other)),
            };
            Ok(Reply::Now(json!({ "output": page(&current(ctx, id), &rows) })))
        });
        let spec = job(ProviderJob::Options { current: now, refresh: false });
        return Ok(Reply::Next { spec, next, lasts: false });
    }
    choose(ctx, arg, id, false, |chosen: &Chosen| {
        if chosen.asks {
            let text =
                format!("{}\n\nNothing is switched. With --confirm behind the name it is.", chosen.warning);
            return json!({ "output": text });
        }
        let mut text = format!("Model: {}\nProvider: {}", chosen.model, chosen.provider);
        if !chosen.warning.is_empty() {
            let _ = write!(text, "\n{}", chosen.warning);
        }
        json!({ "output": text })
    })
}

fn page(current: &Current, rows: &[ProviderRow]) -> String {
    let mut text = format!("Model: {}\nProvider: {}\n", current.model, current.provider);
    let callable: Vec<&ProviderRow> = rows.iter().filter(|row| row.missing.is_none()).collect();
    for row in callable.iter().take(PAGE_ROWS) {
        let mark = if row.is_current { "* " } else { "  " };
        let _ = write!(text, "\n{mark}{} ({})", row.slug, row.name);
        if !row.models.is_empty() {
            let shown: Vec<&str> = row.models.iter().take(PAGE_MODELS).map(String::as_str).collect();
            let more = row.models.len().saturating_sub(PAGE_MODELS);
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            let _ = write!(text, ": {}{more}", shown.join(", "));
        }
    }
    text.push_str("\n\n/model <name> [--provider <id>] [--session|--global] switches.");
    text
}

/// The live session of the request. An unknown one counts as none, as in the original.
fn session(ctx: &Ctx<'_>, params: &Params) -> Result<Option<SessionId>, RpcError> {
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    Ok(id.filter(|id| ctx.gateway.live(*id).is_some()))
}

fn current(ctx: &Ctx<'_>, id: Option<SessionId>) -> Current {
    let session = id.and_then(|id| ctx.gateway.live(id));
    let (model, provider) = (ctx.gateway.model_of(session), ctx.gateway.provider_of(session).to_owned());
    Current { model, provider }
}

fn job(job: ProviderJob) -> JobSpec {
    JobSpec::Agent(AgentJob::Providers(Box::new(job)))
}

/// What came of it; an error where nothing did.
fn done(result: JobResult, code: i32) -> Result<Result<ProviderDone, ProviderError>, RpcError> {
    match result {
        JobResult::Providers(result) => Ok(result.map(|done| *done)),
        other => Err(failed(code, other)),
    }
}

/// An answer to another question, or an error that has no code of its own.
fn odd(code: i32, result: Result<ProviderDone, ProviderError>) -> RpcError {
    match result {
        Err(error) => RpcError::new(code, error.to_string()),
        Ok(done) => {
            log::error!("a job on providers gave the wrong result: {done:?}");
            RpcError::new(code, "internal error")
        }
    }
}

fn refused(error: &ProviderError, other: i32) -> RpcError {
    let code = match error {
        ProviderError::Unknown(_) => 4002,
        ProviderError::OtherAuth { .. } => 4003,
        ProviderError::NoCredentials { .. } => 4005,
        ProviderError::ReadOnly if other == 5034 => 4006,
        ProviderError::ReadOnly | ProviderError::Unusable(_) | ProviderError::Failed(_) => other,
    };
    RpcError::new(code, error.to_string())
}

/// A row, with what is known of its models.
fn row(row: &ProviderRow) -> Value {
    let mut members = plain(row, row.missing.is_none());
    if let Some(missing) = &row.missing {
        members.insert("auth_type".to_owned(), missing.auth_type.into());
        members.insert("key_env".to_owned(), missing.variable.into());
        members.insert("warning".to_owned(), format!("paste {} to activate", missing.variable).into());
    }
    let capabilities: Map<String, Value> = row
        .models
        .iter()
        // What cannot reason ignores what is said about it: there is no catalogue that knows better.
        .map(|model| (model.clone(), json!({ "fast": is_fast(model), "reasoning": true })))
        .collect();
    members.insert("capabilities".to_owned(), capabilities.into());
    let priced = row.models.iter().filter_map(|model| Some((model, row.prices.get(model)?)));
    let prices: Map<String, Value> =
        priced.map(|(model, price)| (model.clone(), priced_at(*price))).collect();
    if !prices.is_empty() {
        members.insert("pricing".to_owned(), prices.into());
    }
    Value::Object(members)
}

/// A price in a picker: for a million tokens, empty where it is not known.
fn priced_at(price: Price) -> Value {
    let told = |cost: Option<Cost>| cost.map(|cost| cost.to_string());
    json!({
        "input": told(price.input).unwrap_or_default(), "output": told(price.output).unwrap_or_default(),
        "cache": told(price.cache), "free": price.is_free(),
    })
}

fn plain(row: &ProviderRow, authenticated: bool) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("slug", row.slug.as_str().into());
    put("name", row.name.as_str().into());
    put("is_current", row.is_current.into());
    put("is_user_defined", row.is_user_defined.into());
    put("models", row.models.clone().into());
    put("total_models", row.models.len().into());
    put("source", row.source.into());
    if let Some(url) = &row.api_url {
        put("api_url", url.as_str().into());
    }
    put("authenticated", authenticated.into());
    members
}

/// Whether a model can be served first, by its name (the original's rule).
fn is_fast(model: &str) -> bool {
    let id = model.rsplit('/').next().unwrap_or_default();
    let id = id.split(':').next().unwrap_or_default().to_lowercase();
    let is_openais = FAST.iter().any(|start| id.starts_with(start)) && !id.contains("codex");
    is_openais || (id.starts_with("claude-") && (id.contains("opus-4-6") || id.contains("opus-4.6")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::provider::MissingKey;

    #[test]
    fn who_can_be_served_first() {
        for (model, want) in [
            ("gpt-5", true),
            ("openai/o3-mini:free", true),
            ("GPT-5-codex", false),
            ("anthropic/claude-opus-4.6", true),
            ("claude-sonnet-4", false),
            ("my-model", false),
            ("", false),
        ] {
            assert_eq!(is_fast(model), want, "{model}");
        }
    }

    #[test]
    fn a_row_that_wants_a_key_says_which() {
        let missing = Some(MissingKey { auth_type: "api_key", variable: "DEEPSEEK_API_KEY" });
        let known = ProviderRow {
            slug: "deepseek".into(),
            name: "DeepSeek".into(),
            source: "canonical",
            missing,
            ..ProviderRow::default()
        };
        let want = json!({
            "slug": "deepseek", "name": "DeepSeek", "is_current": false, "is_user_defined": false, "models": [],
            "total_models": 0, "source": "canonical", "authenticated": false, "auth_type": "api_key",
            "key_env": "DEEPSEEK_API_KEY", "warning": "paste DEEPSEEK_API_KEY to activate", "capabilities": {},
        });
        assert_eq!(row(&known), want);
    }

    #[test]
    fn the_page_shows_who_can_be_called() {
        let mut own = demo();
        own.models = (0..20).map(|at| format!("m{at}")).collect();
        let rows = [own, ProviderRow { missing: Some(MissingKey::default()), ..demo() }];
        let text = page(&Current { model: "m0".into(), provider: "demo".into() }, &rows);
        assert!(text.contains("* demo (demo): m0, m1") && text.contains("and 12 more"), "{text}");
        assert_eq!(text.matches("(demo)").count(), 1);
    }
}
