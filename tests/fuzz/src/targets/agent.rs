//! An agent for the gateway's target: letters and words to what it says.

use tui_gateway::model::agent_event::AgentEvent;
use tui_gateway::model::ask::Ask;
use tui_gateway::model::ids::AskId;
use tui_gateway::model::message::{Message, Role};
use tui_gateway::model::turn::{TurnEnd, TurnStatus, Usage};

/// What an agent says at this letter. `asks` counts its questions.
pub(super) fn events(what: char, rest: &str, asks: &mut u32) -> Vec<AgentEvent> {
    let text = rest.to_owned();
    let number = rest.parse().unwrap_or(1);
    let event = match what {
        // Agents never say nothing.
        't' | 'r' | 'o' if rest.is_empty() => AgentEvent::Thinking,
        't' => AgentEvent::Text(text.into()),
        'r' => AgentEvent::Reasoning(text.into()),
        'o' => AgentEvent::Status { kind: "lifecycle", text },
        'a' | 'c' | 's' | 'k' => {
            *asks += 1;
            AgentEvent::Ask(AskId(*asks), question(what, rest))
        }
        'w' => return tool(rest),
        'n' => AgentEvent::AskGone(AskId(number)),
        'y' => AgentEvent::SteeringTaken(number as usize),
        'e' | 'x' | 'i' => AgentEvent::End(Box::new(end(what, rest))),
        _ => return Vec::new(),
    };
    vec![event]
}

fn question(what: char, rest: &str) -> Ask {
    let mut words = rest.split('|').map(str::to_owned);
    let first = words.next().unwrap_or_default();
    match what {
        'a' => Ask::Approval {
            command: first,
            pattern_key: words.next().unwrap_or_default(),
            description: words.next().unwrap_or_default(),
            allow_permanent: words.next().is_none(),
        },
        'c' => {
            let choices: Vec<String> = words.collect();
            Ask::Clarify { question: first, choices: (!choices.is_empty()).then_some(choices) }
        }
        's' => Ask::Sudo,
        _ => Ask::Secret { env_var: first, prompt: words.next().unwrap_or_default() },
    }
}

/// A tool from its first word to its result; the id is the name, so that it may come twice.
fn tool(rest: &str) -> Vec<AgentEvent> {
    let (name, args) = rest.split_once(' ').unwrap_or((rest, "{}"));
    let (name, args) = (name.to_owned(), args.to_owned());
    let id = name.clone();
    vec![
        AgentEvent::ToolGenerating { name: name.clone() },
        AgentEvent::ToolStart {
            id: id.clone(),
            name: name.clone(),
            context: args.clone(),
            args: args.clone(),
        },
        AgentEvent::ToolComplete { id, name, args: args.clone(), result: args, extras: Box::default() },
    ]
}

fn end(what: char, rest: &str) -> TurnEnd {
    let status = match what {
        'e' => TurnStatus::Complete,
        'x' => TurnStatus::Error,
        _ => TurnStatus::Interrupted,
    };
    let text = (!rest.is_empty()).then(|| rest.to_owned());
    let answer = text.iter().map(|text| Message::new(Role::Assistant, text));
    let messages = if status == TurnStatus::Error { Vec::new() } else { answer.collect() };
    TurnEnd { status, reasoning: text.clone(), text, usage: Usage::default(), messages }
}
