//! Lines that begin with `job cron`, `job learning` and `job browser`: what comes of scheduled jobs, of what
//! was learned, and of a look at a browser.

use tui_gateway::model::cron::{CronDone, CronError, CronView};
use tui_gateway::model::job::JobResult;
use tui_gateway::model::learning::{
    Chart, ChartBucket, ChartFrame, ChartLabel, ChartRun, ChartStyle, Learned, LearnedKind, LearningDone,
    LearningError,
};

/// What comes of scheduled jobs.
pub(super) fn cron(words: &[&str]) -> JobResult {
    let view = |name: &&str| CronView {
        id: "159e3c46fa58".to_owned(),
        name: (*name).to_owned(),
        prompt_preview: "Summarise the log".to_owned(),
        schedule: "every 120m".to_owned(),
        repeat: "forever".to_owned(),
        deliver: "local".to_owned(),
        next_run_at: Some("2026-07-01T14:00:00+00:00".to_owned()),
        enabled: true,
        state: "scheduled".to_owned(),
        ..CronView::default()
    };
    let done = match words {
        ["listed", names @ ..] => CronDone::Listed(names.iter().map(view).collect()),
        ["added", name] => CronDone::Added(Box::new(view(name))),
        ["changed", name] => CronDone::Changed(Box::new(view(name))),
        ["removed", name] => CronDone::Removed(Box::new(view(name))),
        ["refused", why] => CronDone::Refused((*why).to_owned()),
        ["ambiguous", message, names @ ..] => {
            CronDone::Ambiguous { message: (*message).to_owned(), matches: names.iter().map(view).collect() }
        }
        ["broken", why] => return JobResult::Cron(Err(CronError { message: (*why).to_owned() })),
        _ => panic!("no scheduled jobs end so: {words:?}"),
    };
    JobResult::Cron(Ok(Box::new(done)))
}

/// What comes of what was learned.
pub(super) fn learning(words: &[&str]) -> JobResult {
    let done = match words {
        ["drawn"] => LearningDone::Drawn(Box::new(chart())),
        ["listed"] => LearningDone::Listed(vec![memory()]),
        ["detail", content] => LearningDone::Detail {
            kind: LearnedKind::Memory,
            label: (*content).to_owned(),
            content: (*content).to_owned(),
        },
        ["changed", text] => LearningDone::Changed((*text).to_owned()),
        ["refused", why] => LearningDone::Refused((*why).to_owned()),
        ["broken", why] => return JobResult::Learning(Err(LearningError { message: (*why).to_owned() })),
        _ => panic!("nothing learned ends so: {words:?}"),
    };
    JobResult::Learning(Ok(Box::new(done)))
}

/// What comes of a look at a browser.
pub(super) fn browser(words: &[&str]) -> JobResult {
    JobResult::Browser(match words {
        ["found"] => Ok(()),
        ["lost", why] => Err((*why).to_owned()),
        _ => panic!("no look at a browser ends so: {words:?}"),
    })
}

fn memory() -> Learned {
    Learned {
        id: "memory:memory:0".to_owned(),
        kind: LearnedKind::Memory,
        label: "first".to_owned(),
        meta: "memory".to_owned(),
        body: "first".to_owned(),
        category: String::new(),
        at: 1_782_900_000,
        uses: 0,
    }
}

fn chart() -> Chart {
    let run = ChartRun {
        text: "◆".to_owned(),
        style: ChartStyle::Of(LearnedKind::Memory),
        alpha: 1.0,
        colour: None,
    };
    let label = ChartLabel {
        key: "1".to_owned(),
        kind: LearnedKind::Memory,
        label: "first".to_owned(),
        meta: "memory".to_owned(),
        alpha: 1.0,
    };
    let bucket = ChartBucket {
        label: "Jul 01".to_owned(),
        date: "2026-07-01".to_owned(),
        category: None,
        colour: None,
        nodes: vec![memory()],
    };
    let frame = ChartFrame {
        reveal: 1.0,
        date: "2026-07-01".to_owned(),
        visible: 1,
        grid: vec![vec![run]],
        labels: vec![label],
    };
    Chart {
        frames: vec![frame],
        buckets: vec![bucket],
        summary: vec!["0 learned skills · 1 memories".to_owned()],
        axis: ["2026-07-01".to_owned(), "2026-07-01".to_owned()],
        memories: 1,
        ..Chart::default()
    }
}
