//! Tools and their sets: what agents could use, and what of it is on. `configure` is how people switch it.
//! Knows nothing of what a tool does.

mod configure;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Then};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::toolset::{self, SERVER_PREFIX, Stock, StockTool};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("toolsets.list", Lane::Pool, "List the sets of tools, and which are on.", toolsets),
    Method::new("tools.list", Lane::Pool, "The same with the names of their tools.", tools),
    Method::new("tools.show", Lane::Pool, "List the tools that agents have, by set.", show),
    Method::new(
        "tools.configure",
        Lane::Pool,
        "Switch sets of tools, or single tools of servers, in config.yaml.",
        configure::configure,
    ),
];

/// Lines of a page, its last one apart.
const PAGE_LINES_MAX: usize = 38;

/// How `/tools` is used.
const USAGE: &str =
    "/tools enable NAME..., /tools disable NAME...: sets by name, tools of a server as SERVER:TOOL";

/// Sets by name.
type Sets<'a> = BTreeMap<&'a str, Vec<&'a StockTool>>;

fn toolsets(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(stock(ctx, session(ctx, params)?), |_, _, result| {
        let stock = taken(5032, result)?;
        Ok(json!({ "toolsets": sets(&stock).iter().map(set_row).collect::<Vec<_>>() }))
    }))
}

fn tools(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(stock(ctx, session(ctx, params)?), |_, _, result| {
        let stock = taken(5031, result)?;
        let row = |(name, tools): (&&str, &Vec<&StockTool>)| {
            let mut row = set_row((name, tools));
            row["tools"] = tools.iter().map(|tool| tool.name.as_str()).collect();
            row
        };
        Ok(json!({ "toolsets": sets(&stock).iter().map(row).collect::<Vec<_>>() }))
    }))
}

fn show(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(stock(ctx, session(ctx, params)?), |_, _, result| Ok(sections(&taken(5034, result)?))))
}

/// The live session of a request. An unknown one counts as none, as in the original.
fn session(ctx: &Ctx<'_>, params: &Params) -> Result<Option<SessionId>, RpcError> {
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    Ok(id.filter(|id| ctx.gateway.live(*id).is_some()))
}

/// Asks what there is, for the agent of a session or for the server's.
fn stock(ctx: &Ctx<'_>, session: Option<SessionId>) -> JobSpec {
    let profile = session.and_then(|id| ctx.gateway.live(id)).and_then(|session| session.profile.clone());
    JobSpec::Agent(AgentJob::Tools { profile })
}

fn taken(code: i32, result: JobResult) -> Result<Stock, RpcError> {
    match result {
        JobResult::Tools(stock) => Ok(*stock),
        other => Err(failed(code, other)),
    }
}

/// Sets and their tools, both by name.
fn sets(stock: &Stock) -> Sets<'_> {
    let mut sets = Sets::new();
    for tool in &stock.tools {
        sets.entry(&tool.toolset).or_default().push(tool);
    }
    sets.values_mut().for_each(|tools| tools.sort_by_key(|tool| &tool.name));
    sets
}

fn set_row((name, tools): (&&str, &Vec<&StockTool>)) -> Value {
    json!({
        "name": name,
        "description": description(name),
        "tool_count": tools.len(),
        "enabled": is_on(tools),
    })
}

fn is_on(tools: &[&StockTool]) -> bool {
    tools.iter().any(|tool| tool.enabled)
}

fn description(set: &str) -> String {
    match (toolset::find(set), set.strip_prefix(SERVER_PREFIX)) {
        (Some(known), _) => known.description.to_owned(),
        (None, Some(server)) => format!("Tools of the server {server}"),
        (None, None) => String::new(),
    }
}

/// What agents have: what is on, and has what it needs.
fn sections(stock: &Stock) -> Value {
    let (mut sections, mut total) = (Vec::new(), 0);
    for (name, tools) in sets(stock) {
        let row = |tool: &&StockTool| json!({ "name": tool.name, "description": short(&tool.description) });
        let rows: Vec<Value> = tools.iter().filter(|tool| tool.enabled && tool.at_hand).map(row).collect();
        if !rows.is_empty() {
            total += rows.len();
            sections.push(json!({ "name": name, "tools": rows }));
        }
    }
    json!({ "sections": sections, "total": total })
}

/// The first sentence of the first line.
fn short(description: &str) -> &str {
    let line = description.lines().next().unwrap_or_default();
    // The full stop is one byte.
    line.find(". ").and_then(|at| line.get(..=at)).unwrap_or(line)
}

/// `/tools`.
pub(super) fn page_tools(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    let mut words = arg.split_whitespace();
    let enable = match words.next() {
        None | Some("list" | "show") => return Ok(page(stock(ctx, id), listed)),
        Some("enable") => true,
        Some("disable") => false,
        Some(_) => return Ok(Reply::Now(json!({ "output": USAGE }))),
    };
    let names: Vec<String> = words.take(configure::NAMES_MAX).map(str::to_owned).collect();
    if names.is_empty() {
        return Ok(Reply::Now(json!({ "output": USAGE })));
    }
    Ok(configure::switch(id, enable, names, configure::told))
}

/// `/toolsets`.
pub(super) fn page_toolsets(ctx: &mut Ctx<'_>, id: Option<SessionId>, _arg: &str) -> Result<Reply, RpcError> {
    Ok(page(stock(ctx, id), |stock| {
        let line = |(name, tools): (&&str, &Vec<&StockTool>)| {
            format!("{} {name} ({}): {}", mark(tools), tools.len(), description(name))
        };
        short_page(sets(stock).iter().map(line), "No agent here has tools.")
    }))
}

/// A page of what there is.
fn page(spec: JobSpec, text: fn(&Stock) -> String) -> Reply {
    Reply::Then(
        spec,
        Then::new(move |_, result| {
            let stock = taken(5034, result)?;
            Ok(json!({ "output": text(&stock) }))
        }),
    )
}

fn listed(stock: &Stock) -> String {
    let line = |(name, tools): (&&str, &Vec<&StockTool>)| {
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        format!("{} {name}: {}", mark(tools), names.join(", "))
    };
    let text = short_page(sets(stock).iter().map(line), "No agent here has tools.");
    format!("{text}\n\n{USAGE}")
}

fn mark(tools: &[&StockTool]) -> &'static str {
    if is_on(tools) { "[x]" } else { "[ ]" }
}

/// At most [`PAGE_LINES_MAX`] lines and one that says how many are left out.
pub(super) fn short_page(lines: impl Iterator<Item = String>, none: &str) -> String {
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return none.to_owned();
    }
    if lines.len() > PAGE_LINES_MAX {
        let left_out = lines.len() - PAGE_LINES_MAX;
        lines.truncate(PAGE_LINES_MAX);
        lines.push(format!("and {left_out} more"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(toolset: &str, name: &str, enabled: bool, at_hand: bool) -> StockTool {
        let description = format!("Does {name}. And more.\nMuch more.");
        StockTool { toolset: toolset.to_owned(), name: name.to_owned(), description, enabled, at_hand }
    }

    fn some() -> Stock {
        let tools = vec![
            tool("terminal", "terminal", true, true),
            tool("mcp-gh", "mcp_gh_search", true, true),
            tool("terminal", "process", true, true),
            tool("web", "web_extract", false, true),
            tool("memory", "memory", true, false),
        ];
        Stock { tools, inventory: None }
    }

    #[test]
    fn sets_and_tools_are_in_order() {
        let stock = some();
        let rows: Vec<Value> = sets(&stock).iter().map(set_row).collect();
        let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
        assert_eq!(names, ["mcp-gh", "memory", "terminal", "web"]);
        assert_eq!((&rows[2]["tool_count"], &rows[2]["enabled"]), (&json!(2), &json!(true)));
        assert_eq!(
            (&rows[0]["description"], &rows[3]["enabled"]),
            (&json!("Tools of the server gh"), &json!(false))
        );
    }

    #[test]
    fn shown_is_what_is_on_and_at_hand() {
        let shown = sections(&some());
        assert_eq!(shown["total"], 3);
        assert_eq!(shown["sections"][1]["name"], "terminal");
        assert_eq!(
            shown["sections"][1]["tools"],
            json!([{"name": "process", "description": "Does process."},
                {"name": "terminal", "description": "Does terminal."}])
        );
        assert_eq!(sections(&Stock::default()), json!({"sections": [], "total": 0}));
    }

    #[test]
    fn a_page_stays_short() {
        let text = short_page((0..100).map(|number| number.to_string()), "none");
        assert!(text.lines().count() <= 40 && text.ends_with("and 62 more"), "{text}");
        assert_eq!(short_page(std::iter::empty(), "none"), "none");
        assert!(listed(&some()).starts_with("[x] mcp-gh: mcp_gh_search\n[x] memory"));
    }
}
