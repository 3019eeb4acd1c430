//! Pictures of how learning grew: slices of time as rows, with a bar for what was learned in each; one picture
//! after the other shows a row more. Pure. Bounded: what a client asks for decides how many rows there are,
//! never how much is drawn altogether.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::learning::{
    Chart, ChartBucket, ChartCategory, ChartFrame, ChartLabel, ChartRun, ChartStyle, DrawSize, Learned,
    LearnedKind,
};

/// Smallest picture (the original's).
const COLS_MIN: usize = 44;
const ROWS_MIN: usize = 14;

/// Rows of a picture that are no slices (the original's).
const ROWS_BESIDE: usize = 3;

/// Days that have a row each, also where the picture is lower (the original's).
const DAYS_MAX: usize = 32;

/// Rows of all pictures together, where days do not need more: some 30,000 pieces.
const ROWS_TOTAL_MAX: usize = 4_096;

/// Columns of a row that are no bar: its name, lines, counts and a remark.
const COLS_BESIDE: usize = 30;

/// Characters of a name in a picture (the original's), and of a slice's.
const NAME_CHARS_MAX: usize = 26;
const LABEL_CHARS_MAX: usize = 9;

/// Names that are marked in a picture (the original's).
const LABELS_MAX: usize = 6;

/// Categories that are named (the original's).
const CATEGORIES_MAX: usize = 4;

/// Colours of categories, the most frequent first.
const COLOURS: [&str; 8] =
    ["#6ea8e0", "#e0a86e", "#8ed08a", "#d98ac4", "#d6cf6b", "#7fd0c8", "#b59ae6", "#e08585"];

/// What stands where there is nothing.
const NOTHING: &str = "nothing learned yet: skills and memories will show up here";

/// Draws what was learned, oldest first.
pub(super) fn draw(nodes: Vec<Learned>, size: DrawSize, zone: &TimeZone) -> Chart {
    let count = |kind| nodes.iter().filter(|node| node.kind == kind).count();
    let (skills, memories) = (count(LearnedKind::Skill), count(LearnedKind::Memory));
    let mut summary = vec![format!("{skills} learned skills · {memories} memories")];
    if nodes.is_empty() {
        let run = piece(NOTHING, ChartStyle::Dim, 0.7);
        let frame = |reveal| ChartFrame { reveal, grid: vec![vec![run.clone()]], ..ChartFrame::default() };
        let axis = ["oldest".to_owned(), "now".to_owned()];
        let frames = reveals(size.frames).map(frame).collect();
        return Chart { frames, summary, axis, ..Chart::default() };
    }
    let colours = Colours::new(&nodes);
    let categories = colours.legend();
    let buckets = buckets(nodes, size, zone, &colours);
    let busiest = buckets.iter().max_by_key(|bucket| bucket.nodes.len());
    summary.extend(busiest.map(|bucket| format!("most in {}: {}", bucket.label, bucket.nodes.len())));
    let date = |bucket: Option<&ChartBucket>| bucket.map(|it| it.date.clone()).unwrap_or_default();
    let axis = [date(buckets.first()), date(buckets.last())];
    let rows = rows(&buckets, size.cols);
    let frames = reveals(size.frames).map(|reveal| frame(&buckets, &rows, reveal)).collect();
    Chart { frames, categories, buckets, summary, axis, skills, memories }
}

/// Evenly from 0 to 1.
fn reveals(frames: usize) -> impl Iterator<Item = f64> {
    let last = frames.max(2) - 1;
    (0..=last).map(move |at| at as f64 / last as f64)
}

fn piece(text: impl Into<String>, style: ChartStyle, alpha: f64) -> ChartRun {
    ChartRun { text: text.into(), style, alpha, colour: None }
}

/// Categories of skills, the largest first.
struct Colours(Vec<(String, usize)>);

impl Colours {
    fn new(nodes: &[Learned]) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for node in nodes.iter().filter(|node| node.kind == LearnedKind::Skill) {
            *counts.entry(&node.category).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> =
            counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self(counts)
    }

    fn of(&self, category: &str) -> Option<&'static str> {
        let at = self.0.iter().position(|(name, _)| name == category)?;
        COLOURS.get(at % COLOURS.len()).copied()
    }

    fn legend(&self) -> Vec<ChartCategory> {
        let named = self.0.iter().take(CATEGORIES_MAX);
        let mut legend: Vec<ChartCategory> = named
            .map(|(name, count)| ChartCategory { colour: self.of(name), label: format!("{name} ({count})") })
            .collect();
        if let Some(rest) = self.0.len().checked_sub(CATEGORIES_MAX).filter(|rest| *rest > 0) {
            legend.push(ChartCategory { colour: None, label: format!("+{rest}") });
        }
        legend
    }
}

/// What days of one slice of time have in common.
type Span = fn(Date) -> (i16, i8, i8);

/// Slices of time: days, else months, else years, else equal parts, the finest that fit.
fn buckets(nodes: Vec<Learned>, size: DrawSize, zone: &TimeZone, colours: &Colours) -> Vec<ChartBucket> {
    let total = (ROWS_TOTAL_MAX / size.frames.max(1)).max(ROWS_MIN);
    let most = size.rows.max(ROWS_MIN).saturating_sub(ROWS_BESIDE).min(total);
    let days: Vec<Zoned> = nodes.iter().map(|node| day(node.at, zone)).collect();
    let forms: [(&str, usize); 3] = [("%b %d", most.max(DAYS_MAX)), ("%b %Y", most), ("%Y", most)];
    let keys: [Span; 3] = [
        |date: Date| (date.year(), date.month(), date.day()),
        |date: Date| (date.year(), date.month(), 0),
        |date: Date| (date.year(), 0, 0),
    ];
    for ((form, fits), key) in forms.into_iter().zip(keys) {
        let mut slices: BTreeMap<(i16, i8, i8), Vec<usize>> = BTreeMap::new();
        for (at, day) in days.iter().enumerate() {
            slices.entry(key(day.date())).or_default().push(at);
        }
        if slices.len() <= fits {
            let slices = slices.into_values().collect();
            return filled(nodes, &days, slices, form, colours);
        }
    }
    let places: Vec<usize> = (0..nodes.len()).collect();
    let slices = places.chunks(nodes.len().div_ceil(most)).map(<[usize]>::to_vec).collect();
    filled(nodes, &days, slices, "%y-%m-%d", colours)
}

fn day(at: i64, zone: &TimeZone) -> Zoned {
    Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

/// The slices, with what is in them. Nodes are in the order of time, so that every slice is a run of them.
fn filled(
    nodes: Vec<Learned>,
    days: &[Zoned],
    slices: Vec<Vec<usize>>,
    form: &str,
    colours: &Colours,
) -> Vec<ChartBucket> {
    let mut rest = nodes.into_iter();
    let bucket = |slice: Vec<usize>| {
        let nodes: Vec<Learned> = rest.by_ref().take(slice.len()).collect();
        let last = slice.last().and_then(|at| days.get(*at));
        let said = |form: &str| last.map(|day| day.strftime(form).to_string()).unwrap_or_default();
        let category = category(&nodes);
        let colour = category.as_deref().and_then(|category| colours.of(category));
        ChartBucket { label: said(form), date: said("%F"), category, colour, nodes }
    };
    slices.into_iter().map(bucket).collect()
}

/// The category of most skills.
fn category(nodes: &[Learned]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.kind == LearnedKind::Skill) {
        *counts.entry(&node.category).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.to_owned())
}

/// A row that is drawn once, and shown from its picture on.
struct Row {
    runs: Vec<ChartRun>,
    label: Option<ChartLabel>,
    total: usize,
}

fn rows(buckets: &[ChartBucket], cols: usize) -> Vec<Row> {
    let bar = cols.max(COLS_MIN) - COLS_BESIDE;
    let most = buckets.iter().map(|bucket| bucket.nodes.len()).max().unwrap_or(1).max(1);
    let mut marks = 1..=LABELS_MAX;
    let row = |(at, bucket): (usize, &ChartBucket)| {
        let alpha = 0.45 + 0.55 * (at + 1) as f64 / buckets.len() as f64;
        let label = bucket.nodes.iter().max_by_key(|node| node.uses).and_then(|node| {
            let key = marks.next()?.to_string();
            Some(ChartLabel {
                key,
                kind: node.kind,
                label: short(&node.label),
                meta: node.meta.clone(),
                alpha,
            })
        });
        row(bucket, label, alpha, bar, most)
    };
    buckets.iter().enumerate().map(row).collect()
}

fn row(bucket: &ChartBucket, label: Option<ChartLabel>, alpha: f64, bar: usize, most: usize) -> Row {
    let (skills, memories) = (bucket.count(LearnedKind::Skill), bucket.count(LearnedKind::Memory));
    let total = skills + memories;
    // Whoever learned something has a bar, and whoever learned both has both.
    let length = (total * bar / most).clamp(1, bar);
    let of_skills = match (skills, memories) {
        (0, _) => 0,
        (_, 0) => length,
        _ => (skills * length / total.max(1)).clamp(1, length.max(2) - 1),
    };
    let of_memories = if memories == 0 { 0 } else { length.saturating_sub(of_skills).max(1) };
    let name = format!("{:>LABEL_CHARS_MAX$} ", bucket.label);
    let mark = label.as_ref().map_or(" ", |label| label.key.as_str()).to_owned();
    let (skill, memory) = (ChartStyle::Of(LearnedKind::Skill), ChartStyle::Of(LearnedKind::Memory));
    let mut runs = vec![
        piece(name, ChartStyle::Label, alpha),
        piece("│ ", ChartStyle::Dim, 0.55),
        piece(mark, ChartStyle::Label, 0.95),
    ];
    if of_skills > 0 {
        runs.push(ChartRun { colour: bucket.colour, ..piece("━".repeat(of_skills), skill, alpha) });
    }
    if of_memories > 0 {
        runs.push(piece("◆".repeat(of_memories), memory, alpha));
    }
    let gap = (bar + 2).saturating_sub(of_skills + of_memories);
    runs.push(piece(" ".repeat(gap), ChartStyle::Background, 1.0));
    runs.push(piece(skills.to_string(), skill, alpha));
    if memories > 0 {
        runs.push(piece(format!("+{memories}"), memory, alpha));
    }
    Row { runs, label, total }
}

fn frame(buckets: &[ChartBucket], rows: &[Row], reveal: f64) -> ChartFrame {
    let shown = ((reveal * rows.len() as f64).ceil() as usize).min(rows.len());
    let date = shown.checked_sub(1).and_then(|last| buckets.get(last)).map(|bucket| bucket.date.clone());
    let mut grid: Vec<Vec<ChartRun>> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| if at < shown { row.runs.clone() } else { Vec::new() })
        .collect();
    if let Some(last) = shown.checked_sub(1).and_then(|last| grid.get_mut(last)) {
        last.push(piece("  ◀ now", ChartStyle::Label, 0.9));
    }
    ChartFrame {
        reveal,
        date: date.unwrap_or_default(),
        visible: rows.iter().take(shown).map(|row| row.total).sum(),
        grid,
        labels: rows.iter().take(shown).filter_map(|row| row.label.clone()).collect(),
    }
}

/// A name as it stands in a picture.
fn short(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(NAME_CHARS_MAX - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: DrawSize = DrawSize { cols: 80, rows: 24, frames: 5 };

    const DAY: i64 = 24 * 60 * 60;

    fn node(kind: LearnedKind, at: i64) -> Learned {
        let category = if kind == LearnedKind::Skill { "code" } else { "" };
        Learned {
            id: at.to_string(),
            kind,
            label: "x".repeat(99),
            meta: String::new(),
            body: String::new(),
            category: category.to_owned(),
            at,
            uses: 1,
        }
    }

    fn skills(count: i64, apart: i64) -> Vec<Learned> {
        (0..count).map(|number| node(LearnedKind::Skill, number * apart)).collect()
    }

    #[test]
    fn nothing_is_said_in_every_picture() {
        let chart = draw(Vec::new(), SIZE, &TimeZone::UTC);
        assert_eq!((chart.frames.len(), chart.buckets.len(), chart.summary.len()), (5, 0, 1));
        let frame = &chart.frames[4];
        assert_eq!((frame.reveal, frame.visible, frame.grid.len(), frame.grid[0].len()), (1.0, 0, 1, 1));
        assert_eq!(chart.axis, ["oldest", "now"]);
    }

    #[test]
    fn the_finest_slices_that_fit_are_taken() {
        for (count, apart, slices, label) in [
            (3, DAY, 3, "Jan 01"),
            (32, DAY, 32, "Jan 01"),
            (40, DAY, 2, "Jan 1970"),
            (100, 30 * DAY, 9, "1970"),
            (200, 365 * DAY, 20, "78-12-30"),
        ] {
            let chart = draw(skills(count, apart), SIZE, &TimeZone::UTC);
            assert_eq!((chart.buckets.len(), chart.buckets[0].label.as_str()), (slices, label), "{count}");
            let held: usize = chart.buckets.iter().map(|bucket| bucket.nodes.len()).sum();
            assert_eq!(held, count as usize);
        }
    }

    #[test]
    fn pictures_grow_to_everything_and_stay_in_their_columns() {
        let mut nodes = skills(5, DAY);
        nodes.push(node(LearnedKind::Memory, 5 * DAY));
        nodes.push(node(LearnedKind::Memory, 5 * DAY));
        nodes.push(node(LearnedKind::Skill, 5 * DAY));
        let chart = draw(nodes, DrawSize { cols: 44, ..SIZE }, &TimeZone::UTC);
        let visible: Vec<usize> = chart.frames.iter().map(|frame| frame.visible).collect();
        assert_eq!(visible, [0, 2, 3, 5, 8]);
        let last = &chart.frames[4];
        assert!(last.labels.len() == 6 && last.labels[0].label.chars().count() == 26);
        for row in &last.grid {
            let columns: usize = row.iter().map(|run| run.text.chars().count()).sum();
            assert!(columns <= 44, "{columns}: {row:?}");
        }
        assert_eq!(chart.categories[0].label, "code (6)");
    }

    #[test]
    fn what_is_drawn_is_bounded() {
        let size = DrawSize { cols: 400, rows: 200, frames: 240 };
        let chart = draw(skills(5_000, DAY), size, &TimeZone::UTC);
        let rows: usize = chart.frames.iter().map(|frame| frame.grid.len()).sum();
        assert!(rows <= 240 * DAYS_MAX, "{rows}");
    }
}
