//! Plugins: which there are, which are on, and switching them. One that is off is no command. Knows nothing of
//! how they are found and run.

use serde_json::{Value, json};

use super::composer::failed;
use super::tools::short_page;
use crate::gateway::method::{Ctx, Lane, Method, Next, Reply};
use crate::model::edit::Edit;
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::plugin::Plugin;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("plugins.list", Lane::Pool, "List the plugins by name.", list),
    Method::new("plugins.manage", Lane::Pool, "List the plugins, or switch one on or off.", manage),
];

/// Characters of an unknown word that are repeated.
const ECHO_CHARS: usize = 100;

/// Where those that are off stand, and those that were switched on by hand.
const DISABLED: [&str; 2] = ["plugins", "disabled"];
const ENABLED: [&str; 2] = ["plugins", "enabled"];

/// How `/plugins` is used.
const USAGE: &str = "/plugins enable NAME, /plugins disable NAME";

/// A plugin and whether it is on.
struct Row {
    plugin: Plugin,
    is_on: bool,
}

fn list(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(with_rows(5032, |_, rows| {
        let row = |row: &Row| {
            // The original's version is always `?`.
            json!({ "name": row.plugin.name, "version": row.plugin.version, "enabled": row.is_on })
        };
        Ok(Reply::Now(json!({ "plugins": rows.iter().map(row).collect::<Vec<_>>() })))
    }))
}

fn manage(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    match params.text("action")?.unwrap_or("list") {
        "list" => Ok(with_rows(5026, |_, rows| {
            let shown: Vec<Value> = rows.iter().map(shown).collect();
            Ok(Reply::Now(json!({ "plugins": shown, "user_count": rows.len(), "bundled_count": 0 })))
        })),
        "toggle" => {
            let name = params.text_or_empty("name")?.trim().to_owned();
            if name.is_empty() {
                return Err(RpcError::new(4019, "plugins.toggle requires a 'name'"));
            }
            Ok(toggle(name, params.truthy("enable"), toggled))
        }
        other => Err(RpcError::new(4017, format!("unknown plugins action: {}", echo(other)))),
    }
}

/// What follows from the plugins as they are now.
fn with_rows(
    code: i32,
    then: impl FnOnce(&mut Ctx<'_>, Vec<Row>) -> Result<Reply, RpcError> + Send + 'static,
) -> Reply {
    let next = Next::new(move |ctx, result| {
        use_settings(ctx, code, result)?;
        let next = Next::new(move |ctx, result| {
            let JobResult::Plugins(plugins) = result else { return Err(failed(code, result)) };
            let off = switched(ctx, &DISABLED);
            let row = |plugin: Plugin| Row { is_on: !off.contains(&plugin.name), plugin };
            then(ctx, plugins.into_iter().map(row).collect())
        });
        Ok(Reply::Next { spec: JobSpec::Plugins, next, lasts: false })
    });
    Reply::Next { spec: JobSpec::LoadSettings, next, lasts: false }
}

fn use_settings(ctx: &mut Ctx<'_>, code: i32, result: JobResult) -> Result<(), RpcError> {
    let JobResult::Settings(settings) = result else { return Err(failed(code, result)) };
    ctx.gateway.use_settings(settings);
    Ok(())
}

/// The names in a list of the settings.
fn switched(ctx: &Ctx<'_>, [section, key]: &[&str; 2]) -> Vec<String> {
    let raw: Value = serde_json::from_str(&ctx.gateway.settings().raw_json).unwrap_or_default();
    let names = raw[*section][*key].as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether the plugin of this name is a command, by the settings as they are known.
pub(super) fn is_on(ctx: &Ctx<'_>, name: &str) -> bool {
    !switched(ctx, &DISABLED).iter().any(|off| off == name)
}

/// What `plugins.manage` shows of one. All are the person's own: nothing is bundled here.
fn shown(row: &Row) -> Value {
    json!({
        "name": row.plugin.name,
        "version": row.plugin.version,
        "description": row.plugin.description,
        "source": "user",
        "status": if row.is_on { "enabled" } else { "disabled" },
    })
}

/// Switches one. `told` makes the result of it, of whether it was so before, and of which it is.
fn toggle(name: String, enable: bool, told: fn(&Row, bool) -> Value) -> Reply {
    with_rows(5026, move |ctx, rows| {
        let Some(row) = rows.into_iter().find(|row| row.plugin.name == name) else {
            let name = echo(&name);
            return Err(RpcError::new(5026, format!("Plugin '{name}' is not installed or bundled.")));
        };
        if row.is_on == enable {
            return Ok(Reply::Now(told(&row, true)));
        }
        let edits = edits(&name, enable, &switched(ctx, &ENABLED));
        let next = Next::new(move |ctx, result| {
            use_settings(ctx, 5026, result)?;
            let is_on = !switched(ctx, &DISABLED).contains(&name);
            Ok(Reply::Now(told(&Row { is_on, ..row }, false)))
        });
        Ok(Reply::Next { spec: JobSpec::EditSettings { edits }, next, lasts: true })
    })
}

/// Both lists say it, as in the original.
fn edits(name: &str, enable: bool, enabled: &[String]) -> Vec<Edit> {
    let mut edits = vec![Edit::listed(&DISABLED, name, !enable)];
    if enable || enabled.iter().any(|known| known == name) {
        edits.push(Edit::listed(&ENABLED, name, enable));
    }
    edits
}

fn toggled(row: &Row, unchanged: bool) -> Value {
    json!({ "ok": true, "unchanged": unchanged, "name": row.plugin.name, "plugin": shown(row) })
}

/// `/plugins`.
pub(super) fn page_plugins(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    let mut words = arg.split_whitespace();
    let enable = match words.next() {
        None | Some("list") => {
            return Ok(with_rows(5026, |_, rows| Ok(Reply::Now(json!({ "output": page(&rows) })))));
        }
        Some("enable") => true,
        Some("disable") => false,
        Some(_) => return Ok(Reply::Now(json!({ "output": USAGE }))),
    };
    let Some(name) = words.next() else { return Ok(Reply::Now(json!({ "output": USAGE }))) };
    Ok(toggle(name.to_owned(), enable, |row, unchanged| {
        let state = if row.is_on { "enabled" } else { "disabled" };
        let already = if unchanged { " already" } else { "" };
        json!({ "output": format!("{} is{already} {state}.", row.plugin.name) })
    }))
}

fn page(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let mark = if row.is_on { "[x]" } else { "[ ]" };
        let text = format!("{mark} {} {}", row.plugin.name, row.plugin.version);
        format!("{}: {}", text.trim_end(), row.plugin.description).trim_end_matches([':', ' ']).to_owned()
    };
    let none = "There are no plugins. An executable in the folder `commands` of the home directory is one.";
    let text = short_page(rows.iter().map(line), none);
    if rows.is_empty() { text } else { format!("{text}\n\n{USAGE}") }
}

fn echo(word: &str) -> String {
    word.chars().take(ECHO_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::edit::Change;

    #[test]
    fn both_lists_say_what_was_switched() {
        let made = |enable, enabled: &[&str]| {
            let enabled: Vec<String> = enabled.iter().map(|name| (*name).to_owned()).collect();
            let edits = edits("a", enable, &enabled);
            edits
                .iter()
                .map(|edit| (edit.path[1], matches!(edit.change, Change::Append(_))))
                .collect::<Vec<_>>()
        };
        assert_eq!(made(true, &[]), [("disabled", false), ("enabled", true)]);
        assert_eq!(made(false, &["a"]), [("disabled", true), ("enabled", false)]);
        assert_eq!(made(false, &["b"]), [("disabled", true)]);
    }

    #[test]
    fn a_page_marks_what_is_on() {
        let plugin = |name: &str, version: &str, description: &str| Plugin {
            name: name.to_owned(),
            version: version.to_owned(),
            description: description.to_owned(),
            ..Plugin::default()
        };
        let rows = [
            Row { plugin: plugin("a", "1", "Does a."), is_on: true },
            Row { plugin: plugin("b", "", ""), is_on: false },
        ];
        assert!(page(&rows).starts_with("[x] a 1: Does a.\n[ ] b\n"), "{}", page(&rows));
        assert!(page(&[]).starts_with("There are no plugins."));
    }
}
