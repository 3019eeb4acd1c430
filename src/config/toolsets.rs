//! Which sets of tools agents have: `HERMES_TUI_TOOLSETS`, `platform_toolsets.cli`, `agent.disabled_toolsets`.
//! Tools of servers that are switched off one by one (`mcp_servers.<name>.tools.exclude`) are the servers' own
//! settings.

use serde_json::Value;

use super::Env;
use super::values::at;
use crate::model::toolset::{SERVER_PREFIX, ToolSettings, is_everything, is_meant};

/// The variable that goes before the file (the original's).
const PINNED: &str = "HERMES_TUI_TOOLSETS";

/// Names of one list that are read.
const NAMES_MAX: usize = 200;

/// What the variable says; where it names nothing that is known, what the file says; else everything.
pub(super) fn resolve(raw: &Value, env: Env<'_>) -> ToolSettings {
    let servers = servers(raw);
    if let Some(pinned) = env(PINNED).and_then(|text| pinned(&text, &servers)) {
        return pinned;
    }
    let on = match at(raw, "platform_toolsets", "cli") {
        Some(list @ Value::Array(_)) => ToolSettings::named(&names(Some(list)), &servers, false),
        _ => ToolSettings::default(),
    };
    ToolSettings { off: names(at(raw, "agent", "disabled_toolsets")).into(), ..on }
}

fn pinned(text: &str, servers: &[String]) -> Option<ToolSettings> {
    let mut names: Vec<String> = text.split(',').map(str::trim).take(NAMES_MAX).map(str::to_owned).collect();
    if names.iter().any(|name| is_everything(name)) {
        return Some(ToolSettings::default());
    }
    names.retain(|name| {
        let server = name.strip_prefix(SERVER_PREFIX).unwrap_or(name);
        is_meant(name) || servers.iter().any(|known| known == server)
    });
    (!names.is_empty()).then(|| ToolSettings::named(&names, servers, true))
}

/// The names of all tool servers.
fn servers(raw: &Value) -> Vec<String> {
    let members = raw.get("mcp_servers").and_then(Value::as_object);
    members.into_iter().flat_map(|members| members.keys().take(NAMES_MAX).cloned()).collect()
}

/// Texts of a list; YAML readers make numbers of some names.
fn names(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten().take(NAMES_MAX);
    let name = |item: &Value| match item {
        Value::String(name) => Some(name.trim().to_owned()),
        Value::Number(name) => Some(name.to_string()),
        _ => None,
    };
    items.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn enabled(raw: &Value, pinned: &str) -> Vec<&'static str> {
        resolve(raw, &|name| (name == PINNED).then(|| pinned.to_owned())).enabled()
    }

    #[test]
    fn the_file_says_what_is_on_and_what_is_off() {
        let all = ToolSettings::default().enabled();
        for raw in [json!({}), json!({"platform_toolsets": {"cli": "web"}}), json!({"platform_toolsets": 5})]
        {
            assert_eq!(enabled(&raw, ""), all, "{raw}");
        }
        let raw = json!({
            "platform_toolsets": {"cli": ["web", "todo", 5, null, "browser"]},
            "agent": {"disabled_toolsets": ["web"]},
        });
        assert_eq!(enabled(&raw, ""), ["todo"]);
        assert!(enabled(&json!({"platform_toolsets": {"cli": []}}), "").is_empty());
    }

    #[test]
    fn the_variable_goes_before_the_file() {
        let raw = json!({
            "platform_toolsets": {"cli": ["web"]}, "agent": {"disabled_toolsets": ["todo"]},
            "mcp_servers": {"gh": {}, "db": {}},
        });
        assert_eq!(enabled(&raw, " todo , nonsense"), ["todo"]);
        assert_eq!(enabled(&raw, "nonsense,,"), ["web"]);
        assert_eq!(enabled(&raw, "todo,all"), ToolSettings::default().enabled());
        let settings = resolve(&raw, &|_| Some("mcp-gh".to_owned()));
        assert_eq!((settings.allows_server("gh"), settings.allows_server("db")), (true, false));
        assert!(settings.enabled().is_empty());
    }
}
