//! A part of a conversation to read: what people see, without copies for the model.

use super::database::Database;
use crate::model::store::{Excerpt, Excerpted, Read};

/// Messages on each side. An excerpt is read by a model; more would fill its window.
const WINDOW_MAX: usize = 200;

/// The part; `None` where there is no such conversation or message.
pub(super) fn excerpt(database: &Database, read: &Read) -> Option<Excerpt> {
    let conversation = database.conversation(&read.key)?;
    let all: Vec<&Excerpted> = conversation.shown().collect();
    let window = read.window.min(WINDOW_MAX);
    let (part, before, after) = match read.around {
        Some(number) => around(&all, number, window)?,
        None => ends(&all, window),
    };
    Some(Excerpt {
        session: conversation.listed(),
        model: conversation.row().model.clone(),
        messages: part.into_iter().cloned().collect(),
        before: before as u64,
        after: after as u64,
    })
}

/// Messages, how many stand before them, and how many after them or between their halves.
type Part<'a> = (Vec<&'a Excerpted>, usize, usize);

fn around<'a>(all: &[&'a Excerpted], number: i64, window: usize) -> Option<Part<'a>> {
    let middle = all.binary_search_by_key(&number, |said| said.number).ok()?;
    let start = middle.saturating_sub(window);
    let end = all.len().min(middle + window + 1);
    Some((all.get(start..end)?.to_vec(), start, all.len() - end))
}

fn ends<'a>(all: &[&'a Excerpted], window: usize) -> Part<'a> {
    let between = all.len().saturating_sub(window * 2);
    let head = if between == 0 { all.len() } else { window };
    let part = all.iter().take(head).chain(all.iter().skip(head + between)).copied().collect();
    (part, 0, between)
}
