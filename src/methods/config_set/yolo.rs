//! The key `yolo`: whether commands run unasked, in one session until it ends, or everywhere and for good.
//! The hard line holds in either case.

use serde_json::{Value, json};

use super::{session, use_newer, value, write};
use crate::gateway::method::{After, Ctx, Reply};
use crate::model::edit::Edit;
use crate::model::ids::SessionId;
use crate::model::job::JobResult;
use crate::model::settings::ApprovalMode;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// The word of `scope` that means everywhere; any other means the session.
const GLOBAL: &str = "global";

pub(super) fn set(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let word = value("yolo", params)?;
    if params.text_or_empty("scope")?.trim().eq_ignore_ascii_case(GLOBAL) {
        let on = wanted(&word, is_off(ctx));
        let mode = if on { "off" } else { "manual" };
        return Ok(write(vec![Edit::text(&["approvals", "mode"], mode)], written));
    }
    // Without a session the original says that it is done, and does nothing.
    let id = session(ctx, params)?.ok_or_else(RpcError::no_session)?;
    let live = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let on = wanted(&word, live.yolo.is_on());
    live.yolo.set(on);
    ctx.after(After::Info(id));
    Ok(Reply::Now(reply(on, "session")))
}

fn written(ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    use_newer(ctx, result)?;
    let ids: Vec<SessionId> = ctx.gateway.sessions_by_age().into_iter().map(|session| session.id).collect();
    for id in ids {
        ctx.after(After::Info(id));
    }
    Ok(reply(is_off(ctx), GLOBAL))
}

fn is_off(ctx: &Ctx<'_>) -> bool {
    ctx.gateway.settings().agent.approvals.mode == ApprovalMode::Off
}

fn reply(on: bool, scope: &str) -> Value {
    json!({ "key": "yolo", "value": if on { "1" } else { "0" }, "scope": scope })
}

/// What a word asks for; anything that is neither yes nor no turns it over.
fn wanted(word: &str, now: bool) -> bool {
    match word {
        "1" | "on" | "true" | "yes" => true,
        "0" | "off" | "false" | "no" => false,
        _ => !now,
    }
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn words_say_which_and_nothing_turns_it_over() {
        for word in ["1", "on", "true", "yes"] {
            assert!(wanted(word, true) && wanted(word, false), "{word}");
        }
        for word in ["0", "off", "false", "no"] {
            assert!(!wanted(word, true) && !wanted(word, false), "{word}");
        }
        assert!(wanted("", false) && !wanted("", true) && !wanted("toggle", true));
    }
}
