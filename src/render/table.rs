//! A table as columns beside each other, or as one cell below the other where there are too many of them.

use pulldown_cmark::Alignment;

use super::flow::{Line, Piece, wrap};
use super::style::{BOLD, DIM};
use super::width;

/// Stands between two columns, with a blank on either side.
const BETWEEN: &str = "│";

/// Columns of the terminal between two of the table.
const BETWEEN_WIDTH: usize = 3;

/// The same, under the head.
const CROSSING: &str = "─┼─";

/// A column that would be narrower is not readable.
const COLUMN_MIN: usize = 6;

/// The text of a cell.
type Cell = Vec<Piece>;

/// A table as it is read. The first row is its head.
#[derive(Debug)]
pub(super) struct Table {
    sides: Vec<Alignment>,
    rows: Vec<Vec<Cell>>,
    row: Vec<Cell>,
}

impl Table {
    pub(super) fn new(sides: Vec<Alignment>) -> Self {
        Self { sides, rows: Vec::new(), row: Vec::new() }
    }

    pub(super) fn end_cell(&mut self, cell: Cell) {
        self.row.push(cell);
    }

    pub(super) fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
    }

    /// The lines, each at most `width` columns. Stops behind `most` bytes: who needs more shows nothing.
    pub(super) fn lines(&self, width: usize, most: usize) -> Vec<String> {
        let mut page = Lines { lines: Vec::new(), bytes: 0, most };
        match self.widths(width) {
            Some(widths) => self.beside(&widths, &mut page),
            None => self.below(width, &mut page),
        }
        page.lines
    }

    /// How wide each column is; `None` if there are too many of them.
    fn widths(&self, width: usize) -> Option<Vec<usize>> {
        let count = self.sides.len();
        let room = width.checked_sub(count.checked_sub(1)?.checked_mul(BETWEEN_WIDTH)?)?;
        let mut widths: Vec<usize> = vec![1; count];
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(cell.iter().map(|piece| width::of_text(&piece.text)).sum());
            }
        }
        if widths.iter().sum::<usize>() <= room {
            return Some(widths);
        }
        if room / count < COLUMN_MIN {
            return None;
        }
        // Narrow columns keep what they need, the others share the rest.
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|at| widths.get(*at).copied());
        let (mut rest, mut left) = (room, count);
        for at in order {
            if let Some(width) = widths.get_mut(at) {
                *width = (*width).min(rest / left.max(1));
                rest = rest.saturating_sub(*width);
                left = left.saturating_sub(1);
            }
        }
        Some(widths)
    }

    fn beside(&self, widths: &[usize], page: &mut Lines) {
        for (at, row) in self.rows.iter().enumerate() {
            if page.is_full() {
                return;
            }
            let cells: Vec<Vec<Line>> =
                row.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or_default();
            for level in 0..height.max(1) {
                page.put(self.level(&cells, widths, level).trim_end().to_owned());
            }
            if at == 0 {
                let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                let mut line = String::new();
                DIM.paint(&rules.join(CROSSING), &mut line);
                page.put(line);
            }
        }
    }

    /// The line at `level` of a row.
    fn level(&self, cells: &[Vec<Line>], widths: &[usize], level: usize) -> String {
        let mut out = String::new();
        for (at, ((cell, width), side)) in cells.iter().zip(widths).zip(&self.sides).enumerate() {
            if at > 0 {
                out.push(' ');
                DIM.paint(BETWEEN, &mut out);
                out.push(' ');
            }
            let (text, taken) = cell.get(level).map_or(("", 0), |line| (line.text.as_str(), line.width));
            let room = width.saturating_sub(taken);
            let before = match side {
                Alignment::Right => room,
                Alignment::Center => room / 2,
                Alignment::Left | Alignment::None => 0,
            };
            out.extend(std::iter::repeat_n(' ', before));
            out.push_str(text);
            if at + 1 < cells.len() {
                out.extend(std::iter::repeat_n(' ', room - before));
            }
        }
        out
    }

    fn below(&self, width: usize, page: &mut Lines) {
        let Some((head, rows)) = self.rows.split_first() else { return };
        if rows.is_empty() {
            head.iter().flat_map(|cell| wrap(cell, width)).for_each(|line| page.put(line.text));
        }
        for (at, row) in rows.iter().enumerate() {
            if page.is_full() {
                return;
            }
            if at > 0 {
                page.put(String::new());
            }
            for (name, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                let texts = name.iter().map(|piece| (piece.text.as_str(), piece.style));
                let texts = texts.chain([(": ", BOLD)]);
                let texts = texts.chain(cell.iter().map(|piece| (piece.text.as_str(), piece.style)));
                let pieces: Vec<Piece> = texts.filter_map(|(text, style)| Piece::new(text, style)).collect();
                wrap(&pieces, width).into_iter().for_each(|line| page.put(line.text));
                if page.is_full() {
                    return;
                }
            }
        }
    }
}

/// Lines up to a bound.
struct Lines {
    lines: Vec<String>,
    bytes: usize,
    most: usize,
}

impl Lines {
    fn is_full(&self) -> bool {
        self.bytes > self.most
    }

    fn put(&mut self, line: String) {
        if !self.is_full() {
            self.bytes += line.len() + 1;
            self.lines.push(line);
        }
    }
}
