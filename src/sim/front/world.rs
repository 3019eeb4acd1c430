//! The world around a bridge: time passes, clients come, ask and go, hosts work, stall and die. Each step is
//! drawn; what came out is told to whom it is for. Knows nothing of how a bridge does it.

mod clients;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::host::{Disk, Host};
use super::ledger::Ledger;
use super::person::{Learnt, Person};
use crate::base::prng::Prng;
use crate::bridge::storm::{self, Out};
use crate::bridge::{Bridge, Setup};
use crate::gateway::io::{Input, Now};
use crate::limits::QUEUED_PROMPTS_MAX;
use crate::model::host::{HostEnd, HostLook, HostStop};
use crate::model::ids::{ClientId, HostId};
use crate::sim::dice::Dice;
use crate::sim::run::Options;
use crate::sim::trace::Trace;
use crate::wire::upstream::{self, HostNews};

/// Clients at once.
const PEOPLE_MAX: usize = 4;

/// Rounds in which all has to come to its end. Each lets every host do a few things.
const ROUNDS: usize = 400;

/// Longer than anything that a session or a host without clients stays for.
const LONG: Duration = Duration::from_secs(7_200);

/// The world.
pub(super) struct World {
    bridge: Bridge,
    start: Instant,
    pub(super) elapsed: Duration,
    dice: Dice,
    noise: Prng,
    pub(super) trace: Trace,
    pub(super) ledger: Ledger,
    people: BTreeMap<u64, Person>,
    hosts: BTreeMap<u32, Host>,
    disk: Disk,
    /// Sessions that somebody was told of, with their keys.
    known: BTreeMap<String, Option<String>>,
    /// Images that are attached and that no prompt has followed, by session.
    attached: BTreeMap<String, Vec<String>>,
    odds: Odds,
    next_client: u64,
    next_id: i64,
    next_text: u64,
}

/// How often what goes wrong, in a thousand steps; drawn with the seed.
#[derive(Clone, Copy, Debug)]
struct Odds {
    is_ours: bool,
    /// Whether hosts and clients say what means harm: then nothing is expected of prompts and texts.
    is_stormy: bool,
    dies: u64,
    stalls: u64,
    leaves: u64,
}

impl World {
    pub(super) fn new(options: &Options) -> Self {
        let mut dice = Dice::new(options.seed);
        let setup = Setup {
            seed: options.seed,
            orphan_grace: dice.pick(&[Some(1), Some(20), None]).map(Duration::from_secs),
            session_ttl: Some(LONG / 2),
            skin: "{}".to_owned(),
            per_session: dice.chance(50),
            warm: dice.pick(&[0, 0, 1, 2]),
            probe: Duration::from_secs(5),
            slow: Duration::from_secs(10),
            hang: Duration::from_secs(60),
        };
        let odds = Odds {
            is_ours: dice.chance(50),
            is_stormy: dice.chance(15),
            dies: dice.pick(&[0, 5, 20]),
            stalls: dice.pick(&[0, 5, 20]),
            leaves: dice.pick(&[0, 5, 20]),
        };
        let mut world = Self {
            bridge: Bridge::new(setup, crate::methods::all()),
            start: options.start,
            elapsed: Duration::ZERO,
            noise: Prng::from_seed(options.seed),
            dice,
            trace: Trace::new(options.trace),
            ledger: Ledger::default(),
            people: BTreeMap::new(),
            hosts: BTreeMap::new(),
            disk: Disk::default(),
            known: BTreeMap::new(),
            attached: BTreeMap::new(),
            odds,
            next_client: 1,
            next_id: 1,
            next_text: 1,
        };
        (world.ledger.is_lax, world.ledger.binds) = (odds.is_stormy, odds.is_ours);
        let now = world.now();
        world.bridge.begin(now);
        world.drain();
        world
    }

    fn now(&self) -> Now {
        Now { at: self.start + self.elapsed, wall: self.elapsed.as_secs_f64() }
    }

    /// One step.
    pub(super) fn step(&mut self) {
        let odds = self.odds;
        let often = |times: u64| u16::try_from(times).unwrap_or(u16::MAX);
        let storm = if odds.is_stormy { 100 } else { 0 };
        let weights =
            [20, often(odds.leaves), 200, 400, 250, 60, often(odds.dies), often(odds.stalls), 5, storm];
        match self.dice.weighted(&weights) {
            0 if self.people.len() < PEOPLE_MAX => self.come(),
            1 => self.leave_any(),
            2 => self.ask_any(),
            3 => self.work_any(),
            4 => self.deliver_any(),
            5 => {
                let millis = self.dice.between(0, 2_000);
                self.pass(Duration::from_millis(millis));
            }
            6 => self.die_any(),
            7 => {
                let until = self.elapsed + Duration::from_secs(self.dice.between(1, 200));
                if let Some(run) = self.any_host()
                    && let Some(host) = self.hosts.get_mut(&run)
                {
                    host.stalls_until = until;
                    self.trace.marks.mark("stalled");
                }
            }
            8 => {
                let seconds = self.dice.between(2, 60);
                self.pass(Duration::from_secs(seconds));
            }
            9 => self.rage(),
            _ => {}
        }
        self.check();
    }

    /// Faults are over: all comes to its end, and nothing is left.
    pub(super) fn finish(&mut self) {
        if self.people.is_empty() {
            self.come();
        }
        self.settle(self.elapsed + Duration::from_secs(31));
        if !self.odds.is_stormy {
            self.ledger.settle();
        }
        for client in self.people.keys().copied().collect::<Vec<_>>() {
            self.leave(client);
        }
        self.settle(self.elapsed + LONG);
        self.input(Input::Shutdown);
        self.settle(self.elapsed);
        let (sessions, asked) = (self.bridge.session_count(), self.bridge.unanswered());
        let rows = self.bridge.rows(self.now().at);
        if sessions + asked + rows.len() + self.hosts.len() > 0 {
            let text = format!("left: {sessions} sessions, {asked} requests, {rows:?}, {:?}", self.hosts);
            self.ledger.fail(text);
        }
    }

    /// Lets everything happen that is due until then, and what follows from it.
    fn settle(&mut self, until: Duration) {
        for round in 0..ROUNDS {
            for run in self.hosts.keys().copied().collect::<Vec<_>>() {
                if let Some(host) = self.hosts.get_mut(&run) {
                    host.stalls_until = Duration::ZERO;
                }
                for _ in 0..20 {
                    self.work(run);
                }
                self.deliver(run, usize::MAX);
            }
            let is_over = self.elapsed >= until && self.hosts.values().all(|host| !host.is_busy());
            if is_over && self.bridge.unanswered() == 0 && self.bridge.turn_count() == 0 && round > 10 {
                return;
            }
            if self.ledger.failure.is_some() {
                return;
            }
            // Hosts that were given up start again when somebody asks.
            if round % 10 == 0 {
                for client in self.people.keys().copied().collect::<Vec<_>>() {
                    self.ask_of_all(client);
                }
            }
            let step = (until.saturating_sub(self.elapsed)).clamp(Duration::from_secs(1), LONG / 40);
            self.pass(step);
        }
        let (asked, turns) = (self.bridge.unanswered(), self.bridge.turn_count());
        if !self.odds.is_stormy && asked + turns > 0 {
            self.ledger.fail(format!("it does not come to its end: {asked} requests, {turns} turns"));
        }
    }

    fn check(&mut self) {
        let most = self.bridge.session_count() * QUEUED_PROMPTS_MAX;
        let waiting = self.bridge.waiting_prompts();
        if waiting > most {
            self.ledger.fail(format!("{waiting} prompts wait in {} sessions", self.bridge.session_count()));
        }
    }

    // What hosts do.

    fn any_host(&mut self) -> Option<u32> {
        let runs: Vec<u32> = self.hosts.keys().copied().collect();
        (!runs.is_empty()).then(|| runs[self.dice.below(runs.len())])
    }

    fn work_any(&mut self) {
        if let Some(run) = self.any_host() {
            self.work(run);
        }
    }

    fn work(&mut self, run: u32) {
        let Some(host) = self.hosts.get_mut(&run) else { return };
        if host.is_killed || (host.is_closed && host.inbox.is_empty()) {
            return self.end(run, "it was told to");
        }
        if host.stalls_until <= self.elapsed {
            host.work(&mut self.dice, &mut self.disk, &mut self.ledger, &mut self.trace.marks);
        }
    }

    fn deliver_any(&mut self) {
        if let Some(run) = self.any_host() {
            let most = self.dice.pick(&[1, 4, 1_000]);
            self.deliver(run, most);
        }
    }

    fn deliver(&mut self, run: u32, most: usize) {
        for _ in 0..most {
            let Some(line) = self.hosts.get_mut(&run).and_then(|host| host.outbox.pop_front()) else {
                return;
            };
            self.trace.note(self.elapsed, "says", run.into(), || format!("{run} {line}"));
            let news = HostNews::Said(upstream::read(line));
            self.input(Input::Host { run: HostId(run), news });
        }
    }

    fn die_any(&mut self) {
        if let Some(run) = self.any_host() {
            self.trace.marks.mark("died");
            self.end(run, "killed by signal 9");
        }
    }

    /// A process is no more. What stood in its pipe is read first.
    fn end(&mut self, run: u32, why: &str) {
        self.deliver(run, usize::MAX);
        self.hosts.remove(&run);
        self.trace.note(self.elapsed, "ends", run.into(), || format!("{run} {why}"));
        let end = HostEnd { why: why.to_owned(), ..HostEnd::default() };
        self.input(Input::Host { run: HostId(run), news: HostNews::Ended(Box::new(end)) });
    }

    /// Somebody means harm.
    fn rage(&mut self) {
        self.trace.marks.mark("storm");
        let people: Vec<u64> = self.people.keys().copied().collect();
        let run = self.any_host();
        match (self.dice.below(3), run) {
            (0, _) if !people.is_empty() => {
                let client = people[self.dice.below(people.len())];
                let id = self.next_id;
                self.next_id += 1;
                self.ledger.ask(client, id, "anything");
                let text = storm::request(&mut self.noise, id);
                self.input(Input::Line { client: ClientId(client), text });
            }
            (1, Some(run)) => self.shout(run, storm::event),
            (_, Some(run)) => self.shout(run, storm::reply),
            _ => {}
        }
    }

    fn shout(&mut self, run: u32, what: fn(&mut Prng) -> String) {
        let news = HostNews::Said(upstream::read(what(&mut self.noise)));
        self.input(Input::Host { run: HostId(run), news });
    }

    // Time, and what comes of all of it.

    fn pass(&mut self, time: Duration) {
        let end = self.elapsed + time;
        while let Some(due) = self.bridge.poll_timeout().filter(|due| *due <= self.start + end) {
            self.elapsed = self.elapsed.max(due.saturating_duration_since(self.start));
            let now = self.now();
            self.bridge.handle_timeout(now);
            self.drain();
        }
        self.elapsed = end;
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        self.bridge.handle_input(now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.bridge.poll_output() {
            match storm::out(output) {
                Out::Client(client, said) => self.tell(client, &said),
                Out::Start(run) => {
                    if run > 1 && self.bridge.restarts() > 0 {
                        self.trace.marks.mark("restarted");
                    }
                    self.hosts.insert(run, Host::new(self.odds.is_ours));
                }
                Out::Host(run, number, method, params) => self.hand(run, number, method, params),
                Out::Look(run) => {
                    let stalls = self.hosts.get(&run).is_some_and(|host| host.stalls_until > self.elapsed);
                    let ticks = if stalls { 1 } else { self.elapsed.as_millis() as u64 };
                    let news = HostNews::Looked(HostLook { is_stopped: false, ticks });
                    let now = self.now();
                    self.bridge.handle_input(now, Input::Host { run: HostId(run), news });
                }
                Out::Stop(run, how) => {
                    if let Some(host) = self.hosts.get_mut(&run) {
                        host.is_closed = true;
                        host.is_killed |= how == HostStop::Kill;
                        if how == HostStop::Kill {
                            self.trace.marks.mark("killed");
                        }
                    }
                }
                Out::Stored(..) => {}
                Out::Odd(what) => self.ledger.fail(format!("a bridge does no such thing: {what}")),
            }
        }
    }

    /// A host is asked.
    fn hand(&mut self, run: u32, number: u64, method: String, params: Value) {
        self.trace.note(self.elapsed, "is asked", run.into(), || format!("{run} {number} {method} {params}"));
        let path = params["path"].as_str();
        match method.as_str() {
            "prompt.submit" if params["text"].as_str().is_some_and(|text| self.is_accepted(text)) => {
                self.trace.marks.mark("submitted again");
            }
            "image.attach" if path.is_some_and(|path| self.is_attached(path)) => {
                self.trace.marks.mark("image played");
            }
            _ => {}
        }
        if let Some(host) = self.hosts.get_mut(&run).filter(|host| !host.is_closed) {
            host.inbox.push_back((number, method, params));
        }
    }

    fn is_accepted(&self, text: &str) -> bool {
        self.ledger.prompts.get(text).is_some_and(|prompt| prompt.accepted == Some(true))
    }

    fn is_attached(&self, path: &str) -> bool {
        let known = self.ledger.prompts.values().flat_map(|prompt| &prompt.images);
        known.chain(self.attached.values().flatten()).any(|known| known == path)
    }

    /// A client hears something.
    fn tell(&mut self, client: u64, said: &Value) {
        self.trace.note(self.elapsed, "hears", client, || format!("{client} {said}"));
        self.trace.bytes(said.to_string().as_bytes());
        let Some(person) = self.people.get_mut(&client) else {
            return self.ledger.fail(format!("client {client} is gone, and is told {said}"));
        };
        if self.odds.is_stormy {
            // Who lies cannot be held to anything but that a request is answered once.
            if let Some(id) = said["id"].as_i64() {
                self.ledger.answer(client, id);
            }
            return;
        }
        match person.hear(client, said, &mut self.ledger, &mut self.trace.marks) {
            Some(Learnt::Session(id, key)) => {
                let known = self.known.entry(id).or_default();
                *known = key.or(known.take());
            }
            Some(Learnt::Image(session, path)) => self.attached.entry(session).or_default().push(path),
            Some(Learnt::Closed(session)) => {
                for person in self.people.values_mut() {
                    person.sessions.remove(&session);
                }
                self.ledger.excuse(&session);
                self.attached.remove(&session);
            }
            None => {}
        }
    }
}
