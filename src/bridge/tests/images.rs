//! Images that wait for a prompt, and hosts that die before it.

use super::*;
use crate::limits::HOST_IMAGES_MAX;

pub(super) const A: &str = "0000000a";

pub(super) fn attach(stage: &mut Stage, run: u32, path: &str) {
    let outs = stage.line(1, 5, "image.attach", json!({"session_id": A, "path": "whatever"}));
    let number = number_of(&outs, "image.attach");
    let outs = stage.replies(run, number, json!({"attached": true, "path": path, "count": 1}));
    assert_eq!(heard(&outs, 1), ["ok"], "and nothing else");
}

/// The next process has the session again.
pub(super) fn comes_back(stage: &mut Stage, run: u32) -> Vec<Out> {
    stage.pass(1.0);
    let outs = stage.ready(run);
    let result = json!({"session_id": "0000000b", "resumed": "key-0000000a"});
    stage.replies(run, number_of(&outs, "session.resume"), result)
}

/// Answers what is played until something else is asked: the paths, and what that is.
pub(super) fn played(stage: &mut Stage, run: u32, mut outs: Vec<Out>) -> (Vec<String>, Vec<Out>) {
    let mut paths = Vec::new();
    while let [(to, "image.attach", params)] = calls(&outs)[..] {
        assert_eq!((to, &params["session_id"]), (run, &json!("0000000b")));
        paths.push(params["path"].as_str().unwrap().to_owned());
        let number = number_of(&outs, "image.attach");
        outs = stage.replies(run, number, json!({"attached": true, "path": "another"}));
        assert_eq!(heard(&outs, 1), [""; 0], "nobody asked");
    }
    (paths, outs)
}

#[test]
fn whatever_was_attached_is_there_in_the_next_process() {
    let mut stage = Stage::with_session(A);
    attach(&mut stage, 1, "/i/one two.png");
    let mut attached = |method, result: Value| {
        let outs = stage.line(1, 5, method, json!({"session_id": A, "path": "/i/b.png"}));
        stage.replies(1, number_of(&outs, method), result);
    };
    attached("clipboard.paste", json!({"attached": false, "message": "none"}));
    attached("clipboard.paste", json!({"attached": true, "path": "/i/b.png"}));
    attached("image.attach_bytes", json!({"attached": true, "path": "/i/c.png"}));
    attached("pdf.attach", json!({"attached": true, "pages": [{"path": "/i/1.png"}, {"path": "/i/2.png"}]}));
    attached("input.detect_drop", json!({"matched": true, "is_image": false, "path": "/i/no.txt"}));
    attached("input.detect_drop", json!({"matched": true, "is_image": true, "path": "/i/d.png"}));
    attached("image.detach", json!({"detached": true}));
    stage.dies(1);
    // What is asked meanwhile waits for the images.
    let held = stage.line(1, 6, "prompt.submit", json!({"session_id": A, "text": "look"}));
    assert_eq!(calls(&held), []);
    let outs = comes_back(&mut stage, 2);
    assert_eq!(heard(&outs, 1), ["status.update"]);
    let (paths, outs) = played(&mut stage, 2, outs);
    assert_eq!(paths, ["/i/one two.png", "/i/c.png", "/i/1.png", "/i/2.png", "/i/d.png"]);
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "look"}))]);
}

#[test]
fn a_turn_takes_them() {
    let mut stage = Stage::with_session(A);
    attach(&mut stage, 1, "/i/a.png");
    stage.submit(1, A, "one", "streaming");
    stage.dies(1);
    let outs = comes_back(&mut stage, 2);
    let (paths, outs) = played(&mut stage, 2, outs);
    assert_eq!((paths.len(), calls(&outs)[0].1), (1, "prompt.submit"), "it had not begun");
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"}));
    stage.event(2, "message.start", "0000000b", json!({}));
    attach(&mut stage, 2, "/i/b.png");
    stage.dies(2);
    let outs = comes_back(&mut stage, 3);
    assert_eq!(played(&mut stage, 3, outs).0, ["/i/b.png"], "the first went with its turn");
}

#[test]
fn a_turn_that_began_before_the_host_heard_of_one_does_not_take_it() {
    for (count, left) in [(1, 1), (2, 0)] {
        let mut stage = Stage::with_session(A);
        attach(&mut stage, 1, "/i/a.png");
        stage.dies(1);
        let outs = comes_back(&mut stage, 2);
        stage.event(2, "message.start", "0000000b", json!({}));
        let result = json!({"attached": true, "path": "/i/a.png", "count": count});
        stage.replies(2, number_of(&outs, "image.attach"), result);
        stage.dies(2);
        let outs = comes_back(&mut stage, 3);
        assert_eq!(played(&mut stage, 3, outs).0.len(), left, "{count}");
    }
}

#[test]
fn where_each_prompt_has_its_own_it_keeps_them() {
    let mut stage = Stage::with_session(A);
    stage.bridge.hosts.get_mut(&1).unwrap().is_ours = true;
    stage.submit(1, A, "one", "streaming");
    stage.event(1, "message.start", A, json!({}));
    for (text, path) in [("two", "/i/2.png"), ("three", "/i/3.png")] {
        attach(&mut stage, 1, path);
        stage.submit(1, A, text, "queued");
    }
    attach(&mut stage, 1, "/i/4.png");
    stage.dies(1);
    stage.pass(1.0);
    let outs = stage.ready(2);
    stage.bridge.hosts.get_mut(&1).unwrap().is_ours = true;
    let mut outs = stage.replies(2, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
    for (text, path) in [("two", "/i/2.png"), ("three", "/i/3.png")] {
        let (paths, asked) = played(&mut stage, 2, outs);
        assert_eq!((paths, &calls(&asked)[0].2["text"]), (vec![path.to_owned()], &json!(text)));
        let number = number_of(&asked, "prompt.submit");
        if text == "three" {
            // What waits for a prompt to come follows the last one that waits.
            assert_eq!(calls(&asked)[1].2["path"], "/i/4.png");
            return;
        }
        stage.replies(2, number, json!({"status": "streaming"}));
        stage.event(2, "message.start", "0000000b", json!({}));
        outs = stage.event(2, "message.complete", "0000000b", json!({"text": "1", "status": "complete"}));
    }
}

#[test]
fn one_that_is_gone_is_told_and_holds_nothing_up() {
    for refused in [false, true] {
        let mut stage = Stage::with_session(A);
        attach(&mut stage, 1, "/i/a.png");
        stage.submit(1, A, "one", "streaming");
        stage.dies(1);
        let outs = comes_back(&mut stage, 2);
        let number = number_of(&outs, "image.attach");
        let outs = match refused {
            false => stage.refuses(2, number, 4016),
            true => stage.input(Input::HostRefused { number, queued: 9 }),
        };
        assert_eq!((heard(&outs, 1), calls(&outs)[0].1), (vec!["status.update".to_owned()], "prompt.submit"));
        assert!(documents(&outs, 1)[0].to_string().contains("/i/a.png"));
    }
}

#[test]
fn a_process_that_dies_meanwhile_is_followed_by_one_that_hears_of_all() {
    let mut stage = Stage::with_session(A);
    attach(&mut stage, 1, "/i/a.png");
    attach(&mut stage, 1, "/i/b.png");
    stage.dies(1);
    let outs = comes_back(&mut stage, 2);
    stage.replies(2, number_of(&outs, "image.attach"), json!({"attached": true, "path": "/i/a.png"}));
    stage.line(1, 7, "session.title", json!({"session_id": A}));
    stage.dies(2);
    let outs = comes_back(&mut stage, 3);
    let (paths, outs) = played(&mut stage, 3, outs);
    assert_eq!((paths.len(), calls(&outs)[0].1), (2, "session.title"));
}

#[test]
fn a_session_that_is_closed_meanwhile_is_closed_there_too() {
    let mut stage = Stage::with_session(A);
    attach(&mut stage, 1, "/i/a.png");
    stage.dies(1);
    let outs = comes_back(&mut stage, 2);
    let number = number_of(&outs, "image.attach");
    stage.leave(1);
    let outs = stage.pass(21.0);
    let closed: Vec<_> = calls(&outs).into_iter().filter(|call| call.1 == "session.close").collect();
    assert_eq!(closed, [(2, "session.close", &json!({"session_id": "0000000b"}))]);
    assert_eq!(stage.replies(2, number, json!({"attached": true})), []);
}

#[test]
fn what_is_too_much_is_told_once() {
    let mut stage = Stage::with_session(A);
    for number in 0..HOST_IMAGES_MAX {
        attach(&mut stage, 1, &format!("/i/{number}.png"));
    }
    for told in [1, 0] {
        let outs = stage.line(1, 5, "clipboard.paste", json!({"session_id": A}));
        let number = number_of(&outs, "clipboard.paste");
        let outs = stage.replies(1, number, json!({"attached": true, "path": "/i/x.png"}));
        assert_eq!(heard(&outs, 1).len(), 1 + told);
    }
    stage.dies(1);
    let outs = comes_back(&mut stage, 2);
    assert_eq!(played(&mut stage, 2, outs).0.len(), HOST_IMAGES_MAX);
}
