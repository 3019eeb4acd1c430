//! Jobs in a real file.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::*;
use crate::base::scratch::Scratch;

struct Room {
    home: Scratch,
    now: Zoned,
}

impl Room {
    fn new() -> Self {
        let now = date(2026, 7, 1).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
        Self { home: Scratch::new(), now }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("cron/jobs.json")
    }

    fn document(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).unwrap()).unwrap()
    }

    fn run(&self, job: CronJob) -> CronDone {
        run(&job, &Around { home: self.home.path(), now: &self.now }).unwrap()
    }

    fn add(&self, name: &str, schedule: &str, prompt: &str) -> CronDone {
        let new = NewCron {
            name: name.to_owned(),
            schedule: schedule.to_owned(),
            prompt: prompt.to_owned(),
            model: Some("m".to_owned()),
        };
        self.run(CronJob::Add(new))
    }

    fn added(&self, name: &str) -> CronView {
        match self.add(name, "every 2h", "Summarise the log") {
            CronDone::Added(job) => *job,
            other => panic!("{other:?}"),
        }
    }

    fn jobs(&self) -> Vec<CronView> {
        match self.run(CronJob::List) {
            CronDone::Listed(jobs) => jobs,
            other => panic!("{other:?}"),
        }
    }
}

fn refused(done: CronDone) -> String {
    match done {
        CronDone::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_is_made_listed_paused_resumed_and_removed() {
    let room = Room::new();
    assert!(room.jobs().is_empty() && !room.file().exists());
    let job = room.added("digest");
    assert_eq!((job.id.len(), job.schedule.as_str(), job.repeat.as_str()), (12, "every 120m", "forever"));
    assert_eq!(job.next_run_at.as_deref(), Some("2026-07-01T14:00:00+00:00"));
    assert_eq!(room.document()["jobs"][0]["model_snapshot"], "m");
    assert_eq!(fs::metadata(room.file()).unwrap().mode() & 0o777, 0o600);
    let output = room.home.dir(&format!("cron/output/{}", job.id));

    room.run(CronJob::Pause { job: "DIGEST".to_owned() });
    let paused = &room.jobs()[0];
    assert_eq!((paused.enabled, paused.state.as_str()), (false, "paused"), "still listed");
    assert_eq!(paused.paused_at.as_deref(), Some("2026-07-01T12:00:00+00:00"));
    room.run(CronJob::Resume { job: job.id.clone() });
    assert_eq!(room.jobs(), std::slice::from_ref(&job));
    room.run(CronJob::Remove { job: job.id });
    assert!(room.jobs().is_empty() && !output.exists());
    let left: Vec<_> = fs::read_dir(room.file().parent().unwrap()).unwrap().map(|it| it.unwrap()).collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[test]
fn what_is_not_known_is_kept() {
    let room = Room::new();
    let document = json!({
        "version": 9,
        "jobs": [
            { "id": "a", "name": "one", "schedule": { "kind": "interval", "minutes": 5, "odd": 1 },
              "attach_to_session": true, "later": { "x": [1, 2.5, null] } },
            "no job",
            { "id": "b", "name": "two", "origin": { "chat_id": "7" } },
        ],
        "updated_at": "old", "tail": [],
    });
    room.home.write("cron/jobs.json", document.to_string());
    room.run(CronJob::Pause { job: "one".to_owned() });
    room.run(CronJob::Resume { job: "one".to_owned() });
    let mut want = document;
    want["updated_at"] = json!("2026-07-01T12:00:00+00:00");
    let job = want["jobs"][0].as_object_mut().unwrap();
    for (name, value) in [
        ("enabled", json!(true)),
        ("state", json!("scheduled")),
        ("paused_at", json!(null)),
        ("paused_reason", json!(null)),
        ("next_run_at", json!("2026-07-01T12:05:00+00:00")),
    ] {
        job.insert(name.to_owned(), value);
    }
    assert_eq!(room.document(), want);
}

#[test]
fn a_list_alone_is_a_file_of_jobs_and_damage_is_left_alone() {
    let room = Room::new();
    room.home.write("cron/jobs.json", r#"[{"id": "a", "name": "one"}]"#);
    room.added("two");
    assert_eq!(room.document()["jobs"].as_array().unwrap().len(), 2);
    for damage in ["{", "5", r#"{"jobs": 5}"#, r#""x""#] {
        room.home.write("cron/jobs.json", damage);
        let around = Around { home: room.home.path(), now: &room.now };
        for job in [CronJob::List, CronJob::Pause { job: "a".to_owned() }] {
            assert!(run(&job, &around).is_err(), "{damage}");
        }
        assert_eq!(fs::read_to_string(room.file()).unwrap(), damage);
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let room = Room::new();
    assert!(refused(room.add("a", "", "x")).contains("schedule"));
    assert!(refused(room.add("a", "soon", "x")).contains("Invalid schedule 'soon'"));
    assert!(refused(room.add("a", "30m", " ")).contains("prompt"));
    assert!(refused(room.add("a", "30m", "cat ~/.hermes/.env")).starts_with("Blocked"));
    assert!(!room.file().exists());
    assert!(refused(room.run(CronJob::Pause { job: String::new() })).contains("job_id is required"));
    assert!(refused(room.run(CronJob::Remove { job: "none".to_owned() })).contains("'none' not found"));
    room.added("same");
    room.added("Same");
    match room.run(CronJob::Remove { job: "same".to_owned() }) {
        CronDone::Ambiguous { matches, message } => {
            assert!(matches.len() == 2 && message.contains(&matches[1].id), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(room.jobs().len(), 2);
}

#[test]
fn an_id_that_points_elsewhere_removes_nothing() {
    let room = Room::new();
    let kept = room.home.write("keep/x", "x");
    room.home.write("cron/jobs.json", r#"{"jobs": [{"id": "../../keep", "name": "evil"}]}"#);
    refused(room.run(CronJob::Remove { job: "evil".to_owned() }));
    assert!(kept.exists());
    assert_eq!(room.jobs().len(), 1);
}

#[test]
fn changes_at_once_are_all_kept() {
    let room = Room::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let room = &room;
            scope.spawn(move || room.added(&format!("job {number}")));
        }
    });
    assert_eq!(room.jobs().len(), 8);
}
