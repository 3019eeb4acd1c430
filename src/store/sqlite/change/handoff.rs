//! A conversation that is handed to a messaging platform. Another process does it; it takes what is pending.

use rusqlite::params;

use super::super::Database;
use super::super::read::handoff;
use super::super::row;
use crate::model::store::{Handoff, Row, StoreError};

/// Characters of the reason why it failed; the original's bound.
const ERROR_CHARS_MAX: usize = 500;

/// Asks for it. Refused where one is under way.
pub(super) fn request(db: &mut Database, begun: &Row, platform: &str) -> Result<Option<Handoff>, StoreError> {
    db.write(|tx| {
        row::begin(tx, begun)?;
        let sql = "UPDATE sessions SET handoff_state = 'pending', handoff_platform = ?2, \
             handoff_error = NULL WHERE id = ?1 \
             AND (handoff_state IS NULL OR handoff_state IN ('', 'completed', 'failed'))";
        let asked = tx.execute(sql, params![begun.key, platform])? > 0;
        Ok(handoff(tx, &begun.key)?.map(|handoff| Handoff { refused: !asked, ..handoff }))
    })
}

/// It failed: whether one was under way, and how it stands now.
pub(super) fn fail(db: &mut Database, key: &str, error: &str) -> Result<(bool, String), StoreError> {
    let error: String = error.chars().take(ERROR_CHARS_MAX).collect();
    db.write(|tx| {
        let sql = "UPDATE sessions SET handoff_state = 'failed', handoff_error = ?2 \
             WHERE id = ?1 AND handoff_state IN ('pending', 'running')";
        let failed = tx.execute(sql, params![key, error])? > 0;
        let state = handoff(tx, key)?.map(|handoff| handoff.state).unwrap_or_default();
        Ok((failed, state))
    })
}
