//! The two views of a conversation: what people see, and what its model sees in the place of it. Knows which
//! rows belong to which; how a row is read is `decode`'s.

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::decode::{COLUMNS, Decoder};
use super::{cell, has_own_tables};
use crate::model::message::Message;
use crate::model::store::Excerpted;

/// The rows that are copies for the model alone.
pub(super) struct Copies {
    /// People see the rows from here on.
    shown_from: i64,
    first: i64,
    last: i64,
}

/// The copies of a conversation. Where none of them is active any more another program compressed it, and
/// what is active is the conversation.
pub(super) fn copies(conn: &Connection, key: &str) -> rusqlite::Result<Option<Copies>> {
    if !has_own_tables(conn)? {
        return Ok(None);
    }
    let sql = "SELECT c.shown_from, c.first_id, c.last_id FROM tui_gateway_context c \
         WHERE c.session_id = ?1 AND EXISTS (SELECT 1 FROM messages m WHERE m.session_id = ?1 \
         AND m.active = 1 AND m.id BETWEEN c.first_id AND c.last_id)";
    conn.query_row(sql, [key], |row| {
        let number = |index| cell::number(row, index);
        let (Some(shown_from), Some(first), Some(last)) = (number(0)?, number(1)?, number(2)?) else {
            return Ok(None);
        };
        Ok(Some(Copies { shown_from, first, last }))
    })
    .optional()
    .map(Option::flatten)
}

impl Copies {
    /// From which row on people see, and the first and the last of the copies.
    pub(super) fn rows(&self) -> (i64, i64, i64) {
        (self.shown_from, self.first, self.last)
    }
}

/// What people see.
pub(super) fn shown(conn: &Connection, key: &str, copies: Option<&Copies>) -> rusqlite::Result<Vec<Message>> {
    let numbers = shown_numbers(conn, key, copies)?;
    decoded(conn, &numbers).map(messages)
}

/// The rows that people see.
pub(super) fn shown_numbers(
    conn: &Connection,
    key: &str,
    copies: Option<&Copies>,
) -> rusqlite::Result<Vec<i64>> {
    let Some(copies) = copies else { return numbers(conn, "m.active = 1", params![key]) };
    let rows = "m.id >= ?2 AND m.id NOT BETWEEN ?3 AND ?4 AND (m.active = 1 OR m.compacted = 1)";
    numbers(conn, rows, params![key, copies.shown_from, copies.first, copies.last])
}

/// What the model sees.
pub(super) fn seen(conn: &Connection, key: &str) -> rusqlite::Result<Vec<Message>> {
    let numbers = numbers(conn, "m.active = 1", params![key])?;
    decoded(conn, &numbers).map(messages)
}

/// The numbers of those rows of a conversation, the first parameter, of which a condition holds, in order:
/// the number is the only order, as clocks are set back.
pub(super) fn numbers(
    conn: &Connection,
    condition: &str,
    params: &[&dyn ToSql],
) -> rusqlite::Result<Vec<i64>> {
    let sql = format!("SELECT m.id FROM messages m WHERE m.session_id = ?1 AND {condition} ORDER BY m.id");
    let mut statement = conn.prepare(&sql)?;
    let numbers = statement.query_map(params, |row| row.get(0))?;
    numbers.collect()
}

/// The messages with these numbers.
pub(super) fn decoded(conn: &Connection, numbers: &[i64]) -> rusqlite::Result<Vec<Excerpted>> {
    let (extra, beside) = if has_own_tables(conn)? {
        ("x.extra", "LEFT JOIN tui_gateway_message x ON x.message_id = m.id")
    } else {
        ("NULL", "")
    };
    // One by one: sorted together, long results of tools would be written to a temporary file.
    let sql = format!("SELECT {COLUMNS}, {extra} FROM messages m {beside} WHERE m.id = ?1");
    let mut statement = conn.prepare(&sql)?;
    let mut decoder = Decoder::default();
    let mut messages = Vec::with_capacity(numbers.len());
    for number in numbers {
        let message = statement.query_row([number], |row| decoder.message(row)).optional()?.flatten();
        messages.extend(message);
    }
    Ok(messages)
}

fn messages(excerpted: Vec<Excerpted>) -> Vec<Message> {
    excerpted.into_iter().map(|excerpted| excerpted.message).collect()
}
