//! What the input line of a client needs: terminal width, dropped files, long pastes, completion of paths.

use serde_json::{Map, Value, json};

use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::{INTERNAL_ERROR, RpcError};
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("terminal.resize", Lane::Inline, "Tell the terminal's width.", resize),
    Method::new("input.detect_drop", Lane::Pool, "Find a file's path at the start of the text.", detect_drop),
    Method::new("paste.collapse", Lane::Pool, "Keep a long paste in a file.", collapse),
    Method::new("complete.path", Lane::Pool, "Complete a path or an @ reference.", complete_path),
];

fn resize(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let cols = super::session::cols(params)?;
    ctx.session(params)?.cols = cols;
    Ok(Reply::Now(json!({ "cols": cols })))
}

fn detect_drop(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let text = params.text_or_empty("text")?.to_owned();
    let cwd = ctx.session(params)?.cwd.clone();
    // Almost every prompt: nothing that could be a path. No worker is needed to know that.
    let trimmed = text.trim_start();
    let drive = trimmed.as_bytes().get(1) == Some(&b':');
    if !drive && !trimmed.starts_with(['/', '~', '.', '"', '\'', '\\']) && !trimmed.starts_with("file://") {
        return Ok(Reply::Now(json!({ "matched": false })));
    }
    Ok(Reply::Job(JobSpec::DetectDrop { text, cwd }, detected))
}

fn detected(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let found = match result {
        JobResult::Drop(found) => found,
        other => return Err(failed(5027, other)),
    };
    let Some(found) = found else { return Ok(json!({ "matched": false })) };
    if found.is_image {
        return super::attach::dropped(ctx, params, found);
    }
    let name = found.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let path = found.path.display().to_string();
    let mut text = format!("[User attached file: {path}]");
    if !found.remainder.is_empty() {
        text.push('\n');
        text.push_str(&found.remainder);
    }
    Ok(json!({ "matched": true, "is_image": false, "path": path, "name": name, "text": text }))
}

fn collapse(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let text = params.text_or_empty("text")?.to_owned();
    if text.is_empty() {
        return Err(RpcError::new(4004, "empty paste"));
    }
    let number = ctx.gateway.take_paste_number();
    Ok(Reply::Job(JobSpec::SavePaste { text, number }, collapsed))
}

fn collapsed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Paste { path, lines, number } = result else { return Err(failed(5027, result)) };
    let path = path.display().to_string();
    let placeholder = format!("[Pasted text #{number}: {lines} lines → {path}]");
    Ok(json!({ "placeholder": placeholder, "path": path, "lines": lines }))
}

fn complete_path(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let word = params.text_or_empty("word")?.to_owned();
    let cwd = params.text_or_empty("cwd")?;
    let session = params.text_or_empty("session_id")?;
    if word.is_empty() {
        return Ok(Reply::Now(json!({ "items": [] })));
    }
    let candidates = match (cwd, ctx.gateway.find_session(session, &None)) {
        ("", Some(id)) => ctx.gateway.live(id).map(|session| vec![session.cwd.clone()]).unwrap_or_default(),
        ("", None) => ctx.gateway.cwd_candidates(),
        (cwd, _) => vec![cwd.into()],
    };
    // The one before is of a key ago: nobody looks at it any more.
    let stop = ctx.gateway.newest_completion(ctx.client);
    Ok(Reply::Job(JobSpec::CompletePath { word, candidates, stop }, path_completed))
}

fn path_completed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let JobResult::Completions(items) = result else { return Err(failed(5021, result)) };
    let item = |item: crate::model::job::PathItem| {
        Value::Object(Map::from_iter([
            ("text".to_owned(), Value::from(item.text)),
            ("display".to_owned(), Value::from(item.display)),
            ("meta".to_owned(), Value::from(item.meta)),
        ]))
    };
    Ok(json!({ "items": items.into_iter().map(item).collect::<Vec<_>>() }))
}

/// A job that could not be done.
pub(super) fn failed(code: i32, result: JobResult) -> RpcError {
    match result {
        JobResult::Failed(why) => RpcError::new(code, why),
        other => {
            log::error!("a job gave the wrong result: {other:?}");
            RpcError::new(INTERNAL_ERROR, "internal error")
        }
    }
}
