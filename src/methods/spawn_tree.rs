//! Snapshots of subagents, which the terminal UI keeps to replay them.

use serde_json::{Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::gateway::view;
use crate::model::job::{JobResult, JobSpec};
use crate::model::spawn_tree::{NewTree, TreeAbout, TreeDone, TreeJob};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("spawn_tree.save", Lane::Pool, "Keep a snapshot of subagents.", save),
    Method::new("spawn_tree.list", Lane::Pool, "List the snapshots of subagents.", list),
    Method::new("spawn_tree.load", Lane::Pool, "Read a snapshot of subagents.", load),
];

/// Characters of a label; more is no label.
const LABEL_CHARS_MAX: usize = 500;

/// Entries of a list unless a client says otherwise, as in the original, and at most.
const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 1000;

/// The year 9999 in seconds since 1970: beyond it a stamp would have more digits.
const SECONDS_MAX: f64 = 253_402_207_200.0;

fn save(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let subagents = match params.get("subagents") {
        Some(Value::Array(items)) if !items.is_empty() => items,
        _ => return Err(RpcError::new(4000, "subagents list required")),
    };
    let finished_at = seconds(params, "finished_at")?.unwrap_or(ctx.now.wall);
    let about = TreeAbout {
        session_id: params.text_or_empty("session_id")?.to_owned(),
        started_at: seconds(params, "started_at")?,
        finished_at,
        label: params.text_or_empty("label")?.chars().take(LABEL_CHARS_MAX).collect(),
        count: subagents.len(),
    };
    let stamp = view::local_time(finished_at, &jiff::tz::TimeZone::UTC, "%Y%m%dT%H%M%S");
    let subagents = serde_json::to_string(subagents)
        .map_err(|error| RpcError::new(5000, format!("spawn_tree.save failed: {error}")))?;
    let tree = Box::new(NewTree { about, stamp, subagents });
    Ok(Reply::Job(JobSpec::SpawnTree(TreeJob::Save(tree)), saved))
}

/// A time in seconds since 1970.
fn seconds(params: &Params, name: &str) -> Result<Option<f64>, RpcError> {
    let number = match params.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match number.filter(|number: &f64| (0.0..=SECONDS_MAX).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(RpcError::param(name, "a time in seconds since 1970")),
    }
}

fn saved(_ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match done("save", result)? {
        TreeDone::Saved(path) => {
            let session_id = params.text_or_empty("session_id")?;
            Ok(json!({ "path": path.display().to_string(), "session_id": session_id }))
        }
        other => Err(unlike(other)),
    }
}

fn list(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let limit = match params.int("limit")? {
        None | Some(0) => LIMIT_DEFAULT,
        Some(limit) => limit.clamp(0, LIMIT_MAX),
    };
    let job = TreeJob::List {
        session_id: params.text_or_empty("session_id")?.to_owned(),
        all: params.truthy("cross_session"),
        limit: usize::try_from(limit).unwrap_or_default(),
    };
    Ok(Reply::Job(JobSpec::SpawnTree(job), listed))
}

fn listed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let trees = match done("list", result)? {
        TreeDone::Listed(trees) => trees,
        other => return Err(unlike(other)),
    };
    let entries: Vec<Value> = trees
        .into_iter()
        .map(|(path, about)| {
            json!({
                "path": path.display().to_string(),
                "session_id": about.session_id,
                "started_at": about.started_at,
                "finished_at": about.finished_at,
                "label": about.label,
                "count": about.count,
            })
        })
        .collect();
    Ok(json!({ "entries": entries }))
}

fn load(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let path = params.text_or_empty("path")?.trim().to_owned();
    if path.is_empty() {
        return Err(RpcError::new(4000, "path required"));
    }
    Ok(Reply::Job(JobSpec::SpawnTree(TreeJob::Load { path }), loaded))
}

fn loaded(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match done("load", result)? {
        TreeDone::Loaded(text) => serde_json::from_str(&text)
            .map_err(|error| RpcError::new(5000, format!("spawn_tree.load failed: {error}"))),
        TreeDone::Outside(path) => {
            let text = format!("path outside spawn-trees root: {}", path.display());
            Err(RpcError::new(4030, text))
        }
        other => Err(unlike(other)),
    }
}

fn done(verb: &str, result: JobResult) -> Result<TreeDone, RpcError> {
    match result {
        JobResult::SpawnTree(done) => Ok(done),
        JobResult::Failed(why) => Err(RpcError::new(5000, format!("spawn_tree.{verb} failed: {why}"))),
        other => Err(failed(5000, other)),
    }
}

/// A job did something else than it was asked for.
fn unlike(done: TreeDone) -> RpcError {
    failed(5000, JobResult::SpawnTree(done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_of_this_age() {
        let time = |value: Value| seconds(&Params([("t".to_owned(), value)].into_iter().collect()), "t");
        assert_eq!(time(json!(1_767_225_700)), Ok(Some(1_767_225_700.0)));
        assert_eq!(time(json!(" 1.5 ")), Ok(Some(1.5)));
        assert_eq!(time(json!(null)), Ok(None));
        for value in
            [json!("x"), json!("nan"), json!("inf"), json!(-1), json!(1e300), json!([1]), json!(true)]
        {
            assert!(time(value.clone()).is_err(), "{value}");
        }
    }
}
