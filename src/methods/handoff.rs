//! Handing a conversation to a messaging platform. This server has none, and says so; handoffs that a
//! program with the same database began can be watched and given up.

use serde_json::{Value, json};

use super::stored::{inquire, told, unlike};
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::job::JobResult;
use crate::model::store::{Asked, Told};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("handoff.request", Lane::Inline, "No messaging: always refused.", request),
    Method::new("handoff.state", Lane::Pool, "How the handoff of a conversation stands.", state),
    Method::new("handoff.fail", Lane::Pool, "Give a handoff up.", fail),
];

/// The platforms that the original knows without plugins.
const PLATFORMS: [&str; 24] = [
    "api_server",
    "bluebubbles",
    "dingtalk",
    "discord",
    "email",
    "feishu",
    "homeassistant",
    "local",
    "matrix",
    "mattermost",
    "msgraph_webhook",
    "qqbot",
    "relay",
    "signal",
    "slack",
    "sms",
    "telegram",
    "webhook",
    "wecom",
    "wecom_callback",
    "weixin",
    "whatsapp",
    "whatsapp_cloud",
    "yuanbao",
];

/// Characters of an unknown platform's name that are repeated in the error.
const PLATFORM_ECHO_CHARS: usize = 200;

/// Characters of why a handoff failed, as in the original.
const REASON_CHARS_MAX: usize = 500;

/// Why a handoff failed when nobody says.
const REASON_DEFAULT: &str = "handoff failed";

fn request(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    if ctx.session(params)?.is_running() {
        let text = "session busy — wait for the current turn to finish, then retry the handoff";
        return Err(RpcError::new(4009, text));
    }
    Err(refusal(&params.text_or_empty("platform")?.trim().to_lowercase()))
}

fn refusal(platform: &str) -> RpcError {
    if platform.is_empty() {
        return RpcError::new(4023, "platform required");
    }
    if PLATFORMS.contains(&platform) {
        let text = format!("platform '{platform}' is not configured/enabled in the gateway");
        return RpcError::new(4025, text);
    }
    let name: String = platform.chars().take(PLATFORM_ECHO_CHARS).collect();
    RpcError::new(4024, format!("unknown platform '{name}'"))
}

fn state(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let session = ctx.session(params)?;
    let what = Asked::HandoffState { key: session.key.as_str().into() };
    Ok(Reply::Job(inquire(&session.profile, what), stands))
}

fn stands(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let handoff = match told(5007, result)? {
        Told::Handoff(handoff) => handoff.unwrap_or_default(),
        other => return Err(unlike(5007, other)),
    };
    Ok(json!({ "state": handoff.state, "platform": handoff.platform, "error": handoff.error }))
}

fn fail(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let session = ctx.session(params)?;
    let why = params.text_or_empty("error")?.trim();
    let why = if why.is_empty() { REASON_DEFAULT } else { why };
    let error = why.chars().take(REASON_CHARS_MAX).collect();
    let what = Asked::HandoffFail { key: session.key.as_str().into(), error };
    Ok(Reply::Job(inquire(&session.profile, what), failed))
}

fn failed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match told(5007, result)? {
        Told::HandoffFailed(failed, state) => Ok(json!({ "failed": failed, "state": state })),
        other => Err(unlike(5007, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_is_refused_with_its_reason() {
        assert_eq!(refusal(""), RpcError::new(4023, "platform required"));
        for platform in PLATFORMS {
            assert_eq!(refusal(platform).code, 4025, "{platform}");
        }
        assert_eq!(refusal("fax"), RpcError::new(4024, "unknown platform 'fax'"));
        assert!(refusal(&"x".repeat(100_000)).message.len() < 300);
    }
}
