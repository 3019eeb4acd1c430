//! Prompts: start a turn, stop it, guide it.

use serde_json::{Value, json};

use crate::gateway::Submitted;
use crate::gateway::method::{After, Ctx, Lane, Method, Reply};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new(
        "prompt.submit",
        Lane::Inline,
        "Start a turn, or queue, steer or replace a running one.",
        submit,
    ),
    Method::new("session.interrupt", Lane::Inline, "Stop the running turn.", interrupt),
    Method::new("session.steer", Lane::Inline, "Guide the running turn without stopping it.", steer),
];

fn submit(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let text = prompt_text(params.get("text"))?;
    let client = ctx.client;
    let session = ctx.session(params)?;
    let newcomer = session.client != Some(client);
    let idle = !session.is_running();
    // Who sends is who hears, even when the prompt is refused.
    ctx.gateway.attach(ctx.now, id, client);
    if newcomer {
        ctx.after(After::Asks(id));
    }
    if idle {
        ctx.gateway.room_for_prompt(id)?;
        truncate(ctx, params)?;
    }
    let word = match ctx.gateway.submit(ctx.now, id, client, text)? {
        Submitted::Streaming => {
            ctx.after(After::NextPrompt(id));
            "streaming"
        }
        // For a bridge in front of this, which counts the turns to come.
        Submitted::Joined if ctx.gateway.is_fronted() => {
            return Ok(Reply::Now(json!({ "status": "queued", "joined": true })));
        }
        Submitted::Queued | Submitted::Joined => "queued",
        Submitted::Steered => "steered",
    };
    Ok(Reply::Now(json!({ "status": word })))
}

/// The prompt as text: a string, or the text parts of a list of content parts.
fn prompt_text(text: Option<&Value>) -> Result<String, RpcError> {
    match text {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => {
            let part = |part: &Value| part.as_str().or_else(|| part.get("text")?.as_str()).map(str::to_owned);
            let texts: Option<Vec<String>> = parts.iter().map(part).collect();
            texts
                .map(|texts| texts.join("\n"))
                .ok_or_else(|| RpcError::param("text", "a string or a list of text parts"))
        }
        Some(_) => Err(RpcError::param("text", "a string or a list of text parts")),
    }
}

/// "Edit and resend": cuts the history before a prompt.
fn truncate(ctx: &mut Ctx<'_>, params: &Params) -> Result<(), RpcError> {
    const NAME: &str = "truncate_before_user_ordinal";
    let ordinal = params.int(NAME).map_err(|_| RpcError::new(4004, format!("{NAME} must be an integer")))?;
    let Some(ordinal) = ordinal else { return Ok(()) };
    let (now, id) = (ctx.now, ctx.session_id(params)?);
    let cut =
        usize::try_from(ordinal).is_ok_and(|ordinal| ctx.gateway.truncate_before_prompt(now, id, ordinal));
    if !cut {
        return Err(RpcError::new(4018, "target user message is no longer in session history"));
    }
    Ok(())
}

fn interrupt(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    ctx.gateway.interrupt(ctx.now, id);
    Ok(Reply::Now(json!({ "status": "interrupted" })))
}

fn steer(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let text = params.text_or_empty("text")?.trim().to_owned();
    if text.is_empty() {
        return Err(RpcError::new(4002, "text is required"));
    }
    let id = ctx.session_id(params)?;
    // The original says "queued" to an idle session and forgets the text; we say what is true.
    let status = if ctx.gateway.steer(ctx.now, id, &text) { "queued" } else { "rejected" };
    Ok(Reply::Now(json!({ "status": status, "text": text })))
}
