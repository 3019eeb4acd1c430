//! Where a server keeps conversations: in the databases below its home, or in memory.

use crate::config::Home;
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// The store. Nothing is opened yet, so that a slow disk holds no start up.
#[cfg(feature = "store")]
pub(super) fn store(on_disk: bool, home: &Home) -> Box<dyn Store> {
    use crate::store::sqlite::Sqlite;

    if !on_disk {
        return Box::new(MemoryStore::new());
    }
    let home = home.clone();
    Box::new(Sqlite::new(Box::new(move |profile| match profile {
        None => Ok(home.dir().to_path_buf()),
        Some(name) => home.profile(name).map(|home| home.dir().to_path_buf()),
    })))
}

/// The same where there is no SQLite: memory.
#[cfg(not(feature = "store"))]
pub(super) fn store(_on_disk: bool, _home: &Home) -> Box<dyn Store> {
    Box::new(MemoryStore::new())
}
