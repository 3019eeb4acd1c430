//! The loop without sockets and threads: `outbound::turn` over models of both, and what a poll would wait
//! for.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::agents::News;
use super::fault::Fault;
use super::hand::Hand;
use super::link::{Link, client_id};
use super::net::Edge;
use super::world::World;
use crate::base::slots::{Key, Slots};
use crate::gateway::io::Input;
use crate::limits::{CLIENTS_MAX, TIMER_BUDGET};
use crate::model::ids::{ClientId, TurnId};
use crate::model::settings::Settings;
use crate::outbound::ending::{Ending, Step};
use crate::outbound::keepalive::{AcceptRetry, Timer};
use crate::outbound::outbox::Outbox;
use crate::outbound::pacer::Pacer;
use crate::outbound::turn::{LATE_WAKE, Turn};
use crate::reactor::mailbox::{Bell, Mail, MailReceiver, MailSender, mailbox};
use crate::reactor::pulse::{FRAME, Heartbeat};
use crate::reactor::wheel::Wheel;

/// Mail of one kind handled in one turn.
const MAIL_BURST: usize = 256;

/// Turns in a row without rest after which the loop is called busy. The largest backlog of a run is worked
/// off in fewer.
const SPIN_MAX: usize = 200_000;

/// What the loop owns.
pub(super) struct Host {
    pub(super) pacer: Pacer<Key>,
    pub(super) wheel: Wheel<Timer<Key>>,
    pub(super) heartbeat: Heartbeat,
    pub(super) links: Slots<Link>,
    /// The link of each connection, while it has one.
    pub(super) keys: Vec<Option<Key>>,
    ready: Vec<Edge>,
    /// Connections that had more to read than the budget.
    pub(super) carried: Vec<usize>,
    knocked: bool,
    pub(super) bell: Arc<Bell<Hand>>,
    hand: Hand,
    agents_left: bool,
    news: Vec<News>,
    pub(super) jobs_pending: usize,
    pub(super) settings: MailSender<Arc<Settings>, Hand>,
    settings_mail: MailReceiver<Arc<Settings>>,
    pub(super) retry: AcceptRetry,
    pub(super) ending: Option<Ending>,
    /// Whether the process has ended.
    pub(super) exited: bool,
    pub(super) buffer: Vec<u8>,
    /// Clients the gateway was not told of; only with a naive habit.
    pub(super) late_clients: Vec<Key>,
    pub(super) at: Instant,
    /// Deadlines were judged already; only with a naive habit.
    judged: bool,
    turns: u64,
}

impl Host {
    pub(super) fn new(start: Instant) -> Self {
        let hand = Hand::default();
        let bell = Bell::new(hand.clone());
        let (settings, settings_mail) = mailbox(&bell, 4);
        Self {
            pacer: Pacer::default(),
            wheel: Wheel::new(start),
            heartbeat: Heartbeat::new(),
            links: Slots::new(CLIENTS_MAX),
            keys: Vec::new(),
            ready: Vec::new(),
            carried: Vec::new(),
            knocked: false,
            bell,
            hand,
            agents_left: false,
            news: Vec::new(),
            jobs_pending: 0,
            settings,
            settings_mail,
            retry: AcceptRetry::default(),
            ending: None,
            exited: false,
            buffer: Vec::new(),
            late_clients: Vec::new(),
            at: start,
            judged: false,
            turns: 0,
        }
    }

    /// Deadlines were judged: now sockets may be read.
    #[cfg(test)]
    pub(super) fn allow_reading(&mut self) {
        self.judged = true;
    }

    /// Turns so far.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }
}

impl Turn for World {
    type Key = Key;

    fn pacer(&mut self) -> &mut Pacer<Key> {
        &mut self.host.pacer
    }

    fn outbox(&mut self, key: Key) -> Option<&mut Outbox> {
        self.host.links.get_mut(key).map(|link| &mut link.outbox)
    }

    fn read(&mut self) {
        if naive!(self, JudgesFirst) && !std::mem::take(&mut self.host.judged) {
            return;
        }
        self.host.at = self.clock.at();
        if std::mem::take(&mut self.host.knocked) {
            self.accept();
        }
        for edge in std::mem::take(&mut self.host.ready) {
            let Some(key) = self.host.keys[edge.sock] else { continue };
            if edge.readable {
                self.read_socket(key);
            }
            if edge.writable {
                self.writable_again(key);
            }
        }
    }

    fn look(&mut self) -> io::Result<()> {
        self.host.hand.take_down();
        let again = |sock| Edge { sock, readable: true, writable: false };
        self.host.ready.extend(self.host.carried.drain(..).map(again));
        self.host.knocked |= self.net.take_knock();
        self.host.ready.extend(self.net.take_edges());
        Ok(())
    }

    fn silence_bell(&mut self) -> bool {
        self.race();
        if naive!(self, DrainThenSilence) {
            return true;
        }
        let rung = self.host.bell.silence();
        self.race();
        rung
    }

    fn set_pulsing(&mut self, pulsing: bool) {
        self.race();
        self.host.bell.set_pulsing(pulsing);
    }

    fn agents_left(&self) -> bool {
        self.host.agents_left
    }

    fn read_agents(&mut self) {
        self.host.at = self.clock.at();
        let mut news = std::mem::take(&mut self.host.news);
        self.host.agents_left = self.agents.collect(&mut news);
        self.race();
        for (turn, event) in news.drain(..) {
            match event {
                Some(event) => {
                    let turn = self.whose(turn);
                    self.input(Input::Agent { turn, event });
                }
                None => {
                    let why = "the agent ended without an answer".to_owned();
                    self.input(Input::AgentLost { turn, why });
                }
            }
        }
        self.host.news = news;
    }

    fn read_mail(&mut self) {
        for _ in 0..MAIL_BURST {
            let Mail::Item(settings) = self.host.settings_mail.take() else { break };
            self.input(Input::Settings(settings));
        }
        for _ in 0..MAIL_BURST {
            let Mail::Item((ticket, result)) = self.jobs.mail().take() else {
                if naive!(self, DrainThenSilence) {
                    self.race();
                    self.host.bell.silence();
                }
                return;
            };
            self.host.jobs_pending = self.host.jobs_pending.saturating_sub(1);
            self.input(Input::JobDone { ticket, result });
        }
        self.host.bell.ring();
    }

    fn judge(&mut self) {
        // The disk takes its time.
        if !self.held.is_empty() && (self.healing || self.dice.chance(60)) {
            self.kept();
        }
        self.dawdle();
        let at = self.clock.at();
        self.host.at = at;
        for _ in 0..TIMER_BUDGET {
            let Some(timer) = self.host.wheel.expire(at) else { break };
            self.never_early(timer, at);
            self.timer_due(timer);
        }
        if self.gateway_deadline().is_some_and(|due| due <= self.clock.at()) {
            self.gateway_timeout();
        }
        self.on_time(at);
        if self.host.pacer.frame_due(at) {
            self.frame();
        }
        self.host.heartbeat.beat(at);
        #[cfg(test)]
        self.judge_naively();
        self.dawdle();
    }

    fn write(&mut self, key: Key) {
        if naive!(self, OneQueue) && self.host.links.iter().any(|(_, link)| link.is_blocked()) {
            return;
        }
        self.host.at = self.clock.at();
        self.flush_socket(key);
    }
}

impl World {
    /// Agents may act at any place in a turn; here is one where they could be in the way.
    fn race(&mut self) {
        if self.plan.racy > 0 && self.dice.chance(self.plan.racy) {
            self.agents.act(self.clock.at(), &mut self.dice, false);
        }
    }

    /// A turn may take long.
    fn dawdle(&mut self) {
        if self.plan.faults.has(Fault::SlowTurns) && !self.healing && self.dice.chance(5) {
            self.clock.pass(Duration::from_millis(self.dice.between(1, 400)));
        }
    }

    fn never_early(&mut self, timer: Timer<Key>, at: Instant) {
        let (Timer::Head(key) | Timer::Ping(key) | Timer::Pong(key) | Timer::Linger(key)) = timer else {
            return;
        };
        let due = self.host.links.get(key).and_then(|link| link.due);
        if due.is_none_or(|(due, wanted)| due > at || wanted != timer) {
            self.model.fail(|| format!("{timer:?} is due although {due:?} was set"));
        }
    }

    /// No deadline of the gateway may be left behind.
    fn on_time(&mut self, at: Instant) {
        if let Some(due) = self.gateway.poll_timeout().filter(|due| *due <= at) {
            self.model.fail(|| format!("a deadline of {:?} ago was not met", at - due));
        }
    }

    /// When the gateway wants to be asked.
    fn gateway_deadline(&self) -> Option<Instant> {
        #[cfg(test)]
        return self.naive_deadline();
        #[cfg(not(test))]
        self.gateway.poll_timeout()
    }

    /// Whose news it is.
    fn whose(&self, turn: TurnId) -> TurnId {
        #[cfg(test)]
        if naive!(self, TurnIdsRestart) {
            return self.model.any_turn().unwrap_or(turn);
        }
        turn
    }

    /// When something is due without anybody saying so; `None` waits for news only.
    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        if self.host.agents_left || self.host.pacer.is_dirty() || !self.held.is_empty() {
            return Some(self.clock.at());
        }
        let often = naive!(self, PollsOften).then(|| self.clock.at() + Duration::from_secs(1));
        let deadlines = [
            often,
            self.host.wheel.next_deadline(),
            self.host.pacer.next_deadline(),
            self.host.heartbeat.next_deadline(),
            self.gateway_deadline(),
            self.host.ending.as_ref().filter(|_| !naive!(self, WaitsForAgents)).map(Ending::deadline),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Whether a wait would return at once.
    pub(super) fn has_cause(&mut self) -> bool {
        let at = self.clock.at();
        !self.host.exited
            && (self.net.is_ready()
                || self.host.hand.is_up()
                || !self.host.carried.is_empty()
                || self.next_deadline().is_some_and(|due| due <= at))
    }

    /// The loop has a turn, if it has cause.
    pub(super) fn wake(&mut self) -> bool {
        if !self.has_cause() || self.model.failure().is_some() {
            return false;
        }
        let (deadline, woken) = (self.next_deadline(), self.clock.at());
        let late = deadline.map(|due| woken.saturating_duration_since(due)).unwrap_or_default();
        self.host.turns += 1;
        if late > LATE_WAKE {
            self.trace.marks.mark("second look");
        }
        if self.look().and_then(|()| self.turn(late)).is_err() {
            self.model.fail(|| "a look failed".to_owned());
        }
        self.host.heartbeat.set_active(self.clock.at(), self.gateway.is_active());
        self.end_in_order();
        self.check_turn();
        true
    }

    /// The loop has turns until it waits.
    pub(super) fn rest(&mut self) {
        for _ in 0..SPIN_MAX {
            self.agents.unstick(self.clock.at());
            if !self.wake() {
                return self.check_rest();
            }
        }
        self.model.fail(|| "the loop does not come to rest".to_owned());
    }

    /// What holds after every turn.
    fn check_turn(&mut self) {
        let pulse = self.host.pacer.next_deadline();
        let dirty = self.host.pacer.is_dirty();
        for (key, link) in self.host.links.iter() {
            if link.outbox.is_waiting() && pulse.is_none() {
                self.model.fail(|| format!("text for {key:?} waits for a clock that rests"));
            }
            if link.outbox.wants_write() && !link.is_blocked() && !dirty {
                self.model.fail(|| format!("{key:?} has something to write and is forgotten"));
            }
        }
        if self.host.turns.is_multiple_of(8)
            && let Err(what) = self.gateway.check()
        {
            self.model.fail(|| what);
        }
    }

    /// What holds whenever the loop waits.
    fn check_rest(&mut self) {
        if self.host.exited {
            return;
        }
        let waits = self.next_deadline();
        if let Some(turn) = self.agents.idle_for(|turn| self.model.runs(turn)) {
            self.model.fail(|| format!("the agent of {turn:?}, which is over, was not told to stop"));
        }
        if let Some(due) = self.agents.oldest_mail(FRAME)
            && waits.is_none_or(|waits| waits > due)
        {
            let at = self.clock.at();
            let after = waits.map(|waits| waits.saturating_duration_since(due));
            let past = at.saturating_duration_since(due);
            self.model.fail(|| format!("mail of an agent, due {past:?} ago, is left for {after:?} more"));
        }
        for (key, link) in self.host.links.iter().filter(|(_, link)| link.is_blocked()) {
            if !self.net.sock(link.sock).is_starved() {
                self.model.fail(|| format!("{key:?} waits for room that it was told of"));
            }
        }
        let timers = self.host.links.iter().filter_map(|(_, link)| link.due.map(|(at, _)| at));
        let (count, soonest) = timers.fold((0, None), |(count, soonest): (usize, Option<Instant>), at| {
            (count + 1, Some(soonest.map_or(at, |soonest| soonest.min(at))))
        });
        let wheel = self.host.wheel.next_deadline();
        if self.host.wheel.len() == count && !fits(soonest, wheel) {
            self.model.fail(|| format!("the wheel waits for {wheel:?}, the first timer is at {soonest:?}"));
        }
    }

    /// The process is told to end.
    pub(super) fn begin_ending(&mut self, grace: Duration) {
        self.host.ending = Some(Ending::new(self.clock.at(), grace));
    }

    fn end_in_order(&mut self) {
        if naive!(self, WaitsForAgents) && self.agents.len().0 > 0 {
            return;
        }
        while let Some(ending) = &mut self.host.ending {
            match ending.step(self.clock.at(), self.host.jobs_pending + self.held.len()) {
                Step::Wait => return,
                Step::Close => {
                    self.input(Input::Shutdown);
                    self.say_goodbye();
                }
                Step::Flush => {
                    self.host.exited = self.host.links.iter().all(|(_, link)| link.outbox.is_empty());
                    return;
                }
                Step::Exit => {
                    self.host.exited = true;
                    return;
                }
            }
        }
    }

    fn say_goodbye(&mut self) {
        let keys: Vec<Key> = self.host.links.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.dismiss(key);
            if let Some(link) = self.host.links.get_mut(key) {
                link.outbox.release();
            }
            self.flush_socket(key);
        }
    }

    /// The client that a person is, if the gateway knows it.
    pub(super) fn client_of(&self, person: usize) -> Option<ClientId> {
        let sock = self.people[person].conn.as_ref()?.sock;
        self.host.keys[sock].map(client_id)
    }
}

/// Whether the wheel waits for the tick in which `soonest` is due, or the one after.
fn fits(soonest: Option<Instant>, wheel: Option<Instant>) -> bool {
    match (soonest, wheel) {
        (Some(soonest), Some(wheel)) => wheel >= soonest && wheel - soonest < crate::reactor::wheel::TICK,
        // Never is not waited for.
        (Some(_), None) => true,
        (None, wheel) => wheel.is_none(),
    }
}
