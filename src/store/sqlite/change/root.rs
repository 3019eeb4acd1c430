//! The repository a conversation is in, found after it began.

use std::collections::HashMap;

use super::super::Database;
use super::super::error::failure;
use super::super::read::rootless;
use crate::model::store::StoreError;

/// Notes the roots of directories on the conversations in them that have none; how many those are.
///
/// # Errors
/// The database cannot be written.
pub(super) fn note(db: &mut Database, roots: &[(String, String)]) -> Result<u64, StoreError> {
    // There is no index of directories, so they are looked for once, and without a lock.
    let known: HashMap<&str, &str> = roots.iter().map(|(cwd, root)| (cwd.as_str(), root.as_str())).collect();
    let mut wanting: Vec<(String, &str)> = Vec::new();
    for (key, cwd) in rootless(&db.conn).map_err(failure)? {
        wanting.extend(known.get(cwd.as_str()).map(|root| (key, *root)));
    }
    if wanting.is_empty() {
        return Ok(0);
    }
    db.write(|tx| {
        let mut statement = tx.prepare(
            "UPDATE sessions SET git_repo_root = ?2 WHERE id = ?1 AND COALESCE(git_repo_root, '') = ''",
        )?;
        let mut noted: u64 = 0;
        for (key, root) in &wanting {
            noted += statement.execute([key.as_str(), root])? as u64;
        }
        Ok(noted)
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::read::fixture::{count, database, session, set};
    use super::*;

    #[test]
    fn a_root_is_noted_where_there_is_none() {
        let mut db = database();
        for (key, assignments) in [
            ("a", "cwd = '/w/a'"),
            ("b", "cwd = '/w/a', git_repo_root = '/other'"),
            ("c", "cwd = '/w/a', git_repo_root = '', archived = 1"),
            ("d", "cwd = '/gone'"),
        ] {
            session(&db, key, 1.0);
            set(&db, key, assignments);
        }
        let roots = [("/w/a".to_owned(), "/w".to_owned()), ("/x".to_owned(), "/x".to_owned())];
        assert_eq!(note(&mut db, &roots), Ok(2));
        let noted = "SELECT COUNT(*) FROM sessions WHERE git_repo_root = '/w' AND id IN ('a', 'c')";
        assert_eq!(count(&db, noted), 2);
        // The second time there is nothing to do, and nothing is written.
        assert_eq!(note(&mut db, &roots), Ok(0));
    }
}
