//! What a request asks for: the body of a chat completion or of a message, read in either dialect. Owns what
//! matters of it; knows nothing of scripts or of how it will be answered.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::limits::{MODEL_MAX, NAME_MAX, RESULT_MAX};

/// The model that answers when a request names none.
pub(super) const MODEL: &str = "fake-1";

/// Bytes of a request that count as one token of the prompt, where the script does not say how many there were.
const BYTES_PER_TOKEN: usize = 4;

/// Most tools of a request that are looked at.
const TOOLS_SEEN_MAX: usize = 1024;

/// Whose API is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// `POST /v1/chat/completions`.
    OpenAi,
    /// `POST /v1/messages`.
    Anthropic,
}

/// A request for an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ask {
    /// How to say it.
    pub(super) dialect: Dialect,
    /// The model that was asked.
    pub(super) model: String,
    /// Whether to stream.
    pub(super) stream: bool,
    /// Whether the counts of tokens are wanted in the stream. Anthropic streams always have them.
    pub(super) include_usage: bool,
    /// What the user said last.
    pub(super) prompt: String,
    /// What tools answered since the model spoke last, line by line; `None` when the user has the last word.
    pub(super) results: Option<String>,
    /// How often tools were called since the user spoke last.
    pub(super) rounds: usize,
    /// The tools that may be called.
    pub(super) tools: Vec<String>,
    /// The size of the prompt in tokens, roughly.
    pub(super) prompt_tokens: u64,
}

/// Why a body is no request for an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum AskError {
    /// Not the JSON of such a request; says where and why.
    Json(String),
    /// No message at all.
    NoMessages,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Json(why) => write!(f, "the body is no request: {why}"),
            AskError::NoMessages => f.write_str("messages: at least one message is required"),
        }
    }
}

impl std::error::Error for AskError {}

impl From<serde_json::Error> for AskError {
    fn from(error: serde_json::Error) -> Self {
        AskError::Json(error.to_string())
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    messages: Vec<&'a RawValue>,
    model: Option<String>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    tools: Option<Vec<Tool>>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// A tool in either dialect.
#[derive(Deserialize)]
struct Tool {
    name: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
    tool_calls: Option<Vec<IgnoredAny>>,
}

impl Ask {
    /// A request that streams, says only this, and offers no tools.
    pub(super) fn plain(prompt: &str) -> Self {
        Self {
            dialect: Dialect::OpenAi,
            model: MODEL.to_owned(),
            stream: true,
            include_usage: false,
            prompt: prompt.to_owned(),
            results: None,
            rounds: 0,
            tools: Vec::new(),
            prompt_tokens: 0,
        }
    }

    /// Reads the body of a request.
    pub(super) fn read(dialect: Dialect, body: &[u8]) -> Result<Self, AskError> {
        let read: Body<'_> = serde_json::from_slice(body)?;
        if read.messages.is_empty() {
            return Err(AskError::NoMessages);
        }
        let model = read.model.filter(|name| !name.is_empty() && name.len() <= MODEL_MAX);
        let tools = read.tools.unwrap_or_default().into_iter().take(TOOLS_SEEN_MAX);
        let names = tools.filter_map(|tool| tool.function.map(|function| function.name).or(tool.name));
        let mut ask = Self {
            dialect,
            model: model.unwrap_or_else(|| MODEL.to_owned()),
            stream: read.stream.unwrap_or(false),
            include_usage: read.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            prompt: String::new(),
            results: None,
            rounds: 0,
            tools: names.filter(|name| name.len() <= NAME_MAX).collect(),
            prompt_tokens: (body.len() / BYTES_PER_TOKEN) as u64,
        };
        ask.look_back(&read.messages)?;
        Ok(ask)
    }

    /// Reads the messages from the last one back to what the user said: the rest of a long conversation is none
    /// of ours.
    fn look_back(&mut self, messages: &[&RawValue]) -> Result<(), AskError> {
        let (mut results, mut model_spoke) = (Vec::new(), false);
        for raw in messages.iter().rev() {
            let message: Message = serde_json::from_str(raw.get())?;
            match message.role.as_str() {
                "assistant" => {
                    model_spoke = true;
                    self.rounds += usize::from(calls_tools(&message));
                }
                "tool" | "function" if model_spoke => {}
                "tool" | "function" => results.push(plain_text(&message.content)),
                "user" => match tool_results(&message.content) {
                    Some(_) if model_spoke => {}
                    Some(text) => results.push(text),
                    None => {
                        self.prompt = plain_text(&message.content);
                        break;
                    }
                },
                _ => {}
            }
        }
        if !results.is_empty() {
            results.reverse();
            self.results = Some(cut(results.join("\n"), RESULT_MAX));
        }
        Ok(())
    }
}

fn calls_tools(message: &Message) -> bool {
    let parts = message.content.as_array().map_or(&[][..], Vec::as_slice);
    message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
        || parts.iter().any(|part| part["type"] == "tool_use")
}

/// The text of a message, which may be a list of parts.
fn plain_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// The results of tools in a message of the user's, as Anthropic sends them; `None` when there are none.
fn tool_results(content: &Value) -> Option<String> {
    let parts = content.as_array()?.iter().filter(|part| part["type"] == "tool_result");
    let texts: Vec<String> = parts.map(|part| plain_text(&part["content"])).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// At most `max` bytes of `text`.
fn cut(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn openai(messages: Value) -> Ask {
        Ask::read(Dialect::OpenAi, json!({ "messages": messages }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn reads_what_the_agents_send() {
        let body = json!({
            "model": "m", "stream": true, "stream_options": { "include_usage": true }, "max_tokens": 65536,
            "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hi" }],
            "tools": [{ "type": "function", "function": { "name": "terminal", "parameters": {} } }],
        });
        let ask = Ask::read(Dialect::OpenAi, body.to_string().as_bytes()).unwrap();
        assert_eq!((ask.model.as_str(), ask.stream, ask.include_usage), ("m", true, true));
        assert_eq!((ask.prompt.as_str(), ask.results, ask.rounds), ("Hi", None, 0));
        assert_eq!(ask.tools, ["terminal"]);
        assert_eq!(ask.prompt_tokens, body.to_string().len() as u64 / 4);

        let body = json!({
            "max_tokens": 9, "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Hi" }] }],
            "tools": [{ "name": "terminal", "input_schema": {} }],
        });
        let ask = Ask::read(Dialect::Anthropic, body.to_string().as_bytes()).unwrap();
        assert_eq!((ask.model.as_str(), ask.prompt.as_str(), ask.stream), (MODEL, "Hi", false));
        assert_eq!(ask.tools, ["terminal"]);
    }

    #[test]
    fn tool_results_are_seen_in_both_dialects() {
        let call = json!({ "role": "assistant", "content": "", "tool_calls": [{ "id": "c" }] });
        let result = |text: &str| json!({ "role": "tool", "tool_call_id": "c", "content": text });
        let user = json!({ "role": "user", "content": "TOOL:a" });
        let ask = openai(json!([user, call, result("one"), call, result("two"), result("three")]));
        assert_eq!(
            (ask.prompt.as_str(), ask.results.as_deref(), ask.rounds),
            ("TOOL:a", Some("two\nthree"), 2)
        );
        let ask = openai(json!([user, call, result("one"), { "role": "user", "content": "next" }]));
        assert_eq!((ask.prompt.as_str(), ask.results, ask.rounds), ("next", None, 0));

        let messages = json!([
            { "role": "user", "content": "TOOL:a" },
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "c", "name": "a", "input": {} }] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "c", "content": [{ "type": "text", "text": "one" }] },
                { "type": "tool_result", "tool_use_id": "d", "content": "two" },
            ] },
        ]);
        let ask = openai(messages);
        assert_eq!(
            (ask.prompt.as_str(), ask.results.as_deref(), ask.rounds),
            ("TOOL:a", Some("one\ntwo"), 1)
        );
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        for (body, start) in [
            ("", "the body is no request: EOF"),
            ("[]", "the body is no request: invalid length"),
            ("{}", "messages: at least"),
            (r#"{"messages":[]}"#, "messages: at least"),
            (r#"{"messages":"x"}"#, "the body is no request: invalid type"),
            (r#"{"messages":[7]}"#, "the body is no request: invalid type"),
            (r#"{"messages":[{"content":"x"}]}"#, "the body is no request: missing field `role`"),
            (r#"{"messages":[{}],"stream":"yes"}"#, "the body is no request: invalid type"),
        ] {
            let error = Ask::read(Dialect::OpenAi, body.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(start), "{body}: {error}");
        }
    }

    #[test]
    fn what_is_repeated_is_bounded() {
        let ask = openai(json!([{ "role": "tool", "content": "ä".repeat(RESULT_MAX) }]));
        assert_eq!(ask.results.unwrap().len(), RESULT_MAX);
        let body = json!({ "model": "m".repeat(MODEL_MAX + 1), "messages": [{ "role": "user" }] });
        assert_eq!(Ask::read(Dialect::OpenAi, body.to_string().as_bytes()).unwrap().model, MODEL);
    }

    proptest! {
        #[test]
        fn hostile_bodies_never_panic(
            body in prop::collection::vec(any::<u8>(), 0..100),
            role in r#"("user"|"tool"|"assistant"|7|null)"#,
            content in r#"("x"|[0-9]|null|\[("type"|"x"|,|:|\{"type":"tool_result"\}|\{|\}){0,5}\])"#,
        ) {
            let _ = Ask::read(Dialect::OpenAi, &body);
            let body = format!(r#"{{"messages":[{{"role":{role},"content":{content}}}]}}"#);
            let _ = Ask::read(Dialect::Anthropic, body.as_bytes());
        }
    }
}
