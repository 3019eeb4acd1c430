//! Whole compressions, without a model.

use super::*;
use crate::model::message::{Called, ToolCall};

fn said(role: Role, text: &str) -> Message {
    Message::new(role, text)
}

fn asking(id: &str) -> Message {
    let call = ToolCall { id: id.into(), name: "t".into(), arguments: "{}".into() };
    Message { calls: vec![call], ..said(Role::Assistant, "") }
}

fn result(id: &str) -> Message {
    Message::result(Called { id: id.into(), name: "t".into(), label: String::new() }, "r".repeat(4_000))
}

/// One prompt, and many calls for it.
fn long_turn() -> Vec<Message> {
    let mut messages =
        vec![said(Role::User, "old"), said(Role::Assistant, "done"), said(Role::User, "do it all")];
    for number in 0..20 {
        let id = number.to_string();
        messages.extend([asking(&id), result(&id)]);
    }
    messages
}

fn model(context_length: u64, max_tokens: u64) -> ModelSettings {
    ModelSettings { context_length, max_tokens, ..ModelSettings::default() }
}

fn shrunk(messages: Vec<Message>, summary: Option<&str>, plan: &[String]) -> Shrunk {
    let settings = CompressionSettings::default();
    prepare(messages, &Plan::new(&settings, 20_000)).unwrap().finish(summary, plan)
}

#[test]
fn the_threshold_follows_the_window() {
    let at = |window, output| threshold(&CompressionSettings::default(), &model(window, output));
    assert_eq!(at(0, 0), None);
    assert_eq!(at(200_000, 0), Some(100_000));
    assert_eq!(at(100_000, 0), Some(64_000), "the floor");
    assert_eq!(at(70_000, 0), Some(59_500), "85 %");
    assert_eq!(at(8_000, 0), Some(6_800));
    assert_eq!(at(200_000, 40_000), Some(80_000), "less the output limit");
    assert_eq!(at(8_000, 65_536), Some(3_400), "which leaves half");
    let wild = CompressionSettings { threshold: f64::NAN, ..CompressionSettings::default() };
    assert_eq!(threshold(&wild, &model(8_000, 0)), Some(6_800));
}

#[test]
fn servers_say_in_many_ways_that_it_is_too_long() {
    let refused = |status, message: &str| {
        is_overflow(&Failure::Refused { status, message: message.into(), retry_after: None })
    };
    assert!(refused(400, "This model's maximum context length is 8192 tokens."));
    assert!(refused(400, "Prompt is too long: 9 tokens > 8 maximum") && refused(413, ""));
    assert!(is_overflow(&Failure::Broken("request exceeds the available context size".into())));
    assert!(!refused(400, "bad temperature") && !is_overflow(&Failure::Interrupted));
}

#[test]
fn the_last_prompt_stays_as_it_is_amid_a_long_turn() {
    let before = long_turn();
    let shrunk = shrunk(before.clone(), Some("Much was done."), &[]);
    assert!(shrunk.is_shorter() && shrunk.before == tokens(&before), "{} {}", shrunk.before, shrunk.after);
    let context = &shrunk.context;
    assert!(summary::is_summary(&context[2]) && context[2].role == Role::User);
    assert_eq!(context[3], said(Role::User, "do it all"));
    assert_eq!(context[context.len() - 1], before[before.len() - 1], "the end stays whole");
    assert_eq!(context[4].calls.len(), 1, "calls come before their results");
}

#[test]
fn a_later_compression_brings_the_summary_up_to_date() {
    let first = shrunk(long_turn(), Some("Much was done."), &[String::from("- 1. more (pending)")]);
    let mut messages = first.context;
    messages.extend(long_turn());
    let settings = CompressionSettings::default();
    let prepared = prepare(messages, &Plan::new(&settings, 20_000)).unwrap();
    let question = prepared.question("", 0);
    assert!(question.contains("<notes>\nMuch was done.\n</notes>") && !question.contains("- 1. more"));
    let context = prepared.finish(Some("Even more."), &[]).context;
    assert_eq!(context.iter().filter(|message| summary::is_summary(message)).count(), 1);
    assert!(summary::is_summary(&context[0]), "the head goes into it");
}

#[test]
fn without_a_summary_there_is_a_notice() {
    let first = shrunk(long_turn(), None, &[]);
    assert!(first.context[2].text.ends_with(summary::NOTICE));
    let mut messages = shrunk(long_turn(), Some("Much was done."), &[]).context;
    messages.extend(long_turn());
    let second = shrunk(messages, None, &[]);
    assert!(second.context[0].text.contains("Much was done.\n\nThe earlier messages could not"));
}

#[test]
fn the_summary_never_stands_beside_a_call_of_its_own_role() {
    let words = |roles: &[Role]| roles.iter().map(|role| said(*role, "x")).collect::<Vec<_>>();
    let (user, model) = (Role::User, Role::Assistant);
    for (head, tail, expected) in [
        (vec![], words(&[user]), user),
        (vec![], words(&[model]), user),
        (words(&[user, model]), words(&[user]), user),
        (words(&[user, model]), words(&[model]), user),
        (words(&[user]), words(&[user]), model),
        (words(&[user]), vec![asking("1")], user),
    ] {
        let at = head.len();
        let prepared = Prepared { head, earlier: None, middle: Vec::new(), prompt: None, tail, before: 0 };
        assert_eq!(prepared.finish(Some("s"), &[]).context[at].role, expected);
    }
}

#[test]
fn who_asks_for_it_keeps_the_last_exchange() {
    let exchange = || [said(Role::User, &"q".repeat(400)), said(Role::Assistant, &"a".repeat(4_000))];
    let messages: Vec<Message> = (0..2).flat_map(|_| exchange()).collect();
    let plan = Plan::asked(&CompressionSettings::default(), tokens(&messages));
    let prepared = prepare(messages.clone(), &plan).unwrap();
    assert_eq!(prepared.count(), 2);
    let shrunk = prepared.finish(Some("Short."), &[]);
    assert!(shrunk.is_shorter());
    assert_eq!(shrunk.context[1..], messages[2..]);
}
