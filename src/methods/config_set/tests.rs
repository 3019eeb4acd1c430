//! Every key, through the file and back: what is set is what is shown, and what holds.

use super::*;
use crate::base::scratch::Scratch;
use crate::config::edit::edited;
use crate::config::{Home, load};
use crate::model::settings::Settings;

/// The settings of a `config.yaml`.
fn settings(text: &str) -> Settings {
    let dir = Scratch::new();
    dir.write("config.yaml", text);
    load(&Home::at(dir.path()), &|_| None)
}

/// Sets a key in a file. Gives the new file, and the value in the reply.
#[track_caller]
fn set(text: &str, key: &str, value: &str) -> Result<(String, String), String> {
    let row = known(key).unwrap();
    let edits = (row.edits)(value, &settings(text)).map_err(|error| error.to_string())?;
    let new = edited(text, &edits).unwrap_or_else(|error| panic!("{key} {value}: {error} {edits:?}"));
    let shown = (row.shown)(value, &settings(&new));
    Ok((new, shown))
}

#[test]
fn what_is_set_is_what_is_shown() {
    for (key, value, shown) in [
        ("busy", "queue", "queue"),
        ("busy", "", "interrupt"),
        ("verbose", "new", "new"),
        ("verbose", "cycle", "verbose"),
        ("indicator", "ascii", "ascii"),
        ("details_mode", "expanded", "expanded"),
        ("thinking_mode", "full", "full"),
        ("compact", "toggle", "on"),
        ("compact", "off", "off"),
        ("statusbar", "", "off"),
        ("statusbar", "on", "top"),
        ("statusbar", "bottom", "bottom"),
        ("mouse", "toggle", "off"),
        ("mouse", "click", "buttons"),
        ("mouse", "false", "off"),
        ("mouse", "1", "all"),
        ("fast", "status", "normal"),
        ("fast", "off", "normal"),
        ("reasoning", "on", "show"),
        ("reasoning", "short", "clamp"),
        ("reasoning", "xhigh", "xhigh"),
        ("prompt", "Be: brief\nand # kind", "Be: brief\nand # kind"),
        ("prompt", "clear", ""),
        ("skin", "Ares", "Ares"),
        ("personality", "neutral", "none"),
    ] {
        assert_eq!(set("# mine\n", key, value).map(|set| set.1), Ok(shown.to_owned()), "{key} {value}");
    }
}

#[test]
fn what_is_set_holds() {
    let old = "# mine\ndisplay:\n  skin: mono # dark\n";
    let display = |key, value| settings(&set(old, key, value).unwrap().0).display;
    assert!(display("reasoning", "show").show_reasoning);
    assert_eq!(display("reasoning", "low").reasoning_effort, "low");
    assert_eq!(display("thinking_mode", "full").details_mode, "expanded");
    assert_eq!(display("skin", "off").skin_json, "\"off\"");
    assert_eq!(display("prompt", "p").custom_prompt, "p");
    let (new, _) = set(old, "details_mode", "hidden").unwrap();
    let want = "# mine\ndisplay:\n  skin: mono # dark\n  details_mode: hidden\n  sections:\n    \
                thinking: hidden\n    tools: hidden\n    subagents: hidden\n    activity: hidden\n";
    assert_eq!(new, want);
    assert_eq!(set(&new, "details_mode", "hidden").unwrap().0, new);
}

#[test]
fn toggles_turn_over_what_holds() {
    for (key, first, second) in [
        ("compact", "on", "off"),
        ("statusbar", "off", "top"),
        ("mouse", "off", "all"),
        ("fast", "normal", ""),
    ] {
        let begin = if key == "fast" { "agent:\n  service_tier: fast\n" } else { "" };
        let (text, shown) = set(begin, key, "toggle").unwrap();
        assert_eq!(shown, first, "{key}");
        let again = set(&text, key, "toggle");
        if second.is_empty() {
            assert!(again.is_err(), "{key}");
        } else {
            assert_eq!(again.unwrap().1, second, "{key}");
        }
    }
}

#[test]
fn unknown_words_are_named() {
    for (key, value, text) in [
        ("busy", "wait", "unknown busy mode: wait (4002)"),
        ("verbose", "loud", "unknown verbose mode: loud (4002)"),
        ("indicator", "dots", "unknown indicator: 'dots'; pick one of ascii|emoji|kaomoji|unicode (4002)"),
        ("details_mode", "", "unknown details_mode:  (4002)"),
        ("thinking_mode", "x", "unknown thinking_mode: x (4002)"),
        ("compact", "1", "unknown compact value: 1 (4002)"),
        ("statusbar", "left", "unknown statusbar value: left (4002)"),
        ("mouse", "cat", "unknown mouse value: cat (4002)"),
        ("fast", "on", "fast mode is not available for this model (4002)"),
        ("fast", "slow", "unknown fast mode: slow (4002)"),
        ("reasoning", "deep", "unknown reasoning value: deep (4002)"),
    ] {
        assert_eq!(set("", key, value), Err(text.to_owned()), "{key}");
    }
    let personality = set("", "personality", "none of them").unwrap_err();
    let names = "Unknown personality: `none of them`.\n\nAvailable: `none`, `helpful`, `concise`,";
    assert!(personality.starts_with(names), "{personality}");
    assert!(known("model.api_key").is_err() && known("").is_err());
    let long = unknown("busy mode", &"x".repeat(500)).message.len();
    assert!(long < 150, "{long}");
    assert_eq!(section_edit("noise", "hidden").unwrap_err().message, "unknown section: noise");
    assert_eq!(section_edit("tools", "x").unwrap_err().message, "unknown details_mode: x");
}

#[test]
fn a_section_without_a_word_is_removed() {
    let text = "display:\n  sections:\n    tools: hidden\n    activity: hidden # quiet\n";
    let new = edited(text, &[section_edit("activity", "").unwrap()]).unwrap();
    assert_eq!(new, "display:\n  sections:\n    tools: hidden\n    # quiet\n");
}

#[test]
fn a_personality_is_the_files_and_no_hand_written_prompt_is_lost() {
    let text = "agent:\n  personalities:\n    Noir: It rains.\n    dry:\n      system_prompt: Be dry.\n";
    let (noir, shown) = set(text, "personality", "noir").unwrap();
    let now = settings(&noir);
    assert_eq!((shown.as_str(), now.display.personality.as_str()), ("noir", "noir"));
    assert_eq!(now.model.system_prompt, "It rains.");
    let (dry, _) = set(&noir, "personality", "dry").unwrap();
    assert_eq!(settings(&dry).model.system_prompt, "Be dry.");
    let (none, _) = set(&dry, "personality", "default").unwrap();
    assert_eq!(settings(&none).model.system_prompt, "");
    let by_hand = format!("{text}  system_prompt: Mine.\n");
    assert!(set(&by_hand, "personality", "dry").unwrap_err().contains("by hand"));
}
