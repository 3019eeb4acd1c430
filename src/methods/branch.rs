//! `session.branch`: a copy of a conversation that goes another way.

use std::sync::Arc;

use serde_json::{Value, json};

use super::events::positioned;
use super::stored::{inquire, told, unlike};
use crate::gateway::method::{After, Ctx, Lane, Method, Reply, Then};
use crate::gateway::{UNTITLED, clean_title};
use crate::model::ids::SessionId;
use crate::model::job::JobResult;
use crate::model::message::Message;
use crate::model::store::{Asked, NewBranch, Row, Told};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[Method::new(
    "session.branch",
    Lane::Pool,
    "Copy a conversation into a session of its own; the first one goes on.",
    branch,
)];

/// The copy has the conversation as of the last turn that ended. The model chosen for the session, and
/// approvals that are off for it, stay with it. It is stored at once, whole: the original forgets calls of
/// tools.
fn branch(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let title = clean_title(params.text_or_empty("name")?).map_err(refused)?;
    let parent = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    if parent.history.is_empty() {
        return Err(RpcError::new(4008, "nothing to branch — send a message first"));
    }
    let profile = parent.profile.clone();
    let (history, context) = (parent.history.clone(), parent.context.clone());
    let base = parent.title.clone().unwrap_or_else(|| UNTITLED.to_owned());
    ctx.gateway.begin_record(ctx.now, id);
    let row = ctx.gateway.row(id).ok_or_else(RpcError::no_session)?;
    let row = Row {
        branched_from: Some(row.key),
        key: ctx.gateway.new_key(ctx.now).into(),
        model: ctx.gateway.model_of(None),
        started_at: ctx.now.wall,
        ..row
    };
    let parent = Arc::clone(row.branched_from.as_ref().unwrap_or(&row.key));
    let branch = Branch {
        of: id,
        parent,
        row: row.clone(),
        history: history.clone(),
        context: context.clone(),
        replay: params.switch("replay"),
    };
    let ask = Asked::Branch(Box::new(NewBranch { row, history, context, title, base }));
    Ok(Reply::Then(inquire(&profile, ask), Then::new(move |ctx, result| branch.stored(ctx, result))))
}

/// A branch on its way to the store.
struct Branch {
    of: SessionId,
    parent: Arc<str>,
    row: Row,
    history: Arc<Vec<Message>>,
    context: Option<Arc<Vec<Message>>>,
    /// Whether its client wants to know where it is.
    replay: bool,
}

impl Branch {
    /// It is stored, and comes to life.
    fn stored(self, ctx: &mut Ctx<'_>, result: JobResult) -> Result<Value, RpcError> {
        let title = match told(5008, result).map_err(refused)? {
            Told::Titled(Ok(title)) => title,
            Told::Titled(Err(holder)) => {
                let text = format!("branch failed: that title is already in use by session {holder}");
                return Err(RpcError::new(5008, text));
            }
            other => return Err(unlike(5008, other)),
        };
        let new = ctx.gateway.branch_of(self.of, &self.row, title.clone())?;
        let made = ctx.gateway.create_session(ctx.now, ctx.client, new)?;
        ctx.gateway.branch_lives(made, self.history, self.context);
        ctx.after(After::Info(made));
        let result = json!({ "session_id": made.as_str(), "title": title, "parent": self.parent.as_ref() });
        Ok(positioned(ctx, self.replay, made, result))
    }
}

fn refused(error: RpcError) -> RpcError {
    RpcError::new(5008, format!("branch failed: {}", error.message))
}
