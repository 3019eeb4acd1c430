//! The conversations for a picker, newest activity first. A conversation that was compressed into another key
//! stands there as the end of its chain.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashSet};

use rusqlite::Connection;

use super::cell;
use super::lineage::Lineage;
use super::listed::Cards;
use super::recency::Recency;
use crate::model::store::Listed;
use crate::store::sqlite::Database;

/// Conversations where no limit is given; the original's.
const LIMIT_DEFAULT: i64 = 200;

/// Conversations that are looked at in any case, before those of tools are left out; the original's.
const FETCH_MIN: usize = 200;

/// The first of a chain.
pub(super) struct Root {
    pub(super) key: String,
    started_at: f64,
    /// When something was said in the chain last, or it began; in seconds since 1970.
    pub(super) activity: f64,
    /// Whether the chain may have more than this one.
    pub(super) compressed: bool,
}

/// The list. A negative limit takes so many from the end.
pub(super) fn list(db: &mut Database, limit: i64) -> rusqlite::Result<Vec<Listed>> {
    let limit = if limit == 0 { LIMIT_DEFAULT } else { limit };
    // Twice as many, because some are left out afterwards.
    let wanted = usize::try_from(limit.saturating_mul(2)).unwrap_or(0).max(FETCH_MIN);
    let Database { conn, recency, .. } = db;
    let tx = conn.unchecked_transaction()?;
    recency.refresh(&tx)?;
    let mut gone = Vec::new();
    let roots = roots(&tx, recency, wanted, &mut gone, &mut |_| Ok(true))?;
    recency.forget(&gone);
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut list = shown(&tx, roots, most)?;
    if limit < 0 {
        let from_end = usize::try_from(limit.unsigned_abs()).unwrap_or(usize::MAX);
        list.truncate(list.len().saturating_sub(from_end));
    }
    Ok(list)
}

/// The chains with the newest activity, of those whose first conversation counts. Conversations are visited
/// in the order of a bound that is never below their activity, so the visit can end as soon as enough chains
/// lie above it: the table is not read as a whole.
pub(super) fn roots(
    conn: &Connection,
    recency: &Recency,
    wanted: usize,
    gone: &mut Vec<String>,
    counts: &mut dyn FnMut(&str) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Vec<Root>> {
    let mut lineage = Lineage::new(conn)?;
    // Conversations without messages are bounded by their beginning, which an index has in order.
    let mut begun = conn.prepare("SELECT id, started_at FROM sessions ORDER BY started_at DESC")?;
    let mut begun = begun.query([])?;
    let mut next_begun = || -> rusqlite::Result<Option<(String, f64)>> {
        let Some(row) = begun.next()? else { return Ok(None) };
        Ok(Some((cell::text(row, 0)?.unwrap_or_default(), cell::time(row, 1)?.unwrap_or(0.0))))
    };
    let mut spoken = recency.newest_first().into_iter().peekable();
    let mut silent = next_begun()?;
    let mut seen = HashSet::new();
    let mut found: Vec<Root> = Vec::new();
    let mut newest = Newest::new(wanted);
    loop {
        let first_spoken = spoken.peek().map(|(_, at)| *at);
        let first_begun = silent.as_ref().map(|(_, at)| *at);
        let take_begun = match (first_begun, first_spoken) {
            (None, None) => break,
            (Some(begun), Some(spoken)) => begun > spoken,
            (begun, _) => begun.is_some(),
        };
        let (key, bound) = if take_begun {
            let taken = silent.take();
            silent = next_begun()?;
            taken.unwrap_or_default()
        } else {
            spoken.next().map(|(key, at)| (key.to_owned(), at)).unwrap_or_default()
        };
        if newest.are_above(bound) {
            break;
        }
        if !seen.insert(key.clone()) {
            continue;
        }
        let Some(node) = lineage.node(&key)? else {
            gone.push(key);
            continue;
        };
        let (root, node) = lineage.root(&key, node)?;
        if root != key && !seen.insert(root.clone()) {
            continue;
        }
        if node.listable && counts(&root)? {
            let activity = lineage.activity(&root, &node)?;
            newest.add(activity);
            found.push(Root {
                key: root,
                started_at: node.started_at,
                activity,
                compressed: node.compressed,
            });
        }
    }
    found.sort_unstable_by(|a, b| {
        let times = b.activity.total_cmp(&a.activity).then(b.started_at.total_cmp(&a.started_at));
        times.then_with(|| b.key.cmp(&a.key))
    });
    found.truncate(wanted);
    Ok(found)
}

/// The newest times, as many as are wanted: to count those above a bound at every step anew would take hours
/// where a hundred thousand conversations have one time.
struct Newest {
    wanted: usize,
    /// The oldest of them on top.
    times: BinaryHeap<Reverse<Time>>,
}

impl Newest {
    fn new(wanted: usize) -> Self {
        Self { wanted, times: BinaryHeap::new() }
    }

    fn add(&mut self, time: f64) {
        self.times.push(Reverse(Time(time)));
        if self.times.len() > self.wanted {
            self.times.pop();
        }
    }

    /// Whether there are as many as are wanted, all of them above this.
    fn are_above(&self, bound: f64) -> bool {
        let oldest = self.times.peek().is_none_or(|Reverse(Time(oldest))| *oldest > bound);
        self.times.len() >= self.wanted && oldest
    }
}

/// A time with an order.
struct Time(f64);

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Time {}

/// What is shown of them, without those of tools: of the end of the chain all but when it began and which
/// kind of client made it.
fn shown(conn: &Connection, roots: Vec<Root>, most: usize) -> rusqlite::Result<Vec<Listed>> {
    let (mut lineage, mut cards) = (Lineage::new(conn)?, Cards::new(conn)?);
    let mut list = Vec::with_capacity(roots.len());
    for root in roots {
        if list.len() == most {
            break;
        }
        let Some(first) = cards.card(&root.key)? else { continue };
        if first.listed.source == "tool" {
            continue;
        }
        let tip = if root.compressed { lineage.tip(&root.key)? } else { root.key.clone() };
        let last = if tip == root.key { None } else { cards.card(&tip)? };
        let listed = match last {
            Some(last) => {
                Listed { source: first.listed.source, started_at: first.listed.started_at, ..last.listed }
            }
            None => first.listed,
        };
        list.push(Listed { last_active: root.activity, ..listed });
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_are_wanted_lie_above_a_bound() {
        let mut newest = Newest::new(2);
        assert!(!newest.are_above(0.0));
        for time in [5.0, 1.0, 3.0] {
            newest.add(time);
        }
        assert!(newest.are_above(2.0) && !newest.are_above(3.0));
        assert!(Newest::new(0).are_above(9.0), "nothing is wanted");
    }

    #[test]
    fn times_that_are_all_the_same_cost_no_more_than_others() {
        let mut newest = Newest::new(200);
        for _ in 0..1_000_000 {
            assert!(!newest.are_above(7.0));
            newest.add(7.0);
        }
        assert_eq!(newest.times.len(), 200);
    }
}
