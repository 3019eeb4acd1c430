//! What the judge of a goal is asked, and what is read from its word; what an agent is told of the next step, and
//! how a goal is drafted. Texts in, texts out: knows no session.

use serde_json::{Map, Value};

use crate::limits::{
    GOAL_CRITERION_CHARS_MAX, GOAL_JUDGE_TOKENS, GOAL_JUDGED_CHARS_MAX, GOAL_REASON_CHARS_MAX,
    GOAL_REPLY_MAX, GOAL_WAIT_SECONDS_MAX,
};
use crate::model::goal::{CONTRACT, Contract, Goal, Hold, Ruling};
use crate::model::process::Process;
use crate::model::provider::ModelChoice;

/// What the judge is told.
pub(super) const JUDGE: &str = "You judge whether an agent has reached the goal it was given. You see the goal, \
    what the agent answered last, and the background processes it has running, if there are any. You do not do \
    the work yourself. There are three verdicts.\n\
    \n\
    done: the answer says that the goal is reached, or shows the finished result; or it says that the goal cannot \
    be reached or that a person has to decide first (then the reason says what is in the way).\n\
    wait: the goal is not reached, and the agent can do nothing useful until something ends that runs by itself: \
    a process of the list, or a time it was told to keep. Work that is merely left over is no reason to wait.\n\
    continue: everything else. There is a next step that the agent can take now. In doubt it is this.\n\
    \n\
    Answer with one JSON object on one line and nothing else, in one of these shapes:\n\
    {\"verdict\": \"done\", \"reason\": \"one sentence\"}\n\
    {\"verdict\": \"continue\", \"reason\": \"one sentence\"}\n\
    {\"verdict\": \"wait\", \"wait_on_session\": \"id of a process\", \"reason\": \"one sentence\"}\n\
    {\"verdict\": \"wait\", \"wait_on_pid\": 1234, \"reason\": \"one sentence\"}\n\
    {\"verdict\": \"wait\", \"wait_for_seconds\": 60, \"reason\": \"one sentence\"}\n\
    A wait on a session ends with the process or when its output shows what it is watched for, a wait on a pid \
    with the process alone.";

/// What the model is told that drafts a contract.
pub(crate) const DRAFT: &str = "A person tells you in a few words what an agent is to achieve. Write down what \
    that means, as five members of one JSON object:\n\
    outcome: the one state that holds when it is achieved\n\
    verification: the test, command or result that proves it, as concrete as you can\n\
    constraints: what must not change or get worse\n\
    boundaries: the files, folders, tools or systems it may touch\n\
    stop_when: when the agent has to stop and ask a person\n\
    One or two sentences each; an empty string where nothing can be concluded. Answer with the JSON object on one \
    line and nothing else.";

/// JSON objects that are looked for in a reply that is not one as a whole.
const OBJECTS_TRIED: usize = 16;

/// Characters of a process's command and of its output.
const PROCESS_CHARS: usize = 120;

/// Processes that the judge is shown.
const PROCESSES_SHOWN: usize = 32;

/// Who judges.
pub(crate) struct Judge {
    /// The model; `None` for the configured one.
    pub(crate) model: Option<ModelChoice>,
    /// Its output limit in tokens.
    pub(crate) max_tokens: u64,
    /// Whether an endpoint of its own is configured, which is not asked.
    pub(crate) ignores_endpoint: bool,
}

/// The judge of `auxiliary.goal_judge`: its `model`, of its `provider` unless that is `auto`, `main` or `custom`.
/// Without one, and where that is `auto`, it is the session's own model. It is that, too, where the entry has a
/// `base_url`: its model is one of that endpoint, which nobody here can ask.
pub(crate) fn chosen(settings: &str, own: Option<ModelChoice>) -> Judge {
    let document: Value = serde_json::from_str(settings).unwrap_or_default();
    let set = |name: &str| document.get("auxiliary")?.get("goal_judge")?.get(name);
    let text = |name: &str| set(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let provider =
        text("provider").filter(|name| !["auto", "main", "custom"].contains(name)).map(str::to_owned);
    let ignores_endpoint = text("base_url").is_some();
    let model = text("model").filter(|name| *name != "auto" && !ignores_endpoint);
    let model = model.map(|name| ModelChoice { name: name.to_owned(), provider });
    let max_tokens = set("max_tokens").and_then(Value::as_u64).filter(|tokens| *tokens > 0);
    Judge { model: model.or(own), max_tokens: max_tokens.unwrap_or(GOAL_JUDGE_TOKENS), ignores_endpoint }
}

/// What the judge is asked.
pub(super) fn question(goal: &Goal, answer: &str, processes: &[Process], time: &str) -> String {
    let mut text = format!("The goal:\n{}\n\n", cut(&goal.text, GOAL_JUDGED_CHARS_MAX));
    if !goal.contract.is_empty() {
        let lines = cut(&goal.contract.lines().join("\n"), GOAL_JUDGED_CHARS_MAX);
        text.push_str(
            "What reaching it means. It is done only if the answer shows the evidence that the \
                       verification asks for, and if no constraint was broken:\n",
        );
        text.push_str(&lines);
        text.push_str("\n\n");
    }
    if !goal.criteria.is_empty() {
        let lines = cut(&numbered(&goal.criteria), GOAL_JUDGED_CHARS_MAX);
        text.push_str(
            "What else has to be so. It is done only if the answer shows evidence for each of these; a \
                       claim that all is well is none:\n",
        );
        text.push_str(&lines);
        text.push_str("\n\n");
    }
    text.push_str(&format!("What the agent answered last:\n{answer}\n\n"));
    if !processes.is_empty() {
        text.push_str("Background processes that run:\n");
        for process in processes.iter().take(PROCESSES_SHOWN) {
            text.push_str(&shown(process));
        }
        text.push('\n');
    }
    text.push_str(&format!("It is {time}.\n\nDone, continue or wait?"));
    text
}

/// The verdict in a judge's reply, and its reason.
pub(super) fn read(reply: &str) -> (Ruling, String) {
    let Some(said) = object(reply) else {
        let why = match reply.trim() {
            "" => "judge returned empty response".to_owned(),
            reply => format!("judge reply was not JSON: {}", cut(reply, GOAL_REASON_CHARS_MAX / 2)),
        };
        return (Ruling::Unreadable, why);
    };
    let reason =
        said.get("reason").and_then(Value::as_str).map(str::trim).filter(|reason| !reason.is_empty());
    let reason = cut(reason.unwrap_or("no reason provided"), GOAL_REASON_CHARS_MAX);
    let verdict = match said.get("verdict") {
        Some(Value::String(word)) => word.trim().to_lowercase(),
        // The shape of older judges.
        _ if said.get("done").is_some_and(is_yes) => "done".to_owned(),
        _ => String::new(),
    };
    match verdict.as_str() {
        "done" => (Ruling::Done, reason),
        "wait" => match hold(&said) {
            Some(hold) => (Ruling::Wait(hold), reason),
            None => (Ruling::Continue, format!("{reason} (there is nothing to wait for)")),
        },
        _ => (Ruling::Continue, reason),
    }
}

/// The verdict when no judge could be asked: work goes on, within its turns.
pub(super) fn unheard(why: &str) -> (Ruling, String) {
    (Ruling::Continue, cut(&format!("judge error: {why}"), GOAL_REASON_CHARS_MAX))
}

/// What the agent is told when the goal is not reached. It is a message like a person's.
pub(super) fn next_step(goal: &Goal) -> String {
    let mut text = format!("[Continuing toward your standing goal]\nGoal: {}\n\n", goal.text);
    if !goal.contract.is_empty() {
        text.push_str(&format!("What reaching it means:\n{}\n\n", goal.contract.lines().join("\n")));
    }
    if !goal.criteria.is_empty() {
        text.push_str(&format!("What else has to be so:\n{}\n\n", numbered(&goal.criteria)));
    }
    text.push_str(
        "Take the next concrete step. If the goal is reached, say so, show what proves it, and stop. If you \
                   cannot go on without a person, say what you need, and stop.",
    );
    text
}

/// The contract in the reply of a model that drafted one; `None` where there is none.
pub(crate) fn drafted(reply: &str) -> Option<Contract> {
    let said = object(reply)?;
    let member = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let contract = Contract(CONTRACT.map(|(name, _)| cut(member(name), GOAL_CRITERION_CHARS_MAX)));
    (!contract.is_empty()).then_some(contract)
}

/// The first JSON object in a text: models put fences and words around it.
fn object(text: &str) -> Option<Map<String, Value>> {
    let text = &text[..text.floor_char_boundary(GOAL_REPLY_MAX)];
    let starts = text.match_indices('{').map(|(at, _)| at).take(OBJECTS_TRIED);
    starts.into_iter().find_map(|at| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Map<String, Value>>();
        values.next()?.ok()
    })
}

fn is_yes(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::String(word) => ["true", "yes", "1", "done"].contains(&word.trim().to_lowercase().as_str()),
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        _ => false,
    }
}

/// What a judge wants to be waited for, by any of the names that models give it.
fn hold(said: &Map<String, Value>) -> Option<Hold> {
    let text =
        |name: &&str| said.get(*name).and_then(Value::as_str).map(str::trim).filter(|id| !id.is_empty());
    let number = |name: &&str| {
        let value = said.get(*name)?;
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
        (number > 0).then_some(number)
    };
    let seconds = |seconds: u64| Hold::Seconds(seconds.min(GOAL_WAIT_SECONDS_MAX));
    let id = ["wait_on_session", "session_id", "wait_session"].iter().find_map(text);
    if let Some(id) = id {
        return Some(Hold::Process(cut(id, GOAL_REASON_CHARS_MAX)));
    }
    let pid = ["wait_on_pid", "pid", "wait_pid"].iter().find_map(number).map(Hold::Pid);
    pid.or_else(|| ["wait_for_seconds", "seconds", "wait_seconds"].iter().find_map(number).map(seconds))
}

/// One line about a process.
fn shown(process: &Process) -> String {
    let plain = |text: &str| cut(text.replace(['\n', '\r'], " ").trim(), PROCESS_CHARS);
    let mut line = format!("- pid {} / session {}: {}", process.pid, process.id, plain(&process.command));
    line.push_str(&format!(" (for {} s)", process.uptime_seconds));
    if !process.watch_patterns.is_empty() {
        let seen = if process.watch_hit { ", which was seen" } else { "" };
        line.push_str(&format!(", watched for {}{seen}", plain(&process.watch_patterns.join(" | "))));
    }
    let tail = plain(&process.output_preview);
    if !tail.is_empty() {
        line.push_str(&format!(", says last: {tail}"));
    }
    line.push('\n');
    line
}

/// Lines with numbers in front.
pub(crate) fn numbered(lines: &[String]) -> String {
    let numbered: Vec<String> =
        lines.iter().enumerate().map(|(at, line)| format!("- {}. {line}", at + 1)).collect();
    numbered.join("\n")
}

/// At most so many characters, and a sign where something is missing.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
