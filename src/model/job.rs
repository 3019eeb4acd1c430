//! Work that may block (files, processes): described here, done by `jobs` on its pool.

use std::path::PathBuf;
use std::sync::Arc;

use super::attach::{AttachJob, Attached, Refused};
use super::browser::BrowserProbe;
use super::checkpoint::{CheckpointDone, CheckpointError, CheckpointJob};
use super::cron::{CronDone, CronError, CronJob};
use super::edit::Edit;
use super::errand::{Errand, ErrandEnd};
use super::extensions::{ExtensionDone, ExtensionError, ExtensionJob};
use super::facts::{Export, Facts, Start, Verification};
use super::learning::{LearningDone, LearningError, LearningJob};
use super::plugin::Plugin;
use super::process::{Killed, Process};
use super::projects::{ProjectDone, ProjectError, ProjectJob};
use super::provider::{ProviderDone, ProviderError, ProviderJob};
use super::settings::Settings;
use super::shell::{ShellDone, ShellError, ShellJob};
use super::skill::SkillRow;
use super::spawn_tree::{TreeDone, TreeJob};
use super::store::{Inquiry, Profile, StoreError, Told};
use super::toolset::Stock;
use crate::base::switch::Switch;

/// One piece of work.
#[derive(Clone, PartialEq, Debug)]
pub enum JobSpec {
    /// Read `config.yaml` again if it changed.
    LoadSettings,
    /// Read `.env` again, and the settings with it.
    ReloadEnv,
    /// Change `config.yaml`, all of it or nothing, and read it again.
    EditSettings {
        /// What to change.
        edits: Vec<Edit>,
    },
    /// Work for an agent; it runs on a thread of its own, not on the pool.
    Errand(Box<Errand>),
    /// Look at, or change, what agents keep outside of turns.
    Agent(AgentJob),
    /// Find a session's working directory and its git branch.
    Workspace {
        /// Candidates in order. The first that is not empty decides; if it is no existing directory, the
        /// process directory is used.
        candidates: Vec<PathBuf>,
    },
    /// The same for a session of this profile; fails where there is no such profile.
    ProfileWorkspace {
        /// Its name, checked.
        profile: Arc<str>,
        /// As above.
        candidates: Vec<PathBuf>,
    },
    /// `complete.path`.
    CompletePath {
        /// The word, with a leading `@` if there is one.
        word: String,
        /// Candidates for the workspace, as above.
        candidates: Vec<PathBuf>,
        /// On once the client has asked for another one.
        stop: Switch,
    },
    /// `input.detect_drop`: does the text start with the path of an existing file?
    DetectDrop {
        /// The text.
        text: String,
        /// Where relative paths start.
        cwd: PathBuf,
    },
    /// `paste.collapse`: keep a long paste in a file.
    SavePaste {
        /// The paste.
        text: String,
        /// Its number in this process.
        number: u64,
    },
    /// Make something ready that goes with a prompt.
    Attach(AttachJob),
    /// `spawn_tree.save`, `.list` and `.load`.
    SpawnTree(TreeJob),
    /// Look at a directory that must exist.
    Directory {
        /// Its path, `~` allowed.
        path: PathBuf,
    },
    /// `project.facts`.
    Facts(Start),
    /// `verification.status`.
    Verification {
        /// Where the project is.
        start: Start,
        /// The conversation's stored key.
        session: String,
    },
    /// `session.save`.
    SaveConversation(Box<Export>),
    /// Work on what groups conversations: projects, their folders and repositories.
    Projects(Box<ProjectJob>),
    /// Work on what users add: skills, bundles, quick commands, executables, plugins, sets of tools.
    Extensions(Box<ExtensionJob>),
    /// The plugins there are.
    Plugins,
    /// Work on jobs that run on a schedule.
    Cron(Box<CronJob>),
    /// Work on what the agent has learned: skills and memories.
    Learning(Box<LearningJob>),
    /// Work on commands that people run.
    Shell(Box<ShellJob>),
    /// Look whether a browser listens.
    Browser(Box<BrowserProbe>),
    /// Ask the store; it runs on the store's thread, not on the pool.
    Store(Box<Inquiry>),
}

/// Work on what agents keep outside of turns: processes, subagents, tool servers, checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgentJob {
    /// Connect to the tool servers that are not connected.
    ReloadServers,
    /// The background processes of a session.
    Processes {
        /// Its stored key; `None` for those of all sessions.
        owner: Option<String>,
    },
    /// End a background process of a session.
    KillProcess {
        /// Its stored key.
        owner: String,
        /// The process's id.
        id: String,
    },
    /// End every background process of every session.
    StopProcesses,
    /// The subagents that run, of all sessions.
    Subagents,
    /// Let no new subagents start, or let them again.
    PauseSubagents {
        /// Which of the two.
        paused: bool,
    },
    /// Stop one subagent with those it started.
    InterruptSubagent {
        /// Its id.
        id: String,
    },
    /// Look at the checkpoints of a directory, or go back to one.
    Checkpoints(CheckpointJob),
    /// The skills that agents can read.
    Skills {
        /// Only those that this may mean, with more of each; `None` for all.
        named: Option<String>,
    },
    /// The tools that agents could use. What was changed in the settings holds from now on.
    Tools {
        /// Whose agents.
        profile: Profile,
    },
    /// Work on providers of models: whoever makes agents knows the networks.
    Providers(Box<ProviderJob>),
}

/// Subagents that run, of all sessions, and what bounds them.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Subagents {
    /// Those that run, oldest first.
    pub active: Vec<ActiveSubagent>,
    /// Whether new ones may not start.
    pub paused: bool,
    /// How deep they may start others; 1 when they start none.
    pub depth_max: u32,
    /// Most that are started at once.
    pub children_max: usize,
}

/// A subagent that runs.
#[derive(Clone, PartialEq, Debug)]
pub struct ActiveSubagent {
    /// Its id.
    pub id: String,
    /// The id of the subagent that started it.
    pub parent: Option<String>,
    /// 0 for a subagent of a session.
    pub depth: u32,
    /// What it is to do.
    pub goal: String,
    /// The model.
    pub model: String,
    /// When it began, in seconds since 1970.
    pub started_at: f64,
    /// `running`, or `interrupting` once it was told to stop.
    pub status: &'static str,
    /// Tools it ran so far.
    pub tool_count: u64,
    /// The last of them.
    pub last_tool: Option<String>,
}

/// Its result.
#[derive(Clone, Debug)]
pub enum JobResult {
    /// The settings in force now.
    Settings(Arc<Settings>),
    /// `.env` was read again.
    Env {
        /// Variables that were added, changed or removed since it was read last.
        changed: usize,
        /// The settings in force now.
        settings: Arc<Settings>,
    },
    /// An existing directory and its branch (`""` outside git).
    Workspace {
        /// The directory.
        cwd: PathBuf,
        /// The branch, or a short commit id.
        branch: String,
    },
    /// A directory that exists.
    Directory {
        /// The directory, absolute.
        cwd: PathBuf,
        /// The branch, or a short commit id; `""` outside git.
        branch: String,
        /// The repository's root, that of its main working tree; empty outside git.
        root: PathBuf,
    },
    /// What a project says of itself; `None` outside of one.
    Facts(Option<Box<Facts>>),
    /// How its last check went; `None` outside of a project.
    Verification(Option<Box<Verification>>),
    /// Where a conversation was saved.
    Saved(PathBuf),
    /// Items to offer, at most 30.
    Completions(Vec<PathItem>),
    /// What was dropped, if anything.
    Drop(Option<Drop>),
    /// Where the paste was kept.
    Paste {
        /// Absolute path.
        path: PathBuf,
        /// Number of line feeds plus one.
        lines: usize,
        /// Its number in this process.
        number: u64,
    },
    /// The tool servers were asked again; those that answer are connected.
    ServersReloaded,
    /// What came of an errand.
    Errand(Box<ErrandEnd>),
    /// Background processes: those that run, then the others, each in the order of their start.
    Processes(Vec<Process>),
    /// What ending a process came to.
    Killed(Killed),
    /// How many processes were ended.
    Stopped(usize),
    /// The subagents that run.
    Subagents(Box<Subagents>),
    /// Whether subagents may not start.
    SubagentsPaused(bool),
    /// Whether there was such a subagent.
    SubagentFound(bool),
    /// The tools that agents could use.
    Tools(Box<Stock>),
    /// The skills, in no order.
    Skills(Vec<SkillRow>),
    /// What came of checkpoints, or why nothing did.
    Checkpoints(Result<CheckpointDone, CheckpointError>),
    /// What came of work on providers.
    Providers(Result<Box<ProviderDone>, ProviderError>),
    /// What goes with a prompt, or why not.
    Attach(Result<Attached, Refused>),
    /// What came of snapshots of subagents.
    SpawnTree(TreeDone),
    /// What came of work on what groups conversations: projects, their folders and repositories.
    Projects(Result<Box<ProjectDone>, ProjectError>),
    /// What came of work on what users add: skills, bundles, quick commands, executables, plugins, sets of tools.
    Extensions(Result<Box<ExtensionDone>, ExtensionError>),
    /// Plugins, by name.
    Plugins(Vec<Plugin>),
    /// What came of work on jobs that run on a schedule.
    Cron(Result<Box<CronDone>, CronError>),
    /// What came of work on what the agent has learned: skills and memories.
    Learning(Result<Box<LearningDone>, LearningError>),
    /// What came of work on commands that people run.
    Shell(Result<Box<ShellDone>, ShellError>),
    /// A browser listens, or why none does.
    Browser(Result<(), String>),
    /// What the store says.
    Store(Result<Box<Told>, StoreError>),
    /// It could not be done; a sentence for people.
    Failed(String),
}

/// One completion of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathItem {
    /// What replaces the word.
    pub text: String,
    /// What is shown.
    pub display: String,
    /// A note beside it.
    pub meta: String,
}

/// A file found at the start of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drop {
    /// The file.
    pub path: PathBuf,
    /// Whether its extension is an image's.
    pub is_image: bool,
    /// What follows the path.
    pub remainder: String,
    /// Width and height in pixels, where the file could be read as an image.
    pub size: Option<(u32, u32)>,
}
