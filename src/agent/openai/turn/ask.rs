//! One call of the model within a turn, and what can be done about its failures: try again, go on without
//! images, with a shorter conversation or with another model.

use super::super::answer::Answer;
use super::super::failure::Failure;
use super::super::images;
use super::super::kit::Kit;
use super::super::request::Request;
use super::super::tries::{Next, Tries};
use super::{AFTER_TOOLS, Run};
use crate::model::agent_event::AgentEvent;
use crate::model::message::Role;
use crate::model::turn::{TurnEnd, TurnStatus};

/// Why a request came to no answer.
enum Stop {
    /// The turn is over.
    End(Box<TurnEnd>),
    /// Another request might do. With the sentence the turn ends with if there is none.
    Failed(Failure, String),
}

impl<'a> Run<'a> {
    /// A call and all that can be done for it. An end is the turn's.
    pub(super) fn ask(&mut self, tools: Option<&Kit>) -> Result<Answer<'a>, Box<TurnEnd>> {
        let max_tokens = self.max_tokens.take();
        let mut is_shrunk = false;
        loop {
            let body = match self.body(tools, max_tokens) {
                Ok(body) => body,
                Err(error) => {
                    let why = format!("The request cannot be written: {error}");
                    return Err(Box::new(self.end(TurnStatus::Error, Some(why))));
                }
            };
            let endpoint = self.endpoints.settings();
            let mut tries = Tries::new(endpoint.api_tries, self.agent.backoff, self.turn.turn.0);
            let (failure, text) = match self.send(&body, &mut tries) {
                Ok(answer) => return Ok(answer),
                Err(Stop::End(end)) => return Err(end),
                Err(Stop::Failed(failure, text)) => (failure, text),
            };
            if self.leave_images_out(&failure) {
                continue;
            }
            if !is_shrunk && self.shrink_after(&failure, tools) {
                is_shrunk = true;
                continue;
            }
            if self.io.interrupted() {
                let answer = self.fresh();
                let ending = self.ender().interrupted(&answer, self.started.elapsed());
                return Err(Box::new(self.warn(ending, &answer)));
            }
            if !self.stand_in(&failure) {
                tries.tell(self.io);
                return Err(Box::new(self.end(TurnStatus::Error, Some(text))));
            }
        }
    }

    /// What is sent.
    fn body(&mut self, tools: Option<&Kit>, max_tokens: Option<u64>) -> Result<Vec<u8>, serde_json::Error> {
        let aside = self.aside();
        let [first, then, last] = self.talk.parts();
        let conversation = [first, then, last, aside.as_slice()];
        self.album.open(&conversation);
        let request = Request {
            settings: self.endpoints.settings(),
            model: self.endpoints.model(),
            system: &self.system,
            conversation: &conversation,
            album: &self.album,
            tools: tools.and_then(Kit::schemas),
            max_tokens,
            streamed: true,
        };
        request.body()
    }

    /// An answer with nothing in it yet.
    fn fresh(&self) -> Answer<'a> {
        let settings = self.endpoints.settings();
        let answer = Answer::new(settings.api_key.as_ref()).in_dialect(settings.dialect);
        if !self.begun.is_empty() {
            answer.continuing()
        } else if !self.talk.said().iter().any(|said| said.role == Role::Assistant) {
            answer
        } else {
            answer.after_tools(AFTER_TOOLS)
        }
    }

    /// Sends it until there is an answer, or no more tries.
    fn send(&mut self, body: &[u8], tries: &mut Tries) -> Result<Answer<'a>, Stop> {
        let (ender, io, settings) = (self.ender(), self.io, self.endpoints.settings());
        loop {
            let mut answer = self.fresh();
            self.watch.set_patience(None);
            let interrupted = || io.interrupted();
            let emit = &mut |event| io.emit(event);
            let outcome = self.agent.call(settings, body, &mut answer, &self.watch, &interrupted, emit);
            let used = answer.usage(ender.model, ender.context_max);
            self.usage.add(&used);
            let ending = match outcome {
                Ok(()) => {
                    if used.input > 0 {
                        self.measured = Some((used.input, self.talk.said().len()));
                    }
                    return Ok(answer);
                }
                Err(_) if io.interrupted() => ender.interrupted(&answer, self.started.elapsed()),
                Err(failure) if !answer.text().trim().is_empty() => ender.broken_off(&answer, &failure),
                Err(failure) => match tries.after(&failure, |wait| io.sleep(wait)) {
                    Next::Try => continue,
                    Next::Interrupted => ender.interrupted(&answer, self.started.elapsed()),
                    Next::GiveUp(text) => return Err(Stop::Failed(failure, text)),
                },
            };
            return Err(Stop::End(Box::new(self.warn(ending, &answer))));
        }
    }

    /// Goes on without images if the server takes none.
    fn leave_images_out(&mut self, failure: &Failure) -> bool {
        let is_why = self.album.is_shown() && images::is_refusal(failure);
        if is_why {
            self.album.refuse();
        }
        is_why
    }

    /// Goes on with another model for the rest of the turn, if there is one and it may do better.
    fn stand_in(&mut self, failure: &Failure) -> bool {
        let Some(text) = self.endpoints.stand_in(failure) else { return false };
        self.usage.context_max = self.endpoints.settings().context_length;
        // What one server signed is nothing to another.
        self.talk.forget_thoughts();
        self.io.emit(AgentEvent::Status { kind: "lifecycle", text });
        true
    }
}
