//! The values that the client asks for one at a time, as `config.get` answers them. Nothing here fails:
//! a value of the wrong type counts as absent.

use serde_json::Value;

use super::values::{at, shown_or, truthy, word};
use super::{Env, home::Home, skin};
use crate::model::settings::{BusyMode, DisplaySettings};
use crate::model::words::{DETAILS, INDICATORS, MOUSE, STATUSBAR, THINKING, TOOL_PROGRESS};

const BUSY: [BusyMode; 3] = [BusyMode::Interrupt, BusyMode::Queue, BusyMode::Steer];
/// Words of `agent.service_tier` that mean fast.
const FAST: [&str; 3] = ["fast", "priority", "on"];

/// All display values.
pub(super) fn resolve(raw: &Value, home: &Home, env: Env<'_>) -> DisplaySettings {
    let display = |key: &str| at(raw, "display", key);
    let skin = display("skin");
    let details_mode = word(display("details_mode"), &DETAILS).unwrap_or("collapsed");
    DisplaySettings {
        skin_json: skin.map_or_else(|| r#""default""#.to_owned(), Value::to_string),
        skin_object_json: skin::resolve(home, skin),
        indicator: word(display("tui_status_indicator"), &INDICATORS).unwrap_or("kaomoji"),
        personality: shown_or(display("personality"), "none"),
        reasoning_effort: shown_or(at(raw, "agent", "reasoning_effort"), ""),
        show_reasoning: display("show_reasoning").is_some_and(truthy),
        service_tier: service_tier(at(raw, "agent", "service_tier")),
        details_mode,
        thinking_mode: thinking_mode(display("thinking_mode"), details_mode),
        compact: display("tui_compact").is_some_and(truthy),
        statusbar: statusbar(display("tui_statusbar")),
        mouse: mouse(display("mouse_tracking").or_else(|| display("tui_mouse"))),
        tool_progress: tool_progress(display("tool_progress"), env),
        custom_prompt: shown_or(raw.get("custom_prompt"), ""),
    }
}

/// `display.busy_input_mode`.
pub(super) fn busy_mode(raw: &Value) -> BusyMode {
    let name = word(at(raw, "display", "busy_input_mode"), &BUSY.map(BusyMode::as_str));
    BUSY.into_iter().find(|mode| Some(mode.as_str()) == name).unwrap_or_default()
}

/// An unquoted `on` arrives as true. The original overlooks that; whoever writes it means `on`.
fn service_tier(value: Option<&Value>) -> &'static str {
    let fast = value == Some(&Value::Bool(true)) || word(value, &FAST).is_some();
    if fast { "fast" } else { "normal" }
}

fn thinking_mode(value: Option<&Value>, details_mode: &str) -> &'static str {
    let derived = if details_mode == "expanded" { "full" } else { "collapsed" };
    word(value, &THINKING).unwrap_or(derived)
}

fn statusbar(value: Option<&Value>) -> &'static str {
    match value {
        Some(Value::Bool(false)) => "off",
        value => word(value, &STATUSBAR).unwrap_or("top"),
    }
}

fn mouse(value: Option<&Value>) -> &'static str {
    match value {
        Some(Value::Bool(false)) => "off",
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => "off",
        value => {
            MOUSE.iter().find(|(_, words)| word(value, words).is_some()).map_or("all", |(meaning, _)| meaning)
        }
    }
}

fn tool_progress(value: Option<&Value>, env: Env<'_>) -> &'static str {
    let wanted = env("HERMES_TUI_TOOL_PROGRESS").map(Value::String);
    if let Some(word) = word(wanted.as_ref(), &TOOL_PROGRESS) {
        return word;
    }
    match value {
        Some(Value::Bool(false)) => "off",
        value => word(value, &TOOL_PROGRESS).unwrap_or("all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(display: Value) -> DisplaySettings {
        resolve(&json!({"display": display}), &Home::at("/nonexistent"), &|_| None)
    }

    #[test]
    fn defaults_for_anything_that_is_not_a_mapping() {
        let defaults = shown(json!({}));
        for odd in [json!(5), json!(null), json!("x"), json!([1]), json!(true)] {
            assert_eq!(shown(odd.clone()), defaults, "{odd}");
        }
        let d = defaults;
        assert_eq!(
            (
                d.indicator,
                d.details_mode,
                d.thinking_mode,
                d.statusbar,
                d.mouse,
                d.tool_progress,
                d.service_tier
            ),
            ("kaomoji", "collapsed", "collapsed", "top", "all", "all", "normal")
        );
        assert_eq!((d.personality.as_str(), d.reasoning_effort.as_str()), ("none", ""));
        assert_eq!((d.skin_json.as_str(), d.custom_prompt.as_str()), ("\"default\"", ""));
        assert!(!d.compact && !d.show_reasoning);
    }

    #[test]
    fn skin_is_answered_verbatim() {
        for skin in [json!("none such"), json!(null), json!(5), json!({"a": [1]})] {
            let d = shown(json!({"skin": skin}));
            assert_eq!(d.skin_json, skin.to_string());
            assert!(d.skin_object_json.starts_with(r#"{"name":"default","#));
        }
        assert!(shown(json!({"skin": " ares "})).skin_object_json.starts_with(r#"{"name":"ares","#));
    }

    #[test]
    fn words() {
        for (value, want) in [
            (json!(" ASCII "), "ascii"),
            (json!("emoji"), "emoji"),
            (json!("x"), "kaomoji"),
            (json!(1), "kaomoji"),
        ] {
            assert_eq!(shown(json!({"tui_status_indicator": value})).indicator, want, "{value}");
        }
        for (value, want) in
            [(json!("Hidden"), "hidden"), (json!("all"), "collapsed"), (json!(false), "collapsed")]
        {
            assert_eq!(shown(json!({"details_mode": value})).details_mode, want, "{value}");
        }
        for (value, details, want) in [
            (json!("truncated"), "expanded", "truncated"),
            (json!(null), "expanded", "full"),
            (json!("odd"), "hidden", "collapsed"),
        ] {
            let d = shown(json!({"thinking_mode": value, "details_mode": details}));
            assert_eq!(d.thinking_mode, want, "{value} {details}");
        }
        for (value, want) in [
            (json!(false), "off"),
            (json!("OFF"), "off"),
            (json!("bottom"), "bottom"),
            (json!(true), "top"),
            (json!("on"), "top"),
            (json!(null), "top"),
            (json!(0), "top"),
        ] {
            assert_eq!(shown(json!({"tui_statusbar": value})).statusbar, want, "{value}");
        }
    }

    #[test]
    fn mouse_values() {
        for (value, want) in [
            (json!(false), "off"),
            (json!(0), "off"),
            (json!(0.0), "off"),
            (json!(true), "all"),
            (json!(null), "all"),
            (json!(7), "all"),
            (json!(" No "), "off"),
            (json!("FALSE"), "off"),
            (json!("0"), "off"),
            (json!("yes"), "all"),
            (json!("click"), "buttons"),
            (json!("button"), "buttons"),
            (json!("scroll"), "wheel"),
            (json!("wheel"), "wheel"),
            (json!("odd"), "all"),
            (json!([]), "all"),
        ] {
            assert_eq!(shown(json!({"mouse_tracking": value})).mouse, want, "{value}");
            assert_eq!(shown(json!({"tui_mouse": value})).mouse, want, "{value}");
        }
        assert_eq!(
            shown(json!({"mouse_tracking": null, "tui_mouse": "off"})).mouse,
            "all",
            "a null key exists"
        );
    }

    #[test]
    fn truth_and_text() {
        for (value, want) in [
            (json!("no"), true),
            (json!(false), false),
            (json!(0), false),
            (json!(null), false),
            (json!([1]), true),
        ] {
            let d = shown(json!({"tui_compact": value, "show_reasoning": value}));
            assert_eq!((d.compact, d.show_reasoning), (want, want), "{value}");
        }
        for (value, want) in
            [(json!("noir"), "noir"), (json!(""), "none"), (json!(false), "none"), (json!(5), "5")]
        {
            assert_eq!(shown(json!({"personality": value})).personality, want, "{value}");
        }
    }

    #[test]
    fn tiers_prompts_and_effort() {
        for (tier, want) in [
            (json!("Fast"), "fast"),
            (json!("priority"), "fast"),
            (json!("on"), "fast"),
            (json!(true), "fast"),
            (json!(false), "normal"),
            (json!("slow"), "normal"),
            (json!(1), "normal"),
            (json!({}), "normal"),
        ] {
            let raw =
                json!({"agent": {"service_tier": tier, "reasoning_effort": tier}, "custom_prompt": tier});
            let d = resolve(&raw, &Home::at("/nonexistent"), &|_| None);
            assert_eq!(d.service_tier, want, "{tier}");
        }
        let raw = json!({"agent": {"reasoning_effort": "odd"}, "custom_prompt": "p"});
        let d = resolve(&raw, &Home::at("/nonexistent"), &|_| None);
        assert_eq!((d.reasoning_effort.as_str(), d.custom_prompt.as_str()), ("odd", "p"));
    }

    #[test]
    fn the_environment_overrules_tool_progress() {
        for (value, variable, want) in [
            (json!("new"), None, "new"),
            (json!(false), None, "off"),
            (json!(true), None, "all"),
            (json!("odd"), None, "all"),
            (json!("new"), Some(" VERBOSE "), "verbose"),
            (json!("new"), Some("odd"), "new"),
            (json!(5), Some(""), "all"),
        ] {
            let env = |_: &str| variable.map(str::to_owned);
            let raw = json!({"display": {"tool_progress": value}});
            assert_eq!(
                resolve(&raw, &Home::at("/nonexistent"), &env).tool_progress,
                want,
                "{value} {variable:?}"
            );
        }
    }

    #[test]
    fn busy_modes() {
        for (value, want) in [
            (json!("QUEUE"), BusyMode::Queue),
            (json!("steer"), BusyMode::Steer),
            (json!("interrupt"), BusyMode::Interrupt),
            (json!("odd"), BusyMode::Interrupt),
            (json!(true), BusyMode::Interrupt),
        ] {
            assert_eq!(busy_mode(&json!({"display": {"busy_input_mode": value}})), want, "{value}");
        }
        assert_eq!(busy_mode(&json!({"display": 5})), BusyMode::Interrupt);
    }
}
