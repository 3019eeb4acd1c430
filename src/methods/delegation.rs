//! Subagents: which run, whether new ones may start, and stopping one. Of the whole process, as in the original.

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Route};
use crate::model::job::{ActiveSubagent, AgentJob, JobResult, JobSpec, Subagents};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("delegation.status", Lane::Pool, "List the subagents that run, and their limits.", status)
        .by(Route::Merged("active")),
    Method::new("delegation.pause", Lane::Pool, "Let no new subagents start, or let them again.", pause)
        .by(Route::All),
    Method::new("subagent.interrupt", Lane::Pool, "Stop a subagent and those it started.", interrupt)
        .by(Route::Whoever),
];

fn status(_: &mut Ctx<'_>, _: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(JobSpec::Agent(AgentJob::Subagents), told))
}

fn told(_: &mut Ctx<'_>, _: &Params, result: JobResult) -> Result<Value, RpcError> {
    let subagents = match result {
        JobResult::Subagents(subagents) => *subagents,
        // A server without tools has none; the terminal UI polls this, and would show an error.
        JobResult::Failed(_) => Subagents::default(),
        other => return Err(failed(5000, other)),
    };
    Ok(json!({
        "active": subagents.active.iter().map(row).collect::<Vec<_>>(),
        "paused": subagents.paused,
        "max_spawn_depth": subagents.depth_max,
        "max_concurrent_children": subagents.children_max,
    }))
}

fn row(subagent: &ActiveSubagent) -> Value {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    put("subagent_id", subagent.id.as_str().into());
    put("parent_id", subagent.parent.as_deref().into());
    put("depth", subagent.depth.into());
    put("goal", subagent.goal.as_str().into());
    put("model", subagent.model.as_str().into());
    put("started_at", subagent.started_at.into());
    put("status", subagent.status.into());
    put("tool_count", subagent.tool_count.into());
    if let Some(tool) = subagent.last_tool.as_deref() {
        put("last_tool", tool.into());
    }
    Value::Object(row)
}

fn pause(_: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let paused = !params.has("paused") || params.truthy("paused");
    Ok(Reply::Job(JobSpec::Agent(AgentJob::PauseSubagents { paused }), paused_or_not))
}

fn paused_or_not(_: &mut Ctx<'_>, _: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::SubagentsPaused(paused) = result else { return Err(failed(5000, result)) };
    Ok(json!({ "paused": paused }))
}

fn interrupt(_: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = subagent_id(params)?.to_owned();
    if id.is_empty() {
        return Err(RpcError::new(4000, "subagent_id required"));
    }
    Ok(Reply::Job(JobSpec::Agent(AgentJob::InterruptSubagent { id }), interrupted))
}

fn interrupted(_: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let found = match result {
        JobResult::SubagentFound(found) => found,
        // Without tools there is none.
        JobResult::Failed(_) => false,
        other => return Err(failed(5000, other)),
    };
    Ok(json!({ "found": found, "subagent_id": subagent_id(params)? }))
}

fn subagent_id(params: &Params) -> Result<&str, RpcError> {
    Ok(params.text_or_empty("subagent_id")?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_members_of_the_original() {
        let mut subagent = ActiveSubagent {
            id: "sa-0-00c0ffee".to_owned(),
            parent: None,
            depth: 0,
            goal: "count".to_owned(),
            model: "m1".to_owned(),
            started_at: 1.5,
            status: "running",
            tool_count: 0,
            last_tool: None,
        };
        let mut want = json!({"subagent_id": "sa-0-00c0ffee", "parent_id": null, "depth": 0, "goal": "count",
            "model": "m1", "started_at": 1.5, "status": "running", "tool_count": 0});
        assert_eq!(row(&subagent), want);
        subagent.last_tool = Some("patch".to_owned());
        want["last_tool"] = json!("patch");
        assert_eq!(row(&subagent), want);
    }
}
