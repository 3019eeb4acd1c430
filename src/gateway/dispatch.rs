//! From a document to a reply: parse, look the method up, run it, answer exactly once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::io::{Now, Output};
use super::method::{After, Ctx, Finish, Reply};
use super::{Gateway, Replied};
use crate::model::ids::{ClientId, Ticket};
use crate::model::job::JobResult;
use crate::wire::encode::{self, Frame};
use crate::wire::error::{
    INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, RpcError, UNKNOWN_METHOD,
};
use crate::wire::jsonrpc::{self, Id, Malformed};
use crate::wire::params::Params;

/// A request that waits for its job.
#[derive(Debug)]
pub(super) struct PendingJob {
    client: ClientId,
    id: Id,
    params: Params,
    finish: Finish,
}

/// Characters of an unknown method's name that are repeated in the error.
const METHOD_ECHO_CHARS: usize = 200;

impl Gateway {
    pub(super) fn handle_line(&mut self, now: Now, client: ClientId, text: &str) {
        self.last_replied = Some(Replied::Unreadable);
        let request = match jsonrpc::parse(text) {
            Ok(request) => request,
            Err(malformed) => {
                let (id, error) = explain(malformed);
                return self.send_error(client, &id, &error);
            }
        };
        let Some(method) = self.methods.get(request.method.as_str()) else {
            let name: String = request.method.chars().take(METHOD_ECHO_CHARS).collect();
            let error = RpcError::new(UNKNOWN_METHOD, format!("unknown method: {name}"));
            return self.send_error(client, &request.id, &error);
        };
        let (handler, name) = (method.handler, method.name);
        self.last_method = Some(name);
        self.last_replied = Some(Replied::Method(name));
        let (id, params) = (request.id, request.params);
        let (reply, after) = self.guarded(now, client, |ctx| handler(ctx, &params));
        match reply {
            Ok(Reply::Now(value)) => self.reply(client, encode::result(&id, &value)),
            Ok(Reply::Job(spec, finish)) => {
                let ticket = Ticket(self.next_ticket);
                self.next_ticket += 1;
                self.jobs.insert(ticket, PendingJob { client, id, params, finish });
                self.outputs.push_back(Output::Job { ticket, spec });
            }
            Err(error) => self.send_error(client, &id, &error),
        }
        // Also after a refusal: what was done before it has its consequences.
        self.run_after(now, client, after);
    }

    /// A document that is no text at all.
    pub(super) fn answer_unreadable(&mut self, client: ClientId) {
        self.last_replied = Some(Replied::Unreadable);
        let (id, error) = explain(Malformed::Parse);
        self.send_error(client, &id, &error);
    }

    pub(super) fn job_done(&mut self, now: Now, ticket: Ticket, result: JobResult) {
        let Some(job) = self.jobs.remove(&ticket) else { return };
        if !self.clients.contains_key(&job.client) {
            // Whoever asked is gone; nothing may be made for nobody (a session, for one).
            return;
        }
        let (reply, after) = self.guarded(now, job.client, |ctx| (job.finish)(ctx, &job.params, result));
        match reply {
            Ok(value) => self.reply(job.client, encode::result(&job.id, &value)),
            Err(error) => self.send_error(job.client, &job.id, &error),
        }
        self.run_after(now, job.client, after);
    }

    pub(super) fn job_refused(&mut self, ticket: Ticket, queued: usize) {
        if let Some(job) = self.jobs.remove(&ticket) {
            self.send_error(job.client, &job.id, &RpcError::overloaded(queued));
        }
    }

    /// Runs a handler. A panic in it is a defect of ours, but one request's defect: it is answered, and
    /// everybody else goes on. (The panic hook has written it to the crash log.)
    fn guarded<T>(
        &mut self,
        now: Now,
        client: ClientId,
        run: impl FnOnce(&mut Ctx<'_>) -> Result<T, RpcError>,
    ) -> (Result<T, RpcError>, Vec<After>) {
        let mut ctx = Ctx { gateway: self, client, now, after: Vec::new() };
        let result = catch_unwind(AssertUnwindSafe(|| run(&mut ctx)));
        let after = std::mem::take(&mut ctx.after);
        (result.unwrap_or_else(|_| Err(RpcError::new(INTERNAL_ERROR, "internal error"))), after)
    }

    fn run_after(&mut self, now: Now, client: ClientId, after: Vec<After>) {
        for what in after {
            match what {
                After::Info(session) => self.send_info(session),
                After::Asks(session) => self.send_asks(session, client),
                After::NextPrompt(session) => self.next_prompt(now, session),
            }
        }
    }

    fn send_error(&mut self, client: ClientId, id: &Id, error: &RpcError) {
        self.reply(client, encode::error(id, error));
    }

    fn reply(&mut self, client: ClientId, frame: Frame) {
        self.counters.replies += 1;
        self.outputs.push_back(Output::Send { client, frame, paced: false });
    }
}

/// The reply to a document that is no request.
fn explain(malformed: Malformed) -> (Id, RpcError) {
    match malformed {
        Malformed::Parse => (Id::null(), RpcError::new(PARSE_ERROR, "parse error")),
        Malformed::NotAnObject => {
            (Id::null(), RpcError::new(INVALID_REQUEST, "invalid request: expected an object"))
        }
        Malformed::IdTooLong => {
            (Id::null(), RpcError::new(INVALID_REQUEST, "invalid request: id is too long"))
        }
        Malformed::NoMethod(id) => {
            (id, RpcError::new(INVALID_REQUEST, "invalid request: method must be a non-empty string"))
        }
        Malformed::BadParams(id) => (id, RpcError::new(INVALID_PARAMS, "invalid params: expected an object")),
    }
}
