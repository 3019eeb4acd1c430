//! A pool of workers that finish in any order, fail, and have no room.

use std::path::PathBuf;
use std::sync::Arc;

use super::hand::Hand;
use crate::model::ids::Ticket;
use crate::model::job::{JobResult, JobSpec, PathItem};
use crate::model::settings::Settings;
use crate::model::store::{StoreError, Told};
use crate::reactor::mailbox::{Bell, Haste, MailReceiver, MailSender, Refused, mailbox};

/// A finished job.
pub(super) type Done = (Ticket, JobResult);

/// What is under way.
#[derive(Debug)]
enum Work {
    /// A worker does it.
    Pool(JobSpec),
    /// The store has answered.
    Store(Result<Box<Told>, StoreError>),
}

/// The pool, and the store's thread as far as it answers.
#[derive(Debug)]
pub(super) struct Jobs {
    waiting: Vec<(Ticket, Work)>,
    most: usize,
    results: MailSender<Done, Hand>,
    mail: MailReceiver<Done>,
}

impl Jobs {
    /// A pool with room for `most` jobs.
    pub(super) fn new(bell: &Arc<Bell<Hand>>, most: usize) -> Self {
        let (results, mail) = mailbox(bell, most);
        Self { waiting: Vec::new(), most, results, mail }
    }

    /// Where results arrive.
    pub(super) fn mail(&self) -> &MailReceiver<Done> {
        &self.mail
    }

    /// Takes a job, or says how many wait.
    pub(super) fn submit(&mut self, ticket: Ticket, spec: JobSpec) -> Result<(), usize> {
        if self.waiting.len() >= self.most {
            return Err(self.waiting.len());
        }
        self.waiting.push((ticket, Work::Pool(spec)));
        Ok(())
    }

    /// Takes an answer of the store, which comes in its time.
    pub(super) fn answer(&mut self, ticket: Ticket, told: Result<Told, StoreError>) {
        self.waiting.push((ticket, Work::Store(told.map(Box::new))));
    }

    /// Jobs that are not done.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The `index`-th job is done. A full queue of results makes its worker wait.
    pub(super) fn finish(&mut self, index: usize, fail: bool, settings: &Arc<Settings>) -> Option<Ticket> {
        let (ticket, work) = self.waiting.get(index)?;
        let why = "the disk is full".to_owned();
        let result = match (fail, work) {
            (true, Work::Pool(_)) => JobResult::Failed(why),
            (true, Work::Store(_)) => JobResult::Store(Err(StoreError::Failed(why))),
            (false, Work::Pool(spec)) => result(spec, settings),
            (false, Work::Store(told)) => JobResult::Store(told.clone()),
        };
        match self.results.offer((*ticket, result), Haste::Now) {
            Ok(()) => Some(self.waiting.remove(index).0),
            Err(Refused::Full(_) | Refused::Gone(_)) => None,
        }
    }
}

fn result(spec: &JobSpec, settings: &Arc<Settings>) -> JobResult {
    match spec {
        JobSpec::LoadSettings => JobResult::Settings(Arc::clone(settings)),
        JobSpec::ReloadEnv => JobResult::Env { changed: 0, settings: Arc::clone(settings) },
        JobSpec::Workspace { .. } | JobSpec::ProfileWorkspace { .. } => {
            JobResult::Workspace { cwd: PathBuf::from("/w"), branch: "main".to_owned() }
        }
        JobSpec::Directory { path } => {
            JobResult::Directory { cwd: path.clone(), branch: "main".to_owned(), root: PathBuf::from("/w") }
        }
        JobSpec::Facts(_) => JobResult::Facts(None),
        JobSpec::Verification { .. } => JobResult::Verification(None),
        JobSpec::SaveConversation(_) => {
            JobResult::Saved(PathBuf::from("/home/user/.hermes/sessions/saved/conversation.json"))
        }
        JobSpec::CompletePath { word, .. } => {
            let (text, display) = (word.clone(), word.clone());
            JobResult::Completions(vec![PathItem { text, display, meta: String::new() }])
        }
        JobSpec::Errand(_)
        | JobSpec::Store(_)
        | JobSpec::Agent(_)
        | JobSpec::Projects(_)
        | JobSpec::Extensions(_)
        | JobSpec::Plugins
        | JobSpec::Cron(_)
        | JobSpec::Learning(_)
        | JobSpec::Shell(_)
        | JobSpec::Browser(_)
        | JobSpec::Attach(_)
        | JobSpec::SpawnTree(_)
        | JobSpec::EditSettings { .. } => JobResult::Failed("not here".to_owned()),
        JobSpec::DetectDrop { .. } => JobResult::Drop(None),
        JobSpec::SavePaste { text, number } => JobResult::Paste {
            path: PathBuf::from("/home/user/.hermes/pastes/paste"),
            lines: text.matches('\n').count() + 1,
            number: *number,
        },
    }
}
