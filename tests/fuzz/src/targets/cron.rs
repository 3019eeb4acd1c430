//! The file of jobs as anybody may have written it, and a schedule and a job's name as anybody may say them.
//! What is added is found, changed and removed again, and the other jobs stay as they were.

use jiff::Zoned;
use tui_gateway::cron::{Around, run as work};
use tui_gateway::model::cron::{CronDone, CronJob, CronView, NewCron};

use super::home::{Scratch, parts};

/// Longest sentence for people, in bytes: what it repeats is cut.
const SENTENCE_MAX: usize = 2_000;

pub(crate) fn run(bytes: &[u8]) {
    let [word, name, file] = parts(bytes);
    let (word, name) = (String::from_utf8_lossy(word), String::from_utf8_lossy(name));
    let home = Scratch::new("cron");
    home.write("cron/jobs.json", file);
    let now: Zoned = "2026-07-01T14:00:00+02:00[+02:00]".parse().expect("a time");
    let around = Around { home: home.path(), now: &now };
    let Some(before) = listed(&around) else {
        // What cannot be read is not written over.
        let add = CronJob::Add(new(&word, &name));
        let refused = matches!(work(&add, &around), Err(_) | Ok(CronDone::Refused(_)));
        assert!(refused, "a damaged file was added to");
        assert_eq!(std::fs::read(home.path().join("cron/jobs.json")).expect("it is there"), file);
        return;
    };
    match work(&CronJob::Add(new(&word, &name)), &around) {
        Ok(CronDone::Added(added)) => {
            let mut wanted = before.clone();
            wanted.push((*added).clone());
            assert_eq!(listed(&around), Some(wanted));
            let job = added.id;
            is_changed(work(&CronJob::Pause { job: job.clone() }, &around), "paused");
            is_changed(work(&CronJob::Resume { job: job.clone() }, &around), "scheduled");
            let removed = work(&CronJob::Remove { job }, &around);
            assert!(matches!(removed, Ok(CronDone::Removed(_))), "{removed:?}");
            assert_eq!(listed(&around), Some(before));
        }
        Ok(CronDone::Refused(why)) => assert!(why.len() <= SENTENCE_MAX, "{why}"),
        other => panic!("{other:?}"),
    }
    let job = name.into_owned();
    for ask in
        [CronJob::Pause { job: job.clone() }, CronJob::Resume { job: job.clone() }, CronJob::Remove { job }]
    {
        if let Ok(CronDone::Refused(why)) = work(&ask, &around) {
            assert!(why.len() <= SENTENCE_MAX, "{why}");
        }
    }
    assert!(listed(&around).is_some(), "the file was damaged by a change");
}

fn new(schedule: &str, prompt: &str) -> NewCron {
    NewCron { name: String::new(), schedule: schedule.to_owned(), prompt: prompt.to_owned(), model: None }
}

fn listed(around: &Around<'_>) -> Option<Vec<CronView>> {
    match work(&CronJob::List, around) {
        Ok(CronDone::Listed(jobs)) => Some(jobs),
        Ok(other) => panic!("{other:?}"),
        Err(error) => {
            assert!(error.message.len() <= SENTENCE_MAX, "{error:?}");
            None
        }
    }
}

fn is_changed<E: std::fmt::Debug>(done: Result<CronDone, E>, state: &str) {
    match done {
        Ok(CronDone::Changed(job)) => assert_eq!(job.state, state),
        // A time that was still to come when it was added is not gone a moment later.
        other => panic!("{other:?}"),
    }
}
