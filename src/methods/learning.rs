//! What the agent has learned: skills it made or used, and memories, as the terminal UI draws them.

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Then};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::learning::{
    Chart, ChartBucket, ChartFrame, ChartLabel, ChartRun, ChartStyle, DrawSize, Learned, LearnedKind,
    LearningDone, LearningJob,
};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("learning.frames", Lane::Pool, "Draw how skills and memories grew.", frames),
    Method::new("learning.detail", Lane::Pool, "Show a learned skill or a memory.", detail),
    Method::new("learning.delete", Lane::Pool, "Put a learned skill away, or remove a memory.", delete),
    Method::new("learning.edit", Lane::Pool, "Write a learned skill or a memory anew.", edit),
];

/// The size that is drawn unless a client says otherwise (the original's), and its bounds. The lower ones are
/// the original's; it has no upper ones but that of the pictures.
const COLS: (i64, i64, i64) = (80, 20, 400);
const ROWS: (i64, i64, i64) = (24, 10, 200);
const FRAMES: (i64, i64, i64) = (48, 2, 240);

/// Characters of a name beside a picture (the original's).
const NAME_CHARS_MAX: usize = 26;

/// Entries on the page of `/journey`, the newest ones.
const PAGE_NODES_MAX: usize = 34;

/// What `/journey` can do.
const USAGE: &str = "/journey list\n/journey delete <id>";

fn frames(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let size = size([params.int("cols"), params.int("rows"), params.int("frames")]);
    Ok(Reply::Job(JobSpec::Learning(Box::new(LearningJob::Draw(size))), drawn))
}

/// One that is no number makes all three what they usually are, as in the original.
fn size(asked: [Result<Option<i64>, RpcError>; 3]) -> DrawSize {
    let is_readable = asked.iter().all(Result::is_ok);
    let read = |asked: &Result<Option<i64>, RpcError>, (usual, least, most): (i64, i64, i64)| {
        let asked = asked.as_ref().ok().filter(|_| is_readable).and_then(|asked| *asked);
        let number = asked.filter(|number| *number != 0).unwrap_or(usual);
        usize::try_from(number.clamp(least, most)).unwrap_or_default()
    };
    let [cols, rows, frames] = &asked;
    DrawSize { cols: read(cols, COLS), rows: read(rows, ROWS), frames: read(frames, FRAMES) }
}

fn drawn(_ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let size = size([params.int("cols"), params.int("rows"), params.int("frames")]);
    match done("frames", result)? {
        LearningDone::Drawn(chart) => Ok(picture(*chart, size)),
        other => Err(unlike(other)),
    }
}

fn picture(chart: Chart, size: DrawSize) -> Value {
    let legend = |kind: LearnedKind, name: &str, count: usize| {
        let label = format!("{name} ({count})");
        json!({ "glyph": kind.glyph(), "style": kind.as_str(), "label": label })
    };
    let categories: Vec<Value> = chart
        .categories
        .iter()
        .map(|category| {
            let glyph = if category.colour.is_some() { LearnedKind::Skill.glyph() } else { "·" };
            json!({ "glyph": glyph, "color": category.colour.unwrap_or_default(), "label": category.label })
        })
        .collect();
    let [start, end] = chart.axis;
    json!({
        "frames": chart.frames.into_iter().map(frame).collect::<Vec<_>>(),
        "legend": [
            legend(LearnedKind::Skill, "skills", chart.skills),
            legend(LearnedKind::Memory, "memories", chart.memories),
        ],
        "categories": categories,
        "buckets": chart.buckets.into_iter().enumerate().map(bucket).collect::<Vec<_>>(),
        "summary": chart.summary,
        "axis": { "start": start, "end": end },
        "count": chart.skills + chart.memories,
        "cols": size.cols,
        "rows": size.rows,
    })
}

fn frame(frame: ChartFrame) -> Value {
    let row = |row: Vec<ChartRun>| Value::Array(row.into_iter().map(run).collect());
    let label = |label: ChartLabel| {
        json!({
            "key": label.key,
            "glyph": label.kind.glyph(),
            "label": label.label,
            "meta": label.meta,
            "style": label.kind.as_str(),
            "alpha": rounded(label.alpha),
        })
    };
    let mut shown = Map::new();
    shown.insert("reveal".to_owned(), frame.reveal.into());
    shown.insert("date".to_owned(), frame.date.into());
    shown.insert("visible".to_owned(), frame.visible.into());
    shown.insert("grid".to_owned(), Value::Array(frame.grid.into_iter().map(row).collect()));
    shown.insert("labels".to_owned(), Value::Array(frame.labels.into_iter().map(label).collect()));
    Value::Object(shown)
}

/// `[text, style, alpha, colour?]`.
fn run(run: ChartRun) -> Value {
    let mut parts: Vec<Value> = vec![run.text.into(), run.style.as_str().into(), rounded(run.alpha).into()];
    parts.extend(run.colour.map(Value::from));
    Value::Array(parts)
}

fn rounded(alpha: f64) -> f64 {
    (alpha * 1_000.0).round() / 1_000.0
}

fn bucket((at, bucket): (usize, ChartBucket)) -> Value {
    let (skills, memories) = (bucket.count(LearnedKind::Skill), bucket.count(LearnedKind::Memory));
    json!({
        "index": at,
        "label": bucket.label,
        "date": bucket.date,
        "skills": skills,
        "memories": memories,
        "total": skills + memories,
        "category": bucket.category,
        "color": bucket.colour,
        "nodes": bucket.nodes.into_iter().map(node).collect::<Vec<_>>(),
    })
}

fn node(node: Learned) -> Value {
    json!({
        "id": node.id,
        "glyph": node.kind.glyph(),
        "label": short(&node.label),
        "fullLabel": node.label,
        "meta": node.meta,
        "body": node.body,
        "style": ChartStyle::Of(node.kind).as_str(),
    })
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}

fn detail(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = text(params.get("id"));
    Ok(Reply::Job(JobSpec::Learning(Box::new(LearningJob::Detail { id })), detailed))
}

fn detailed(_ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match done("detail", result)? {
        LearningDone::Detail { kind, label, content } => Ok(json!({
            "ok": true,
            "kind": kind.as_str(),
            "id": text(params.get("id")),
            "label": label,
            "content": content,
        })),
        LearningDone::Refused(why) => Ok(json!({ "ok": false, "message": why })),
        other => Err(unlike(other)),
    }
}

fn delete(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = text(params.get("id"));
    Ok(Reply::Job(JobSpec::Learning(Box::new(LearningJob::Delete { id })), deleted))
}

fn deleted(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    changed(done("delete", result)?)
}

fn edit(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let (id, content) = (text(params.get("id")), text(params.get("content")));
    Ok(Reply::Job(JobSpec::Learning(Box::new(LearningJob::Edit { id, content })), edited))
}

fn edited(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    changed(done("edit", result)?)
}

fn changed(done: LearningDone) -> Result<Value, RpcError> {
    match done {
        LearningDone::Changed(message) => Ok(json!({ "ok": true, "message": message })),
        LearningDone::Refused(message) => Ok(json!({ "ok": false, "message": message })),
        other => Err(unlike(other)),
    }
}

/// Whatever it is, as text.
fn text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn done(verb: &str, result: JobResult) -> Result<LearningDone, RpcError> {
    let why = match result {
        JobResult::Learning(Ok(done)) => return Ok(*done),
        JobResult::Learning(Err(error)) => error.message,
        JobResult::Failed(why) => why,
        other => return Err(failed(5000, other)),
    };
    Err(RpcError::new(5000, format!("learning.{verb} failed: {why}")))
}

/// A job did something else than it was asked for.
fn unlike(done: LearningDone) -> RpcError {
    failed(5000, JobResult::Learning(Ok(Box::new(done))))
}

/// `/journey`. The text of an entry is changed in the client's own page.
pub(super) fn page_journey(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    let (verb, rest) = arg.trim().split_once(char::is_whitespace).unwrap_or((arg.trim(), ""));
    let job = match verb {
        "" | "list" => LearningJob::List,
        "delete" if !rest.trim().is_empty() => LearningJob::Delete { id: rest.trim().to_owned() },
        _ => return Ok(Reply::Now(json!({ "output": USAGE }))),
    };
    let then = Then::new(|_ctx, result| {
        let output = match done("page", result)? {
            LearningDone::Listed(nodes) => listing(&nodes),
            LearningDone::Changed(text) | LearningDone::Refused(text) => text,
            other => return Err(unlike(other)),
        };
        Ok(json!({ "output": output }))
    });
    Ok(Reply::Then(JobSpec::Learning(Box::new(job)), then))
}

fn listing(nodes: &[Learned]) -> String {
    if nodes.is_empty() {
        return "Nothing learned yet: skills that the agent makes or uses, and its memories, are listed here."
            .to_owned();
    }
    let left_out = nodes.len().saturating_sub(PAGE_NODES_MAX);
    let mut lines = Vec::new();
    if left_out > 0 {
        lines.push(format!("({left_out} older ones are not shown)"));
    }
    let line = |node: &Learned| {
        let label = if node.label == node.id { "" } else { node.label.as_str() };
        format!("{} {}  {label}", node.kind.glyph(), node.id).trim_end().to_owned()
    };
    lines.extend(nodes.iter().skip(left_out).map(line));
    lines.push(String::new());
    lines.push(USAGE.to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_in_the_original_and_bounded() {
        let bad = || Err(RpcError::param("cols", "an integer"));
        for (asked, want) in [
            ([Ok(None), Ok(None), Ok(None)], (80, 24, 48)),
            ([Ok(Some(0)), Ok(Some(0)), Ok(Some(0))], (80, 24, 48)),
            ([Ok(Some(60)), Ok(Some(12)), Ok(Some(2))], (60, 12, 2)),
            ([Ok(Some(1)), Ok(Some(-5)), Ok(Some(1))], (20, 10, 2)),
            ([Ok(Some(i64::MAX)), Ok(Some(9_999)), Ok(Some(9_999))], (400, 200, 240)),
            ([bad(), Ok(Some(12)), Ok(Some(2))], (80, 24, 48)),
        ] {
            let size = size(asked);
            assert_eq!((size.cols, size.rows, size.frames), want);
        }
    }

    #[test]
    fn the_empty_picture_is_the_originals() {
        let piece = ChartRun { text: "nothing".to_owned(), style: ChartStyle::Dim, alpha: 0.7, colour: None };
        let frame = ChartFrame { reveal: 1.0, grid: vec![vec![piece]], ..ChartFrame::default() };
        let axis = ["oldest".to_owned(), "now".to_owned()];
        let chart = Chart { frames: vec![frame], summary: vec!["s".to_owned()], axis, ..Chart::default() };
        let size = DrawSize { cols: 60, rows: 12, frames: 2 };
        assert_eq!(
            picture(chart, size),
            json!({
                "frames": [{ "reveal": 1.0, "date": "", "visible": 0, "grid": [[["nothing", "dim", 0.7]]],
                             "labels": [] }],
                "legend": [{ "glyph": "●", "style": "skill", "label": "skills (0)" },
                           { "glyph": "◆", "style": "memory", "label": "memories (0)" }],
                "categories": [], "buckets": [], "summary": ["s"],
                "axis": { "start": "oldest", "end": "now" }, "count": 0, "cols": 60, "rows": 12,
            })
        );
    }

    #[test]
    fn the_page_stays_short_and_shows_ids() {
        let node = Learned {
            id: "memory:memory:0".to_owned(),
            kind: LearnedKind::Memory,
            label: "first".to_owned(),
            meta: String::new(),
            body: String::new(),
            category: String::new(),
            at: 0,
            uses: 0,
        };
        assert!(listing(std::slice::from_ref(&node)).starts_with("◆ memory:memory:0  first\n"));
        assert!(listing(&vec![node; 100]).lines().count() < 40);
        assert!(listing(&[]).starts_with("Nothing"));
    }
}
