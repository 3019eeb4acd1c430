//! Questions of an agent: how they are put to a person, and what a typed line answers. Pure. What cannot
//! be read as consent is a refusal.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A question that waits for a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Question {
    /// May this run?
    Approval {
        /// What would run.
        command: String,
        /// Why it is asked.
        description: String,
        /// Whether "always" may be chosen.
        permanent: bool,
        /// The gateway's name for the question, where it gives one.
        request_id: Option<String>,
    },
    /// Which of these, or what?
    Clarify {
        /// The question.
        question: String,
        /// Answers to choose from; may be empty.
        choices: Vec<String>,
        /// The gateway's name for the question.
        request_id: String,
    },
}

/// A request: the method and its parameters.
pub(super) type Request = (&'static str, Value);

impl Question {
    /// The question in an event, if it is one a person can answer here.
    pub(super) fn from_event(kind: &str, payload: &Value) -> Option<Self> {
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        match kind {
            "approval.request" => Some(Question::Approval {
                command: text("command"),
                description: text("description"),
                permanent: payload["allow_permanent"] == Value::Bool(true),
                request_id: payload["request_id"].as_str().map(str::to_owned),
            }),
            "clarify.request" => Some(Question::Clarify {
                question: text("question"),
                choices: payload["choices"]
                    .as_array()
                    .map(|choices| choices.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                    .unwrap_or_default(),
                request_id: text("request_id"),
            }),
            _ => None,
        }
    }

    /// What the person sees, ending where the answer is typed. Hidden characters are made visible, so that
    /// what is approved is what runs.
    pub(super) fn prompt(&self) -> String {
        match self {
            Question::Approval { command, description, permanent, .. } => {
                let always = if *permanent { " [a]lways," } else { "" };
                let (command, description) = (visible(command), visible(description));
                format!("{description}:\n  {command}\nAllow? [o]nce, [s]ession,{always} [d]eny: ")
            }
            Question::Clarify { question, choices, .. } => {
                let mut prompt = format!("{}\n", visible(question));
                for (number, choice) in (1..).zip(choices) {
                    // Writing to a string cannot fail.
                    let _ = writeln!(prompt, "  {number}. {}", visible(choice));
                }
                let hint = if choices.is_empty() { "Answer: " } else { "Number or text: " };
                prompt + hint
            }
        }
    }

    /// The request that answers with this line; `None` is the end of the input.
    pub(super) fn answer(&self, line: Option<&str>, session: &str) -> Request {
        let line = line.unwrap_or_default().trim();
        match self {
            Question::Approval { permanent, request_id, .. } => {
                let choice = match line.to_lowercase().as_str() {
                    "o" | "once" => "once",
                    "s" | "session" => "session",
                    "a" | "always" if *permanent => "always",
                    _ => "deny",
                };
                let mut params = json!({ "session_id": session, "choice": choice });
                if let Some(id) = request_id {
                    params["request_id"] = json!(id);
                }
                ("approval.respond", params)
            }
            Question::Clarify { choices, request_id, .. } => {
                let number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let answer = number.and_then(|index| choices.get(index)).map_or(line, String::as_str);
                let params = json!({ "session_id": session, "request_id": request_id, "answer": answer });
                ("clarify.respond", params)
            }
        }
    }
}

/// The empty answer to a question this client cannot put, because it could not hide what is typed.
pub(super) fn skipped(kind: &str, payload: &Value, session: &str) -> Option<Request> {
    let (method, member) = match kind {
        "sudo.request" => ("sudo.respond", "password"),
        "secret.request" => ("secret.respond", "value"),
        _ => return None,
    };
    let mut params = json!({ "session_id": session, "request_id": payload["request_id"] });
    params[member] = json!("");
    Some((method, params))
}

/// `text` with control and direction characters spelt out; line feeds and tabs stay.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}');
        match hidden {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Question, skipped, visible};

    fn approval(payload: Value) -> Question {
        Question::from_event("approval.request", &payload).unwrap()
    }

    fn choice(question: &Question, line: Option<&str>) -> Value {
        let (method, params) = question.answer(line, "0c0ffee1");
        assert_eq!(method, "approval.respond");
        assert_eq!(params["session_id"], json!("0c0ffee1"));
        params["choice"].clone()
    }

    #[test]
    fn only_clear_consent_approves() {
        let open = approval(json!({ "command": "rm -rf x", "allow_permanent": true }));
        for (line, expected) in [("o", "once"), (" S ", "session"), ("always", "always"), ("d", "deny")] {
            assert_eq!(choice(&open, Some(line)), json!(expected));
        }
        for line in [None, Some(""), Some("y"), Some("yes"), Some("oo"), Some("banana")] {
            assert_eq!(choice(&open, line), json!("deny"), "{line:?}");
        }
    }

    #[test]
    fn always_needs_the_gateways_leave() {
        for payload in [json!({}), json!({ "allow_permanent": false }), json!({ "allow_permanent": 1 })] {
            let question = approval(payload);
            assert_eq!(choice(&question, Some("a")), json!("deny"));
            assert!(!question.prompt().contains("[a]lways"));
        }
    }

    #[test]
    fn a_request_id_is_handed_back() {
        let (_, params) = approval(json!({ "request_id": "r7" })).answer(None, "s");
        assert_eq!(params["request_id"], json!("r7"));
        assert_eq!(approval(json!({})).answer(None, "s").1.get("request_id"), None);
    }

    #[test]
    fn a_command_cannot_hide_from_its_reader() {
        let prompt =
            approval(json!({ "command": "rm x\u{1b}[2K\r\u{202e}ls", "description": "delete" })).prompt();
        assert_eq!(prompt, "delete:\n  rm x\\u{1b}[2K\\u{d}\\u{202e}ls\nAllow? [o]nce, [s]ession, [d]eny: ");
        assert_eq!(visible("a\n\tb é"), "a\n\tb é");
    }

    #[test]
    fn clarifications_take_a_number_or_text() {
        let payload = json!({ "question": "Which?", "choices": ["red", "blue"], "request_id": "r1" });
        let question = Question::from_event("clarify.request", &payload).unwrap();
        assert_eq!(question.prompt(), "Which?\n  1. red\n  2. blue\nNumber or text: ");
        for (line, expected) in
            [(Some("2"), "blue"), (Some("0"), "0"), (Some("3"), "3"), (Some(" green "), "green"), (None, "")]
        {
            let (method, params) = question.answer(line, "s");
            assert_eq!((method, &params["answer"]), ("clarify.respond", &json!(expected)));
            assert_eq!(params["request_id"], json!("r1"));
        }
        let open = json!({ "question": "Why?", "choices": null, "request_id": "r1" });
        assert_eq!(Question::from_event("clarify.request", &open).unwrap().prompt(), "Why?\nAnswer: ");
    }

    #[test]
    fn passwords_are_not_asked_for() {
        let (method, params) = skipped("sudo.request", &json!({ "request_id": "r1" }), "s").unwrap();
        assert_eq!(
            (method, params),
            ("sudo.respond", json!({ "session_id": "s", "request_id": "r1", "password": "" }))
        );
        assert!(skipped("clarify.request", &json!({}), "s").is_none());
    }
}
