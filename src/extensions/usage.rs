//! How often a skill was used: `<home>/skills/.usage.json`, shared with the original. What is not ours to
//! count stays as it is.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Zoned;
use serde_json::{Map, Value, json};

use crate::shared_file;

/// The file, and the one that whoever changes it locks, the original too.
const FILE: &str = "skills/.usage.json";
const LOCK: &str = "skills/.usage.json.lock";

/// How long another program may hold the lock: a count is not worth more.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of it; a larger one is left alone.
const FILE_MAX: u64 = 1 << 20;

/// Counts one use.
pub(super) fn count(home: &Path, name: &str, now: &Zoned) -> io::Result<()> {
    let file = home.join(FILE);
    if let Some(folder) = file.parent() {
        // A skill may lie in another folder, and the home have none.
        fs::create_dir_all(folder)?;
    }
    // Where there are no locks the count goes on without one.
    let _lock = shared_file::lock(&home.join(LOCK), LOCK_PATIENCE)?;
    let mut all: Map<String, Value> = match shared_file::read(&file, FILE_MAX)? {
        Some(bytes) => serde_json::from_slice(&bytes)?,
        None => Map::new(),
    };
    let entry = all.entry(name).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    let uses = entry["use_count"].as_u64().unwrap_or(0).saturating_add(1);
    entry["use_count"] = uses.into();
    entry["last_used_at"] = now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into();
    let beside = file.with_extension(format!("json.{}.new", std::process::id()));
    let written = fs::File::create(&beside)
        .and_then(|mut new| {
            new.write_all(serde_json::to_string_pretty(&all)?.as_bytes()).and_then(|()| new.sync_all())
        })
        .and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        // Nothing else is lost with it.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn uses_are_counted_and_the_rest_is_kept() {
        let dir = Scratch::new();
        let now: Zoned = "2026-01-02T03:04:05+00:00[UTC]".parse().unwrap();
        dir.write("skills/.usage.json", r#"{"a": {"use_count": 2, "pinned": true}, "b": 5}"#);
        count(dir.path(), "a", &now).unwrap();
        count(dir.path(), "b", &now).unwrap();
        let read = || -> Value { serde_json::from_slice(&fs::read(dir.path().join(FILE)).unwrap()).unwrap() };
        let used = |count: u64| json!({"use_count": count, "last_used_at": "2026-01-02T03:04:05+00:00"});
        let mut first = used(3);
        first["pinned"] = true.into();
        assert_eq!(
            (&read()["a"]["use_count"], &read()["a"]["pinned"], &read()["b"]),
            (&json!(3), &json!(true), &used(1))
        );
        let elsewhere = dir.path().join("home");
        count(&elsewhere, "a", &now).unwrap();
        assert!(
            elsewhere.join(FILE).exists(),
            "a home without skills of its own counts those of other folders"
        );
        let lock = fs::File::open(dir.path().join(LOCK)).unwrap();
        assert!(lock.try_lock().is_ok(), "nobody keeps the lock");
        drop(lock);
        dir.write("skills/.usage.json", "broken");
        assert!(count(dir.path(), "a", &now).is_err());
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), "broken", "nothing is written over");
    }
}
