//! The words of the domain: sessions, turns, messages, questions. Plain data; knows no JSON, no I/O.

pub mod agent_event;
pub mod ask;
pub mod attach;
pub mod bulletin;
pub mod checkpoint;
pub mod edit;
pub mod errand;
pub mod facts;
pub mod ids;
pub mod inventory;
pub mod job;
pub mod label;
pub mod message;
pub mod process;
pub mod settings;
pub mod spawn_tree;
pub mod stats;
pub mod store;
pub mod turn;
pub mod words;
