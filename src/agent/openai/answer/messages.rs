//! The pieces of an answer as Anthropic's dialect has them, taken in as those of `chat/completions` are.
//! Knows nothing of how an event is written.

use super::Answer;
use crate::agent::anthropic::{self, Piece};
use crate::agent::openai::failure::Failure;
use crate::model::agent_event::AgentEvent;

impl Answer<'_> {
    /// Takes the data of one event, or a whole message that was not streamed.
    pub(super) fn feed_event(
        &mut self,
        data: &[u8],
        emit: &mut impl FnMut(AgentEvent),
    ) -> Result<(), Failure> {
        anthropic::read(data, self.key, &mut |piece| self.take_piece(piece, emit))?;
        self.check_size()
    }

    fn take_piece(&mut self, piece: Piece<'_>, emit: &mut impl FnMut(AgentEvent)) {
        match piece {
            Piece::Text(text) => {
                let visible = self.filter.push(text);
                self.show(visible, emit);
            }
            Piece::Thinking { index, text } => {
                self.thoughts.think(index, &text);
                self.reasoning.push_str(&text);
                if !text.is_empty() {
                    emit(AgentEvent::Reasoning((*text).into()));
                }
            }
            Piece::Signature { index, text } => self.thoughts.sign(index, &text),
            Piece::Redacted { index, data } => self.thoughts.redact(index, &data),
            Piece::Call { index, id, name } => {
                let named = &mut |name: &str| emit(AgentEvent::ToolGenerating { name: name.to_owned() });
                self.calls.begin(index, &id, &name, named);
            }
            Piece::Arguments { index, text } => self.calls.extend(index, &text),
            // They count up, and not every event has both.
            Piece::Counts { prompt, completion } => {
                self.counts.prompt.0 = self.counts.prompt.0.max(prompt);
                self.counts.completion.0 = self.counts.completion.0.max(completion);
            }
            Piece::Stop(finish) => self.finish = Some(finish),
            Piece::Whole => self.has_choice = true,
            Piece::Done => self.done = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::openai::answer::{ANSWER_MAX, Finish};
    use crate::agent::openai::sse::SseParser;
    use crate::agent::testing::{reasoning_of, text_of};
    use crate::model::message::Thought;
    use crate::model::settings::Dialect;
    use proptest::prelude::*;

    fn fresh() -> Answer<'static> {
        Answer::new(None).in_dialect(Dialect::Messages)
    }

    /// A stream as the API writes it: thinking, text, a call.
    const STREAM: &str = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,",
        "\"cache_read_input_tokens\":300,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
        "\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,",
        "\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Let's l\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,",
        "\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"ook.\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,",
        "\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}}\n\n",
        "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":1,",
        "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":1,",
        "\"delta\":{\"type\":\"text_delta\",\"text\":\"\\nI ä\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":1,",
        "\"delta\":{\"type\":\"text_delta\",\"text\":\" <b look\"}}\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":2,",
        "\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"read_file\",\"input\":{}}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":2,",
        "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"path\\\":\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":2,",
        "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\" \\\"é\\\"}\"}}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},",
        "\"usage\":{\"output_tokens\":42}}\n\n",
        "data: {\"type\":\"message_stop\"}\n\n",
    );

    /// An answer that comes in these pieces of bytes.
    fn hear<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Answer<'static>, Vec<AgentEvent>) {
        let (mut answer, mut events, mut sse) = (fresh(), Vec::new(), SseParser::new());
        for piece in pieces {
            sse.space()[..piece.len()].copy_from_slice(piece);
            sse.filled(piece.len());
            while let Some(data) = sse.next_event().unwrap() {
                answer.feed(data, &mut |event| events.push(event)).unwrap();
            }
        }
        answer.end(&mut |event| events.push(event));
        (answer, events)
    }

    #[test]
    fn the_place_of_a_cut_makes_no_difference() {
        let bytes = STREAM.as_bytes();
        for at in 0..=bytes.len() {
            let (answer, events) = hear([&bytes[..at], &bytes[at..]]);
            assert_eq!((text_of(&events).as_str(), answer.text()), ("I ä <b look", "I ä <b look"), "{at}");
            assert_eq!(reasoning_of(&events), "Let's look.", "{at}");
            let signed = Thought::Signed { text: "Let's look.".into(), signature: "c2ln".into() };
            assert_eq!(answer.thoughts(), [signed], "{at}");
            let calls = answer.calls(1);
            let [call] = calls.as_slice() else { panic!("{calls:?}") };
            assert_eq!(
                (call.id.as_str(), call.name.as_str(), call.arguments.as_str()),
                ("toolu_1", "read_file", "{\"path\": \"é\"}")
            );
            assert!(events.contains(&AgentEvent::ToolGenerating { name: "read_file".into() }), "{at}");
            assert_eq!((answer.finish(), answer.is_done()), (Some(Finish::Tools), true));
            let usage = answer.usage("m", 1000);
            assert_eq!((usage.input, usage.output, usage.context_used), (305, 42, 347), "{at}");
        }
    }

    #[test]
    fn what_is_not_whole_does_not_count_as_such() {
        let end = STREAM.find("data: {\"type\":\"message_delta\"").unwrap();
        let (answer, _) = hear([&STREAM.as_bytes()[..end]]);
        assert!(!answer.is_whole() && answer.has_calls());
    }

    #[test]
    fn a_message_that_is_not_streamed_is_taken_too() {
        let mut answer = fresh();
        let body = r#"{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"max_tokens",
            "usage":{"input_tokens":3,"output_tokens":4}}"#;
        answer.feed(body.as_bytes(), &mut |_| {}).unwrap();
        answer.finish_plain();
        assert_eq!((answer.text(), answer.finish(), answer.is_done()), ("Hi", Some(Finish::Length), true));
    }

    #[test]
    fn an_endless_answer_is_a_failure() {
        let text = "x".repeat(1 << 20);
        for delta in [
            serde_json::json!({"type": "text_delta", "text": text}),
            serde_json::json!({"type": "thinking_delta", "thinking": text}),
            serde_json::json!({"type": "signature_delta", "signature": text}),
            serde_json::json!({"type": "input_json_delta", "partial_json": text}),
        ] {
            let mut answer = fresh();
            let start =
                r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"a","name":"b"}}"#;
            answer.feed(start.as_bytes(), &mut |_| {}).unwrap();
            let event = serde_json::json!({"type": "content_block_delta", "index": 0, "delta": delta});
            let event = event.to_string();
            let failed = (0..=ANSWER_MAX >> 20).any(|_| answer.feed(event.as_bytes(), &mut |_| {}).is_err());
            assert!(failed, "{}", &event[..60]);
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            data in proptest::collection::vec(any::<u8>(), 0..100),
            json in concat!(
                r#"\{"type":"(content_block_(start|delta)|message(_delta)?)","index":(0|-1|1e99),"#,
                r#""(delta|content_block|content|usage)":(\[?\{"(type|text|input)":("text"|7|null)\}\]?|[0-9])\}"#,
            ),
        ) {
            let mut answer = fresh();
            let _ = answer.feed(&data, &mut |_| {});
            let _ = answer.feed(json.as_bytes(), &mut |_| {});
        }
    }
}
