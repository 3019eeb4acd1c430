//! Looking at the server itself.

use crate::gateway::method::{Ctx, Lane, Method, Reply, Route};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[Method::new(
    "gateway.stats",
    Lane::Inline,
    "Figures of this server, as in /metrics; an extension of ours.",
    stats,
)
.by(Route::Bridge)];

fn stats(_: &mut Ctx<'_>, _: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Stats)
}
