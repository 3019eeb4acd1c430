//! Sessions that come back from the store: their conversation, their place, and the question that was open
//! when their process ended. What the store says on its own is here too.

use std::sync::Arc;

use super::errand::Aside;
use super::history::in_order;
use super::io::Now;
use super::session::Queued;
use super::view::OTHER_AGENT;
use super::{Gateway, NewSession};
use crate::model::ask::Answer;
use crate::model::ids::{ClientId, SessionId};
use crate::model::job::{JobResult, JobSpec};
use crate::model::message::Message;
use crate::model::provider::ModelChoice;
use crate::model::store::{Asked, Change, Inquiry, Loaded, Row, StoreNews};
use crate::model::turn::Resumed;
use crate::wire::error::RpcError;
use crate::wire::event::Event;

impl Gateway {
    /// Makes a stored conversation live. Its working directory is looked for afterwards: it may be gone.
    pub(crate) fn revive(
        &mut self,
        now: Now,
        client: ClientId,
        new: NewSession,
        loaded: Loaded,
    ) -> Result<SessionId, RpcError> {
        let cwd = loaded.cwd;
        let chosen = cwd.is_some();
        let model = self.stored_choice(loaded.model, loaded.provider);
        let new = NewSession {
            key: Some(Arc::clone(&loaded.key)),
            cwd_chosen: chosen,
            source: new.source,
            cwd: cwd.unwrap_or(new.cwd),
            title: loaded.title,
            model: new.model.or(model),
            history: in_order(loaded.history),
            ..new
        };
        let id = self.create_session(now, client, new)?;
        let mut asks = loaded.asks.into_iter();
        let restored = asks.next();
        if let Some(session) = self.sessions.get_mut(&id) {
            session.stored = true;
            session.begun = loaded.started_at;
            session.usage = loaded.usage;
            session.context = loaded.context.map(in_order).map(Arc::new);
            session.restored.clone_from(&restored);
            // It goes on behind the next turn, not by itself: somebody has to be there.
            session.pursues = loaded.pursues;
        }
        if let Some(open) = restored {
            self.restore_ask(id, open);
        }
        // A turn asks one at a time; more can only be left of older ones.
        for old in asks {
            self.record(now, id, Change::AskOver { request: old.request });
        }
        self.find_place(id);
        Ok(id)
    }

    /// The model that a conversation was had with, if it is not the configured one: what was configured then
    /// is not a choice for this session. Nobody talks again to the demo agent, or to one of another program
    /// that is not there any more, and an endpoint without a name is the one that is configured now.
    fn stored_choice(&self, name: String, provider: String) -> Option<ModelChoice> {
        if let Some(agent) = &self.setup.other_agent {
            // The agent is told, and takes it if it has that model. Its own name stands for no choice.
            let is_chosen = provider == OTHER_AGENT && !name.is_empty() && name != *agent;
            return is_chosen.then(|| name.into());
        }
        let is_demo = ["demo", OTHER_AGENT].contains(&provider.as_str());
        let is_ours = provider == self.provider();
        let provider = Some(provider).filter(|it| !is_ours && !["", "auto", "custom"].contains(&it.as_str()));
        let is_configured = provider.is_none() && name == self.settings.model.name;
        if name.is_empty() || is_demo || is_configured {
            return None;
        }
        let choice = ModelChoice { name, provider };
        (!self.is_demo(Some(&choice))).then_some(choice)
    }

    /// What a branch of a session is made of. The session may be gone by now.
    pub(crate) fn branch_of(&self, of: SessionId, row: &Row, title: String) -> Result<NewSession, RpcError> {
        let parent = self.sessions.get(&of).ok_or_else(RpcError::no_session)?;
        Ok(NewSession {
            key: Some(Arc::clone(&row.key)),
            profile: parent.profile.clone(),
            cwd_chosen: parent.cwd_chosen,
            branched_from: row.branched_from.clone(),
            source: parent.source.clone(),
            cols: parent.cols,
            cwd: parent.cwd.clone(),
            branch: parent.branch.clone(),
            title: Some(title),
            model: None,
            close_on_disconnect: parent.close_on_disconnect,
            history: Vec::new(),
        })
    }

    /// A branch that the store has is live.
    pub(crate) fn branch_lives(
        &mut self,
        id: SessionId,
        history: Arc<Vec<Message>>,
        context: Option<Arc<Vec<Message>>>,
    ) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.stored = true;
            session.history = history;
            session.context = context;
        }
    }

    /// Looks for the session's directory and its branch.
    fn find_place(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let candidates = match session.cwd_chosen {
            true => vec![session.cwd.clone()],
            false => self.cwd_candidates(),
        };
        self.send_aside(JobSpec::Workspace { candidates }, Aside::Place { session: id });
    }

    /// Where it is.
    pub(super) fn place_found(&mut self, id: SessionId, result: JobResult) {
        let JobResult::Workspace { cwd, branch } = result else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.cwd = cwd;
        session.branch = branch;
        self.send_info(id);
    }

    /// Takes the answer to a question that outlived its process: the turn that asked it goes on. False when
    /// it is open no more.
    pub(crate) fn answer_restored(&mut self, now: Now, id: SessionId, request: u32, answer: Answer) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let Some(open) = session.restored.take_if(|open| open.request == request) else { return false };
        if session.turn.is_some() {
            return false;
        }
        self.asks.forget(request);
        let resumed = Resumed { question: open.question, answer, call: open.call };
        session.last_active = now.wall;
        let client = session.client;
        session
            .queue
            .push_front(Queued { resumed: Some(resumed), ..Queued::new(String::new(), Vec::new(), client) });
        true
    }

    /// The question is of no use any more: the conversation went on without it.
    pub(super) fn drop_restored(&mut self, now: Now, id: SessionId) {
        let Some(open) = self.sessions.get_mut(&id).and_then(|session| session.restored.take()) else {
            return;
        };
        self.asks.forget(open.request);
        self.record(now, id, Change::AskOver { request: open.request });
    }

    /// The session goes; its question stays in the store, for the next who resumes it.
    pub(super) fn forget_restored(&mut self, id: SessionId) {
        if let Some(open) = self.sessions.get_mut(&id).and_then(|session| session.restored.take()) {
            self.asks.forget(open.request);
        }
    }

    /// The session's title goes to the store, which knows whether it is free.
    pub(super) fn store_title(&mut self, id: SessionId) {
        let (Some(row), Some(session)) = (self.row(id), self.sessions.get(&id)) else { return };
        let Some(title) = session.title.clone() else { return };
        let what = Asked::Title { row: Box::new(row), title };
        let inquiry = Inquiry { profile: session.profile.clone(), what };
        self.send_aside(JobSpec::Store(Box::new(inquiry)), Aside::StoredTitle { session: id });
    }

    /// Who opens a session while nothing can be saved hears of it too.
    pub(super) fn warn_of_trouble(&mut self, id: SessionId) {
        if let Some(why) = &self.store_trouble {
            let text = trouble(why);
            self.emit(id, &Event::StatusUpdate { kind: "warn", text: &text });
        }
    }

    /// The store has something to say to everybody.
    pub(super) fn store_says(&mut self, news: StoreNews) {
        let text = match news {
            // Whoever drives the gateway waits for that.
            StoreNews::Durable(_) => return,
            StoreNews::Trouble(why) => {
                let text = trouble(&why);
                self.store_trouble = Some(why);
                text
            }
            StoreNews::Recovered => {
                self.store_trouble = None;
                "conversations are saved again".to_owned()
            }
        };
        let heard: Vec<SessionId> = self.sessions_by_age().into_iter().map(|session| session.id).collect();
        for id in heard {
            self.emit(id, &Event::StatusUpdate { kind: "warn", text: &text });
        }
    }
}

/// What people are told while nothing can be saved.
fn trouble(why: &str) -> String {
    format!(
        "conversations cannot be saved ({why}); they go on in memory, and are saved when that works again"
    )
}
