//! Jobs that run on a schedule: listed, made, paused, resumed and removed in the file that the original's
//! scheduler reads. Runs none of them. Knows no session and no protocol.

mod expression;
mod file;
mod record;
mod scan;
mod schedule;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use jiff::Zoned;
use serde_json::Value;

use self::file::{Jobs, Record};
use self::record::view;
use self::schedule::{Schedule, iso};
use crate::model::cron::{CronDone, CronError, CronJob, CronView, NewCron};

/// Bytes of an id; written as twice as many digits (the original's).
const ID_BYTES: usize = 6;

/// Tries to find an id that no job has: two are never needed.
const ID_TRIES: u32 = 16;

/// Characters of a job's name that an error repeats.
const ECHO_CHARS: usize = 100;

/// Where it is done.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The home directory of the settings.
    pub home: &'a Path,
    /// The time, in the zone of times that name none.
    pub now: &'a Zoned,
}

/// Does it.
///
/// # Errors
/// The file of jobs cannot be read or written.
pub fn run(job: &CronJob, around: &Around<'_>) -> Result<CronDone, CronError> {
    let done = match job {
        CronJob::List => Jobs::read(around.home)
            .map(|jobs| CronDone::Listed(jobs.records().map(|it| view(it.1)).collect())),
        CronJob::Add(new) => add(new, around),
        CronJob::Pause { job } => change(job, "pause", around, pause),
        CronJob::Resume { job } => change(job, "resume", around, resume),
        CronJob::Remove { job } => remove(job, around),
    };
    done.map_err(|message| CronError { message })
}

fn add(new: &NewCron, around: &Around<'_>) -> Result<CronDone, String> {
    let refused = |why: &str| Ok(CronDone::Refused(why.to_owned()));
    if new.schedule.trim().is_empty() {
        return refused("schedule is required for create");
    }
    if new.prompt.trim().is_empty() {
        return refused("create requires a prompt");
    }
    if let Some(why) = scan::refusal(&new.prompt) {
        return refused(&why);
    }
    let schedule = match Schedule::parse(&new.schedule, around.now) {
        Ok(schedule) => schedule,
        Err(why) => return refused(&why),
    };
    let mut jobs = Jobs::lock(around.home)?;
    let (now, next) = (iso(around.now), schedule.next(around.now));
    let record = record::new(new, &free_id(&jobs)?, &schedule, &now, next);
    let seen = view(&record);
    jobs.push(record);
    jobs.save(&now)?;
    Ok(CronDone::Added(Box::new(seen)))
}

/// Changes the one job that is meant.
fn change(
    job: &str,
    verb: &str,
    around: &Around<'_>,
    how: fn(&mut Record, &Zoned) -> Result<(), String>,
) -> Result<CronDone, String> {
    let mut jobs = Jobs::lock(around.home)?;
    let at = match find(&jobs, job, verb) {
        Ok(at) => at,
        Err(done) => return Ok(done),
    };
    let Some(record) = jobs.record_mut(at) else { return Ok(unknown(job)) };
    if let Err(why) = how(record, around.now) {
        return Ok(CronDone::Refused(why));
    }
    let seen = view(record);
    jobs.save(&iso(around.now))?;
    Ok(CronDone::Changed(Box::new(seen)))
}

fn pause(record: &mut Record, now: &Zoned) -> Result<(), String> {
    set(record, "enabled", false);
    set(record, "state", "paused");
    set(record, "paused_at", iso(now));
    set(record, "paused_reason", Value::Null);
    Ok(())
}

fn resume(record: &mut Record, now: &Zoned) -> Result<(), String> {
    let schedule = Schedule::read(record.get("schedule"), now)?;
    set(record, "enabled", true);
    set(record, "state", "scheduled");
    set(record, "paused_at", Value::Null);
    set(record, "paused_reason", Value::Null);
    set(record, "next_run_at", schedule.next(now));
    Ok(())
}

fn set(record: &mut Record, name: &str, value: impl Into<Value>) {
    record.insert(name.to_owned(), value.into());
}

fn remove(job: &str, around: &Around<'_>) -> Result<CronDone, String> {
    let mut jobs = Jobs::lock(around.home)?;
    let at = match find(&jobs, job, "remove") {
        Ok(at) => at,
        Err(done) => return Ok(done),
    };
    let Some(seen) = jobs.record_mut(at).map(|record| view(record)) else { return Ok(unknown(job)) };
    // Asked before the job is gone: an id that is no name of a folder points anywhere.
    let Some(output) = jobs.output(&seen.id) else {
        let why = format!("the job's id is not one that can be removed: {:?}", echo(&seen.id));
        return Ok(CronDone::Refused(why));
    };
    jobs.remove(at);
    jobs.save(&iso(around.now))?;
    if output.exists()
        && let Err(error) = fs::remove_dir_all(&output)
    {
        log::warn!("the output of a removed cron job stays: {error}");
    }
    Ok(CronDone::Removed(Box::new(seen)))
}

/// The place of the one job with this id, or else of the one with this name; what to answer where there is
/// not one.
fn find(jobs: &Jobs, job: &str, verb: &str) -> Result<usize, CronDone> {
    if job.is_empty() {
        return Err(CronDone::Refused(format!("job_id is required for action '{verb}'")));
    }
    if let Some((at, _)) = jobs.records().find(|(_, record)| record::id(record) == job) {
        return Ok(at);
    }
    let wanted = job.to_lowercase();
    let named: Vec<(usize, &Record)> =
        jobs.records().filter(|(_, record)| record::name(record).to_lowercase() == wanted).collect();
    match named.as_slice() {
        [] => Err(unknown(job)),
        [(at, _)] => Ok(*at),
        several => {
            let matches: Vec<CronView> = several.iter().map(|(_, record)| view(record)).collect();
            let ids: Vec<&str> = matches.iter().map(|job| job.id.as_str()).collect();
            let message = format!(
                "Job name '{}' is ambiguous — matches {} jobs: {}. Use the job ID instead.",
                echo(job),
                ids.len(),
                ids.join(", ")
            );
            Err(CronDone::Ambiguous { message, matches })
        }
    }
}

fn unknown(job: &str) -> CronDone {
    let echo = echo(job);
    CronDone::Refused(format!("Job with ID or name '{echo}' not found. The action 'list' shows the jobs."))
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO_CHARS).collect()
}

/// An id that no job has.
fn free_id(jobs: &Jobs) -> Result<String, String> {
    for _ in 0..ID_TRIES {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| format!("no randomness for an id: {error}"))?;
        let id = bytes.iter().fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        if jobs.records().all(|(_, record)| record::id(record) != id) {
            return Ok(id);
        }
    }
    Err("no id is free".to_owned())
}

#[cfg(test)]
mod tests;
