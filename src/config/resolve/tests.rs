//! Whole files, good, odd and hostile.

use super::*;
use crate::base::scratch::Scratch;
use crate::model::settings::BusyMode;
use proptest::prelude::*;
use serde_json::json;

/// Loads `text` as `config.yaml` with an empty environment.
fn loaded(text: impl AsRef<[u8]>) -> Settings {
    let dir = Scratch::new();
    dir.write("config.yaml", text);
    load_from(&dir, &[])
}

fn load_from(dir: &Scratch, env: &[(&str, &str)]) -> Settings {
    let managed = dir.path().join("managed").display().to_string();
    load(&Home::at(dir.path()), &|name| match name {
        "HERMES_MANAGED_DIR" => Some(managed.clone()),
        _ => env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()),
    })
}

#[test]
fn no_file_is_no_problem() {
    let settings = load_from(&Scratch::new(), &[]);
    assert_eq!((settings.mtime, settings.raw_json.as_str(), settings.warning), (0.0, "{}", None));
    assert_eq!((settings.busy_mode, settings.approval_timeout_s), (BusyMode::Interrupt, 300));
    assert_eq!(settings.cwd, None);
}

#[test]
fn a_whole_file() {
    let settings = loaded(
        "model:\n  default: my-model\n  provider: custom\n  base_url: http://127.0.0.1:8080/v1/\n\
         \x20 api_key: sk-canary\n\
         agent: {api_max_retries: 5}\napprovals: {gateway_timeout: '60'}\nterminal: {cwd: /work}\n\
         display: {busy_input_mode: queue, mouse_tracking: off}\n",
    );
    assert!(settings.mtime > 1_000_000_000.0);
    assert_eq!(settings.model.name, "my-model");
    assert_eq!(settings.model.base_url, "http://127.0.0.1:8080/v1");
    assert_eq!((settings.model.api_tries, settings.approval_timeout_s), (5, 60));
    assert_eq!(settings.cwd, Some(PathBuf::from("/work")));
    assert_eq!((settings.busy_mode, settings.display.mouse), (BusyMode::Queue, "off"));
    assert!(settings.raw_json.starts_with(r#"{"model":{"default":"my-model","provider":"custom","#));
    assert!(settings.raw_json.contains("sk-canary"), "`config.get full` shows the file as it is");
    assert!(!format!("{settings:?}").contains("canary"), "but nothing that is logged does");
}

#[test]
fn what_is_wrong_is_said_without_contents() {
    for (text, want) in [
        (&b"a: 1\nb: sk-canary: x: y\n"[..], "config.yaml is ignored: line 2: this is not valid YAML."),
        (b"- sk-canary\n", "config.yaml is ignored: it is not a mapping of keys to values."),
        (b"sk-canary", "config.yaml is ignored: it is not a mapping of keys to values."),
        (b"\xff", "config.yaml is ignored: it is not UTF-8 text."),
    ] {
        let settings = loaded(text);
        assert_eq!((settings.warning.as_deref(), settings.raw_json.as_str()), (Some(want), "{}"));
        assert!(settings.mtime > 0.0);
    }
    let dir = Scratch::new();
    dir.dir("config.yaml");
    assert_eq!(
        load_from(&dir, &[]).warning.as_deref(),
        Some("config.yaml is ignored: it is not a regular file.")
    );
}

#[test]
fn the_managed_file_wins_and_a_broken_one_is_ignored() {
    let dir = Scratch::new();
    dir.write("config.yaml", "model: mine\ndisplay: {skin: ares, tui_compact: true}\n");
    dir.write("managed/config.yaml", "model: {provider: theirs}\ndisplay: {skin: mono}\n");
    let settings = load_from(&dir, &[]);
    assert_eq!((settings.model.name.as_str(), settings.model.provider.as_str()), ("mine", "theirs"));
    assert_eq!((settings.display.skin_json.as_str(), settings.display.compact), ("\"mono\"", true));
    dir.write("managed/config.yaml", "[");
    let settings = load_from(&dir, &[]);
    assert_eq!(settings.display.skin_json, "\"ares\"");
    assert!(
        settings.warning.is_some_and(|warning| warning.starts_with("the managed config.yaml is ignored: "))
    );
}

#[test]
fn keys_come_from_the_env_file_first() {
    let dir = Scratch::new();
    dir.write("config.yaml", "model: {default: m, api_key: '${MY_KEY}'}\n");
    dir.write(".env", "MY_KEY=from-file\n");
    let settings = load_from(&dir, &[("MY_KEY", "from-environment")]);
    assert_eq!(settings.model.api_key.map(|key| key.expose().to_owned()).as_deref(), Some("from-file"));
}

#[test]
fn cwd_and_timeout_values() {
    let home = Some(Path::new("/home/u"));
    for (value, want) in [
        (json!("."), None),
        (json!("AUTO"), None),
        (json!("cwd"), None),
        (json!(" "), None),
        (json!(null), None),
        (json!(["/x"]), None),
        (json!("~/p"), Some("/home/u/p")),
        (json!(" /p "), Some("/p")),
    ] {
        assert_eq!(cwd(Some(&value), home), want.map(PathBuf::from), "{value}");
    }
    for (value, want) in
        [(json!(0), 1), (json!(-5), 1), (json!("90"), 90), (json!(1e9), 300), (json!(10_000_000), 86_400)]
    {
        assert_eq!(approval_timeout(Some(&value)), want, "{value}");
    }
}

/// Any JSON value, three levels deep.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof!["\\PC{0,12}", "(off|on|all|~/x|\\$\\{A\\}|ares|12)"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-z_]{0,8}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A document with the keys that are read, each absent or anything.
fn any_document() -> impl Strategy<Value = Value> {
    const KEYS: [&str; 24] = [
        "default",
        "provider",
        "base_url",
        "api_key",
        "api_key_env",
        "context_length",
        "max_tokens",
        "api_max_retries",
        "system_prompt",
        "reasoning_effort",
        "service_tier",
        "skin",
        "personality",
        "busy_input_mode",
        "tui_status_indicator",
        "details_mode",
        "thinking_mode",
        "tui_compact",
        "tui_statusbar",
        "mouse_tracking",
        "show_reasoning",
        "tool_progress",
        "cwd",
        "gateway_timeout",
    ];
    let section = prop_oneof![
        1 => any_value(),
        3 => proptest::collection::vec((proptest::sample::select(&KEYS[..]), any_value()), 0..12)
            .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)))
            .prop_map(|members| Value::Object(members.collect())),
    ];
    let names = proptest::sample::select(
        &["model", "agent", "display", "terminal", "approvals", "custom_prompt"][..],
    );
    proptest::collection::vec((names, section), 0..8).prop_map(|members| {
        Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_gives_settings(
        text in "((model|display|agent|skin|default)?: ?|[-\\[\\]{}&*!'\"#,\n ]|off|\\PC){0,60}",
    ) {
        let settings = loaded(&text);
        let raw: Value = serde_json::from_str(&settings.raw_json).unwrap();
        prop_assert!(raw.is_object());
    }

    #[test]
    fn any_values_give_settings(document in any_document()) {
        let settings = loaded(document.to_string());
        let raw: Value = serde_json::from_str(&settings.raw_json).unwrap();
        prop_assert_eq!(settings.warning, None);
        prop_assert!(raw.is_object());
        prop_assert!((1..=10).contains(&settings.model.api_tries));
        for text in [&settings.display.skin_json, &settings.display.skin_object_json] {
            prop_assert!(serde_json::from_str::<Value>(text).is_ok());
        }
    }
}
