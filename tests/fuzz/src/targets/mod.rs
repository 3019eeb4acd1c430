//! What is fuzzed: for every parser of bytes from outside, a function that hands it any bytes and panics when
//! a promise is broken. The fuzzer looks for such bytes; `tests/it/fuzz_corpus.rs` replays those it found.

mod agent;
mod config;
mod dial;
#[cfg(feature = "harness")]
mod fake_model;
mod frames;
mod gateway;
mod head;
mod jsonrpc;
mod pieces;
#[cfg(feature = "openai")]
mod sse;
#[cfg(feature = "harness")]
mod wirelog;

/// Hands bytes to a parser and panics when it breaks a promise.
pub(crate) type Run = fn(&[u8]);

/// Every target by its name, which is also that of its folder below `corpus`.
pub(crate) const ALL: &[(&str, Run)] = &[
    ("config", config::run),
    ("dial", dial::run),
    #[cfg(feature = "harness")]
    ("fake_model", fake_model::run),
    ("frames", frames::run),
    ("gateway", gateway::run),
    ("head", head::run),
    ("jsonrpc", jsonrpc::run),
    #[cfg(feature = "openai")]
    ("sse", sse::run),
    #[cfg(feature = "harness")]
    ("wirelog", wirelog::run),
];
