//! Pages about the server, the session and what it used.

use serde_json::{Value, json};

use super::told::{ask, live, page, text};
use crate::gateway::method::{Ctx, Reply};
use crate::gateway::view::{WIRE_VERSION, thousands};
use crate::model::ids::SessionId;
use crate::slash::table::{COMMANDS, Command};
use crate::wire::error::RpcError;
use crate::wire::event::UsageView;

type Answer = Result<Reply, RpcError>;

/// Days that are counted unless a number says otherwise (the original's).
const DAYS_DEFAULT: u64 = 30;

pub(super) fn help(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    let line = |command: &Command| format!("/{:<12} {}", command.name, command.summary());
    page(COMMANDS.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub(super) fn status(ctx: &mut Ctx<'_>, id: Option<SessionId>, _arg: &str) -> Answer {
    let id = live(ctx, id)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    page(ctx.gateway.status_page(session))
}

pub(super) fn usage(ctx: &mut Ctx<'_>, id: Option<SessionId>, _arg: &str) -> Answer {
    let id = live(ctx, id)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    page(used(&ctx.gateway.usage(session)))
}

fn used(usage: &UsageView) -> String {
    let mut lines = vec![
        format!("Model: {}", usage.model),
        format!("Model calls: {}", thousands(usage.calls)),
        format!("Prompt tokens: {}", thousands(usage.input)),
        format!("Completion tokens: {}", thousands(usage.output)),
        format!("Reasoning tokens: {}", thousands(usage.reasoning)),
        format!("Total tokens: {}", thousands(usage.total)),
    ];
    if let (Some(used), Some(max), Some(percent)) =
        (usage.context_used, usage.context_max, usage.context_percent)
    {
        lines.push(format!("Context: {} of {} tokens ({percent}%)", thousands(used), thousands(max)));
    }
    if usage.compressions > 0 {
        lines.push(format!("Compressions: {}", usage.compressions));
    }
    lines.join("\n")
}

pub(super) fn version(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    page(format!("tui-gateway {} (wire of hermes-agent {WIRE_VERSION})", env!("CARGO_PKG_VERSION")))
}

pub(super) fn profile(ctx: &mut Ctx<'_>, id: Option<SessionId>, _arg: &str) -> Answer {
    let session = id.and_then(|id| ctx.gateway.live(id));
    let profile = session.and_then(|session| session.profile.as_deref()).unwrap_or("default");
    page(format!("Profile: {profile}\nHome: {}", ctx.gateway.settings().home.display()))
}

pub(super) fn insights(ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Answer {
    let word = arg.split_whitespace().find(|word| !word.starts_with('-')).unwrap_or_default();
    let days = if word.is_empty() { Some(DAYS_DEFAULT) } else { word.parse().ok() };
    let Some(days) = days else { return page("usage: /insights [days]") };
    ask(ctx, "insights.get", json!({ "days": days }), move |_, counted| {
        let count = |name: &str| thousands(counted.get(name).and_then(Value::as_u64).unwrap_or(0));
        let (sessions, messages) = (count("sessions"), count("messages"));
        page(format!("Last {days} days: {sessions} conversations, {messages} messages"))
    })
}

pub(super) fn credits(ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    ask(ctx, "credits.view", json!({}), |_, account| account_page(&account, "credits"))
}

pub(super) fn billing(ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Answer {
    ask(ctx, "billing.state", json!({}), |_, account| account_page(&account, "billing"))
}

fn account_page(account: &Value, what: &str) -> Answer {
    if account.get("logged_in") != Some(&Value::Bool(true)) {
        return page(format!("No {what} account is connected to this server."));
    }
    page(format!("Balance: {}", text(account, "balance_display")))
}
