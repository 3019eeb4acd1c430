//! What each job does.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;

use crate::agent::supervisor::AgentSource;
use crate::config::{ConfigFile, Home};
use crate::model::facts::{Start, Verification};
use crate::model::job::{JobResult, JobSpec};
use crate::probe::attach::{self, Around};
use crate::probe::dropped::{self, Places};
use crate::probe::files::FileLists;
use crate::probe::{complete, facts, git, paste, save, spawn_tree, workspace};

/// What the workers share.
pub struct Workshop {
    config: Arc<ConfigFile>,
    home: Home,
    user_home: Option<PathBuf>,
    timezone: TimeZone,
    files: FileLists,
    /// Knows what agents keep.
    source: Arc<dyn AgentSource>,
}

impl Workshop {
    /// Works on this configuration.
    pub fn new(config: Arc<ConfigFile>, timezone: TimeZone, source: Arc<dyn AgentSource>) -> Self {
        let home = config.home().clone();
        let user_home = env::home_dir();
        Self { config, home, user_home, timezone, files: FileLists::default(), source }
    }

    pub(super) fn run(&self, spec: JobSpec) -> JobResult {
        let user_home = self.user_home.as_deref();
        match spec {
            JobSpec::Agent(job) => self.source.job(job),
            JobSpec::Errand(_) => JobResult::Failed("errands are not for the pool".to_owned()),
            JobSpec::Store(_) => JobResult::Failed("the store is not for the pool".to_owned()),
            JobSpec::LoadSettings => JobResult::Settings(self.config.current()),
            JobSpec::EditSettings { edits } => match self.config.change(&edits) {
                Ok(()) => JobResult::Settings(self.config.current()),
                Err(error) => JobResult::Failed(error.to_string()),
            },
            JobSpec::Workspace { candidates } => place(&candidates, user_home),
            JobSpec::ProfileWorkspace { profile, candidates } => match self.home.profile(&profile) {
                Ok(_) => place(&candidates, user_home),
                Err(why) => JobResult::Failed(why),
            },
            JobSpec::Directory { path } => match workspace::chosen(&path, user_home) {
                Ok(cwd) => {
                    let root = git::root(&cwd).unwrap_or_default();
                    JobResult::Directory { branch: git::branch(&cwd), root, cwd }
                }
                Err(why) => JobResult::Failed(why),
            },
            JobSpec::Facts(start) => JobResult::Facts(facts::find(&start, user_home).map(Box::new)),
            JobSpec::Verification { start, session } => self.verification(&start, &session),
            JobSpec::SaveConversation(export) => match save::save(&export, &self.home.saved_dir()) {
                Ok(path) => JobResult::Saved(path),
                Err(why) => JobResult::Failed(why),
            },
            JobSpec::CompletePath { word, candidates } => {
                let root = workspace::resolve(&candidates, user_home);
                JobResult::Completions(complete::complete(
                    &word,
                    &root,
                    user_home,
                    &self.files,
                    Instant::now(),
                ))
            }
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

/// The first of these that is a directory, or the process's.
fn place(candidates: &[PathBuf], user_home: Option<&Path>) -> JobResult {
    let cwd = workspace::resolve(candidates, user_home);
    let branch = git::branch(&cwd);
    JobResult::Workspace { cwd, branch }
}
