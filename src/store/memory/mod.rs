//! Conversations in memory: the twin of the database where there is none, and the simulator's. It answers as
//! the database does and knows no clock, thread or file. What is kept has a bound: the oldest conversations
//! that have ended go first, live ones never.

mod conversation;
mod database;
mod excerpt;
mod measure;
mod query;
mod search;
mod title;

use std::collections::BTreeMap;
use std::sync::Arc;

use database::Database;

use super::Store;
use crate::model::store::{Asked, Profile, Record, StoreError, Told};

/// Bytes that are kept of all conversations together. A long conversation with results of tools has some
/// 2 MiB.
const BYTES_MAX: usize = 64 << 20;

/// Conversations that are kept.
const CONVERSATIONS_MAX: usize = 4096;

/// Conversations of all profiles, as long as the process lives.
#[derive(Default, Debug)]
pub struct MemoryStore {
    databases: BTreeMap<Profile, Database>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the end of the process and the next start come to: an answer that was being streamed and prompts
    /// that wait become part of their conversations, open questions stay open.
    pub fn restart(&mut self) {
        for database in self.databases.values_mut() {
            database.restart();
        }
    }

    /// Drops the oldest conversations that have ended until the rest fits.
    fn fit(&mut self, conversations_max: usize, bytes_max: usize) {
        let mut count = 0;
        let mut bytes = 0;
        for conversation in self.databases.values().flat_map(Database::conversations) {
            count += 1;
            bytes += conversation.bytes();
        }
        if count <= conversations_max && bytes <= bytes_max {
            return;
        }
        for (profile, key, size) in self.ended() {
            if count <= conversations_max && bytes <= bytes_max {
                break;
            }
            if let Some(database) = self.databases.get_mut(&profile) {
                database.delete(&key);
            }
            count -= 1;
            bytes -= size;
            log::info!("memory is full: the conversation {key} was dropped");
        }
    }

    /// Conversations that have ended, with their sizes in bytes; those where nothing was said for longest
    /// first.
    fn ended(&self) -> Vec<(Profile, Arc<str>, usize)> {
        let mut ended = Vec::new();
        for (profile, database) in &self.databases {
            let all = database.conversations().filter(|conversation| conversation.has_ended());
            ended.extend(all.map(|conversation| (profile, conversation)));
        }
        ended.sort_by(|(_, a), (_, b)| a.last_active().total_cmp(&b.last_active()));
        let named = ended.into_iter().map(|(profile, conversation)| {
            (profile.clone(), Arc::clone(conversation.key()), conversation.bytes())
        });
        named.collect()
    }
}

impl Store for MemoryStore {
    fn apply(&mut self, profile: &Profile, records: &[Record]) -> Result<(), StoreError> {
        let database = self.databases.entry(profile.clone()).or_default();
        for record in records {
            database.apply(record);
        }
        self.fit(CONVERSATIONS_MAX, BYTES_MAX);
        Ok(())
    }

    fn answer(&mut self, profile: &Profile, asked: &Asked) -> Result<Told, StoreError> {
        let database = self.databases.entry(profile.clone()).or_default();
        let told = database.answer(asked);
        if matches!(asked, Asked::Branch(_) | Asked::Title { .. } | Asked::HandOff { .. }) {
            self.fit(CONVERSATIONS_MAX, BYTES_MAX);
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests;
