//! One question to the model outside of the conversation: no tools, not streamed, and nobody sees the answer
//! come in. Knows nothing of what the answer is for.

use std::thread;
use std::time::{Duration, Instant};

use super::answer::{Answer, Finish};
use super::failure::Failure;
use super::fallback::Endpoints;
use super::images::Album;
use super::request::Request;
use super::tries::{Next, Tries};
use super::{OpenAi, watch};
use crate::agent::{INTERRUPT_POLL, Interrupted};
use crate::model::message::{Message, Role};
use crate::model::turn::Usage;

/// What is asked.
pub(super) struct Question<'a> {
    /// What the model is told; blank is nothing.
    pub(super) system: &'a str,
    /// What it is asked.
    pub(super) text: &'a str,
    /// An output limit in tokens, before the configured one.
    pub(super) max_tokens: Option<u64>,
    /// How long all tries may take together.
    pub(super) limit: Duration,
}

/// What was answered.
pub(super) struct Reply {
    /// The text, trimmed; may be empty.
    pub(super) text: String,
    /// The reasoning, if there was any.
    pub(super) reasoning: Option<String>,
    /// What it took; says nothing of the conversation's size.
    pub(super) usage: Usage,
}

/// Who asks.
pub(super) struct Asker<'a> {
    pub(super) agent: &'a OpenAi,
    /// Whom; those that stand in are tried as well.
    pub(super) endpoints: Endpoints<'a>,
    /// The calling thread's.
    pub(super) watch: &'a watch::Guard,
    pub(super) interrupted: &'a dyn Fn() -> bool,
}

impl Asker<'_> {
    /// Asks, and asks those that stand in as long as there is time.
    pub(super) fn ask(mut self, question: &Question<'_>) -> Result<Reply, Failure> {
        let begun = Instant::now();
        loop {
            let failure = match self.ask_one(question, begun) {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            if begun.elapsed() >= question.limit || self.endpoints.stand_in(&failure).is_none() {
                return Err(failure);
            }
        }
    }

    fn ask_one(&self, question: &Question<'_>, begun: Instant) -> Result<Reply, Failure> {
        let settings = self.endpoints.settings();
        let messages = [Message::new(Role::User, question.text)];
        let request = Request {
            settings,
            model: self.endpoints.model(),
            system: question.system,
            conversation: &[&messages],
            album: &Album::default(),
            tools: None,
            max_tokens: question.max_tokens,
            streamed: false,
        };
        let body = request.body().map_err(|error| Failure::Unusable(error.to_string()))?;
        let mut tries = Tries::new(settings.api_tries, self.agent.backoff, question.text.len() as u64);
        loop {
            if (self.interrupted)() {
                return Err(Failure::Interrupted);
            }
            let left = question.limit.saturating_sub(begun.elapsed());
            self.watch.set_patience(Some(left));
            let mut answer = Answer::new(settings.api_key.as_ref()).in_dialect(settings.dialect);
            let asked =
                self.agent.call(settings, &body, &mut answer, self.watch, &self.interrupted, &mut |_| {});
            let failure = match asked {
                Ok(()) => return reply(&answer),
                Err(_) if (self.interrupted)() => return Err(Failure::Interrupted),
                Err(failure) => failure,
            };
            let left = question.limit.saturating_sub(begun.elapsed());
            match tries.after(&failure, |wait| self.sleep(wait, left)) {
                Next::Try => {}
                Next::Interrupted if (self.interrupted)() => return Err(Failure::Interrupted),
                Next::Interrupted | Next::GiveUp(_) => return Err(failure),
            }
        }
    }

    /// Waits, unless that is longer than what is left, or the person does not want to.
    fn sleep(&self, wait: Duration, left: Duration) -> Result<(), Interrupted> {
        if wait >= left {
            return Err(Interrupted);
        }
        let begun = Instant::now();
        loop {
            if (self.interrupted)() {
                return Err(Interrupted);
            }
            let rest = wait.saturating_sub(begun.elapsed());
            if rest.is_zero() {
                return Ok(());
            }
            thread::sleep(rest.min(INTERRUPT_POLL));
        }
    }
}

fn reply(answer: &Answer<'_>) -> Result<Reply, Failure> {
    if answer.finish() == Some(Finish::Filter) {
        return Err(Failure::Unusable(String::from("The answer was withheld by a content filter.")));
    }
    // The conversation has neither this size nor, maybe, this model.
    let usage = Usage { context_used: 0, ..answer.usage("", 0) };
    Ok(Reply { text: answer.text().trim().to_owned(), reasoning: answer.reasoning(), usage })
}
