//! What a method is: a row. Its name, lane and summary stand here and nowhere else; dispatch, the command
//! line's listing and `docs/protocol.md` are folds over the same rows.

use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Gateway;
use super::io::Now;
use crate::model::ids::{ClientId, SessionId};
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// Where a method's work is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// On the loop; replies of one connection come in the order of its requests.
    Inline,
    /// On the pool: it may touch files or processes. Its reply comes when it is done.
    Pool,
}

impl Lane {
    /// The word in listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Inline => "inline",
            Lane::Pool => "pool",
        }
    }
}

/// Who answers a method where programs behind a bridge do the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// The host of the session that it names, or the one for everybody.
    Host,
    /// The bridge itself: it is about connections, and what was sent on them.
    Bridge,
    /// All hosts: what each has in this list is put together.
    Merged(&'static str),
    /// All hosts: the one that knows what is meant, if any does.
    Whoever,
    /// All hosts do it; the one for everybody answers.
    All,
}

/// Answers a request.
pub type Handler = fn(&mut Ctx<'_>, &Params) -> Result<Reply, RpcError>;

/// Answers a request once its job is done.
pub type Finish = fn(&mut Ctx<'_>, &Params, JobResult) -> Result<Value, RpcError>;

/// What to do with a job's result, with what the handler knew when it gave the job.
pub struct Then(Box<ThenFn>);

type ThenFn = dyn FnOnce(&mut Ctx<'_>, JobResult) -> Result<Value, RpcError> + Send;

impl Then {
    /// This.
    pub(crate) fn new(
        run: impl FnOnce(&mut Ctx<'_>, JobResult) -> Result<Value, RpcError> + Send + 'static,
    ) -> Self {
        Self(Box::new(run))
    }

    /// Does it.
    pub(crate) fn run(self, ctx: &mut Ctx<'_>, result: JobResult) -> Result<Value, RpcError> {
        (self.0)(ctx, result)
    }
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Then")
    }
}

/// What follows a job, with what the handler knew when it gave it: the result, or another job.
pub struct Next(Box<NextFn>);

type NextFn = dyn FnOnce(&mut Ctx<'_>, JobResult) -> Result<Reply, RpcError> + Send;

impl Next {
    /// This.
    pub(crate) fn new(
        run: impl FnOnce(&mut Ctx<'_>, JobResult) -> Result<Reply, RpcError> + Send + 'static,
    ) -> Self {
        Self(Box::new(run))
    }

    /// Does it.
    pub(crate) fn run(self, ctx: &mut Ctx<'_>, result: JobResult) -> Result<Reply, RpcError> {
        (self.0)(ctx, result)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}

/// One method.
#[derive(Debug)]
pub struct Method {
    /// As it stands in `method`.
    pub name: &'static str,
    /// Where its work is done.
    pub lane: Lane,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The code.
    pub handler: Handler,
    /// Who answers it behind a bridge.
    pub route: Route,
}

impl Method {
    /// A row.
    pub const fn new(name: &'static str, lane: Lane, summary: &'static str, handler: Handler) -> Self {
        Self { name, lane, summary, handler, route: Route::Host }
    }

    /// The same, answered by somebody else behind a bridge.
    pub const fn by(mut self, route: Route) -> Self {
        self.route = route;
        self
    }
}

/// What a handler gives back.
#[derive(Debug)]
pub enum Reply {
    /// The result.
    Now(Value),
    /// The result as JSON that is written already: of a long one a [`Value`] takes longer than its text.
    Written(Box<RawValue>),
    /// The result follows from this job.
    Job(JobSpec, Finish),
    /// The same, and what it changes is changed even when nobody waits for the reply any more.
    Lasting(JobSpec, Finish),
    /// The result follows from this job and from what the handler knew; it is changed for nobody.
    Then(JobSpec, Then),
    /// What follows from this job may be another job.
    Next {
        /// The job.
        spec: JobSpec,
        /// What follows.
        next: Next,
        /// Whether it follows even when nobody waits for the reply any more.
        lasts: bool,
    },
    /// The result is the figures of the whole server, which whoever drives the gateway tells at once.
    Stats,
}

impl Reply {
    /// Whether it is brought to its end even when nobody waits for it any more.
    pub(super) fn lasts(&self) -> bool {
        matches!(self, Reply::Lasting(..) | Reply::Next { lasts: true, .. })
    }
}

/// What follows a reply, so that a client reads the reply first.
#[derive(Clone, Copy, Debug)]
pub enum After {
    /// Send `session.info`.
    Info(SessionId),
    /// Send `skin.changed` to who asked.
    Skin,
    /// Send the session's open questions again.
    Asks(SessionId),
    /// Run the session's next prompt.
    NextPrompt(SessionId),
    /// Say that work on a preview has begun.
    PreviewBegun {
        /// Whose preview.
        session: SessionId,
        /// The digits of the work's id.
        task: u32,
        /// Messages of the conversation that the agent sees.
        context: usize,
    },
}

/// A request being handled.
pub struct Ctx<'a> {
    /// The gateway.
    pub gateway: &'a mut Gateway,
    /// Who asked.
    pub client: ClientId,
    /// When.
    pub now: Now,
    pub(super) after: Vec<After>,
}

impl Ctx<'_> {
    /// Does `what` after the reply was sent.
    pub fn after(&mut self, what: After) {
        self.after.push(what);
    }

    /// The live session named by `session_id`; 4001 when there is none, with where its conversation is if
    /// that is known.
    pub fn session_id(&self, params: &Params) -> Result<SessionId, RpcError> {
        let id = SessionId::parse(params.text_or_empty("session_id")?).ok_or_else(RpcError::no_session)?;
        if self.gateway.sessions.contains_key(&id) { Ok(id) } else { Err(self.gateway.reaped.error(id)) }
    }

    /// The session behind that id.
    pub fn session(&mut self, params: &Params) -> Result<&mut super::Session, RpcError> {
        let id = self.session_id(params)?;
        self.gateway.sessions.get_mut(&id).ok_or_else(RpcError::no_session)
    }
}
