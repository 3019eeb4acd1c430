//! The demo agent on a thread, as the gateway runs it.

use super::*;
use crate::agent::testing::{reasoning_of, run, statuses_of, text_of, turn};

fn perform(prompt: &str) -> (Vec<AgentEvent>, TurnEnd) {
    run(Demo, turn(prompt), |_, _| {})
}

#[test]
fn a_plain_prompt_gets_a_plain_answer_word_by_word() {
    let (events, end) = perform("hello there");
    assert_eq!(events[0], AgentEvent::Thinking);
    assert!(events.len() > 20, "word by word");
    let text = end.text.unwrap();
    assert_eq!(text, text_of(&events));
    assert!(text.contains("demo agent") && text.contains("“hello there”") && text.contains("config.yaml"));
    assert_eq!(end.status, TurnStatus::Complete);
    assert_eq!(end.messages, [Message::new(Role::Assistant, text)]);
    assert_eq!((end.usage.model.as_str(), end.usage.input, end.usage.calls), (MODEL, 2, 1));
}

#[test]
fn a_long_prompt_is_not_repeated_whole() {
    let (_, end) = perform(&"ä".repeat(100_000));
    assert!(end.text.unwrap().len() < 2_000);
}

#[test]
fn tokens_come_numbered_after_the_reasoning() {
    let (events, end) = perform("TOKENS=3 REASON=2 SIZE=4 RATE=2000 DELAY=1");
    assert_eq!(text_of(&events), "000 001 002 ");
    assert_eq!(reasoning_of(&events), "000 001 ");
    assert!(matches!(events[1], AgentEvent::Reasoning(_)));
    assert_eq!(end.reasoning.as_deref(), Some("000 001 "));
    assert_eq!((end.usage.output, end.usage.reasoning), (5, 2));
}

#[test]
fn steps_act_in_order_and_a_script_always_says_something() {
    let (events, _) = perform("TOKENS=1 SLEEP=1 BURN=1 TOKENS=1 SAY:the end");
    assert_eq!(text_of(&events), "0000 0001 the end");
    assert_eq!(perform("SLEEP=0").1.text.as_deref(), Some("Done."));
}

#[test]
fn a_failure_is_an_error_and_keeps_what_was_said() {
    let (_, end) = perform("FAIL=out of luck");
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some("out of luck")));
    assert!(end.messages.is_empty());
    let (events, end) = perform("TOKENS=1 FAIL=out of luck");
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some("0000 ")));
    assert_eq!(statuses_of(&events), ["warn: out of luck"]);
}

#[test]
fn too_much_text_is_a_failure() {
    let (_, end) = perform("TOKENS=2000 SIZE=65536");
    assert_eq!(end.status, TurnStatus::Error);
    assert!(end.text.unwrap().len() <= TEXT_MAX);
}

#[test]
fn says_what_was_answered() {
    let answers = [
        (Answer::Text(String::from("blue")), "You answered: blue"),
        (Answer::TimedOut, "Nobody answered."),
        (Answer::Choice(Choice::Once), "Nobody answered."),
    ];
    for (answer, expected) in answers {
        let (events, end) = run(Demo, turn("CLARIFY:Colour?|red|blue"), |event, control| {
            if let AgentEvent::Ask(id, question) = event {
                let choices = Some(vec![String::from("red"), String::from("blue")]);
                assert_eq!(*question, Ask::Clarify { question: String::from("Colour?"), choices });
                control.answer(*id, answer.clone());
            }
        });
        assert_eq!((text_of(&events).as_str(), end.status), (expected, TurnStatus::Complete));
    }
}

#[test]
fn only_an_allowance_allows() {
    let answers = [
        (Answer::Choice(Choice::Once), "Allowed: ls"),
        (Answer::Choice(Choice::Session), "Allowed: ls"),
        (Answer::Choice(Choice::Always), "Allowed: ls"),
        (Answer::Choice(Choice::Deny), "Denied: ls"),
        (Answer::Text(String::from("once")), "Denied: ls"),
        (Answer::TimedOut, "Denied: ls"),
        (Answer::Cancelled, "Denied: ls"),
    ];
    for (answer, expected) in answers {
        let (events, _) = run(Demo, turn("APPROVE:ls"), |event, control| {
            if let AgentEvent::Ask(id, _) = event {
                control.answer(*id, answer.clone());
            }
        });
        assert_eq!(text_of(&events), expected);
    }
}

#[test]
fn an_interrupt_ends_a_flood_and_keeps_what_was_said() {
    let mut seen = 0;
    let (events, end) = run(Demo, turn("TOKENS=10000000"), |_, control| {
        seen += 1;
        if seen == 100 {
            control.interrupt();
        }
    });
    assert_eq!(end.status, TurnStatus::Interrupted);
    let said = text_of(&events);
    assert!(events.len() < 10_000, "stopped soon");
    assert_eq!(end.text.as_deref(), Some(said.as_str()));
    assert_eq!(end.messages, [Message::new(Role::Assistant, said)]);
}

#[test]
fn an_interrupt_ends_every_kind_of_waiting() {
    for script in ["DELAY=3600000", "SLEEP=3600000", "BURN=3600000", "CLARIFY:Why?", "APPROVE:ls"] {
        let (events, end) = run(Demo, turn(script), |_, control| control.interrupt());
        assert_eq!((end.status, end.text), (TurnStatus::Interrupted, None), "{script}: {events:?}");
        assert!(end.messages.is_empty());
    }
    // The pace of one token in an hour is not in the language; one a second is slow enough.
    let (_, end) = run(Demo, turn("TOKENS=100 RATE=1"), |event, control| {
        if matches!(event, AgentEvent::Text(_)) {
            control.interrupt();
        }
    });
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Interrupted, Some("0000 ")));
}

#[test]
fn a_resumed_turn_says_what_was_answered_and_asks_nothing() {
    let question = Ask::Clarify { question: "Tabs?".into(), choices: None };
    let resumed = Resumed { question, answer: Answer::Text("yes".into()), call: "c1".into() };
    let (events, end) = run(Demo, TurnSpec { resumed: Some(resumed), ..turn("") }, |_, _| {});
    assert!(!events.iter().any(|event| matches!(event, AgentEvent::Ask(..))));
    let said = "A restart of the server cut this turn off; the answer to “Tabs?” was: yes.";
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some(said)));
}
