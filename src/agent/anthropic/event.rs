//! What one event of the stream, or a whole message that is not streamed, adds to an answer. Lenient: what is
//! not known is skipped, null is absence. Pure, and keeps nothing from one event to the next.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::agent::openai::answer::Finish;
use crate::agent::openai::chunk::{Count, Text};
use crate::agent::openai::failure::{self, Failure};
use crate::base::secret::Secret;

/// What is added.
#[derive(PartialEq, Eq, Debug)]
pub(in crate::agent) enum Piece<'a> {
    /// Visible text.
    Text(Cow<'a, str>),
    /// Thinking, of the block with this index; may be empty where it begins.
    Thinking { index: u64, text: Cow<'a, str> },
    /// The signature of that thinking.
    Signature { index: u64, text: Cow<'a, str> },
    /// Thinking that nobody is shown.
    Redacted { index: u64, data: Cow<'a, str> },
    /// A call of a tool begins.
    Call { index: u64, id: Cow<'a, str>, name: Cow<'a, str> },
    /// More of its arguments.
    Arguments { index: u64, text: Cow<'a, str> },
    /// Tokens so far, those of a kept prompt included.
    Counts { prompt: u64, completion: u64 },
    /// Why the model stopped.
    Stop(Finish),
    /// This was a message, all of it.
    Whole,
    /// The stream is over.
    Done,
}

#[derive(Deserialize, Default)]
struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default)]
    index: Option<Count>,
    #[serde(default)]
    message: Option<Start>,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    /// Of a whole message.
    #[serde(borrow, default)]
    content: Option<Vec<Block<'a>>>,
    #[serde(borrow, default)]
    stop_reason: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
struct Start {
    #[serde(default)]
    usage: Option<Counts>,
}

/// A block where it begins, or all of it.
#[derive(Deserialize, Default)]
struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// More of a block, or of the message itself.
#[derive(Deserialize, Default)]
struct Delta<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    partial_json: Option<Text<'a>>,
    #[serde(borrow, default)]
    stop_reason: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
struct Counts {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
}

#[derive(Deserialize, Default)]
struct Named<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
}

/// Hands the pieces of an event to `take`. Data that is no event is skipped. `key` is masked in what the
/// server says about failures.
///
/// # Errors
/// The event says that the answer failed.
pub(in crate::agent) fn read(
    data: &[u8],
    key: Option<&Secret>,
    take: &mut impl FnMut(Piece<'_>),
) -> Result<(), Failure> {
    let event: Event<'_> = match serde_json::from_slice(data) {
        Ok(event) => event,
        Err(error) => {
            // The error itself may quote the data, which is the conversation's.
            log::debug!("skipped {} bytes that are no event (column {})", data.len(), error.column());
            return Ok(());
        }
    };
    if let Some(error) = event.error {
        return Err(failure_of(error, key));
    }
    let index = event.index.unwrap_or_default().0;
    match text_of(event.kind).as_ref() {
        "message_start" => count(event.message.and_then(|start| start.usage), take),
        "content_block_start" => begin(index, event.content_block.unwrap_or_default(), take),
        "content_block_delta" => go_on(index, event.delta.unwrap_or_default(), take),
        "message_delta" => {
            count(event.usage, take);
            stop(event.delta.and_then(|delta| delta.stop_reason), take);
        }
        "message_stop" => take(Piece::Done),
        "message" => {
            take(Piece::Whole);
            for (index, block) in (0_u64..).zip(event.content.unwrap_or_default()) {
                begin(index, block, take);
            }
            count(event.usage, take);
            stop(event.stop_reason, take);
        }
        // `ping`, `content_block_stop`, and what there may be one day.
        _ => {}
    }
    Ok(())
}

fn begin(index: u64, block: Block<'_>, take: &mut impl FnMut(Piece<'_>)) {
    match text_of(block.kind).as_ref() {
        "text" => say(block.text, take, Piece::Text),
        "thinking" => {
            take(Piece::Thinking { index, text: text_of(block.thinking) });
            say(block.signature, take, |text| Piece::Signature { index, text });
        }
        "redacted_thinking" => say(block.data, take, |data| Piece::Redacted { index, data }),
        "tool_use" => {
            take(Piece::Call { index, id: text_of(block.id), name: text_of(block.name) });
            // Empty where it comes in pieces.
            if let Some(input) = block.input.map(RawValue::get).filter(|input| has_members(input)) {
                take(Piece::Arguments { index, text: Cow::Borrowed(input) });
            }
        }
        _ => {}
    }
}

fn go_on(index: u64, delta: Delta<'_>, take: &mut impl FnMut(Piece<'_>)) {
    say(delta.text, take, Piece::Text);
    say(delta.thinking, take, |text| Piece::Thinking { index, text });
    say(delta.signature, take, |text| Piece::Signature { index, text });
    say(delta.partial_json, take, |text| Piece::Arguments { index, text });
}

/// Hands on a text that is there and not empty.
fn say<'a>(
    text: Option<Text<'a>>,
    take: &mut impl FnMut(Piece<'_>),
    piece: impl FnOnce(Cow<'a, str>) -> Piece<'a>,
) {
    if let Some(Text(text)) = text.filter(|text| !text.0.is_empty()) {
        take(piece(text));
    }
}

fn count(counts: Option<Counts>, take: &mut impl FnMut(Piece<'_>)) {
    let Some(counts) = counts else { return };
    let kept = counts.cache_creation_input_tokens.0.saturating_add(counts.cache_read_input_tokens.0);
    let prompt = counts.input_tokens.0.saturating_add(kept);
    take(Piece::Counts { prompt, completion: counts.output_tokens.0 });
}

fn stop(reason: Option<Text<'_>>, take: &mut impl FnMut(Piece<'_>)) {
    let finish = match text_of(reason).as_ref() {
        "" => return,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::Tools,
        "refusal" => Finish::Filter,
        _ => Finish::Stop,
    };
    take(Piece::Stop(finish));
}

fn text_of(text: Option<Text<'_>>) -> Cow<'_, str> {
    text.unwrap_or_default().0
}

/// Whether the JSON text of an object has anything in it.
fn has_members(json: &str) -> bool {
    let inner = json.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.trim().is_empty())
}

/// An error in the middle of an answer has a name in the place of a status.
fn failure_of(error: &RawValue, key: Option<&Secret>) -> Failure {
    let named: Named<'_> = serde_json::from_str(error.get()).unwrap_or_default();
    // The API's table of errors.
    let status = match text_of(named.kind).as_ref() {
        "invalid_request_error" => Some(400),
        "authentication_error" => Some(401),
        "billing_error" => Some(402),
        "permission_error" => Some(403),
        "not_found_error" => Some(404),
        "request_too_large" => Some(413),
        "rate_limit_error" => Some(429),
        "api_error" => Some(500),
        "timeout_error" => Some(504),
        "overloaded_error" => Some(529),
        _ => None,
    };
    failure::in_stream(error.get(), status, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of an event, as they are shown for debugging.
    fn pieces(data: &str) -> Result<Vec<String>, String> {
        let mut seen = Vec::new();
        let read = read(data.as_bytes(), None, &mut |piece| seen.push(format!("{piece:?}")));
        read.map(|()| seen).map_err(|failure| failure.to_string())
    }

    #[track_caller]
    fn gives(data: &str, expected: &[Piece<'_>]) {
        let expected: Vec<String> = expected.iter().map(|piece| format!("{piece:?}")).collect();
        assert_eq!(pieces(data), Ok(expected), "{data}");
    }

    #[test]
    fn events_become_pieces() {
        gives(
            r#"{"type":"message_start","message":{"id":"m","content":[],"stop_reason":null,"usage":
                {"input_tokens":5,"cache_creation_input_tokens":20,"cache_read_input_tokens":300,
                "output_tokens":1}}}"#,
            &[Piece::Counts { prompt: 325, completion: 1 }],
        );
        gives(r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#, &[]);
        gives(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\nä"}}"#,
            &[Piece::Text("a\nä".into())],
        );
        gives(
            r#"{"type":"content_block_start","index":1,
                "content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            &[Piece::Thinking { index: 1, text: "".into() }],
        );
        gives(
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"signature_delta","signature":"s"}}"#,
            &[Piece::Signature { index: 1, text: "s".into() }],
        );
        gives(
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"redacted_thinking","data":"x"}}"#,
            &[Piece::Redacted { index: 2, data: "x".into() }],
        );
        gives(
            r#"{"type":"content_block_start","index":3,
                "content_block":{"type":"tool_use","id":"t","name":"n","input":{ }}}"#,
            &[Piece::Call { index: 3, id: "t".into(), name: "n".into() }],
        );
        gives(
            r#"{"type":"content_block_delta","index":3,
                "delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#,
            &[Piece::Arguments { index: 3, text: "{\"a\"".into() }],
        );
        gives(r#"{"type":"message_stop"}"#, &[Piece::Done]);
    }

    #[test]
    fn reasons_to_stop_are_told_apart() {
        for (reason, finish) in [
            ("end_turn", Finish::Stop),
            ("stop_sequence", Finish::Stop),
            ("pause_turn", Finish::Stop),
            ("max_tokens", Finish::Length),
            ("model_context_window_exceeded", Finish::Length),
            ("tool_use", Finish::Tools),
            ("refusal", Finish::Filter),
        ] {
            let data = format!(
                r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":7}}}}"#
            );
            gives(&data, &[Piece::Counts { prompt: 0, completion: 7 }, Piece::Stop(finish)]);
        }
    }

    #[test]
    fn a_whole_message_is_all_of_it() {
        gives(
            r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"Hi"},
                {"type":"tool_use","id":"t","name":"n","input":{"a":1}}],
                "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#,
            &[
                Piece::Whole,
                Piece::Text("Hi".into()),
                Piece::Call { index: 1, id: "t".into(), name: "n".into() },
                Piece::Arguments { index: 1, text: r#"{"a":1}"#.into() },
                Piece::Counts { prompt: 1, completion: 2 },
                Piece::Stop(Finish::Tools),
            ],
        );
    }

    #[test]
    fn what_says_nothing_is_skipped() {
        for data in [
            "",
            "{",
            "null",
            "[DONE]",
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_delta"}"#,
            r#"{"type":"content_block_delta","delta":{"type":"citations_delta","citation":{}}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":null}"#,
            r#"{"type":"content_block_start","content_block":{"type":"server_tool_use","id":"x"}}"#,
            r#"{"type":7,"index":"x","delta":{"text":5}}"#,
        ] {
            gives(data, &[]);
        }
    }

    #[test]
    fn errors_have_the_status_of_their_name() {
        for (kind, expected) in [
            ("overloaded_error", "HTTP 529: m"),
            ("rate_limit_error", "HTTP 429: m"),
            ("invalid_request_error", "HTTP 400: m"),
            ("odd_error", "The server reports an error: m"),
        ] {
            let data = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#);
            assert_eq!(pieces(&data), Err(expected.to_owned()));
        }
        assert_eq!(
            pieces(r#"{"type":"error","error":"m"}"#),
            Err("The server reports an error: m".to_owned())
        );
    }
}
