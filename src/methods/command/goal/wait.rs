//! `/goal wait`: the goal goes on once a background process of the conversation is over.

use super::{change, executed};
use crate::gateway::method::{Ctx, Reply};
use crate::limits::GOAL_CRITERION_CHARS_MAX;
use crate::methods::command::told;
use crate::model::goal::{GoalState, GoalWish, Hold};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::process::Process;
use crate::wire::error::RpcError;

/// What the ids of processes begin with.
const PROCESS: &str = "proc_";

/// What is told where nobody can say which processes run.
const UNLISTED: &str = "The background processes of this conversation cannot be listed: try again.";

/// The process that is to be waited for, and why; `None` where the words are a goal that begins with "wait".
pub(super) fn process(words: &str) -> Option<(String, Option<String>)> {
    let (process, reason) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let is_named = process.starts_with(PROCESS) || process.parse::<u32>().is_ok();
    let reason: String = reason.trim().chars().take(GOAL_CRITERION_CHARS_MAX).collect();
    is_named.then(|| (process.to_owned(), Some(reason).filter(|reason| !reason.is_empty())))
}

/// Parks the goal, if there is such a process.
pub(super) fn wait(
    ctx: &mut Ctx<'_>,
    id: SessionId,
    named: String,
    reason: Option<String>,
) -> Result<Reply, RpcError> {
    let owner = ctx.gateway.live(id).map(|session| session.key.clone());
    let spec = JobSpec::Agent(AgentJob::Processes { owner });
    Ok(told::next(spec, move |ctx, result| {
        let JobResult::Processes(processes) = result else { return Ok(Reply::Now(executed(UNLISTED))) };
        let is_it = |process: &&Process| process.id == named || process.pid.to_string() == named;
        let Some(process) = processes.iter().filter(|process| process.exit_code.is_none()).find(is_it) else {
            let text =
                format!("No background process {named} of this conversation runs. /agents lists them.");
            return Ok(Reply::Now(executed(&text)));
        };
        // An id says more than a number: it is also over once what it is watched for was seen.
        let hold = match process.id == named {
            true => Hold::Process(named.clone()),
            false => Hold::Pid(u64::try_from(process.pid).unwrap_or_default()),
        };
        change(ctx, id, GoalWish::Wait { hold, reason }, move |_, _, goal, _| match goal {
            Some(goal) if goal.state == GoalState::Active => executed(&format!(
                "The goal waits for {named}. It goes on when that is over, or on /goal unwait."
            )),
            _ => executed("There is no active goal that could wait."),
        })
    }))
}
