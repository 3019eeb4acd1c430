//! `replay --as client`: the clients of a record, once or many times at once, against a live gateway.

use std::cell::RefCell;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ReplayError;
use super::actor::{Pace, Report};
use super::client::{Client, Run};
use super::hub::Hub;
use super::ids::Ids;
use super::score::Score;
use super::script::Script;
use super::stage::Stage;
use crate::transport::target::Target;

/// Whom to call, and how.
#[derive(Debug)]
pub struct CallOptions {
    /// The gateway, with its token.
    pub target: Target,
    /// How fast.
    pub pace: Pace,
    /// How many times at once. More than one only on this machine.
    pub clients: usize,
}

/// What calling came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// What all clients said and heard, and every difference.
    pub report: Report,
    /// How long it took.
    pub took: Duration,
}

/// One run of the record.
struct Copy {
    ids: Run,
    /// The conversation that begins next.
    next: usize,
    /// Which ones have ended.
    ended: Vec<bool>,
}

/// Plays every client of the record.
///
/// # Errors
/// When there is no such gateway, or the loop fails. What was not as recorded is in the result.
pub fn call(script: &Arc<Script>, options: &CallOptions) -> Result<Called, ReplayError> {
    let target = &options.target;
    let name = |error| ReplayError::Name(target.host.clone(), error);
    let addresses: Vec<SocketAddr> =
        (target.host.as_str(), target.port).to_socket_addrs().map_err(name)?.collect();
    if options.clients > 1 && !addresses.iter().all(|address| address.ip().to_canonical().is_loopback()) {
        return Err(ReplayError::NotLocal);
    }
    let Some(address) = reachable(&addresses) else {
        return Err(ReplayError::Name(target.host.clone(), std::io::ErrorKind::ConnectionRefused.into()));
    };
    let parts = script.conversations.len();
    let scores: Vec<Arc<Score>> = (0..parts).map(|part| Arc::new(Score::of(script, part))).collect();
    let copies = (0..options.clients).map(|_| Copy {
        ids: Rc::new(RefCell::new(Ids::default())),
        next: 0,
        ended: vec![false; parts],
    });
    let began = Instant::now();
    let mut caller = Caller {
        script,
        scores,
        options,
        address,
        began,
        copies: copies.collect(),
        stage: Stage::new(Hub::new().map_err(ReplayError::System)?),
        report: Report::default(),
    };
    caller.run()?;
    Ok(Called { report: caller.report, took: began.elapsed() })
}

/// The first address at which somebody listens. Asked once: a name like `localhost` has two.
fn reachable(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    const WAIT: Duration = Duration::from_secs(5);
    let answers = |address: &&SocketAddr| std::net::TcpStream::connect_timeout(address, WAIT).is_ok();
    match addresses {
        [only] => Some(*only),
        several => several.iter().find(answers).copied(),
    }
}

struct Caller<'a> {
    script: &'a Arc<Script>,
    scores: Vec<Arc<Score>>,
    options: &'a CallOptions,
    address: SocketAddr,
    began: Instant,
    copies: Vec<Copy>,
    stage: Stage,
    report: Report,
}

impl Caller<'_> {
    fn run(&mut self) -> Result<(), ReplayError> {
        loop {
            let until = self.begin_due()?;
            if self.stage.is_empty() && until.is_none() {
                return Ok(());
            }
            let turn = self.stage.turn(until, &mut || None).map_err(ReplayError::System)?;
            for (tag, report) in turn.left {
                let parts = self.scores.len();
                if let Some(copy) = self.copies.get_mut(tag / parts) {
                    copy.ended[tag % parts] = true;
                }
                self.report.add(report);
            }
            if turn.ending {
                return Err(ReplayError::Interrupted);
            }
        }
    }

    /// Begins every conversation that is due; when the next one is, if time is all that it waits for.
    fn begin_due(&mut self) -> Result<Option<Instant>, ReplayError> {
        let mut until: Option<Instant> = None;
        for copy in 0..self.copies.len() {
            while let Some(due) = self.next_due(copy) {
                if due > Instant::now() {
                    until = Some(until.map_or(due, |until| until.min(due)));
                    break;
                }
                self.begin(copy)?;
            }
        }
        Ok(until)
    }

    /// When a copy's next conversation is due; `None` while one has to end first that had ended in the record.
    fn next_due(&self, copy: usize) -> Option<Instant> {
        let copy = &self.copies[copy];
        let next = self.script.conversations.get(copy.next)?;
        let before = self.script.conversations.iter().zip(&copy.ended).take(copy.next);
        let mut over =
            before.filter(|(part, _)| part.closing.as_ref().is_some_and(|closing| closing.at <= next.opened));
        over.all(|(_, ended)| *ended).then(|| self.began + self.options.pace.scaled(next.opened))
    }

    fn begin(&mut self, number: usize) -> Result<(), ReplayError> {
        let parts = self.scores.len();
        let copy = &mut self.copies[number];
        let part = copy.next;
        copy.next += 1;
        let client = Client::new(
            Arc::clone(self.script),
            Arc::clone(&self.scores[part]),
            part,
            self.options.pace,
            Rc::clone(&copy.ids),
            Instant::now(),
        );
        let tag = number * parts + part;
        let called = self.stage.call(self.address, &self.options.target, Box::new(client), tag);
        called.map_err(ReplayError::System)
    }
}
