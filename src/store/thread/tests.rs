//! Order, trouble and the end, with a store that does as it is told.

use std::sync::{Mutex, MutexGuard};

use super::*;
use crate::model::message::{Message, Role};
use crate::model::store::Change;
use crate::reactor::mailbox::{Mail, MailReceiver, lone_bell, mailbox};

/// Far beyond what any machine needs.
const LONG: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Script {
    /// Profiles whose database cannot be written.
    failing: Vec<Profile>,
    applied: Vec<(Profile, Vec<Record>)>,
    closed: bool,
}

/// A store that does as it is told: it panics at [`Change::Failed`] and [`Asked::Insights`], and waits at the
/// gate when it is asked for [`Asked::HandoffState`].
struct Scripted {
    script: Arc<Mutex<Script>>,
    entered: Sender<()>,
    gate: Receiver<()>,
}

impl Store for Scripted {
    fn apply(&mut self, profile: &Profile, records: &[Record]) -> Result<(), StoreError> {
        assert!(records.iter().all(|record| record.change != Change::Failed), "as scripted");
        let mut script = self.script.lock().unwrap();
        if script.failing.contains(profile) {
            return Err(full());
        }
        script.applied.push((profile.clone(), records.to_vec()));
        Ok(())
    }

    fn answer(&mut self, _: &Profile, asked: &Asked) -> Result<Told, StoreError> {
        match asked {
            Asked::HandoffState { .. } => {
                self.entered.send(()).unwrap();
                self.gate.recv().unwrap();
                Ok(Told::Handoff(None))
            }
            Asked::Insights { .. } => panic!("as scripted"),
            Asked::Load { .. } => Ok(Told::Loaded(None)),
            _ => Ok(Told::List(Vec::new())),
        }
    }

    fn close(&mut self) {
        self.script.lock().unwrap().closed = true;
    }
}

struct Rig {
    handle: StoreHandle,
    thread: Option<StoreThread>,
    script: Arc<Mutex<Script>>,
    entered: Receiver<()>,
    gate: Sender<()>,
    results: MailReceiver<(Ticket, JobResult)>,
    news: MailReceiver<StoreNews>,
    _poll: mio::Poll,
}

/// A thread with a scripted store and mailboxes of this size.
fn rig(mail_max: usize) -> Rig {
    let (poll, bell) = lone_bell().unwrap();
    let (results_sender, results) = mailbox(&bell, mail_max);
    let (news_sender, news) = mailbox(&bell, mail_max);
    let (entering, entered) = crossbeam_channel::unbounded();
    let (gate, open) = crossbeam_channel::unbounded();
    let script = Arc::default();
    let store = Scripted { script: Arc::clone(&script), entered: entering, gate: open };
    let (handle, thread) = start(Box::new(store), results_sender, news_sender).unwrap();
    Rig { handle, thread: Some(thread), script, entered, gate, results, news, _poll: poll }
}

impl Rig {
    /// Keeps the thread busy until [`Rig::release`], so that what comes meanwhile waits together.
    fn hold(&self) {
        self.handle.ask(Ticket(0), inquiry(Asked::HandoffState { key: "a".into() })).unwrap();
        self.entered.recv().unwrap();
    }

    fn release(&self) {
        self.gate.send(()).unwrap();
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    fn applied(&self) -> Vec<(Profile, Vec<Record>)> {
        self.script().applied.clone()
    }

    fn news(&self) -> StoreNews {
        next(&self.news)
    }

    fn answered(&self) -> (u64, Result<Told, StoreError>) {
        let (Ticket(ticket), JobResult::Store(told)) = next(&self.results) else { panic!() };
        (ticket, told.map(|told| *told))
    }

    fn finish(&mut self, wait: Duration) -> bool {
        self.thread.take().unwrap().finish(wait)
    }
}

fn next<T>(mail: &MailReceiver<T>) -> T {
    loop {
        match mail.take() {
            Mail::Item(item) | Mail::Newest(item) => return item,
            Mail::Empty => thread::sleep(Duration::from_millis(1)),
            Mail::Closed => panic!("the thread is gone"),
        }
    }
}

fn full() -> StoreError {
    StoreError::Unavailable("disk full".to_owned())
}

fn record(key: &str, change: Change) -> Record {
    Record { profile: None, key: key.into(), at: 1.0, change }
}

fn said(key: &str, text: &str) -> Record {
    record(key, Change::Append(vec![Message::new(Role::User, text)]))
}

fn streamed(key: &str, text: &str) -> Record {
    record(key, Change::Streamed(text.to_owned()))
}

fn inquiry(what: Asked) -> Inquiry {
    Inquiry { profile: None, what }
}

fn load() -> Inquiry {
    inquiry(Asked::Load { name: "a".to_owned(), at: 1.0 })
}

fn list() -> Inquiry {
    inquiry(Asked::List { limit: 0 })
}

#[test]
fn what_waits_is_written_together_and_marks_come_after_it() {
    let rig = rig(8);
    rig.hold();
    let records = vec![said("a", "1"), said("b", "2"), said("a", "3")];
    for (mark, record) in (1..).zip(records.clone()) {
        rig.handle.record(record);
        rig.handle.mark(mark);
    }
    assert_eq!(rig.news.take(), Mail::Empty);
    rig.release();
    assert_eq!(rig.news(), StoreNews::Durable(3));
    assert_eq!(rig.applied(), [(None, records)]);
}

#[test]
fn an_inquiry_is_answered_after_what_was_recorded_before_it() {
    let rig = rig(8);
    rig.handle.record(said("a", "1"));
    rig.handle.ask(Ticket(7), load()).unwrap();
    assert_eq!(rig.answered(), (7, Ok(Told::Loaded(None))));
    assert_eq!(rig.applied(), [(None, vec![said("a", "1")])]);
    assert_eq!(rig.handle.call(list()), Ok(Told::List(Vec::new())));
}

#[test]
fn profiles_are_written_on_their_own() {
    let rig = rig(8);
    rig.hold();
    let work = Record { profile: Some("work".into()), ..said("b", "2") };
    for record in [said("a", "1"), work.clone(), said("c", "3")] {
        rig.handle.record(record);
    }
    rig.release();
    assert_eq!(rig.handle.call(list()), Ok(Told::List(Vec::new())));
    let own = vec![said("a", "1"), said("c", "3")];
    assert_eq!(rig.applied(), [(None, own), (work.profile.clone(), vec![work])]);
}

#[test]
fn streamed_text_is_not_written_when_its_message_is_here_too() {
    let rig = rig(8);
    rig.hold();
    for record in [streamed("a", "x"), streamed("b", "y"), said("a", "1"), streamed("a", "z")] {
        rig.handle.record(record);
    }
    rig.release();
    rig.handle.mark(1);
    assert_eq!(rig.news(), StoreNews::Durable(1));
    let written: Vec<Record> = rig.applied().into_iter().flat_map(|(_, records)| records).collect();
    assert_eq!(written, [streamed("b", "y"), said("a", "1"), streamed("a", "z")]);
}

#[test]
fn trouble_is_told_once_and_nothing_is_lost_by_it() {
    let rig = rig(8);
    rig.script().failing.push(None);
    rig.handle.record(said("a", "1"));
    rig.handle.mark(1);
    assert_eq!(rig.news(), StoreNews::Trouble("state.db unavailable: disk full".to_owned()));
    assert_eq!(rig.news(), StoreNews::Durable(1));
    rig.handle.record(said("a", "2"));
    assert_eq!(rig.handle.call(load()), Err(full()));
    assert_eq!(rig.handle.call(list()), Ok(Told::List(Vec::new())));
    let other = Inquiry { profile: Some("work".into()), ..load() };
    assert_eq!(rig.handle.call(other), Ok(Told::Loaded(None)), "its database can be written");
    rig.script().failing.clear();
    assert_eq!(rig.handle.call(load()), Ok(Told::Loaded(None)));
    assert_eq!(rig.news(), StoreNews::Recovered);
    assert_eq!(rig.applied(), [(None, vec![said("a", "1"), said("a", "2")])]);
}

#[test]
fn it_tries_again_by_itself() {
    let rig = rig(8);
    rig.script().failing.push(None);
    rig.handle.record(said("a", "1"));
    assert!(matches!(rig.news(), StoreNews::Trouble(_)));
    rig.script().failing.clear();
    assert_eq!(rig.news(), StoreNews::Recovered);
    assert_eq!(rig.applied().len(), 1);
}

#[test]
fn too_many_inquiries_are_refused_and_none_is_forgotten() {
    let rig = rig(64);
    rig.hold();
    for ticket in 1..JOB_QUEUE_MAX as u64 {
        assert_eq!(rig.handle.ask(Ticket(ticket), list()), Ok(()));
    }
    assert_eq!(rig.handle.ask(Ticket(9999), list()), Err(JOB_QUEUE_MAX));
    rig.release();
    for ticket in 0..JOB_QUEUE_MAX as u64 {
        assert_eq!(rig.answered().0, ticket);
    }
    assert_eq!(rig.handle.ask(Ticket(9999), list()), Ok(()));
}

#[test]
fn the_end_comes_after_what_is_left_also_when_nobody_takes_mail() {
    let mut rig = rig(1);
    for mark in 1..4 {
        rig.handle.mark(mark);
        assert!(rig.handle.call(list()).is_ok());
    }
    rig.handle.record(said("a", "1"));
    assert!(rig.finish(LONG));
    assert_eq!((rig.applied().len(), rig.script().closed), (1, true));
    assert!(matches!(rig.handle.call(list()), Err(StoreError::Unavailable(_))));
    assert!(rig.handle.ask(Ticket(1), list()).is_err());
}

#[test]
fn an_end_in_trouble_says_so() {
    let mut rig = rig(8);
    rig.script().failing.push(None);
    rig.handle.record(said("a", "1"));
    assert!(!rig.finish(Duration::from_millis(1)));
}

#[test]
fn a_panic_costs_what_panics_and_nothing_else() {
    let rig = rig(8);
    assert_eq!(
        rig.handle.call(inquiry(Asked::Insights { since: 0.0 })),
        Err(StoreError::Failed("internal error".to_owned()))
    );
    rig.hold();
    for record in [said("a", "1"), record("a", Change::Failed), said("a", "2")] {
        rig.handle.record(record);
    }
    rig.release();
    assert_eq!(rig.news(), StoreNews::Trouble("internal error".to_owned()));
    assert_eq!(rig.handle.call(load()), Ok(Told::Loaded(None)));
    assert_eq!(rig.news(), StoreNews::Recovered);
    assert_eq!(rig.applied(), [(None, vec![said("a", "1")]), (None, vec![said("a", "2")])]);
}
