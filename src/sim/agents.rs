//! Agents that are not there: each says what an agent may say, in any order and at any time, through the
//! mailbox that agents' threads use. Some vanish, some do not listen, some say nothing.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use super::dice::Dice;
use super::fault::{Fault, Faults};
use super::hand::Hand;
use crate::base::join::Join;
use crate::model::agent_event::AgentEvent;
use crate::model::ask::{Answer, Ask};
use crate::model::ids::{AskId, TurnId};
use crate::model::message::{Message, Role};
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::reactor::fair::{self, Share};
use crate::reactor::joining::{JoiningReceiver, JoiningSender, joining_mailbox};
use crate::reactor::mailbox::{Bell, Haste, Refused};

/// Questions an agent asks at the same time at most.
const ASKS_MAX: usize = 3;

/// Answers that may wait for an agent; as `agent::AgentControl`.
const ANSWERS_MAX: usize = 16;

/// An agent's thread.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) turn: TurnId,
    /// Gone once it said its last.
    mail: Option<JoiningSender<AgentEvent, Hand>>,
    /// What a full queue refused; the thread waits with it.
    stuck: VecDeque<AgentEvent>,
    said: String,
    pieces: u32,
    interrupted: bool,
    answers: VecDeque<(AskId, Answer)>,
    steering: usize,
    asks: Vec<AskId>,
    next_ask: u32,
    wedged: bool,
    silent: bool,
    /// It said its end, or has it stuck.
    ended: bool,
    /// When what lies in its mailbox was put there, and whether it may wait for the frame clock.
    posted: VecDeque<(Instant, Haste)>,
}

/// The loop's end of an agent's mailbox.
#[derive(Debug)]
struct Running {
    turn: TurnId,
    mail: JoiningReceiver<AgentEvent>,
}

/// One piece of news; `None` when the agent is gone.
pub(super) type News = (TurnId, Option<AgentEvent>);

/// All agents.
#[derive(Debug)]
pub(super) struct Agents {
    bell: Arc<Bell<Hand>>,
    live: Vec<Agent>,
    ring: VecDeque<Running>,
    share: Share,
    mail_max: usize,
    faults: Faults,
}

impl Agents {
    pub(super) fn new(
        bell: &Arc<Bell<Hand>>,
        share: (usize, usize),
        mail_max: usize,
        faults: Faults,
    ) -> Self {
        let share = Share { burst: share.0, budget: share.1 };
        Self { bell: Arc::clone(bell), live: Vec::new(), ring: VecDeque::new(), share, mail_max, faults }
    }

    /// Starts one.
    pub(super) fn start(&mut self, spec: &TurnSpec, dice: &mut Dice) {
        let (sender, mail) = joining_mailbox(&self.bell, self.mail_max, self.mail_max);
        self.ring.push_back(Running { turn: spec.turn, mail });
        self.live.push(Agent {
            turn: spec.turn,
            mail: Some(sender),
            stuck: VecDeque::new(),
            said: String::new(),
            pieces: 0,
            interrupted: false,
            answers: VecDeque::new(),
            steering: 0,
            asks: Vec::new(),
            next_ask: 0,
            wedged: self.faults.has(Fault::Wedged) && dice.chance(40),
            silent: self.faults.has(Fault::Silence) && dice.chance(40),
            ended: false,
            posted: VecDeque::new(),
        });
    }

    fn find(&mut self, turn: TurnId) -> Option<&mut Agent> {
        self.live.iter_mut().find(|agent| agent.turn == turn)
    }

    /// Passes an answer on, as long as there is room for it.
    pub(super) fn answer(&mut self, turn: TurnId, ask: AskId, answer: Answer) {
        if let Some(agent) = self.find(turn)
            && agent.answers.len() < ANSWERS_MAX
        {
            agent.answers.push_back((ask, answer));
        }
    }

    /// Passes guidance on.
    pub(super) fn steer(&mut self, turn: TurnId) {
        if let Some(agent) = self.find(turn) {
            agent.steering += 1;
        }
    }

    /// Asks an agent to stop.
    pub(super) fn interrupt(&mut self, turn: TurnId) {
        if let Some(agent) = self.find(turn) {
            agent.interrupted = true;
        }
    }

    /// Listens no more to an agent.
    pub(super) fn forget(&mut self, turn: TurnId) {
        self.ring.retain(|running| running.turn != turn);
        if let Some(agent) = self.find(turn) {
            agent.interrupted = true;
            agent.posted.clear();
        }
    }

    /// Takes mail as the loop does; true when some may be left.
    pub(super) fn collect(&mut self, news: &mut Vec<News>) -> bool {
        let before = news.len();
        let take = |running: &Running| running.mail.take();
        let left = fair::collect(
            &mut self.ring,
            self.share,
            take,
            |running, event| {
                let weight = event.as_ref().map_or(0, Join::weight);
                news.push((running.turn, event));
                weight
            },
            |_| {},
        );
        for (turn, event) in &news[before..] {
            if let Some(event) = event
                && let Some(agent) = self.live.iter_mut().find(|agent| agent.turn == *turn)
            {
                agent.posted.drain(..event.count().min(agent.posted.len()));
            }
        }
        left
    }

    /// Whether it has done nothing yet, so that it may still be on its way.
    pub(super) fn is_starting(&self, turn: TurnId) -> bool {
        self.live.iter().any(|agent| agent.turn == turn && agent.pieces == 0 && agent.posted.is_empty())
    }

    /// The newest agent says something, whatever it is doing.
    #[cfg(test)]
    pub(super) fn tell(&mut self, at: Instant, event: AgentEvent, haste: Haste) {
        let agent = self.live.last_mut().expect("an agent runs");
        if let AgentEvent::Text(text) = &event {
            agent.said.push_str(text);
            agent.pieces += 1;
        }
        if let AgentEvent::Ask(ask, _) = &event {
            agent.asks.push(*ask);
        }
        agent.say(at, event, haste);
    }

    /// The newest agent does not listen.
    #[cfg(test)]
    pub(super) fn wedge(&mut self) {
        self.live.last_mut().expect("an agent runs").wedged = true;
    }

    /// The newest agent ends.
    #[cfg(test)]
    pub(super) fn end_newest(&mut self, at: Instant) {
        let agent = self.live.last_mut().expect("an agent runs");
        agent.end(at, agent.status());
        self.live.retain(|agent| agent.mail.is_some());
    }

    /// When the newest agent last said something that was not heard yet, and its turn.
    #[cfg(test)]
    pub(super) fn newest(&self) -> Option<TurnId> {
        self.live.last().map(|agent| agent.turn)
    }

    /// Threads that have not ended, and mailboxes that are listened to.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.live.len(), self.ring.len())
    }

    /// An agent of a turn that does not run, or whose mailbox is listened to although it does not, and that was
    /// not told to stop.
    pub(super) fn idle_for(&self, runs: impl Fn(TurnId) -> bool) -> Option<TurnId> {
        let untold = self.live.iter().find(|agent| !agent.interrupted && !runs(agent.turn));
        let heard = self.ring.iter().find(|running| !runs(running.turn));
        untold.map(|agent| agent.turn).or(heard.map(|running| running.turn))
    }

    /// The oldest mail that nobody took: with the frame clock in mind, when it should be taken at the latest.
    pub(super) fn oldest_mail(&self, frame: std::time::Duration) -> Option<Instant> {
        let due = |(at, haste): &(Instant, Haste)| match haste {
            Haste::Now => *at,
            Haste::Paced => *at + frame,
        };
        self.live.iter().filter_map(|agent| agent.posted.iter().map(due).min()).min()
    }

    /// Some agent does something at `at`, or one after the other does, if `all`. Says which and what.
    pub(super) fn act(&mut self, at: Instant, dice: &mut Dice, all: bool) -> Option<(TurnId, &'static str)> {
        if self.live.is_empty() {
            return None;
        }
        let first = dice.below(self.live.len());
        let count = if all { dice.between(1, 40) } else { 1 };
        let mut did = None;
        for n in 0..count as usize {
            let index = if all && n % 2 == 1 { dice.below(self.live.len()) } else { first };
            let agent = &mut self.live[index];
            did = Some((agent.turn, agent.act(at, self.faults, dice)));
        }
        self.live.retain(|agent| agent.mail.is_some());
        did
    }

    /// Whoever waits for room tries again.
    pub(super) fn unstick(&mut self, at: Instant) {
        if self.live.iter().all(|agent| agent.stuck.is_empty()) {
            return;
        }
        for agent in &mut self.live {
            agent.unstick(at);
        }
        self.live.retain(|agent| agent.mail.is_some());
    }

    /// Everybody comes to an end, as far as questions and full queues let them. Faults are over.
    pub(super) fn finish(&mut self, at: Instant) {
        for agent in &mut self.live {
            agent.wedged = false;
            agent.unstick(at);
            agent.listen(at);
            if agent.stuck.is_empty() && (agent.asks.is_empty() || agent.interrupted) {
                agent.end(at, agent.status());
            }
        }
        self.live.retain(|agent| agent.mail.is_some());
    }
}

impl Agent {
    fn act(&mut self, at: Instant, faults: Faults, dice: &mut Dice) -> &'static str {
        self.unstick(at);
        if !self.stuck.is_empty() {
            return "waits for room";
        }
        if self.interrupted && !self.wedged {
            self.end(at, TurnStatus::Interrupted);
            return "stops";
        }
        self.listen(at);
        if self.silent && dice.chance(97) {
            return "is silent";
        }
        if !self.asks.is_empty() {
            return self.wait(at, dice);
        }
        let crash = if faults.has(Fault::Crashes) { 4 } else { 0 };
        let huge = faults.has(Fault::HugeFrames);
        match dice.weighted(&[100, 20, 8, 10, 18, 12, 10, 16, crash]) {
            0 => self.text(at, dice, huge),
            1 => {
                let text = self.piece(dice, huge);
                self.say(at, AgentEvent::Reasoning(text.into()), Haste::Paced);
                "reasons"
            }
            2 => self.now(at, AgentEvent::Thinking, "thinks"),
            3 => {
                let kind = dice.pick(&["warn", "lifecycle", "status"]);
                self.now(at, AgentEvent::Status { kind, text: "on it".to_owned() }, "has a status")
            }
            4 => self.tool(at, dice),
            5 => self.ask(at, dice, huge),
            6 => self.take_steering(at),
            7 => {
                let status = if dice.chance(15) { TurnStatus::Error } else { TurnStatus::Complete };
                self.end(at, status);
                "ends"
            }
            _ => {
                self.mail = None;
                "vanishes"
            }
        }
    }

    /// It waits for answers. It may ask more meanwhile, or give a question up.
    fn wait(&mut self, at: Instant, dice: &mut Dice) -> &'static str {
        match dice.below(40) {
            0 => {
                let ask = self.asks.remove(dice.below(self.asks.len()));
                self.now(at, AgentEvent::AskGone(ask), "gives a question up")
            }
            1 | 2 if self.asks.len() < ASKS_MAX => self.ask(at, dice, false),
            3 => self.text(at, dice, false),
            _ => "waits for an answer",
        }
    }

    fn now(&mut self, at: Instant, event: AgentEvent, did: &'static str) -> &'static str {
        self.say(at, event, Haste::Now);
        did
    }

    fn say(&mut self, at: Instant, event: AgentEvent, haste: Haste) {
        let Some(mail) = self.mail.as_ref().filter(|_| self.stuck.is_empty()) else {
            return self.stuck.push_back(event);
        };
        match mail.offer(event, haste) {
            Ok(()) => self.posted.push_back((at, haste)),
            Err(Refused::Full(event)) => self.stuck.push_back(event),
            // Nobody listens any more.
            Err(Refused::Gone(_)) => {}
        }
    }

    /// Tries again with what a full queue refused.
    fn unstick(&mut self, at: Instant) {
        while let (Some(mail), Some(event)) = (&self.mail, self.stuck.pop_front()) {
            let last = self.stuck.is_empty() && self.ended;
            let haste = match event {
                AgentEvent::Text(_) | AgentEvent::Reasoning(_) => Haste::Paced,
                _ => Haste::Now,
            };
            match mail.offer(event, haste) {
                Ok(()) => self.posted.push_back((at, haste)),
                Err(Refused::Full(event)) => return self.stuck.push_front(event),
                Err(Refused::Gone(_)) => {}
            }
            if last {
                self.mail = None;
            }
        }
    }

    /// Hears answers. One to a question that is not open any more is not for anybody.
    fn listen(&mut self, at: Instant) {
        while let Some((ask, answer)) = self.answers.pop_front() {
            if let Some(open) = self.asks.iter().position(|open| *open == ask) {
                self.asks.remove(open);
                let text = format!("({answer:?})");
                self.said.push_str(&text);
                self.say(at, AgentEvent::Text(text.into()), Haste::Paced);
            }
        }
    }

    /// A piece of text that is not like the one before it.
    fn piece(&mut self, dice: &mut Dice, huge: bool) -> String {
        self.pieces += 1;
        let mut text = dice.pick(&["", "é", "🦀", "\"\n", "word "]).to_owned();
        let _ = write!(text, "{} ", self.pieces);
        if huge && dice.chance(10) {
            text.push_str(&"filler ".repeat(dice.between(1, 400) as usize));
        }
        text
    }

    fn text(&mut self, at: Instant, dice: &mut Dice, huge: bool) -> &'static str {
        for _ in 0..dice.pick(&[1, 1, 2, 5, 20]) {
            let text = self.piece(dice, huge);
            self.said.push_str(&text);
            self.say(at, AgentEvent::Text(text.into()), Haste::Paced);
        }
        "talks"
    }

    fn tool(&mut self, at: Instant, dice: &mut Dice) -> &'static str {
        let (id, name) = (format!("t{}", dice.below(3)), "shell".to_owned());
        let event = match dice.below(3) {
            0 => AgentEvent::ToolGenerating { name },
            1 => AgentEvent::ToolStart { id, name, context: "ls".to_owned(), args: "{}".to_owned() },
            _ => AgentEvent::ToolComplete {
                id,
                name,
                args: "{}".to_owned(),
                result: "ok".to_owned(),
                extras: Box::default(),
            },
        };
        self.now(at, event, "uses a tool")
    }

    fn ask(&mut self, at: Instant, dice: &mut Dice, huge: bool) -> &'static str {
        let ask = AskId(self.next_ask);
        self.next_ask += 1;
        // Found again in what clients are shown.
        let mut label = format!("q{}.{} ", self.turn.0, ask.0);
        if huge {
            label.push_str(&"why ".repeat(dice.below(500)));
        }
        let question = match dice.below(5) {
            0 | 1 => Ask::Approval {
                command: label,
                pattern_key: "p".to_owned(),
                description: "d".to_owned(),
                allow_permanent: true,
            },
            2 => Ask::Clarify { question: label, choices: Some(vec!["a".to_owned(), "b".to_owned()]) },
            3 => Ask::Secret { env_var: label, prompt: "?".to_owned() },
            _ => Ask::Sudo,
        };
        self.asks.push(ask);
        self.now(at, AgentEvent::Ask(ask, question), "asks")
    }

    fn take_steering(&mut self, at: Instant) -> &'static str {
        match std::mem::take(&mut self.steering) {
            0 => "looks for guidance",
            count => self.now(at, AgentEvent::SteeringTaken(count), "takes guidance"),
        }
    }

    fn status(&self) -> TurnStatus {
        if self.interrupted { TurnStatus::Interrupted } else { TurnStatus::Complete }
    }

    fn end(&mut self, at: Instant, status: TurnStatus) {
        self.ended = true;
        let text = (!self.said.is_empty()).then(|| self.said.clone());
        let messages = text.iter().map(|text| Message::new(Role::Assistant, text)).collect();
        let usage = Usage { input: 10, output: 5, calls: 1, ..Usage::default() };
        let end = TurnEnd { status, text, reasoning: None, usage, messages };
        self.say(at, AgentEvent::End(Box::new(end)), Haste::Now);
        if self.wedged {
            // One that does not listen may not know that it is over either.
            self.say(at, AgentEvent::Text("late".into()), Haste::Paced);
        }
        if self.stuck.is_empty() {
            self.mail = None;
        }
    }
}
