//! Subagents against a scripted server: who is started, what is heard of them, and what comes back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};
use serde_json::{Value, json};

use super::{Ear, Parent, delegate};
use crate::agent::openai::fake::{Fake, Reply, Then};
use crate::agent::openai::script::{calls, says};
use crate::agent::openai::{Backoff, Client, Limits, OpenAi, Toolbox};
use crate::agent::testing::{run, turn};
use crate::base::scratch::Scratch;
use crate::model::agent_event::{AgentEvent, Subagent, SubagentKind};
use crate::model::ask::{Answer, Ask, Choice};
use crate::model::bulletin::{Bulletin, What};
use crate::model::settings::{AgentSettings, DelegationSettings};
use crate::model::turn::{TurnSpec, TurnStatus};
use crate::tools::{Delegation, Task, ToolError};

/// Longer than any of these tests waits for a server on the same machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// An agent with a scripted server.
struct Stage {
    folder: Scratch,
    fake: Fake,
    toolbox: Arc<Toolbox>,
    heard: Receiver<Bulletin>,
}

impl Stage {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let folder = Scratch::new();
        let (sender, heard) = unbounded();
        let sink = move |bulletin: Bulletin| drop(sender.send(bulletin));
        let toolbox = Toolbox::new(&folder.dir("home")).unwrap().with_bulletins(Arc::new(sink));
        Self { folder, fake: Fake::start(replies), toolbox: Arc::new(toolbox), heard }
    }

    fn agent(&self, delegation: DelegationSettings) -> OpenAi {
        OpenAi::new(Arc::new(Client::new(Limits::default())), self.fake.settings())
            .with_backoff(Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) })
            .with_agent_settings(AgentSettings { delegation, ..AgentSettings::default() })
            .with_tools(Arc::clone(&self.toolbox))
    }

    fn spec(&self) -> TurnSpec {
        TurnSpec { cwd: self.folder.dir("work"), ..turn("hi") }
    }

    /// Delegates without a turn around it.
    fn delegate(&self, delegation: DelegationSettings, goals: &[&str]) -> Result<Value, ToolError> {
        let (agent, spec) = (self.agent(delegation), self.spec());
        let kit = agent.toolbox.as_deref().unwrap();
        delegate(Parent { agent: &agent, turn: &spec, kit }, work(goals), &Nobody)
    }

    /// Everything that was heard until all of it was over.
    fn bulletins(self) -> Vec<Bulletin> {
        // The last of those that run holds the other end.
        drop(self.toolbox);
        self.heard.iter().collect()
    }
}

fn work(goals: &[&str]) -> Delegation {
    let task = |goal: &&str| Task { goal: goal.to_string(), context: String::new(), orchestrator: false };
    Delegation { tasks: goals.iter().map(task).collect() }
}

/// A turn that hears nothing.
struct Nobody;

impl Ear for Nobody {
    fn news(&self, _: Subagent) {}

    fn ask(&self, question: Ask, _: &Arc<AtomicBool>) -> Answer {
        panic!("nobody is to be asked {question:?}")
    }

    fn stopped(&self) -> bool {
        false
    }
}

fn waiting() -> DelegationSettings {
    DelegationSettings { background: 0, ..DelegationSettings::default() }
}

/// The beginning of an answer that never ends.
fn hanging() -> Reply {
    let begun = json!({"choices": [{"delta": {"content": "Working.\nOn it"}}]});
    Reply::unfinished(&[&begun.to_string()], Then::Hang)
}

fn removing() -> Reply {
    calls("terminal", &json!({"command": "rm -rf build"}))
}

/// Kind and text of each piece of news of this subagent.
fn told<'a>(news: impl IntoIterator<Item = &'a Subagent>, index: usize) -> Vec<(SubagentKind, &'a str)> {
    news.into_iter()
        .filter(|news| news.task_index == index)
        .map(|news| (news.kind, news.text.as_str()))
        .collect()
}

fn news(events: &[AgentEvent]) -> Vec<&Subagent> {
    events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::Subagent(news) => Some(&**news),
            _ => None,
        })
        .collect()
}

/// The result of the turn's call.
fn result(events: &[AgentEvent]) -> Value {
    let of = |event: &AgentEvent| match event {
        AgentEvent::ToolComplete { result, .. } => serde_json::from_str(result).ok(),
        _ => None,
    };
    events.iter().find_map(of).expect("a result")
}

/// The names of the tools of a request.
fn tools(body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    let rows = body["tools"].as_array().unwrap();
    rows.iter().map(|row| row["function"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_session_does_not_wait_and_hears_of_the_end() {
    // Which of the two is asked first does not matter: parent and child say the same.
    let delegating = calls("delegate_task", &json!({"goal": "count"}));
    let stage = Stage::new([delegating, says("Done."), says("Done.")]);
    let (events, end) = run(stage.agent(DelegationSettings::default()), stage.spec(), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete);
    let result = result(&events);
    let id = result["delegation_id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("deleg_") && id.len() == 14, "{id}");
    assert_eq!((&result["status"], &result["mode"]), (&json!("dispatched"), &json!("background")));
    assert_eq!((&result["count"], &result["goals"]), (&json!(1), &json!(["count"])));
    assert_eq!(news(&events), Vec::<&Subagent>::new(), "the turn hears nothing");

    let bulletins = stage.bulletins();
    assert_eq!(bulletins[0], Bulletin { owner: String::new(), what: What::Subagents(1) });
    let own: Vec<&What> = bulletins.iter().filter(|b| b.owner == "test").map(|b| &b.what).collect();
    let subagents = own.iter().filter_map(|what| match what {
        What::Subagent(news) => Some(&**news),
        _ => None,
    });
    let want =
        [(SubagentKind::Start, "count"), (SubagentKind::Thinking, "Done."), (SubagentKind::Complete, "")];
    assert_eq!(told(subagents, 0), want);
    let [.., Bulletin { what: What::Subagents(0), .. }, Bulletin { what: What::Notice { text, claim }, .. }] =
        bulletins.as_slice()
    else {
        panic!("{bulletins:?}")
    };
    assert!(text.starts_with(&format!("[ASYNC DELEGATION BATCH COMPLETE — {id}]")), "{text}");
    assert!(text.contains("Task 1 of 1: count") && text.ends_with("Done.") && !claim.is_taken(), "{text}");
}

#[test]
fn without_room_in_the_background_the_turn_waits() {
    let delegating = calls("delegate_task", &json!({"tasks": ["a", "b"]}));
    let stage = Stage::new([delegating, says("Done."), says("Done."), says("All done.")]);
    let (events, end) = run(stage.agent(waiting()), stage.spec(), |_, _| {});
    assert_eq!(end.text.as_deref(), Some("All done."));
    for (index, goal) in ["a", "b"].into_iter().enumerate() {
        let want =
            [(SubagentKind::Start, goal), (SubagentKind::Thinking, "Done."), (SubagentKind::Complete, "")];
        assert_eq!(told(news(&events), index), want);
    }
    let first = news(&events)[0];
    assert!(first.id.starts_with(&format!("sa-{}-", first.task_index)), "{}", first.id);
    assert_eq!((first.depth, first.task_count, first.model.as_str()), (0, 2, "m1"));
    let at = |wanted: fn(&AgentEvent) -> bool| events.iter().position(wanted).unwrap();
    let last = events.iter().rposition(|event| matches!(event, AgentEvent::Subagent(_))).unwrap();
    let start = at(|event| matches!(event, AgentEvent::ToolStart { .. }));
    let complete = at(|event| matches!(event, AgentEvent::ToolComplete { .. }));
    assert!(start < at(|event| matches!(event, AgentEvent::Subagent(_))) && last < complete);
    let result = result(&events);
    for (index, each) in result["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&each["task_index"], &each["summary"]), (&json!(index), &json!("Done.")));
        assert_eq!((&each["status"], &each["exit_reason"]), (&json!("completed"), &json!("completed")));
        assert_eq!((&each["tokens"], &each["api_calls"]), (&json!({"input": 10, "output": 3}), &json!(1)));
    }
    assert_eq!(stage.toolbox.subagents(&waiting()).active, [], "all are gone");
}

#[test]
fn a_subagent_has_a_conversation_of_its_own_and_fewer_tools() {
    let stage = Stage::new([calls("todo", &json!({})), says("Done.")]);
    let result = stage.delegate(waiting(), &["count"]).unwrap();
    let trace = &result["results"][0]["tool_trace"][0];
    assert_eq!((&trace["tool"], &trace["status"]), (&json!("todo"), &json!("ok")));
    let seen = stage.fake.seen();
    let names = tools(&seen[0].body);
    assert!(names.iter().any(|name| name == "terminal"));
    assert!(names.iter().all(|name| !["delegate_task", "clarify", "memory"].contains(&name.as_str())));
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    let lines = body["messages"].as_array().unwrap();
    let roles: Vec<&Value> = lines.iter().map(|line| &line["role"]).collect();
    assert_eq!(roles, [&json!("system"), &json!("user")]);
    let prompt = lines[1]["content"].as_str().unwrap();
    assert!(prompt.starts_with("# Your task\n\ncount\n\n"), "{prompt}");
}

#[test]
fn an_orchestrator_starts_others_where_the_depth_allows_it() {
    let stage = Stage::new([
        calls("delegate_task", &json!({"goal": "outer", "role": "orchestrator"})),
        calls("delegate_task", &json!({"goal": "inner", "role": "orchestrator"})),
        says("Deep."),
        says("Middle."),
        says("Top."),
    ]);
    let agent = stage.agent(DelegationSettings { depth: 2, ..waiting() });
    let (events, end) = run(agent, stage.spec(), |_, _| {});
    assert_eq!(end.text.as_deref(), Some("Top."));
    let news = news(&events);
    let start = |goal: &str| {
        *news.iter().find(|news| news.kind == SubagentKind::Start && news.goal == goal).expect(goal)
    };
    let (outer, inner) = (start("outer"), start("inner"));
    assert_eq!((outer.depth, outer.parent.as_deref()), (0, None));
    assert_eq!((inner.depth, inner.parent.as_deref()), (1, Some(outer.id.as_str())));
    assert_eq!(result(&events)["results"][0]["summary"], "Middle.");
    let has: Vec<bool> = stage
        .fake
        .seen()
        .iter()
        .map(|seen| tools(&seen.body).iter().any(|name| name == "delegate_task"))
        .collect();
    assert_eq!(has, [true, true, false, true, true]);
}

#[test]
fn what_is_over_a_limit_or_paused_is_refused() {
    let stage = Stage::new([]);
    let why = |settings: DelegationSettings, goals: &[&str]| {
        stage.delegate(settings, goals).unwrap_err().to_string()
    };
    assert!(why(waiting(), &["a", "b", "c", "d"]).contains("at most 3"));
    assert!(why(DelegationSettings { depth: 0, ..waiting() }, &["a"]).contains("max_spawn_depth"));
    assert!(stage.toolbox.pause_subagents(true));
    assert!(why(waiting(), &["a"]).contains("paused"));
    assert!(stage.fake.seen().is_empty() && stage.toolbox.subagents(&waiting()).active.is_empty());
}

#[test]
fn questions_of_two_are_asked_in_the_session_in_turn() {
    let delegating = calls("delegate_task", &json!({"tasks": ["a", "b"]}));
    let done = || says("Done.");
    let stage = Stage::new([delegating, removing(), removing(), done(), done(), says("All done.")]);
    let (agent, spec) = (stage.agent(waiting()), stage.spec());
    let (mut seen, mut asked) = (Vec::new(), 0);
    let (events, _) = run(agent, spec, |event, control| {
        if let AgentEvent::Ask(ask, question) = event {
            assert!(matches!(question, Ask::Approval { .. }), "{question:?}");
            asked += 1;
            // Both have been told what to do before either goes on, so that each gets its own reply.
            let deadline = Instant::now() + DEADLINE;
            while seen.len() < 3 {
                assert!(Instant::now() < deadline, "only one has asked the server");
                seen.extend(stage.fake.seen());
                std::thread::sleep(Duration::from_millis(1));
            }
            control.answer(*ask, Answer::Choice(Choice::Deny));
        }
    });
    assert_eq!(asked, 2);
    for each in result(&events)["results"].as_array().unwrap() {
        assert_eq!(
            (&each["status"], &each["tool_trace"][0]["status"]),
            (&json!("completed"), &json!("error"))
        );
    }
}

#[test]
fn nobody_is_asked_for_one_in_the_background() {
    let stage = Stage::new([removing(), says("Denied.")]);
    let result = stage.delegate(DelegationSettings::default(), &["clean up"]).unwrap();
    assert_eq!(result["status"], "dispatched");
    let deadline = Instant::now() + DEADLINE;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        assert!(Instant::now() < deadline, "it does not go on");
        seen.extend(stage.fake.seen());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(seen[1].body.contains("BLOCKED"), "{}", seen[1].body);
    let last = stage.bulletins().pop().unwrap().what;
    assert!(matches!(&last, What::Notice { text, .. } if text.ends_with("Denied.")), "{last:?}");
}

#[test]
fn an_interrupt_of_the_turn_stops_those_it_waits_for() {
    let stage = Stage::new([calls("delegate_task", &json!({"goal": "count"})), hanging()]);
    let (events, end) = run(stage.agent(waiting()), stage.spec(), |event, control| {
        if matches!(event, AgentEvent::Subagent(news) if news.kind == SubagentKind::Thinking) {
            control.interrupt();
        }
    });
    assert_eq!(end.status, TurnStatus::Interrupted);
    let last = *news(&events).last().unwrap();
    assert_eq!(last.end.as_ref().map(|end| end.status), Some("interrupted"));
}

#[test]
fn one_can_be_stopped_alone() {
    let delegating = calls("delegate_task", &json!({"goal": "count"}));
    let stage = Stage::new([delegating, hanging(), says("Go on.")]);
    let (events, end) = run(stage.agent(waiting()), stage.spec(), |event, _| {
        if let AgentEvent::Subagent(news) = event
            && news.kind == SubagentKind::Thinking
        {
            assert!(stage.toolbox.interrupt_subagent(&news.id));
        }
    });
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some("Go on.")));
    let each = &result(&events)["results"][0];
    assert_eq!((&each["status"], &each["exit_reason"]), (&json!("interrupted"), &json!("interrupted")));
    assert!(!stage.toolbox.interrupt_subagent("sa-0-00000000"));
}

#[test]
fn the_end_of_a_session_ends_its_background() {
    let stage = Stage::new([hanging()]);
    stage.delegate(DelegationSettings::default(), &["count"]).unwrap();
    let is_thinking = |bulletin: &Bulletin| match &bulletin.what {
        What::Subagent(news) => news.kind == SubagentKind::Thinking,
        _ => false,
    };
    while !is_thinking(&stage.heard.recv_timeout(DEADLINE).unwrap()) {}
    stage.toolbox.close("test");
    let rest: Vec<What> = stage.bulletins().into_iter().map(|bulletin| bulletin.what).collect();
    assert_eq!(rest, [What::Subagents(0)], "nobody is told what came of it");
}

#[test]
fn a_failure_is_a_result_like_others() {
    let refuse = Reply::sized("400 Bad", "", r#"{"error":{"message":"bad"}}"#);
    let stage = Stage::new([refuse]);
    let result = stage.delegate(waiting(), &["count"]).unwrap();
    let each = &result["results"][0];
    assert_eq!((&each["status"], &each["summary"]), (&json!("failed"), &Value::Null));
    assert_eq!(each["error"], "HTTP 400: bad");
}
