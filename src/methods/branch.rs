//! `session.branch`: a copy of a conversation that goes another way.

use std::sync::Arc;

use serde_json::json;

use crate::gateway::method::{After, Ctx, Lane, Method, Reply};
use crate::gateway::{NewSession, clean_title};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[Method::new(
    "session.branch",
    Lane::Inline,
    "Copy a conversation into a session of its own; the first one goes on.",
    branch,
)];

/// The copy has the conversation as of the last turn that ended. The model chosen for the session, and
/// approvals that are off for it, stay with it.
fn branch(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let wanted = clean_title(params.text_or_empty("name")?).map_err(refused)?;
    let parent = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    if parent.history.is_empty() {
        return Err(RpcError::new(4008, "nothing to branch — send a message first"));
    }
    let key = parent.key.clone();
    let holder = wanted.as_ref().and_then(|title| {
        let same = parent.title.as_deref() == Some(title.as_str());
        if same { Some(key.clone()) } else { ctx.gateway.title_holder(id, title) }
    });
    if let (Some(title), Some(holder)) = (&wanted, holder) {
        let text = format!("branch failed: Title '{title}' is already in use by session {holder}");
        return Err(RpcError::new(5008, text));
    }
    let title = wanted.unwrap_or_else(|| ctx.gateway.branch_title(parent.title.as_deref()));
    let (history, context) = (Arc::clone(&parent.history), parent.context.clone());
    let new = NewSession {
        source: parent.source.clone(),
        cols: parent.cols,
        cwd: parent.cwd.clone(),
        branch: parent.branch.clone(),
        title: Some(title.clone()),
        model: None,
        close_on_disconnect: parent.close_on_disconnect,
        history: Vec::new(),
    };
    let made = ctx.gateway.create_session(ctx.now, ctx.client, new)?;
    if let Some(session) = ctx.gateway.live_mut(made) {
        session.history = history;
        session.context = context;
    }
    ctx.after(After::Info(made));
    Ok(Reply::Now(json!({ "session_id": made.as_str(), "title": title, "parent": key })))
}

fn refused(error: RpcError) -> RpcError {
    RpcError::new(5008, format!("branch failed: {}", error.message))
}
