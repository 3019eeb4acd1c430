//! One call to the model: sends a request and takes its answer in, streamed or whole. Knows nothing of tries,
//! of tools and of turns.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{ANSWER_MAX, Answer};
use super::failure::Failure;
use super::sse::SseParser;
use super::{OpenAi, http, watch};
use crate::model::agent_event::AgentEvent;
use crate::model::settings::ModelSettings;

/// How long counts and the end of the stream may take once the model has stopped. Without both the answer is
/// whole all the same.
const FINISH_PATIENCE: Duration = Duration::from_secs(5);

/// How long the connection's last bytes may take after the stream's own end. They are usually there already;
/// reading them lets the connection serve the next turn.
const DRAIN_PATIENCE: Duration = Duration::from_millis(50);

/// Most bytes read for that.
const DRAIN_MAX: u64 = 4096;

/// What may stand before a JSON value (RFC 8259, section 2): without the form feed that ASCII counts as
/// space.
const JSON_SPACE: &[u8] = b" \t\n\r";

impl OpenAi {
    /// Sends the request to this endpoint and takes its answer in. The patience of `watch` is the caller's to
    /// set.
    pub(super) fn call(
        &self,
        settings: &ModelSettings,
        body: &[u8],
        answer: &mut Answer<'_>,
        watch: &watch::Guard,
        interrupted: &impl Fn() -> bool,
        emit: &mut impl FnMut(AgentEvent),
    ) -> Result<(), Failure> {
        let mut reader = self.client.post(settings, body, watch)?;
        take_answer(&mut reader, answer, interrupted, watch, emit)
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
    /// Whether it calls tools.
    pub calls: bool,
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
    let (text, reasoning) = (answer.text().to_owned(), answer.reasoning());
    let heard = Heard { text, reasoning, calls: answer.has_calls() };
    taken.map(|()| heard).map_err(|failure| failure.to_string())
}
