//! An open question in the journal: JSON of the question and the tool call that asks. Passwords and secrets
//! are asked anew, and never stand there.

use serde::{Deserialize, Serialize};

use crate::model::ask::Ask;
use crate::model::store::OpenQuestion;

/// What stands in the journal.
#[derive(Serialize, Deserialize)]
struct Body {
    call: String,
    #[serde(flatten)]
    question: Question,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Question {
    Approval { command: String, pattern_key: String, description: String, allow_permanent: bool },
    Clarify { question: String, choices: Option<Vec<String>> },
}

/// The body of a row; `None` for a question that is not kept.
pub(in crate::store::sqlite) fn encode(open: &OpenQuestion) -> Option<String> {
    let question = match open.question.clone() {
        Ask::Approval { command, pattern_key, description, allow_permanent } => {
            Question::Approval { command, pattern_key, description, allow_permanent }
        }
        Ask::Clarify { question, choices } => Question::Clarify { question, choices },
        Ask::Sudo | Ask::Secret { .. } => return None,
    };
    serde_json::to_string(&Body { call: open.call.clone(), question }).ok()
}

/// The question of a row; `None` where it cannot be read.
pub(super) fn decode(number: i64, body: &str) -> Option<OpenQuestion> {
    let request = u32::try_from(number).ok()?;
    let Body { call, question } = serde_json::from_str(body).ok()?;
    let question = match question {
        Question::Approval { command, pattern_key, description, allow_permanent } => {
            Ask::Approval { command, pattern_key, description, allow_permanent }
        }
        Question::Clarify { question, choices } => Ask::Clarify { question, choices },
    };
    Some(OpenQuestion { request, question, call })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_comes_back_as_it_was_written() {
        let approval = Ask::Approval {
            command: "rm -r x".to_owned(),
            pattern_key: "rm".to_owned(),
            description: "deletes".to_owned(),
            allow_permanent: true,
        };
        let clarify = Ask::Clarify { question: "Which?".to_owned(), choices: Some(vec!["a".to_owned()]) };
        for question in [approval, clarify] {
            let open = OpenQuestion { request: 7, question, call: "c1".to_owned() };
            assert_eq!(decode(7, &encode(&open).unwrap()), Some(open));
        }
        let sudo = OpenQuestion { request: 7, question: Ask::Sudo, call: String::new() };
        assert_eq!(encode(&sudo), None);
        assert_eq!(decode(7, "{}"), None);
        assert_eq!(decode(-1, "{}"), None);
    }
}
