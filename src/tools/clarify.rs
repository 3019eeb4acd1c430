//! The tool `clarify`: a question to the person, and their answer. Knows nothing of how it is put to them.

use serde_json::{Value, json};

use super::{Args, Beside, Call, Tool, ToolError};
use crate::base::mask::mask;
use crate::model::ask::{Answer, Ask};

/// Most choices that are offered (the original's).
const CHOICES_MAX: usize = 4;

/// Longest question and longest choice, in characters: a dialogue is no document.
const QUESTION_CHARS_MAX: usize = 4_000;
const CHOICE_CHARS_MAX: usize = 500;

/// Where an object that should have been a text has it, in this order (the original's).
const TEXT_MEMBERS: [&str; 4] = ["label", "description", "text", "title"];

pub(super) const TOOL: Tool = Tool {
    name: "clarify",
    toolset: "clarify",
    description: "Asks the person a question and waits for the answer: with up to four choices, or openly. \
                  Only for what cannot be found out and matters. An empty answer means that nobody answered.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "question": {"type": "string"},
            "choices": {"type": "array", "items": {"type": "string"}, "maxItems": 4,
                        "description": "Answers to choose from; the person may also write another."}
        },
        "required": ["question"]
    }"#,
    beside: Beside::Nothing,
    run,
};

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let question = plain(call.args.required_text("question")?, QUESTION_CHARS_MAX)
        .ok_or_else(|| ToolError::new("question must not be empty"))?;
    let choices = choices(call.args);
    let answer = call.host.ask(Ask::Clarify { question: question.clone(), choices: choices.clone() });
    let response = match answer {
        Answer::Text(text) => mask(text.trim()).into_owned(),
        // Nobody answered, or the turn is over.
        Answer::TimedOut | Answer::Cancelled | Answer::Choice(_) | Answer::Secret(_) => String::new(),
    };
    Ok(json!({ "question": question, "choices_offered": choices, "user_response": response }))
}

/// The choices, as texts; `None` when none is left.
fn choices(args: &Args) -> Option<Vec<String>> {
    let parsed: Value;
    let listed = match args.get("choices")? {
        Value::Array(listed) => listed,
        // Some models write the list as text.
        Value::String(text) => {
            parsed = serde_json::from_str(text).ok()?;
            parsed.as_array()?
        }
        _ => return None,
    };
    let choices: Vec<String> = listed.iter().filter_map(choice).take(CHOICES_MAX).collect();
    (!choices.is_empty()).then_some(choices)
}

fn choice(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => plain(text, CHOICE_CHARS_MAX),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Object(members) => {
            let mut texts = TEXT_MEMBERS.iter().filter_map(|name| members.get(*name)?.as_str());
            texts.find_map(|text| plain(text, CHOICE_CHARS_MAX))
        }
        Value::Null | Value::Array(_) => None,
    }
}

/// The text without secrets and of bounded length; `None` when it is blank.
fn plain(text: &str, chars: usize) -> Option<String> {
    let text = mask(text.trim());
    (!text.is_empty()).then(|| text.chars().take(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::super::path::testing::Room;
    use super::*;

    #[test]
    fn the_answer_comes_back() {
        let room = Room::new();
        *room.turn.answer.lock().unwrap() = Some(Answer::Text(" red\n".into()));
        let result = room.call(&TOOL, &json!({"question": " Which? ", "choices": ["red", "blue"]}));
        let want = json!({"question": "Which?", "choices_offered": ["red", "blue"], "user_response": "red"});
        assert_eq!(result, want);
        let choices = Some(vec!["red".to_owned(), "blue".to_owned()]);
        assert_eq!(*room.turn.asked.lock().unwrap(), [Ask::Clarify { question: "Which?".into(), choices }]);
    }

    #[test]
    fn no_answer_is_an_empty_one() {
        let room = Room::new();
        for answer in [Answer::TimedOut, Answer::Cancelled] {
            *room.turn.answer.lock().unwrap() = Some(answer);
            let result = room.call(&TOOL, &json!({"question": "Why?"}));
            assert_eq!(result, json!({"question": "Why?", "choices_offered": null, "user_response": ""}));
        }
        assert!(room.call(&TOOL, &json!({"question": "  "}))["error"].is_string());
    }

    #[test]
    fn choices_are_flattened_to_texts() {
        let of = |written: Value| choices(&Args::parse(&json!({"choices": written}).to_string()).unwrap());
        let texts = |texts: &[&str]| Some(texts.iter().map(ToString::to_string).collect::<Vec<String>>());
        let objects =
            json!([{"title": "t", "label": "l"}, {"text": "x"}, {"other": 1}, 7, " ", null, "y", "z"]);
        assert_eq!(of(objects), texts(&["l", "x", "7", "y"]));
        assert_eq!(of(json!("[\"a\"]")), texts(&["a"]));
        for none in [json!([]), json!(["", {}]), json!("a"), json!(3), json!(null)] {
            assert_eq!(of(none.clone()), None, "{none}");
        }
    }
}
