//! A part of a conversation to read, with what was compressed and without copies for the model.

use rusqlite::{Connection, params};

use super::history::{decoded, numbers};
use super::listed::Cards;
use super::{NO_COPY, SAID, has_own_tables};
use crate::model::store::{Excerpt, Read};

/// Messages on each side. An excerpt is read by a model; more would fill its window.
const WINDOW_MAX: usize = 200;

/// The part; `None` where there is no such conversation or message.
pub(super) fn excerpt(conn: &Connection, read: &Read) -> rusqlite::Result<Option<Excerpt>> {
    let tx = conn.unchecked_transaction()?;
    let Some(card) = Cards::new(&tx)?.card(&read.key)? else { return Ok(None) };
    let condition = if has_own_tables(&tx)? { format!("{SAID} AND {NO_COPY}") } else { SAID.to_owned() };
    let all = numbers(&tx, &condition, params![read.key])?;
    let window = read.window.min(WINDOW_MAX);
    let Some(part) = part(&all, read.around, window) else { return Ok(None) };
    Ok(Some(Excerpt {
        session: card.listed,
        model: card.model,
        messages: decoded(&tx, &part.numbers)?,
        before: part.before as u64,
        after: part.after as u64,
    }))
}

/// Which messages, and how many are left out.
#[derive(PartialEq, Debug)]
struct Part {
    numbers: Vec<i64>,
    before: usize,
    after: usize,
}

fn part(all: &[i64], around: Option<i64>, window: usize) -> Option<Part> {
    let Some(around) = around else {
        let tail = all.len().saturating_sub(window).max(window.min(all.len()));
        let head = window.min(all.len());
        let numbers = all.iter().take(head).chain(all.iter().skip(tail)).copied().collect();
        return Some(Part { numbers, before: 0, after: tail - head });
    };
    let middle = all.binary_search(&around).ok()?;
    let start = middle.saturating_sub(window);
    let end = all.len().min(middle.saturating_add(window).saturating_add(1));
    let numbers = all.iter().take(end).skip(start).copied().collect();
    Some(Part { numbers, before: start, after: all.len() - end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(around: Option<i64>, window: usize) -> Option<(Vec<i64>, usize, usize)> {
        part(&[10, 20, 30, 40, 50], around, window).map(|part| (part.numbers, part.before, part.after))
    }

    #[test]
    fn a_part_around_a_message_stays_within_the_conversation() {
        assert_eq!(of(Some(30), 1), Some((vec![20, 30, 40], 1, 1)));
        assert_eq!(of(Some(10), 1), Some((vec![10, 20], 0, 3)));
        assert_eq!(of(Some(50), 9), Some((vec![10, 20, 30, 40, 50], 0, 0)));
        assert_eq!(of(Some(31), 1), None);
    }

    #[test]
    fn a_part_from_the_beginning_has_the_end_too() {
        assert_eq!(of(None, 2), Some((vec![10, 20, 40, 50], 0, 1)));
        assert_eq!(of(None, 3), Some((vec![10, 20, 30, 40, 50], 0, 0)));
        assert_eq!(of(None, 0), Some((vec![], 0, 5)));
    }
}
