//! Whether a live document says what the recorded one said, but for what differs in every run: names that a
//! gateway gives, moments, durations, and where it runs.

use serde_json::Value;

use super::ids::{Ids, is_name};
use crate::base::mask::STARS;

/// Members that differ in every run or on every machine, whatever they hold: times, and where the gateway runs.
const VOLATILE: &[&str] = &[
    "duration_s",
    "mtime",
    "started_at",
    "created_at",
    "updated_at",
    "ended_at",
    "last_active",
    "uptime",
    "uptime_seconds",
    "pid",
    "port",
    "cwd",
    "branch",
    "home",
];

/// Longest path that names a difference, in bytes.
const PATH_MAX: usize = 120;
/// Longest piece of a value that is repeated in a difference, in characters.
const PIECE_MAX: usize = 60;

/// The first difference between two values, in words; names are learnt on the way.
pub(super) fn difference(recorded: &Value, live: &Value, ids: &mut Ids) -> Option<String> {
    let mut path = String::new();
    differs(recorded, live, ids, &mut path)
}

fn differs(recorded: &Value, live: &Value, ids: &mut Ids, path: &mut String) -> Option<String> {
    match (recorded, live) {
        (Value::Object(recorded), Value::Object(live)) => {
            if let Some(extra) = live.keys().find(|name| !recorded.contains_key(*name)) {
                return Some(format!("{path}.{extra} is new"));
            }
            recorded.iter().filter(|(name, _)| !VOLATILE.contains(&name.as_str())).find_map(
                |(name, recorded)| {
                    let Some(live) = live.get(name) else { return Some(format!("{path}.{name} is missing")) };
                    deeper(recorded, live, ids, path, &format!(".{name}"))
                },
            )
        }
        (Value::Array(recorded), Value::Array(live)) => {
            if recorded.len() != live.len() {
                return Some(format!("{path} has {} elements, recorded {}", live.len(), recorded.len()));
            }
            let pairs = recorded.iter().zip(live).enumerate();
            pairs
                .into_iter()
                .find_map(|(at, (recorded, live))| deeper(recorded, live, ids, path, &format!("[{at}]")))
        }
        (Value::String(recorded), Value::String(live)) if same_text(recorded, live, ids) => None,
        (recorded, live) if recorded == live => None,
        (recorded, live) => Some(format!("{path} is {}, recorded {}", piece(live), piece(recorded))),
    }
}

fn deeper(recorded: &Value, live: &Value, ids: &mut Ids, path: &mut String, step: &str) -> Option<String> {
    let length = path.len();
    if length + step.len() <= PATH_MAX {
        path.push_str(step);
    }
    let found = differs(recorded, live, ids, path);
    path.truncate(length);
    found
}

/// Whether two texts are the same word for word, but for names and moments. What was masked in the record is
/// not compared.
pub(super) fn same_text(recorded: &str, live: &str, ids: &mut Ids) -> bool {
    if recorded == live || recorded.contains(STARS) {
        return true;
    }
    let blank = |c: char| c.is_whitespace();
    let (ours, theirs) = (recorded.split(blank), live.split(blank));
    ours.clone().count() == theirs.clone().count()
        && ours.zip(theirs).all(|(recorded, live)| {
            recorded == live
                || (is_name(recorded) && is_name(live) && ids.learn(recorded, live))
                || is_moment(recorded) && is_moment(live)
        })
}

/// A day or a time of day: `2026-07-01`, `10:15`, `2026-07-01T10:15:00.123Z`.
fn is_moment(word: &str) -> bool {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ["0000-00-00", "00:00"].iter().any(|begin| shape.starts_with(begin))
        && shape.chars().all(|c| matches!(c, '0' | '-' | ':' | '.' | 'T' | 'Z' | '+' | ','))
}

fn piece(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(PIECE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Ids, difference};

    #[track_caller]
    fn check(recorded: &Value, live: &Value, expected: Option<&str>) {
        assert_eq!(difference(recorded, live, &mut Ids::default()).as_deref(), expected);
    }

    #[test]
    fn what_differs_in_every_run_is_the_same() {
        let recorded = json!({"session_id": "00000001", "again": "00000001", "duration_s": 1.5, "n": [1, "a"],
            "text": "Session ID: 20260701_101500_919b9f\nCreated: 2026-07-01 10:15", "key": "***"});
        let live = json!({"session_id": "ffffffff", "again": "ffffffff", "duration_s": 9, "n": [1, "a"],
            "text": "Session ID: 20270102_030405_aaaaaa\nCreated: 2027-01-02 03:04", "key": "secret"});
        check(&recorded, &live, None);
        assert_eq!(difference(&recorded, &recorded, &mut Ids::default()), None);
    }

    #[test]
    fn differences_are_named() {
        check(&json!({"a": {"b": [1, 2]}}), &json!({"a": {"b": [1, 3]}}), Some(".a.b[1] is 3, recorded 2"));
        check(&json!({"a": 1}), &json!({}), Some(".a is missing"));
        check(&json!({}), &json!({"a": 1}), Some(".a is new"));
        check(&json!([1]), &json!([1, 2]), Some(" has 2 elements, recorded 1"));
        check(&json!("a b"), &json!("a c"), Some(" is \"a c\", recorded \"a b\""));
        check(&json!("a"), &json!(1), Some(" is 1, recorded \"a\""));
        check(&json!(1), &json!(1.0), Some(" is 1.0, recorded 1"));
        let twice = json!({"a": "00000001", "b": "00000001"});
        let mixed = json!({"a": "ffffffff", "b": "eeeeeeee"});
        check(&twice, &mixed, Some(".b is \"eeeeeeee\", recorded \"00000001\""));
    }
}
