//! The pool for what may block: a bounded queue and a few threads, started when there is work for them. A
//! full queue refuses; a reply is never dropped. Knows files and processes, not what a job is for.

mod run;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError};

use crate::limits::JOB_QUEUE_MAX;
use crate::model::ids::Ticket;
use crate::model::job::{JobResult, JobSpec};
use crate::reactor::mailbox::{Bell, Haste, MailReceiver, MailSender, mailbox};

pub use run::{AskStore, Workshop};

/// Stack of a worker. The deepest work is a bounded directory walk and a bounded YAML parse.
const STACK_BYTES: usize = 1 << 20;

type Work = (Ticket, JobSpec);

/// A finished job.
pub type Done = (Ticket, JobResult);

/// The pool.
pub struct Pool {
    queue: Sender<Work>,
    /// Cloned for each worker.
    taken: Receiver<Work>,
    results: MailSender<Done>,
    workshop: Arc<Workshop>,
    idle: Arc<AtomicUsize>,
    workers: usize,
    workers_max: usize,
}

impl Pool {
    /// A pool of at most `workers_max` threads, none yet; results ring `bell`.
    pub fn new(bell: &Arc<Bell>, workers_max: usize, workshop: Workshop) -> (Self, MailReceiver<Done>) {
        let (queue, taken) = crossbeam_channel::bounded(JOB_QUEUE_MAX);
        let (results, mail) = mailbox(bell, JOB_QUEUE_MAX);
        let pool = Self {
            queue,
            taken,
            results,
            workshop: Arc::new(workshop),
            idle: Arc::new(AtomicUsize::new(0)),
            workers: 0,
            workers_max,
        };
        (pool, mail)
    }

    /// Queues a job; the error says how many wait when there is no room.
    pub fn submit(&mut self, ticket: Ticket, spec: JobSpec) -> Result<(), usize> {
        match self.queue.try_send((ticket, spec)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return Err(self.queue.len()),
        }
        if self.workers < self.workers_max && self.idle.load(Ordering::SeqCst) < self.queue.len() {
            self.hire();
        }
        Ok(())
    }

    /// Where results go, for work of the same kind that is done elsewhere.
    pub fn results(&self) -> MailSender<Done> {
        self.results.clone()
    }

    fn hire(&mut self) {
        let (taken, results) = (self.taken.clone(), self.results.clone());
        let (workshop, idle) = (Arc::clone(&self.workshop), Arc::clone(&self.idle));
        let work = move || {
            idle.fetch_add(1, Ordering::SeqCst);
            while let Ok((ticket, spec)) = taken.recv() {
                idle.fetch_sub(1, Ordering::SeqCst);
                let result = catch_unwind(AssertUnwindSafe(|| workshop.run(spec)));
                let result = result.unwrap_or_else(|_| JobResult::Failed("internal error".to_owned()));
                idle.fetch_add(1, Ordering::SeqCst);
                if results.send((ticket, result), Haste::Now).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name(format!("job-{}", self.workers)).stack_size(STACK_BYTES);
        match thread.spawn(work) {
            Ok(_) => self.workers += 1,
            // With no worker at all the job would wait for ever; the next submit tries again.
            Err(error) => log::error!("cannot start a worker: {error}"),
        }
    }
}
