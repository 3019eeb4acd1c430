//! Work outside of turns, against a scripted server.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};

use super::errand::run;
use super::fake::{Fake, Reply};
use super::script::{calls, says};
use super::{Backoff, Client, Limits, OpenAi, Toolbox};
use crate::agent::testing::{turn, turn_after};
use crate::base::scratch::Scratch;
use crate::model::errand::{Compressed, Errand, ErrandEnd};
use crate::model::message::{Message, Role};
use crate::model::turn::TurnSpec;

fn agent(fake: &Fake) -> OpenAi {
    let quick = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) };
    OpenAi::new(Arc::new(Client::new(Limits::default())), fake.settings()).with_backoff(quick)
}

/// Runs the errand; gives its end and the bodies of the requests.
fn play(errand: Errand, replies: impl IntoIterator<Item = Reply>) -> (ErrandEnd, Vec<Value>) {
    let fake = Fake::start(replies);
    let end = run(&agent(&fake), errand, &Arc::default());
    (end, bodies(&fake))
}

fn bodies(fake: &Fake) -> Vec<Value> {
    fake.seen().iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect()
}

fn text(end: &ErrandEnd) -> Result<&str, &str> {
    match end {
        ErrandEnd::Text { text, .. } => Ok(text),
        ErrandEnd::Failed(why) => Err(why),
        ErrandEnd::Compressed(_) => Err("compressed"),
        ErrandEnd::Menu(_) => Err("a menu"),
    }
}

fn oneshot() -> Errand {
    Errand::Oneshot { model: None, instructions: "Be brief.".into(), input: "Hi".into(), max_tokens: Some(7) }
}

#[test]
fn a_title_is_asked_for_once_and_shaped() {
    let errand = Errand::Title { model: Some("m2".into()), prompt: "p".repeat(600), answer: "tabs".into() };
    let (end, asked) = play(errand, [says("Title: \"On tabs\"")]);
    assert_eq!(text(&end), Ok("On tabs"));
    assert_eq!((&asked[0]["model"], &asked[0]["max_tokens"]), (&json!("m2"), &json!(500)));
    assert_eq!((&asked[0]["stream"], &asked[0]["tools"]), (&json!(false), &Value::Null));
    let question = asked[0]["messages"][1]["content"].as_str().unwrap();
    assert!(question.contains("tabs") && question.matches('p').count() < 510, "{question}");
}

#[test]
fn one_question_has_one_answer() {
    let (end, asked) = play(oneshot(), [says(" Hello. \n")]);
    assert_eq!(text(&end), Ok("Hello."));
    assert_eq!(asked[0]["messages"][0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!(asked[0]["max_tokens"], 7);
    let (end, _) = play(oneshot(), [says("")]);
    assert_eq!(text(&end), Err("the model said nothing"));
    let (end, _) = play(oneshot(), [Reply::sized("400 Bad", "", "no")]);
    assert_eq!(text(&end), Err("HTTP 400: no"));
}

#[test]
fn an_errand_that_is_stopped_asks_nobody() {
    let fake = Fake::start([says("never")]);
    let end = run(&agent(&fake), oneshot(), &Arc::new(AtomicBool::new(true)));
    assert_eq!(text(&end), Err("interrupted"));
}

#[test]
fn a_conversation_is_compressed_on_request() {
    let exchange = ["q", "a"].map(|word| word.repeat(4_000));
    let roles = [Role::User, Role::Assistant];
    let history: Vec<Message> =
        (0..6).map(|at| Message::new(roles[at % 2], exchange[at % 2].as_str())).collect();
    let spec = Box::new(turn_after(history.clone(), ""));
    let (end, asked) = play(Errand::Compress { spec, focus: "tabs".into() }, [says("Notes.")]);
    let ErrandEnd::Compressed(Compressed { context, before, after, usage }) = end else {
        panic!("not compressed: {end:?}")
    };
    assert!(after < before && before == 6_000 && usage.calls == 1, "{before} {after}");
    assert_eq!(context.last(), history.last());
    assert!(context.iter().any(|message| message.text.ends_with("Notes.")));
    assert!(asked[0]["messages"][1]["content"].as_str().unwrap().ends_with("tabs"));
}

#[test]
fn a_compression_that_fails_changes_nothing() {
    let history: Vec<Message> =
        [Role::User, Role::Assistant].repeat(4).into_iter().map(|role| Message::new(role, "x")).collect();
    let compress =
        || Errand::Compress { spec: Box::new(turn_after(history.clone(), "")), focus: String::new() };
    let (end, _) = play(compress(), [Reply::sized("400 Bad", "", "no")]);
    assert_eq!(text(&end), Err("HTTP 400: no"));
    let few = Errand::Compress { spec: Box::new(turn_after(Vec::new(), "")), focus: String::new() };
    let (end, asked) = play(few, [says("never")]);
    assert!(matches!(end, ErrandEnd::Compressed(Compressed { before: 0, after: 0, .. })) && asked.is_empty());
}

#[test]
fn nobody_is_asked_by_a_background_prompt() {
    let folder = Scratch::new();
    let fake = Fake::start([calls("clarify", &json!({"question": "Tabs?"})), says("Spaces.")]);
    let toolbox = Arc::new(Toolbox::new(&folder.dir("home")).unwrap());
    let spec = TurnSpec { cwd: folder.dir("work"), ..turn("indent it") };
    let errand = Errand::Background(Box::new(spec));
    let end = run(&agent(&fake).with_tools(toolbox), errand, &Arc::default());
    assert_eq!(text(&end), Ok("Spaces."));
    let asked = bodies(&fake);
    let result = &asked[1]["messages"].as_array().unwrap().last().unwrap()["content"];
    assert!(result.as_str().unwrap().contains(r#""user_response":"""#), "{result}");
}
