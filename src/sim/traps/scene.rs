//! A world in which nothing happens by chance: what a scene says is all there is.

use std::time::{Duration, Instant};

use crate::limits::Bounds;
use crate::model::agent_event::AgentEvent;
use crate::model::ask::Ask;
use crate::model::ids::{AskId, SessionId};
use crate::model::settings::BusyMode;
use crate::outbound::keepalive::KeepAlive;
use crate::reactor::mailbox::Haste;
use crate::sim::call::{Call, prompt_text};
use crate::sim::dice::Dice;
use crate::sim::fault::Faults;
use crate::sim::naive::Naive;
use crate::sim::plan::{End, Plan};
use crate::sim::world::World;

/// The stage of a trap.
pub(super) struct Scene {
    pub(super) world: World,
    asks: u32,
}

impl Scene {
    /// Three people, no faults, the limits of the server.
    pub(super) fn new(naive: Option<Naive>) -> Self {
        let plan = Plan {
            people: 3,
            eager: 0,
            racy: 0,
            buffers: [128 << 10; 3],
            bounds: &Bounds::SERVER,
            merge: true,
            keep_alive: KeepAlive { interval: Duration::from_secs(30), timeout: Duration::from_secs(60) },
            orphan_grace: Some(Duration::from_secs(20)),
            session_ttl: None,
            mail_max: 512,
            share: (128, 512),
            read: (64 << 10, 256 << 10),
            jobs_max: 256,
            busy_mode: BusyMode::Queue,
            tool_progress: "all",
            approval_timeout_s: 300,
            end: End::Leave,
            ..Plan::draw(1, Faults::NONE)
        };
        let mut world = World::new(plan, false, Instant::now());
        world.healing = true;
        world.naive = naive;
        Self { world, asks: 0 }
    }

    /// Something the scene expects did not happen.
    pub(super) fn expect(&mut self, is_so: bool, what: &str) {
        if !is_so {
            self.world.model.fail(|| what.to_owned());
        }
    }

    /// A person connects and is welcomed.
    pub(super) fn connect(&mut self, person: usize) {
        self.world.dial(person, &mut Dice::new(1));
        self.settle();
    }

    /// The loop works off what there is, and everybody reads what comes.
    pub(super) fn settle(&mut self) {
        self.world.rest();
        self.world.everybody_reads();
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
        self.settle();
    }

    /// A person opens a session.
    pub(super) fn create(&mut self, person: usize) -> SessionId {
        self.world.request(person, "session.create", "", Call::Create { with_client: false });
        self.world.rest();
        self.finish_jobs();
        self.settle();
        self.world.directory.last().map_or(SessionId::from_bits(0), |(session, _)| *session)
    }

    pub(super) fn finish_jobs(&mut self) {
        let settings = self.world.settings.clone();
        while self.world.jobs.finish(0, false, &settings).is_some() {}
        self.world.rest();
    }

    /// A person submits a prompt of so many words.
    pub(super) fn submit(&mut self, person: usize, session: SessionId, words: usize) {
        let prompt = self.world.next_prompt();
        let text = prompt_text(prompt, words);
        self.submit_text(person, session, prompt, &text);
    }

    /// A person submits this text, as it stands in JSON.
    pub(super) fn submit_text(&mut self, person: usize, session: SessionId, prompt: u32, text: &str) {
        let params = format!("\"session_id\":\"{session}\",\"text\":\"{text}\"");
        self.world.request(person, "prompt.submit", &params, Call::Submit { session, prompt });
        self.settle();
    }

    pub(super) fn resume(&mut self, person: usize, session: SessionId) {
        self.world.resume(person, session, "", &mut Dice::new(1));
        self.settle();
    }

    /// A method that is answered at once.
    pub(super) fn inline(&mut self, person: usize, method: &str) {
        self.world.request(person, method, "", Call::Inline);
    }

    /// The newest agent says something.
    pub(super) fn say(&mut self, text: &str) {
        self.tell(AgentEvent::Text(text.into()), Haste::Paced);
    }

    /// The newest agent tells something.
    pub(super) fn tell(&mut self, event: AgentEvent, haste: Haste) {
        // A habit may have kept it from being started.
        if self.world.agents.len().0 > 0 {
            let at = self.world.clock.at();
            self.world.agents.tell(at, event, haste);
        }
    }

    /// The newest agent asks for approval.
    pub(super) fn ask_approval(&mut self) {
        let label = self.label();
        self.ask(Ask::Approval {
            command: label,
            pattern_key: "p".to_owned(),
            description: "d".to_owned(),
            allow_permanent: true,
        });
    }

    /// The newest agent asks an open question.
    pub(super) fn ask_clarify(&mut self) {
        let question = self.label();
        self.ask(Ask::Clarify { question, choices: None });
    }

    fn label(&self) -> String {
        let turn = self.world.agents.newest().map_or(0, |turn| turn.0);
        format!("q{turn}.{} ", self.asks)
    }

    fn ask(&mut self, question: Ask) {
        self.tell(AgentEvent::Ask(AskId(self.asks), question), Haste::Now);
        self.asks += 1;
        self.settle();
    }

    /// The newest agent ends its turn.
    pub(super) fn end_turn(&mut self) {
        if self.world.agents.len().0 > 0 {
            let at = self.world.clock.at();
            self.world.agents.end_newest(at);
            self.settle();
        }
    }

    /// Whether somebody is owed an answer.
    pub(super) fn waits(&self, person: usize) -> bool {
        self.world.people[person].conn.as_ref().is_some_and(|conn| !conn.waiting.is_empty())
    }

    /// Whether the server still holds the person's connection.
    pub(super) fn is_held(&self, person: usize) -> bool {
        self.world.client_of(person).is_some()
    }

    /// Brings the world to its end; says what was wrong.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.world.model.failure().is_none() {
            self.world.finish();
        }
        self.world.model.failure().map(str::to_owned)
    }
}
