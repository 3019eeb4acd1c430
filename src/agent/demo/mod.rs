//! The demo agent: answers without a model and without a network, the same way every time. It is what a
//! fresh installation talks to, and what tests and load runs script (`script`).

pub mod script;

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::{Agent, AgentIo, Interrupted};
use crate::model::agent_event::AgentEvent;
use crate::model::ask::{Answer, Ask, Choice};
use crate::model::message::{Message, Role};
use crate::model::turn::{Resumed, TurnEnd, TurnSpec, TurnStatus, Usage};
use script::{Script, Step, token};

/// The model's name in [`Usage::model`].
pub const MODEL: &str = "demo";

/// Most bytes a turn says; the whole text has to stand in memory once more for the history.
pub const TEXT_MAX: usize = 64 * 1024 * 1024;

/// Characters of the prompt that the plain answer repeats.
const REPEAT_MAX: usize = 200;

/// The `pattern_key` of a scripted approval.
const APPROVAL_KEY: &str = "demo";

/// The agent. It has no state: all there is to a turn stands in its prompt.
#[derive(Clone, Copy, Default, Debug)]
pub struct Demo;

impl Agent for Demo {
    fn run(&mut self, turn: &TurnSpec, io: &AgentIo) -> TurnEnd {
        let mut speaker = Speaker::new(io);
        io.emit(AgentEvent::Thinking);
        let outcome = match (&turn.resumed, script::parse(&turn.prompt)) {
            (Some(resumed), _) => speaker.say_words(&resumed_answer(resumed)),
            (None, Some(script)) => speaker.perform(&script),
            (None, None) => speaker.say_words(&plain_answer(&turn.prompt)),
        };
        speaker.end(turn, outcome)
    }
}

fn plain_answer(prompt: &str) -> String {
    let prompt = prompt.trim();
    let mut repeated: String = prompt.chars().take(REPEAT_MAX).collect();
    if repeated.len() < prompt.len() {
        repeated.push('…');
    }
    format!(
        "This is the demo agent; no model was asked. You wrote: “{repeated}”. To talk to a model, start \
         without --agent demo and put `model: {{default: NAME, base_url: URL, api_key: KEY}}` into config.yaml \
         under $HERMES_HOME (by default ~/.hermes), or set it in the environment."
    )
}

/// The rest of the script is not known any more.
fn resumed_answer(resumed: &Resumed) -> String {
    let question: &str = match &resumed.question {
        Ask::Approval { command, .. } => command,
        Ask::Clarify { question, .. } => question,
        Ask::Sudo => "sudo",
        Ask::Secret { env_var, .. } => env_var,
    };
    let answer: &str = match &resumed.answer {
        Answer::Choice(Choice::Once) => "allowed once",
        Answer::Choice(Choice::Session) => "allowed for this session",
        Answer::Choice(Choice::Always) => "always allowed",
        Answer::Choice(Choice::Deny) => "denied",
        Answer::Text(text) => text,
        Answer::Secret(_) => "a secret",
        Answer::TimedOut | Answer::Cancelled => "nothing",
    };
    format!("A restart of the server cut this turn off; the answer to “{question}” was: {answer}.")
}

/// Why a turn ends before its script does.
#[derive(PartialEq, Eq, Debug)]
enum Stop {
    Interrupted,
    Failed(String),
}

impl From<Interrupted> for Stop {
    fn from(_: Interrupted) -> Self {
        Stop::Interrupted
    }
}

/// Says things and remembers what was said.
struct Speaker<'a> {
    io: &'a AgentIo,
    said: String,
    reasoned: String,
    /// Tokens said and thought so far; also the number of the next one.
    tokens: u64,
    thoughts: u64,
}

impl<'a> Speaker<'a> {
    fn new(io: &'a AgentIo) -> Self {
        Self { io, said: String::new(), reasoned: String::new(), tokens: 0, thoughts: 0 }
    }

    fn perform(&mut self, script: &Script) -> Result<(), Stop> {
        self.io.sleep(script.delay)?;
        self.paced(script.reason, script.rate, |speaker| {
            let piece = token(speaker.thoughts, script.size);
            speaker.think(piece)
        })?;
        for step in &script.steps {
            match step {
                Step::Tokens(count) => self.paced(*count, script.rate, |speaker| {
                    let piece = token(speaker.tokens, script.size);
                    speaker.say(piece)
                })?,
                Step::Sleep(duration) => self.io.sleep(*duration)?,
                Step::Burn(duration) => self.burn(*duration)?,
                Step::Clarify { question, choices } => self.clarify(question, choices.as_deref())?,
                Step::Approve(command) => self.approve(command)?,
                Step::Say(text) => self.say_words(text)?,
                Step::Fail(text) if text.trim().is_empty() => {
                    return Err(Stop::Failed(String::from("The script asked for a failure.")));
                }
                Step::Fail(text) => return Err(Stop::Failed(text.clone())),
            }
        }
        if self.said.is_empty() { self.say(String::from("Done.")) } else { Ok(()) }
    }

    /// Calls `act` this often. The schedule is absolute: a late token does not make the next one late.
    fn paced(
        &mut self,
        count: u64,
        rate: u64,
        mut act: impl FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let start = Instant::now();
        for index in 0..count {
            if let Some(offset) = (index * 1_000_000_000).checked_div(rate) {
                let due = start + Duration::from_nanos(offset);
                self.io.sleep(due.saturating_duration_since(Instant::now()))?;
            }
            act(self)?;
        }
        Ok(())
    }

    fn say(&mut self, piece: String) -> Result<(), Stop> {
        self.check(piece.len())?;
        self.said.push_str(&piece);
        self.tokens += 1;
        self.io.emit(AgentEvent::Text(piece.into()));
        Ok(())
    }

    fn think(&mut self, piece: String) -> Result<(), Stop> {
        self.check(piece.len())?;
        self.reasoned.push_str(&piece);
        self.thoughts += 1;
        self.io.emit(AgentEvent::Reasoning(piece.into()));
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), Stop> {
        if self.io.interrupted() {
            return Err(Stop::Interrupted);
        }
        if self.said.len() + self.reasoned.len() + more > TEXT_MAX {
            return Err(Stop::Failed(format!("The script says more than {TEXT_MAX} bytes.")));
        }
        Ok(())
    }

    fn say_words(&mut self, text: &str) -> Result<(), Stop> {
        text.split_inclusive(char::is_whitespace).try_for_each(|word| self.say(word.to_owned()))
    }

    /// Says `text` as a paragraph of its own.
    fn report(&mut self, text: &str) -> Result<(), Stop> {
        if !self.said.is_empty() {
            self.say(String::from("\n\n"))?;
        }
        self.say_words(text)
    }

    /// Wall time, not CPU time: the thread wants to run for this long, whatever share it gets.
    fn burn(&self, duration: Duration) -> Result<(), Stop> {
        /// Rounds between two looks at the clock, well below a millisecond.
        const ROUNDS: u64 = 10_000;
        let start = Instant::now();
        while start.elapsed() < duration {
            if self.io.interrupted() {
                return Err(Stop::Interrupted);
            }
            black_box((0..ROUNDS).fold(0, |sum, round| black_box(sum ^ round)));
        }
        Ok(())
    }

    fn clarify(&mut self, question: &str, choices: Option<&[String]>) -> Result<(), Stop> {
        match self
            .ask(Ask::Clarify { question: question.to_owned(), choices: choices.map(<[String]>::to_vec) })?
        {
            Answer::Text(text) => self.report(&format!("You answered: {text}")),
            Answer::Choice(_) | Answer::Secret(_) | Answer::TimedOut | Answer::Cancelled => {
                self.report("Nobody answered.")
            }
        }
    }

    fn approve(&mut self, command: &str) -> Result<(), Stop> {
        let question = Ask::Approval {
            command: command.to_owned(),
            pattern_key: APPROVAL_KEY.to_owned(),
            description: String::from("The demo agent was told to ask; nothing will run."),
            allow_permanent: true,
        };
        // Whatever is not an allowance is a refusal.
        match self.ask(question)? {
            Answer::Choice(Choice::Once | Choice::Session | Choice::Always) => {
                self.report(&format!("Allowed: {command}"))
            }
            _ => self.report(&format!("Denied: {command}")),
        }
    }

    fn ask(&self, question: Ask) -> Result<Answer, Stop> {
        let answer = self.io.ask(question);
        if self.io.interrupted() { Err(Stop::Interrupted) } else { Ok(answer) }
    }

    fn end(self, turn: &TurnSpec, outcome: Result<(), Stop>) -> TurnEnd {
        let input = turn.prompt.split_whitespace().count() as u64;
        let usage = Usage {
            model: MODEL.to_owned(),
            input,
            output: self.tokens + self.thoughts,
            reasoning: self.thoughts,
            calls: 1,
            context_used: input + self.tokens + self.thoughts,
            context_max: 0,
        };
        let reasoning = (!self.reasoned.is_empty()).then_some(self.reasoned);
        let mut text = (!self.said.is_empty()).then_some(self.said);
        let messages = text.iter().map(|said| Message {
            reasoning: reasoning.clone(),
            ..Message::new(Role::Assistant, said.as_str())
        });
        let messages = messages.collect();
        let status = match outcome {
            Ok(()) => TurnStatus::Complete,
            Err(Stop::Interrupted) => TurnStatus::Interrupted,
            Err(Stop::Failed(why)) => {
                if text.is_some() {
                    self.io.emit(AgentEvent::Status { kind: "warn", text: why });
                } else {
                    text = Some(why);
                }
                TurnStatus::Error
            }
        };
        TurnEnd { status, text, reasoning, usage, messages }
    }
}

#[cfg(test)]
mod tests;
