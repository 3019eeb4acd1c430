//! A job of the file as people see it, and a new one as it is written. People edit the file: what has an odd
//! type counts as its text, or as not there.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::file::Record;
use super::schedule::Schedule;
use crate::model::cron::{CronView, NewCron};

/// Characters of a prompt that are shown (the original's).
const PREVIEW_CHARS: usize = 100;

/// Characters of a prompt that make a name (the original's).
const NAME_CHARS: usize = 50;

/// What a job is called that has nothing to be called by.
const UNNAMED: &str = "cron job";

/// A job for people.
pub(super) fn view(record: &Record) -> CronView {
    let (id, prompt, skills) = (id(record), shown(record, "prompt"), skills(record));
    let enabled = record.get("enabled").is_none_or(is_truthy);
    let state = filled(record, "state");
    CronView {
        name: name(record),
        prompt_preview: preview(&prompt),
        model: filled(record, "model"),
        provider: filled(record, "provider"),
        base_url: filled(record, "base_url"),
        schedule: schedule(record),
        repeat: repeat(record.get("repeat")),
        deliver: filled(record, "deliver").unwrap_or_else(|| "local".to_owned()),
        next_run_at: filled(record, "next_run_at"),
        last_run_at: filled(record, "last_run_at"),
        last_status: filled(record, "last_status"),
        last_delivery_error: filled(record, "last_delivery_error"),
        enabled,
        state: state.unwrap_or_else(|| if enabled { "scheduled" } else { "paused" }.to_owned()),
        paused_at: filled(record, "paused_at"),
        paused_reason: filled(record, "paused_reason"),
        script: filled(record, "script"),
        no_agent: record.get("no_agent").is_some_and(is_truthy),
        toolsets: texts(record.get("enabled_toolsets")),
        workdir: filled(record, "workdir"),
        id,
        skills,
    }
}

/// A job's id.
pub(super) fn id(record: &Record) -> String {
    filled(record, "id").unwrap_or_else(|| "unknown".to_owned())
}

/// A job's name: its own, or the beginning of what it does.
pub(super) fn name(record: &Record) -> String {
    let label = filled(record, "name").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    label.unwrap_or_else(|| {
        let skill = skills(record).into_iter().next();
        let what = filled(record, "prompt").or(skill).or_else(|| filled(record, "script"));
        name_of(&what.unwrap_or_else(|| id(record)))
    })
}

/// A new job, with the members of the original.
pub(super) fn new(job: &NewCron, id: &str, schedule: &Schedule, now: &str, next: Option<String>) -> Record {
    let name = if job.name.trim().is_empty() { name_of(&job.prompt) } else { job.name.trim().to_owned() };
    let times = schedule.is_once().then_some(1);
    let record = json!({
        "id": id, "name": name, "prompt": job.prompt, "skills": [], "skill": null,
        "model": null, "provider": null, "provider_snapshot": null, "model_snapshot": job.model,
        "base_url": null, "script": null, "no_agent": false, "context_from": null,
        "schedule": schedule.written(), "schedule_display": schedule.display,
        "repeat": { "times": times, "completed": 0 },
        "enabled": true, "state": "scheduled", "paused_at": null, "paused_reason": null,
        "created_at": now, "next_run_at": next, "last_run_at": null, "last_status": null,
        "last_error": null, "last_delivery_error": null, "deliver": "local", "origin": null,
        "enabled_toolsets": null, "workdir": null,
    });
    match record {
        Value::Object(record) => record,
        _ => Map::new(),
    }
}

fn name_of(what: &str) -> String {
    let name: String = what.chars().take(NAME_CHARS).collect();
    if name.trim().is_empty() { UNNAMED.to_owned() } else { name.trim().to_owned() }
}

fn preview(prompt: &str) -> String {
    let mut shown: String = prompt.chars().take(PREVIEW_CHARS).collect();
    if shown.len() < prompt.len() {
        shown.push_str("...");
    }
    shown
}

fn schedule(record: &Record) -> String {
    let inner = |name: &str| record.get("schedule").and_then(|schedule| text(schedule.get(name)?));
    let plain = || record.get("schedule").and_then(text);
    let first = filled(record, "schedule_display").or_else(|| inner("display"));
    let found = first.or_else(|| inner("expr")).or_else(|| inner("run_at")).or_else(plain);
    found.unwrap_or_else(|| "?".to_owned())
}

/// How often it runs, and how often it did.
fn repeat(repeat: Option<&Value>) -> String {
    let count = |name: &str| repeat.and_then(|repeat| repeat.get(name)?.as_i64());
    match (count("times"), count("completed").unwrap_or(0)) {
        (None, _) => "forever".to_owned(),
        (Some(1), 0) => "once".to_owned(),
        (Some(times), 0) => format!("{times} times"),
        (Some(times), completed) => format!("{completed}/{times}"),
    }
}

/// Its skills, each once.
fn skills(record: &Record) -> Vec<String> {
    match record.get("skills") {
        None | Some(Value::Null) => texts(record.get("skill")),
        skills => texts(skills),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    // A set, because a list of the file may have a million.
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let items = match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    for item in items.iter().filter_map(text) {
        let item = item.trim();
        if !item.is_empty() && seen.insert(item.to_owned()) {
            found.push(item.to_owned());
        }
    }
    found
}

fn shown(record: &Record, name: &str) -> String {
    filled(record, name).unwrap_or_default()
}

/// A member as text, unless it is empty.
fn filled(record: &Record, name: &str) -> Option<String> {
    record.get(name).and_then(text).filter(|text| !text.is_empty())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(value: Value) -> CronView {
        let Value::Object(record) = value else { panic!("an object") };
        view(&record)
    }

    #[test]
    fn what_people_wrote_by_hand_is_shown() {
        let odd = seen(json!({
            "id": 7, "prompt": "x".repeat(101), "skill": "a", "schedule": "0 9 * * *", "enabled": false,
            "repeat": { "times": 3, "completed": 1 }, "no_agent": 1, "enabled_toolsets": ["web", 5, null],
        }));
        assert_eq!((odd.id.as_str(), odd.name.len(), odd.schedule.as_str()), ("7", 50, "0 9 * * *"));
        assert_eq!(
            (odd.repeat.as_str(), odd.state.as_str(), odd.deliver.as_str()),
            ("1/3", "paused", "local")
        );
        assert_eq!(
            (odd.skills, odd.toolsets),
            (vec!["a".to_owned()], vec!["web".to_owned(), "5".to_owned()])
        );
        assert!(odd.no_agent && odd.prompt_preview.ends_with("x...") && !odd.enabled);
        let empty = seen(json!({}));
        assert_eq!(
            (empty.id.as_str(), empty.name.as_str(), empty.schedule.as_str()),
            ("unknown", "unknown", "?")
        );
    }

    /// Compared one by one these would take minutes.
    #[test]
    fn a_long_list_of_skills_is_read() {
        let many: Vec<String> = (0..200_000).map(|number| format!("skill-{number}")).collect();
        let twice = [many.clone(), many.clone()].concat();
        assert_eq!(seen(json!({ "skills": twice })).skills, many);
    }

    #[test]
    fn repeats_are_told_in_words() {
        for (value, want) in [
            (json!({ "times": null }), "forever"),
            (json!({ "times": 1, "completed": 0 }), "once"),
            (json!({ "times": 1, "completed": 1 }), "1/1"),
            (json!({ "times": 5 }), "5 times"),
            (json!(5), "forever"),
        ] {
            assert_eq!(repeat(Some(&value)), want, "{value}");
        }
    }
}
