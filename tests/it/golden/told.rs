//! What the store says, in the words of a `job store` line.

use tui_gateway::model::ask::Ask;
use tui_gateway::model::job::JobResult;
use tui_gateway::model::store::{Handoff, Loaded, OpenQuestion, StoreError, Told};

/// The store's answer.
pub(super) fn told(words: &[&str]) -> JobResult {
    let told = match words {
        ["unavailable", why] => Err(StoreError::Unavailable((*why).to_owned())),
        ["failed", why] => Err(StoreError::Failed((*why).to_owned())),
        ["loaded", key, question] => Ok(Told::Loaded(Some(Box::new(asking(key, question))))),
        ["deleted"] => Ok(Told::Deleted(true)),
        ["not", "deleted"] => Ok(Told::Deleted(false)),
        ["insights", sessions, messages] => {
            Ok(Told::Insights { sessions: number(sessions), messages: number(messages) })
        }
        ["handoff", "none"] => Ok(Told::Handoff(None)),
        ["handoff", state, platform, error] => Ok(Told::Handoff(Some(Handoff {
            state: (*state).to_owned(),
            platform: (*platform).to_owned(),
            error: (*error).to_owned(),
            refused: false,
        }))),
        ["handoff-failed", state] => Ok(Told::HandoffFailed(*state == "failed", (*state).to_owned())),
        _ => panic!("no store says so: {words:?}"),
    };
    JobResult::Store(told.map(Box::new))
}

/// A conversation whose process died while this was asked.
fn asking(key: &str, question: &str) -> Loaded {
    let question = Ask::Clarify { question: question.to_owned(), choices: None };
    let open = OpenQuestion { request: 7, question, call: "c1".to_owned() };
    Loaded { key: key.into(), asks: vec![open], ..Loaded::default() }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|why| panic!("{word}: {why}"))
}
