//! Logins, modes, models, commands and tool servers, against an agent that follows a script.

use super::*;
use crate::mcp;
use crate::model::menu::{Menu, Pick};

/// The same with a way to log in that was chosen.
fn served_to<const N: usize>(login: &str, scripts: [fn(Fake); N]) -> (Scratch, Arc<Hub>) {
    let (scratch, hub) = served(scripts);
    let hub = Arc::into_inner(hub).unwrap().with_login(Some(login.to_owned()));
    (scratch, Arc::new(hub))
}

#[test]
fn the_login_that_was_chosen_is_done_once() {
    let (_scratch, hub) = served_to(
        "b",
        [|mut fake| {
            let logins = json!([{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]);
            let new = fake.begin(json!({"authMethods": logins}));
            fake.fail(&new, failure::AUTH_REQUIRED);
            let login = fake.expect("authenticate");
            assert_eq!(login["params"], json!({"methodId": "b"}));
            fake.answer(&login, json!({}));
            let again = fake.expect("session/new");
            fake.answer(&again, json!({"sessionId": "s"}));
            let prompt = fake.expect("session/prompt");
            fake.stop(&prompt, "end_turn");
        }],
    );
    let (events, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete, "{events:?}");
    assert_eq!(statuses_of(&events), ["status: logging in: B"]);
}

#[test]
fn a_login_that_fails_says_what_else_there_is() {
    let (_scratch, hub) = served([|mut fake| {
        let new = fake.begin(json!({"authMethods": [{"id": "a", "name": "A"}]}));
        fake.fail(&new, failure::AUTH_REQUIRED);
        let login = fake.expect("authenticate");
        fake.fail(&login, -32603);
        fake.next();
    }]);
    let (_, end) = run(agent(&hub), turn("go"), |_, _| {});
    let text = end.text.unwrap();
    assert!(text.contains("refused the login A: no") && text.contains("--acp-auth"), "{text}");
}

/// Modes and models of a session.
fn offers() -> Value {
    json!({"sessionId": "s",
        "modes": {"currentModeId": "ask", "availableModes": [
            {"id": "ask", "name": "Ask"}, {"id": "code", "name": "Code"}]},
        "models": {"currentModelId": "m1", "availableModels": [
            {"modelId": "m1", "name": "One"}, {"modelId": "m2", "name": "Two"}]}})
}

fn menus(events: &[AgentEvent]) -> Vec<(String, String, usize)> {
    let menus = events.iter().filter_map(|event| match event {
        AgentEvent::Menu(menu) => Some(menu),
        _ => None,
    });
    let shown = |menu: &Menu| (menu.modes.current.clone(), menu.models.current.clone(), menu.commands.len());
    menus.map(|menu| shown(menu)).collect()
}

#[test]
fn what_is_chosen_between_turns_holds_also_after_a_restart() {
    let (_scratch, hub) = served([
        |mut fake| {
            let new = fake.begin(json!({}));
            fake.answer(&new, offers());
            let mode = fake.expect("session/set_mode");
            assert_eq!(mode["params"], json!({"sessionId": "s", "modeId": "code"}));
            fake.answer(&mode, json!({}));
            let prompt = fake.expect("session/prompt");
            fake.stop(&prompt, "end_turn");
            fake.expect("session/prompt");
        },
        |mut fake| {
            let new = fake.begin(json!({}));
            fake.answer(&new, offers());
            let mode = fake.expect("session/set_mode");
            fake.answer(&mode, json!({}));
            let model = fake.expect("session/set_model");
            assert_eq!(model["params"], json!({"sessionId": "s", "modelId": "m2"}));
            fake.fail(&model, -32602);
            let prompt = fake.expect("session/prompt");
            assert!(prompt["params"]["prompt"][0]["text"].as_str().unwrap().contains("User: go"));
            fake.update(json!({"sessionUpdate": "usage_update", "used": 50, "size": 200}));
            fake.update(json!({"sessionUpdate": "available_commands_update",
                "availableCommands": [{"name": "plan", "description": "Plans"}]}));
            fake.update(json!({"sessionUpdate": "current_mode_update", "currentModeId": "ask"}));
            let usage = json!({"inputTokens": 9, "outputTokens": 3, "totalTokens": 12});
            fake.answer(&prompt, json!({"stopReason": "end_turn", "usage": usage}));
        },
    ]);
    let choose = |word: &str| choosing::run(&hub, &turn(""), Some((Pick::Mode, word.to_owned())), &|| false);
    assert_eq!(choose("Code").unwrap().modes.current, "code");
    assert!(choose("none").unwrap_err().contains("It has: ask, code"));
    assert_eq!(choosing::run(&hub, &turn(""), None, &|| false).unwrap().models.current, "m1");
    let (events, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!((menus(&events).len(), end.usage.model.as_str()), (0, "m1"), "all of it is known");

    let history = vec![Message::new(Role::User, "go"), Message::new(Role::Assistant, "(empty)")];
    let (_, end) = run(agent(&hub), turn_after(history.clone(), "dies"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Error);
    let wished = TurnSpec { model: Some("m2".into()), ..turn_after(history, "on") };
    let (events, end) = run(agent(&hub), wished, |_, _| {});
    let (m1, ask) = (|| "m1".to_owned(), || "ask".to_owned());
    assert_eq!(menus(&events), [("code".to_owned(), m1(), 1), (ask(), m1(), 1)]);
    let told = statuses_of(&events);
    assert!(told[0].contains("The model m2 does not hold") && told[1] == "status: mode: Ask", "{told:?}");
    let usage = (end.usage.input, end.usage.output, end.usage.context_used, end.usage.context_max);
    assert_eq!(usage, (9, 3, 50, 200));
}

#[test]
fn what_was_said_is_told_also_when_a_choice_opened_the_session() {
    let (_scratch, hub) = served([|mut fake| {
        let new = fake.begin(json!({}));
        fake.answer(&new, offers());
        let prompt = fake.expect("session/prompt");
        assert!(prompt["params"]["prompt"][0]["text"].as_str().unwrap().contains("User: before"), "{prompt}");
        fake.stop(&prompt, "end_turn");
    }]);
    let spec = |prompt| turn_after(vec![Message::new(Role::User, "before")], prompt);
    choosing::run(&hub, &spec(""), None, &|| false).unwrap();
    let (_, end) = run(agent(&hub), spec("go"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete);
}

#[test]
fn a_choice_that_was_cut_off_is_asked_for_again() {
    let (_scratch, hub) = served([
        |mut fake| {
            let new = fake.begin(json!({}));
            fake.answer(&new, offers());
            let mode = fake.expect("session/set_mode");
            fake.answer(&mode, json!({}));
            fake.next();
        },
        |mut fake| {
            let new = fake.begin(json!({}));
            fake.answer(&new, offers());
            let mode = fake.expect("session/set_mode");
            fake.fail(&mode, failure::AUTH_REQUIRED);
            let new = fake.expect("session/new");
            fake.answer(&new, offers());
            let mode = fake.expect("session/set_mode");
            assert_eq!(mode["params"]["modeId"], "code");
            fake.answer(&mode, json!({}));
            let prompt = fake.expect("session/prompt");
            fake.stop(&prompt, "end_turn");
        },
    ]);
    choosing::run(&hub, &turn(""), Some((Pick::Mode, "code".to_owned())), &|| false).unwrap();
    hub.connect(&|| false).unwrap().peer.close("it is started again");
    let (_, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Error);
    let (events, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete, "{events:?}");
}

#[test]
fn a_cut_is_noticed_also_behind_a_choice_that_took_the_session_up_again() {
    fn loads() -> Value {
        json!({"agentCapabilities": {"loadSession": true}})
    }
    let (_scratch, hub) = served([
        |mut fake| {
            let new = fake.begin(loads());
            fake.answer(&new, offers());
            let prompt = fake.expect("session/prompt");
            fake.stop(&prompt, "end_turn");
            fake.next();
        },
        |mut fake| {
            let load = fake.begin_with(loads(), "session/load");
            fake.answer(&load, offers());
            let mode = fake.expect("session/set_mode");
            fake.answer(&mode, json!({}));
            let new = fake.expect("session/new");
            fake.answer(&new, offers());
            let mode = fake.expect("session/set_mode");
            fake.answer(&mode, json!({}));
            let prompt = fake.expect("session/prompt");
            fake.stop(&prompt, "end_turn");
        },
    ]);
    let (_, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete);
    hub.connect(&|| false).unwrap().peer.close("it is started again");
    let history = vec![Message::new(Role::User, "go"), Message::new(Role::Assistant, "(empty)")];
    let spec = turn_after(history, "");
    choosing::run(&hub, &spec, Some((Pick::Mode, "code".to_owned())), &|| false).unwrap();
    // What was said is undone.
    let (events, end) = run(agent(&hub), turn("on"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete, "{events:?}");
}

#[test]
fn an_agent_is_given_our_tool_servers() {
    let (_scratch, hub) = served([|mut fake| {
        let new = fake.begin(json!({"agentCapabilities": {"mcpCapabilities": {"http": true}}}));
        let servers = &new["params"]["mcpServers"];
        assert_eq!(servers[0], json!({"name": "a", "command": "/x", "args": [], "env": []}));
        assert_eq!((&servers[1]["type"], servers.as_array().unwrap().len()), (&json!("http"), 2));
        fake.answer(&new, json!({"sessionId": "s"}));
        let prompt = fake.expect("session/prompt");
        fake.stop(&prompt, "end_turn");
    }]);
    let json = r#"{"a": {"command": "/x"}, "b": {"url": "https://h/"},
        "c": {"url": "https://h/", "transport": "sse"}}"#;
    let servers: ServersOf = Arc::new(move |_: &TurnSpec| Ok(mcp::lent(json, &|_| true)));
    let hub = Arc::into_inner(hub).unwrap().with_servers(Some(servers));
    let (_, end) = run(agent(&Arc::new(hub)), turn("go"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete);
}
