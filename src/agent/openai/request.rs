//! The body of a chat-completions request. Pure: settings and a conversation in, JSON text out.
//!
//! Whatever the history holds, what is sent is a valid conversation: roles alternate as strict servers want
//! them, every call has its result, every result its call.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::message::{Message, Role, ToolCall};
use crate::model::settings::ModelSettings;
use crate::model::turn::TurnSpec;

/// The result of a call that has none.
const NO_RESULT: &str = r#"{"error":"This call was not run."}"#;

/// What is asked of the model.
pub(super) struct Request<'a> {
    pub(super) settings: &'a ModelSettings,
    pub(super) turn: &'a TurnSpec,
    /// The system prompt; blank is none.
    pub(super) system: &'a str,
    /// What the turn has said so far.
    pub(super) said: &'a [Message],
    /// What is said to the model for this call only.
    pub(super) aside: &'a [Message],
    /// The tools, JSON already.
    pub(super) tools: Option<&'a RawValue>,
    /// An output limit for this call, in tokens, before the configured one.
    pub(super) max_tokens: Option<u64>,
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
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    role: &'static str,
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
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

/// The model a turn talks to: its session's choice, else the configured one.
pub(super) fn model<'a>(settings: &'a ModelSettings, turn: &'a TurnSpec) -> &'a str {
    turn.model.as_deref().filter(|model| !model.is_empty()).unwrap_or(&settings.name)
}

impl Request<'_> {
    /// The JSON text. No output limit is sent unless there is one: a guess is refused by servers whose limit
    /// is lower.
    pub(super) fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        let configured = (self.settings.max_tokens > 0).then_some(self.settings.max_tokens);
        serde_json::to_vec(&Body {
            model: model(self.settings, self.turn),
            messages: self.lines(),
            tools: self.tools,
            max_tokens: self.max_tokens.or(configured),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        })
    }

    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = Lines::default();
        lines.text(Role::System, self.system);
        lines.all(&self.turn.history);
        lines.text(Role::User, &self.turn.prompt);
        lines.all(self.said);
        lines.all(self.aside);
        lines.finish()
    }
}

/// The conversation as it is put together.
#[derive(Default)]
struct Lines<'a> {
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
                None if message.calls.is_empty() => self.text(message.role, &message.text),
                None => self.calls(message),
            }
        }
    }

    /// A message of text; a blank one is left out, because servers refuse it. Consecutive ones of one role
    /// become one, because strict servers want the roles to alternate (an interrupted turn leaves a prompt
    /// without an answer).
    fn text(&mut self, role: Role, text: &'a str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.close();
        match self.lines.last_mut() {
            Some(last) if last.role == role.as_str() && last.tool_calls.is_empty() => {
                let joined = last.content.to_mut();
                joined.push_str("\n\n");
                joined.push_str(text);
            }
            _ => self.lines.push(line(role, text)),
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
        content: Cow::Borrowed(text),
        tool_calls: Vec::new(),
        name: None,
        tool_call_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::{turn, turn_after};
    use crate::model::message::Called;

    fn request<'a>(settings: &'a ModelSettings, turn: &'a TurnSpec) -> Request<'a> {
        let system = &settings.system_prompt;
        Request { settings, turn, system, said: &[], aside: &[], tools: None, max_tokens: None }
    }

    fn json(settings: &ModelSettings, turn: &TurnSpec) -> String {
        String::from_utf8(request(settings, turn).body().unwrap()).unwrap()
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

    /// Role, text and id of each line of a turn that said `said`.
    fn lines(history: Vec<Message>, said: &[Message]) -> Vec<(&'static str, String, Option<String>)> {
        let (settings, turn) = (ModelSettings::default(), turn_after(history, "d"));
        let lines = Request { said, ..request(&settings, &turn) };
        let lines = lines.lines();
        lines
            .iter()
            .map(|line| (line.role, line.content.to_string(), line.tool_call_id.map(str::to_owned)))
            .collect()
    }

    fn text(role: &'static str, text: &str) -> (&'static str, String, Option<String>) {
        (role, text.into(), None)
    }

    fn answer(id: &str, text: &str) -> (&'static str, String, Option<String>) {
        ("tool", text.into(), Some(id.into()))
    }

    #[test]
    fn a_plain_turn_sends_nothing_that_was_not_configured() {
        let settings = ModelSettings { name: "m".into(), ..ModelSettings::default() };
        let expected = concat!(
            r#"{"model":"m","messages":[{"role":"user","content":"say \"hi\""}],"#,
            r#""stream":true,"stream_options":{"include_usage":true}}"#,
        );
        assert_eq!(json(&settings, &turn(" say \"hi\"\n")), expected);
    }

    #[test]
    fn configured_fields_and_the_sessions_model() {
        let settings = ModelSettings {
            name: "m".into(),
            max_tokens: 9,
            system_prompt: "Be brief.".into(),
            ..ModelSettings::default()
        };
        let mut turn = turn("x");
        turn.model = Some("other".into());
        let json = json(&settings, &turn);
        assert!(json.starts_with(r#"{"model":"other","messages":[{"role":"system","content":"Be brief."},"#));
        assert!(json.contains(r#""max_tokens":9,"#));
        let wider = Request { max_tokens: Some(99), ..request(&settings, &turn) };
        assert!(String::from_utf8(wider.body().unwrap()).unwrap().contains(r#""max_tokens":99,"#));
    }

    #[test]
    fn messages_of_one_role_in_a_row_become_one() {
        let history = vec![
            Message::new(Role::User, "a"),
            Message::new(Role::Assistant, "b"),
            Message::new(Role::Tool, "t"),
            Message::new(Role::Assistant, " "),
            Message::new(Role::User, "c"),
        ];
        assert_eq!(lines(history, &[]), [text("user", "a"), text("assistant", "b"), text("user", "c\n\nd")]);
    }

    #[test]
    fn calls_and_results_are_written_as_the_api_wants_them() {
        let (settings, turn) = (ModelSettings::default(), turn("x"));
        let said = [asking(&["c1"]), result("c1", "{}")];
        let body = Request { said: &said, ..request(&settings, &turn) }.body().unwrap();
        let expected = concat!(
            r#"{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","#,
            r#""function":{"name":"t","arguments":"{}"}}]},"#,
            r#"{"role":"tool","content":"{}","name":"t","tool_call_id":"c1"}]"#,
        );
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(expected), "{body}");
    }

    #[test]
    fn every_call_has_its_result_and_every_result_its_call() {
        let history = vec![
            result("x", "of nothing"),
            Message::new(Role::User, "a"),
            asking(&["c1", "c2", "c3"]),
            result("c3", "3"),
            result("c1", "1"),
            result("c1", "again"),
            Message::new(Role::User, "b"),
            result("c2", "too late"),
        ];
        assert_eq!(
            lines(history, &[asking(&["c4"])]),
            [
                text("user", "a"),
                text("assistant", ""),
                answer("c3", "3"),
                answer("c1", "1"),
                answer("c2", NO_RESULT),
                text("user", "b\n\nd"),
                text("assistant", ""),
                answer("c4", NO_RESULT),
            ]
        );
    }
}
