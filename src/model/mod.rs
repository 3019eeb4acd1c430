//! The words of the domain: sessions, turns, messages, questions. Plain data; knows no JSON, no I/O.

pub mod agent_event;
pub mod ask;
pub mod bulletin;
pub mod errand;
pub mod ids;
pub mod job;
pub mod message;
pub mod settings;
pub mod stats;
pub mod turn;
