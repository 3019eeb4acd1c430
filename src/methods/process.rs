//! Background processes: those that an agent's terminal tool left running.

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Route};
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::process::{Killed, Process};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("process.list", Lane::Pool, "List the background processes of a session.", list),
    Method::new("process.kill", Lane::Pool, "End a background process of a session.", kill),
    Method::new("process.stop", Lane::Pool, "End every background process of every session.", stop)
        .by(Route::All),
    Method::new("agents.list", Lane::Pool, "List the background processes of all sessions.", list_all)
        .by(Route::Merged("processes")),
];

/// Characters of a command in `agents.list`.
const COMMAND_CHARS: usize = 80;

/// Characters of an unknown id that are repeated.
const ID_ECHO_CHARS: usize = 100;

fn list(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let owner = Some(ctx.session(params)?.key.clone());
    Ok(Reply::Job(JobSpec::Agent(AgentJob::Processes { owner }), listed))
}

fn listed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Processes(processes) = result else { return Err(failed(5010, result)) };
    Ok(json!({ "processes": processes.iter().map(row).collect::<Vec<_>>() }))
}

fn row(process: &Process) -> Value {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    put("session_id", process.id.as_str().into());
    put("command", process.command.as_str().into());
    put("cwd", process.cwd.as_str().into());
    put("pid", process.pid.into());
    put("started_at", process.started_at.as_str().into());
    put("uptime_seconds", process.uptime_seconds.into());
    put("status", process.status().into());
    put("output_preview", process.output_preview.as_str().into());
    put("output_tail", process.output_tail.as_str().into());
    if let Some(code) = process.exit_code {
        put("exit_code", code.into());
    }
    if process.notify_on_complete {
        put("notify_on_complete", true.into());
    }
    if !process.watch_patterns.is_empty() {
        put("watch_patterns", process.watch_patterns.clone().into());
        put("watch_hit", process.watch_hit.into());
    }
    Value::Object(row)
}

fn kill(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let owner = ctx.session(params)?.key.clone();
    let id = params.text_or_empty("process_id")?.to_owned();
    if id.is_empty() {
        return Err(RpcError::new(4012, "process_id required"));
    }
    Ok(Reply::Job(JobSpec::Agent(AgentJob::KillProcess { owner, id }), killed))
}

fn killed(_ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Killed(killed) = result else { return Err(failed(5010, result)) };
    let id = params.text_or_empty("process_id")?;
    match killed {
        Killed::Unknown => {
            let shown: String = id.chars().take(ID_ECHO_CHARS).collect();
            Err(RpcError::new(4044, format!("no such process: {shown}")))
        }
        Killed::Killed => Ok(json!({
            "status": "killed",
            "session_id": id,
            "completion_reason": "killed",
            "termination_source": "process.kill",
        })),
        Killed::AlreadyExited(code) => Ok(json!({ "status": "already_exited", "exit_code": code })),
    }
}

fn stop(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(JobSpec::Agent(AgentJob::StopProcesses), stopped))
}

fn stopped(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Stopped(count) = result else { return Err(failed(5010, result)) };
    Ok(json!({ "killed": count }))
}

fn list_all(_ctx: &mut Ctx<'_>, _params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(JobSpec::Agent(AgentJob::Processes { owner: None }), all_listed))
}

fn all_listed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Processes(processes) = result else { return Err(failed(5033, result)) };
    let row = |process: &Process| {
        let command: String = process.command.chars().take(COMMAND_CHARS).collect();
        json!({
            "session_id": process.id,
            "command": command,
            "status": process.status(),
            "uptime": process.uptime_seconds,
        })
    };
    Ok(json!({ "processes": processes.iter().map(row).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_what_is_known() {
        let process = Process {
            id: "proc_1".to_owned(),
            command: "serve".to_owned(),
            cwd: "/w".to_owned(),
            pid: 7,
            started_at: "2026-07-01T12:00:00".to_owned(),
            uptime_seconds: 1,
            exit_code: None,
            output_preview: "ready".to_owned(),
            output_tail: "ready".to_owned(),
            notify_on_complete: false,
            watch_patterns: Vec::new(),
            watch_hit: false,
        };
        let running = row(&process);
        assert_eq!((&running["status"], running.get("exit_code")), (&json!("running"), None));
        let ended = row(&Process {
            exit_code: Some(-15),
            notify_on_complete: true,
            watch_patterns: vec!["x".to_owned()],
            ..process
        });
        assert_eq!((&ended["status"], &ended["exit_code"]), (&json!("exited"), &json!(-15)));
        assert_eq!((&ended["watch_hit"], &ended["notify_on_complete"]), (&json!(false), &json!(true)));
    }
}
