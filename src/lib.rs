//! A gateway between chat front ends and language-model agents.
//!
//! Modules in reading order, lowest layer first; `docs/architecture.md` draws the map and a test
//! (`tests/it/layers.rs`) holds it.

pub mod base;
pub mod limits;
pub mod model;

pub mod child;
pub mod reactor;
pub mod wire;

pub mod config;
pub mod cron;
pub mod extensions;
pub mod learning;
#[cfg(feature = "openai")]
pub mod mcp;
pub mod outbound;
pub mod probe;
pub mod projects;
pub mod providers;
pub mod render;
pub mod shared_file;
pub mod shell;
pub mod store;
#[cfg(feature = "openai")]
pub mod tools;
pub mod transport;
#[cfg(feature = "openai")]
pub mod trust;

pub mod agent;
pub mod bridge;
pub mod gateway;
pub mod host;

pub mod jobs;
pub mod methods;
pub mod slash;

pub mod server;

#[cfg(feature = "harness")]
pub mod bench;
#[cfg(feature = "harness")]
pub mod fake_model;
#[cfg(feature = "harness")]
pub mod sim;
#[cfg(feature = "harness")]
pub mod wirelog;

pub mod cli;
