//! How a turn ends: from an answer, or the lack of one, to what the gateway reports. Pure but for the status
//! lines it returns for the caller to emit.

use std::time::Duration;

use super::answer::{Answer, Finish};
use super::failure::Failure;
use crate::model::message::{Message, Role};
use crate::model::turn::{TurnEnd, TurnStatus};

/// What the history holds for an answer without text, as Hermes has it: roles keep alternating.
const EMPTY: &str = "(empty)";

/// An end, and what people should be told besides.
pub(super) struct Ending {
    pub(super) end: TurnEnd,
    pub(super) warning: Option<String>,
}

/// What stays the same however it ends.
pub(super) struct Ender<'a> {
    pub(super) model: &'a str,
    pub(super) context_max: u64,
}

impl Ender<'_> {
    /// The model said everything it wanted to.
    pub(super) fn answered(&self, answer: &Answer<'_>) -> Ending {
        let text = answer.text().trim();
        match answer.finish() {
            Some(Finish::Filter) => self.filtered(answer, text),
            finish if text.is_empty() => {
                let said = no_reply(finish, answer.reasoning().is_some());
                let messages = vec![Message::new(Role::Assistant, EMPTY)];
                self.ending(TurnStatus::Complete, Some(said), answer, messages, None)
            }
            finish => {
                let cut = (finish == Some(Finish::Length))
                    .then(|| String::from("The answer was cut off at the model's output limit."));
                self.ending(TurnStatus::Complete, Some(text.to_owned()), answer, said(answer), cut)
            }
        }
    }

    /// The answer was withheld. Nothing of it enters the history, so that it cannot poison the next turn.
    fn filtered(&self, answer: &Answer<'_>, text: &str) -> Ending {
        let why = String::from("The answer was withheld by a content filter.");
        let refusal = answer.refusal().trim();
        let (said, warning) = match (refusal, text) {
            ("", "") => (why, None),
            ("", text) => (text.to_owned(), Some(why)),
            (refusal, _) => (refusal.to_owned(), Some(why)),
        };
        self.ending(TurnStatus::Error, Some(said), answer, Vec::new(), warning)
    }

    /// The person stopped it `elapsed` after the turn began.
    pub(super) fn interrupted(&self, answer: &Answer<'_>, elapsed: Duration) -> Ending {
        let text = answer.text().trim();
        let said_so_far = if text.is_empty() {
            format!(
                "Operation interrupted: waiting for model response ({:.1}s elapsed).",
                elapsed.as_secs_f64()
            )
        } else {
            text.to_owned()
        };
        self.ending(TurnStatus::Interrupted, Some(said_so_far), answer, said(answer), None)
    }

    /// It broke off after something had been shown, which stays.
    pub(super) fn broken_off(&self, answer: &Answer<'_>, failure: &Failure) -> Ending {
        let why = format!("The answer broke off: {failure}");
        let text = answer.text().trim().to_owned();
        self.ending(TurnStatus::Error, Some(text), answer, said(answer), Some(why))
    }

    fn ending(
        &self,
        status: TurnStatus,
        text: Option<String>,
        answer: &Answer<'_>,
        messages: Vec<Message>,
        warning: Option<String>,
    ) -> Ending {
        let usage = answer.usage(self.model, self.context_max);
        Ending { end: TurnEnd { status, text, reasoning: answer.reasoning(), usage, messages }, warning }
    }
}

/// The answer as a message of the history; none if it has no text.
fn said(answer: &Answer<'_>) -> Vec<Message> {
    let text = answer.text().trim();
    if text.is_empty() {
        return Vec::new();
    }
    vec![Message { reasoning: answer.reasoning(), ..Message::new(Role::Assistant, text) }]
}

fn no_reply(finish: Option<Finish>, has_reasoning: bool) -> String {
    let why = match finish {
        Some(Finish::Length) => {
            "the model reached its output limit before it said anything. Raise model.max_tokens."
        }
        Some(Finish::Tools) => "the model wanted a tool and did not say which.",
        _ if has_reasoning => "the model thought but said nothing. Try again or rephrase.",
        _ => "the model returned an empty answer. Try again or rephrase.",
    };
    format!("⚠️ No reply: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDER: Ender<'_> = Ender { model: "m", context_max: 9 };

    fn answer(chunks: &[&str]) -> Answer<'static> {
        let mut answer = Answer::new(None);
        for chunk in chunks {
            answer.feed(chunk.as_bytes(), &mut |_| {}).unwrap();
        }
        answer
    }

    #[test]
    fn a_cut_answer_is_complete_with_a_warning() {
        let ending = ENDER
            .answered(&answer(&[r#"{"choices":[{"delta":{"content":" Hi \n"},"finish_reason":"length"}]}"#]));
        assert_eq!((ending.end.status, ending.end.text.as_deref()), (TurnStatus::Complete, Some("Hi")));
        assert!(ending.warning.unwrap().contains("output limit"));
    }

    #[test]
    fn an_empty_answer_says_why() {
        for (chunk, word) in [
            (r#"{"choices":[{"finish_reason":"stop"}]}"#, "empty answer"),
            (r#"{"choices":[{"finish_reason":"length"}]}"#, "max_tokens"),
            (r#"{"choices":[{"finish_reason":"tool_calls"}]}"#, "tool"),
            (r#"{"choices":[{"delta":{"reasoning":"hm","content":" "},"finish_reason":"stop"}]}"#, "thought"),
        ] {
            let end = ENDER.answered(&answer(&[chunk])).end;
            let text = end.text.unwrap();
            assert!(text.starts_with("⚠️ No reply:") && text.contains(word), "{text}");
            assert_eq!(end.status, TurnStatus::Complete);
            assert_eq!(end.messages, [Message::new(Role::Assistant, "(empty)")]);
        }
    }

    #[test]
    fn a_filtered_answer_is_an_error_that_leaves_no_trace() {
        for (chunk, text) in [
            (
                r#"{"choices":[{"finish_reason":"content_filter"}]}"#,
                "The answer was withheld by a content filter.",
            ),
            (r#"{"choices":[{"delta":{"content":"Par"},"finish_reason":"content_filter"}]}"#, "Par"),
            (r#"{"choices":[{"delta":{"refusal":"No."},"finish_reason":"stop"}]}"#, "No."),
        ] {
            let end = ENDER.answered(&answer(&[chunk])).end;
            assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some(text)));
            assert!(end.messages.is_empty());
        }
    }

    #[test]
    fn an_interrupt_keeps_the_text_or_says_how_long_it_waited() {
        let waited = Duration::from_millis(1_250);
        let end = ENDER.interrupted(&answer(&[]), waited).end;
        assert_eq!(
            end.text.as_deref(),
            Some("Operation interrupted: waiting for model response (1.2s elapsed).")
        );
        assert!(end.messages.is_empty());
        let end = ENDER.interrupted(&answer(&[r#"{"choices":[{"delta":{"content":"Hi"}}]}"#]), waited).end;
        assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Interrupted, Some("Hi")));
        assert_eq!(end.messages, [Message::new(Role::Assistant, "Hi")]);
    }
}
