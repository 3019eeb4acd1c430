//! Switching sets of tools, and single tools of servers: what is written to `config.yaml`, and what agents
//! have then. It holds from the next turn on. The original begins an empty conversation and orphans a turn that
//! runs; here neither is touched.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::composer::failed;
use super::session;
use crate::gateway::method::{After, Ctx, Next, Reply, Then};
use crate::model::edit::{Change, Edit};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::toolset::{ToolSettings, find, is_combination, is_everything};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// Names of one request. There are some ten sets; the rest is for tools of servers.
pub(super) const NAMES_MAX: usize = 200;

/// Characters of an unknown action that are repeated.
const ECHO_CHARS: usize = 100;

/// Where the sets that are on stand, and those that are off whatever the first say.
const ON: [&str; 2] = ["platform_toolsets", "cli"];
const OFF: [&str; 2] = ["agent", "disabled_toolsets"];

/// Answers `tools.configure`.
pub(super) fn configure(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let action = params.text_or_empty("action")?.trim().to_lowercase();
    let enable = match action.as_str() {
        "enable" => true,
        "disable" => false,
        other => {
            let shown: String = other.chars().take(ECHO_CHARS).collect();
            return Err(RpcError::new(4017, format!("unknown tools action: {shown}")));
        }
    };
    let names = names(params)?;
    if names.is_empty() {
        return Err(RpcError::new(4018, "names required"));
    }
    Ok(switch(session(ctx, params)?, enable, names, shown))
}

/// A list of strings. The original takes a string for a list of its characters.
fn names(params: &Params) -> Result<Vec<String>, RpcError> {
    let wrong = || RpcError::param("names", "an array of at most 200 strings");
    let items = match params.get("names") {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= NAMES_MAX => items,
        Some(_) => return Err(wrong()),
    };
    let name = |item: &Value| item.as_str().map(|name| name.trim().to_owned()).ok_or_else(wrong);
    let names: Result<Vec<String>, RpcError> = items.iter().map(name).collect();
    Ok(names?.into_iter().filter(|name| !name.is_empty()).collect())
}

/// What came of it.
pub(super) struct Outcome {
    enable: bool,
    changed: Vec<String>,
    unknown: Vec<String>,
    missing: Vec<String>,
    enabled: Vec<&'static str>,
    /// Whether a live session was given, and what it shows now.
    reset: bool,
    info: Value,
}

/// Switches them. `told` makes the result.
pub(super) fn switch(
    session: Option<SessionId>,
    enable: bool,
    names: Vec<String>,
    told: fn(&Outcome) -> Value,
) -> Reply {
    let next = Next::new(move |ctx, result| {
        use_settings(ctx, result)?;
        let raw: Value = serde_json::from_str(&ctx.gateway.settings().raw_json).unwrap_or_default();
        let (plan, edits) = plan(&raw, enable, &names);
        if edits.is_empty() {
            return Ok(renew(plan, session, told));
        }
        let next = Next::new(move |ctx, result| {
            use_settings(ctx, result)?;
            Ok(renew(plan, session, told))
        });
        // Agents have to know what was written, whoever still waits.
        Ok(Reply::Next { spec: JobSpec::EditSettings { edits }, next, lasts: true })
    });
    Reply::Next { spec: JobSpec::LoadSettings, next, lasts: false }
}

fn use_settings(ctx: &mut Ctx<'_>, result: JobResult) -> Result<(), RpcError> {
    let JobResult::Settings(settings) = result else { return Err(failed(5035, result)) };
    ctx.gateway.use_settings(settings);
    Ok(())
}

/// What becomes of each name.
struct Plan {
    enable: bool,
    changed: Vec<String>,
    unknown: Vec<String>,
    missing: BTreeSet<String>,
}

fn plan(raw: &Value, enable: bool, names: &[String]) -> (Plan, Vec<Edit>) {
    let mut plan = Plan { enable, changed: Vec::new(), unknown: Vec::new(), missing: BTreeSet::new() };
    let (mut sets, mut edits) = (BTreeSet::new(), Vec::new());
    for name in names {
        match name.split_once(':') {
            Some((server, tool)) if !tool.is_empty() => {
                if raw["mcp_servers"].get(server).is_none() {
                    plan.missing.insert(server.to_owned());
                    continue;
                }
                let keys = [server, "tools", "exclude"].map(str::to_owned).to_vec();
                let change = Change::Below(keys, Box::new(Change::listed(tool.to_owned(), !enable)));
                edits.push(Edit { path: vec!["mcp_servers"], change });
            }
            _ => match find(name) {
                Some(set) => {
                    sets.insert(set.name);
                }
                None => {
                    plan.unknown.push(name.clone());
                    continue;
                }
            },
        }
        plan.changed.push(name.clone());
    }
    if !sets.is_empty() {
        edits.extend(set_edits(raw, enable, &sets));
    }
    (plan, edits)
}

/// What is written so that these sets of ours are on, or off. What else stands in the lists stays there: names
/// of tool servers, and of sets that only the original has.
fn set_edits(raw: &Value, enable: bool, sets: &BTreeSet<&'static str>) -> Vec<Edit> {
    let list = texts(&raw[ON[0]][ON[1]]);
    let before = match &list {
        Some(list) => ToolSettings::named(list, &[], false).enabled(),
        None => ToolSettings::default().enabled(),
    };
    let list = list.unwrap_or_default();
    let is_listed = |name: &str| list.iter().any(|listed| listed == name);
    let mut edits = Vec::new();
    let mut put = |name: &str, is_in: bool| edits.push(Edit::listed(&ON, name, is_in));
    if enable {
        let new = sets.iter().filter(|name| !before.contains(name));
        new.for_each(|name| put(name, true));
        let off = texts(&raw[OFF[0]][OFF[1]]).unwrap_or_default();
        let off = sets.iter().filter(|name| off.iter().any(|off| off == *name));
        edits.extend(off.map(|name| Edit::listed(&OFF, *name, false)));
    } else if before.iter().any(|name| sets.contains(name)) {
        // A name that stands for several gives way to those that stay.
        before
            .iter()
            .filter(|name| !sets.contains(*name) && !is_listed(name))
            .for_each(|name| put(name, true));
        if list.is_empty() {
            // A list of nothing is a list, where none is everything.
            sets.iter().for_each(|name| put(name, true));
        }
        let several = list.iter().filter(|name| is_combination(name) || is_everything(name));
        several.for_each(|name| put(name, false));
        sets.iter().for_each(|name| put(name, false));
    }
    edits
}

/// The texts of a list; `None` where there is none.
fn texts(list: &Value) -> Option<Vec<String>> {
    list.as_array().map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Agents take it over, and the session's client hears of it.
fn renew(plan: Plan, session: Option<SessionId>, told: fn(&Outcome) -> Value) -> Reply {
    let then = Then::new(move |ctx, result| {
        let heard = match result {
            JobResult::Tools(stock) => {
                stock.inventory.is_some_and(|inventory| ctx.gateway.use_inventory(inventory))
            }
            // It is written all the same, and read when a turn begins.
            other => {
                log::debug!("no agent took the change over: {other:?}");
                false
            }
        };
        let live = session.filter(|id| ctx.gateway.live(*id).is_some());
        if let Some(id) = live.filter(|_| !heard) {
            ctx.after(After::Info(id));
        }
        let info = live.and_then(|id| ctx.gateway.live(id)).map(|session| ctx.gateway.info(session));
        Ok(told(&Outcome {
            enable: plan.enable,
            changed: plan.changed,
            unknown: plan.unknown,
            missing: plan.missing.into_iter().collect(),
            enabled: ctx.gateway.settings().agent.tools.enabled(),
            reset: live.is_some(),
            info: json!(info),
        }))
    });
    Reply::Then(JobSpec::Agent(AgentJob::Tools { profile: None }), then)
}

/// As `tools.configure` answers.
fn shown(outcome: &Outcome) -> Value {
    json!({
        "changed": outcome.changed,
        "enabled_toolsets": outcome.enabled,
        "info": outcome.info,
        "missing_servers": outcome.missing,
        "reset": outcome.reset,
        "unknown": outcome.unknown,
    })
}

/// As `/tools` answers.
pub(super) fn told(outcome: &Outcome) -> Value {
    let mut lines = Vec::new();
    let mut say = |what: &str, names: &[String]| {
        if !names.is_empty() {
            lines.push(format!("{what}: {}", names.join(", ")));
        }
    };
    say(if outcome.enable { "Enabled" } else { "Disabled" }, &outcome.changed);
    say("Unknown", &outcome.unknown);
    say("Not configured", &outcome.missing);
    lines.push(match outcome.enabled.as_slice() {
        [] => "No set of tools is on.".to_owned(),
        sets => format!("On from the next prompt on: {}", sets.join(", ")),
    });
    json!({ "output": lines.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// What is appended and what is taken away, in order.
    fn edits(raw: &Value, enable: bool, names: &[&str]) -> Vec<String> {
        let (_, edits) = plan(raw, enable, &owned(names));
        let shown = |edit: &Edit| {
            let (path, change) = edit.place();
            match change {
                Change::Append(name) => format!("{}+{name}", path.join(".")),
                Change::Without(name) => format!("{}-{name}", path.join(".")),
                other => format!("{other:?}"),
            }
        };
        edits.iter().map(shown).collect()
    }

    #[test]
    fn an_unset_list_is_everything_and_becomes_the_rest() {
        let all = ToolSettings::default().enabled();
        let made = edits(&json!({}), false, &["web"]);
        assert_eq!(made.len(), all.len() + 1, "{made:?}");
        assert!(made.contains(&"platform_toolsets.cli-web".to_owned()));
        assert!(edits(&json!({}), true, &["web"]).is_empty(), "it is on");
        let none = edits(&json!({}), false, &all);
        assert_eq!(none.len(), all.len() * 2, "an empty list is left: {none:?}");
    }

    #[test]
    fn what_others_wrote_stays() {
        let raw = json!({"platform_toolsets": {"cli": ["web", "spotify", "gh"]}});
        assert_eq!(edits(&raw, false, &["web"]), ["platform_toolsets.cli-web"]);
        assert_eq!(edits(&raw, true, &["todo", "web"]), ["platform_toolsets.cli+todo"]);
        assert!(edits(&raw, false, &["file"]).is_empty());
        let several = json!({"platform_toolsets": {"cli": ["debugging"]}});
        assert_eq!(
            edits(&several, false, &["web"]),
            ["cli+file", "cli+terminal", "cli-debugging", "cli-web"]
                .map(|it| format!("platform_toolsets.{it}"))
        );
    }

    #[test]
    fn what_is_switched_on_is_off_nowhere() {
        let raw = json!({"agent": {"disabled_toolsets": ["web", "todo"]}});
        assert_eq!(edits(&raw, true, &["web"]), ["agent.disabled_toolsets-web"]);
    }

    #[test]
    fn each_name_is_accounted_for() {
        let raw = json!({"mcp_servers": {"gh": {}}});
        let names = ["web", "bogus", "gh:search", "db:x", "gh:", "web"];
        let (plan, edits) = plan(&raw, false, &owned(&names));
        assert_eq!(plan.changed, ["web", "gh:search", "web"]);
        assert_eq!(plan.unknown, ["bogus", "gh:"]);
        assert!(plan.missing.into_iter().eq(["db".to_owned()]));
        let (path, change) = edits[0].place();
        assert_eq!(
            (path.join("."), change),
            ("mcp_servers.gh.tools.exclude".to_owned(), &Change::Append("search".into()))
        );
    }

    #[test]
    fn a_string_is_no_list_of_names() {
        let read = |value: Value| {
            let params = Params([("names".to_owned(), value)].into_iter().collect());
            names(&params).map_err(|error| error.code)
        };
        assert_eq!(read(json!([" web ", ""])), Ok(owned(&["web"])));
        assert_eq!(read(json!(null)), Ok(Vec::new()));
        for wrong in [json!("web"), json!([5]), json!({"a": 1}), json!(vec!["x"; NAMES_MAX + 1])] {
            assert_eq!(read(wrong), Err(crate::wire::error::INVALID_PARAMS));
        }
    }
}
