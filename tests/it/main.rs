//! The one integration binary: the built program over real sockets and pipes, one module a subject;
//! and the pure gateway on a `stage` in virtual time.
//!
//! Deadlines are generous and nothing waits by sleeping: a test ends when what it waits for is there, or
//! fails when the deadline has passed. Every process listens on a free port of 127.0.0.1, has a home of its
//! own, and is killed with its test.

// One object has every parameter of every method.
#![recursion_limit = "512"]
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test is its failure")]

#[cfg(feature = "harness")]
mod bench;
mod cuts;
mod docs;
#[cfg(feature = "harness")]
mod fake_model;
mod fds;
mod front;
mod fuzz_corpus;
mod golden;
mod handshake;
#[cfg(feature = "openai")]
mod https;
mod idle;
mod layers;
mod log_secrets;
mod metrics;
mod mistyped;
mod replay;
mod sidecar;
mod slow_reader;
mod stage;
mod stall;
mod start;
mod stdio;
#[cfg(all(feature = "harness", feature = "store"))]
mod store;
mod support;
mod tidy;
mod turns;
#[cfg(feature = "harness")]
mod wirelog;
#[cfg(feature = "harness")]
mod work;
mod ws;
