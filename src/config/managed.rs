//! The administrator's `config.yaml`, laid over the user's leaf by leaf. Knows no setting but `model`,
//! which has a short form.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::Env;

/// Where it is unless `$HERMES_MANAGED_DIR` says otherwise.
const DEFAULT_DIR: &str = "/etc/hermes";

/// The administrator's file; there may be none.
pub(super) fn config_file(env: Env<'_>) -> PathBuf {
    let dir = env("HERMES_MANAGED_DIR").filter(|dir| !dir.is_empty());
    PathBuf::from(dir.as_deref().unwrap_or(DEFAULT_DIR)).join("config.yaml")
}

/// Lays `over` on `base`. Where both have `model`, a bare name counts as `model.default`, so that neither
/// side's other members are lost.
pub(super) fn overlay(mut base: Map<String, Value>, mut over: Map<String, Value>) -> Map<String, Value> {
    if let Some(model) = over.get_mut("model") {
        name_the_default(model);
        base.get_mut("model").map(name_the_default);
    }
    merge(&mut base, over);
    base
}

fn name_the_default(model: &mut Value) {
    if model.is_string() {
        *model = Value::Object(Map::from_iter([("default".to_owned(), model.take())]));
    }
}

/// Recursion is safe: the reader allows 64 levels.
fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn laid(base: Value, over: Value) -> Value {
        match (base, over) {
            (Value::Object(base), Value::Object(over)) => Value::Object(overlay(base, over)),
            _ => Value::Null,
        }
    }

    #[test]
    fn leaf_by_leaf() {
        for (base, over, want) in [
            (json!({"a": {"x": 1, "y": 2}}), json!({"a": {"y": 3}}), json!({"a": {"x": 1, "y": 3}})),
            (json!({"a": 1}), json!({"a": {"y": 3}}), json!({"a": {"y": 3}})),
            (json!({"a": {"y": 3}}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"a": 1}), json!({}), json!({"a": 1})),
            (json!({"model": "m"}), json!({"a": 1}), json!({"model": "m", "a": 1})),
            (
                json!({"model": {"provider": "p"}}),
                json!({"model": "m"}),
                json!({"model": {"provider": "p", "default": "m"}}),
            ),
            (
                json!({"model": "m"}),
                json!({"model": {"provider": "p"}}),
                json!({"model": {"default": "m", "provider": "p"}}),
            ),
        ] {
            assert_eq!(laid(base.clone(), over.clone()), want, "{base} under {over}");
        }
    }

    #[test]
    fn the_directory_comes_from_the_environment() {
        assert_eq!(config_file(&|_| Some("/m".into())).to_str(), Some("/m/config.yaml"));
        assert_eq!(config_file(&|_| Some(String::new())).to_str(), Some("/etc/hermes/config.yaml"));
        assert_eq!(config_file(&|_| None).to_str(), Some("/etc/hermes/config.yaml"));
    }
}
