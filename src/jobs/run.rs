//! What each job does.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;

use crate::agent::supervisor::AgentSource;
use crate::config::{ConfigFile, Home};
use crate::cron;
use crate::extensions;
use crate::learning;

use crate::model::facts::{Start, Verification};
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::shell::Danger;
use crate::model::store::{Inquiry, StoreError, Told};
use crate::probe::attach::{self, Around};
use crate::probe::complete::{self, Place};
use crate::probe::dropped::{self, Places};
use crate::probe::files::FileLists;
use crate::probe::git::Repositories;
use crate::probe::{browser, facts, paste, save, spawn_tree, workspace};
use crate::projects;
use crate::shell;

/// Looks over what people run.
type Guard = Option<&'static dyn Fn(&str) -> Option<Danger>>;

#[cfg(feature = "openai")]
const GUARD: Guard = Some(&crate::tools::approval::danger);

/// A build without tools has no rules, and runs nothing unguarded.
#[cfg(not(feature = "openai"))]
const GUARD: Guard = None;

/// Asks the store, and waits for its answer.
pub type AskStore = dyn Fn(Inquiry) -> Result<Told, StoreError> + Send + Sync;

/// What the workers share.
pub struct Workshop {
    config: Arc<ConfigFile>,
    home: Home,
    user_home: Option<PathBuf>,
    timezone: TimeZone,
    files: FileLists,
    /// What can be named in a command.
    words: extensions::Known,
    git: Repositories,
    /// What is known of projects.
    projects: projects::Known,
    /// Asks for what was said.
    store: Arc<AskStore>,
    /// Knows what agents keep.
    source: Arc<dyn AgentSource>,
}

impl Workshop {
    /// Works on this configuration.
    pub fn new(config: Arc<ConfigFile>, timezone: TimeZone, source: Arc<dyn AgentSource>) -> Self {
        let home = config.home().clone();
        let user_home = env::home_dir();
        let git = Repositories::new(&|name| env::var_os(name));
        let store = Arc::new(|_: Inquiry| -> Result<Told, StoreError> {
            Err(StoreError::Unavailable("there is no store here".to_owned()))
        });
        Self {
            config,
            home,
            user_home,
            timezone,
            files: FileLists::default(),
            words: extensions::Known::default(),
            git,
            projects: projects::Known::default(),
            store,
            source,
        }
    }

    /// With a store to ask.
    #[must_use]
    pub fn with_store(self, store: Arc<AskStore>) -> Self {
        Self { store, ..self }
    }

    pub(super) fn run(&self, spec: JobSpec) -> JobResult {
        let user_home = self.user_home.as_deref();
        match spec {
            JobSpec::Agent(job) => self.source.job(job),
            JobSpec::Errand(_) => JobResult::Failed("errands are not for the pool".to_owned()),
            JobSpec::Store(_) => JobResult::Failed("the store is not for the pool".to_owned()),
            JobSpec::LoadSettings => JobResult::Settings(self.config.current()),
            JobSpec::ReloadEnv => {
                let changed = self.config.reload_env();
                JobResult::Env { changed, settings: self.config.current() }
            }
            JobSpec::EditSettings { edits } => match self.config.change(&edits) {
                Ok(()) => JobResult::Settings(self.config.current()),
                Err(error) => JobResult::Failed(error.to_string()),
            },
            JobSpec::Workspace { candidates } => self.place(&candidates),
            JobSpec::ProfileWorkspace { profile, candidates } => match self.home.profile(&profile) {
                Ok(_) => self.place(&candidates),
                Err(why) => JobResult::Failed(why),
            },
            JobSpec::Directory { path } => match workspace::chosen(&path, user_home) {
                Ok(cwd) => {
                    let root = self.git.common_root(&cwd).unwrap_or_default().into();
                    JobResult::Directory { branch: self.git.branch(&cwd), root, cwd }
                }
                Err(why) => JobResult::Failed(why),
            },
            JobSpec::Facts(start) => JobResult::Facts(facts::find(&start, user_home).map(Box::new)),
            JobSpec::Verification { start, session } => self.verification(&start, &session),
            JobSpec::SaveConversation(export) => match save::save(&export, &self.home.saved_dir()) {
                Ok(path) => JobResult::Saved(path),
                Err(why) => JobResult::Failed(why),
            },
            JobSpec::CompletePath { word, candidates, stop } => {
                let root = workspace::resolve(&candidates, user_home);
                let (lists, now) = (&self.files, Instant::now());
                let place = Place { root: &root, user_home, lists, now, stop: &stop };
                JobResult::Completions(complete::complete(&word, place))
            }
            JobSpec::Projects(job) => {
                let process_dir = env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
                let around = projects::Around {
                    home: self.home.dir(),
                    user_home,
                    process_dir: &process_dir,
                    now: jiff::Timestamp::now().as_second(),
                    git: &self.git,
                    known: &self.projects,
                    store: &|what| (self.store)(Inquiry { profile: None, what }),
                };
                JobResult::Projects(projects::run(&job, &around).map(Box::new))
            }
            JobSpec::Extensions(job) => {
                let now = jiff::Timestamp::now().to_zoned(self.timezone.clone());
                let settings = self.config.current();
                let elsewhere = env::var_os("HERMES_BUNDLES_DIR").map(PathBuf::from);
                let skills = || match self.source.job(AgentJob::Skills { named: None }) {
                    JobResult::Skills(rows) => rows,
                    _ => Vec::new(),
                };
                let around = extensions::Around {
                    home: self.home.dir(),
                    skills: &skills,
                    folders: &settings.agent.skill_folders,
                    disabled: &settings.agent.skills_off,
                    bundles: elsewhere.as_deref(),
                    known: &self.words,
                    at: Instant::now(),
                    now: &now,
                };
                JobResult::Extensions(extensions::run(&job, &around).map(Box::new))
            }
            JobSpec::Plugins => JobResult::Plugins(extensions::plugins::installed(self.home.dir())),
            JobSpec::Cron(job) => {
                let now = jiff::Timestamp::now().to_zoned(self.timezone.clone());
                let around = cron::Around { home: self.home.dir(), now: &now };
                JobResult::Cron(cron::run(&job, &around).map(Box::new))
            }
            JobSpec::Learning(job) => {
                let now = jiff::Timestamp::now().to_zoned(self.timezone.clone());
                let settings = self.config.current();
                let folders = &settings.agent.skill_folders;
                let around = learning::Around { home: self.home.dir(), folders, now: &now };
                JobResult::Learning(learning::run(&job, &around).map(Box::new))
            }
            JobSpec::Shell(job) => {
                let own = env::current_exe().ok();
                let around = shell::Around { guard: GUARD, own: own.as_deref() };
                JobResult::Shell(shell::run(&job, &around).map(Box::new))
            }
            JobSpec::Browser(probe) => JobResult::Browser(browser::look(&probe)),
            JobSpec::DetectDrop { text, cwd } => {
                let places = Places { cwd: &cwd, user_home, env: &|name| env::var(name).ok() };
                JobResult::Drop(dropped::detect(&text, places))
            }
            JobSpec::Attach(job) => {
                let (images, programs) = (self.home.images_dir(), env::var_os("PATH"));
                let around = Around {
                    images: &images,
                    user_home,
                    env: &|name| env::var(name).ok(),
                    programs: programs.as_deref(),
                    at: jiff::Timestamp::now().to_zoned(self.timezone.clone()).datetime(),
                };
                JobResult::Attach(attach::attach(&job, around))
            }
            JobSpec::SpawnTree(job) => match spawn_tree::run(&job, &self.home.spawn_trees_dir(), user_home) {
                Ok(done) => JobResult::SpawnTree(done),
                Err(why) => JobResult::Failed(why),
            },
            JobSpec::SavePaste { text, number } => {
                let at = jiff::Timestamp::now().to_zoned(self.timezone.clone()).time();
                match paste::save(&self.home.pastes_dir(), &text, number, at) {
                    Ok(saved) => JobResult::Paste { path: saved.path, lines: saved.lines, number },
                    Err(error) => JobResult::Failed(format!("cannot keep the paste: {error}")),
                }
            }
        }
    }

    /// The first of these that is a directory, or the process's.
    fn place(&self, candidates: &[PathBuf]) -> JobResult {
        let cwd = workspace::resolve(candidates, self.user_home.as_deref());
        let branch = self.git.branch(&cwd);
        JobResult::Workspace { cwd, branch }
    }

    /// How the last check of a project went.
    fn verification(&self, start: &Start, session: &str) -> JobResult {
        let Some(facts) = facts::find(start, self.user_home.as_deref()) else {
            return JobResult::Verification(None);
        };
        let root = facts.root.display().to_string();
        match ledger(&self.home.evidence_file(), session, &root) {
            Ok(found) => JobResult::Verification(Some(Box::new(found))),
            Err(why) => JobResult::Failed(why),
        }
    }
}

#[cfg(feature = "store")]
fn ledger(file: &Path, session: &str, root: &str) -> Result<Verification, String> {
    crate::store::evidence::read(file, session, root)
}

/// Without SQLite there is nothing to read it with.
#[cfg(not(feature = "store"))]
fn ledger(_file: &Path, session: &str, root: &str) -> Result<Verification, String> {
    let (session, root, status) = (session.to_owned(), root.to_owned(), "unverified".to_owned());
    Ok(Verification { session, root, status, ..Verification::default() })
}
