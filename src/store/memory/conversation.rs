//! One conversation: its messages, who sees which of them, and what stands beside them. Knows no other one.

use std::path::PathBuf;
use std::sync::Arc;

use super::measure::{preview, size};
use crate::model::message::{Message, Role};
use crate::model::projects::SessionRow;
use crate::model::store::{Change, Excerpted, Handoff, Listed, Loaded, OpenQuestion, Row};
use crate::model::turn::Usage;

/// Bytes of a conversation beside its messages, about.
const CONVERSATION_BYTES: usize = 1024;

/// A conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    row: Row,
    title: Option<String>,
    /// In the order of their numbers.
    entries: Vec<Entry>,
    /// Whether the model sees something else than people.
    has_context: bool,
    /// Messages as people count them: copies for the model are none.
    messages: u64,
    /// The beginning of the first prompt, also if it was taken back.
    preview: Option<String>,
    /// The newest message, in seconds since 1970.
    spoken_at: Option<f64>,
    /// The model stands in the row; gauges are not kept.
    usage: Usage,
    /// The answer that is being streamed, and when it grew last.
    streamed: (String, f64),
    /// Prompts that wait: number, time, message.
    waiting: Vec<(u64, f64, Message)>,
    /// Oldest first.
    asks: Vec<OpenQuestion>,
    handoff: Handoff,
    ended: bool,
    /// Bytes of the entries.
    bytes: usize,
}

/// A message and who sees it. What was taken back is dropped: nobody can ask for it.
#[derive(Debug)]
struct Entry {
    seen: Seen,
    said: Excerpted,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// By people and the model.
    Everybody,
    /// By people alone: the model sees something else in its place.
    People,
    /// By the model alone.
    Model,
}

impl Conversation {
    /// An empty conversation.
    pub(super) fn new(row: &Row) -> Self {
        Self {
            row: row.clone(),
            title: None,
            entries: Vec::new(),
            has_context: false,
            messages: 0,
            preview: None,
            spoken_at: None,
            usage: Usage::default(),
            streamed: (String::new(), 0.0),
            waiting: Vec::new(),
            asks: Vec::new(),
            handoff: Handoff::default(),
            ended: false,
            bytes: 0,
        }
    }

    /// Fills in what is unknown.
    pub(super) fn fill(&mut self, row: &Row) {
        if self.row.model.is_empty() {
            self.row.model.clone_from(&row.model);
            self.row.provider.clone_from(&row.provider);
        }
        if self.row.cwd.is_none() {
            self.row.cwd.clone_from(&row.cwd);
        }
    }

    /// Applies a change; a title has to be free. `last` is the number of the newest message of the database.
    pub(super) fn change(&mut self, at: f64, change: &Change, last: &mut i64) {
        match change {
            Change::Begin(row) => self.fill(row),
            Change::Append(messages) => {
                self.streamed.0.clear();
                self.append(at, messages, last);
            }
            Change::Amend(text) => self.amend(text),
            Change::Failed => self.fail(),
            Change::Streamed(text) => {
                self.streamed.0.push_str(text);
                self.streamed.1 = at;
            }
            Change::Wait { number, text, images } => {
                let message = Message { images: images.clone(), ..Message::new(Role::User, text.as_str()) };
                self.waiting.push((*number, at, message));
            }
            Change::WaitOver { number } => self.waiting.retain(|(waiting, ..)| waiting != number),
            Change::Ask(open) => {
                self.claim(open.request);
                self.asks.push(open.clone());
            }
            Change::AskOver { request } => {
                self.claim(*request);
            }
            Change::Cut { messages, prompt } => self.cut(*messages, prompt),
            Change::Context(context) => self.see_instead(at, context.as_deref().map(Vec::as_slice), last),
            Change::Used(usage) => self.used(usage),
            Change::Title(title) => self.give_title(title),
            Change::Moved { cwd, .. } => {
                if !cwd.is_empty() {
                    self.row.cwd = Some(cwd.clone());
                }
            }
            Change::Model(choice) => {
                self.row.model.clone_from(&choice.name);
                if let Some(provider) = &choice.provider {
                    self.row.provider.clone_from(provider);
                }
            }
            Change::End(_) => self.ended = true,
        }
    }

    /// Messages come to the end of it.
    pub(super) fn append(&mut self, at: f64, messages: &[Message], last: &mut i64) {
        self.messages = self.messages.saturating_add(messages.len() as u64);
        self.push(at, messages, Seen::Everybody, last);
    }

    /// What the model sees in the place of what is there; `None`: the same as people.
    pub(super) fn see_instead(&mut self, at: f64, context: Option<&[Message]>, last: &mut i64) {
        self.remove(|entry| entry.seen == Seen::Model);
        self.has_context = context.is_some();
        let seen = if self.has_context { Seen::People } else { Seen::Everybody };
        for entry in &mut self.entries {
            entry.seen = seen;
        }
        self.push(at, context.unwrap_or_default(), Seen::Model, last);
    }

    /// The process ended: what was under way becomes part of the conversation.
    pub(super) fn restart(&mut self, last: &mut i64) {
        let (text, at) = std::mem::take(&mut self.streamed);
        if !text.trim().is_empty() {
            self.append(at, &[Message::new(Role::Assistant, text.trim())], last);
        }
        for (_, at, prompt) in std::mem::take(&mut self.waiting) {
            self.append(at, &[prompt], last);
        }
    }

    /// Takes an open question away; whether it was open.
    pub(super) fn claim(&mut self, request: u32) -> bool {
        let open = self.asks.len();
        self.asks.retain(|ask| ask.request != request);
        self.asks.len() < open
    }

    /// It goes on.
    pub(super) fn revive(&mut self) {
        self.ended = false;
    }

    /// A title that is free; an empty one is none.
    pub(super) fn give_title(&mut self, title: &str) {
        self.title = (!title.is_empty()).then(|| title.to_owned());
    }

    /// How a handoff stands.
    pub(super) fn handoff(&mut self) -> &mut Handoff {
        &mut self.handoff
    }

    /// Its stored key.
    pub(super) fn key(&self) -> &Arc<str> {
        &self.row.key
    }

    /// Its row, as it is now.
    pub(super) fn row(&self) -> &Row {
        &self.row
    }

    /// Its title.
    pub(super) fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Whether it is live no more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The newest message, or the beginning, in seconds since 1970.
    pub(super) fn last_active(&self) -> f64 {
        self.spoken_at.unwrap_or(self.row.started_at)
    }

    /// Messages as they are counted in lists.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// What it takes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|(_, _, message)| size(message)).sum();
        CONVERSATION_BYTES + self.bytes + self.streamed.0.len() + waiting
    }

    /// Messages as people see them.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Excerpted> {
        self.entries.iter().filter(|entry| entry.seen != Seen::Model).map(|entry| &entry.said)
    }

    /// As a list shows it.
    pub(super) fn listed(&self) -> Listed {
        Listed {
            key: Arc::clone(&self.row.key),
            title: self.title.clone().unwrap_or_default(),
            preview: self.preview.clone().unwrap_or_default(),
            started_at: self.row.started_at,
            messages: self.messages,
            source: self.row.source.clone(),
            last_active: self.last_active(),
        }
    }

    /// As it is sorted into projects. Branch and root of its repository are not kept here.
    pub(super) fn sorted(&self) -> SessionRow {
        let model = Some(&self.row.model).filter(|model| !model.is_empty());
        SessionRow {
            id: self.row.key.to_string(),
            lineage_root_id: None,
            parent_session_id: self.row.branched_from.as_deref().map(str::to_owned),
            title: self.title.clone(),
            preview: self.preview.clone().unwrap_or_default(),
            started_at: self.row.started_at,
            ended_at: None,
            last_active: self.last_active(),
            source: Some(self.row.source.clone()),
            archived: false,
            message_count: number(self.messages),
            tool_call_count: self.shown().map(|said| said.message.calls.len() as i64).sum(),
            input_tokens: number(self.usage.input),
            output_tokens: number(self.usage.output),
            model: model.cloned(),
            cwd: self.row.cwd.clone(),
            git_branch: None,
            git_repo_root: None,
        }
    }

    /// To go on with.
    pub(super) fn loaded(&self) -> Loaded {
        let seen = self.entries.iter().filter(|entry| entry.seen != Seen::People);
        let cwd = self.row.cwd.as_deref().filter(|cwd| !cwd.is_empty());
        Loaded {
            key: Arc::clone(&self.row.key),
            title: self.title.clone(),
            source: self.row.source.clone(),
            model: self.row.model.clone(),
            provider: self.row.provider.clone(),
            cwd: cwd.map(PathBuf::from),
            started_at: self.row.started_at,
            usage: Usage { model: self.row.model.clone(), ..self.usage.clone() },
            history: self.shown().map(|said| said.message.clone()).collect(),
            context: self.has_context.then(|| seen.map(|entry| entry.said.message.clone()).collect()),
            asks: self.asks.clone(),
            // Goals are kept beside.
            pursues: false,
        }
    }

    fn push(&mut self, at: f64, messages: &[Message], seen: Seen, last: &mut i64) {
        for message in messages {
            *last += 1;
            self.bytes += size(message);
            self.spoken_at = Some(self.spoken_at.map_or(at, |before| before.max(at)));
            if message.role == Role::User && self.preview.is_none() {
                self.preview = Some(preview(message));
            }
            self.entries
                .push(Entry { seen, said: Excerpted { number: *last, at, message: message.clone() } });
        }
    }

    /// Drops messages; how many.
    fn remove(&mut self, is_dropped: impl Fn(&Entry) -> bool) -> usize {
        let before = self.entries.len();
        let mut freed = 0;
        self.entries.retain(|entry| {
            let is_dropped = is_dropped(entry);
            if is_dropped {
                freed += size(&entry.said.message);
            }
            !is_dropped
        });
        self.bytes = self.bytes.saturating_sub(freed);
        before - self.entries.len()
    }

    /// The newest message that people see.
    fn newest(&mut self) -> Option<&mut Message> {
        let newest = self.entries.iter_mut().rev().find(|entry| entry.seen != Seen::Model);
        newest.map(|entry| &mut entry.said.message)
    }

    fn amend(&mut self, text: &str) {
        let Some(newest) = self.newest() else {
            return log::warn!("there is no message that could be amended");
        };
        let before = newest.text.len();
        text.clone_into(&mut newest.text);
        self.bytes = (self.bytes + text.len()).saturating_sub(before);
    }

    fn fail(&mut self) {
        match self.newest() {
            Some(newest) if newest.role == Role::User => newest.failed = true,
            _ => log::warn!("the newest message is no prompt that could have failed"),
        }
    }

    fn cut(&mut self, messages: usize, prompt: &str) {
        let shown = self.shown().count();
        let first = shown.checked_sub(messages).and_then(|kept| self.shown().nth(kept));
        let fits =
            |said: &&Excerpted| said.message.role == Role::User && said.message.text.trim() == prompt.trim();
        let Some(number) = first.filter(fits).map(|said| said.number) else {
            return log::warn!("{} is not what was to be cut: nothing was", self.row.key);
        };
        let cut = self.remove(|entry| entry.seen != Seen::Model && entry.said.number >= number);
        self.messages = self.messages.saturating_sub(cut as u64);
    }

    fn used(&mut self, usage: &Usage) {
        let sum = &mut self.usage;
        sum.input = sum.input.saturating_add(usage.input);
        sum.output = sum.output.saturating_add(usage.output);
        sum.reasoning = sum.reasoning.saturating_add(usage.reasoning);
        sum.calls = sum.calls.saturating_add(usage.calls);
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
