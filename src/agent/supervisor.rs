//! The agents that run: one OS thread a turn, at a lower priority than the loop. Starts them, carries what
//! is said to them, collects what they say, and forgets them. Knows nothing of what a turn means.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{Agent, AgentControl, Timed, agent_io};
use crate::base::join::Join;
use crate::limits::{AGENT_BUDGET, AGENT_MAIL_MAX, AGENT_TEXT_MAX};
use crate::model::agent_event::AgentEvent;
use crate::model::ask::Answer;
use crate::model::checkpoint::{CheckpointDone, CheckpointJob, CheckpointWork};
use crate::model::errand::{Errand, ErrandEnd};
use crate::model::ids::{AskId, Ticket, TurnId};
use crate::model::job::{AgentJob, JobResult};
use crate::model::process::Killed;
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::reactor::fair::{self, Share};
use crate::reactor::joining::{JoiningReceiver, joining_mailbox};
use crate::reactor::mailbox::{Bell, Haste, MailSender};

/// Where agents come from. Called on threads of their own, so both may block.
pub trait AgentSource: Send + Sync {
    /// Makes the agent of a turn.
    fn agent(&self, turn: &TurnSpec) -> Box<dyn Agent>;

    /// Does an errand. The flag stops it.
    fn errand(&self, _errand: Errand, _stop: &Arc<AtomicBool>) -> ErrandEnd {
        ErrandEnd::Failed("there is no model to ask".to_owned())
    }

    /// Looks at, or changes, what is kept outside of turns.
    fn job(&self, job: AgentJob) -> JobResult {
        without_tools(job)
    }

    /// The session with this stored key is no more: what is kept of it can go.
    fn session_closed(&self, _key: &str) {}

    /// The server ends: so does what runs outside of turns. May take a second.
    fn shutdown(&self) {}
}

/// What comes of a job where nothing is kept outside of turns.
pub fn without_tools(job: AgentJob) -> JobResult {
    match job {
        AgentJob::Processes { .. } => JobResult::Processes(Vec::new()),
        AgentJob::KillProcess { .. } => JobResult::Killed(Killed::Unknown),
        AgentJob::StopProcesses => JobResult::Stopped(0),
        AgentJob::Tools { .. } => JobResult::Tools(Box::default()),
        AgentJob::Skills { .. } => JobResult::Skills(Vec::new()),
        AgentJob::Checkpoints(CheckpointJob { work: CheckpointWork::List, .. }) => {
            JobResult::Checkpoints(Ok(CheckpointDone::Listed(None)))
        }
        _ => JobResult::Failed("this server has no tools".to_owned()),
    }
}

/// A source that keeps nothing.
impl<F: Fn(&TurnSpec) -> Box<dyn Agent> + Send + Sync> AgentSource for F {
    fn agent(&self, turn: &TurnSpec) -> Box<dyn Agent> {
        self(turn)
    }
}

/// Where the results of errands go: where those of jobs go.
pub type JobSender = MailSender<(Ticket, JobResult)>;

/// Stack of an agent's thread. TLS handshakes and JSON parsing stay well below it; only touched pages count.
const STACK_BYTES: usize = 1 << 20;

/// Added to the nice value of agent threads. With 8 of them burning, the loop's event p99 falls from 5.3 to
/// 0.5 ms, and no privilege is needed (`docs/performance.md`).
const NICENESS: i32 = 10;

/// Events taken from one agent before the next has its turn.
const BURST: usize = 512;

#[derive(Debug)]
struct Running {
    turn: TurnId,
    control: AgentControl,
    mail: JoiningReceiver<AgentEvent>,
    /// News taken in the collection under way.
    taken: usize,
}

/// All running agents.
pub struct Supervisor {
    bell: Arc<Bell>,
    source: Arc<dyn AgentSource>,
    running: VecDeque<Running>,
    /// Set when the supervisor goes: errands stop.
    errands_stop: Arc<AtomicBool>,
    /// Timed events among those of the last look.
    timed: Vec<Timed>,
}

/// What a look at the agents' mail found.
#[derive(PartialEq, Debug)]
pub enum News {
    /// An agent said something.
    Event(TurnId, AgentEvent),
    /// An agent is gone without saying how it ended.
    Lost(TurnId),
}

impl Supervisor {
    /// No agents yet; each will come from `source` and ring `bell`.
    pub fn new(bell: &Arc<Bell>, source: Arc<dyn AgentSource>) -> Self {
        Self {
            bell: Arc::clone(bell),
            source,
            running: VecDeque::new(),
            errands_stop: Arc::default(),
            timed: Vec::new(),
        }
    }

    /// Starts a turn on a thread of its own; the error is for people.
    pub fn start(&mut self, spec: TurnSpec) -> Result<(), String> {
        let (sender, mail) = joining_mailbox(&self.bell, AGENT_MAIL_MAX, AGENT_TEXT_MAX);
        let (io, control) = agent_io(sender);
        let source = Arc::clone(&self.source);
        let turn = spec.turn;
        let run = move || {
            lower_priority();
            let end = catch_unwind(AssertUnwindSafe(|| source.agent(&spec).run(&spec, &io)));
            io.emit(AgentEvent::End(Box::new(end.unwrap_or_else(|_| panicked()))));
        };
        let thread = thread::Builder::new().name(format!("agent-{}", turn.0)).stack_size(STACK_BYTES);
        thread.spawn(run).map_err(|error| format!("cannot start an agent thread: {error}"))?;
        self.running.push_back(Running { turn, control, mail, taken: 0 });
        Ok(())
    }

    /// Passes an answer on.
    pub fn answer(&self, turn: TurnId, ask: AskId, answer: Answer) {
        if let Some(running) = self.find(turn) {
            running.control.answer(ask, answer);
        }
    }

    /// Passes guidance on.
    pub fn steer(&self, turn: TurnId, text: String) {
        if let Some(running) = self.find(turn) {
            running.control.steer(text);
        }
    }

    /// Asks an agent to stop.
    pub fn interrupt(&self, turn: TurnId) {
        if let Some(running) = self.find(turn) {
            running.control.interrupt();
        }
    }

    /// Listens no more to an agent. One that still runs is told to stop; its thread ends when it notices, and
    /// whatever it says until then goes nowhere.
    pub fn forget(&mut self, turn: TurnId) {
        if let Some(at) = self.running.iter().position(|running| running.turn == turn)
            && let Some(running) = self.running.remove(at)
        {
            running.control.interrupt();
        }
    }

    /// Tells the source that a session is no more, on a thread of its own: what the session left running may
    /// take a while to end.
    pub fn session_closed(&self, key: String) {
        let source = Arc::clone(&self.source);
        let tell = move || source.session_closed(&key);
        if let Err(error) = thread::Builder::new().name("closing".to_owned()).spawn(tell) {
            log::warn!("cannot clear up after a session: {error}");
        }
    }

    /// Errands stop soon: the server ends.
    pub fn stop_errands(&self) {
        self.errands_stop.store(true, Ordering::SeqCst);
    }

    /// Ends what runs outside of turns, and waits for that a second or so.
    pub fn shutdown(&self) {
        self.stop_errands();
        self.source.shutdown();
    }

    /// Runs an errand on a thread of its own; its end goes to `results`. The error is for people.
    pub fn errand(&mut self, ticket: Ticket, errand: Errand, results: JobSender) -> Result<(), String> {
        let source = Arc::clone(&self.source);
        let stop = Arc::clone(&self.errands_stop);
        let run = move || {
            lower_priority();
            let end = catch_unwind(AssertUnwindSafe(|| source.errand(errand, &stop)));
            let end = end.unwrap_or_else(|_| ErrandEnd::Failed("the agent failed unexpectedly".to_owned()));
            // Nobody waits any more once the server is gone.
            let _ = results.send((ticket, JobResult::Errand(Box::new(end))), Haste::Now);
        };
        let thread = thread::Builder::new().name(format!("errand-{}", ticket.0)).stack_size(STACK_BYTES);
        thread.spawn(run).map(drop).map_err(|error| format!("cannot start a thread: {error}"))
    }

    /// Hands out waiting mail, every agent in turn, until `take` has had its budget. True when some is left.
    /// `take` may call back into nothing here: it gets the news, and acts after.
    pub fn collect(&mut self, news: &mut Vec<News>) -> bool {
        self.timed.clear();
        let timed = &mut self.timed;
        let share = Share { burst: BURST, budget: AGENT_BUDGET };
        fair::collect(
            &mut self.running,
            share,
            |running| running.mail.take(),
            |running, event| {
                let count = event.as_ref().map_or(0, AgentEvent::count);
                let weight = event.as_ref().map_or(0, Join::weight);
                running.taken += count;
                news.push(match event {
                    Some(event) => News::Event(running.turn, event),
                    None => News::Lost(running.turn),
                });
                weight
            },
            |running| timed.extend(running.control.took(mem::take(&mut running.taken))),
        )
    }

    /// The events of the last [`Supervisor::collect`] that were timed.
    pub fn timed(&self) -> &[Timed] {
        &self.timed
    }

    /// How many events wait in each mailbox.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        self.running.iter().map(|running| running.mail.len())
    }

    /// Agents that run.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether none runs.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    fn find(&self, turn: TurnId) -> Option<&Running> {
        self.running.iter().find(|running| running.turn == turn)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop_errands();
    }
}

/// Makes the calling thread one that computes while the loop has nothing to do.
pub fn lower_priority() {
    // On Linux a thread has a nice value of its own; where that fails the agent runs as it is.
    if let Err(error) = rustix::process::nice(NICENESS) {
        log::debug!("cannot lower the priority of an agent thread: {error}");
    }
}

/// The crash log has the details: the panic hook wrote them.
fn panicked() -> TurnEnd {
    TurnEnd {
        status: TurnStatus::Error,
        text: Some("Error: the agent failed unexpectedly; the crash log has the details".to_owned()),
        reasoning: None,
        usage: Usage::default(),
        messages: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::AgentIo;
    use crate::model::ids::SessionId;
    use crate::reactor::mailbox::lone_bell;
    use std::time::{Duration, Instant};

    struct Scripted(fn(&AgentIo) -> TurnEnd);

    impl Agent for Scripted {
        fn run(&mut self, _turn: &TurnSpec, io: &AgentIo) -> TurnEnd {
            (self.0)(io)
        }
    }

    fn end(status: TurnStatus) -> TurnEnd {
        TurnEnd { status, text: None, reasoning: None, usage: Usage::default(), messages: Vec::new() }
    }

    fn spec(turn: u64) -> TurnSpec {
        TurnSpec {
            turn: TurnId(turn),
            session: SessionId::from_bits(1),
            session_key: String::new(),
            prompt: String::new(),
            expands: false,
            images: Vec::new(),
            history: Arc::default(),
            cwd: "/".into(),
            model: None,
            yolo: crate::base::switch::Switch::default(),
            profile: None,
            resumed: None,
        }
    }

    fn run(script: fn(&AgentIo) -> TurnEnd, act: impl Fn(&mut Supervisor)) -> Vec<News> {
        let (_poll, bell) = lone_bell().unwrap();
        let source = move |_: &TurnSpec| -> Box<dyn Agent> { Box::new(Scripted(script)) };
        let mut agents = Supervisor::new(&bell, Arc::new(source));
        agents.start(spec(1)).unwrap();
        act(&mut agents);
        let (mut news, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(20));
        while !agents.is_empty() && Instant::now() < deadline {
            agents.collect(&mut news);
            thread::yield_now();
        }
        news
    }

    #[test]
    fn an_agent_speaks_and_ends() {
        let news = run(
            |io| {
                io.emit(AgentEvent::Text("hi".into()));
                end(TurnStatus::Complete)
            },
            |_| {},
        );
        let turn = TurnId(1);
        assert_eq!(
            news,
            [
                News::Event(turn, AgentEvent::Text("hi".into())),
                News::Event(turn, AgentEvent::End(Box::new(end(TurnStatus::Complete)))),
                News::Lost(turn),
            ]
        );
    }

    #[test]
    fn one_event_of_a_batch_is_timed() {
        let (_poll, bell) = lone_bell().unwrap();
        let source = |_: &TurnSpec| -> Box<dyn Agent> {
            Box::new(Scripted(|io| {
                io.emit(AgentEvent::Text("a".into()));
                io.emit(AgentEvent::Text("b".into()));
                end(TurnStatus::Complete)
            }))
        };
        let mut agents = Supervisor::new(&bell, Arc::new(source));
        let start = Instant::now();
        agents.start(spec(1)).unwrap();
        // Two pieces and the end wait before anybody looks.
        let deadline = Instant::now() + Duration::from_secs(20);
        while agents.waiting().sum::<usize>() < 3 && Instant::now() < deadline {
            thread::yield_now();
        }
        let mut news = Vec::new();
        agents.collect(&mut news);
        assert!(news.len() >= 3, "{news:?}");
        let timed = agents.timed().to_vec();
        assert_eq!(timed.len(), 1);
        assert!(timed[0].paced && start <= timed[0].said && timed[0].said <= Instant::now());
        agents.collect(&mut news);
        assert_eq!(agents.timed(), []);
    }

    #[test]
    fn a_panic_is_an_error_turn() {
        let news = run(|_| panic!("a test's panic"), |_| {});
        assert!(matches!(&news[0], News::Event(_, AgentEvent::End(end)) if end.status == TurnStatus::Error));
    }

    #[test]
    fn an_interrupt_reaches_a_waiting_agent() {
        let script = |io: &AgentIo| match io.ask(crate::model::ask::Ask::Sudo) {
            Answer::Cancelled if io.interrupted() => end(TurnStatus::Interrupted),
            _ => end(TurnStatus::Error),
        };
        let news = run(script, |agents| agents.interrupt(TurnId(1)));
        let ended = |news: &News| match news {
            News::Event(_, AgentEvent::End(end)) => end.status == TurnStatus::Interrupted,
            _ => false,
        };
        assert!(news.iter().any(ended), "{news:?}");
    }
}
