//! Looking through what was said: the best hit of each conversation. Everything is read: it is in memory, and
//! bounded.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::conversation::Conversation;
use super::database::Database;
use super::query::{Query, snippet};
use crate::model::message::Message;
use crate::model::store::{Excerpted, Hit, Order, Search};

/// Hits of one search. They are read by a model, which wants a few.
const HITS_MAX: usize = 100;

/// Runs of tools and subagents are nobody's conversations.
const HIDDEN_SOURCES: [&str; 2] = ["tool", "subagent"];

/// A message that fits.
struct Found<'a> {
    conversation: &'a Conversation,
    said: &'a Excerpted,
    /// How often the words stand there.
    hits: usize,
}

/// The hits, at most one a conversation.
pub(super) fn search(database: &Database, wanted: &Search) -> Vec<Hit> {
    let Some(query) = Query::parse(&wanted.query) else { return Vec::new() };
    let mut all: Vec<Found<'_>> = Vec::new();
    for conversation in database.conversations() {
        let is_hidden = HIDDEN_SOURCES.contains(&conversation.row().source.as_str());
        if !is_hidden && wanted.except.as_ref() != Some(conversation.key()) {
            all.extend(best(conversation, &query, wanted));
        }
    }
    all.sort_by(|a, b| compare(a, b, wanted.order));
    all.truncate(wanted.limit.min(HITS_MAX));
    all.into_iter().map(|found| hit(&found, &query)).collect()
}

/// The first hit of a conversation in the order that is wanted.
fn best<'a>(conversation: &'a Conversation, query: &Query, wanted: &Search) -> Option<Found<'a>> {
    let said = conversation.shown();
    let said = said.filter(|said| wanted.roles.is_empty() || wanted.roles.contains(&said.message.role));
    let fitting = said.filter_map(|said| {
        let hits = query.hits(&searched(&said.message))?.len();
        Some(Found { conversation, said, hits })
    });
    fitting.min_by(|a, b| compare(a, b, wanted.order))
}

fn compare(a: &Found<'_>, b: &Found<'_>, order: Order) -> Ordering {
    let newest = b.said.at.total_cmp(&a.said.at).then(b.said.number.cmp(&a.said.number));
    match order {
        Order::Rank => b.hits.cmp(&a.hits).then(newest),
        Order::Newest => newest,
        Order::Oldest => newest.reverse(),
    }
}

fn hit(found: &Found<'_>, query: &Query) -> Hit {
    let text = searched(&found.said.message);
    Hit {
        session: found.conversation.listed(),
        model: found.conversation.row().model.clone(),
        message: found.said.number,
        role: found.said.message.role.as_str().to_owned(),
        snippet: snippet(&text, &query.hits(&text).unwrap_or_default()),
    }
}

/// What of a message is looked through: its text, the tool, and what was asked of tools.
fn searched(message: &Message) -> Cow<'_, str> {
    if message.calls.is_empty() && message.called.is_none() {
        return Cow::Borrowed(&message.text);
    }
    let mut parts = vec![message.text.as_str()];
    parts.extend(message.called.iter().map(|called| called.name.as_str()));
    for call in &message.calls {
        parts.extend([call.name.as_str(), call.arguments.as_str()]);
    }
    Cow::Owned(parts.join(" "))
}
