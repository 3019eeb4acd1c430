//! Subagents: turns of the same agent, each with a conversation of its own, that do a piece of work for another
//! turn. Owns who may start how many, and whether a turn waits for them. Knows nothing of requests and of clients.
//!
//! A session's turn does not wait: its subagents work in the background (`background`), and their joined answers
//! come as a notice. A subagent's turn waits for those it started, and so does a session's when enough work in the
//! background already. `registry` knows which run, `child` runs one, `report` words what came of it.
//!
//! What a subagent asks is asked in the session it works for, as long as a turn of that session waits for it. One
//! in the background is denied at once, also while the turn that started it still runs: nobody could tell which
//! turn a question belongs to, and a question that outlives its turn could not be shown.

mod background;
mod child;
mod registry;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use self::child::Child;
use self::registry::now;
use self::report::Report;
use super::OpenAi;
use super::kit::Kit;
use crate::base::mask::mask;
use crate::model::agent_event::Subagent;
use crate::model::ask::{Answer, Ask};
use crate::model::job::ActiveSubagent;
use crate::model::settings::DelegationSettings;
use crate::model::turn::TurnSpec;
use crate::tools::{Delegation, Task, ToolError};

pub(super) use self::registry::{Delegations, Sink};

/// How deep subagents may start others, whatever is configured: each level multiplies the threads.
const DEPTH_MAX: u32 = 3;

/// Delegations that run in the background at once, whatever is configured.
const BACKGROUND_MAX: usize = 16;

/// Characters of a goal in news for people, which each carry it.
const GOAL_SHOWN_CHARS: usize = 1_000;

/// Where a subagent stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lineage {
    /// Its id.
    pub(super) id: String,
    /// 0 for a subagent of a session.
    pub(super) depth: u32,
    /// Whether it may start others.
    pub(super) may_delegate: bool,
}

/// The turn that starts subagents.
#[derive(Clone, Copy)]
pub(super) struct Parent<'a> {
    pub(super) agent: &'a OpenAi,
    pub(super) turn: &'a TurnSpec,
    pub(super) kit: &'a Kit,
}

/// Where subagents are heard while they work.
pub(super) trait Ear: Sync {
    /// One did something.
    fn news(&self, news: Subagent);

    /// One asks a person; `gone` is set once it needs the answer no more. An answer always comes.
    fn ask(&self, question: Ask, gone: &Arc<AtomicBool>) -> Answer;

    /// Whether all of them are to stop.
    fn stopped(&self) -> bool;
}

/// Does the work, or lets it be done in the background; gives what the model is told. `ear` is the turn's.
///
/// # Errors
/// The tasks are too many, too deep, or paused.
pub(super) fn delegate(
    parent: Parent<'_>,
    delegation: Delegation,
    ear: &dyn Ear,
) -> Result<Value, ToolError> {
    let limits = bounded(&parent.agent.agent_settings.delegation);
    let children = children(parent, delegation, &limits)?;
    let delegations = parent.kit.toolbox().delegations();
    if parent.kit.may_leave_behind()
        && let Some(slot) = delegations.begin(&parent.turn.session_key, limits.background)
    {
        return background::dispatch(children, slot);
    }
    let started = Instant::now();
    let reports = run(children, ear);
    Ok(report::results(&reports, started.elapsed()))
}

/// The settings within the bounds of this program.
fn bounded(limits: &DelegationSettings) -> DelegationSettings {
    DelegationSettings {
        depth: limits.depth.min(DEPTH_MAX),
        background: limits.background.min(BACKGROUND_MAX),
        iterations: limits.iterations.max(1),
        ..limits.clone()
    }
}

/// The subagents, ready to run.
fn children(
    parent: Parent<'_>,
    delegation: Delegation,
    limits: &DelegationSettings,
) -> Result<Vec<Child>, ToolError> {
    let lineage = parent.kit.lineage();
    let depth = lineage.map_or(0, |lineage| lineage.depth + 1);
    if depth >= limits.depth {
        return Err(ToolError::new(
            "No subagents may be started here: delegation.max_spawn_depth forbids it.",
        ));
    }
    let count = delegation.tasks.len();
    if count > limits.children {
        return Err(ToolError::new(format!(
            "{count} tasks are too many: at most {} subagents work at once. Give fewer, or one after the other.",
            limits.children
        )));
    }
    let model = [limits.model.as_str(), parent.turn.model_name().unwrap_or_default()]
        .into_iter()
        .find(|model| !model.is_empty())
        .unwrap_or(&parent.agent.settings.name);
    let newcomer = |(index, task): (usize, &Task)| ActiveSubagent {
        id: format!("sa-{index}-{}", registry::token()),
        parent: lineage.map(|lineage| lineage.id.clone()),
        depth,
        goal: mask(&task.goal).chars().take(GOAL_SHOWN_CHARS).collect(),
        model: model.to_owned(),
        started_at: now(),
        status: "running",
        tool_count: 0,
        last_tool: None,
    };
    let newcomers = delegation.tasks.iter().enumerate().map(newcomer).collect();
    let present = parent.kit.toolbox().delegations().enter(newcomers)?;
    let tasks = delegation.tasks.iter().enumerate().zip(present);
    Ok(tasks
        .map(|((index, task), presence)| Child::new(parent, limits, task, (index, count), presence))
        .collect())
}

/// Runs them side by side to their ends.
fn run(children: Vec<Child>, ear: &dyn Ear) -> Vec<Report> {
    thread::scope(|scope| {
        let threads: Vec<_> = children
            .into_iter()
            .map(|child| {
                let (lost, builder) = (child.lost(), thread::Builder::new().name(child.id().to_owned()));
                (lost, builder.spawn_scoped(scope, move || child.run(ear)))
            })
            .collect();
        threads
            .into_iter()
            .map(|(lost, thread)| match thread {
                Ok(thread) => thread.join().unwrap_or(lost),
                Err(error) => Report { error: Some(format!("It cannot be started: {error}")), ..lost },
            })
            .collect()
    })
}
