//! The keys of `config.set` that are written and nothing else: what each may be set to, and where it stands
//! in the file. Knows no request.

use super::{echo, personality, unknown};
use crate::model::edit::Edit;
use crate::model::settings::{BusyMode, Settings};
use crate::model::words::{DETAILS, INDICATORS, MOUSE, STATUSBAR, THINKING, TOOL_PROGRESS};
use crate::wire::error::RpcError;

/// What an effort of reasoning may be (the original's).
const EFFORTS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];

/// Parts of a transcript that are shown each in its own way.
const SECTIONS: [&str; 4] = ["thinking", "tools", "subagents", "activity"];

/// One key.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// The changes for a value, trimmed and in lower case but for texts; none to read only.
    pub(super) edits: fn(&str, &Settings) -> Result<Vec<Edit>, RpcError>,
    /// What the reply shows, given the value and the settings that hold afterwards.
    pub(super) shown: fn(&str, &Settings) -> String,
    /// Who hears of it.
    pub(super) told: Told,
}

/// Who hears of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nobody but who asked.
    Nobody,
    /// The client of the session.
    Session,
    /// Who asked, as `skin.changed`.
    Skin,
}

/// Every key that is written and nothing else.
pub(super) const KEYS: &[Key] = &[
    Key { name: "busy", edits: busy, shown: |_, now| now.busy_mode.as_str().to_owned(), told: Told::Nobody },
    Key {
        name: "verbose",
        edits: verbose,
        shown: |_, now| now.display.tool_progress.to_owned(),
        told: Told::Nobody,
    },
    Key {
        name: "indicator",
        edits: indicator,
        shown: |_, now| now.display.indicator.to_owned(),
        told: Told::Nobody,
    },
    Key {
        name: "details_mode",
        edits: details,
        shown: |_, now| now.display.details_mode.to_owned(),
        told: Told::Nobody,
    },
    Key {
        name: "thinking_mode",
        edits: thinking,
        shown: |_, now| now.display.thinking_mode.to_owned(),
        told: Told::Nobody,
    },
    Key {
        name: "compact",
        edits: compact,
        shown: |_, now| if now.display.compact { "on" } else { "off" }.to_owned(),
        told: Told::Nobody,
    },
    Key {
        name: "statusbar",
        edits: statusbar,
        shown: |_, now| now.display.statusbar.to_owned(),
        told: Told::Nobody,
    },
    Key { name: "mouse", edits: mouse, shown: |_, now| now.display.mouse.to_owned(), told: Told::Nobody },
    Key {
        name: "fast",
        edits: fast,
        shown: |_, now| now.display.service_tier.to_owned(),
        told: Told::Session,
    },
    Key { name: "reasoning", edits: reasoning, shown: reasoning_shown, told: Told::Session },
    Key { name: "prompt", edits: prompt, shown: prompt_shown, told: Told::Nobody },
    Key { name: "skin", edits: skin, shown: |value, _| value.to_owned(), told: Told::Skin },
    Key {
        name: "personality",
        edits: personality::edits,
        shown: |value, _| personality::shown(value).to_owned(),
        told: Told::Session,
    },
];

/// The word of a table that a value is.
fn one_of(words: &[&'static str], what: &str, value: &str) -> Result<&'static str, RpcError> {
    words.iter().find(|word| **word == value).copied().ok_or_else(|| unknown(what, value))
}

fn busy(value: &str, _now: &Settings) -> Result<Vec<Edit>, RpcError> {
    if matches!(value, "" | "status") {
        return Ok(Vec::new());
    }
    let modes = [BusyMode::Queue, BusyMode::Steer, BusyMode::Interrupt].map(BusyMode::as_str);
    let mode = one_of(&modes, "busy mode", value)?;
    Ok(vec![Edit::text(&["display", "busy_input_mode"], mode)])
}

fn verbose(value: &str, now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let mode = if matches!(value, "" | "cycle") {
        let at = TOOL_PROGRESS.iter().position(|word| *word == now.display.tool_progress);
        TOOL_PROGRESS[at.map_or(0, |at| (at + 1) % TOOL_PROGRESS.len())]
    } else {
        one_of(&TOOL_PROGRESS, "verbose mode", value)?
    };
    Ok(vec![Edit::text(&["display", "tool_progress"], mode)])
}

fn indicator(value: &str, _now: &Settings) -> Result<Vec<Edit>, RpcError> {
    if !INDICATORS.contains(&value) {
        let text = format!("unknown indicator: '{}'; pick one of {}", echo(value), INDICATORS.join("|"));
        return Err(RpcError::new(4002, text));
    }
    Ok(vec![Edit::text(&["display", "tui_status_indicator"], value)])
}

/// The mode of the whole is that of each part.
fn details(value: &str, _now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let mode = one_of(&DETAILS, "details_mode", value)?;
    let whole = Edit::text(&["display", "details_mode"], mode);
    let parts = SECTIONS.map(|section| Edit::text(&["display", "sections", section], mode));
    Ok([whole].into_iter().chain(parts).collect())
}

/// A part in a way of its own, or in that of the whole again.
pub(super) fn section_edit(section: &str, value: &str) -> Result<Edit, RpcError> {
    let section = one_of(&SECTIONS, "section", section)?;
    let path = ["display", "sections", section];
    Ok(match value {
        "" => Edit::remove(&path),
        value => Edit::text(&path, one_of(&DETAILS, "details_mode", value)?),
    })
}

fn thinking(value: &str, _now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let mode = one_of(&THINKING, "thinking_mode", value)?;
    let details = if mode == "full" { "expanded" } else { "collapsed" };
    let thinking = Edit::text(&["display", "thinking_mode"], mode);
    Ok(vec![thinking, Edit::text(&["display", "details_mode"], details)])
}

fn compact(value: &str, now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let on = match value {
        "" | "toggle" => !now.display.compact,
        "on" => true,
        "off" => false,
        _ => return Err(unknown("compact value", value)),
    };
    Ok(vec![Edit::flag(&["display", "tui_compact"], on)])
}

fn statusbar(value: &str, now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let place = match value {
        "" | "toggle" if now.display.statusbar == "off" => "top",
        "" | "toggle" => "off",
        "on" => "top",
        value => one_of(&STATUSBAR, "statusbar value", value)?,
    };
    Ok(vec![Edit::text(&["display", "tui_statusbar"], place)])
}

fn mouse(value: &str, now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let mode = match value {
        "" | "toggle" if now.display.mouse == "off" => "all",
        "" | "toggle" => "off",
        value => MOUSE
            .iter()
            .find(|(_, words)| words.contains(&value))
            .map(|(meaning, _)| *meaning)
            .ok_or_else(|| unknown("mouse value", value))?,
    };
    Ok(vec![Edit::text(&["display", "mouse_tracking"], mode)])
}

/// There is no faster tier to ask for here: what can be done is to leave one that is written.
fn fast(value: &str, now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let is_fast = now.display.service_tier == "fast";
    match value {
        "status" => Ok(Vec::new()),
        "normal" | "off" => Ok(vec![Edit::text(&["agent", "service_tier"], "normal")]),
        "" | "toggle" if is_fast => Ok(vec![Edit::text(&["agent", "service_tier"], "normal")]),
        "fast" | "on" | "" | "toggle" => {
            Err(RpcError::new(4002, "fast mode is not available for this model"))
        }
        _ => Err(unknown("fast mode", value)),
    }
}

fn reasoning(value: &str, _now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let section = |mode: &str| Edit::text(&["display", "sections", "thinking"], mode);
    let flag = |key: &'static str, on: bool| Edit::flag(&["display", key], on);
    Ok(match value {
        "show" | "on" => vec![flag("show_reasoning", true), section("expanded")],
        "hide" | "off" => vec![flag("show_reasoning", false), section("hidden")],
        "full" | "all" => vec![flag("reasoning_full", true), section("expanded")],
        "clamp" | "collapse" | "short" => vec![flag("reasoning_full", false), section("collapsed")],
        effort => {
            let effort = one_of(&EFFORTS, "reasoning value", effort)?;
            vec![Edit::text(&["agent", "reasoning_effort"], effort)]
        }
    })
}

fn reasoning_shown(value: &str, _now: &Settings) -> String {
    match value {
        "on" => "show",
        "off" => "hide",
        "all" => "full",
        "collapse" | "short" => "clamp",
        value => value,
    }
    .to_owned()
}

fn prompt(value: &str, _now: &Settings) -> Result<Vec<Edit>, RpcError> {
    let path = ["custom_prompt"];
    Ok(vec![if is_clear(value) { Edit::remove(&path) } else { Edit::text(&path, value) }])
}

fn prompt_shown(value: &str, _now: &Settings) -> String {
    if is_clear(value) { String::new() } else { value.to_owned() }
}

fn is_clear(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("clear")
}

fn skin(value: &str, _now: &Settings) -> Result<Vec<Edit>, RpcError> {
    Ok(vec![Edit::text(&["display", "skin"], value)])
}
