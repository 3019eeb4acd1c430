//! One answer as it comes in: the data of stream events in, agent events out, everything said kept. Sans
//! I/O; knows nothing of connections and of tries. `messages` takes what an endpoint of Anthropic's dialect
//! says.

mod messages;

use std::borrow::Cow;

use super::calls::Calls;
use super::chunk::{Chunk, Counts, Delta, Text};
use super::failure::{self, Failure};
use super::think::ThinkFilter;
use crate::agent::anthropic::Thoughts;
use crate::base::secret::Secret;
use crate::model::agent_event::AgentEvent;
use crate::model::message::{Thought, ToolCall};
use crate::model::settings::Dialect;
use crate::model::turn::Usage;

/// Most bytes of one answer, text and reasoning together. Far above any model's output limit; it is there so
/// that a broken server cannot fill the memory.
pub(super) const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// The data that ends a stream.
const DONE: &[u8] = b"[DONE]";

/// Why the model stopped, as far as it makes a difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Finish {
    /// It had said everything, or gave a reason of its own.
    Stop,
    /// The output limit.
    Length,
    /// A filter, or the model refused.
    Filter,
    /// It wants a tool called.
    Tools,
}

/// The answer so far.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    key: Option<&'a Secret>,
    dialect: Dialect,
    filter: ThinkFilter,
    text: String,
    reasoning: String,
    /// The same as it has to be sent back, where it has to.
    thoughts: Thoughts,
    refusal: String,
    calls: Calls,
    /// Shown before the first visible text.
    lead: &'static str,
    /// It goes on where another one stopped: its first line breaks belong to it.
    continues: bool,
    finish: Option<Finish>,
    done: bool,
    has_choice: bool,
    counts: Counts,
}

impl<'a> Answer<'a> {
    /// Nothing yet. `key` is masked in what the server says about failures.
    pub(super) fn new(key: Option<&'a Secret>) -> Self {
        Self {
            key,
            dialect: Dialect::default(),
            filter: ThinkFilter::new(),
            text: String::new(),
            reasoning: String::new(),
            thoughts: Thoughts::default(),
            refusal: String::new(),
            calls: Calls::default(),
            lead: "",
            continues: false,
            finish: None,
            done: false,
            has_choice: false,
            counts: Counts::default(),
        }
    }

    /// The same, of an endpoint that speaks this.
    pub(super) fn in_dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// The same, with `lead` shown before its text: what was said before the tools ran ends there.
    pub(super) fn after_tools(self, lead: &'static str) -> Self {
        Self { lead, ..self }
    }

    /// The same, going on where another answer was cut off.
    pub(super) fn continuing(self) -> Self {
        Self { continues: true, ..self }
    }

    /// Takes the data of one event, or a whole answer that was not streamed. Data that is no chunk is skipped:
    /// proxies put their own words between; if it was the answer, its end will be missing too.
    pub(super) fn feed(&mut self, data: &[u8], emit: &mut impl FnMut(AgentEvent)) -> Result<(), Failure> {
        if self.dialect == Dialect::Messages {
            return self.feed_event(data, emit);
        }
        if data.trim_ascii() == DONE {
            self.done = true;
            return Ok(());
        }
        let chunk: Chunk<'_> = match serde_json::from_slice(data) {
            Ok(chunk) => chunk,
            Err(error) => {
                // The error itself may quote the data, which is the conversation's.
                log::debug!("skipped {} bytes that are no chunk (column {})", data.len(), error.column());
                return Ok(());
            }
        };
        if let Some(error) = chunk.error {
            return Err(failure::of_error_object(error.get(), self.key));
        }
        if let Some(counts) = chunk.usage {
            self.counts = counts;
        }
        let Some(choice) = chunk.choice.0 else { return Ok(()) };
        self.has_choice = true;
        if let Some(delta) = choice.delta.or(choice.message) {
            self.take_delta(delta, emit)?;
        }
        if let Some(Text(reason)) = choice.finish_reason.filter(|reason| !reason.0.is_empty()) {
            self.finish = Some(match reason.as_ref() {
                "length" => Finish::Length,
                "content_filter" => Finish::Filter,
                "tool_calls" | "function_call" => Finish::Tools,
                _ => Finish::Stop,
            });
        }
        Ok(())
    }

    /// The answer came in one piece, so it is whole if it was one at all, with or without a reason to stop.
    pub(super) fn finish_plain(&mut self) {
        self.done = self.has_choice;
    }

    /// The stream is over: shows what was held back as the possible beginning of a tag.
    pub(super) fn end(&mut self, emit: &mut impl FnMut(AgentEvent)) {
        let held = self.filter.finish();
        self.show(Cow::Owned(held), emit);
    }

    fn take_delta(&mut self, delta: Delta<'_>, emit: &mut impl FnMut(AgentEvent)) -> Result<(), Failure> {
        let reasoning = [delta.reasoning_content, delta.reasoning].into_iter().flatten();
        if let Some(Text(piece)) = reasoning.into_iter().find(|piece| !piece.0.is_empty()) {
            self.reasoning.push_str(&piece);
            emit(AgentEvent::Reasoning((*piece).into()));
        }
        if let Some(Text(refusal)) = delta.refusal {
            self.refusal.push_str(&refusal);
        }
        if let Some(Text(piece)) = delta.content {
            let visible = self.filter.push(piece);
            self.show(visible, emit);
        }
        if let Some(pieces) = delta.tool_calls {
            self.calls.feed(pieces, &mut |name| emit(AgentEvent::ToolGenerating { name: name.to_owned() }));
        }
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Failure> {
        let said = self.text.len() + self.reasoning.len() + self.refusal.len();
        let thought = self.filter.thought().len() + self.thoughts.bytes();
        let size = said + thought + self.calls.bytes();
        if size > ANSWER_MAX {
            return Err(Failure::Broken(format!("The answer is longer than {ANSWER_MAX} bytes.")));
        }
        Ok(())
    }

    fn show(&mut self, piece: Cow<'_, str>, emit: &mut impl FnMut(AgentEvent)) {
        let first = self.text.is_empty() && !self.continues;
        let piece = if first { without_line_breaks(piece) } else { piece };
        if piece.is_empty() {
            return;
        }
        self.text.push_str(&piece);
        // What a model says once it calls a tool is for itself.
        if !self.calls.is_empty() {
            return;
        }
        match std::mem::take(&mut self.lead) {
            "" => emit(AgentEvent::Text((*piece).into())),
            lead => emit(AgentEvent::Text([lead, &piece].concat().as_str().into())),
        }
    }

    /// The tools it calls, of the model call with this number.
    pub(super) fn calls(&self, number: u64) -> Vec<ToolCall> {
        self.calls.collect(number)
    }

    /// Whether it calls any.
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// The visible text so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What the model said when it refused.
    pub(super) fn refusal(&self) -> &str {
        &self.refusal
    }

    /// The reasoning: what came as such, else what stood between thinking tags.
    pub(super) fn reasoning(&self) -> Option<String> {
        let reasoning = if self.reasoning.is_empty() { self.filter.thought() } else { &self.reasoning };
        let reasoning = reasoning.trim();
        (!reasoning.is_empty()).then(|| reasoning.to_owned())
    }

    /// The thinking that has to be sent back.
    pub(super) fn thoughts(&self) -> Vec<Thought> {
        self.thoughts.collect()
    }

    /// Why the model stopped, once it has.
    pub(super) fn finish(&self) -> Option<Finish> {
        if self.refusal.is_empty() { self.finish } else { Some(Finish::Filter) }
    }

    /// Whether the server said that the stream is over.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether nothing of the answer itself is missing; counts may still come.
    pub(super) fn is_whole(&self) -> bool {
        self.done || self.finish.is_some()
    }

    /// What the server counted; zeros where it did not.
    pub(super) fn usage(&self, model: &str, context_max: u64) -> Usage {
        let Counts { prompt, completion, details } = self.counts;
        Usage {
            model: model.to_owned(),
            input: prompt.0,
            output: completion.0,
            reasoning: details.unwrap_or_default().reasoning.0,
            calls: 1,
            context_used: prompt.0.saturating_add(completion.0),
            context_max,
        }
    }
}

/// `piece` without the line breaks it starts with.
fn without_line_breaks(piece: Cow<'_, str>) -> Cow<'_, str> {
    let cut = piece.len() - piece.trim_start_matches(['\n', '\r']).len();
    match piece {
        _ if cut == 0 => piece,
        Cow::Borrowed(text) => Cow::Borrowed(&text[cut..]),
        Cow::Owned(mut text) => {
            text.drain(..cut);
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::{reasoning_of, text_of};
    use proptest::prelude::*;

    fn feed_all<'a>(chunks: impl IntoIterator<Item = &'a str>) -> (Answer<'static>, Vec<AgentEvent>) {
        let mut answer = Answer::new(None);
        let mut events = Vec::new();
        for chunk in chunks {
            answer.feed(chunk.as_bytes(), &mut |event| events.push(event)).unwrap();
        }
        answer.end(&mut |event| events.push(event));
        (answer, events)
    }

    fn content(text: &str) -> String {
        serde_json::json!({"choices": [{"delta": {"content": text}}]}).to_string()
    }

    #[test]
    fn text_and_reasoning_become_events() {
        let (answer, events) = feed_all([
            r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"Hm","reasoning":"twice"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":", so","reasoning_content":""}}]}"#,
            r#"{"choices":[{"delta":{"content":"\n\n"}}]}"#,
            r#"{"choices":[{"delta":{"content":"\nHi"}}]}"#,
            r#"{"choices":[{"delta":{"content":" there"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}"#,
            "[DONE]",
        ]);
        assert_eq!(events.len(), 4, "one event per delta that says something");
        assert_eq!((text_of(&events).as_str(), answer.text()), ("Hi there", "Hi there"));
        assert_eq!(
            (reasoning_of(&events).as_str(), answer.reasoning().as_deref()),
            ("Hm, so", Some("Hm, so"))
        );
        assert_eq!((answer.finish(), answer.is_done()), (Some(Finish::Stop), true));
        let usage = answer.usage("m", 100);
        assert_eq!((usage.input, usage.output, usage.context_used, usage.context_max), (2, 3, 5, 100));
    }

    #[test]
    fn thinking_tags_are_hidden_and_kept_as_reasoning() {
        let chunks = ["<thi", "nk>I wonder</th", "ink>\n\nIt is <"].map(content);
        let (answer, events) = feed_all(chunks.iter().map(String::as_str));
        assert_eq!((text_of(&events).as_str(), answer.text()), ("It is <", "It is <"));
        assert_eq!(answer.reasoning().as_deref(), Some("I wonder"));
        assert_eq!(reasoning_of(&events), "", "hidden text is not shown as reasoning either");
    }

    #[test]
    fn a_refusal_counts_as_filtered() {
        let (answer, _) = feed_all([
            r#"{"choices":[{"delta":{"refusal":"I can"}}]}"#,
            r#"{"choices":[{"delta":{"refusal":"not."},"finish_reason":"stop"}]}"#,
        ]);
        assert_eq!((answer.refusal(), answer.finish()), ("I cannot.", Some(Finish::Filter)));
    }

    #[test]
    fn garbage_is_skipped_and_does_not_count_as_an_end() {
        let (answer, events) =
            feed_all(["", "<html>", "{", "null", "[]", "7", r#"{"choices":"x"}"#, "\u{0}"]);
        assert!(events.is_empty());
        assert!(!answer.is_whole());
    }

    #[test]
    fn an_error_object_is_a_failure() {
        let mut answer = Answer::new(None);
        let failure =
            answer.feed(br#"{"error":{"message":"overloaded","code":529}}"#, &mut |_| {}).unwrap_err();
        assert_eq!(failure.to_string(), "HTTP 529: overloaded");
    }

    #[test]
    fn an_endless_answer_is_a_failure() {
        let mut answer = Answer::new(None);
        let chunk = content(&"x".repeat(1 << 20));
        let tries = (0..32).map(|_| answer.feed(chunk.as_bytes(), &mut |_| {}));
        assert_eq!(tries.filter(Result::is_ok).count(), ANSWER_MAX >> 20);
    }

    proptest! {
        #[test]
        fn never_panics(
            data in proptest::collection::vec(any::<u8>(), 0..100),
            json in concat!(
                r#"\{"(choices|usage|error)":"#,
                r#"(\[?\{"(delta|message)":\{"content":("x"|7|null)\}\}\]?|[0-9]|\[\])\}"#,
            ),
        ) {
            let mut answer = Answer::new(None);
            let _ = answer.feed(&data, &mut |_| {});
            let _ = answer.feed(json.as_bytes(), &mut |_| {});
        }
    }
}
