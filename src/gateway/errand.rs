//! Work for a model outside of turns that nobody waits for: what comes of it is an event of its session. What
//! comes of an errand that answers a request is its method's.

use std::sync::Arc;

use super::Gateway;
use super::dispatch::PendingJob;
use super::goal::Step;
use super::io::{Now, Output};
use super::title::clean_title;
use crate::limits::ERRANDS_MAX;
use crate::model::errand::{Errand, ErrandEnd};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::message::Role;
use crate::model::store::{Change, Told};
use crate::model::turn::TurnSpec;
use crate::wire::error::RpcError;
use crate::wire::event::Event;

/// Characters of a prompt and of its answer that a title is made from, as in the original.
const TITLE_INPUT_CHARS: usize = 500;

/// Prompts of a conversation after which no title is asked for any more, as in the original.
const TITLE_PROMPTS_MAX: usize = 2;

/// An errand that nobody waits for.
#[derive(Debug)]
pub(super) enum Aside {
    /// A prompt of its own; the session hears the answer.
    Background {
        session: SessionId,
        /// Its id on the wire; the stored key of what its tools leave.
        task: String,
    },
    /// Work on a server whose preview does not load; the session hears what came of it.
    Preview {
        session: SessionId,
        /// Its id on the wire.
        task: String,
    },
    /// A title for the session.
    Title { session: SessionId },
    /// Whether the store takes the session's title.
    StoredTitle { session: SessionId },
    /// Where a session is that came back from the store.
    Place { session: SessionId },
    /// A step on the way to a verdict on the session's goal.
    Goal { session: SessionId, number: u64, step: Step },
    /// The session's goal rests, because somebody stopped what was done for it.
    GoalStopped { session: SessionId },
}

impl Aside {
    /// Whether an agent does it.
    pub(super) fn is_errand(&self) -> bool {
        matches!(
            self,
            Aside::Background { .. }
                | Aside::Preview { .. }
                | Aside::Title { .. }
                | Aside::Goal { step: Step::Verdict, .. }
        )
    }
}

impl Gateway {
    /// Whether one more errand may begin; an overload error if not.
    pub(crate) fn room_for_errand(&self) -> Result<(), RpcError> {
        let errands = self.jobs.values().filter(|job| job.is_errand()).count();
        if errands >= ERRANDS_MAX { Err(RpcError::overloaded(errands)) } else { Ok(()) }
    }

    /// Begins a prompt beside the session's conversation and gives its id.
    pub(crate) fn begin_background(&mut self, id: SessionId, prompt: String) -> Result<String, RpcError> {
        self.room_for_errand()?;
        let task = loop {
            let task = format!("bg_{:06x}", self.random.next_u32() & 0xff_ffff);
            if self.jobs.values().all(|job| !job.is_task(&task)) {
                break task;
            }
        };
        let turn = self.take_turn_id();
        let session = self.sessions.get(&id).ok_or_else(RpcError::no_session)?;
        let spec = TurnSpec {
            session_key: task.clone(),
            history: Arc::default(),
            ..session.spec(turn, prompt, Vec::new())
        };
        let aside = Aside::Background { session: id, task: task.clone() };
        self.send_aside(JobSpec::Errand(Box::new(Errand::Background(Box::new(spec)))), aside);
        Ok(task)
    }

    /// A conversation has begun: it is given a title, unless it has one, or its model was asked before and
    /// may still answer.
    pub(super) fn ask_for_title(&mut self, id: SessionId, prompt: &str, answer: &str) {
        if !self.setup.titles || self.uses_demo() || prompt.trim().is_empty() || answer.trim().is_empty() {
            return;
        }
        let Some(session) = self.sessions.get(&id).filter(|session| session.title.is_none()) else { return };
        let prompts = session.history.iter().filter(|message| message.role == Role::User).count();
        let is_asked = self.jobs.values().any(|job| job.is_title_of(id));
        if prompts > TITLE_PROMPTS_MAX || is_asked || self.room_for_errand().is_err() {
            return;
        }
        let first = |text: &str| text.chars().take(TITLE_INPUT_CHARS).collect::<String>();
        let model = session.model.clone();
        let errand = Errand::Title { model, prompt: first(prompt), answer: first(answer) };
        self.send_aside(JobSpec::Errand(Box::new(errand)), Aside::Title { session: id });
    }

    pub(super) fn send_aside(&mut self, spec: JobSpec, aside: Aside) {
        let ticket = self.take_ticket();
        self.jobs.insert(ticket, PendingJob::Aside(aside));
        self.outputs.push_back(Output::Job { ticket, spec });
    }

    /// It is done. Its session may be gone, or without a client.
    pub(super) fn aside_done(&mut self, now: Now, aside: Aside, result: JobResult) {
        match aside {
            Aside::Background { session, task } => {
                let text = errand_end(result).unwrap_or_else(|why| format!("error: {why}"));
                self.emit(session, &Event::BackgroundComplete { task_id: &task, text: &text });
                // What its tools left running is nobody's.
                self.outputs.push_back(Output::SessionClosed { key: task });
            }
            Aside::Preview { session, task } => self.preview_done(session, &task, result),
            // Silent when it fails: the second exchange is another chance.
            Aside::Title { session } => {
                if let Ok(text) = errand_end(result)
                    && let Ok(Some(title)) = clean_title(&text)
                {
                    self.take_title(session, title);
                }
            }
            Aside::StoredTitle { session } => self.title_stored(now, session, result),
            Aside::Place { session } => self.place_found(session, result),
            Aside::Goal { session, number, step } => self.goal_step(now, session, number, step, result),
            Aside::GoalStopped { session } => self.goal_stopped(now, session, result),
        }
    }

    /// The model's title counts if nobody gave one meanwhile, and if no other session has it.
    fn take_title(&mut self, id: SessionId, title: String) {
        if self.title_holder(id, &title).is_some() {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.title.is_none()) else {
            return;
        };
        let key = session.key.clone();
        session.title = Some(title.clone());
        self.emit(id, &Event::SessionTitle { session_id: &key, title: &title });
        self.store_title(id);
    }

    /// A person gave a title that is free. `pending`: the store does not have it yet.
    pub(crate) fn take_title_of_person(
        &mut self,
        now: Now,
        id: SessionId,
        title: String,
        pending: bool,
    ) -> Result<(), RpcError> {
        let session = self.sessions.get_mut(&id).ok_or_else(RpcError::no_session)?;
        // An earlier title is of no use any more.
        session.title = None;
        self.begin_record(now, id);
        if pending {
            self.record(now, id, Change::Title(title.clone()));
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.title = Some(title);
        }
        Ok(())
    }

    /// A title that a stored conversation has already is dropped, as the original drops it: a model may find
    /// another one. One that could not be written yet is written when the store writes again.
    fn title_stored(&mut self, now: Now, id: SessionId, result: JobResult) {
        let Some(title) = self.sessions.get(&id).and_then(|session| session.title.clone()) else { return };
        match result {
            JobResult::Store(Ok(told)) => {
                if let Told::Titled(Err(holder)) = *told {
                    log::info!("session {id}: the title is taken by {holder}");
                    if let Some(session) = self.sessions.get_mut(&id) {
                        session.title = None;
                    }
                    self.send_info(id);
                }
            }
            _ => self.record(now, id, Change::Title(title)),
        }
    }
}

/// The text an errand came to, or why there is none.
pub(crate) fn errand_end(result: JobResult) -> Result<String, String> {
    match result {
        JobResult::Errand(end) => match *end {
            ErrandEnd::Text { text, .. } => Ok(text),
            ErrandEnd::Failed(why) => Err(why),
            ErrandEnd::Compressed(_) => Err(wrong("a compression")),
            ErrandEnd::Menu(_) => Err(wrong("a menu")),
        },
        JobResult::Failed(why) => Err(why),
        _ => Err(wrong("no errand's")),
    }
}

fn wrong(what: &str) -> String {
    log::error!("an errand gave the wrong result: {what}");
    "internal error".to_owned()
}
