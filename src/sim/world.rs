//! Everything there is in a run, and what a step does to it.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::agents::Agents;
use super::call::Sent;
use super::clock::Clock;
use super::dice::Dice;
use super::effects::Due;
use super::fault::Fault;
use super::host::Host;
use super::jobs::Jobs;
use super::model::Model;
#[cfg(test)]
use super::naive::Naive;
use super::net::Net;
use super::owed::Owed;
use super::people::{Conn, Person};
use super::plan::Plan;
use super::schedule::{Op, Step};
use super::trace::Trace;
use crate::gateway::Gateway;
use crate::gateway::io::Way;
use crate::model::ids::SessionId;
use crate::model::settings::{BusyMode, Settings};
use crate::outbound::held::Held;
use crate::reactor::mailbox::Haste;
use crate::store::memory::MemoryStore;
use crate::transport::ws::{Opcode, append_close};

/// How long accepting fails in a row at most: each try is a turn, and enough is enough.
const FULL_MAX: Duration = Duration::from_secs(2);

/// A run.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) clock: Clock,
    pub(super) trace: Trace,
    pub(super) model: Model,
    pub(super) net: Net,
    pub(super) gateway: Gateway,
    pub(super) host: Host,
    pub(super) agents: Agents,
    pub(super) jobs: Jobs,
    pub(super) store: MemoryStore,
    /// What waits for the store, with what it means to the model.
    pub(super) held: Held<Way, Due>,
    pub(super) people: Vec<Person>,
    /// What each connection is owed.
    pub(super) owed: Vec<Owed>,
    /// What is on its way to the server on each connection.
    pub(super) sent: Vec<VecDeque<Rc<Sent>>>,
    /// Every session anybody ever made.
    pub(super) directory: Vec<(SessionId, String)>,
    pub(super) settings: Arc<Settings>,
    /// The dice of the step under way.
    pub(super) dice: Dice,
    /// Faults are over.
    pub(super) healing: bool,
    pub(super) requests: u64,
    prompts: u32,
    pub(super) last_request: u32,
    pub(super) scratch: Vec<u8>,
    pub(super) text: String,
    #[cfg(test)]
    pub(super) naive: Option<Naive>,
    /// A turn ended that nobody watched.
    #[cfg(test)]
    pub(super) ended_unwatched: bool,
    /// When an agent was last heard.
    #[cfg(test)]
    pub(super) heard: Instant,
}

impl World {
    pub(super) fn new(plan: Plan, lines: bool, start: Instant) -> Self {
        let setup = plan.setup();
        let host = Host::new(start);
        let people = (0..plan.people).map(|_| Person::default()).collect();
        Self {
            clock: Clock::new(start),
            trace: Trace::new(lines),
            model: Model::new(&setup),
            net: Net::default(),
            agents: Agents::new(&host.bell, plan.share, plan.mail_max, plan.faults),
            jobs: Jobs::new(&host.bell, plan.jobs_max),
            settings: Arc::clone(&setup.settings),
            store: MemoryStore::new(),
            held: Held::default(),
            gateway: Gateway::new(setup, crate::methods::all()),
            host,
            people,
            owed: Vec::new(),
            sent: Vec::new(),
            directory: Vec::new(),
            dice: Dice::new(plan.seed),
            healing: false,
            requests: 0,
            prompts: 0,
            last_request: 0,
            scratch: Vec::new(),
            text: String::new(),
            plan,
            #[cfg(test)]
            naive: None,
            #[cfg(test)]
            ended_unwatched: false,
            #[cfg(test)]
            heard: start,
        }
    }

    /// Something worth a line happened.
    pub(super) fn note(&mut self, what: &'static str, number: u64, text: impl FnOnce() -> String) {
        self.trace.note(self.clock.elapsed(), what, number, text);
    }

    /// The number of the next prompt.
    pub(super) fn next_prompt(&mut self) -> u32 {
        self.prompts += 1;
        self.prompts
    }

    /// Does a step.
    pub(super) fn step(&mut self, step: &Step) {
        self.dice = Dice::new(step.chance);
        let mut dice = Dice::new(!step.chance);
        self.trace.note(self.clock.elapsed(), "step", u64::from(step.number), || {
            format!("{} {:?}", step.number, step.op)
        });
        let person = self.someone(&mut dice);
        match step.op {
            Op::Connect => self.connect(person, &mut dice),
            Op::Talk => self.talk(person, &mut dice),
            Op::Read => self.read_one(person, &mut dice),
            Op::Leave => self.leave(person),
            Op::Reset => self.break_off(person, Fault::Resets),
            Op::HalfClose => self.half_close(person),
            Op::Moods => self.change_mood(person, &mut dice),
            Op::Pings => self.flood(person, &mut dice),
            Op::Garbage if self.plan.faults.has(Fault::Garbage) => self.garbage(person, &mut dice),
            Op::Agent => self.agent(&mut dice, false),
            Op::Burst => self.agent(&mut dice, true),
            Op::Job => self.job(&mut dice),
            Op::Turn => drop(self.wake()),
            Op::Tick => self.pass(Duration::from_micros(dice.between(0, 40_000))),
            Op::Next => self.pass_to_next(),
            Op::Pass => self.pass(Duration::from_millis(dice.between(40, 9_000))),
            Op::Long => self.pass(Duration::from_secs(dice.between(20, 400))),
            Op::Suspend => self.suspend(&mut dice),
            Op::Stop => self.stop(&mut dice),
            Op::Spurious => self.spurious(&mut dice),
            Op::Settings => self.change_settings(&mut dice),
            Op::Listener => {
                self.net.full = self.plan.faults.has(Fault::FullListeners) && dice.chance(50);
            }
            Op::Garbage => {}
        }
        if self.dice.chance(self.plan.eager) {
            self.wake();
        }
    }

    fn connect(&mut self, person: usize, dice: &mut Dice) {
        let never = self.plan.faults.has(Fault::HalfOpens) && dice.chance(30);
        let Some(conn) = &mut self.people[person].conn else { return self.dial(person, dice) };
        if conn.needs_head() && !never {
            conn.send_head(if dice.chance(20) { 2 } else { 8 });
            self.pump(person);
        }
    }

    /// Opens a connection; some send their head with it, as clients do.
    pub(super) fn dial(&mut self, person: usize, dice: &mut Dice) {
        let partial = self.plan.faults.has(Fault::PartialWrites) && !self.healing;
        let write_max = if partial { dice.pick(&[1, 50, usize::MAX]) } else { usize::MAX };
        let (up, down) = (dice.pick(&self.plan.buffers), dice.pick(&self.plan.buffers));
        let sock = self.net.connect(up, down, write_max);
        self.owed.push(Owed::default());
        self.sent.push(VecDeque::new());
        self.host.keys.push(None);
        let mut conn = Conn::new(sock);
        if self.healing || dice.chance(70) {
            conn.send_head(8);
        }
        self.people[person].conn = Some(conn);
        self.note("person", person as u64, || format!("{person} connects as {sock}"));
        self.pump(person);
    }

    fn read_one(&mut self, person: usize, dice: &mut Dice) {
        self.pump(person);
        if !self.people[person].stalled {
            let most = self.appetite(dice);
            self.read_some(person, most);
            self.pump(person);
        }
    }

    /// Closes the WebSocket, and waits for the echo.
    pub(super) fn leave(&mut self, person: usize) {
        if let Some(conn) = self.people[person].conn.as_mut().filter(|conn| conn.is_open()) {
            let mut close = Vec::new();
            append_close(&mut close, 1000, "");
            conn.send(Opcode::Close, &close[2..], 0);
            conn.leaving = true;
            self.note("person", person as u64, || format!("{person} leaves"));
            self.pump(person);
        }
    }

    /// The connection breaks, if that may be.
    fn break_off(&mut self, person: usize, fault: Fault) {
        if self.plan.faults.has(fault) && self.people[person].conn.is_some() {
            self.note("person", person as u64, || format!("the connection of {person} breaks"));
            self.lose(person);
        }
    }

    fn half_close(&mut self, person: usize) {
        if self.plan.faults.has(Fault::HalfCloses)
            && let Some(conn) = &mut self.people[person].conn
        {
            conn.leaving = true;
            let sock = conn.sock;
            self.net.client_finish(sock);
            self.note("person", person as u64, || format!("{person} closes their half"));
        }
    }

    fn change_mood(&mut self, person: usize, dice: &mut Dice) {
        let someone = &mut self.people[person];
        someone.stalled = self.plan.faults.has(Fault::StalledReaders) && dice.chance(50);
        someone.deaf = self.plan.faults.has(Fault::NoPongs) && dice.chance(50);
    }

    fn flood(&mut self, person: usize, dice: &mut Dice) {
        let count = if self.plan.faults.has(Fault::PingFloods) { dice.between(1, 300) } else { 1 };
        if let Some(conn) = self.people[person].conn.as_mut().filter(|conn| conn.is_open()) {
            for _ in 0..count {
                conn.send(Opcode::Ping, &[7; 100], 0);
            }
            self.pump(person);
        }
    }

    fn agent(&mut self, dice: &mut Dice, all: bool) {
        if let Some((turn, did)) = self.agents.act(self.clock.at(), dice, all) {
            self.note("agent", turn.0, || format!("{} {did}", turn.0));
        }
    }

    fn job(&mut self, dice: &mut Dice) {
        if self.jobs.len() > 0 {
            let fail = self.plan.faults.has(Fault::FailedJobs) && dice.chance(30);
            let index = dice.below(self.jobs.len());
            if let Some(ticket) = self.jobs.finish(index, fail, &self.settings) {
                self.note("job", ticket.0, || format!("{} is done, failed: {fail}", ticket.0));
            }
        }
    }

    /// Time passes. The loop is awake and wakes up when it asked to; people read meanwhile.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.clock.at() + time;
        if time > FULL_MAX {
            self.net.full = false;
        }
        self.rest();
        while self.model.failure().is_none()
            && let Some(due) = self.next_deadline().filter(|due| *due <= until)
        {
            // A wake-up is never early, and mostly a little late.
            let late =
                Duration::from_micros(if self.dice.chance(50) { self.dice.between(0, 900) } else { 0 });
            self.clock.pass_until(due + late);
            self.rest();
            if time > Duration::from_millis(100) {
                self.everybody_reads();
            }
            if self.host.exited {
                break;
            }
        }
        self.clock.pass_until(until);
    }

    fn pass_to_next(&mut self) {
        self.rest();
        if let Some(due) = self.next_deadline() {
            self.clock.pass_until(due);
            self.rest();
            self.everybody_reads();
        }
    }

    /// Everybody who reads at all reads what is there; false when there was nothing.
    pub(super) fn everybody_reads(&mut self) -> bool {
        let mut found = false;
        for person in 0..self.people.len() {
            if self.people[person].conn.is_some() && !self.people[person].stalled {
                let mut dice = self.dice.clone();
                let most = self.appetite(&mut dice);
                self.pump(person);
                found |= self.read_some(person, most);
                self.pump(person);
            }
        }
        self.rest();
        found
    }

    /// The machine sleeps: nothing runs, and only the wall clock goes on. Or somebody sets that clock.
    fn suspend(&mut self, dice: &mut Dice) {
        if self.plan.faults.has(Fault::Suspends) {
            let seconds = dice.between(1, 40_000) as f64;
            let jump = if dice.chance(20) { -seconds } else { seconds };
            self.clock.jump(jump);
            self.note("suspend", jump.to_bits(), || format!("{jump} s"));
        }
    }

    /// The process is stopped: time passes, others act, the loop does not. What they did is there when it
    /// wakes up.
    fn stop(&mut self, dice: &mut Dice) {
        if !self.plan.faults.has(Fault::Stops) {
            return;
        }
        let time = Duration::from_millis(dice.between(100, 70_000));
        self.note("stop", time.as_millis() as u64, || format!("{time:?}"));
        self.clock.pass(time);
        for person in 0..self.people.len() {
            if !self.people[person].stalled {
                self.pump(person);
                self.read_some(person, 1 << 20);
                self.pump(person);
            }
        }
        self.agents.act(self.clock.at(), dice, true);
        self.wake();
    }

    fn spurious(&mut self, dice: &mut Dice) {
        if self.plan.faults.has(Fault::SpuriousWakes) && !self.owed.is_empty() {
            self.net.spurious(dice.below(self.owed.len()));
        }
    }

    fn change_settings(&mut self, dice: &mut Dice) {
        if self.plan.faults.has(Fault::Settings) {
            self.plan.busy_mode = dice.pick(&[BusyMode::Interrupt, BusyMode::Queue, BusyMode::Steer]);
            self.plan.approval_timeout_s = dice.pick(&[1, 5, 60, 300]);
            self.plan.tool_progress = dice.pick(&["all", "off", "verbose", "new"]);
            self.settings = self.plan.settings();
            // A full queue: the next change tells.
            let _ = self.host.settings.offer(Arc::clone(&self.settings), Haste::Now);
        }
    }
}
