//! The thread that owns the store. It takes everything that waits and writes it together: one sync of the
//! disk serves all sessions. What cannot be written is kept and tried again, and the loop waits for none of
//! it. Knows when something is written, not what it means.

mod pile;
mod post;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use pile::{BATCH_MAX, Pile};
use post::Post;

use super::Store;
use crate::limits::JOB_QUEUE_MAX;
use crate::model::goal::GoalWish;
use crate::model::ids::Ticket;
use crate::model::job::JobResult;
use crate::model::store::{Asked, Inquiry, Profile, Record, StoreError, StoreNews, Told};
use crate::reactor::mailbox::MailSender;

/// Stack of the thread: that of a worker of the pool, as its deepest work is bounded too.
const STACK_BYTES: usize = 1 << 20;

/// The pause between two tries to write while new records come: a failure costs a look at the file.
const RETRY_MIN: Duration = Duration::from_millis(200);

/// The pause between two tries while nothing comes.
const RETRY: Duration = Duration::from_secs(1);

/// How soon mail for which there was no room is tried again.
const POST_RETRY: Duration = Duration::from_millis(10);

/// What the thread is told.
enum Word {
    Record(Record),
    Mark(u64),
    /// Answered by mail.
    Ask(Ticket, Inquiry),
    /// Answered to a thread that waits.
    Call(Inquiry, Sender<Result<Told, StoreError>>),
    /// No more comes. What cannot be written is tried until then.
    End(Instant),
}

/// Gives the store work, from any thread.
#[derive(Clone, Debug)]
pub struct StoreHandle {
    // Unbounded on purpose: a record cannot be refused, and the loop must not wait. What is recorded is
    // bounded by what sessions may hold and by how fast turns speak.
    words: Sender<Word>,
    /// Inquiries whose answers are still to be mailed.
    waiting: Arc<AtomicUsize>,
}

impl StoreHandle {
    /// Records a change; never waits.
    pub fn record(&self, record: Record) {
        if self.words.send(Word::Record(record)).is_err() {
            log::error!("the store has ended: a change is not kept");
        }
    }

    /// Asks for [`StoreNews::Durable`] once everything recorded before is kept. Marks grow, so that one may
    /// be answered for all before it.
    pub fn mark(&self, mark: u64) {
        if self.words.send(Word::Mark(mark)).is_err() {
            log::error!("the store has ended: mark {mark} is not answered");
        }
    }

    /// Asks; the answer comes by mail.
    ///
    /// # Errors
    /// How many inquiries wait, when there is no room or the store has ended.
    pub fn ask(&self, ticket: Ticket, inquiry: Inquiry) -> Result<(), usize> {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst);
        if waiting < JOB_QUEUE_MAX && self.words.send(Word::Ask(ticket, inquiry)).is_ok() {
            return Ok(());
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        Err(waiting)
    }

    /// Asks and waits for the answer. For threads of agents; the loop never waits.
    ///
    /// # Errors
    /// Those of the store, and the end of it.
    pub fn call(&self, inquiry: Inquiry) -> Result<Told, StoreError> {
        let ended = || StoreError::Unavailable("the server is shutting down".to_owned());
        let (reply, answer) = crossbeam_channel::bounded(1);
        self.words.send(Word::Call(inquiry, reply)).map_err(|_| ended())?;
        answer.recv().unwrap_or_else(|_| Err(ended()))
    }
}

/// The thread, to be ended.
#[derive(Debug)]
pub struct StoreThread {
    words: Sender<Word>,
    /// Whether everything was written, once it is closed.
    closed: Receiver<bool>,
}

impl StoreThread {
    /// No more comes: what is left is written and the store closed. True if that was done within `wait`.
    pub fn finish(self, wait: Duration) -> bool {
        let sent = self.words.send(Word::End(Instant::now() + wait));
        sent.is_ok() && self.closed.recv_timeout(wait).unwrap_or(false)
    }
}

/// Starts the thread.
///
/// # Errors
/// The system gives no thread.
pub fn start(
    store: Box<dyn Store>,
    results: MailSender<(Ticket, JobResult)>,
    news: MailSender<StoreNews>,
) -> io::Result<(StoreHandle, StoreThread)> {
    let (words, taken) = crossbeam_channel::unbounded();
    let (closing, closed) = crossbeam_channel::bounded(1);
    let waiting = Arc::new(AtomicUsize::new(0));
    let keeper = Keeper {
        store,
        words: taken,
        piles: BTreeMap::new(),
        in_trouble: false,
        mark: None,
        results: Post::new(results),
        news: Post::new(news),
        waiting: Arc::clone(&waiting),
    };
    let work = move || {
        let all = keeper.run();
        // Nobody may be waiting any more.
        let _ = closing.send(all);
    };
    thread::Builder::new().name("store".to_owned()).stack_size(STACK_BYTES).spawn(work)?;
    Ok((StoreHandle { words: words.clone(), waiting }, StoreThread { words, closed }))
}

/// What the thread has.
struct Keeper {
    store: Box<dyn Store>,
    words: Receiver<Word>,
    /// What is not written yet. Each profile has a database of its own, so that trouble with one of them
    /// holds no other up; a pile stays until all of it is written.
    piles: BTreeMap<Profile, Pile>,
    /// It was told that something cannot be written.
    in_trouble: bool,
    /// The newest mark that is not answered.
    mark: Option<u64>,
    results: Post<(Ticket, JobResult)>,
    news: Post<StoreNews>,
    waiting: Arc<AtomicUsize>,
}

impl Keeper {
    /// Works until the end; whether everything was written.
    fn run(mut self) -> bool {
        let until = loop {
            match self.next() {
                Ok(word) => {
                    if let Some(until) = self.take(word) {
                        break until;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.write(RETRY);
                    self.send_mail();
                }
                // Everybody who could end it is gone.
                Err(RecvTimeoutError::Disconnected) => break Instant::now(),
            }
        };
        self.end(until)
    }

    /// The next word; waits no longer than there is something else to do.
    fn next(&self) -> Result<Word, RecvTimeoutError> {
        if self.results.is_waiting() || self.news.is_waiting() {
            self.words.recv_timeout(POST_RETRY)
        } else if self.in_trouble {
            self.words.recv_timeout(RETRY)
        } else {
            self.words.recv().map_err(|_| RecvTimeoutError::Disconnected)
        }
    }

    /// Takes a word and what waits behind it; until when to try, if that is the end.
    fn take(&mut self, first: Word) -> Option<Instant> {
        let behind = self.words.clone();
        let mut end = None;
        // Who asks now has waited for the first try; a second one would fail the same way.
        let mut pause = Duration::ZERO;
        for word in std::iter::once(first).chain(behind.try_iter()).take(BATCH_MAX) {
            match word {
                Word::Record(record) => self.piles.entry(record.profile.clone()).or_default().push(record),
                Word::Mark(mark) => self.mark = Some(mark),
                Word::Ask(ticket, inquiry) => {
                    self.write(std::mem::replace(&mut pause, RETRY_MIN));
                    let told = self.answer(&inquiry).map(Box::new);
                    self.results.push((ticket, JobResult::Store(told)));
                    self.send_mail();
                }
                Word::Call(inquiry, reply) => {
                    self.write(std::mem::replace(&mut pause, RETRY_MIN));
                    // Who called may be gone.
                    let _ = reply.send(self.answer(&inquiry));
                }
                Word::End(until) => {
                    end = Some(until);
                    break;
                }
            }
        }
        self.write(RETRY_MIN);
        self.send_mail();
        end
    }

    /// Writes what waits; what could not be written less than `pause` ago rests. All marks before are
    /// answered by that, also in trouble: conversations go on in memory.
    fn write(&mut self, pause: Duration) {
        let store = &mut *self.store;
        for (profile, pile) in &mut self.piles {
            if !pile.rests(pause) {
                pile.write(store, profile);
            }
        }
        self.piles.retain(|_, pile| pile.trouble().is_some());
        self.tell_trouble();
        if let Some(mark) = self.mark.take() {
            match self.news.newest() {
                Some(StoreNews::Durable(before)) => *before = mark,
                _ => self.news.push(StoreNews::Durable(mark)),
            }
        }
    }

    /// Says once that there is trouble, and once that it is over.
    fn tell_trouble(&mut self) {
        let why = self.piles.values().find_map(Pile::trouble).map(StoreError::to_string);
        let news = match (why, self.in_trouble) {
            (Some(why), false) => {
                log::error!("conversations cannot be written: {why}");
                StoreNews::Trouble(why)
            }
            (None, true) => {
                log::info!("conversations are written again");
                StoreNews::Recovered
            }
            _ => return,
        };
        self.in_trouble = !self.in_trouble;
        self.news.push(news);
    }

    /// Answers an inquiry, if what it needs is written.
    fn answer(&mut self, inquiry: &Inquiry) -> Result<Told, StoreError> {
        let trouble = self.piles.get(&inquiry.profile).and_then(Pile::trouble);
        if let Some(why) = trouble
            && needs_all(&inquiry.what)
        {
            return Err(why.clone());
        }
        let store = &mut *self.store;
        let answered = catch_unwind(AssertUnwindSafe(|| store.answer(&inquiry.profile, &inquiry.what)));
        answered.unwrap_or_else(|_| {
            log::error!("an inquiry panicked in the store");
            Err(StoreError::Failed("internal error".to_owned()))
        })
    }

    fn send_mail(&mut self) {
        self.news.flush();
        let answered = self.results.flush();
        self.waiting.fetch_sub(answered, Ordering::SeqCst);
    }

    /// Writes what is left and closes the store; whether everything was written.
    fn end(mut self, until: Instant) -> bool {
        self.write(Duration::ZERO);
        while self.in_trouble && Instant::now() + RETRY_MIN < until {
            thread::sleep(RETRY_MIN);
            self.write(Duration::ZERO);
        }
        self.send_mail();
        let lost: usize = self.piles.values().map(Pile::len).sum();
        if lost > 0 {
            log::error!("{lost} changes of conversations could not be written and are lost");
        }
        let store = &mut *self.store;
        if catch_unwind(AssertUnwindSafe(|| store.close())).is_err() {
            log::error!("the store panicked when it was closed");
        }
        lost == 0
    }
}

/// Whether an answer would be wrong without what is not written yet. The others are answered from what is
/// there.
fn needs_all(asked: &Asked) -> bool {
    match asked {
        // What changes goals does not wait to be written.
        Asked::Goal { wish: GoalWish::Show, .. } => false,
        Asked::Load { .. }
        | Asked::Title { .. }
        | Asked::Branch(_)
        | Asked::Claim { .. }
        | Asked::Delete { .. }
        | Asked::HandOff { .. }
        | Asked::HandoffFail { .. }
        | Asked::Goal { .. }
        | Asked::NoteRoots(_) => true,
        Asked::List { .. }
        | Asked::HandoffState { .. }
        | Asked::Insights { .. }
        | Asked::Search(_)
        | Asked::Read(_)
        | Asked::Rows { .. }
        | Asked::Workdirs => false,
    }
}

#[cfg(test)]
mod tests;
