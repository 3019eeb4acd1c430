//! What was learned, in files of any content: two files of memories, a skill and what is known of its use. All
//! of it is listed, drawn, shown, changed and removed; nothing of a drawing acts on a terminal.

use jiff::Zoned;
use tui_gateway::learning::{Around, run as work};
use tui_gateway::model::learning::{Chart, DrawSize, Learned, LearnedKind, LearningDone, LearningJob};

use super::home::{Scratch, parts};

/// Drawings that are asked for: the least, the usual, and one that no terminal has.
const SIZES: [DrawSize; 3] = [
    DrawSize { cols: 0, rows: 0, frames: 2 },
    DrawSize { cols: 80, rows: 24, frames: 12 },
    DrawSize { cols: 400, rows: 200, frames: 60 },
];

/// Pieces of all rows of a drawing at most.
const PIECES_MAX: usize = 60_000;

pub(crate) fn run(bytes: &[u8]) {
    let [memory, profile, skill, usage] = parts(bytes);
    let home = Scratch::new("learning");
    for (name, bytes) in [
        ("memories/MEMORY.md", memory),
        ("memories/USER.md", profile),
        ("skills/code/a/SKILL.md", skill),
        ("skills/b/SKILL.md", skill),
        ("skills/.usage.json", usage),
    ] {
        home.write(name, bytes);
    }
    let now: Zoned = "2026-07-01T14:00:00+02:00[+02:00]".parse().expect("a time");
    let around = Around { home: home.path(), folders: &[], now: &now };
    for size in SIZES {
        match work(&LearningJob::Draw(size), &around) {
            Ok(LearningDone::Drawn(chart)) => is_drawable(&chart),
            other => panic!("{other:?}"),
        }
    }
    let all = listed(&around);
    for node in &all {
        let id = node.id.clone();
        let content = match work(&LearningJob::Detail { id: id.clone() }, &around) {
            Ok(LearningDone::Detail { content, .. }) => content,
            // It is there, and no text.
            Err(_) if node.kind == LearnedKind::Skill && str::from_utf8(skill).is_err() => continue,
            other => panic!("{id}: {other:?}"),
        };
        // Its own text is a text that it may have, if it is one that may be written.
        let done = work(&LearningJob::Edit { id: id.clone(), content: content.clone() }, &around);
        if node.kind == LearnedKind::Memory {
            assert!(matches!(done, Ok(LearningDone::Changed(_))), "{done:?}");
            let again = work(&LearningJob::Detail { id }, &around);
            assert!(matches!(again, Ok(LearningDone::Detail { content: now, .. }) if now == content));
        }
    }
    // From the last place on, so that those in front of it stay.
    let mut ids: Vec<&str> = all.iter().map(|node| node.id.as_str()).collect();
    ids.sort_by_key(|id| {
        std::cmp::Reverse(id.rsplit(':').next().and_then(|place| place.parse::<usize>().ok()))
    });
    for id in ids {
        let done = work(&LearningJob::Delete { id: id.to_owned() }, &around);
        assert!(done.is_ok(), "{done:?}");
    }
    let left = listed(&around);
    assert!(left.iter().all(|node| node.kind == LearnedKind::Skill), "{left:?}");
}

fn listed(around: &Around<'_>) -> Vec<Learned> {
    match work(&LearningJob::List, around) {
        Ok(LearningDone::Listed(all)) => {
            assert!(all.is_sorted_by_key(|node| node.at));
            for node in &all {
                [&node.label, &node.meta, &node.category].into_iter().for_each(|text| is_line(text));
            }
            all
        }
        other => panic!("{other:?}"),
    }
}

fn is_drawable(chart: &Chart) {
    let mut pieces = 0;
    for frame in &chart.frames {
        assert!((0.0..=1.0).contains(&frame.reveal));
        for run in frame.grid.iter().flatten() {
            pieces += 1;
            is_line(&run.text);
            assert!((0.0..=1.0).contains(&run.alpha));
        }
        frame.labels.iter().for_each(|label| is_line(&label.label));
    }
    assert!(pieces <= PIECES_MAX, "{pieces} pieces");
    chart.summary.iter().chain(&chart.axis).for_each(|line| is_line(line));
    chart.categories.iter().for_each(|category| is_line(&category.label));
}

fn is_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?} acts on a terminal");
}
