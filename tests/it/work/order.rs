//! The order of events, one record a scene in `tests/golden/agent/`. `UPDATE_GOLDEN=1` rewrites them; read the
//! difference before keeping it.

use std::fs;
use std::net::TcpListener;

use serde_json::json;

use super::scene::Scene;
use crate::support::model::Model;

/// Nobody waits long for a second try.
const QUICK: &str = "agent:\n  api_max_retries: 2\n";

#[test]
fn text() {
    let mut scene = Scene::new("");
    scene.turn("SAY:Hello there.");
    scene.golden("text");
}

#[test]
fn reasoning() {
    let mut scene = Scene::new("");
    scene.turn("REASON=2 SAY:Done.");
    scene.golden("reasoning");
}

#[test]
fn one_tool() {
    let mut scene = Scene::new("");
    scene.turn("SAY:I look.\nTOOL:terminal {\"command\": \"echo hi\"}");
    scene.turn("TOOL:write_file {\"path\": \"a.txt\", \"content\": \"one\\n\"}\nTOKENS=1\n\
                TOOL:patch {\"path\": \"a.txt\", \"old_string\": \"one\", \"new_string\": \"two\"}\nSAY:Changed.");
    assert_eq!(scene.file("a.txt"), "two\n");
    scene.golden("one-tool");
}

#[test]
fn parallel_tools() {
    let mut scene = Scene::new("");
    fs::write(scene.work().join("a.txt"), "alpha\n").unwrap();
    fs::write(scene.work().join("b.txt"), "beta\n").unwrap();
    scene.turn(
        "TOOL:read_file {\"path\": \"a.txt\"}\nTOOL:read_file {\"path\": \"b.txt\"}\n\
                TOOL:search_files {\"pattern\": \"beta\"}",
    );
    scene.golden("parallel-tools");
}

#[test]
fn a_plan() {
    let mut scene = Scene::new("");
    scene
        .turn("TOOL:todo {\"todos\": [{\"id\": \"1\", \"content\": \"look\", \"status\": \"in_progress\"}]}");
    scene.golden("plan");
}

#[test]
fn approvals() {
    for choice in ["once", "session", "always", "deny", "perhaps"] {
        let mut scene = Scene::new("");
        for folder in ["one", "two"] {
            fs::create_dir(scene.work().join(folder)).unwrap();
        }
        scene.submit("TOOL:terminal {\"command\": \"rm -rf one\"}");
        scene.until("approval.request");
        scene.approve(choice);
        scene.finish();
        let allowed = !matches!(choice, "deny" | "perhaps");
        assert_eq!(scene.work().join("one").exists(), !allowed, "{choice}");
        // The second time nobody is asked where that was the choice.
        scene.submit("TOOL:terminal {\"command\": \"rm -rf two\"}");
        if !matches!(choice, "session" | "always") {
            scene.until("approval.request");
            scene.approve("deny");
        }
        scene.finish();
        assert_eq!(scene.work().join("two").exists(), !matches!(choice, "session" | "always"), "{choice}");
        let kept = scene.server.home.read("config.yaml").contains("recursive delete");
        assert_eq!(kept, choice == "always", "{choice}");
        scene.golden(&format!("approval-{choice}"));
    }
}

#[test]
fn an_approval_that_nobody_answers() {
    let mut scene = Scene::new("approvals:\n  gateway_timeout: 1\n");
    fs::create_dir(scene.work().join("one")).unwrap();
    scene.turn("TOOL:terminal {\"command\": \"rm -rf one\"}");
    assert!(scene.work().join("one").exists());
    scene.golden("approval-timeout");
}

#[test]
fn a_question() {
    let mut scene = Scene::new("");
    scene.submit("CLARIFY:Which one?|red|blue");
    let question = scene.until("clarify.request");
    scene.request(
        "clarify.respond",
        json!({ "request_id": question.payload["request_id"], "answer": "blue" }),
    );
    scene.finish();
    scene.golden("clarify");
}

#[test]
fn a_stop_before_the_first_byte() {
    let mut scene = Scene::new("");
    scene.submit("HANG");
    scene.until("message.start");
    scene.model.wait_stats("asked", |stats| stats["counters"]["requests"].as_u64() > Some(0));
    scene.interrupt();
    scene.finish();
    scene.turn("SAY:Going on.");
    scene.golden("interrupt-silent");
}

#[test]
fn a_stop_in_mid_text() {
    let mut scene = Scene::new("");
    scene.submit("TOKENS=1 SLEEP=60000 SAY:more");
    scene.until("message.delta");
    scene.interrupt();
    scene.finish();
    scene.turn("SAY:Going on.");
    scene.golden("interrupt-text");
}

#[test]
fn a_stop_in_mid_arguments() {
    let mut scene = Scene::new("");
    let content = "x".repeat(4_000);
    scene.submit(&format!("RATE=5\nTOOL:write_file {{\"path\": \"a.txt\", \"content\": \"{content}\"}}"));
    scene.until("tool.generating");
    scene.interrupt();
    scene.finish();
    assert!(!scene.work().join("a.txt").exists());
    scene.turn("SAY:Going on.");
    // The prompt is long and says nothing.
    let log = scene.log().replace(&content, "…");
    assert!(!log.contains("tool.start"), "{log}");
}

#[test]
fn a_stop_in_a_tool() {
    let mut scene = Scene::new("");
    // How much of the tool's end is seen depends on the machine: the turn ends 90 ms after the stop at the latest.
    scene.submit(
        "TOOL:terminal {\"command\": \"echo begun; touch begun; sleep 600\"}\nTOOL:terminal {\"command\": \
                  \"touch never\"}",
    );
    scene.until("tool.start");
    while !scene.work().join("begun").exists() {
        std::thread::yield_now();
    }
    scene.interrupt();
    scene.finish();
    assert!(!scene.work().join("never").exists());
    assert_eq!(scene.turn("SAY:Going on.").text(), "Going on.");
}

#[test]
fn a_stop_while_somebody_is_asked() {
    let mut scene = Scene::new("");
    fs::create_dir(scene.work().join("one")).unwrap();
    scene.submit("TOOL:terminal {\"command\": \"rm -rf one\"}");
    scene.until("approval.request");
    scene.interrupt();
    scene.finish();
    assert!(scene.work().join("one").exists());
    assert_eq!(scene.turn("SAY:Going on.").text(), "Going on.");
}

#[test]
fn guidance() {
    let mut scene = Scene::new("");
    scene.submit("TOOL:terminal {\"command\": \"touch begun; while [ ! -e go ]; do sleep 0.02; done\"}");
    scene.until("tool.start");
    let session = scene.session.clone();
    scene.request("session.steer", json!({ "session_id": session, "text": "Be quick." }));
    fs::write(scene.work().join("go"), "").unwrap();
    scene.finish();
    // The model's server repeats what it was sent behind the tool.
    assert!(scene.log().contains("Be quick."), "{}", scene.log());
    scene.golden("steer");
}

#[test]
fn guidance_that_comes_too_late_is_the_next_prompt() {
    let mut scene = Scene::new("");
    scene.submit("TOKENS=1 SLEEP=300 SAY:end");
    scene.until("message.start");
    let session = scene.session.clone();
    scene.request("session.steer", json!({ "session_id": session, "text": "SAY:Guided." }));
    scene.finish();
    let complete = scene.finish();
    assert_eq!(complete.text(), "Guided.");
    scene.golden("steer-late");
}

#[test]
fn a_goal_that_takes_three_turns_and_a_wait() {
    let mut scene = Scene::new("");
    let goal = "ID=g VERDICT=continue,prose,wait1,done SAY:I begin.";
    let session = scene.session.clone();
    let told =
        scene.request("slash.exec", json!({ "session_id": session, "command": format!("/goal {goal}") }));
    assert_eq!(told["result"]["type"], "send", "{told}");
    scene.submit(goal);
    for _ in 0..4 {
        scene.finish();
    }
    let told = scene.request("slash.exec", json!({ "session_id": session, "command": "/goal" }));
    assert!(told["result"]["output"].as_str().unwrap().starts_with("Goal reached (4/20 turns)"), "{told}");
    scene.golden("goal");
}

#[test]
fn a_queue() {
    let mut scene = Scene::new("display:\n  busy_input_mode: queue\n");
    scene.submit("TOKENS=1 SLEEP=300");
    scene.submit("SAY:Second.");
    scene.submit("SAY:Third.");
    for _ in 0..3 {
        scene.finish();
    }
    scene.golden("queue");
}

#[test]
fn a_second_try() {
    let mut scene = Scene::new(QUICK);
    scene.turn("ID=a STATUS=503 RETRY_AFTER=1 TIMES=1 SAY:At last.");
    scene.turn("STATUS=500 RETRY_AFTER=1");
    scene.turn("STATUS=400");
    scene.golden("retry");
}

#[test]
fn another_model() {
    let mut scene = Scene::new(QUICK);
    // The configured one refuses, the other is the scripted one.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let real = format!("127.0.0.1:{}", scene.model.port);
    let path = scene.server.home.path().join("config.yaml");
    let config = fs::read_to_string(&path).unwrap().replace(&real, &gone.to_string());
    let other = format!("  - model: fake-2\n    base_url: http://{real}/v1\n    api_key: sk-other\n");
    fs::write(&path, format!("{config}fallback_providers:\n{other}")).unwrap();
    assert_eq!(scene.turn("SAY:The other one.").text(), "The other one.");
    scene.golden("fallback");
}

#[test]
fn a_stream_that_breaks_off() {
    let mut scene = Scene::new(QUICK);
    scene.turn("TOKENS=9 CUT=3");
    scene.turn("TOKENS=3 NOFINISH");
    scene.turn("SAY:Going on.");
    scene.golden("truncated");
}

#[test]
fn an_answer_that_is_cut() {
    let mut scene = Scene::new(QUICK);
    scene.turn("ID=a LENGTH=2 TIMES=1 SAY:one two three");
    scene.golden("length");
}

#[test]
fn broken_arguments() {
    let mut scene = Scene::new("");
    scene.turn("TOOL:terminal [1]");
    scene.golden("malformed");
}

#[test]
fn a_tool_that_does_not_exist() {
    let mut scene = Scene::new("");
    scene.turn("TOOL:fly {\"to\": \"the moon\"}");
    scene.golden("unknown");
}

/// A call that starts a command in the background and wants to hear of its end.
fn in_background(command: &str) -> String {
    let args = json!({ "command": command, "background": true, "notify_on_complete": true });
    format!("TOOL:terminal {args}")
}

#[test]
fn a_process_that_ends_while_nothing_runs() {
    let mut scene = Scene::new("");
    scene.turn(&in_background("sleep 0.3; echo finished"));
    // The notice is a turn of its own.
    scene.finish();
    scene.golden("process-idle");
}

#[test]
fn a_process_that_ends_while_a_turn_runs() {
    let mut scene = Scene::new("");
    scene.submit(
        &(in_background("sleep 0.3; echo finished")
            + "\nTOKENS=1\nTOOL:terminal {\"command\": \"while [ ! -e go ]; do sleep 0.02; done\"}"),
    );
    scene.until("status.update");
    fs::write(scene.work().join("go"), "").unwrap();
    scene.finish();
    scene.finish();
    scene.golden("process-busy");
}

#[test]
fn a_process_whose_end_the_agent_saw_is_not_told_again() {
    let mut scene = Scene::new("");
    scene.turn(&in_background("while [ ! -e go ]; do sleep 0.02; done"));
    // The id is in what the model was told, and so in what it says.
    let log = scene.log().to_owned();
    let started = scene.client.call("process.list", json!({ "session_id": scene.session }));
    let id = started["processes"][0]["session_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{started} {log}"))
        .to_owned();
    fs::write(scene.work().join("go"), "").unwrap();
    scene.turn(&format!("TOOL:process {{\"action\": \"wait\", \"session_id\": \"{id}\", \"timeout\": 20}}"));
    // Nothing of it comes any more: the next turn is the one that was asked for.
    assert_eq!(scene.turn("SAY:Going on.").text(), "Going on.");
}

#[test]
fn subagents_two_deep() {
    let mut scene = Scene::new("delegation:\n  max_spawn_depth: 2\n");
    let inner = r#"TOOL:delegate_task {"goal": "SAY:the leaf"}"#;
    let outer = json!({ "goal": inner, "role": "orchestrator" });
    scene.turn(&format!("TOOL:delegate_task {outer}"));
    // Its result is a turn of its own.
    let told = scene.finish();
    assert!(told.text().contains("ASYNC DELEGATION"), "{}", scene.log());
    let log = scene.log().to_owned();
    let seen = |what: &str| log.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!((seen("subagent.start"), seen("subagent.complete")), (2, 2), "{log}");
    assert!(log.contains("\"depth\":0") && log.contains("\"depth\":1"), "{log}");
}

#[test]
fn a_conversation_that_fills_its_window() {
    // What it says when it is asked for a summary.
    let model = Model::start(&["--script", "SAY:They counted."]);
    let mut scene = Scene::with_model(model, "  context_length: 16000\n");
    let message = |number: usize| {
        let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
        json!({ "role": role, "content": format!("{number} {}", "words and more words ".repeat(20)) })
    };
    let messages: Vec<_> = (0..40).map(message).collect();
    let create = json!({ "cwd": scene.work(), "title": "a long one", "messages": messages });
    scene.session = scene.client.call("session.create", create)["session_id"].as_str().unwrap().to_owned();
    // More than the window allows, says the server after the first call.
    let complete = scene.turn("USAGE=15000,10\nTOOL:todo {\"todos\": []}\nSAY:Done.");
    assert_eq!(complete.payload["usage"]["compressions"], 1, "{}", scene.log());
    assert!(scene.log().contains("compacting"), "{}", scene.log());
    // People still see all of it.
    let history = scene.client.call("session.history", json!({ "session_id": scene.session }));
    assert!(history["count"].as_u64() >= Some(42), "{history}");
    assert_eq!(scene.turn("SAY:Going on.").text(), "Going on.");
    scene.golden("compression");
}
