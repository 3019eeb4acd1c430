//! A gateway between chat front ends and language-model agents.
//!
//! Modules in reading order, lowest layer first; `docs/architecture.md` draws the map and a test
//! (`tests/it/layers.rs`) holds it.

pub mod base;
pub mod model;

pub mod reactor;
pub mod wire;

pub mod agent;
