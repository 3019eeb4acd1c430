//! Conversations that outlive the process. A store applies records and answers inquiries; who calls it, on
//! which thread, is [`thread`]'s. Knows the tables, not what a session does.

#[cfg(feature = "store")]
pub mod evidence;
pub mod memory;
#[cfg(feature = "store")]
pub mod sqlite;
pub mod thread;
mod title;

use crate::model::store::{Asked, Profile, Record, StoreError, Told};

/// Where conversations are kept.
pub trait Store: Send {
    /// Applies records of one profile in order, all or none. What a record asks for that cannot be, a title
    /// that is taken, for one, is left out and logged.
    ///
    /// # Errors
    /// The database cannot be opened or written: the same records may be tried again later.
    fn apply(&mut self, profile: &Profile, records: &[Record]) -> Result<(), StoreError>;

    /// Answers an inquiry. Some change the store, on their own.
    ///
    /// # Errors
    /// The database cannot be opened, read or written.
    fn answer(&mut self, profile: &Profile, asked: &Asked) -> Result<Told, StoreError>;

    /// The server ends: closes what is open.
    fn close(&mut self) {}
}
