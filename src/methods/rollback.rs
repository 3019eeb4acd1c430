//! Checkpoints: the files of a session's workspace as they were before the agent changed them.

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::checkpoint::{Checkpoint, CheckpointDone, CheckpointError, CheckpointJob, CheckpointWork};
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::render;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("rollback.list", Lane::Pool, "List the checkpoints of a session's workspace.", list),
    Method::new("rollback.diff", Lane::Pool, "Compare a checkpoint with the files as they are.", diff),
    Method::new("rollback.restore", Lane::Pool, "Write the files of a checkpoint back.", restore),
];

/// Digits of an id that are shown (the original's).
const SHORT_ID: usize = 8;

fn list(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(job(ctx, params, CheckpointWork::List)?, listed))
}

fn listed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    // The original always sends an empty message.
    let row = |row: &Checkpoint| json!({ "hash": row.id, "timestamp": row.at, "message": row.reason });
    match result {
        JobResult::Checkpoints(Ok(CheckpointDone::Listed(rows))) => Ok(json!({
            "enabled": rows.is_some(),
            "checkpoints": rows.iter().flatten().map(row).collect::<Vec<_>>(),
        })),
        JobResult::Checkpoints(Err(error)) => Err(RpcError::new(5020, error.to_string())),
        other => Err(failed(5020, other)),
    }
}

fn diff(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    ctx.session_id(params)?;
    let at = reference(params)?;
    Ok(Reply::Job(job(ctx, params, CheckpointWork::Compare { at })?, compared))
}

/// An unknown id is an error; in the original it looks like no change.
fn compared(ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match result {
        JobResult::Checkpoints(Ok(CheckpointDone::Compared { stat, diff })) => {
            let rendered = ctx.gateway.renders_for(ctx.client).then(|| render::diff(&diff)).flatten();
            Ok(match rendered {
                Some(rendered) => json!({ "stat": stat, "diff": diff, "rendered": rendered }),
                None => json!({ "stat": stat, "diff": diff }),
            })
        }
        JobResult::Checkpoints(Err(error)) => Err(RpcError::new(5022, error.to_string())),
        other => Err(failed(5022, other)),
    }
}

fn restore(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    ctx.session_id(params)?;
    let at = reference(params)?;
    let file = file(params)?;
    if file.is_none() {
        let session = ctx.session(params)?;
        if session.is_running() {
            let text = "session busy — /interrupt the current turn before full rollback.restore";
            return Err(RpcError::new(4009, text));
        }
        session.begin_rollback();
    }
    let file = file.map(str::to_owned);
    // What was written back is written back, and the conversation has to know, whoever still listens.
    Ok(Reply::Lasting(job(ctx, params, CheckpointWork::Restore { at, file })?, restored))
}

fn restored(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let file = file(params)?;
    let is_done = matches!(&result, JobResult::Checkpoints(Ok(_)));
    let removed = match ctx.session_id(params) {
        Ok(id) if file.is_none() => ctx.gateway.end_rollback(ctx.now, id, is_done),
        // It was closed meanwhile; the files are back all the same.
        _ => 0,
    };
    let (from, dir) = match result {
        JobResult::Checkpoints(Ok(CheckpointDone::Restored { from, dir })) => (from, dir),
        JobResult::Checkpoints(Err(error @ CheckpointError::Number { .. })) => {
            return Err(RpcError::new(5021, error.to_string()));
        }
        JobResult::Checkpoints(Err(CheckpointError::Git(said))) => {
            return Ok(
                json!({ "success": false, "error": format!("Restore failed: {said}"), "debug": said }),
            );
        }
        JobResult::Checkpoints(Err(error)) => {
            return Ok(json!({ "success": false, "error": error.to_string() }));
        }
        JobResult::Failed(why) => return Ok(json!({ "success": false, "error": why })),
        other => return Err(failed(5021, other)),
    };
    let mut done = Map::new();
    let mut put = |name: &str, value: Value| drop(done.insert(name.to_owned(), value));
    put("success", true.into());
    put("restored_to", from.id.chars().take(SHORT_ID).collect::<String>().into());
    put("reason", from.reason.into());
    put("directory", dir.display().to_string().into());
    match file {
        Some(file) => put("file", file.into()),
        None => put("history_removed", removed.into()),
    }
    Ok(Value::Object(done))
}

fn job(ctx: &mut Ctx<'_>, params: &Params, work: CheckpointWork) -> Result<JobSpec, RpcError> {
    let dir = ctx.session(params)?.cwd.clone();
    Ok(JobSpec::Agent(AgentJob::Checkpoints(CheckpointJob { dir, work })))
}

/// Which checkpoint is meant: a text, or a number.
fn reference(params: &Params) -> Result<String, RpcError> {
    let at = match params.get("hash") {
        None => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(RpcError::param("hash", "a string or a number")),
    };
    if at.is_empty() { Err(RpcError::new(4014, "hash required")) } else { Ok(at) }
}

/// The file to write back; `None` for all.
fn file(params: &Params) -> Result<Option<&str>, RpcError> {
    Ok(params.text("file_path")?.filter(|path| !path.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_named_by_text_or_number() {
        let named =
            |value: Value| reference(&Params::of(json!({ "hash": value }))).map_err(|error| error.code);
        assert_eq!(named(json!(" 7373ad19 ")), Ok("7373ad19".to_owned()));
        assert_eq!(named(json!(2)), Ok("2".to_owned()));
        for nothing in [json!(null), json!(""), json!(" ")] {
            assert_eq!(named(nothing.clone()), Err(4014), "{nothing}");
        }
        assert!(named(json!([1])).is_err());
    }

    #[test]
    fn no_file_is_all_files() {
        for (value, want) in [(json!(null), None), (json!(""), None), (json!("a/b"), Some("a/b"))] {
            assert_eq!(file(&Params::of(json!({ "file_path": value }))), Ok(want));
        }
    }
}
