//! What is asked of the database that changes it, each in a transaction of its own. Knows which rows belong
//! together; how a row of ours is written is `row`'s.

mod branch;
mod claim;
mod delete;
mod goal;
mod handoff;
mod root;
mod title;

pub(super) use goal::is_active;

use super::Database;
use crate::model::store::{Asked, StoreError, Told};

/// Answers an inquiry that changes the database.
///
/// # Errors
/// The database cannot be written, or the inquiry is one that reads.
pub(super) fn answer(db: &mut Database, asked: &Asked) -> Result<Told, StoreError> {
    match asked {
        Asked::Delete { key } => delete::delete(db, key).map(Told::Deleted),
        Asked::Title { row, title } => title::title(db, row, title).map(Told::Titled),
        Asked::Branch(branch) => branch::branch(db, branch).map(Told::Titled),
        Asked::Claim { key, request } => claim::claim(db, key, *request).map(Told::Claimed),
        Asked::HandOff { row, platform } => handoff::request(db, row, platform).map(Told::Handoff),
        Asked::HandoffFail { key, error } => {
            handoff::fail(db, key, error).map(|(failed, state)| Told::HandoffFailed(failed, state))
        }
        Asked::Goal { key, at, wish } => goal::goal(db, key, *at, wish),
        Asked::NoteRoots(roots) => root::note(db, roots).map(Told::Noted),
        _ => Err(StoreError::Failed("this inquiry only reads".to_owned())),
    }
}

#[cfg(test)]
mod tests;
