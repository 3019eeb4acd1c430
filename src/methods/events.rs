//! Events once more, for clients whose connection broke. The wire of the original has nothing of it yet;
//! names are those that it got later (August 2026), where there are any.

use serde_json::{Value, json};

use crate::gateway::method::{Ctx, Lane, Method, Reply, Route};
use crate::limits::{REPLAY_BYTES_MAX, REPLAY_EVENTS_MAX, REPLAY_PROCESS_BYTES_MAX};
use crate::model::ids::SessionId;
use crate::outbound::replay::{Occupancy, Since};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new(
        "client.capabilities",
        Lane::Inline,
        "Tell what this client understands; an extension of ours.",
        capabilities,
    )
    .by(Route::Bridge),
    Method::new(
        "session.events.since",
        Lane::Inline,
        "Send the events after a number once more; an extension of ours.",
        since,
    )
    .by(Route::Bridge),
    Method::new(
        "session.events.stats",
        Lane::Inline,
        "How many events are kept to be sent again; an extension of ours.",
        stats,
    )
    .by(Route::Bridge),
];

/// What is understood holds until the client says something else. The answer has what the original's later
/// versions put there, too: this server asks nothing by requests of its own.
fn capabilities(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let stamped = params.switch("events_seq");
    let rendered = params.switch("rendered");
    ctx.gateway.stamp_events(ctx.client, stamped);
    ctx.gateway.render_for(ctx.client, rendered);
    let mut known = capabilities_known(stamped, rendered, ctx.gateway.epoch());
    // For a bridge in front of this: each prompt that waits becomes a turn of its own, unless the answer to it
    // says that it joined the one before.
    known["queues_prompts"] = true.into();
    Ok(Reply::Now(known))
}

/// What a client is told of what is understood here.
pub(crate) fn capabilities_known(stamped: bool, rendered: bool, epoch: &str) -> Value {
    json!({
        "server_requests": [],
        "declines_not_shown": false,
        "events_seq": stamped,
        "rendered": rendered,
        "replay_epoch": epoch,
    })
}

/// A session that is not live is an error. The original answers as if nothing had been missed.
fn since(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let asked = Asked::read(params)?;
    let since = ctx.gateway.replay_since(ctx.now, id, asked.seen, asked.epoch, asked.most);
    let since = since.ok_or_else(RpcError::no_session)?;
    Ok(Reply::Now(told(since, ctx.gateway.epoch(), ctx.gateway.open_requests(id))))
}

/// What is asked for: the events after a number.
pub(crate) struct Asked<'a> {
    /// The number.
    pub(crate) seen: u64,
    /// The process that gave it.
    pub(crate) epoch: Option<&'a str>,
    /// Most events of the answer.
    pub(crate) most: usize,
}

impl<'a> Asked<'a> {
    /// Reads the parameters.
    pub(crate) fn read(params: &'a Params) -> Result<Self, RpcError> {
        let seen = u64::try_from(params.int("last_seen")?.unwrap_or_default()).unwrap_or_default();
        let epoch = params.text("epoch")?;
        let most = params.int("limit")?.and_then(|limit| usize::try_from(limit).ok());
        Ok(Self { seen, epoch, most: most.unwrap_or(REPLAY_EVENTS_MAX).clamp(1, REPLAY_EVENTS_MAX) })
    }
}

/// The answer.
pub(crate) fn told(since: Since, epoch: &str, open_requests: Vec<Value>) -> Value {
    json!({
        "count": since.events.len(),
        "events": since.events,
        "seq": since.seq,
        "latest_seq": since.newest,
        "more": since.more,
        "truncated": since.truncated,
        "evicted_through": since.evicted_through,
        "epoch": epoch,
        "open_requests": open_requests,
    })
}

fn stats(ctx: &mut Ctx<'_>, _: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Now(kept(ctx.gateway.replay_occupancy())))
}

/// How much is kept, and how much may be.
pub(crate) fn kept(kept: Occupancy) -> Value {
    json!({
        "sessions": kept.sessions,
        "events": kept.events,
        "bytes": kept.bytes,
        "max_per_session": REPLAY_EVENTS_MAX,
        "max_bytes_per_session": REPLAY_BYTES_MAX,
        "max_bytes_process": REPLAY_PROCESS_BYTES_MAX,
    })
}

/// The result with where a client is that has read it, if it wants to know: what it says is as of that
/// number.
pub(super) fn positioned(ctx: &mut Ctx<'_>, wanted: bool, id: SessionId, mut result: Value) -> Value {
    if wanted && let Value::Object(members) = &mut result {
        let seq = ctx.gateway.want_replay(ctx.now, id);
        members.insert("seq".to_owned(), seq.into());
        members.insert("epoch".to_owned(), ctx.gateway.epoch().into());
        members.insert("open_requests".to_owned(), ctx.gateway.open_requests(id).into());
    }
    result
}
