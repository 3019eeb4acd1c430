//! Text for terminals, for clients that ask for it: Markdown and diffs with ANSI colours. Knows text and a
//! width; not what it belongs to.
//!
//! The text is a model's, or somebody else's whom the model read: nothing of it may reach the terminal but
//! letters. Escape sequences are removed before it is read, control characters once more as it is written
//! (`&#27;` becomes one in between).

mod clean;
mod diff;
mod flow;
mod markdown;
mod paper;
mod style;
mod table;
mod width;

use std::panic::catch_unwind;

/// Longer texts, in bytes, are not rendered: the loop does it, and this much is a few milliseconds.
pub const TEXT_BYTES_MAX: usize = 128 << 10;

/// What would become longer than this, in bytes, is not rendered. Tables of many empty cells and rules grow.
pub const RENDERED_BYTES_MAX: usize = 512 << 10;

/// Quotes and list items that may begin on one line of Markdown. The parser goes through all that are open for
/// every line, so that tens of thousands would hold the loop up for a second; people need a handful.
const MARKERS_MAX: usize = 100;

/// Columns that are rendered for, whatever the terminal says: beyond the first nobody reads a line, below the
/// second there is no room for it beside its indent.
const COLS: (usize, usize) = (20, 400);

/// `text`, which is Markdown, as a terminal of `cols` columns shows it. `None` if there is nothing to show, or
/// too much.
pub fn markdown(text: &str, cols: usize) -> Option<String> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    // The parser is not ours, and a defect of it must not be the end of the loop.
    catch_unwind(|| markdown::render(text, cols.clamp(COLS.0, COLS.1))).ok().flatten()
}

/// `text`, which is a unified diff, with colours. `None` if there is nothing to show, or too much.
pub fn diff(text: &str) -> Option<String> {
    (text.len() <= TEXT_BYTES_MAX).then(|| diff::render(text)).flatten()
}

#[cfg(test)]
mod tests;
