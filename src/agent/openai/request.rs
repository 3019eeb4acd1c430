//! The body of a chat-completions request. Pure: settings and a turn in, JSON text out.

use std::borrow::Cow;

use serde::Serialize;

use crate::model::message::{Message, Role};
use crate::model::settings::ModelSettings;
use crate::model::turn::TurnSpec;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Line<'a>>,
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
}

/// The model a turn talks to: its session's choice, else the configured one.
pub(super) fn model<'a>(settings: &'a ModelSettings, turn: &'a TurnSpec) -> &'a str {
    turn.model.as_deref().filter(|model| !model.is_empty()).unwrap_or(&settings.name)
}

/// The request of `turn`. No output limit is sent unless one is configured: a guess is refused by servers
/// whose limit is lower.
pub(super) fn body(settings: &ModelSettings, turn: &TurnSpec) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Body {
        model: model(settings, turn),
        messages: lines(settings, turn),
        max_tokens: (settings.max_tokens > 0).then_some(settings.max_tokens),
        stream: true,
        stream_options: StreamOptions { include_usage: true },
    })
}

fn lines<'a>(settings: &'a ModelSettings, turn: &'a TurnSpec) -> Vec<Line<'a>> {
    let mut lines = Vec::with_capacity(turn.history.len() + 2);
    push(&mut lines, Role::System, &settings.system_prompt);
    for Message { role, text, .. } in turn.history.iter() {
        push(&mut lines, *role, text);
    }
    push(&mut lines, Role::User, &turn.prompt);
    lines
}

/// Appends a message; blank ones are left out, because servers refuse them. A person's consecutive messages
/// (an interrupted turn leaves one without an answer) become one, because strict servers want the roles to
/// alternate.
fn push<'a>(lines: &mut Vec<Line<'a>>, role: Role, text: &'a str) {
    // Without the call it belongs to, a tool's result means nothing.
    if role == Role::Tool || text.trim().is_empty() {
        return;
    }
    let text = text.trim();
    match lines.last_mut() {
        Some(last) if role == Role::User && last.role == role.as_str() => {
            let joined = last.content.to_mut();
            joined.push_str("\n\n");
            joined.push_str(text);
        }
        _ => lines.push(Line { role: role.as_str(), content: Cow::Borrowed(text) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::{turn, turn_after};

    fn json(settings: &ModelSettings, turn: &TurnSpec) -> String {
        String::from_utf8(body(settings, turn).unwrap()).unwrap()
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
    }

    #[test]
    fn user_messages_in_a_row_become_one() {
        let history = vec![
            Message::new(Role::User, "a"),
            Message::new(Role::Assistant, "b"),
            Message::new(Role::Tool, "t"),
            Message::new(Role::Assistant, " "),
            Message::new(Role::User, "c"),
        ];
        let turn = turn_after(history, "d");
        let settings = ModelSettings::default();
        let lines = lines(&settings, &turn);
        let lines: Vec<(&str, &str)> = lines.iter().map(|line| (line.role, line.content.as_ref())).collect();
        assert_eq!(lines, [("user", "a"), ("assistant", "b"), ("user", "c\n\nd")]);
    }
}
