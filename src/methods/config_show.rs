//! `config.show`: the settings that matter, as a table for people. Keys are shown by their end.

use serde_json::{Value, json};

use super::composer::failed;
use crate::base::secret::Secret;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("config.show", Lane::Pool, "A table of the settings that matter.", show)];

/// Characters of a key that are shown, the last ones, as in the original.
const KEY_SHOWN: usize = 4;
/// A shorter key would be given away by its end.
const KEY_CHARS_MIN: usize = 12;

fn show(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(JobSpec::LoadSettings, shown))
}

fn shown(ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Settings(settings) = result else { return Err(failed(5030, result)) };
    ctx.gateway.use_settings(settings);
    let sections: Vec<Value> =
        sections(ctx).into_iter().map(|(title, rows)| json!({ "title": title, "rows": rows })).collect();
    Ok(json!({ "sections": sections }))
}

/// The same table as a page of text, for `/config`.
pub(super) fn page_config(ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Result<Reply, RpcError> {
    let mut lines = Vec::new();
    for (title, rows) in sections(ctx) {
        lines.push(format!("{title}:"));
        lines.extend(rows.into_iter().map(|[label, value]| format!("  {label:<12} {value}")));
    }
    Ok(Reply::Now(json!({ "output": lines.join("\n") })))
}

/// Titles with their rows of labels and values.
type Sections = Vec<(&'static str, Vec<[String; 2]>)>;

/// The original looks for the endpoint and the key where they seldom are.
fn sections(ctx: &Ctx<'_>) -> Sections {
    let (settings, setup) = (ctx.gateway.settings(), ctx.gateway.setup());
    let model = &settings.model;
    let row = |label: &str, value: String| [label.to_owned(), value];
    let or = |value: &str, none: &str| if value.is_empty() { none.to_owned() } else { value.to_owned() };
    let verbose = if settings.display.tool_progress == "verbose" { "True" } else { "False" };
    vec![
        (
            "Model",
            vec![
                row("Model", or(&ctx.gateway.model_of(None), "(none)")),
                row("Base URL", or(&model.base_url, "(default)")),
                row("API Key", model.api_key.as_ref().map_or("(not set)".to_owned(), masked)),
            ],
        ),
        (
            "Agent",
            vec![
                row("Max Turns", model.iterations.to_string()),
                row("Toolsets", if model.tools { "all" } else { "none" }.to_owned()),
                row("Verbose", verbose.to_owned()),
            ],
        ),
        (
            "Environment",
            vec![
                row("Working Dir", setup.process_cwd.display().to_string()),
                row("Config File", settings.home.join("config.yaml").display().to_string()),
            ],
        ),
    ]
}

fn masked(key: &Secret) -> String {
    let chars: Vec<char> = key.expose().chars().collect();
    match chars.len().checked_sub(KEY_SHOWN) {
        Some(hidden) if chars.len() >= KEY_CHARS_MIN => {
            format!("****{}", chars.iter().skip(hidden).collect::<String>())
        }
        _ => "****".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::masked;
    use crate::base::secret::Secret;

    #[test]
    fn of_a_key_only_its_end_is_shown_and_of_a_short_one_nothing() {
        assert_eq!(masked(&Secret::new("sk-0123456789")), "****6789");
        assert_eq!(masked(&Secret::new("sk-test")), "****");
        assert_eq!(masked(&Secret::new("")), "****");
    }
}
