//! How conversations hang together. A child of a conversation is a branch, a subagent's run, or what goes on
//! in its place under a new key after a compression. Knows the marks by which the original tells them apart.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Statement};

use super::cell;

/// Links that are followed, up or down; the original's bound. Longer chains are no real ones.
const CHAIN_MAX: usize = 100;

/// Conversations of a chain that are looked at for its newest message.
const CHAIN_ROWS_MAX: u32 = 1000;

/// SQL: what a mark in a row's `model_config` says, NULL where it is not there. The text is looked at first,
/// as most rows have no mark; what is no JSON has none.
fn mark(alias: &str, name: &str) -> String {
    format!(
        "CASE WHEN instr({alias}.model_config, '\"{name}\"') > 0 AND json_valid({alias}.model_config) \
         THEN json_extract({alias}.model_config, '$.{name}') END"
    )
}

/// SQL: the conversation a row is the subagent's run of.
pub(in crate::store::sqlite) fn delegated(alias: &str) -> String {
    mark(alias, "_delegate_from")
}

/// SQL: a row is no branch and no subagent's run.
fn plain(alias: &str) -> String {
    format!("{} IS NULL AND {} IS NULL", mark(alias, "_branched_from"), delegated(alias))
}

/// SQL: a child goes on in the place of its parent.
fn continues(parent: &str, child: &str) -> String {
    format!("{parent}.end_reason = 'compression' AND {} AND {child}.source <> 'tool'", plain(child))
}

/// SQL: a row stands in lists. Branches of old versions have no mark, but their parent ended for them.
pub(super) fn listable(alias: &str) -> String {
    format!(
        "{alias}.archived = 0 AND {} IS NULL AND ({alias}.parent_session_id IS NULL OR {} IS NOT NULL \
         OR EXISTS (SELECT 1 FROM sessions b WHERE b.id = {alias}.parent_session_id \
         AND b.end_reason = 'branched' AND {alias}.started_at >= b.ended_at))",
        delegated(alias),
        mark(alias, "_branched_from"),
    )
}

/// A conversation's place.
pub(super) struct Node {
    /// Its parent.
    parent: Option<String>,
    /// Whether its parent was compressed, and it is neither a branch nor a subagent's run.
    follows: bool,
    /// Whether it also goes on in its parent's place in lists.
    continues: bool,
    /// Whether it ended by compression.
    pub(super) compressed: bool,
    /// Whether it stands in lists.
    pub(super) listable: bool,
    /// When it began, in seconds since 1970.
    pub(super) started_at: f64,
}

/// Looks places up.
pub(in crate::store::sqlite) struct Lineage<'c> {
    node: Statement<'c>,
    step: Statement<'c>,
    child: Statement<'c>,
    newest: Statement<'c>,
    newest_of_chain: Statement<'c>,
}

impl<'c> Lineage<'c> {
    /// Looks places up in this database.
    pub(in crate::store::sqlite) fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        let node = format!(
            "SELECT s.parent_session_id, p.end_reason = 'compression' AND {}, {}, \
             s.end_reason = 'compression', {}, s.started_at \
             FROM sessions s LEFT JOIN sessions p ON p.id = s.parent_session_id WHERE s.id = ?1",
            plain("s"),
            continues("p", "s"),
            listable("s"),
        );
        // Of several, the original prefers the one that went on itself, then a live one, then the latest.
        let step = format!(
            "SELECT c.id FROM sessions p JOIN sessions c ON c.parent_session_id = p.id \
             WHERE p.id = ?1 AND {} ORDER BY \
             CASE WHEN c.end_reason = 'compression' THEN 0 WHEN c.ended_at IS NULL THEN 1 ELSE 2 END, \
             COALESCE((SELECT MAX(m.timestamp) FROM messages m WHERE m.session_id = c.id), \
             c.started_at) DESC, c.started_at DESC, c.id DESC LIMIT 1",
            continues("p", "c"),
        );
        let child = format!(
            "SELECT c.id, EXISTS (SELECT 1 FROM messages m WHERE m.session_id = c.id) FROM sessions c \
             WHERE c.parent_session_id = ?1 AND {} AND c.source <> 'tool' \
             ORDER BY c.started_at DESC, c.id DESC LIMIT 1",
            plain("c"),
        );
        let newest_of_chain = format!(
            "WITH RECURSIVE chain(id) AS (SELECT ?1 UNION SELECT c.id FROM chain \
             JOIN sessions p ON p.id = chain.id JOIN sessions c ON c.parent_session_id = p.id \
             WHERE {} LIMIT {CHAIN_ROWS_MAX}) \
             SELECT MAX(COALESCE((SELECT MAX(m.timestamp) FROM messages m WHERE m.session_id = chain.id), \
             (SELECT s.started_at FROM sessions s WHERE s.id = chain.id))) FROM chain",
            continues("p", "c"),
        );
        Ok(Self {
            node: conn.prepare(&node)?,
            step: conn.prepare(&step)?,
            child: conn.prepare(&child)?,
            newest: conn.prepare("SELECT MAX(timestamp) FROM messages WHERE session_id = ?1")?,
            newest_of_chain: conn.prepare(&newest_of_chain)?,
        })
    }

    /// The place of a conversation; `None` where there is no such one.
    pub(super) fn node(&mut self, key: &str) -> rusqlite::Result<Option<Node>> {
        let node = self.node.query_row([key], |row| {
            Ok(Node {
                parent: cell::text(row, 0)?,
                follows: cell::flag(row, 1)?,
                continues: cell::flag(row, 2)?,
                compressed: cell::flag(row, 3)?,
                listable: cell::flag(row, 4)?,
                started_at: cell::time(row, 5)?.unwrap_or(0.0),
            })
        });
        node.optional()
    }

    /// The conversation in whose place this one stands in lists: the first of its chain.
    pub(super) fn root(&mut self, key: &str, node: Node) -> rusqlite::Result<(String, Node)> {
        let (mut key, mut node) = (key.to_owned(), node);
        for _ in 0..CHAIN_MAX {
            let Some(parent) = node.parent.clone().filter(|_| node.continues) else { break };
            let Some(above) = self.node(&parent)? else { break };
            (key, node) = (parent, above);
        }
        Ok((key, node))
    }

    /// The keys of the conversations that this one goes on with, nearest first.
    pub(in crate::store::sqlite) fn before(&mut self, key: &str) -> rusqlite::Result<Vec<String>> {
        let mut before: Vec<String> = Vec::new();
        let mut next = self.node(key)?;
        while let Some(parent) = next.filter(|node| node.follows).and_then(|node| node.parent) {
            if before.len() == CHAIN_MAX || parent == key || before.contains(&parent) {
                break;
            }
            next = self.node(&parent)?;
            before.push(parent);
        }
        Ok(before)
    }

    /// The end of the chain of compressed conversations that begins at this one.
    pub(super) fn tip(&mut self, key: &str) -> rusqlite::Result<String> {
        let mut seen = HashSet::from([key.to_owned()]);
        let mut tip = key.to_owned();
        for _ in 0..CHAIN_MAX {
            let next = self.step.query_row([tip.as_str()], |row| cell::text(row, 0)).optional()?.flatten();
            match next {
                Some(next) if seen.insert(next.clone()) => tip = next,
                _ => break,
            }
        }
        Ok(tip)
    }

    /// The child that began last and is neither a branch nor a subagent's, and whether it has messages.
    pub(super) fn child(&mut self, key: &str) -> rusqlite::Result<Option<(String, bool)>> {
        let child = self.child.query_row([key], |row| Ok((cell::text(row, 0)?, cell::flag(row, 1)?)));
        Ok(child.optional()?.and_then(|(key, filled)| Some((key?, filled))))
    }

    /// When something was said last in the chain of this conversation, or it began; in seconds since 1970.
    pub(super) fn activity(&mut self, key: &str, node: &Node) -> rusqlite::Result<f64> {
        let newest = if node.compressed { &mut self.newest_of_chain } else { &mut self.newest };
        let newest = newest.query_row([key], |row| cell::time(row, 0))?;
        Ok(newest.unwrap_or(node.started_at))
    }
}
