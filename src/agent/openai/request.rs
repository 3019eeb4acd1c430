//! What is asked of a model, and the body of it as `chat/completions` wants it; `agent::anthropic` writes the
//! other one. Pure: settings and a conversation in, JSON text out.
//!
//! Whatever the history holds, what is sent is a valid conversation: roles alternate as strict servers want
//! them, every call has its result, every result its call.

use std::borrow::Cow;
use std::iter;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::images::{self, Album};
use crate::agent::anthropic;
use crate::model::message::{Message, Role, ToolCall};
use crate::model::settings::{Dialect, ModelSettings};

/// The result of a call that has none.
pub(in crate::agent) const NO_RESULT: &str = r#"{"error":"This call was not run."}"#;

/// What is asked of the model.
pub(in crate::agent) struct Request<'a> {
    pub(in crate::agent) settings: &'a ModelSettings,
    pub(in crate::agent) model: &'a str,
    /// The system prompt; blank is none.
    pub(in crate::agent) system: &'a str,
    /// The conversation, in parts that follow one another.
    pub(in crate::agent) conversation: &'a [&'a [Message]],
    /// The images of it that are sent.
    pub(in crate::agent) album: &'a Album,
    /// The tools, JSON already.
    pub(in crate::agent) tools: Option<&'a RawValue>,
    /// An output limit for this call, in tokens, before the configured one.
    pub(in crate::agent) max_tokens: Option<u64>,
    /// Whether the answer comes piece by piece.
    pub(in crate::agent) streamed: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    role: &'static str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

/// A text, and the data URLs of images with it.
struct Content<'a> {
    text: Cow<'a, str>,
    images: Vec<&'a str>,
}

/// Without images a plain string: not every server takes a list of parts.
impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.images.is_empty() {
            return serializer.serialize_str(&self.text);
        }
        let text = Part::Text { text: &self.text };
        let images = self.images.iter().map(|url| Part::ImageUrl { image_url: ImageUrl { url } });
        serializer.collect_seq(iter::once(text).chain(images))
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
}

#[derive(Serialize)]
struct CallLine<'a> {
    id: &'a str,
    r#type: &'static str,
    function: FunctionLine<'a>,
}

#[derive(Serialize)]
struct FunctionLine<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl Request<'_> {
    /// The JSON text, in the endpoint's dialect. Of `chat/completions` no output limit is sent unless there is
    /// one: a guess is refused by servers whose limit is lower.
    pub(super) fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        if self.settings.dialect == Dialect::Messages {
            return anthropic::body(self);
        }
        let configured = (self.settings.max_tokens > 0).then_some(self.settings.max_tokens);
        serde_json::to_vec(&Body {
            model: self.model,
            messages: self.lines(),
            tools: self.tools,
            max_tokens: self.max_tokens.or(configured),
            stream: self.streamed,
            stream_options: self.streamed.then_some(StreamOptions { include_usage: true }),
        })
    }

    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = Lines { album: self.album, lines: Vec::new(), open: Vec::new() };
        lines.text(Role::System, Cow::Borrowed(self.system.trim()), Vec::new());
        self.conversation.iter().for_each(|part| lines.all(part));
        lines.finish()
    }
}

/// The conversation as it is put together.
struct Lines<'a> {
    album: &'a Album,
    lines: Vec<Line<'a>>,
    /// Calls of the last assistant's message that have no result yet.
    open: Vec<&'a ToolCall>,
}

impl<'a> Lines<'a> {
    fn all(&mut self, messages: &'a [Message]) {
        for message in messages {
            match &message.called {
                Some(called) => self.result(&called.id, &message.text),
                None if message.role == Role::Tool => {}
                None if message.calls.is_empty() => {
                    let album = self.album;
                    let images = message.images.iter().filter_map(|path| album.url(path)).collect();
                    let text = images::described(&message.text, &message.images);
                    self.text(message.role, text, images);
                }
                None => self.calls(message),
            }
        }
    }

    /// A message of text; a blank one is left out, because servers refuse it. Consecutive ones of one role
    /// become one, because strict servers want the roles to alternate (an interrupted turn leaves a prompt
    /// without an answer).
    fn text(&mut self, role: Role, text: Cow<'a, str>, images: Vec<&'a str>) {
        if text.is_empty() {
            return;
        }
        self.close();
        match self.lines.last_mut() {
            Some(last) if last.role == role.as_str() && last.tool_calls.is_empty() => {
                let joined = last.content.text.to_mut();
                joined.push_str("\n\n");
                joined.push_str(&text);
                last.content.images.extend(images);
            }
            _ => self.lines.push(Line { content: Content { text, images }, ..line(role, "") }),
        }
    }

    fn calls(&mut self, message: &'a Message) {
        self.close();
        let call = |call: &'a ToolCall| CallLine {
            id: &call.id,
            r#type: "function",
            function: FunctionLine { name: &call.name, arguments: &call.arguments },
        };
        let calls = message.calls.iter().map(call).collect();
        self.open = message.calls.iter().collect();
        self.lines.push(Line { tool_calls: calls, ..line(Role::Assistant, message.text.trim()) });
    }

    /// A result goes where its call waits; one that nobody waits for means nothing to a model.
    fn result(&mut self, id: &'a str, text: &'a str) {
        let Some(at) = self.open.iter().position(|call| call.id == id) else { return };
        let call = self.open.remove(at);
        self.push_result(call, text);
    }

    /// Something else comes: what was not answered will not be any more.
    fn close(&mut self) {
        for call in std::mem::take(&mut self.open) {
            self.push_result(call, NO_RESULT);
        }
    }

    fn push_result(&mut self, call: &'a ToolCall, text: &'a str) {
        self.lines.push(Line {
            name: Some(&call.name),
            tool_call_id: Some(&call.id),
            ..line(Role::Tool, text)
        });
    }

    fn finish(mut self) -> Vec<Line<'a>> {
        self.close();
        self.lines
    }
}

fn line(role: Role, text: &str) -> Line<'_> {
    Line {
        role: role.as_str(),
        content: Content { text: Cow::Borrowed(text), images: Vec::new() },
        tool_calls: Vec::new(),
        name: None,
        tool_call_id: None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::base::scratch::Scratch;
    use crate::model::message::Called;

    /// The body of a request with this conversation.
    fn json(settings: &ModelSettings, conversation: &[Message], album: &Album) -> String {
        let conversation = [conversation];
        let request = Request {
            settings,
            model: &settings.name,
            system: &settings.system_prompt,
            conversation: &conversation,
            album,
            tools: None,
            max_tokens: None,
            streamed: true,
        };
        String::from_utf8(request.body().unwrap()).unwrap()
    }

    /// The same without images and settings.
    fn plain(conversation: &[Message]) -> String {
        json(&ModelSettings::default(), conversation, &Album::default())
    }

    fn user(text: &str) -> Message {
        Message::new(Role::User, text)
    }

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "t".into(), arguments: "{}".into() }
    }

    fn asking(ids: &[&str]) -> Message {
        Message { calls: ids.iter().map(|id| call(id)).collect(), ..Message::new(Role::Assistant, "") }
    }

    fn result(id: &str, text: &str) -> Message {
        Message::result(Called { id: id.into(), name: "t".into(), label: String::new() }, text)
    }

    /// Role, text and id of each line.
    fn lines(conversation: &[Message]) -> Vec<(String, String, Option<String>)> {
        let body: serde_json::Value = serde_json::from_str(&plain(conversation)).unwrap();
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let line = |line: &serde_json::Value| {
            (text(&line["role"]).unwrap(), text(&line["content"]).unwrap(), text(&line["tool_call_id"]))
        };
        body["messages"].as_array().unwrap().iter().map(line).collect()
    }

    fn text(role: &str, text: &str) -> (String, String, Option<String>) {
        (role.into(), text.into(), None)
    }

    fn answer(id: &str, text: &str) -> (String, String, Option<String>) {
        ("tool".into(), text.into(), Some(id.into()))
    }

    #[test]
    fn a_plain_turn_sends_nothing_that_was_not_configured() {
        let settings = ModelSettings { name: "m".into(), ..ModelSettings::default() };
        let expected = concat!(
            r#"{"model":"m","messages":[{"role":"user","content":"say \"hi\""}],"#,
            r#""stream":true,"stream_options":{"include_usage":true}}"#,
        );
        assert_eq!(json(&settings, &[user(" say \"hi\"\n")], &Album::default()), expected);
    }

    #[test]
    fn configured_fields_are_sent() {
        let settings = ModelSettings {
            name: "m".into(),
            max_tokens: 9,
            system_prompt: "Be brief.".into(),
            ..ModelSettings::default()
        };
        let messages = [user("x")];
        let body = json(&settings, &messages, &Album::default());
        assert!(body.starts_with(r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},"#));
        assert!(body.contains(r#""max_tokens":9,"#));
        let whole = Request {
            settings: &settings,
            model: "other",
            system: "",
            conversation: &[&messages],
            album: &Album::default(),
            tools: None,
            max_tokens: Some(99),
            streamed: false,
        };
        let expected =
            r#"{"model":"other","messages":[{"role":"user","content":"x"}],"max_tokens":99,"stream":false}"#;
        assert_eq!(String::from_utf8(whole.body().unwrap()).unwrap(), expected);
    }

    #[test]
    fn messages_of_one_role_in_a_row_become_one() {
        let history = [
            user("a"),
            Message::new(Role::Assistant, "b"),
            Message::new(Role::Tool, "t"),
            Message::new(Role::Assistant, " "),
            user("c"),
            user("d"),
        ];
        assert_eq!(lines(&history), [text("user", "a"), text("assistant", "b"), text("user", "c\n\nd")]);
    }

    #[test]
    fn images_are_parts_of_the_content() {
        let folder = Scratch::new();
        let path = folder.path().join("a.png");
        fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
        let images = vec![path.clone(), PathBuf::from("/nowhere.png")];
        let messages = [user("first"), Message { images, ..user("") }];
        let mut album = Album::default();
        album.open(&[&messages]);
        let body: serde_json::Value =
            serde_json::from_str(&json(&ModelSettings::default(), &messages, &album)).unwrap();
        let parts = &body["messages"][0]["content"];
        assert_eq!(parts[0]["type"], "text");
        let text = parts[0]["text"].as_str().unwrap();
        assert!(
            text.starts_with("first\n\n") && text.ends_with("[Image attached at: /nowhere.png]"),
            "{text}"
        );
        let image = serde_json::json!({"type": "image_url",
            "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
        assert_eq!((parts.as_array().unwrap().len(), &parts[1]), (2, &image));
        album.refuse();
        let body: serde_json::Value =
            serde_json::from_str(&json(&ModelSettings::default(), &messages, &album)).unwrap();
        let content = body["messages"][0]["content"].as_str().unwrap();
        assert!(content.contains(path.to_str().unwrap()), "what is not sent is named");
    }

    #[test]
    fn calls_and_results_are_written_as_the_api_wants_them() {
        let expected = concat!(
            r#"{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","#,
            r#""function":{"name":"t","arguments":"{}"}}]},"#,
            r#"{"role":"tool","content":"{}","name":"t","tool_call_id":"c1"}]"#,
        );
        let body = plain(&[user("x"), asking(&["c1"]), result("c1", "{}")]);
        assert!(body.contains(expected), "{body}");
    }

    #[test]
    fn every_call_has_its_result_and_every_result_its_call() {
        let conversation = [
            result("x", "of nothing"),
            user("a"),
            asking(&["c1", "c2", "c3"]),
            result("c3", "3"),
            result("c1", "1"),
            result("c1", "again"),
            user("b"),
            result("c2", "too late"),
            asking(&["c4"]),
        ];
        assert_eq!(
            lines(&conversation),
            [
                text("user", "a"),
                text("assistant", ""),
                answer("c3", "3"),
                answer("c1", "1"),
                answer("c2", NO_RESULT),
                text("user", "b"),
                text("assistant", ""),
                answer("c4", NO_RESULT),
            ]
        );
    }
}
