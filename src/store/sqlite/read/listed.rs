//! One conversation as a list shows it. Knows nothing of chains.

use rusqlite::{Connection, OptionalExtension, Statement};

use super::cell;
use crate::model::store::Listed;

/// Characters of a preview; the original's.
const PREVIEW_CHARS: usize = 60;

/// Looks conversations up.
pub(super) struct Cards<'c>(Statement<'c>);

/// What is shown of a conversation.
pub(super) struct Card {
    pub(super) listed: Listed,
    /// Its model; may be empty.
    pub(super) model: String,
}

impl<'c> Cards<'c> {
    pub(super) fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        // A little more than the preview, to see that there is more. Prompts that were taken back count, as
        // in the original.
        let sql = "SELECT s.id, s.title, s.started_at, s.message_count, s.source, s.model, \
             (SELECT MAX(m.timestamp) FROM messages m WHERE m.session_id = s.id), \
             (SELECT substr(m.content, 1, 63) FROM messages m WHERE m.session_id = s.id \
             AND m.role = 'user' AND m.content IS NOT NULL ORDER BY m.timestamp, m.id LIMIT 1) \
             FROM sessions s WHERE s.id = ?1";
        conn.prepare(sql).map(Self)
    }

    /// A conversation; `None` where there is no such one.
    pub(super) fn card(&mut self, key: &str) -> rusqlite::Result<Option<Card>> {
        let card = self.0.query_row([key], |row| {
            let text = |index| cell::text(row, index).map(Option::unwrap_or_default);
            let started_at = cell::time(row, 2)?.unwrap_or(0.0);
            let listed = Listed {
                key: text(0)?.into(),
                title: text(1)?,
                preview: preview(&text(7)?),
                started_at,
                messages: cell::count(row, 3)?,
                source: text(4)?,
                last_active: cell::time(row, 6)?.unwrap_or(started_at),
            };
            Ok(Card { listed, model: text(5)? })
        });
        card.optional()
    }
}

/// The beginning of a prompt in one line. One with parts has none, as in the original.
pub(super) fn preview(text: &str) -> String {
    if text.starts_with('\0') {
        return String::new();
    }
    let line: String = text.trim().chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }).collect();
    match line.char_indices().nth(PREVIEW_CHARS) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_one_short_line() {
        assert_eq!(preview("\n fix\r\nit "), "fix  it");
        assert_eq!(preview(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(preview(&"é".repeat(63)), format!("{}...", "é".repeat(60)));
        assert_eq!(preview("\0json:[]"), "");
    }
}
