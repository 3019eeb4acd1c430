//! `session.compress`: makes the conversation shorter for the model.

use serde_json::{Value, json};

use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::gateway::{Shrunk, view};
use crate::model::ids::SessionId;
use crate::model::job::JobResult;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[Method::new(
    "session.compress",
    Lane::Pool,
    "Summarise the older part of the conversation for the model.",
    compress,
)];

fn compress(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let focus = params.text_or_empty("focus_topic")?.trim();
    match ctx.gateway.begin_compress(id, focus)? {
        Some(spec) => Ok(Reply::Lasting(spec, compressed)),
        None => {
            let shrunk = ctx.gateway.end_compress(ctx.now, id, None)?;
            Ok(Reply::Now(result(ctx, id, shrunk)?))
        }
    }
}

fn compressed(ctx: &mut Ctx<'_>, params: &Params, job: JobResult) -> Result<Value, RpcError> {
    let id = ctx.session_id(params)?;
    let shrunk = ctx.gateway.end_compress(ctx.now, id, Some(job))?;
    result(ctx, id, shrunk)
}

/// The original gives the model's messages as they are, which its own client shows as nothing. Ours are those
/// of every other answer: the conversation stays whole for people.
fn result(ctx: &Ctx<'_>, id: SessionId, shrunk: Shrunk) -> Result<Value, RpcError> {
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let ((before, after), (tokens_before, tokens_after)) = (shrunk.messages, shrunk.tokens);
    Ok(json!({
        "status": "compressed",
        "removed": before.saturating_sub(after),
        "before_messages": before,
        "after_messages": after,
        "before_tokens": tokens_before,
        "after_tokens": tokens_after,
        "summary": summary(shrunk),
        "usage": ctx.gateway.usage(session),
        "info": ctx.gateway.info(session),
        "messages": view::messages(&session.history),
    }))
}

fn summary(shrunk: Shrunk) -> Value {
    let ((before, after), (tokens_before, tokens_after)) = (shrunk.messages, shrunk.tokens);
    let noop = before == after && tokens_before == tokens_after;
    let headline = match noop {
        true => format!("No changes from compression: {before} messages"),
        false => format!("Compressed: {before} → {after} messages"),
    };
    let token_line = match tokens_before == tokens_after {
        true => format!("Approx request size: ~{} tokens (unchanged)", view::thousands(tokens_before)),
        false => format!(
            "Approx request size: ~{} → ~{} tokens",
            view::thousands(tokens_before),
            view::thousands(tokens_after)
        ),
    };
    let note = if shrunk.is_stale {
        Some("The conversation went on meanwhile, so that it stays as it is.")
    } else {
        (after < before && tokens_after > tokens_before)
            .then_some("There are fewer messages, but the summary is larger than what it stands for.")
    };
    json!({ "noop": noop, "headline": headline, "token_line": token_line, "note": note })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_say_what_happened() {
        let same = summary(Shrunk { messages: (3, 3), tokens: (1234, 1234), is_stale: false });
        assert_eq!(same["headline"], "No changes from compression: 3 messages");
        assert_eq!(same["token_line"], "Approx request size: ~1,234 tokens (unchanged)");
        assert_eq!((&same["noop"], &same["note"]), (&json!(true), &Value::Null));
        let odd = summary(Shrunk { messages: (9, 3), tokens: (100, 200), is_stale: false });
        assert_eq!(odd["headline"], "Compressed: 9 → 3 messages");
        assert!(odd["note"].is_string() && odd["noop"] == json!(false));
        let stale = summary(Shrunk { messages: (3, 3), tokens: (9, 9), is_stale: true });
        assert_eq!(stale["note"], "The conversation went on meanwhile, so that it stays as it is.");
    }
}
