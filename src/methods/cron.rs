//! Jobs that run on a schedule, in the file that the original's scheduler reads: listed and changed here, run
//! by it.

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Then};
use crate::model::cron::{CronDone, CronJob, CronView, NewCron};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("cron.manage", Lane::Pool, "List and change scheduled jobs; none is run here.", manage)];

/// Characters of an unknown action that are repeated.
const ECHO_CHARS: usize = 100;

/// Jobs on the page of `/cron`.
const PAGE_JOBS_MAX: usize = 36;

/// Fields of a cron expression, for one that stands on the page's line without quotes.
const FIELDS: usize = 5;

/// What `/cron` can do.
const USAGE: &str = "\
/cron list
/cron add <schedule> <prompt>     schedule: 30m, every 2h, \"0 9 * * *\", 2026-02-03T14:00
/cron pause|resume|remove <id or name>";

fn manage(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let action = params.text("action")?.unwrap_or("list");
    let name = params.text_or_empty("name")?.to_owned();
    let (schedule, prompt) = (params.text_or_empty("schedule")?, params.text_or_empty("prompt")?);
    let job = match action {
        "list" => CronJob::List,
        "add" => CronJob::Add(new(ctx, name, schedule, prompt)),
        "pause" => CronJob::Pause { job: name },
        "resume" => CronJob::Resume { job: name },
        "remove" => CronJob::Remove { job: name },
        other => {
            let shown: String = other.chars().take(ECHO_CHARS).collect();
            return Err(RpcError::new(4016, format!("unknown cron action: {shown}")));
        }
    };
    Ok(Reply::Job(JobSpec::Cron(Box::new(job)), managed))
}

fn new(ctx: &Ctx<'_>, name: String, schedule: &str, prompt: &str) -> NewCron {
    let model = ctx.gateway.settings().model.name.clone();
    let model = Some(model).filter(|model| !model.is_empty());
    NewCron { name, schedule: schedule.to_owned(), prompt: prompt.to_owned(), model }
}

fn managed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    // What cannot be done is a result, as in the original.
    let refused = |why: String| json!({ "success": false, "error": why });
    let done = match result {
        JobResult::Cron(Ok(done)) => *done,
        JobResult::Cron(Err(error)) => return Ok(refused(error.message)),
        other => return Err(failed(5023, other)),
    };
    Ok(match done {
        CronDone::Listed(jobs) => {
            json!({ "success": true, "count": jobs.len(), "jobs": jobs.iter().map(row).collect::<Vec<_>>() })
        }
        CronDone::Added(job) => json!({
            "success": true,
            "job_id": job.id,
            "name": job.name,
            "skill": job.skills.first(),
            "skills": job.skills,
            "schedule": job.schedule,
            "repeat": job.repeat,
            "deliver": job.deliver,
            "next_run_at": job.next_run_at,
            "job": row(&job),
            "message": created(&job.name),
        }),
        CronDone::Changed(job) => json!({ "success": true, "job": row(&job) }),
        CronDone::Removed(job) => json!({
            "success": true,
            "message": removed(&job.name),
            "removed_job": { "id": job.id, "name": job.name, "schedule": job.schedule },
        }),
        CronDone::Refused(why) => refused(why),
        CronDone::Ambiguous { message, matches } => {
            let known = |job: &CronView| {
                json!({
                    "id": job.id,
                    "name": job.name,
                    "schedule": job.schedule,
                    "next_run_at": job.next_run_at,
                })
            };
            let matches: Vec<Value> = matches.iter().map(known).collect();
            json!({ "success": false, "error": message, "matches": matches })
        }
    })
}

fn created(name: &str) -> String {
    format!(
        "Cron job '{name}' created. The scheduler of the agent's own gateway runs it, not this server. Its \
         output is saved, and delivered to no session."
    )
}

fn removed(name: &str) -> String {
    format!("Cron job '{name}' removed.")
}

fn row(job: &CronView) -> Value {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    put("job_id", job.id.as_str().into());
    put("name", job.name.as_str().into());
    put("skill", job.skills.first().cloned().into());
    put("skills", job.skills.clone().into());
    put("prompt_preview", job.prompt_preview.as_str().into());
    put("model", job.model.clone().into());
    put("provider", job.provider.clone().into());
    put("base_url", job.base_url.clone().into());
    put("schedule", job.schedule.as_str().into());
    put("repeat", job.repeat.as_str().into());
    put("deliver", job.deliver.as_str().into());
    put("next_run_at", job.next_run_at.clone().into());
    put("last_run_at", job.last_run_at.clone().into());
    put("last_status", job.last_status.clone().into());
    put("last_delivery_error", job.last_delivery_error.clone().into());
    put("enabled", job.enabled.into());
    put("state", job.state.as_str().into());
    put("paused_at", job.paused_at.clone().into());
    put("paused_reason", job.paused_reason.clone().into());
    if let Some(script) = &job.script {
        put("script", script.as_str().into());
    }
    if job.no_agent {
        put("no_agent", true.into());
    }
    if !job.toolsets.is_empty() {
        put("enabled_toolsets", job.toolsets.clone().into());
    }
    if let Some(workdir) = &job.workdir {
        put("workdir", workdir.as_str().into());
    }
    Value::Object(row)
}

/// `/cron`.
pub(super) fn page_cron(ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    let (verb, rest) = arg.trim().split_once(char::is_whitespace).unwrap_or((arg.trim(), ""));
    let rest = rest.trim();
    let job = match verb {
        "" | "list" => CronJob::List,
        "add" | "create" => {
            let (schedule, prompt) = told(rest);
            CronJob::Add(new(ctx, String::new(), &schedule, prompt))
        }
        "pause" => CronJob::Pause { job: rest.to_owned() },
        "resume" => CronJob::Resume { job: rest.to_owned() },
        "remove" => CronJob::Remove { job: rest.to_owned() },
        _ => return Ok(Reply::Now(json!({ "output": USAGE }))),
    };
    let paused = matches!(job, CronJob::Pause { .. });
    let then = Then::new(move |_ctx, result| match result {
        JobResult::Cron(Ok(done)) => Ok(json!({ "output": page(*done, paused) })),
        JobResult::Cron(Err(error)) => Ok(json!({ "output": error.message })),
        other => Err(failed(5030, other)),
    });
    Ok(Reply::Then(JobSpec::Cron(Box::new(job)), then))
}

fn page(done: CronDone, paused: bool) -> String {
    match done {
        CronDone::Listed(jobs) if jobs.is_empty() => format!("There are no scheduled jobs.\n\n{USAGE}"),
        CronDone::Listed(jobs) => {
            let mut lines: Vec<String> = jobs.iter().take(PAGE_JOBS_MAX).map(line).collect();
            if jobs.len() > PAGE_JOBS_MAX {
                lines.push(format!("and {} more", jobs.len() - PAGE_JOBS_MAX));
            }
            lines.join("\n")
        }
        CronDone::Added(job) => format!("{}\n{}", created(&job.name), line(&job)),
        CronDone::Changed(job) if paused => format!("Paused: {}", line(&job)),
        CronDone::Changed(job) => format!("Resumed: {}", line(&job)),
        CronDone::Removed(job) => removed(&job.name),
        CronDone::Refused(why) => why,
        CronDone::Ambiguous { message, .. } => message,
    }
}

fn line(job: &CronView) -> String {
    let when = match (job.state.as_str(), &job.next_run_at) {
        ("scheduled", Some(next)) => format!("next {next}"),
        ("scheduled", None) => "runs no more".to_owned(),
        (state, _) => state.to_owned(),
    };
    format!("{}  {}  {}  {when}", job.id, job.name, job.schedule)
}

/// The schedule at the start of a line, in quotes or not, and the prompt behind it.
fn told(line: &str) -> (String, &str) {
    if let Some(quote) = line.chars().next().filter(|first| matches!(first, '"' | '\''))
        && let Some((schedule, prompt)) = line.get(1..).and_then(|rest| rest.split_once(quote))
    {
        return (schedule.to_owned(), prompt.trim());
    }
    let is_field = |word: &&str| word.bytes().all(|b| b.is_ascii_digit() || b"*-,/".contains(&b));
    let fields = line.split_whitespace().take(FIELDS).take_while(is_field).count();
    let words = match line.split_whitespace().next() {
        Some(first) if first.eq_ignore_ascii_case("every") => 2,
        _ if fields == FIELDS => FIELDS,
        _ => 1,
    };
    let (mut schedule, mut rest) = (Vec::new(), line.trim());
    for _ in 0..words {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        schedule.push(word);
        rest = after.trim_start();
    }
    (schedule.join(" ").trim().to_owned(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_and_a_prompt_are_told_apart() {
        for (line, schedule, prompt) in [
            ("30m Check the server", "30m", "Check the server"),
            ("every 2h Summarise", "every 2h", "Summarise"),
            ("\"0 9 * * *\" Good morning", "0 9 * * *", "Good morning"),
            ("0 9 * * 1-5 2 things", "0 9 * * 1-5", "2 things"),
            ("'every 2h'  x", "every 2h", "x"),
            ("5 things", "5", "things"),
            ("every", "every", ""),
            ("", "", ""),
            ("\"open", "\"open", ""),
        ] {
            assert_eq!(told(line), (schedule.to_owned(), prompt), "{line}");
        }
    }

    #[test]
    fn a_row_has_what_is_known() {
        let job = CronView { id: "a".to_owned(), skills: vec!["s".to_owned()], ..CronView::default() };
        let plain = row(&job);
        assert_eq!((&plain["skill"], plain.get("script"), plain.get("no_agent")), (&json!("s"), None, None));
        let whole = row(&CronView { script: Some("x.sh".to_owned()), no_agent: true, ..job });
        assert_eq!((&whole["script"], &whole["no_agent"]), (&json!("x.sh"), &json!(true)));
    }

    #[test]
    fn the_page_stays_short() {
        let jobs = vec![CronView { state: "scheduled".to_owned(), ..CronView::default() }; 100];
        let text = page(CronDone::Listed(jobs), false);
        assert!(text.lines().count() < 40 && text.ends_with("and 64 more"), "{text}");
        assert!(page(CronDone::Listed(Vec::new()), false).contains("/cron add"));
    }
}
