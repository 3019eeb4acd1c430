//! The conversations of one profile, and what is asked of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::conversation::Conversation;
use super::excerpt::excerpt;
use super::search::search;
use super::title::next_free;
use crate::model::goal::{Goal, GoalChange, GoalState, GoalWish};
use crate::model::projects::SessionRow;
use crate::model::store::{Asked, Change, Handoff, Listed, Loaded, NewBranch, Record, Row, Told, Workdir};

/// Conversations where no limit is given; the original's.
const LIMIT_DEFAULT: i64 = 200;

/// Conversations that are looked at in any case, before those of tools are left out; the original's.
const FETCH_MIN: usize = 200;

/// Conversations that belong to no project: runs that nobody started by hand; the original's.
const NOT_SORTED: &str = "cron";

/// Conversations that are looked at to see how much was said lately, the newest; the original's.
const INSIGHTS_MAX: usize = 500;

/// Characters of a key's beginning that name a conversation. Fewer would be a title as a rule.
const PREFIX_CHARS_MIN: usize = 4;

/// Characters of the reason why a handoff failed; the original's.
const ERROR_CHARS_MAX: usize = 500;

/// Goals that are kept; the next one takes the place of another. People set a few.
const GOALS_MAX: usize = 1024;

/// The conversations of one profile.
#[derive(Default, Debug)]
pub(super) struct Database {
    by_key: BTreeMap<Arc<str>, Conversation>,
    /// Goals by the key of their conversation.
    goals: BTreeMap<Arc<str>, Goal>,
    /// The number of the newest message there ever was.
    last: i64,
}

impl Database {
    /// All conversations, by key.
    pub(super) fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.by_key.values()
    }

    /// The conversation with this key.
    pub(super) fn conversation(&self, key: &str) -> Option<&Conversation> {
        self.by_key.get(key)
    }

    /// Applies a record. What cannot be is left out.
    pub(super) fn apply(&mut self, record: &Record) {
        if let Change::Begin(row) = &record.change {
            self.begin(row);
            return;
        }
        if let Change::Title(title) = &record.change
            && let Some(holder) = self.holder(&record.key, title)
        {
            return log::warn!("{} cannot have the title of {holder}", record.key);
        }
        let Self { by_key, last, .. } = self;
        match by_key.get_mut(&record.key) {
            Some(conversation) => conversation.change(record.at, &record.change, last),
            // It was deleted, or dropped.
            None => log::debug!("{} is not there any more", record.key),
        }
    }

    /// Answers an inquiry.
    pub(super) fn answer(&mut self, asked: &Asked) -> Told {
        match asked {
            Asked::List { limit } => Told::List(self.list(*limit)),
            Asked::Load { name, .. } => Told::Loaded(self.load(name).map(Box::new)),
            Asked::Delete { key } => Told::Deleted(self.delete(key)),
            Asked::Title { row, title } => Told::Titled(self.title(row, title)),
            Asked::Branch(branch) => Told::Titled(self.branch(branch)),
            Asked::Claim { key, request } => {
                let conversation = self.by_key.get_mut(key);
                Told::Claimed(conversation.is_some_and(|conversation| conversation.claim(*request)))
            }
            Asked::HandOff { row, platform } => Told::Handoff(Some(self.hand_off(row, platform))),
            Asked::HandoffState { key } => {
                Told::Handoff(self.by_key.get_mut(key).map(|conversation| conversation.handoff().clone()))
            }
            Asked::HandoffFail { key, error } => self.handoff_failed(key, error),
            Asked::Goal { key, at, wish } => self.goal(key, *at, wish),
            Asked::Insights { since } => self.insights(*since),
            Asked::Search(wanted) => Told::Found(search(self, wanted)),
            Asked::Read(read) => Told::Excerpt(excerpt(self, read).map(Box::new)),
            Asked::Rows { limit } => Told::Rows(self.rows(*limit)),
            Asked::Workdirs => Told::Workdirs(self.workdirs()),
            // Roots are not kept here.
            Asked::NoteRoots(_) => Told::Noted(0),
        }
    }

    /// Removes a conversation; whether there was one.
    pub(super) fn delete(&mut self, key: &str) -> bool {
        self.goals.remove(key);
        self.by_key.remove(key).is_some()
    }

    /// The goal of a conversation before and after.
    fn goal(&mut self, key: &Arc<str>, at: f64, wish: &GoalWish) -> Told {
        let before = self.goals.get(key).cloned();
        let now = wish.after(before.clone(), at);
        if let Some(goal) = &now {
            self.goals.insert(Arc::clone(key), goal.clone());
        }
        if self.goals.len() > GOALS_MAX {
            self.goals.pop_first();
        }
        Told::Goal(Box::new(GoalChange { before, now }))
    }

    /// The process ended: what was under way becomes part of the conversations.
    pub(super) fn restart(&mut self) {
        for conversation in self.by_key.values_mut() {
            conversation.restart(&mut self.last);
        }
    }

    /// The conversation of this row, which is made if it is missing.
    fn begin(&mut self, row: &Row) -> &mut Conversation {
        let new = || Conversation::new(row);
        let conversation = self.by_key.entry(Arc::clone(&row.key)).or_insert_with(new);
        conversation.fill(row);
        conversation
    }

    /// Which other conversation has a title.
    fn holder(&self, key: &str, title: &str) -> Option<Arc<str>> {
        let mut others = self.by_key.values().filter(|other| &**other.key() != key);
        others.find(|other| other.title() == Some(title)).map(|other| Arc::clone(other.key()))
    }

    /// All conversations, the newest activity first.
    fn newest_first(&self) -> Vec<&Conversation> {
        let mut all: Vec<&Conversation> = self.by_key.values().collect();
        all.sort_unstable_by(|a, b| {
            let times = b.last_active().total_cmp(&a.last_active());
            let times = times.then(b.row().started_at.total_cmp(&a.row().started_at));
            times.then_with(|| b.key().cmp(a.key()))
        });
        all
    }

    /// The conversations that are sorted into projects; a negative limit takes all.
    fn rows(&self, limit: i64) -> Arc<[Arc<SessionRow>]> {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let counts = |conversation: &&Conversation| {
            conversation.row().source != NOT_SORTED && conversation.messages() > 0
        };
        let newest = self.newest_first().into_iter().filter(counts).take(wanted);
        newest.map(|conversation| Arc::new(conversation.sorted())).collect()
    }

    /// Where conversations are, in the order of the paths.
    fn workdirs(&self) -> Arc<[Workdir]> {
        let mut found: BTreeMap<&str, (i64, f64)> = BTreeMap::new();
        for row in self.by_key.values().map(Conversation::row) {
            let Some(cwd) = row.cwd.as_deref().filter(|cwd| !cwd.trim().is_empty()) else { continue };
            let (sessions, last_active) = found.entry(cwd).or_default();
            *sessions += 1;
            *last_active = last_active.max(row.started_at);
        }
        let workdir = |(cwd, (sessions, last_active)): (&str, (i64, f64))| Workdir {
            cwd: cwd.to_owned(),
            sessions,
            last_active,
        };
        found.into_iter().map(workdir).collect()
    }

    fn list(&self, limit: i64) -> Vec<Listed> {
        let limit = if limit == 0 { LIMIT_DEFAULT } else { limit };
        // Twice as many, because those of tools are left out afterwards; the original does it so.
        let wanted = usize::try_from(limit.saturating_mul(2)).unwrap_or(0).max(FETCH_MIN);
        let mut all = self.newest_first();
        all.truncate(wanted);
        all.retain(|conversation| conversation.row().source != "tool");
        let count = usize::try_from(limit.unsigned_abs()).unwrap_or(usize::MAX);
        all.truncate(if limit < 0 { all.len().saturating_sub(count) } else { count });
        all.into_iter().map(Conversation::listed).collect()
    }

    fn load(&mut self, name: &str) -> Option<Loaded> {
        let key = self.resolve(name)?;
        let conversation = self.by_key.get_mut(&key)?;
        conversation.revive();
        let mut loaded = conversation.loaded();
        loaded.pursues = self.goals.get(&key).is_some_and(|goal| goal.state == GoalState::Active);
        Some(loaded)
    }

    /// The key a name means: a key, a title, or the beginning of one key only.
    fn resolve(&self, name: &str) -> Option<Arc<str>> {
        if let Some((key, _)) = self.by_key.get_key_value(name) {
            return Some(Arc::clone(key));
        }
        let titled = self.by_key.values().find(|conversation| conversation.title() == Some(name));
        if let Some(conversation) = titled {
            return Some(Arc::clone(conversation.key()));
        }
        if name.chars().count() < PREFIX_CHARS_MIN {
            return None;
        }
        let begins = |key: &&Arc<str>| {
            key.get(..name.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
        };
        let mut keys = self.by_key.keys().filter(begins);
        let key = keys.next()?;
        keys.next().is_none().then(|| Arc::clone(key))
    }

    /// Gives a title: the one it has now, or who has it.
    fn title(&mut self, row: &Row, title: &str) -> Result<String, Arc<str>> {
        if let Some(holder) = self.holder(&row.key, title) {
            return Err(holder);
        }
        self.begin(row).give_title(title);
        Ok(title.to_owned())
    }

    /// Stores a branch: the title it got, or who has the one it wants.
    fn branch(&mut self, branch: &NewBranch) -> Result<String, Arc<str>> {
        let title = match &branch.title {
            Some(title) => match self.holder(&branch.row.key, title) {
                Some(holder) => return Err(holder),
                None => title.clone(),
            },
            None => {
                let titles = self.by_key.values().filter_map(Conversation::title).collect();
                next_free(&titles, &branch.base)
            }
        };
        let at = branch.row.started_at;
        let mut last = self.last;
        let conversation = self.begin(&branch.row);
        conversation.append(at, &branch.history, &mut last);
        if let Some(context) = branch.context.as_ref().filter(|context| !context.is_empty()) {
            conversation.see_instead(at, Some(context.as_slice()), &mut last);
        }
        conversation.give_title(&title);
        self.last = last;
        Ok(title)
    }

    fn hand_off(&mut self, row: &Row, platform: &str) -> Handoff {
        let handoff = self.begin(row).handoff();
        let refused = is_under_way(handoff);
        if !refused {
            *handoff = Handoff {
                state: "pending".to_owned(),
                platform: platform.to_owned(),
                error: String::new(),
                refused: false,
            };
        }
        Handoff { refused, ..handoff.clone() }
    }

    fn handoff_failed(&mut self, key: &str, error: &str) -> Told {
        let Some(conversation) = self.by_key.get_mut(key) else {
            return Told::HandoffFailed(false, String::new());
        };
        let handoff = conversation.handoff();
        let failed = is_under_way(handoff);
        if failed {
            handoff.state = "failed".to_owned();
            handoff.error = error.chars().take(ERROR_CHARS_MAX).collect();
        }
        Told::HandoffFailed(failed, handoff.state.clone())
    }

    fn insights(&self, since: f64) -> Told {
        let mut all: Vec<&Conversation> = self.by_key.values().collect();
        all.sort_by(|a, b| b.row().started_at.total_cmp(&a.row().started_at));
        let lately = all.into_iter().take(INSIGHTS_MAX);
        let (mut sessions, mut messages) = (0, 0_u64);
        for conversation in lately.filter(|conversation| conversation.row().started_at >= since) {
            sessions += 1;
            messages = messages.saturating_add(conversation.messages());
        }
        Told::Insights { sessions, messages }
    }
}

fn is_under_way(handoff: &Handoff) -> bool {
    matches!(handoff.state.as_str(), "pending" | "running")
}
