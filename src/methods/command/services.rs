//! Pages of what stands beside the conversation: processes and subagents, checkpoints, memory, and services
//! that may not be there.

use serde_json::{Value, json};

use super::told::{ask, list, named, page, text};
use crate::gateway::method::{Ctx, Reply};
use crate::model::ids::SessionId;
use crate::wire::error::RpcError;

type Answer = Result<Reply, RpcError>;

/// Rows of a list on a page.
const ROWS_MAX: usize = 30;

/// Characters of a goal, a command or a reason in a row.
const ROW_CHARS: usize = 70;

/// Lines of a comparison.
const DIFF_LINES_MAX: usize = 40;

/// Characters of a checkpoint's id in a row.
const SHORT_ID: usize = 8;

/// The subagents that run, and background processes of all sessions.
pub(super) fn agents(ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    ask(ctx, "delegation.status", json!({}), |ctx, subagents| {
        ask(ctx, "agents.list", json!({}), move |_, processes| page(agents_page(&subagents, &processes)))
    })
}

fn agents_page(subagents: &Value, processes: &Value) -> String {
    let subagent = |row: &Value| {
        format!("  {}  {}  {}", text(row, "subagent_id"), text(row, "status"), clip(text(row, "goal")))
    };
    let process = |row: &Value| {
        format!("  {}  {}  {}", text(row, "session_id"), text(row, "status"), clip(text(row, "command")))
    };
    let subagents: Vec<String> = list(subagents, "active").iter().take(ROWS_MAX).map(subagent).collect();
    let processes: Vec<String> = list(processes, "processes").iter().take(ROWS_MAX).map(process).collect();
    let or_none = |rows: Vec<String>| if rows.is_empty() { "  none".to_owned() } else { rows.join("\n") };
    format!("Subagents\n{}\n\nBackground processes\n{}", or_none(subagents), or_none(processes))
}

pub(super) fn stop(ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    ask(ctx, "process.stop", json!({}), |_, done| {
        page(match done.get("killed").and_then(Value::as_u64).unwrap_or(0) {
            0 => "No background process was running.".to_owned(),
            1 => "1 background process was stopped.".to_owned(),
            count => format!("{count} background processes were stopped."),
        })
    })
}

/// A list; `diff N`; or `N [file]` to bring back.
pub(super) fn rollback(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    let (first, rest) = arg.split_once(char::is_whitespace).unwrap_or((arg, ""));
    let rest = rest.trim();
    match first {
        "" | "list" => ask(ctx, "rollback.list", json!({ "session_id": named(id) }), |_, found| {
            page(checkpoints(&found))
        }),
        "diff" => ask(ctx, "rollback.diff", json!({ "session_id": named(id), "hash": rest }), |_, found| {
            let lines = text(&found, "stat").lines().chain(text(&found, "diff").lines());
            page(lines.take(DIFF_LINES_MAX).collect::<Vec<_>>().join("\n"))
        }),
        at => {
            let wanted = json!({ "session_id": named(id), "hash": at, "file_path": rest });
            ask(ctx, "rollback.restore", wanted, |_, done| page(restored(&done)))
        }
    }
}

fn checkpoints(found: &Value) -> String {
    if found.get("enabled") != Some(&Value::Bool(true)) {
        return "No checkpoints are made: checkpoints.enabled in config.yaml switches them on.".to_owned();
    }
    let row = |(at, row): (usize, &Value)| {
        let id: String = text(row, "hash").chars().take(SHORT_ID).collect();
        format!("{:>3}  {id}  {}  {}", at + 1, text(row, "timestamp"), clip(text(row, "message")))
    };
    let rows: Vec<String> = list(found, "checkpoints").iter().enumerate().take(ROWS_MAX).map(row).collect();
    match rows.is_empty() {
        true => "There are no checkpoints of this workspace yet.".to_owned(),
        false => format!(
            "{}\n\n/rollback <number> brings one back, /rollback diff <number> compares.",
            rows.join("\n")
        ),
    }
}

fn restored(done: &Value) -> String {
    if done.get("success") != Some(&Value::Bool(true)) {
        return format!("Nothing was brought back: {}", text(done, "error"));
    }
    let what = match text(done, "file") {
        "" => text(done, "directory"),
        file => file,
    };
    let removed = done.get("history_removed").and_then(Value::as_u64).unwrap_or(0);
    let taken = if removed > 0 { format!("\n{removed} messages were taken back.") } else { String::new() };
    format!("{what} is as it was at {} ({}).{taken}", text(done, "restored_to"), text(done, "reason"))
}

pub(super) fn memory(ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Answer {
    if !arg.is_empty() {
        return page("The agent writes its memory at once in this server: nothing waits for an approval.");
    }
    let on = if ctx.gateway.settings().agent.memory { "on" } else { "off" };
    page(format!("memory: {on} (memory.memory_enabled in config.yaml)\n/journey shows what was learned."))
}

pub(super) fn pet(ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    ask(ctx, "pet.info", json!({}), |_, pet| {
        let enabled = pet.get("enabled") == Some(&Value::Bool(true));
        page(if enabled { "The pet is shown by the client." } else { "This server has no pets." })
    })
}

pub(super) fn browser(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    let mut words = arg.split_whitespace();
    let action = words.next().unwrap_or("status").to_lowercase();
    let wanted = json!({ "session_id": named(id), "action": action, "url": words.next() });
    ask(ctx, "browser.manage", wanted, |_, state| {
        let connected = state.get("connected") == Some(&Value::Bool(true));
        let first = match (connected, text(&state, "url")) {
            (true, "") => "The browser is connected.".to_owned(),
            (true, url) => format!("The browser is connected: {url}"),
            (false, _) => "No browser is connected.".to_owned(),
        };
        let said = list(&state, "messages").iter().filter_map(Value::as_str).map(str::to_owned);
        page([first].into_iter().chain(said).collect::<Vec<_>>().join("\n"))
    })
}

pub(super) fn voice(ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Answer {
    let action = if arg.is_empty() { "status".to_owned() } else { arg.to_lowercase() };
    ask(ctx, "voice.toggle", json!({ "action": action }), |_, state| {
        let on = |name: &str| if state.get(name) == Some(&Value::Bool(true)) { "on" } else { "off" };
        let details = text(&state, "details");
        let details = if details.is_empty() { String::new() } else { format!("\n{details}") };
        page(format!("voice: {}, spoken answers: {}{details}", on("enabled"), on("tts")))
    })
}

pub(super) fn reload(ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    ask(ctx, "reload.env", json!({}), |_, done| {
        let updated = done.get("updated").and_then(Value::as_u64).unwrap_or(0);
        page(format!("The file .env was read again: {updated} variables changed."))
    })
}

/// A person is asked first, unless a word says that nobody needs to be: `now`, or `always` for later ones
/// too.
pub(super) fn reload_mcp(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    let (now, always) = (arg.eq_ignore_ascii_case("now"), arg.eq_ignore_ascii_case("always"));
    let wanted = json!({ "session_id": named(id), "confirm": now || always, "always": always });
    ask(ctx, "reload.mcp", wanted, |_, done| {
        page(match text(&done, "message") {
            "" => "The tool servers were asked again.",
            message => message,
        })
    })
}

/// The beginning of a text, on one line.
fn clip(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let clipped: String = line.chars().take(ROW_CHARS).collect();
    if clipped.len() < text.len() { format!("{clipped}…") } else { clipped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_when_they_are_empty() {
        let page = agents_page(&json!({ "active": [] }), &json!({ "processes": [] }));
        assert_eq!(page, "Subagents\n  none\n\nBackground processes\n  none");
        let row = json!({ "subagent_id": "sa-0", "status": "running", "goal": "count\nall" });
        let page = agents_page(&json!({ "active": [row] }), &json!({}));
        assert!(page.contains("  sa-0  running  count…\n"), "{page}");
    }

    #[test]
    fn checkpoints_are_numbered_as_they_are_named() {
        assert!(checkpoints(&json!({ "enabled": false })).contains("checkpoints.enabled"));
        let row = json!({ "hash": "7373ad1974ea", "timestamp": "t", "message": "before patch" });
        let page = checkpoints(&json!({ "enabled": true, "checkpoints": [row] }));
        assert!(page.starts_with("  1  7373ad19  t  before patch\n"), "{page}");
    }

    #[test]
    fn what_is_brought_back_is_told() {
        let whole = json!({ "success": true, "restored_to": "7373ad19", "reason": "before patch",
            "directory": "/w", "history_removed": 2 });
        let want = "/w is as it was at 7373ad19 (before patch).\n2 messages were taken back.";
        assert_eq!(restored(&whole), want);
        let failed = json!({ "success": false, "error": "no" });
        assert_eq!(restored(&failed), "Nothing was brought back: no");
    }
}
