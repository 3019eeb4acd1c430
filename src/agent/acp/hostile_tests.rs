//! Agents that say anything: turns against them end, and what is told of them is bounded and whole.

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::hub::Opener;
use super::process::Opened;
use super::tests::desks;
use super::*;
use crate::agent::testing::{run, turn};
use crate::base::prng::Prng;
use crate::base::scratch::Scratch;
use crate::limits::{ACP_OFFER_CHARS_MAX, ACP_OFFER_ID_BYTES_MAX, ACP_OFFERS_MAX};
use crate::model::ask::{Answer, Ask, Choice};
use crate::model::menu::{Menu, Offer, Pick};

/// Agents, each with a seed of its own.
const AGENTS: u64 = 60;

/// What one of them says at most before it answers the prompt, or goes.
const SAID_MAX: u64 = 80;

/// Texts that mean something somewhere. None names a program or a file outside of the work that there is.
const WORDS: &[&str] = &[
    "",
    "s",
    "c",
    "c-2",
    "a\u{1b}[2J\u{202e}",
    "\u{1f600}",
    "f",
    "../f",
    "/nowhere/f",
    "text",
    "content",
    "diff",
    "terminal",
    "image",
    "completed",
    "failed",
    "pending",
    "execute",
    "edit",
    "allow_once",
    "reject_always",
    "no-such-program",
    "end_turn",
    "cancelled",
    "mode",
    "model",
    "select",
    "/plan",
    "sk-abcdefghijklmnopqrstuvwxyz0123456789",
];

/// Names of members.
const NAMES: &[&str] = &[
    "sessionId",
    "update",
    "sessionUpdate",
    "content",
    "text",
    "type",
    "toolCallId",
    "title",
    "kind",
    "status",
    "rawInput",
    "rawOutput",
    "entries",
    "priority",
    "options",
    "optionId",
    "toolCall",
    "path",
    "line",
    "limit",
    "command",
    "args",
    "cwd",
    "terminalId",
    "oldText",
    "newText",
    "locations",
    "uri",
    "data",
    "mimeType",
    "id",
    "name",
    "description",
    "input",
    "hint",
    "modes",
    "currentModeId",
    "availableModes",
    "models",
    "currentModelId",
    "availableModels",
    "modelId",
    "availableCommands",
    "configOptions",
    "category",
    "currentValue",
    "value",
    "used",
    "size",
    "authMethods",
    "usage",
    "inputTokens",
];

const UPDATES: &[&str] = &[
    "agent_message_chunk",
    "agent_thought_chunk",
    "tool_call",
    "tool_call_update",
    "plan",
    "user_message_chunk",
    "available_commands_update",
    "config_option_update",
    "current_mode_update",
    "usage_update",
    "odd",
];

const METHODS: &[&str] = &[
    "session/update",
    "session/request_permission",
    "fs/read_text_file",
    "fs/write_text_file",
    "terminal/create",
    "terminal/output",
    "terminal/kill",
    "terminal/release",
    "terminal/wait_for_exit",
    "odd",
    "",
];

#[test]
fn turns_against_agents_that_say_anything_end() {
    let scratch = Scratch::new();
    let desks = desks(&scratch);
    let next = AtomicU64::new(0);
    let opener: Opener = Box::new(move || {
        let random = Prng::from_seed(next.fetch_add(1, Ordering::SeqCst));
        let (output, told) = io::pipe().unwrap();
        let (heard, input) = io::pipe().unwrap();
        thread::spawn(move || babble(BufReader::new(heard), told, random));
        Ok(Opened { output: Box::new(output), input: Box::new(input), process: None })
    });
    let hub = Arc::new(Hub::new(opener, desks));
    let mut menus = 0;
    for seed in 0..AGENTS {
        let mut random = Prng::from_seed(seed);
        for _ in 0..random.below(3) {
            let pick = random.below(2) == 0;
            let pick = if pick { Pick::Mode } else { Pick::Model };
            let pick = (random.below(4) > 0).then(|| (pick, pick_word(&mut random)));
            if let Ok(menu) = choosing::run(&hub, &turn(""), pick, &|| false) {
                is_bounded(&menu);
                menus += menu.modes.all.len().min(1);
            }
        }
        let agent = AcpAgent { hub: Arc::clone(&hub) };
        let (events, end) = run(agent, turn("go"), move |event, control| {
            if let AgentEvent::Ask(number, ask) = event {
                control.answer(
                    *number,
                    match ask {
                        Ask::Approval { .. } if random.below(2) == 0 => Answer::Choice(Choice::Once),
                        Ask::Approval { .. } => Answer::Choice(Choice::Deny),
                        _ => Answer::Text("x".to_owned()),
                    },
                );
            }
        });
        for event in &events {
            if let AgentEvent::Menu(menu) = event {
                is_bounded(menu);
            }
        }
        let starts = events.iter().filter(|event| matches!(event, AgentEvent::ToolStart { .. })).count();
        let ends = events.iter().filter(|event| matches!(event, AgentEvent::ToolComplete { .. })).count();
        assert_eq!(starts, ends, "seed {seed}: a tool that began has an end");
        for message in &end.messages {
            for call in &message.calls {
                let arguments = serde_json::from_str::<Value>(&call.arguments);
                assert!(arguments.is_ok_and(|it| it.is_object()), "seed {seed}: {}", call.arguments);
            }
        }
    }
    assert!(menus > 0, "no agent ever offered anything");
}

/// Whatever an agent says, a menu is no larger than this.
fn is_bounded(menu: &Menu) {
    let lists = [&menu.modes.all, &menu.models.all, &menu.commands];
    for list in lists {
        assert!(list.len() <= ACP_OFFERS_MAX);
        for Offer { id, name, about } in list {
            assert!(!id.is_empty() && id.len() <= ACP_OFFER_ID_BYTES_MAX, "{id}");
            assert!(name == id || name.chars().count() <= ACP_OFFER_CHARS_MAX, "{name}");
            // That of a command has a hint with its name.
            assert!(about.chars().count() <= 3 * ACP_OFFER_CHARS_MAX + ACP_OFFER_ID_BYTES_MAX, "{about}");
            assert!(![id, name, about].iter().any(|text| text.contains(char::is_control)));
        }
    }
    for choices in [&menu.modes, &menu.models] {
        assert!(choices.current.len() <= ACP_OFFER_ID_BYTES_MAX);
    }
}

/// Answers the beginning as an agent should, mostly, and then says anything.
fn babble(heard: BufReader<PipeReader>, mut told: PipeWriter, mut random: Prng) {
    let mut left = random.below(SAID_MAX);
    for line in heard.lines().map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).unwrap_or_default();
        let id = &request["id"];
        let result = match request["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": 1, "agentCapabilities": any(&mut random, 3)}),
            Some("session/new" | "session/load") => opened(&mut random),
            Some("session/set_mode" | "session/set_model" | "session/set_config_option" | "authenticate") => {
                // Also between turns.
                for _ in 0..random.below(4) {
                    if writeln!(told, "{}", line_of(&mut random)).is_err() {
                        return;
                    }
                }
                opened(&mut random)
            }
            Some("session/prompt") => {
                for _ in 0..std::mem::take(&mut left) {
                    if writeln!(told, "{}", line_of(&mut random)).is_err() {
                        return;
                    }
                }
                if random.below(4) == 0 {
                    return;
                }
                json!({"stopReason": pick(&mut random, WORDS)})
            }
            _ => continue,
        };
        if writeln!(told, "{}", json!({"jsonrpc": "2.0", "id": id, "result": result})).is_err() {
            return;
        }
    }
}

/// What is on offer in a session, more of it than is kept, and some of it anything.
fn opened(random: &mut Prng) -> Value {
    let mut opened = object(random, 3);
    opened["sessionId"] = json!("s");
    for (member, current, list, key) in [
        ("modes", "currentModeId", "availableModes", "id"),
        ("models", "currentModelId", "availableModels", "modelId"),
    ] {
        if random.below(2) == 0 {
            let id = pick_word(random);
            let listed = offers(random, key);
            opened[member] = json!({current: id, list: listed});
        }
    }
    if random.below(2) == 0 {
        let (category, listed) = (pick(random, &["mode", "model", "odd"]), offers(random, "value"));
        let option = json!({"id": "o", "type": "select", "category": category, "options": listed,
            "currentValue": pick_word(random)});
        opened["configOptions"] = json!([option, any(random, 2)]);
    }
    opened
}

fn offers(random: &mut Prng, key: &str) -> Vec<Value> {
    let most = if random.below(16) == 0 { 2 * ACP_OFFERS_MAX } else { 4 };
    let count = random.below(most as u64);
    let one = |random: &mut Prng| match random.below(8) {
        0 => any(random, 2),
        kind => {
            let (id, name) = (pick_word(random), pick_word(random));
            let long = if kind == 1 { 2 * ACP_OFFER_ID_BYTES_MAX } else { 1 };
            json!({key: id.repeat(long), "name": name.repeat(long), "description": name.repeat(2 * long),
                "input": {"hint": id.repeat(long)}})
        }
    };
    (0..count).map(|_| one(random)).collect()
}

fn pick_word(random: &mut Prng) -> String {
    pick(random, WORDS).to_owned()
}

/// One line.
fn line_of(random: &mut Prng) -> String {
    let message = match random.below(8) {
        0 => return "{\"jsonrpc\":".repeat(1 + random.below(200) as usize),
        1 => json!({"jsonrpc": "2.0", "id": any(random, 2), "result": any(random, 3)}),
        2 => any(random, 4),
        3 => {
            let mut params = object(random, 3);
            params["sessionId"] = json!("s");
            let id = random.below(9);
            json!({"jsonrpc": "2.0", "id": id, "method": pick(random, METHODS), "params": params})
        }
        _ => {
            let mut update = object(random, 4);
            update["sessionUpdate"] = json!(pick(random, UPDATES));
            if random.below(2) == 0 {
                update["toolCallId"] = json!(pick(random, &["c", "d"]));
                update["title"] = json!(pick(random, WORDS));
            }
            if random.below(4) == 0 {
                update["sessionUpdate"] = json!("available_commands_update");
                update["availableCommands"] = json!(offers(random, "name"));
            }
            let params = json!({"sessionId": "s", "update": update});
            json!({"jsonrpc": "2.0", "method": "session/update", "params": params})
        }
    };
    let text = message.to_string();
    if random.below(16) == 0 {
        let cut = random.below(text.len() as u64) as usize;
        return text.chars().take(cut).collect();
    }
    text
}

fn any(random: &mut Prng, depth: u32) -> Value {
    match random.below(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.next_u64()),
        3 => json!(-1.5e300),
        4 => json!(pick(random, WORDS).repeat(1 + random.below(3) as usize)),
        5 => json!(pick(random, WORDS)),
        6 => (0..random.below(4)).map(|_| any(random, depth - 1)).collect(),
        _ => object(random, depth),
    }
}

fn object(random: &mut Prng, depth: u32) -> Value {
    let mut object = json!({});
    for _ in 0..random.below(6) {
        object[pick(random, NAMES)] = any(random, depth.saturating_sub(1));
    }
    object
}

fn pick<'a>(random: &mut Prng, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}
