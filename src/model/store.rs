//! What outlives the process: what is recorded of a conversation while it goes on, what is asked of the
//! store, and what it answers. Domain words; tables and SQL are `store`'s.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::ask::Ask;
use super::goal::{GoalChange, GoalWish};
use super::message::{Message, Role};
use super::projects::SessionRow;
use super::provider::ModelChoice;
use super::turn::Usage;

/// The database of a profile; `None` for that of the profile the server was started with.
pub type Profile = Option<Arc<str>>;

/// One change of one stored conversation. Records are applied in the order in which they are made, each whole
/// or not at all, and those of one moment together.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// Whose database.
    pub profile: Profile,
    /// The conversation's stored key.
    pub key: Arc<str>,
    /// When, in seconds since 1970.
    pub at: f64,
    /// What changes.
    pub change: Change,
}

/// What changes.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// The conversation exists. Where it did already, only what is unknown of it is filled in.
    Begin(Box<Row>),
    /// Messages come to its end. What was [`Change::Streamed`] since the last ones is part of them, and is
    /// forgotten.
    Append(Vec<Message>),
    /// The newest message has this text now.
    Amend(String),
    /// The newest message, a prompt, failed: people see it, models do not ([`Message::failed`]).
    Failed,
    /// The answer that is being streamed grew by this; kept aside until it is appended, so that a crash loses
    /// little of it.
    Streamed(String),
    /// A prompt waits for the running turn.
    Wait {
        /// Names it in this process.
        number: u64,
        /// What the person wrote.
        text: String,
        /// Images that go with it.
        images: Vec<PathBuf>,
    },
    /// It waits no more: it was appended, or given back to the person.
    WaitOver {
        /// The number it waited under.
        number: u64,
    },
    /// A question is open that can be asked again after a restart.
    Ask(OpenQuestion),
    /// It is open no more.
    AskOver {
        /// Its number.
        request: u32,
    },
    /// The newest messages are taken back. They stay in the file, out of sight.
    Cut {
        /// How many of the conversation as people see it, at its end.
        messages: usize,
        /// The text of the first of them, a prompt. Where another one stands in its place, nothing is cut.
        prompt: String,
    },
    /// What the model sees in the place of the conversation; `None`: the conversation itself again. Messages
    /// appended later belong to both.
    Context(Option<Arc<Vec<Message>>>),
    /// A turn used this; added to what is there.
    Used(Usage),
    /// The title, unless another conversation has it.
    Title(String),
    /// The working directory, with its git branch and root (`""` where unknown: what is there stays).
    Moved {
        /// Absolute path.
        cwd: String,
        /// The branch.
        branch: String,
        /// The repository's root.
        root: String,
    },
    /// The model chosen for it, and its provider; where that is not named, the provider that is there stays.
    Model(ModelChoice),
    /// It is live no more, for this reason; the first reason counts.
    End(&'static str),
}

/// A conversation's row, as it begins.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Row {
    /// Stored key.
    pub key: Arc<str>,
    /// Which kind of client made it (`tui`, `tool`, …).
    pub source: String,
    /// The model; empty when none is configured.
    pub model: String,
    /// Its provider; may be empty.
    pub provider: String,
    /// The working directory, where the person chose it.
    pub cwd: Option<String>,
    /// The conversation this one was branched from.
    pub branched_from: Option<Arc<str>>,
    /// When it began, in seconds since 1970.
    pub started_at: f64,
}

/// A question that outlives the process.
#[derive(Clone, PartialEq, Debug)]
pub struct OpenQuestion {
    /// Its number on the wire.
    pub request: u32,
    /// The question: an approval or a clarification.
    pub question: Ask,
    /// The tool call that asks. It has done nothing yet.
    pub call: String,
}

/// Something asked of the store.
#[derive(Clone, PartialEq, Debug)]
pub struct Inquiry {
    /// Whose database.
    pub profile: Profile,
    /// What.
    pub what: Asked,
}

/// What can be asked. Everything recorded before is seen.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    /// The conversations for a picker, newest activity first. → [`Told::List`]
    List {
        /// Most of them; negative: so many fewer than there are.
        limit: i64,
    },
    /// A conversation to go on with. It counts as live again. → [`Told::Loaded`]
    Load {
        /// Stored key, exact title, or the beginning of a key that fits one conversation only.
        name: String,
        /// Now, in seconds since 1970.
        at: f64,
    },
    /// Remove a conversation for good, with its subagents'. → [`Told::Deleted`]
    Delete {
        /// Stored key.
        key: Arc<str>,
    },
    /// Give a title; the row is made if it is missing. → [`Told::Titled`]
    Title {
        /// The row.
        row: Box<Row>,
        /// A title that was cleaned.
        title: String,
    },
    /// Store a copy of a conversation under another key, with a title of its own. → [`Told::Titled`]
    Branch(Box<NewBranch>),
    /// Take an open question of a conversation, to answer it. → [`Told::Claimed`]
    Claim {
        /// Stored key.
        key: Arc<str>,
        /// Its number.
        request: u32,
    },
    /// Hand a conversation to a messaging platform; the row is made if it is missing. → [`Told::Handoff`]
    HandOff {
        /// The row.
        row: Box<Row>,
        /// Which platform.
        platform: String,
    },
    /// How that stands. → [`Told::Handoff`]
    HandoffState {
        /// Stored key.
        key: Arc<str>,
    },
    /// It failed. → [`Told::HandoffFailed`]
    HandoffFail {
        /// Stored key.
        key: Arc<str>,
        /// Why, at most 500 characters.
        error: String,
    },
    /// Look at the goal of a conversation, or change it. → [`Told::Goal`]
    Goal {
        /// Stored key.
        key: Arc<str>,
        /// Now, in seconds since 1970.
        at: f64,
        /// What is to become of it.
        wish: GoalWish,
    },
    /// How much was said lately. → [`Told::Insights`]
    Insights {
        /// Since when, in seconds since 1970.
        since: f64,
    },
    /// Look through what was said. → [`Told::Found`]
    Search(Search),
    /// Messages around one, or the whole of a conversation. → [`Told::Excerpt`]
    Read(Read),
    /// The conversations that are sorted into projects, newest activity first: with at least one message, not
    /// archived, no runs of `cron`. → [`Told::Rows`]
    Rows {
        /// Most of them; negative for all.
        limit: i64,
    },
    /// Where conversations are. → [`Told::Workdirs`]
    Workdirs,
    /// Directories with the roots of their repositories, for conversations in them that have none.
    /// → [`Told::Noted`]
    NoteRoots(Vec<(String, String)>),
}

/// A branch to store.
#[derive(Clone, PartialEq, Debug)]
pub struct NewBranch {
    /// The new row; [`Row::branched_from`] says of what it is a copy.
    pub row: Row,
    /// The conversation so far.
    pub history: Arc<Vec<Message>>,
    /// What the model sees in its place, if that is something else.
    pub context: Option<Arc<Vec<Message>>>,
    /// The title that was asked for, cleaned.
    pub title: Option<String>,
    /// Otherwise the next free one of this: `Base`, `Base #2`, …
    pub base: String,
}

/// A search through what was said.
#[derive(Clone, PartialEq, Debug)]
pub struct Search {
    /// Words, "phrases", OR, NOT; as people write them. At most 2048 characters count.
    pub query: String,
    /// Whose messages; empty for everybody's.
    pub roles: Vec<Role>,
    /// Most hits, at most one a conversation.
    pub limit: usize,
    /// In which order.
    pub order: Order,
    /// A conversation to leave out.
    pub except: Option<Arc<str>>,
}

/// The order of hits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Order {
    /// The best first.
    #[default]
    Rank,
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

/// A part of a conversation to read.
#[derive(Clone, PartialEq, Debug)]
pub struct Read {
    /// Stored key.
    pub key: Arc<str>,
    /// Around the message with this number; `None` from the beginning.
    pub around: Option<i64>,
    /// Messages on each side of it; from the beginning: messages at the beginning and at the end.
    pub window: usize,
}

/// What the store answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    /// Conversations.
    List(Vec<Listed>),
    /// A conversation; `None` where there is none of that name.
    Loaded(Option<Box<Loaded>>),
    /// Whether there was such a conversation.
    Deleted(bool),
    /// The title it has now, or who has that title.
    Titled(Result<String, Arc<str>>),
    /// Whether the question was open; it is not any more.
    Claimed(bool),
    /// How a handoff stands; `None` where there is no such conversation.
    Handoff(Option<Handoff>),
    /// Whether a handoff was under way, and how it stands now.
    HandoffFailed(bool, String),
    /// A goal.
    Goal(Box<GoalChange>),
    /// Conversations and messages.
    Insights {
        /// Conversations.
        sessions: u64,
        /// Messages of them.
        messages: u64,
    },
    /// Hits.
    Found(Vec<Hit>),
    /// A part of a conversation; `None` where there is no such conversation or message.
    Excerpt(Option<Box<Excerpt>>),
    /// Conversations.
    Rows(Arc<[Arc<SessionRow>]>),
    /// Directories, in the order of their paths.
    Workdirs(Arc<[Workdir]>),
    /// How many conversations were changed.
    Noted(u64),
}

/// A directory that conversations are in.
#[derive(Clone, PartialEq, Debug)]
pub struct Workdir {
    /// As it is stored.
    pub cwd: String,
    /// Conversations in it, archived ones left out.
    pub sessions: i64,
    /// When the newest of them ended, or began; in seconds since 1970.
    pub last_active: f64,
}

/// How a handoff stands; empty texts where nothing is known.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Handoff {
    /// `pending`, `running`, `completed`, `failed`.
    pub state: String,
    /// The platform.
    pub platform: String,
    /// Why it failed.
    pub error: String,
    /// Whether the request that asks was turned down, because one is under way.
    pub refused: bool,
}

/// A conversation in a list.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Listed {
    /// Stored key.
    pub key: Arc<str>,
    /// Title; may be empty.
    pub title: String,
    /// The beginning of its first prompt.
    pub preview: String,
    /// When it began, in seconds since 1970.
    pub started_at: f64,
    /// Messages.
    pub messages: u64,
    /// Which kind of client made it.
    pub source: String,
    /// The newest message, or the beginning, in seconds since 1970.
    pub last_active: f64,
}

/// A conversation to go on with.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Loaded {
    /// Stored key: the end of the chain of compressed conversations that begins at the one asked for.
    pub key: Arc<str>,
    /// Title.
    pub title: Option<String>,
    /// Which kind of client made it.
    pub source: String,
    /// The model it was begun with; may be empty.
    pub model: String,
    /// Its provider; may be empty.
    pub provider: String,
    /// Working directory, where one is stored.
    pub cwd: Option<PathBuf>,
    /// When it began, in seconds since 1970.
    pub started_at: f64,
    /// What it used so far.
    pub usage: Usage,
    /// The conversation as people see it, with what came before a compression into another key.
    pub history: Vec<Message>,
    /// What the model sees in its place, if that is something else.
    pub context: Option<Vec<Message>>,
    /// Questions that were open when the process ended, oldest first.
    pub asks: Vec<OpenQuestion>,
    /// Whether it has a goal that is to be reached.
    pub pursues: bool,
}

/// A message that was found.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Hit {
    /// The conversation.
    pub session: Listed,
    /// Its model; may be empty.
    pub model: String,
    /// The message's number.
    pub message: i64,
    /// Who said it: a word of [`Role::as_str`].
    pub role: String,
    /// The words around the hit, with `>>>` and `<<<` around what fits.
    pub snippet: String,
}

/// A part of a conversation.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Excerpt {
    /// The conversation.
    pub session: Listed,
    /// Its model; may be empty.
    pub model: String,
    /// Messages with their numbers and times.
    pub messages: Vec<Excerpted>,
    /// Messages before these.
    pub before: u64,
    /// Messages after these, or between the first half and the second of a part from the beginning.
    pub after: u64,
}

/// One message of a part.
#[derive(Clone, PartialEq, Debug)]
pub struct Excerpted {
    /// Its number.
    pub number: i64,
    /// When, in seconds since 1970.
    pub at: f64,
    /// The message.
    pub message: Message,
}

/// Why the store cannot do something; a sentence for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// The database cannot be used at all.
    Unavailable(String),
    /// This cannot be done.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Unavailable(why) => write!(f, "state.db unavailable: {why}"),
            StoreError::Failed(why) => f.write_str(why),
        }
    }
}

/// What the store says on its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreNews {
    /// Everything recorded before this mark was asked for is on disk, or in memory where that is the store.
    Durable(u64),
    /// Nothing can be written; conversations go on in memory, and are written once that works again.
    Trouble(String),
    /// It works again, and everything is written.
    Recovered,
}
