//! An open question is answered by one process only: by that which takes its row away.

use rusqlite::params;

use super::super::Database;
use crate::model::store::StoreError;

/// Whether the question was open. One that a living process of somebody else asked is not ours to answer.
pub(super) fn claim(db: &mut Database, key: &str, request: u32) -> Result<bool, StoreError> {
    let owner = db.owner.clone();
    db.write(|tx| {
        let sql = "DELETE FROM tui_gateway_journal \
             WHERE session_id = ?1 AND kind = 'ask' AND number = ?2 AND owner IN ('', ?3)";
        Ok(tx.execute(sql, params![key, request, owner])? == 1)
    })
}
