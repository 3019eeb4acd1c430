//! Replies told in another way: what a method answers becomes a page of text, at once or when its job is
//! done. Knows no command.

use serde_json::{Value, json};

use crate::gateway::method::{Ctx, Next, Reply};
use crate::methods::shell::NO_OUTPUT;
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// What becomes of a result, or of an error.
type Tell = Box<dyn FnOnce(&mut Ctx<'_>, Result<Value, RpcError>) -> Result<Reply, RpcError> + Send>;

/// The greatest code of errors that are no page: those of requests themselves, and of sessions that are gone.
const CODE_OF_REQUESTS: i32 = 4001;

/// A page.
pub(super) fn page(text: impl Into<String>) -> Result<Reply, RpcError> {
    Ok(Reply::Now(json!({ "output": text.into() })))
}

/// Asks a method what a client could ask it, and tells its result in another way.
pub(super) fn ask(
    ctx: &mut Ctx<'_>,
    name: &'static str,
    params: Value,
    tell: impl FnOnce(&mut Ctx<'_>, Value) -> Result<Reply, RpcError> + Send + 'static,
) -> Result<Reply, RpcError> {
    let found = ctx.gateway.methods().find(|method| method.name == name);
    let (Some(method), Value::Object(members)) = (found, params) else {
        return page(format!("{name} is not available in this server"));
    };
    let params = Params(members);
    let reply = (method.handler)(ctx, &params);
    step(ctx, reply, params, Box::new(move |ctx, result| tell(ctx, result?)))
}

/// A page as it leaves: errors are told as text, because a client would drop them and ask for something else.
pub(super) fn shown(
    ctx: &mut Ctx<'_>,
    reply: Result<Reply, RpcError>,
    params: Params,
) -> Result<Reply, RpcError> {
    let tell: Tell = Box::new(|_, result| match result {
        Ok(mut value) => {
            if value["output"] == "" {
                value["output"] = NO_OUTPUT.into();
            }
            Ok(Reply::Now(value))
        }
        Err(error) if error.code > CODE_OF_REQUESTS => page(error.message),
        Err(error) => Err(error),
    });
    step(ctx, reply, params, tell)
}

fn step(
    ctx: &mut Ctx<'_>,
    reply: Result<Reply, RpcError>,
    params: Params,
    tell: Tell,
) -> Result<Reply, RpcError> {
    match reply {
        Err(error) => tell(ctx, Err(error)),
        Ok(Reply::Now(value)) => tell(ctx, Ok(value)),
        Ok(Reply::Job(spec, finish)) => Ok(next(spec, move |ctx, result| {
            let told = finish(ctx, &params, result);
            tell(ctx, told)
        })),
        Ok(Reply::Lasting(spec, finish)) => {
            let next = Next::new(move |ctx, result| {
                let told = finish(ctx, &params, result);
                tell(ctx, told)
            });
            Ok(Reply::Next { spec, next, lasts: true })
        }
        Ok(Reply::Then(spec, then)) => Ok(next(spec, move |ctx, result| {
            let told = then.run(ctx, result);
            tell(ctx, told)
        })),
        Ok(Reply::Next { spec, next, lasts }) => {
            let next = Next::new(move |ctx, result| {
                let reply = next.run(ctx, result);
                step(ctx, reply, params, tell)
            });
            Ok(Reply::Next { spec, next, lasts })
        }
        // No command shows them.
        Ok(other @ (Reply::Stats | Reply::Written(_))) => Ok(other),
    }
}

/// More work that follows a job, for whoever still waits.
pub(super) fn next(
    spec: JobSpec,
    run: impl FnOnce(&mut Ctx<'_>, JobResult) -> Result<Reply, RpcError> + Send + 'static,
) -> Reply {
    Reply::Next { spec, next: Next::new(run), lasts: false }
}

/// The session of a page; 4001 without one.
pub(super) fn live(ctx: &Ctx<'_>, id: Option<SessionId>) -> Result<SessionId, RpcError> {
    id.filter(|id| ctx.gateway.live(*id).is_some()).ok_or_else(RpcError::no_session)
}

/// A refusal where a turn runs, before anything is changed: the original changes the file first.
pub(super) fn busy(ctx: &Ctx<'_>, id: SessionId, word: &str) -> Option<Reply> {
    let runs = ctx.gateway.live(id).is_some_and(|session| session.is_running());
    let warning = format!("session busy — /interrupt the current turn before running /{word}");
    runs.then(|| Reply::Now(json!({ "output": "Nothing was changed.", "warning": warning })))
}

/// The id of a session as a parameter.
pub(super) fn named(id: Option<SessionId>) -> Value {
    id.map_or(Value::Null, |id| id.as_str().into())
}

/// A member that is a text; `""` where it is none.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A member that is a list.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
