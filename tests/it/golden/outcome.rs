//! Lines that begin with `job` or `bulletin`: what comes of a job, and what happens outside of turns.

use std::sync::Arc;

use serde_json::Value;
use tui_gateway::base::claim::Claim;
use tui_gateway::model::bulletin::What;
use tui_gateway::model::checkpoint::{Checkpoint, CheckpointDone, CheckpointError};
use tui_gateway::model::errand::{Compressed, ErrandEnd};
use tui_gateway::model::inventory::{Group, Inventory, Link, ServerState};
use tui_gateway::model::job::JobResult;
use tui_gateway::model::menu::{Choices, Menu, Offer};
use tui_gateway::model::process::{Killed, Process};
use tui_gateway::model::shell::{Danger, ShellDone, ShellError};
use tui_gateway::model::turn::Usage;

use super::agent::{messages, subagent};
use super::{added, attached, facts, kept, projects, told};

/// The result these words stand for.
pub(super) fn result(words: &[&str]) -> JobResult {
    let number = |at: usize| -> u64 { words[at].parse().unwrap_or_else(|why| panic!("{words:?}: {why}")) };
    match words {
        ["failed", why] => JobResult::Failed((*why).to_owned()),
        ["text", text] => errand(ErrandEnd::Text { text: (*text).to_owned(), usage: usage() }),
        ["compressed", _, _, context @ ..] => {
            let (before, after) = (number(1), number(2));
            let compressed = Compressed { context: messages(context), before, after, usage: usage() };
            errand(ErrandEnd::Compressed(compressed))
        }
        ["menu", mode, model] => errand(ErrandEnd::Menu(Box::new(menu(mode, model)))),
        ["no", "errand", why] => errand(ErrandEnd::Failed((*why).to_owned())),
        ["processes", ids @ ..] => JobResult::Processes(ids.iter().map(|id| process(id)).collect()),
        ["killed", "unknown"] => JobResult::Killed(Killed::Unknown),
        ["killed"] => JobResult::Killed(Killed::Killed),
        ["killed", "exited", code] => JobResult::Killed(Killed::AlreadyExited(
            code.parse().unwrap_or_else(|why| panic!("{code}: {why}")),
        )),
        ["stopped", _] => JobResult::Stopped(number(1) as usize),
        ["attached", rest @ ..] => attached::attached(rest),
        ["tree", rest @ ..] => attached::tree(rest),
        ["checkpoints", rest @ ..] => checkpoints(rest),
        ["directory", cwd] => {
            JobResult::Directory { cwd: cwd.into(), branch: "main".to_owned(), root: "/w".into() }
        }
        ["facts", rest @ ..] => facts::facts(rest),
        ["verification", rest @ ..] => facts::verification(rest),
        ["saved", path] => JobResult::Saved(path.into()),
        ["cron", rest @ ..] => kept::cron(rest),
        ["learning", rest @ ..] => kept::learning(rest),
        ["projects", rest @ ..] => projects::projects(rest),
        ["browser", rest @ ..] => kept::browser(rest),
        ["shell", rest @ ..] => shell(rest),
        ["tools", rest @ ..] => added::tools(rest),
        ["skills", rest @ ..] => added::skills(rest),
        ["plugins", rest @ ..] => added::plugins(rest),
        ["store", rest @ ..] => told::told(rest),
        _ => panic!("no job ends so: {words:?}"),
    }
}

/// What comes of commands that people run.
fn shell(words: &[&str]) -> JobResult {
    let code = |word: &str| -> i32 { word.parse().unwrap_or_else(|why| panic!("{word}: {why}")) };
    JobResult::Shell(match words {
        ["ran", stdout, stderr, word] => Ok(Box::new(ShellDone::Ran {
            stdout: (*stdout).to_owned(),
            stderr: (*stderr).to_owned(),
            code: code(word),
        })),
        ["said", text, word] => Ok(Box::new(ShellDone::Said { text: (*text).to_owned(), code: code(word) })),
        ["hard"] => Err(ShellError::Refused(Danger::HardLine("fork bomb"))),
        ["refused"] => Err(ShellError::Refused(Danger::Category("recursive delete"))),
        ["unguarded"] => Err(ShellError::NoGuard),
        ["late", seconds] => Err(ShellError::TimedOut { limit_s: code(seconds).unsigned_abs().into() }),
        ["broken", why] => Err(ShellError::Failed((*why).to_owned())),
        _ => panic!("no command ends so: {words:?}"),
    })
}

fn errand(end: ErrandEnd) -> JobResult {
    JobResult::Errand(Box::new(end))
}

/// What another program's agent offers, and what holds of it.
fn menu(mode: &str, model: &str) -> Menu {
    let offer = |id: &str| Offer { id: id.to_owned(), name: id.to_owned(), about: String::new() };
    let choices =
        |current: &str, ids: [&str; 2]| Choices { current: current.to_owned(), all: ids.map(offer).into() };
    let (modes, models) = (choices(mode, ["ask", "code"]), choices(model, ["m1", "m2"]));
    Menu { modes, models, commands: vec![offer("mode"), offer("plan")] }
}

/// What comes of checkpoints.
fn checkpoints(words: &[&str]) -> JobResult {
    let checkpoint = Checkpoint {
        id: "7373ad1974ea3b91db18b090a25389edcb91ee5d".to_owned(),
        at: "2026-11-23T01:22:25Z".to_owned(),
        reason: "before write_file".to_owned(),
    };
    JobResult::Checkpoints(match words {
        ["off"] => Ok(CheckpointDone::Listed(None)),
        ["listed"] => Ok(CheckpointDone::Listed(Some(vec![checkpoint]))),
        ["compared", stat, diff] => {
            Ok(CheckpointDone::Compared { stat: (*stat).to_owned(), diff: (*diff).to_owned() })
        }
        ["restored"] => Ok(CheckpointDone::Restored { from: checkpoint, dir: "/w".into() }),
        ["number"] => Err(CheckpointError::Number { count: 1 }),
        ["unknown", id] => Err(CheckpointError::Unknown((*id).to_owned())),
        ["git", said] => Err(CheckpointError::Git((*said).to_owned())),
        _ => panic!("no checkpoints end so: {words:?}"),
    })
}

fn usage() -> Usage {
    Usage { model: "m".to_owned(), input: 50, output: 5, calls: 1, ..Usage::default() }
}

fn process(id: &str) -> Process {
    Process {
        id: id.to_owned(),
        command: "npm run dev".to_owned(),
        cwd: "/w".to_owned(),
        pid: 27_923,
        started_at: "2026-07-01T12:00:00".to_owned(),
        uptime_seconds: 12,
        exit_code: id.ends_with('x').then_some(-15),
        output_preview: "ready\n".to_owned(),
        output_tail: "ready\n".to_owned(),
        notify_on_complete: id.ends_with('x'),
        watch_patterns: Vec::new(),
        watch_hit: false,
    }
}

/// The news these words stand for.
pub(super) fn news(words: &[&str]) -> What {
    match words {
        ["output", process, text] => {
            What::Output { process: (*process).to_owned(), text: (*text).to_owned() }
        }
        ["notice", text] => What::Notice { text: (*text).to_owned(), claim: Claim::default() },
        ["claimed", text] => {
            let claim = Claim::default();
            assert!(claim.take());
            What::Notice { text: (*text).to_owned(), claim }
        }
        ["subagent", kind, members] => What::Subagent(Box::new(subagent(kind, members))),
        ["subagents", count] => What::Subagents(count.parse().unwrap_or_else(|why| panic!("{count}: {why}"))),
        ["tools", sets] => What::Tools(Arc::new(inventory(sets))),
        _ => panic!("no such news: {words:?}"),
    }
}

/// Tools by set, a JSON object; with them a skill and a server.
fn inventory(sets: &str) -> Inventory {
    let sets: Value = serde_json::from_str(sets).unwrap_or_else(|why| panic!("{sets}: {why}"));
    let names = |items: &Value| -> Vec<String> {
        items.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let group = |(name, items): (&String, &Value)| Group { name: name.clone(), items: names(items) };
    let skills = vec![Group { name: "writing".to_owned(), items: vec!["letters".to_owned()] }];
    let server = ServerState { name: "gh".to_owned(), transport: "stdio", tools: 3, link: Link::Connected };
    Inventory {
        tools: sets.as_object().into_iter().flatten().map(group).collect(),
        skills: skills.into(),
        servers: vec![server].into(),
    }
}
