//! Looking through what was said. The work is bounded whatever is asked: a word that stands in every message
//! is found among the newest.

use std::collections::HashSet;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params, params_from_iter};

use super::content;
use super::lineage::Lineage;
use super::listed::Cards;
use super::query::{Needle, Query};
use super::{NO_COPY, SAID, cell, has_own_tables};
use crate::model::message::Role;
use crate::model::store::{Hit, Order, Search};
use crate::store::sqlite::Database;

/// Hits of one search. They are read by a model, which wants a few.
const HITS_MAX: usize = 100;

/// Messages that are ranked. With more the words are too common for a rank to mean much, and ranking a
/// million takes a second; the newest come first then.
const RANKED_MAX: i64 = 4000;

/// Messages that fit and are looked at for conversations.
const LOOKED_AT_MAX: i64 = 2000;

/// The newest messages that are read where there is no index for the words: some 20 ms.
const READ_MAX: i64 = 100_000;

/// Words of a search without an index; each is looked for in every message.
const NEEDLES_MAX: usize = 8;

/// Characters before the word and in all of what is shown around it; the original's.
const AROUND_CHARS: (usize, usize) = (40, 120);

/// How messages are found.
enum Means {
    /// In an index: the table, and what it is asked.
    Index(&'static str, String),
    /// By reading them.
    Reading,
}

/// A message that may be a hit.
struct Found {
    number: i64,
    key: String,
    role: String,
    at: f64,
}

/// The hits, at most one a conversation.
pub(super) fn search(db: &Database, search: &Search) -> rusqlite::Result<Vec<Hit>> {
    let Some(query) = Query::parse(&search.query) else { return Ok(Vec::new()) };
    let tx = db.conn.unchecked_transaction()?;
    let (numbers, means) = numbers(&tx, &query, search.order, db.trigram)?;
    let mut found = conversations(&tx, search, &numbers)?;
    match search.order {
        Order::Rank => {}
        Order::Newest => found.sort_by(|a, b| b.at.total_cmp(&a.at)),
        Order::Oldest => found.sort_by(|a, b| a.at.total_cmp(&b.at)),
    }
    let mut cards = Cards::new(&tx)?;
    let mut hits = Vec::with_capacity(found.len());
    for found in found {
        let Some(card) = cards.card(&found.key)? else { continue };
        hits.push(Hit {
            session: card.listed,
            model: card.model,
            message: found.number,
            role: found.role,
            snippet: snippet(&tx, &means, &query, found.number)?,
        });
    }
    Ok(hits)
}

/// The numbers of messages that fit, in order, and how they were found.
fn numbers(
    conn: &Connection,
    query: &Query,
    order: Order,
    trigram: bool,
) -> rusqlite::Result<(Vec<i64>, Means)> {
    let table = match (query.is_cjk(), trigram && query.fits_trigrams()) {
        (false, _) => Some("messages_fts"),
        (true, true) => Some("messages_fts_trigram"),
        (true, false) => None,
    };
    for expression in [query.expression(), query.words()] {
        let Some(table) = table else { break };
        match indexed(conn, table, &expression, order) {
            Ok(numbers) => return Ok((numbers, Means::Index(table, expression))),
            // The words were refused, or the index is not there.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => {
                log::debug!("a search was refused: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok((read(conn, query, order)?, Means::Reading))
}

/// Finds messages in an index.
fn indexed(conn: &Connection, table: &str, expression: &str, order: Order) -> rusqlite::Result<Vec<i64>> {
    let count =
        format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ?1 LIMIT {RANKED_MAX})");
    let by = match order {
        Order::Rank if conn.query_row(&count, [expression], |row| row.get::<_, i64>(0))? < RANKED_MAX => {
            "rank"
        }
        Order::Rank | Order::Newest => "rowid DESC",
        Order::Oldest => "rowid",
    };
    let sql = format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1 ORDER BY {by} LIMIT {LOOKED_AT_MAX}");
    let mut statement = conn.prepare(&sql)?;
    let numbers = statement.query_map([expression], |row| row.get(0))?;
    numbers.collect()
}

/// Finds messages by reading the newest ones.
fn read(conn: &Connection, query: &Query, order: Order) -> rusqlite::Result<Vec<i64>> {
    let (mut needles, any) = query.needles();
    needles.truncate(NEEDLES_MAX);
    let condition = |index: usize, not: bool| {
        let holds = format!(
            "(COALESCE(m.content, '') LIKE ?{index} ESCAPE '\\' OR COALESCE(m.tool_name, '') LIKE ?{index} \
             ESCAPE '\\' OR COALESCE(m.tool_calls, '') LIKE ?{index} ESCAPE '\\')"
        );
        if not { format!("NOT {holds}") } else { holds }
    };
    let numbered = needles.iter().zip(1_usize..);
    let conditions: Vec<String> = numbered.map(|(needle, index)| condition(index, needle.not)).collect();
    let by = if order == Order::Oldest { "m.id" } else { "m.id DESC" };
    let sql = format!(
        "SELECT m.id FROM messages m WHERE m.id > (SELECT MAX(id) FROM messages) - {READ_MAX} AND ({}) \
         ORDER BY {by} LIMIT {LOOKED_AT_MAX}",
        conditions.join(if any { " OR " } else { " AND " }),
    );
    let mut statement = conn.prepare(&sql)?;
    let patterns = needles.iter().map(|needle| Value::from(pattern(needle)));
    let numbers = statement.query_map(params_from_iter(patterns), |row| row.get(0))?;
    numbers.collect()
}

/// A word anywhere, with the wildcards in it as they stand.
fn pattern(needle: &Needle<'_>) -> String {
    let mut pattern = "%".to_owned();
    for c in needle.text.chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The first message of each conversation, of those that may be shown.
fn conversations(conn: &Connection, search: &Search, numbers: &[i64]) -> rusqlite::Result<Vec<Found>> {
    let mut left_out: HashSet<String> = HashSet::new();
    if let Some(except) = &search.except {
        // With what it goes on with: to its reader that is the same conversation.
        left_out.extend(Lineage::new(conn)?.before(except)?);
        left_out.insert(except.to_string());
    }
    let no_copy = if has_own_tables(conn)? { NO_COPY } else { "1" };
    // Runs of tools and subagents are nobody's conversations.
    let sql = format!(
        "SELECT m.session_id, m.role, m.timestamp FROM messages m JOIN sessions s ON s.id = m.session_id \
         WHERE m.id = ?1 AND {SAID} AND {no_copy} AND s.source NOT IN ('tool', 'subagent')"
    );
    let mut statement = conn.prepare(&sql)?;
    let mut found = Vec::new();
    for number in numbers {
        if found.len() >= search.limit.min(HITS_MAX) {
            break;
        }
        let row = statement.query_row([number], |row| {
            let key = cell::text(row, 0)?.unwrap_or_default();
            let role = cell::text(row, 1)?.unwrap_or_default();
            Ok(Found { number: *number, key, role, at: cell::time(row, 2)?.unwrap_or(0.0) })
        });
        let Some(message) = row.optional()? else { continue };
        let role = Role::parse(&message.role);
        let wanted = search.roles.is_empty() || role.is_some_and(|role| search.roles.contains(&role));
        if wanted && left_out.insert(message.key.clone()) {
            found.push(message);
        }
    }
    Ok(found)
}

/// The words around the hit.
fn snippet(conn: &Connection, means: &Means, query: &Query, number: i64) -> rusqlite::Result<String> {
    let text = match means {
        Means::Index(table, expression) => {
            let sql = format!(
                "SELECT snippet({table}, 0, '>>>', '<<<', '...', 40) FROM {table} \
                 WHERE {table} MATCH ?1 AND rowid = ?2"
            );
            conn.query_row(&sql, params![expression, number], |row| cell::text(row, 0)).optional()?.flatten()
        }
        Means::Reading => {
            let sql = "SELECT content FROM messages WHERE id = ?1";
            let text = conn.query_row(sql, [number], |row| cell::text(row, 0)).optional()?.flatten();
            text.map(|text| around(&content::text(text), &query.needles().0))
        }
    };
    // Of a message with parts the index has the JSON and its mark.
    Ok(text.unwrap_or_default().replace('\0', ""))
}

/// The text around the first of the words that stands in it, marked.
fn around(text: &str, needles: &[Needle<'_>]) -> String {
    let wanted = needles.iter().filter(|needle| !needle.not);
    let hit = wanted.filter_map(|needle| Some((text.find(needle.text)?, needle.text))).min();
    let (before, chars) = AROUND_CHARS;
    let Some((at, word)) = hit else { return text.chars().take(chars).collect() };
    let (head, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let skipped = head.chars().count().saturating_sub(before);
    let head: String = head.chars().skip(skipped).collect();
    let after = rest.strip_prefix(word).unwrap_or_default();
    let tail: String = after.chars().take(chars.saturating_sub(before)).collect();
    format!("{head}>>>{word}<<<{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_around_a_hit_are_few_and_it_is_marked() {
        let needles = [Needle { text: "桂林", not: false }];
        let text = format!("{}桂林{}", "山".repeat(100), "水".repeat(200));
        let expected = format!("{}>>>桂林<<<{}", "山".repeat(40), "水".repeat(80));
        assert_eq!(around(&text, &needles), expected);
        assert_eq!(around("elsewhere", &needles), "elsewhere");
    }

    #[test]
    fn wildcards_are_looked_for_as_they_stand() {
        assert_eq!(pattern(&Needle { text: "50%_\\", not: false }), "%50\\%\\_\\\\%");
    }
}
