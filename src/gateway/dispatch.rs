//! From a document to a reply: parse, look the method up, run it, answer exactly once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::errand::Aside;
use super::io::{Now, Output};
use super::method::{After, Ctx, Finish, Next, Reply, Then};
use super::{Gateway, Replied};
use crate::model::ids::{ClientId, SessionId, Ticket};
use crate::model::job::{JobResult, JobSpec};
use crate::model::stats::Stats;
use crate::wire::encode::{self, Frame};
use crate::wire::error::{INTERNAL_ERROR, RpcError, UNKNOWN_METHOD};
use crate::wire::jsonrpc::{self, Id, Malformed};
use crate::wire::metrics;
use crate::wire::params::Params;

/// What waits for a job.
#[derive(Debug)]
pub(super) enum PendingJob {
    /// A request.
    Request(Request),
    /// Nobody: the session hears of it.
    Aside(Aside),
}

/// A request that waits for its job.
#[derive(Debug)]
pub(super) struct Request {
    client: ClientId,
    id: Id,
    finish: Ending,
    /// Whether it is finished even for a client that is gone.
    lasts: bool,
    /// Whether the job is an errand.
    errand: bool,
}

/// How a request is finished.
#[derive(Debug)]
enum Ending {
    Plain(Params, Finish),
    Then(Then),
    Next(Params, Next),
}

impl PendingJob {
    /// Whether an agent does it.
    pub(super) fn is_errand(&self) -> bool {
        match self {
            PendingJob::Request(request) => request.errand,
            PendingJob::Aside(aside) => aside.is_errand(),
        }
    }

    /// Whether it is the background prompt, or the work on a preview, of this id.
    pub(super) fn is_task(&self, id: &str) -> bool {
        match self {
            PendingJob::Aside(Aside::Background { task, .. } | Aside::Preview { task, .. }) => task == id,
            _ => false,
        }
    }

    /// Whether it is to be a title for this session.
    pub(super) fn is_title_of(&self, id: SessionId) -> bool {
        matches!(self, PendingJob::Aside(Aside::Title { session }) if *session == id)
    }
}

/// Characters of an unknown method's name that are repeated in the error.
const METHOD_ECHO_CHARS: usize = 200;

impl Gateway {
    pub(super) fn handle_line(&mut self, now: Now, client: ClientId, text: &str) {
        self.recorded = false;
        self.last_replied = Some(Replied::Unreadable);
        let request = match jsonrpc::parse(text) {
            Ok(request) => request,
            Err(malformed) => {
                let (id, error) = malformed.explain();
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
        self.settle(client, id, params, reply);
        // Also after a refusal: what was done before it has its consequences.
        self.run_after(now, client, after);
    }

    /// Answers, or gives the job that the answer follows from.
    fn settle(&mut self, client: ClientId, id: Id, params: Params, reply: Result<Reply, RpcError>) {
        match reply {
            Ok(Reply::Now(value)) => self.reply(client, encode::result(&id, &value)),
            Ok(Reply::Written(text)) => self.reply(client, encode::written(&id, &text)),
            Ok(Reply::Job(spec, finish)) => {
                self.give_job(client, id, spec, Ending::Plain(params, finish), false);
            }
            Ok(Reply::Lasting(spec, finish)) => {
                self.give_job(client, id, spec, Ending::Plain(params, finish), true);
            }
            Ok(Reply::Then(spec, then)) => self.give_job(client, id, spec, Ending::Then(then), false),
            Ok(Reply::Next { spec, next, lasts }) => {
                self.give_job(client, id, spec, Ending::Next(params, next), lasts);
            }
            Ok(Reply::Stats) => {
                let ticket = self.take_ticket();
                self.stats_asked.push((ticket, client, id));
                self.outputs.push_back(Output::Stats { ticket });
            }
            Err(error) => self.send_error(client, &id, &error),
        }
    }

    fn give_job(&mut self, client: ClientId, id: Id, spec: JobSpec, finish: Ending, lasts: bool) {
        let ticket = self.take_ticket();
        let errand = matches!(spec, JobSpec::Errand(_));
        let request = Request { client, id, finish, lasts, errand };
        self.jobs.insert(ticket, PendingJob::Request(request));
        self.outputs.push_back(Output::Job { ticket, spec });
    }

    pub(super) fn take_ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }

    pub(super) fn stats_told(&mut self, ticket: Ticket, stats: &Stats) {
        if let Some(at) = self.stats_asked.iter().position(|asked| asked.0 == ticket) {
            let (_, client, id) = self.stats_asked.swap_remove(at);
            self.reply(client, encode::result(&id, &metrics::json(stats)));
        }
    }

    /// A document that is no text at all.
    pub(super) fn answer_unreadable(&mut self, client: ClientId) {
        self.last_replied = Some(Replied::Unreadable);
        let (id, error) = Malformed::Parse.explain();
        self.send_error(client, &id, &error);
    }

    pub(super) fn job_done(&mut self, now: Now, ticket: Ticket, result: JobResult) {
        match self.jobs.remove(&ticket) {
            Some(PendingJob::Request(request)) => self.request_done(now, request, result),
            Some(PendingJob::Aside(aside)) => self.aside_done(now, aside, result),
            None => {}
        }
    }

    fn request_done(&mut self, now: Now, request: Request, result: JobResult) {
        self.recorded = false;
        let client = request.client;
        let waits = self.clients.contains_key(&client);
        if !waits && !request.lasts {
            // Whoever asked is gone; nothing may be made for nobody (a session, for one).
            return;
        }
        let mut params = Params::default();
        let (reply, after) = match request.finish {
            Ending::Plain(params, finish) => {
                self.guarded(now, client, |ctx| finish(ctx, &params, result).map(Reply::Now))
            }
            Ending::Then(then) => self.guarded(now, client, |ctx| then.run(ctx, result).map(Reply::Now)),
            Ending::Next(asked, next) => {
                params = asked;
                self.guarded(now, client, |ctx| next.run(ctx, result))
            }
        };
        if waits || reply.as_ref().is_ok_and(Reply::lasts) {
            self.settle(client, request.id, params, reply);
        }
        self.run_after(now, client, after);
    }

    pub(super) fn job_refused(&mut self, now: Now, ticket: Ticket, queued: usize) {
        match self.jobs.remove(&ticket) {
            Some(PendingJob::Request(request)) => {
                self.send_error(request.client, &request.id, &RpcError::overloaded(queued));
            }
            Some(PendingJob::Aside(aside)) => {
                let why = RpcError::overloaded(queued).message.into_owned();
                self.aside_done(now, aside, JobResult::Failed(why));
            }
            None => {}
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
                After::Info(session) => {
                    self.send_info(session);
                    self.warn_of_trouble(session);
                }
                After::Skin => self.send_skin(client),
                After::Asks(session) => self.send_asks(session),
                After::NextPrompt(session) => self.next_prompt(now, session),
                After::PreviewBegun { session, task, context } => self.preview_begun(session, task, context),
            }
        }
    }

    fn send_error(&mut self, client: ClientId, id: &Id, error: &RpcError) {
        self.counters.errors.add(error.class());
        self.reply(client, encode::error(id, error));
    }

    /// What was recorded for a request is kept before it is answered.
    fn reply(&mut self, client: ClientId, frame: Frame) {
        self.counters.replies += 1;
        let reply = Output::Send { client, frame, paced: false };
        let recorded = std::mem::take(&mut self.recorded);
        self.outputs.push_back(if recorded { Output::Durably(Box::new(reply)) } else { reply });
    }
}
