//! Turns whose prompt has references, against a scripted server: what the model gets, what is told to be kept,
//! and what becomes of a prompt that brings along too much.

use std::sync::Arc;

use serde_json::Value;

use super::fake::{Fake, Reply};
use super::{Client, Limits, OpenAi, Toolbox};
use crate::agent::testing::{run, turn};
use crate::base::scratch::Scratch;
use crate::model::agent_event::AgentEvent;
use crate::model::settings::ModelSettings;
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus};

const PROMPT: &str = "Explain @file:a.rs\n    to me";

const EXPANDED: &str = "Explain\n    to me\n\n--- Attached Context ---\n\n\
                        📄 @file:a.rs (2 tokens)\n```\nlet x;\n```";

/// A turn with this prompt, in a window of so many tokens.
fn play(window: u64, expands: bool) -> (Vec<AgentEvent>, TurnEnd, Vec<Value>) {
    let folder = Scratch::new();
    folder.write("work/a.rs", "let x;");
    let answer = r#"{"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}"#;
    let fake = Fake::start([Reply::stream(&[answer, "[DONE]"])]);
    let settings = ModelSettings {
        name: "m1".into(),
        base_url: fake.base_url(),
        context_length: window,
        iterations: 9,
        ..ModelSettings::default()
    };
    let toolbox = Arc::new(Toolbox::new(&folder.dir("home")).unwrap());
    let agent = OpenAi::new(Arc::new(Client::new(Limits::default())), settings).with_tools(toolbox);
    let spec = TurnSpec { cwd: folder.dir("work"), expands, ..turn(PROMPT) };
    let (events, end) = run(agent, spec, |_, _| {});
    let asked = fake.seen().iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    (events, end, asked)
}

#[test]
fn the_model_gets_the_block_and_the_gateway_hears_of_it_first() {
    let (events, end, asked) = play(0, true);
    assert_eq!((end.status, asked.len()), (TurnStatus::Complete, 1));
    assert_eq!(asked[0]["messages"][1]["content"], EXPANDED);
    let at = events.iter().position(|event| *event == AgentEvent::Expanded(EXPANDED.to_owned())).unwrap();
    let said = |event: &AgentEvent| matches!(event, AgentEvent::Said(_) | AgentEvent::Text(_));
    assert!(!events[..at].iter().any(said) && events[at..].iter().any(said));
}

#[test]
fn a_refused_prompt_reaches_no_model() {
    let (events, end, asked) = play(18, true);
    let Some(AgentEvent::Refused(told)) = events.last() else { panic!("{events:?}") };
    assert!(told.starts_with("@ context injection refused: ") && told.ends_with("hard limit (9)."), "{told}");
    assert_eq!((end.status, end.text.as_ref(), asked.len()), (TurnStatus::Error, Some(told), 0));
    assert!(end.messages.is_empty());
}

#[test]
fn what_no_person_wrote_is_sent_as_it_is() {
    let (events, _, asked) = play(20_000, false);
    assert_eq!(asked[0]["messages"][1]["content"], PROMPT);
    assert!(!events.iter().any(|event| matches!(event, AgentEvent::Expanded(_))));
}
