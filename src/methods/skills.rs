//! Skills: listing, searching and showing those that are installed, and finding new ones. There is no hub to
//! install from. Knows nothing of how skills are found.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::composer::failed;
use super::tools::short_page;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Then};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::skill::SkillRow;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("skills.manage", Lane::Pool, "List, search and show the installed skills.", manage),
    Method::new("skills.reload", Lane::Pool, "Look for skills again, and tell which are new.", reload),
];

/// What a search finds at most (the original's).
const FOUND_MAX: usize = 20;

/// Characters of an unknown word that are repeated.
const ECHO_CHARS: usize = 100;

/// Where a skill of this server comes from.
const SOURCE: &str = "local";

/// Why nothing can be installed.
const NO_HUB: &str =
    "this server has no skills hub: put the skill's folder below `skills` in the home directory";

/// How `/skills` is used.
const USAGE: &str = "/skills inspect NAME shows one; there is no hub to browse or to install from";

/// Names and descriptions of commands, by name.
type Commands = BTreeMap<String, String>;

fn manage(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let query = params.text_or_empty("query")?.trim().to_owned();
    match params.text("action")?.unwrap_or("list") {
        "list" => Ok(with_rows(None, |rows| Ok(json!({ "skills": by_category(&rows) })))),
        "search" => Ok(with_rows(None, move |rows| {
            let found = rows.iter().filter(|row| matches(row, &query)).take(FOUND_MAX);
            let found: Vec<Value> = found.map(named).collect();
            Ok(json!({ "results": found }))
        })),
        "inspect" => {
            Ok(with_rows(Some(query), |rows| Ok(json!({ "info": rows.first().map_or(json!({}), info) }))))
        }
        "browse" => {
            for name in ["page", "page_size"] {
                number(params, name)?;
            }
            Ok(Reply::Now(json!({ "items": [], "page": 1, "total_pages": 1, "total": 0 })))
        }
        // The original says that it was installed whatever came of it.
        "install" => Err(RpcError::new(5024, NO_HUB)),
        other => {
            let shown: String = other.chars().take(ECHO_CHARS).collect();
            Err(RpcError::new(4017, format!("unknown skills action: {shown}")))
        }
    }
}

/// Which page is asked for matters to nobody: there is one, and it is empty.
fn number(params: &Params, name: &str) -> Result<(), RpcError> {
    params.int(name).map(drop).map_err(|error| RpcError::new(5024, error.message))
}

/// What follows from the skills that are on: all, or those that a name may mean, the best first.
fn with_rows(
    named: Option<String>,
    then: impl FnOnce(Vec<SkillRow>) -> Result<Value, RpcError> + Send + 'static,
) -> Reply {
    let then = Then::new(move |ctx, result| then(taken(ctx, 5024, result)?));
    Reply::Then(JobSpec::Agent(AgentJob::Skills { named }), then)
}

pub(super) fn taken(ctx: &Ctx<'_>, code: i32, result: JobResult) -> Result<Vec<SkillRow>, RpcError> {
    let JobResult::Skills(mut rows) = result else { return Err(failed(code, result)) };
    let off = &ctx.gateway.settings().agent.skills_off;
    rows.retain(|row| !off.contains(&row.name));
    Ok(rows)
}

/// Names by category, both in order.
fn by_category(rows: &[SkillRow]) -> BTreeMap<&str, Vec<&str>> {
    let mut categories: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        categories.entry(&row.category).or_default().push(&row.name);
    }
    categories.values_mut().for_each(|names| names.sort_unstable());
    categories
}

/// Whether every word of a query stands somewhere in what is known of a skill.
fn matches(row: &SkillRow, query: &str) -> bool {
    let text = [row.name.as_str(), &row.description, &row.category].join("\n").to_lowercase();
    query.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn named(row: &SkillRow) -> Value {
    json!({ "name": row.name, "description": row.description })
}

/// What is shown of one. Clients look for `category` and `path`, which the original does not send.
fn info(row: &SkillRow) -> Value {
    let mut info = Map::new();
    let mut put = |name: &str, value: Value| drop(info.insert(name.to_owned(), value));
    put("name", row.name.as_str().into());
    put("description", row.description.as_str().into());
    put("source", SOURCE.into());
    put("identifier", row.place.as_str().into());
    put("tags", row.tags.clone().into());
    put("category", row.category.as_str().into());
    put("path", row.place.as_str().into());
    if let Some(preview) = &row.preview {
        put("skill_md_preview", preview.as_str().into());
    }
    Value::Object(info)
}

fn reload(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(JobSpec::Agent(AgentJob::Skills { named: None }), reloaded))
}

fn reloaded(ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let now = commands(&taken(ctx, 5025, result)?);
    let before = ctx.gateway.swap_skills(now.clone());
    let change = Change::between(&before, &now);
    Ok(json!({ "output": change.text(), "result": change.shown() }))
}

/// The commands that skills are; of equal names the first.
fn commands(rows: &[SkillRow]) -> Commands {
    let mut commands = Commands::new();
    for row in rows {
        if let Some(command) = row.command() {
            commands.entry(command).or_insert_with(|| row.description.clone());
        }
    }
    commands
}

/// What is other than before.
struct Change<'a> {
    added: Vec<(&'a String, &'a String)>,
    removed: Vec<(&'a String, &'a String)>,
    unchanged: Vec<&'a String>,
    total: usize,
}

impl<'a> Change<'a> {
    fn between(before: &'a Commands, now: &'a Commands) -> Self {
        Self {
            added: now.iter().filter(|(name, _)| !before.contains_key(*name)).collect(),
            removed: before.iter().filter(|(name, _)| !now.contains_key(*name)).collect(),
            unchanged: now.keys().filter(|name| before.contains_key(*name)).collect(),
            total: now.len(),
        }
    }

    fn shown(&self) -> Value {
        let rows = |rows: &[(&String, &String)]| -> Vec<Value> {
            rows.iter()
                .map(|(name, description)| json!({ "name": name, "description": description }))
                .collect()
        };
        json!({
            "added": rows(&self.added),
            "removed": rows(&self.removed),
            "unchanged": self.unchanged,
            "total": self.total,
            "commands": self.total,
        })
    }

    /// Bounded, for people.
    fn text(&self) -> String {
        let mut parts = vec!["Skills were looked for again.".to_owned()];
        for (what, rows) in [("New", &self.added), ("Gone", &self.removed)] {
            if !rows.is_empty() {
                let lines = rows.iter().take(FOUND_MAX).map(|(name, _)| format!("  - {name}"));
                let mut lines: Vec<String> = lines.collect();
                if rows.len() > FOUND_MAX {
                    lines.push(format!("  and {} more", rows.len() - FOUND_MAX));
                }
                parts.push(format!("{what}:\n{}", lines.join("\n")));
            }
        }
        if parts.len() == 1 {
            parts.push("There are no new ones.".to_owned());
        }
        parts.push(format!("{} skill(s) available", self.total));
        parts.join("\n")
    }
}

/// `/reload-skills`.
pub(super) fn page_reload(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Result<Reply, RpcError> {
    Ok(Reply::Job(JobSpec::Agent(AgentJob::Skills { named: None }), |ctx, params, result| {
        let told = reloaded(ctx, params, result)?;
        Ok(json!({ "output": told["output"] }))
    }))
}

/// `/skills`.
pub(super) fn page_skills(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    let (verb, rest) = arg.trim().split_once(char::is_whitespace).unwrap_or((arg.trim(), ""));
    let rest = rest.trim().to_owned();
    let output = |text: String| Ok(json!({ "output": text }));
    match verb {
        "" | "list" => Ok(with_rows(None, move |rows| output(list_page(&rows)))),
        "search" => Ok(with_rows(None, move |rows| {
            let found: Vec<SkillRow> = rows.into_iter().filter(|row| matches(row, &rest)).collect();
            output(list_page(&found))
        })),
        "inspect" if !rest.is_empty() => Ok(with_rows(Some(rest), move |rows| {
            output(rows.first().map_or_else(|| "There is no such skill.".to_owned(), inspect_page))
        })),
        "install" | "browse" => Ok(Reply::Now(json!({ "output": format!("No: {NO_HUB}.") }))),
        _ => Ok(Reply::Now(json!({ "output": USAGE }))),
    }
}

fn list_page(rows: &[SkillRow]) -> String {
    let categories = by_category(rows);
    let lines = categories.iter().map(|(category, names)| format!("{category}: {}", names.join(", ")));
    let text = short_page(lines, "There are no such skills.");
    format!("{text}\n\n{USAGE}")
}

/// Lines of a skill's text on a page.
const PAGE_PREVIEW_LINES: usize = 30;

fn inspect_page(row: &SkillRow) -> String {
    let mut lines = vec![format!("{} ({})", row.name, row.category), row.description.clone()];
    if !row.tags.is_empty() {
        lines.push(format!("tags: {}", row.tags.join(", ")));
    }
    lines.push(String::new());
    let preview = row.preview.as_deref().unwrap_or_default();
    lines.extend(preview.lines().take(PAGE_PREVIEW_LINES).map(str::to_owned));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, category: &str) -> SkillRow {
        let description = format!("About {name}.");
        SkillRow { name: name.to_owned(), category: category.to_owned(), description, ..SkillRow::default() }
    }

    #[test]
    fn names_stand_by_category() {
        let rows = [row("b", "mlops"), row("notes", "general"), row("a", "mlops")];
        let want = json!({"general": ["notes"], "mlops": ["a", "b"]});
        assert_eq!(json!(by_category(&rows)), want);
        assert!(list_page(&rows).starts_with("general: notes\nmlops: a, b\n"));
    }

    #[test]
    fn a_search_wants_every_word() {
        let skill = row("Fine Tune", "mlops");
        for (query, want) in [("", true), ("TUNE", true), ("fine ops", true), ("fine other", false)] {
            assert_eq!(matches(&skill, query), want, "{query}");
        }
    }

    #[test]
    fn a_scan_tells_what_is_other_than_before() {
        let before = commands(&[row("a", "x"), row("B b", "x")]);
        let now = commands(&[row("a", "x"), row("c", "x"), row("C", "y")]);
        let change = Change::between(&before, &now);
        let shown = change.shown();
        assert_eq!(shown["added"], json!([{"name": "c", "description": "About c."}]));
        assert_eq!(shown["removed"], json!([{"name": "b-b", "description": "About B b."}]));
        assert_eq!((&shown["unchanged"], &shown["total"]), (&json!(["a"]), &json!(2)));
        assert!(
            change.text().contains("New:\n  - c\nGone:\n  - b-b\n2 skill(s) available"),
            "{}",
            change.text()
        );
        assert!(Change::between(&now, &now).text().contains("no new"));
    }

    #[test]
    fn an_inspected_skill_has_what_clients_look_for() {
        let whole = SkillRow { preview: Some("x".to_owned()), place: "m/a".to_owned(), ..row("a", "m") };
        let shown = info(&whole);
        assert_eq!((&shown["source"], &shown["path"]), (&json!("local"), &json!("m/a")));
        assert_eq!((&shown["skill_md_preview"], shown["tags"].is_array()), (&json!("x"), true));
        assert!(info(&row("a", "m")).get("skill_md_preview").is_none());
    }
}
