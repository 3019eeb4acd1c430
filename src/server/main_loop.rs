//! The loop: wait, handle what is ready, then always the same tail.
//!
//! In which order a turn does what is `outbound::turn`'s; what is done is here.

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::Token;

use super::channels::Channels;
use super::core::Core;
use super::links::Link;
use super::listener::Listener;
use super::metrics::Metrics;
use super::shutdown::Exit;
use super::sidecar::{Publisher, SIDECAR};
use super::signals::SignalMail;
use super::stdio::StdioMail;
use crate::agent::supervisor::{News, Supervisor};
use crate::base::slots::{Key, Slots};
use crate::gateway::io::{Input, Now, Output, Way};
use crate::host::Hosts;
use crate::jobs::{Done, Pool};
use crate::limits::TIMER_BUDGET;
use crate::model::bulletin::Bulletin;
use crate::model::ids::HostId;
use crate::model::settings::Settings;
use crate::model::store::StoreNews;
use crate::outbound::ending::Ending;
use crate::outbound::held::Held;
use crate::outbound::keepalive::{self, KeepAlive};
use crate::outbound::outbox::Outbox;
use crate::outbound::pacer::Pacer;
use crate::outbound::turn::Turn;
use crate::reactor::drift::{Culprit, Drift};
use crate::reactor::mailbox::{Bell, Mail, MailReceiver};
use crate::reactor::poller::{Poller, Ready};
use crate::reactor::pulse::Heartbeat;
use crate::reactor::wheel::Wheel;
use crate::store::thread::{StoreHandle, StoreThread};
use crate::transport::access::Access;
use crate::wire::upstream::HostNews;

/// Token of the bell. Keys of links pack to larger numbers (`base::slots::KEY_BITS_MIN`).
pub(super) const BELL: Token = Token(0);

/// Token of the listener.
pub(super) const LISTENER: Token = Token(1);

/// Bytes read from a socket at once; one buffer serves all connections.
const READ_BUFFER: usize = 64 << 10;

/// Mail of one kind handled in one turn.
const MAIL_BURST: usize = 256;

/// What can be due on the wheel.
pub(super) type Timer = keepalive::Timer<Key>;

/// Everything the loop owns.
pub(super) struct Server {
    pub(super) poller: Poller,
    pub(super) bell: Arc<Bell>,
    pub(super) wheel: Wheel<Timer>,
    pub(super) pacer: Pacer<Key>,
    pub(super) heartbeat: Heartbeat,
    pub(super) drift: Drift,
    pub(super) metrics: Metrics,
    pub(super) core: Core,
    pub(super) agents: Supervisor,
    /// Programs behind a bridge; `None` behind a gateway.
    pub(super) hosts: Option<Hosts>,
    pub(super) host_news: Vec<(HostId, HostNews)>,
    pub(super) pool: Pool,
    pub(super) jobs_pending: usize,
    pub(super) job_mail: MailReceiver<Done>,
    pub(super) settings_mail: MailReceiver<Arc<Settings>>,
    pub(super) bulletin_mail: MailReceiver<Bulletin>,
    pub(super) store: StoreHandle,
    /// Ends it; taken when the server ends.
    pub(super) store_thread: Option<StoreThread>,
    pub(super) store_mail: MailReceiver<StoreNews>,
    pub(super) store_job_mail: MailReceiver<Done>,
    /// What waits for the store.
    pub(super) held: Held<Way, Output>,
    pub(super) signal_mail: MailReceiver<SignalMail>,
    pub(super) stdio_mail: Option<MailReceiver<StdioMail>>,
    pub(super) stdio_link: Option<Key>,
    /// The second reader of what stdout is given, if there is one.
    pub(super) sidecar: Option<Box<Publisher>>,
    pub(super) channels: Channels,
    pub(super) listener: Option<Listener>,
    pub(super) access: Option<Access>,
    pub(super) keep_alive: KeepAlive,
    pub(super) merge: bool,
    pub(super) links: Slots<Link>,
    pub(super) read_buffer: Box<[u8]>,
    pub(super) started: Instant,
    /// When the step under way began: one clock reading serves all it does.
    pub(super) at: Instant,
    /// How long an orderly end may take.
    pub(super) grace: Duration,
    pub(super) ending: Option<Ending>,
    /// Why the process ends, once that is known.
    pub(super) exit: Option<Exit>,
    /// The longest step of this turn so far.
    slowest: (Duration, Culprit),
    /// What the last wait found.
    ready: Vec<Ready>,
    news: Vec<News>,
    agents_left: bool,
    #[cfg(feature = "test-endpoints")]
    pub(super) test: super::test_endpoints::State,
}

/// What a step of the loop is called in the log.
pub(super) fn culprit(event: &'static str) -> Culprit {
    Culprit { event, method: None, connection: None }
}

/// This moment.
pub(super) fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map(|age| age.as_secs_f64());
    Now { at: Instant::now(), wall: wall.unwrap_or_default() }
}

impl Server {
    /// A loop around `parts`, with no links yet.
    pub(super) fn new(parts: Parts) -> Self {
        let started = Instant::now();
        Self {
            poller: parts.poller,
            bell: parts.bell,
            wheel: Wheel::new(started),
            pacer: Pacer::default(),
            heartbeat: Heartbeat::default(),
            drift: Drift::default(),
            metrics: Metrics::new(),
            core: parts.core,
            agents: parts.agents,
            hosts: parts.hosts,
            host_news: Vec::new(),
            pool: parts.pool,
            jobs_pending: 0,
            job_mail: parts.job_mail,
            settings_mail: parts.settings_mail,
            bulletin_mail: parts.bulletin_mail,
            store: parts.store.0,
            store_thread: Some(parts.store.1),
            store_mail: parts.store_mail,
            store_job_mail: parts.store_job_mail,
            held: Held::default(),
            signal_mail: parts.signal_mail,
            stdio_mail: None,
            stdio_link: None,
            sidecar: None,
            channels: Channels::default(),
            listener: None,
            access: None,
            keep_alive: parts.keep_alive,
            merge: parts.merge,
            links: Slots::new(crate::limits::CLIENTS_MAX),
            read_buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            started,
            at: started,
            grace: parts.grace,
            ending: None,
            exit: None,
            slowest: (Duration::ZERO, culprit("nothing")),
            ready: Vec::new(),
            news: Vec::new(),
            agents_left: false,
            #[cfg(feature = "test-endpoints")]
            test: super::test_endpoints::State::default(),
        }
    }

    /// Runs until there is a reason to exit.
    pub(super) fn run(mut self) -> io::Result<Exit> {
        // What is to be there before anybody comes.
        self.apply_outputs();
        loop {
            let deadline = self.next_deadline();
            let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            self.poller.wait(timeout, &mut self.ready)?;
            let woken = Instant::now();
            let late = deadline.map(|at| woken.saturating_duration_since(at)).unwrap_or_default();
            if deadline.is_some_and(|at| at <= woken) {
                self.drift.record_wake(late);
            }

            self.turn(late)?;
            // On a tick of the wheel, so that pings that go with a beat are due at the same moment.
            let at = self.wheel.on_tick(Instant::now());
            self.heartbeat.set_active(at, self.core.is_active());
            #[cfg(feature = "test-endpoints")]
            {
                self.agents_left |= self.test_turn_over();
            }
            self.record_turn(woken);
            if self.may_exit() {
                // Everybody has been told good-bye; what agents left running must not outlive the server.
                self.close_sidecar();
                self.agents.shutdown();
                if let Some(hosts) = &mut self.hosts {
                    hosts.shutdown(self.grace);
                }
                self.end_store();
                return Ok(self.exit.take().unwrap_or(Exit::Quiet));
            }
        }
    }

    /// When something is due without anybody saying so; `None` waits for news only.
    fn next_deadline(&mut self) -> Option<Instant> {
        if self.agents_left || self.pacer.is_dirty() {
            return Some(Instant::now());
        }
        let deadlines = [
            self.wheel.next_deadline(),
            self.pacer.next_deadline(),
            self.heartbeat.next_deadline(),
            self.core.poll_timeout(),
            self.ending.as_ref().map(Ending::deadline),
            self.sidecar.as_ref().and_then(|sidecar| sidecar.next_deadline()),
        ];
        deadlines.into_iter().flatten().min()
    }

    fn handle_ready(&mut self) {
        for event in mem::take(&mut self.ready) {
            match event.token {
                BELL => {}
                LISTENER => self.step(culprit("accept"), Self::accept),
                SIDECAR => self.step(culprit("sidecar"), |server| server.sidecar_ready(event)),
                Token(bits) => {
                    if let Some(key) = Key::from_bits(bits) {
                        self.step(connection_culprit("socket", key), |server| server.link_ready(key, event));
                    }
                }
            }
        }
    }

    fn handle_mail(&mut self) {
        self.drain(|server| server.signal_mail.take(), "signal", Self::signalled);
        self.drain(
            |server| server.settings_mail.take(),
            "settings",
            |server, settings| {
                server.input(Input::Settings(settings));
            },
        );
        self.drain(|server| server.job_mail.take(), "job", Self::job_done);
        self.drain(|server| server.store_job_mail.take(), "store job", Self::job_done);
        self.drain(
            |server| server.bulletin_mail.take(),
            "bulletin",
            |server, bulletin| server.input(Input::Bulletin(bulletin)),
        );
        self.drain(|server| server.store_mail.take(), "store", Self::store_said);
        let stdio = |server: &Self| server.stdio_mail.as_ref().map_or(Mail::Empty, MailReceiver::take);
        self.drain(stdio, "stdin", Self::stdio_said);
        self.drain(Self::sidecar_mail, "sidecar", Self::sidecar_found);
    }

    fn job_done(&mut self, (ticket, result): Done) {
        self.jobs_pending = self.jobs_pending.saturating_sub(1);
        self.input(Input::JobDone { ticket, result });
    }

    /// Handles mail of one kind; a burst that is not over rings again, so that nobody waits for it.
    fn drain<T>(
        &mut self,
        take: impl Fn(&Self) -> Mail<T>,
        event: &'static str,
        handle: impl Fn(&mut Self, T),
    ) {
        for _ in 0..MAIL_BURST {
            let Mail::Item(item) = take(self) else { return };
            self.step(culprit(event), |server| handle(server, item));
        }
        self.bell.ring();
    }

    pub(super) fn handle_agents(&mut self) {
        let mut news = mem::take(&mut self.news);
        self.agents_left = self.agents.collect(&mut news);
        self.step(culprit("agents"), |server| {
            // One moment for all of them: a clock reading would cost as much as a piece of text.
            let moment = now();
            for timed in server.agents.timed() {
                server.metrics.drained(*timed, moment.at);
            }
            for one in news.drain(..) {
                let input = match one {
                    News::Event(turn, event) => Input::Agent { turn, event },
                    News::Lost(turn) => {
                        let why = "the agent ended without an answer".to_owned();
                        Input::AgentLost { turn, why }
                    }
                };
                server.core.handle_input(moment, input);
                server.apply_outputs();
            }
        });
        self.news = news;
        self.agents_left |= self.handle_hosts();
        #[cfg(feature = "test-endpoints")]
        {
            self.agents_left |= self.test_collect();
        }
    }

    fn handle_deadlines(&mut self) {
        let at = Instant::now();
        for _ in 0..TIMER_BUDGET {
            let Some(timer) = self.wheel.expire(at) else { break };
            self.step(culprit("timer"), |server| server.timer_due(timer, at));
        }
        if self.core.poll_timeout().is_some_and(|due| due <= at) {
            self.step(culprit("gateway timer"), |server| {
                server.core.handle_timeout(now());
                server.apply_outputs();
            });
        }
        if self.sidecar.as_ref().and_then(|sidecar| sidecar.next_deadline()).is_some_and(|due| due <= at) {
            self.step(culprit("sidecar timer"), Self::sidecar_due);
        }
        if self.pacer.frame_due(at) {
            self.step(culprit("frame"), Turn::frame);
        }
        if let Some(late) = self.heartbeat.beat(at) {
            self.metrics.stalls += 1;
            // The turn that stalled is this one, most likely; it is recorded when it ends.
            let before = self.drift.take_slowest().map(|slow| (slow.took, slow.culprit));
            let culprit = before.filter(|(took, _)| *took > self.slowest.0).unwrap_or(self.slowest).1;
            log::warn!("event loop stalled {:.1}s, last busy with {culprit}", late.by.as_secs_f64());
        }
    }

    /// Something happened to the gateway; do what it wants done.
    pub(super) fn input(&mut self, input: Input) {
        self.core.handle_input(now(), input);
        self.apply_outputs();
    }

    /// Runs one step and remembers the longest.
    pub(super) fn step(&mut self, culprit: Culprit, run: impl FnOnce(&mut Self)) {
        self.at = Instant::now();
        let start = self.at;
        run(self);
        let took = start.elapsed();
        // Taken by every step, so that none is blamed for the method of an earlier one.
        let method = self.core.take_last_method();
        if took >= self.slowest.0 {
            self.slowest = (took, Culprit { method, ..culprit });
        }
    }

    fn record_turn(&mut self, woken: Instant) {
        let (_, culprit) = mem::replace(&mut self.slowest, (Duration::ZERO, culprit("nothing")));
        if let Some(slow) = self.drift.record_turn(woken.elapsed(), culprit) {
            log::warn!("{slow}");
            self.metrics.slow_turn(slow);
        }
    }
}

impl Turn for Server {
    type Key = Key;

    fn pacer(&mut self) -> &mut Pacer<Key> {
        &mut self.pacer
    }

    fn outbox(&mut self, key: Key) -> Option<&mut Outbox> {
        self.links.get_mut(key).map(|link| &mut link.outbox)
    }

    fn read(&mut self) {
        self.handle_ready();
    }

    fn look(&mut self) -> io::Result<()> {
        self.poller.wait(Some(Duration::ZERO), &mut self.ready)
    }

    fn silence_bell(&mut self) -> bool {
        self.bell.silence()
    }

    fn set_pulsing(&mut self, pulsing: bool) {
        self.bell.set_pulsing(pulsing);
    }

    fn agents_left(&self) -> bool {
        self.agents_left
    }

    fn read_agents(&mut self) {
        self.handle_agents();
    }

    fn read_mail(&mut self) {
        self.handle_mail();
    }

    fn judge(&mut self) {
        self.handle_deadlines();
    }

    fn write(&mut self, key: Key) {
        self.step(connection_culprit("write", key), |server| server.flush(key));
    }
}

fn connection_culprit(event: &'static str, key: Key) -> Culprit {
    Culprit { event, method: None, connection: Some(key.to_bits() as u64) }
}

/// What a server is made of.
pub(super) struct Parts {
    pub(super) poller: Poller,
    pub(super) bell: Arc<Bell>,
    pub(super) core: Core,
    pub(super) agents: Supervisor,
    pub(super) hosts: Option<Hosts>,
    pub(super) pool: Pool,
    pub(super) job_mail: MailReceiver<Done>,
    pub(super) settings_mail: MailReceiver<Arc<Settings>>,
    pub(super) bulletin_mail: MailReceiver<Bulletin>,
    pub(super) store: (StoreHandle, StoreThread),
    pub(super) store_mail: MailReceiver<StoreNews>,
    pub(super) store_job_mail: MailReceiver<Done>,
    pub(super) signal_mail: MailReceiver<SignalMail>,
    pub(super) keep_alive: KeepAlive,
    pub(super) merge: bool,
    pub(super) grace: Duration,
}
