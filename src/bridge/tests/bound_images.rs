//! Images that are bound to prompts, in hosts that do so, and what becomes of them when hosts die; and those with
//! which hosts end.

use super::images::{A, attach, comes_back, played};
use super::*;

/// A session in a process of ours, which binds images to prompts.
fn with_binding() -> Stage {
    let stage = Stage::with_session(A);
    binding(stage, 1)
}

fn binding(mut stage: Stage, host: u32) -> Stage {
    stage.bridge.hosts.get_mut(&host).unwrap().is_ours = true;
    stage
}

fn prompt(stage: &mut Stage, id: i64, text: &str) -> Vec<Out> {
    stage.line(1, id, "prompt.submit", json!({"session_id": A, "text": text}))
}

/// The next process of ours has the session again.
fn comes_back_binding(stage: &mut Stage, run: u32) -> Vec<Out> {
    stage.pass(1.0);
    let outs = stage.ready(run);
    stage.bridge.hosts.get_mut(&1).unwrap().is_ours = true;
    let result = json!({"session_id": "0000000b", "resumed": "key-0000000a"});
    stage.replies(run, number_of(&outs, "session.resume"), result)
}

/// A turn runs and ends.
fn runs(stage: &mut Stage, run: u32, asked: &[Out]) -> Vec<Out> {
    stage.replies(run, number_of(asked, "prompt.submit"), json!({"status": "streaming"}));
    stage.event(run, "message.start", "0000000b", json!({}));
    stage.event(run, "message.complete", "0000000b", json!({"text": "1", "status": "complete"}))
}

#[test]
fn one_that_a_prompt_has_stays_with_it_when_the_next_process_dies_before_its_answer() {
    let mut stage = with_binding();
    attach(&mut stage, 1, "/i/1.png");
    stage.submit(1, A, "one", "streaming");
    stage.dies(1);
    let outs = comes_back_binding(&mut stage, 2);
    let (_, asked) = played(&mut stage, 2, outs);
    assert_eq!(calls(&asked)[0].1, "prompt.submit");
    // It was asked from here, and not answered.
    stage.dies(2);
    let outs = comes_back_binding(&mut stage, 3);
    let (paths, asked) = played(&mut stage, 3, outs);
    assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec!["/i/1.png".to_owned()], &json!("one")));
}

#[test]
fn of_two_prompts_without_an_answer_the_first_has_it() {
    let mut stage = with_binding();
    attach(&mut stage, 1, "/i/1.png");
    prompt(&mut stage, 2, "one");
    prompt(&mut stage, 3, "two");
    stage.dies(1);
    let outs = comes_back_binding(&mut stage, 2);
    let (paths, asked) = played(&mut stage, 2, outs);
    assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec!["/i/1.png".to_owned()], &json!("one")));
    let outs = runs(&mut stage, 2, &asked);
    assert_eq!(calls(&outs)[0].2["text"], "two", "without one");
}

#[test]
fn behind_a_prompt_that_was_accepted_the_first_without_an_answer_has_it() {
    let mut stage = with_binding();
    stage.submit(1, A, "zero", "streaming");
    attach(&mut stage, 1, "/i/1.png");
    prompt(&mut stage, 2, "one");
    prompt(&mut stage, 3, "two");
    stage.dies(1);
    let outs = comes_back_binding(&mut stage, 2);
    assert_eq!(calls(&outs)[0].2["text"], "zero");
    let outs = runs(&mut stage, 2, &outs);
    let (paths, asked) = played(&mut stage, 2, outs);
    assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec!["/i/1.png".to_owned()], &json!("one")));
}

#[test]
fn one_that_is_attached_while_prompts_wait_follows_them() {
    let mut stage = with_binding();
    stage.submit(1, A, "one", "streaming");
    stage.submit(1, A, "two", "queued");
    stage.dies(1);
    let outs = comes_back_binding(&mut stage, 2);
    let attach = stage.line(1, 5, "image.attach", json!({"session_id": A, "path": "/i/3.png"}));
    let three = prompt(&mut stage, 6, "three");
    assert_eq!((calls(&attach), calls(&three)), (vec![], vec![]), "the second would have it");
    assert_eq!(calls(&stage.line(1, 7, "session.usage", json!({"session_id": A}))).len(), 1);
    let outs = runs(&mut stage, 2, &outs);
    let asked: Vec<_> = calls(&outs).iter().map(|call| (call.1, call.2["text"].clone())).collect();
    let expected =
        [("prompt.submit", json!("two")), ("image.attach", json!(null)), ("prompt.submit", json!("three"))];
    assert_eq!(asked, expected);
}

#[test]
fn what_waits_behind_an_image_is_not_lost_with_the_next_process() {
    let mut stage = with_binding();
    stage.submit(1, A, "one", "streaming");
    stage.submit(1, A, "two", "queued");
    stage.dies(1);
    let outs = comes_back_binding(&mut stage, 2);
    stage.line(1, 5, "image.attach", json!({"session_id": A, "path": "/i/3.png"}));
    prompt(&mut stage, 6, "three");
    // A turn that nobody asked for is none of what waits here.
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"}));
    stage.event(2, "message.start", "0000000b", json!({}));
    stage.event(2, "message.delta", "0000000b", json!({"text": "x"}));
    stage.event(2, "message.start", "0000000b", json!({}));
    assert_eq!(heard(&stage.dies(2), 1), ["status.update", "message.complete"]);
    let outs = comes_back_binding(&mut stage, 3);
    let asked: Vec<_> = calls(&outs).iter().map(|call| (call.1, call.2["text"].clone())).collect();
    let expected =
        [("prompt.submit", json!("two")), ("image.attach", json!(null)), ("prompt.submit", json!("three"))];
    assert_eq!(asked, expected);
}

/// The first process dies before it says that it binds images: what is pipelined behind one is accepted.
#[test]
fn one_that_goes_with_the_first_prompt_does_not_wait_for_those_behind_that() {
    let mut stage = Stage::with_session(A);
    stage.dies(1);
    stage.line(1, 5, "image.attach", json!({"session_id": A, "path": "/i/1.png"}));
    prompt(&mut stage, 6, "one");
    prompt(&mut stage, 7, "two");
    stage.pass(1.0);
    stage.ready(2);
    assert_eq!(heard(&stage.dies(2), 1), ["ok"], "the second is accepted");
    let outs = comes_back_binding(&mut stage, 3);
    let asked: Vec<_> = calls(&outs).iter().map(|call| (call.1, call.2["text"].clone())).collect();
    assert_eq!(asked, [("image.attach", json!(null)), ("prompt.submit", json!("one"))]);
}

#[test]
fn a_stop_lets_what_waits_behind_prompts_go() {
    let mut stage = with_binding();
    stage.submit(1, A, "one", "streaming");
    stage.submit(1, A, "two", "queued");
    stage.dies(1);
    comes_back_binding(&mut stage, 2);
    stage.line(1, 5, "image.attach", json!({"session_id": A, "path": "/i/3.png"}));
    let outs = stage.line(1, 6, "session.interrupt", json!({"session_id": A}));
    let asked: Vec<_> = calls(&outs).iter().map(|call| call.1).collect();
    assert_eq!(asked, ["image.attach", "session.interrupt"]);
}

#[test]
fn those_of_a_prompt_that_is_dropped_or_refused_wait_for_the_next_one() {
    for how in ["stopped", "refused", "not taken"] {
        let mut stage = with_binding();
        for path in ["/i/1.png", "/i/2.png"] {
            attach(&mut stage, 1, path);
        }
        stage.submit(1, A, "one", "streaming");
        stage.dies(1);
        let outs = comes_back_binding(&mut stage, 2);
        let first = number_of(&outs, "image.attach");
        let (told, left) = if how == "stopped" {
            let stopped = stage.line(1, 6, "session.interrupt", json!({"session_id": A}));
            let outs = stage.replies(2, first, json!({"attached": true, "path": "/i/1.png"}));
            assert_eq!(calls(&outs)[0].1, "session.interrupt", "the second is not attached any more");
            (stopped, 1)
        } else {
            let (_, asked) = played(&mut stage, 2, outs);
            let number = number_of(&asked, "prompt.submit");
            let outs = match how {
                "refused" => stage.refuses(2, number, 4018),
                _ => stage.input(Input::HostRefused { number, queued: 9 }),
            };
            (outs, 2)
        };
        let text = documents(&told, 1).iter().map(Value::to_string).collect::<String>();
        assert!(text.contains("will go with the next one"), "{how}: {text}");
        stage.submit(2, A, "two", "streaming");
        stage.dies(2);
        let outs = comes_back_binding(&mut stage, 3);
        let (paths, asked) = played(&mut stage, 3, outs);
        assert_eq!((paths.len(), &calls(&asked)[0].2["text"]), (left, &json!("two")), "{how}");
    }
}

#[test]
fn those_of_a_prompt_that_the_model_refused_wait_again() {
    let mut stage = with_binding();
    attach(&mut stage, 1, "/i/1.png");
    stage.submit(1, A, "one", "streaming");
    stage.event(1, "message.start", A, json!({}));
    stage.event(1, "error", A, json!({"message": "401"}));
    stage.says(
        1,
        r#"{"method": "event", "params": {"type": "session.info", "session_id": "0000000a",
            "payload": {"running": false}}}"#,
    );
    stage.dies(1);
    let outs = comes_back_binding(&mut stage, 2);
    assert_eq!(played(&mut stage, 2, outs).0, ["/i/1.png"]);
}

#[test]
fn one_with_which_processes_end_is_given_up() {
    for binds in [false, true] {
        let mut stage = Stage::with_session(A);
        stage.bridge.hosts.get_mut(&1).unwrap().is_ours = binds;
        attach(&mut stage, 1, "/i/harmless.png");
        attach(&mut stage, 1, "/i/deadly.png");
        stage.submit(1, A, "one", "streaming");
        stage.dies(1);
        for run in 2..=4 {
            stage.pass(40.0);
            let outs = stage.ready(run);
            stage.bridge.hosts.get_mut(&1).unwrap().is_ours = binds;
            let outs =
                stage.replies(run, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
            let number = number_of(&outs, "image.attach");
            let outs = stage.replies(run, number, json!({"attached": true, "path": "/i/harmless.png"}));
            assert_eq!(calls(&outs)[0].2["path"], "/i/deadly.png");
            let told = stage.dies(run);
            let told = documents(&told, 1).iter().any(|said| said.to_string().contains("/i/deadly.png"));
            assert_eq!(told, run == 4);
        }
        stage.pass(40.0);
        let outs = stage.ready(5);
        let outs = stage.replies(5, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
        let (paths, asked) = played(&mut stage, 5, outs);
        assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec!["/i/harmless.png".to_owned()], &json!("one")));
    }
}

#[test]
fn whether_a_turn_took_what_was_attached_as_it_began_the_count_tells() {
    // How many the host counts at the second and third, and which wait then.
    for (two, three, left) in [
        (2, 3, &[][..]),
        (2, 1, &["/i/3.png"][..]),
        (1, 1, &["/i/3.png"][..]),
        (1, 2, &["/i/2.png", "/i/3.png"][..]),
    ] {
        let mut stage = Stage::with_session(A);
        attach(&mut stage, 1, "/i/1.png");
        stage.submit(1, A, "one", "streaming");
        let mut ask = |id: i64| {
            let outs = stage.line(1, id, "image.attach", json!({"session_id": A, "path": "whatever"}));
            number_of(&outs, "image.attach")
        };
        let asked = [(ask(2), "/i/2.png", two), (ask(3), "/i/3.png", three)];
        stage.event(1, "message.start", A, json!({}));
        for (number, path, count) in asked {
            stage.replies(1, number, json!({"attached": true, "path": path, "count": count}));
        }
        stage.dies(1);
        let outs = comes_back(&mut stage, 2);
        assert_eq!(played(&mut stage, 2, outs).0, left, "{two} {three}");
    }
}

#[test]
fn one_whose_prompt_is_refused_goes_with_the_prompt_behind_it() {
    let mut stage = with_binding();
    attach(&mut stage, 1, "/i/1.png");
    prompt(&mut stage, 2, "one");
    prompt(&mut stage, 3, "two");
    let mut run = 1;
    while !heard(&stage.dies(run), 1).contains(&"-32004".to_owned()) {
        stage.pass(29.0);
        run += 1;
        assert!(run < 9, "nobody is told of the first");
    }
    stage.pass(29.0);
    let outs = comes_back_binding(&mut stage, run + 1);
    let (paths, asked) = played(&mut stage, run + 1, outs);
    assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec!["/i/1.png".to_owned()], &json!("two")));
}

#[test]
fn one_of_which_a_host_hears_behind_a_prompt_does_not_go_with_that() {
    let mut stage = with_binding();
    stage.submit(1, A, "one", "streaming");
    attach(&mut stage, 1, "/i/1.png");
    stage.dies(1);
    let outs = comes_back_binding(&mut stage, 2);
    let asked: Vec<_> = calls(&outs).iter().map(|call| call.1).collect();
    assert_eq!(asked, ["prompt.submit", "image.attach"]);
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"}));
    stage.event(2, "message.start", "0000000b", json!({}));
    let result = json!({"attached": true, "path": "/i/1.png", "count": 1});
    stage.replies(2, number_of(&outs, "image.attach"), result);
    prompt(&mut stage, 2, "two");
    stage.dies(2);
    let outs = comes_back_binding(&mut stage, 3);
    let (paths, asked) = played(&mut stage, 3, outs);
    assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec!["/i/1.png".to_owned()], &json!("two")));
}

#[test]
fn one_whose_prompt_is_stopped_without_an_answer_goes_with_the_prompt_behind_it() {
    let mut stage = with_binding();
    attach(&mut stage, 1, "/i/1.png");
    stage.dies(1);
    prompt(&mut stage, 2, "one");
    stage.line(1, 3, "session.interrupt", json!({"session_id": A}));
    prompt(&mut stage, 4, "two");
    stage.pass(1.0);
    // The second is accepted here, the first waits for a host ahead of its stop.
    assert_eq!(heard(&stage.dies(2), 1), ["ok"]);
    let outs = comes_back_binding(&mut stage, 3);
    let (paths, asked) = played(&mut stage, 3, outs);
    assert_eq!((paths.len(), &calls(&asked)[0].2["text"]), (1, &json!("one")));
    assert_eq!(heard(&stage.dies(3), 1), ["-32004", "-32004"]);
    let outs = comes_back_binding(&mut stage, 4);
    let (paths, asked) = played(&mut stage, 4, outs);
    assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec!["/i/1.png".to_owned()], &json!("two")));
}
