//! What is shown of tools, and what the model is told of calls that lead nowhere, in whole turns.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fake::{Fake, Reply};
use super::script::{calls, says};
use super::{Client, Limits, OpenAi, Toolbox};
use crate::agent::testing::{run, turn};
use crate::base::scratch::Scratch;
use crate::model::agent_event::{AgentEvent, ToolExtras};
use crate::model::turn::TurnSpec;

/// What was shown beside each result, and the result of the last call as the model got it.
fn play(folder: &Scratch, replies: impl IntoIterator<Item = Reply>) -> (Vec<ToolExtras>, String) {
    let fake = Fake::start(replies);
    let toolbox = Arc::new(Toolbox::new(&folder.dir("home")).unwrap());
    let agent = OpenAi::new(Arc::new(Client::new(Limits::default())), fake.settings()).with_tools(toolbox);
    let spec = TurnSpec { cwd: folder.dir("work"), ..turn("hi") };
    let (events, _) = run(agent, spec, |_, _| {});
    let extras = events
        .into_iter()
        .filter_map(|event| match event {
            AgentEvent::ToolComplete { extras, .. } => Some(*extras),
            _ => None,
        })
        .collect();
    let last: Value = serde_json::from_str(&fake.seen().pop().unwrap().body).unwrap();
    let lines = last["messages"].as_array().unwrap();
    let result = lines.iter().rfind(|line| line["role"] == "tool").unwrap();
    (extras, result["content"].as_str().unwrap().to_owned())
}

#[test]
fn the_plan_and_changes_in_files_are_shown() {
    let folder = Scratch::new();
    folder.write("work/a.txt", "one\n");
    let todo = json!({"todos": [{"id": "1", "content": "look", "status": "pending"}]});
    let write = json!({"path": "a.txt", "content": "two\n"});
    let (extras, _) = play(&folder, [calls("todo", &todo), calls("write_file", &write), says("Done.")]);
    assert_eq!(extras[0].todos.as_deref(), Some(r#"[{"id":"1","content":"look","status":"pending"}]"#));
    let diff = extras[1].inline_diff.as_deref().unwrap();
    assert!(diff.starts_with("  ┊ review diff\n") && diff.contains("a/a.txt → b/a.txt"), "{diff}");
    assert!(diff.contains("-one") && diff.contains("+two"), "{diff}");
}

#[test]
fn a_call_that_fails_again_is_told_to_the_model() {
    let missing = || calls("read_file", &json!({"path": "missing.txt"}));
    let (extras, result) = play(&Scratch::new(), [missing(), missing(), says("Done.")]);
    assert!(result.contains("\n\n[Hint: The same call of read_file has failed 2 times."), "{result}");
    assert_eq!(extras, [ToolExtras::default(), ToolExtras::default()]);
}
