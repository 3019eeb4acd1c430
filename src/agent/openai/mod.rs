//! The model agent: one streamed chat completion per turn, over any OpenAI-compatible endpoint.
//!
//! Reader's path of a token: `transport` (socket, below TLS) → `http` (the shared client) → `sse` (events) →
//! `answer` with `chunk` and `think` (text) → [`AgentIo::emit`]. `retry` judges failures, `ending` words the
//! end. Knows nothing of sessions or of the wire to the clients.

mod answer;
mod chunk;
mod ending;
mod failure;
mod http;
mod request;
mod retry;
mod sse;
mod think;
mod transport;
mod watch;

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use answer::{ANSWER_MAX, Answer};
use ending::{Ender, Ending};
use failure::Failure;
use retry::{Jitter, Verdict};
use sse::SseParser;

pub use http::{Client, Limits};
pub use retry::Backoff;

use super::{Agent, AgentIo};
use crate::model::agent_event::AgentEvent;
use crate::model::settings::ModelSettings;
use crate::model::turn::{TurnEnd, TurnSpec};

/// How long counts and the end of the stream may take once the model has stopped. Without both the answer is
/// whole all the same.
const FINISH_PATIENCE: Duration = Duration::from_secs(5);

/// How long the connection's last bytes may take after the stream's own end. They are usually there already;
/// reading them lets the connection serve the next turn.
const DRAIN_PATIENCE: Duration = Duration::from_millis(50);

/// Most bytes read for that.
const DRAIN_MAX: u64 = 4096;

/// What may stand before a JSON value (RFC 8259, section 2): without the form feed that ASCII counts as space.
const JSON_SPACE: &[u8] = b" \t\n\r";

/// The agent for one turn.
#[derive(Debug)]
pub struct OpenAi {
    client: Arc<Client>,
    settings: ModelSettings,
    backoff: Backoff,
}

impl OpenAi {
    /// An agent that talks to the endpoint in `settings` through `client`.
    pub fn new(client: Arc<Client>, settings: ModelSettings) -> Self {
        Self { client, settings, backoff: Backoff::default() }
    }

    /// The same with other waits between tries.
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }
}

impl Agent for OpenAi {
    fn run(&mut self, turn: &TurnSpec, io: &AgentIo) -> TurnEnd {
        let started = Instant::now();
        io.emit(AgentEvent::Thinking);
        let ender =
            Ender { model: request::model(&self.settings, turn), context_max: self.settings.context_length };
        let body = match request::body(&self.settings, turn) {
            Ok(body) => body,
            Err(error) => return ender.failed(format!("The request cannot be written: {error}")),
        };
        let watch = watch::begin(io.interrupt_flag());
        let mut tries = Tries::new(self, turn);
        loop {
            let mut answer = Answer::new(self.settings.api_key.as_ref());
            let outcome = self.call(&body, &mut answer, io, &watch);
            let ending = match outcome {
                Ok(()) => ender.answered(&answer),
                Err(_) if io.interrupted() => ender.interrupted(&answer, started.elapsed()),
                Err(failure) if !answer.text().trim().is_empty() => ender.broken_off(&answer, &failure),
                Err(failure) => match tries.after(&failure, io) {
                    Next::Try => continue,
                    Next::Interrupted => ender.interrupted(&answer, started.elapsed()),
                    Next::GiveUp(text) => return ender.failed(text),
                },
            };
            return emit_warning(ending, io);
        }
    }
}

fn emit_warning(ending: Ending, io: &AgentIo) -> TurnEnd {
    if let Some(text) = ending.warning {
        io.emit(AgentEvent::Status { kind: "warn", text });
    }
    ending.end
}

impl OpenAi {
    /// One try: sends the request and takes its answer in.
    fn call(
        &self,
        body: &[u8],
        answer: &mut Answer<'_>,
        io: &AgentIo,
        watch: &watch::Guard,
    ) -> Result<(), Failure> {
        watch.set_patience(None);
        let mut reader = self.client.post(&self.settings, body, watch)?;
        let interrupted = || io.interrupted();
        take_answer(&mut reader, answer, &interrupted, watch, &mut |event| io.emit(event))
    }
}

/// Takes an answer in from its first byte to its last, and judges whether it is whole.
fn take_answer(
    reader: &mut impl Read,
    answer: &mut Answer<'_>,
    interrupted: &impl Fn() -> bool,
    watch: &watch::Guard,
    emit: &mut impl FnMut(AgentEvent),
) -> Result<(), Failure> {
    let read = read_stream(reader, answer, interrupted, watch, emit);
    answer.end(emit);
    match read {
        Ok(()) if answer.is_whole() => Ok(()),
        Ok(()) => Err(Failure::Broken(String::from("The connection ended before the answer did."))),
        Err(Failure::Interrupted) => Err(Failure::Interrupted),
        // Only the counts are missing.
        Err(Failure::Broken(_)) if answer.is_whole() => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Feeds the stream to `answer` until its end.
fn read_stream(
    reader: &mut impl Read,
    answer: &mut Answer<'_>,
    interrupted: &impl Fn() -> bool,
    watch: &watch::Guard,
    emit: &mut impl FnMut(AgentEvent),
) -> Result<(), Failure> {
    let mut sse = SseParser::new();
    let mut begun = false;
    loop {
        let count = reader.read(sse.space()).map_err(|error| http::of_error(ureq::Error::from(error)))?;
        if count == 0 {
            sse.finish();
        } else {
            sse.filled(count);
        }
        if !begun && let Some(first) = sse.unread().iter().find(|byte| !JSON_SPACE.contains(byte)) {
            begun = true;
            // No line of an event stream starts so: the server does not stream.
            if *first == b'{' {
                return read_plain(sse.unread().to_vec(), reader, answer, emit);
            }
        }
        while let Some(data) = sse.next_event().map_err(|error| Failure::Broken(error.to_string()))? {
            if interrupted() {
                return Err(Failure::Interrupted);
            }
            let was_whole = answer.is_whole();
            answer.feed(data, emit)?;
            if answer.is_done() {
                watch.set_patience(Some(DRAIN_PATIENCE));
                let _ = std::io::copy(&mut reader.take(DRAIN_MAX), &mut std::io::sink());
                return Ok(());
            }
            if !was_whole && answer.is_whole() {
                watch.set_patience(Some(FINISH_PATIENCE));
            }
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// Takes an answer that is one JSON object, of which `start` was read already.
fn read_plain(
    start: Vec<u8>,
    reader: &mut impl Read,
    answer: &mut Answer<'_>,
    emit: &mut impl FnMut(AgentEvent),
) -> Result<(), Failure> {
    let mut body = start;
    let room = (ANSWER_MAX as u64).saturating_sub(body.len() as u64);
    reader.take(room).read_to_end(&mut body).map_err(|error| http::of_error(ureq::Error::from(error)))?;
    answer.feed(&body, emit)?;
    answer.finish_plain();
    Ok(())
}

/// What was kept of an answer. For the fuzzer.
#[doc(hidden)]
#[derive(PartialEq, Eq, Debug)]
pub struct Heard {
    /// The visible text.
    pub text: String,
    /// The reasoning.
    pub reasoning: Option<String>,
}

/// Reads a body as a turn reads it, without a network and a turn. For the fuzzer.
///
/// # Errors
/// In words, as the turn would end with them.
#[doc(hidden)]
pub fn hear(body: &mut impl Read, emit: &mut impl FnMut(AgentEvent)) -> Result<Heard, String> {
    let watch = watch::begin(Arc::default());
    let mut answer = Answer::new(None);
    let taken = take_answer(body, &mut answer, &|| false, &watch, emit);
    let heard = Heard { text: answer.text().to_owned(), reasoning: answer.reasoning() };
    taken.map(|()| heard).map_err(|failure| failure.to_string())
}

/// The tries of one turn. Their status lines wait here: nobody needs to hear of trouble that passed.
struct Tries {
    made: u32,
    most: u32,
    backoff: Backoff,
    jitter: Jitter,
    lines: Vec<String>,
}

/// What to do after a failed try.
enum Next {
    Try,
    Interrupted,
    /// With the sentence the turn ends with.
    GiveUp(String),
}

impl Tries {
    fn new(agent: &OpenAi, turn: &TurnSpec) -> Self {
        let most = agent.settings.api_tries.max(1);
        Self { made: 0, most, backoff: agent.backoff, jitter: Jitter::new(turn.turn.0), lines: Vec::new() }
    }

    /// Judges the failure and waits if it is worth another try.
    fn after(&mut self, failure: &Failure, io: &AgentIo) -> Next {
        self.made += 1;
        let (most, made) = (self.most, self.made);
        log::info!("model call failed, try {made} of {most}: {failure}");
        let (line, text) = match retry::judge(failure, made, most, self.backoff, &mut self.jitter) {
            Verdict::Retry(wait) => {
                let seconds = wait.as_secs_f64();
                self.lines.push(format!("⏳ Retrying in {seconds:.1}s (attempt {made}/{most})..."));
                return if io.sleep(wait).is_err() { Next::Interrupted } else { Next::Try };
            }
            Verdict::Fatal => (format!("❌ The model call failed — {failure}"), failure.to_string()),
            Verdict::Exhausted => (
                format!("❌ API failed after {most} retries — {failure}"),
                format!("API call failed after {most} retries: {failure}"),
            ),
        };
        self.lines.push(line);
        for text in self.lines.drain(..) {
            io.emit(AgentEvent::Status { kind: "lifecycle", text });
        }
        Next::GiveUp(text)
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
