//! A picture: axes, lines, bars, names. Owns sizes, colours by class, and the writing of SVG.

use std::fmt::Write;

use super::axis::Axis;
use super::escape::escape;

/// Width of every picture, and the height of one with curves, in pixels.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 340.0;

/// Room around the axes: left for names of values, right, above for title and legend, below for names.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const ABOVE: f64 = 58.0;
const BELOW: f64 = 48.0;

/// Room for the names of bars, for what they say in numbers, and the height of each.
const BAR_NAMES: f64 = 360.0;
const BAR_WORDS: f64 = 150.0;
const BAR_HEIGHT: f64 = 22.0;

/// Height of a character, and the width of most.
const CHAR: f64 = 7.0;

/// Most characters of a name; the rest is cut.
const NAME_MAX: usize = 60;

/// The look, light and dark. Colours of gateways differ in brightness too.
pub(super) const STYLE: &str = "\
svg{font:12px system-ui,sans-serif;background:var(--paper)}\
svg,body{--paper:#fff;--ink:#1f2328;--dim:#656d76;--line:#d8dee4;\
--one:#0a58ca;--other:#d35400;--good:#1a7f37;--bad:#cf222e}\
@media(prefers-color-scheme:dark){svg,body{--paper:#0d1117;--ink:#e6edf3;--dim:#8d96a0;--line:#30363d;\
--one:#6cb6ff;--other:#f5a45d;--good:#3fb950;--bad:#ff7b72}}\
svg text{fill:var(--ink)}svg .dim{fill:var(--dim)}svg .title{font-weight:600;font-size:14px}\
svg .grid{stroke:var(--line);stroke-width:1}svg .axis{stroke:var(--dim);stroke-width:1}\
svg .curve{fill:none;stroke-width:2;stroke-linejoin:round}\
svg .s0{stroke:var(--one)}svg .s1{stroke:var(--other);stroke-dasharray:6 3}\
svg .f0{fill:var(--one)}svg .f1{fill:var(--other)}\
svg .better{stroke:var(--good);fill:var(--good)}svg .worse{stroke:var(--bad);fill:var(--bad)}\
svg .same,svg .unclear{stroke:var(--dim);fill:var(--dim)}svg .whisker{stroke-width:2}";

/// A line of one gateway.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Line {
    pub(super) label: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// What stands on a picture of lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'w> {
    pub(super) title: &'w str,
    pub(super) x: &'w str,
    pub(super) y: &'w str,
}

/// A ratio with its interval.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) low: f64,
    pub(super) middle: f64,
    pub(super) high: f64,
    /// What it says in numbers.
    pub(super) words: String,
    /// A verdict.
    pub(super) class: &'static str,
}

/// Lines over two axes.
pub(super) fn lines(words: Words<'_>, x: Axis, y: Axis, all: &[Line]) -> String {
    let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - ABOVE - BELOW);
    let (bottom, right) = (HEIGHT - BELOW, WIDTH - RIGHT);
    let across = |value: f64| LEFT + width * x.place(value);
    let up = |value: f64| bottom - height * y.place(value);
    let mut out = begin(HEIGHT, words.title);
    for (value, name) in y.ticks() {
        let at = up(value);
        line(&mut out, "grid", (LEFT, at), (right, at));
        text(&mut out, "dim", "end", (LEFT - 6.0, at + 4.0), &name);
    }
    for (value, name) in x.ticks() {
        let at = across(value);
        line(&mut out, "axis", (at, bottom), (at, bottom + 4.0));
        text(&mut out, "dim", "middle", (at, bottom + 18.0), &name);
    }
    line(&mut out, "axis", (LEFT, bottom), (right, bottom));
    text(&mut out, "dim", "end", (right, HEIGHT - 10.0), words.x);
    text(&mut out, "dim", "start", (8.0, ABOVE - 12.0), words.y);
    for (at, one) in all.iter().enumerate() {
        let mut path = String::new();
        for (index, (px, py)) in one.points.iter().enumerate() {
            let step = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{step}{:.1} {:.1}", across(*px), up(*py));
        }
        let _ = write!(out, r#"<path class="curve s{}" d="{path}"/>"#, at % 2);
    }
    let labels: Vec<&str> = all.iter().map(|line| line.label.as_str()).collect();
    legend(&mut out, &labels);
    out.push_str("</svg>");
    out
}

/// Ratios below one another. `axis` has to hold 1.
pub(super) fn bars(title: &str, axis: Axis, all: &[Bar]) -> String {
    let height = ABOVE + BELOW + BAR_HEIGHT * all.len() as f64;
    let (left, right) = (BAR_NAMES, WIDTH - BAR_WORDS);
    let (top, bottom) = (ABOVE - 14.0, height - BELOW);
    let across = |value: f64| left + (right - left) * axis.place(value);
    let mut out = begin(height, title);
    for (value, name) in axis.ticks() {
        line(&mut out, "grid", (across(value), top), (across(value), bottom));
        text(&mut out, "dim", "middle", (across(value), bottom + 16.0), &name);
    }
    line(&mut out, "axis", (across(1.0), top), (across(1.0), bottom));
    for (at, bar) in all.iter().enumerate() {
        let y = ABOVE + BAR_HEIGHT * (at as f64 + 0.5);
        text(&mut out, "", "end", (left - 10.0, y + 4.0), &bar.name);
        let class = format!("whisker {}", bar.class);
        line(&mut out, &class, (across(bar.low), y), (across(bar.high), y));
        for end in [bar.low, bar.high] {
            line(&mut out, &class, (across(end), y - 4.0), (across(end), y + 4.0));
        }
        let _ = write!(
            out,
            r#"<circle class="{}" cx="{:.1}" cy="{y:.1}" r="4"/>"#,
            bar.class,
            across(bar.middle)
        );
        text(&mut out, "dim", "start", (right + 10.0, y + 4.0), &bar.words);
    }
    out.push_str("</svg>");
    out
}

/// A picture as a file of its own.
pub(super) fn standalone(svg: &str) -> String {
    svg.replacen('>', &format!("><style>{STYLE}</style>"), 1)
}

fn begin(height: f64, title: &str) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    // A page may be of another colour than its pictures.
    let _ = write!(out, r#"<rect width="{WIDTH}" height="{height}" fill="var(--paper)"/>"#);
    text(&mut out, "title", "start", (8.0, 20.0), title);
    out
}

/// Names of gateways, to the right above the axes.
fn legend(out: &mut String, labels: &[&str]) {
    let mut x = WIDTH - RIGHT;
    for (at, label) in labels.iter().enumerate().rev() {
        let label: String = label.chars().take(NAME_MAX).collect();
        text(out, "", "end", (x, ABOVE - 12.0), &label);
        x -= CHAR * label.chars().count() as f64 + 8.0;
        let class = format!("curve s{}", at % 2);
        line(out, &class, (x - 26.0, ABOVE - 16.0), (x, ABOVE - 16.0));
        x -= 44.0;
    }
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = write!(
        out,
        r#"<line class="{class}" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
        from.0, from.1, to.0, to.1
    );
}

fn text(out: &mut String, class: &str, anchor: &str, at: (f64, f64), words: &str) {
    let words: String = words.chars().take(NAME_MAX).collect();
    let _ = write!(
        out,
        r#"<text class="{class}" text-anchor="{anchor}" x="{:.1}" y="{:.1}">{}</text>"#,
        at.0,
        at.1,
        escape(&words)
    );
}

#[cfg(test)]
mod tests {
    use super::{Bar, Line, Words, bars, lines, standalone};
    use crate::bench::report::axis::{Axis, Scale};

    #[test]
    fn a_picture_is_whole_and_nothing_gets_out_of_its_words() {
        let hostile = "</text><script>".to_owned();
        let axis = Axis::around(Scale::Linear, [0.0, 10.0].into_iter());
        let all = [Line { label: hostile.clone(), points: vec![(0.0, 1.0), (10.0, f64::NAN)] }];
        let drawn = lines(Words { title: &hostile, x: &hostile, y: &hostile }, axis, axis, &all);
        let bar = Bar {
            name: hostile.clone(),
            low: 0.5,
            middle: 1.0,
            high: 2.0,
            words: hostile.clone(),
            class: "same",
        };
        for svg in [drawn, bars(&hostile, axis, &[bar])] {
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
            assert!(!svg.contains("<script") && !svg.contains("NaN"), "{svg}");
            assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
            let alone = standalone(&svg);
            assert_eq!(alone.matches("<style>").count(), 1);
            assert!(
                !alone.contains("http://") || alone.matches("http://").count() == 1,
                "only the name space"
            );
        }
    }
}
