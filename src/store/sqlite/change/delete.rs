//! Removing a conversation for good: with its subagents' runs and the files the original keeps of them. Its
//! other children stay, without a parent.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::super::Database;
use super::super::read::lineage::delegated;
use crate::model::store::StoreError;

/// Whether there was such a conversation.
pub(super) fn delete(db: &mut Database, key: &str) -> Result<bool, StoreError> {
    let removed = db.write(|tx| {
        let sql = "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1)";
        if !tx.query_row(sql, [key], |row| row.get::<_, bool>(0))? {
            return Ok(Vec::new());
        }
        let keys = with_runs(tx, key)?;
        for key in &keys {
            tx.execute("UPDATE sessions SET parent_session_id = NULL WHERE parent_session_id = ?1", [key])?;
            tx.execute("DELETE FROM messages WHERE session_id = ?1", [key])?;
            tx.execute("DELETE FROM sessions WHERE id = ?1", [key])?;
        }
        Ok(keys)
    })?;
    // A file that is left behind is untidy, not wrong.
    remove_files(&db.home.join("sessions"), &removed);
    Ok(!removed.is_empty())
}

/// A conversation and the runs of its subagents, of theirs, and so on.
fn with_runs(conn: &Connection, key: &str) -> rusqlite::Result<Vec<String>> {
    let mark = delegated("s");
    let sql = format!("SELECT s.id, {mark}, s.parent_session_id FROM sessions s WHERE {mark} IS NOT NULL");
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut runs: HashMap<String, Vec<String>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let run: String = row.get(0)?;
        // The mark of an odd type names nobody.
        let by = [row.get::<_, Option<String>>(1).unwrap_or(None), row.get(2)?];
        for by in by.into_iter().flatten() {
            runs.entry(by).or_default().push(run.clone());
        }
    }
    let mut seen = HashSet::from([key.to_owned()]);
    let mut found = vec![key.to_owned()];
    let mut next = 0;
    while let Some(by) = found.get(next) {
        let fresh: Vec<String> =
            runs.remove(by).into_iter().flatten().filter(|run| seen.insert(run.clone())).collect();
        found.extend(fresh);
        next += 1;
    }
    Ok(found)
}

/// Removes `<key>.json`, `<key>.jsonl` and `request_dump_<key>_*.json`.
fn remove_files(dir: &Path, keys: &[String]) {
    // A key comes from the file and could name anything.
    let keys: Vec<&String> = keys.iter().filter(|key| is_file_name(key)).collect();
    for key in &keys {
        for ending in ["json", "jsonl"] {
            let _ = fs::remove_file(dir.join(format!("{key}.{ending}")));
        }
    }
    let entries = if keys.is_empty() { None } else { fs::read_dir(dir).ok() };
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix("request_dump_"));
        let Some(rest) = rest.and_then(|rest| rest.strip_suffix(".json")) else { continue };
        if keys.iter().any(|key| rest.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('_'))) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_file_name(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with('.')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
