//! Answers to what agents ask. A stale answer is an error; a word that is no choice denies.

use serde_json::{Value, json};

use super::stored::{inquire, told};
use crate::base::secret::Secret;
use crate::gateway::AskKind;
use crate::gateway::method::{After, Ctx, Lane, Method, Reply, Then};
use crate::gateway::parse_request;
use crate::model::ask::{Answer, Choice};
use crate::model::ids::SessionId;
use crate::model::store::{Asked, Told};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("approval.respond", Lane::Inline, "Allow or deny what an agent wants to run.", approval),
    Method::new("clarify.respond", Lane::Inline, "Answer a question.", clarify),
    Method::new("sudo.respond", Lane::Inline, "Give the sudo password.", sudo),
    Method::new("secret.respond", Lane::Inline, "Give a secret.", secret),
    Method::new(
        "terminal.read.respond",
        Lane::Inline,
        "Never asked for here: always a stale answer.",
        terminal,
    ),
];

fn approval(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    // Anything but the three words that allow is a no, whatever its type.
    let word = params.get("choice").and_then(Value::as_str).unwrap_or_default();
    let choice = Choice::parse(word).unwrap_or(Choice::Deny);
    let named = match params.text("request_id")? {
        None => None,
        Some(name) => Some(parse_request(name).ok_or_else(|| not_pending("approval"))?),
    };
    let mut open = ctx.gateway.open_approvals(id);
    match named {
        Some(request) => open.retain(|one| *one == request),
        None if params.truthy("all") => {}
        None => open.truncate(1),
    }
    if open.is_empty() {
        return Err(not_pending("approval"));
    }
    if let Some(id) = open.first().and_then(|first| ctx.gateway.restored_of(*first, AskKind::Approval)) {
        return claim(ctx, id, open[0], Answer::Choice(choice), json!({ "resolved": 1 }), "approval");
    }
    for request in &open {
        ctx.gateway.answer(ctx.now, *request, AskKind::Approval, Answer::Choice(choice));
    }
    Ok(Reply::Now(json!({ "resolved": open.len() })))
}

fn clarify(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    respond(ctx, params, AskKind::Clarify, "answer")
}

fn sudo(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    respond(ctx, params, AskKind::Sudo, "password")
}

fn secret(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    respond(ctx, params, AskKind::Secret, "value")
}

fn terminal(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Err(not_pending("text"))
}

fn respond(
    ctx: &mut Ctx<'_>,
    params: &Params,
    kind: AskKind,
    member: &'static str,
) -> Result<Reply, RpcError> {
    let text = match params.get(member) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(RpcError::param(member, "a string")),
    };
    let answer = match kind {
        AskKind::Sudo | AskKind::Secret => Answer::Secret(Secret::new(text)),
        AskKind::Approval | AskKind::Clarify => Answer::Text(text),
    };
    let request = parse_request(params.text_or_empty("request_id")?);
    if let Some(request) = request
        && let Some(id) = ctx.gateway.restored_of(request, kind)
    {
        return claim(ctx, id, request, answer, json!({ "status": "ok" }), member);
    }
    match request {
        Some(request) if ctx.gateway.answer(ctx.now, request, kind, answer) => {
            Ok(Reply::Now(json!({ "status": "ok" })))
        }
        _ => Err(not_pending(member)),
    }
}

/// A question that outlived its process is taken from the store first: whoever takes it has answered it, and
/// nobody else. Then the turn that asked goes on.
fn claim(
    ctx: &mut Ctx<'_>,
    id: SessionId,
    request: u32,
    answer: Answer,
    reply: Value,
    member: &'static str,
) -> Result<Reply, RpcError> {
    ctx.gateway.room_for_prompt(id)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let ask = Asked::Claim { key: session.key.as_str().into(), request };
    let job = inquire(&session.profile, ask);
    let then = Then::new(move |ctx: &mut Ctx<'_>, result| {
        let claimed = matches!(told(5004, result)?, Told::Claimed(true));
        if !claimed || !ctx.gateway.answer_restored(ctx.now, id, request, answer) {
            return Err(not_pending(member));
        }
        ctx.after(After::NextPrompt(id));
        Ok(reply)
    });
    Ok(Reply::Then(job, then))
}

fn not_pending(member: &str) -> RpcError {
    RpcError::new(4009, format!("no pending {member} request"))
}
