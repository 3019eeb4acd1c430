//! Faults on purpose, in debug builds only: what a test cannot cause from outside.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("debug.stall", Lane::Inline, "Stand still for this many milliseconds.", stall)];

/// Longest stall in milliseconds: twice what the heartbeat reports.
const STALL_MS_MAX: i64 = 10_000;

/// Sleeps on the loop, which is the one thing a handler must never do.
fn stall(_: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let ms = params.int("ms")?.unwrap_or_default().clamp(0, STALL_MS_MAX);
    thread::sleep(Duration::from_millis(ms.unsigned_abs()));
    Ok(Reply::Now(json!({ "stalled_ms": ms })))
}
