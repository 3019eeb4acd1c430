//! What is fuzzed: for every parser of bytes from outside, a function that hands it any bytes and panics when
//! a promise is broken. The fuzzer looks for such bytes; `tests/it/fuzz_corpus.rs` replays those it found.

mod agent;
mod config;
mod cron;
#[cfg(feature = "store")]
mod database;
mod dial;
mod dotenv;
#[cfg(feature = "harness")]
mod fake_model;
mod frames;
mod gateway;
mod head;
mod home;
mod jsonrpc;
mod learning;
mod pieces;
mod providers;
mod render;
#[cfg(feature = "openai")]
mod skills;
#[cfg(feature = "openai")]
mod sse;
mod upstream;
#[cfg(feature = "harness")]
mod wirelog;

/// Hands bytes to a parser and panics when it breaks a promise.
pub(crate) type Run = fn(&[u8]);

/// Every target by its name, which is also that of its folder below `corpus`.
pub(crate) const ALL: &[(&str, Run)] = &[
    ("config", config::run),
    ("cron", cron::run),
    #[cfg(feature = "store")]
    ("database", database::run),
    ("dial", dial::run),
    ("dotenv", dotenv::run),
    #[cfg(feature = "harness")]
    ("fake_model", fake_model::run),
    ("frames", frames::run),
    ("gateway", gateway::run),
    ("head", head::run),
    ("jsonrpc", jsonrpc::run),
    ("learning", learning::run),
    ("providers", providers::run),
    ("render", render::run),
    #[cfg(feature = "openai")]
    ("skills", skills::run),
    #[cfg(feature = "openai")]
    ("sse", sse::run),
    ("upstream", upstream::run),
    #[cfg(feature = "harness")]
    ("wirelog", wirelog::run),
];
