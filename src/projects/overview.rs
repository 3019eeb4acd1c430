//! Everything at once: projects, the repositories people worked in and those a scan found, and which
//! conversation belongs where. Without conversations there is no overview: an answer without them would look
//! as if there were none.

use std::collections::HashMap;
use std::sync::Arc;

use super::Around;
use super::db::Db;
use super::db::scan::{self, Scanned};
use super::junk::Junk;
use super::path::{self, Origin};
use super::tree::{self, Tree, TreeInput};
use crate::model::projects::{DiscoveredRepo, ProjectDone, ProjectError, SessionRow};
use crate::model::store::{Asked, StoreError, Told, Workdir};
use crate::probe::git::{Moment, Roots};

/// Repositories of one scan. The original takes any number; each is looked at for every overview.
const REPOS_MAX: usize = 10_000;

/// The tree without the conversations in its lanes.
///
/// # Errors
/// A database cannot be read.
pub(super) fn tree(
    around: &Around<'_>,
    preview_limit: i64,
    session_limit: i64,
) -> Result<ProjectDone, ProjectError> {
    let Some(sessions) = rows(around, session_limit)? else {
        return Ok(ProjectDone::Tree { projects: Vec::new(), active: None, scoped: Vec::new() });
    };
    let contents = around.known.kept.contents(around.home)?;
    let looks = Looks::new(around);
    let discovered = match workdirs(around)? {
        Some(workdirs) => repositories(&workdirs, &contents.scanned, &looks),
        None => Vec::new(),
    };
    let input = TreeInput {
        projects: &contents.projects,
        sessions: &sessions,
        discovered: &discovered,
        preview_limit,
        hydrate: false,
    };
    let tree = built(&input, &looks);
    let active = contents.active.clone();
    Ok(ProjectDone::Tree { projects: tree.projects, active, scoped: tree.scoped_session_ids })
}

/// One project of it with its conversations. What only a scan found is no such project, as in the original.
///
/// # Errors
/// A database cannot be read.
pub(super) fn node(
    around: &Around<'_>,
    project: &str,
    session_limit: i64,
) -> Result<ProjectDone, ProjectError> {
    let Some(sessions) = rows(around, session_limit)? else { return Ok(ProjectDone::Branch(None)) };
    let contents = around.known.kept.contents(around.home)?;
    let looks = Looks::new(around);
    let input = TreeInput {
        projects: &contents.projects,
        sessions: &sessions,
        discovered: &[],
        preview_limit: 0,
        hydrate: true,
    };
    let tree = built(&input, &looks);
    Ok(ProjectDone::Branch(tree.projects.into_iter().find(|node| node.id == project)))
}

/// The repositories that are known. Their roots are noted on conversations that have none.
///
/// # Errors
/// A database cannot be read.
pub(super) fn discover(around: &Around<'_>) -> Result<ProjectDone, ProjectError> {
    let Some(workdirs) = workdirs(around)? else { return Ok(ProjectDone::Repos(Vec::new())) };
    let contents = around.known.kept.contents(around.home)?;
    let looks = Looks::new(around);
    let repos = repositories(&workdirs, &contents.scanned, &looks);
    let root = |workdir: &Workdir| Some((workdir.cwd.clone(), looks.common_root(&workdir.cwd)?));
    let roots: Vec<(String, String)> = workdirs.iter().filter_map(root).collect();
    if !roots.is_empty()
        && let Err(error) = (around.store)(Asked::NoteRoots(roots))
    {
        // The tree asks git again; nothing is lost.
        log::debug!("roots of repositories are not noted: {error}");
    }
    Ok(ProjectDone::Repos(repos))
}

/// Keeps what a scan found in the place of the one before, and tells the repositories that are known now.
///
/// # Errors
/// There are too many, or a database cannot be used.
pub(super) fn record(
    around: &Around<'_>,
    repos: &[(String, Option<String>)],
) -> Result<ProjectDone, ProjectError> {
    if repos.len() > REPOS_MAX {
        return Err(ProjectError::Argument(format!("a scan has at most {REPOS_MAX} repositories")));
    }
    Db::open(around.home)?.write(|tx| Ok(scan::replace(tx, repos, Origin::of(around), around.now)?))?;
    discover(around)
}

/// What is seen of the disk for one answer. Many conversations are in one directory, and many of those in one
/// repository, so each is looked at once.
struct Looks<'a> {
    moment: Moment<'a>,
    junk: Junk,
}

impl<'a> Looks<'a> {
    fn new(around: &Around<'a>) -> Self {
        Self { moment: around.git.moment(), junk: Junk::new(around.home, around.user_home) }
    }

    /// Both roots of a checkout.
    fn roots(&self, cwd: &str) -> Option<Arc<Roots>> {
        let roots = self.moment.resolve(cwd)?;
        self.junk.resolved(&roots.repo_root);
        Some(roots)
    }

    /// The root of the main checkout, which a bare repository has as well.
    fn common_root(&self, cwd: &str) -> Option<String> {
        let root = self.moment.common_root(cwd)?;
        self.junk.resolved(&root);
        Some(root)
    }
}

fn built(input: &TreeInput<'_>, looks: &Looks<'_>) -> Tree {
    tree::build(input, &|cwd| looks.roots(cwd), &|root| looks.junk.has(root))
}

/// The conversations; `None` without a database of them. What git knows of their places is found at once.
fn rows(around: &Around<'_>, limit: i64) -> Result<Option<Arc<[Arc<SessionRow>]>>, ProjectError> {
    let Some(Told::Rows(rows)) = ask(around, Asked::Rows { limit })? else { return Ok(None) };
    let cwds: Vec<&str> = rows.iter().filter_map(|row| row.cwd.as_deref()).collect();
    around.git.warm(&cwds);
    Ok(Some(rows))
}

/// Where conversations are; `None` without a database of them. They are looked at at once, too.
fn workdirs(around: &Around<'_>) -> Result<Option<Arc<[Workdir]>>, ProjectError> {
    let Some(Told::Workdirs(workdirs)) = ask(around, Asked::Workdirs)? else { return Ok(None) };
    let cwds: Vec<&str> = workdirs.iter().map(|workdir| workdir.cwd.as_str()).collect();
    around.git.warm(&cwds);
    Ok(Some(workdirs))
}

/// Repositories, newest first.
fn repositories(workdirs: &[Workdir], scanned: &[Scanned], looks: &Looks<'_>) -> Vec<DiscoveredRepo> {
    let mut found = Found::default();
    for Workdir { cwd, sessions, last_active } in workdirs {
        let Some(root) = looks.common_root(cwd).filter(|root| !looks.junk.has(root)) else { continue };
        let repo = found.repo(&root);
        repo.sessions = repo.sessions.saturating_add(*sessions);
        repo.last_active = repo.last_active.max(*last_active);
    }
    for scanned in scanned.iter().filter(|scanned| !looks.junk.has(&scanned.root)) {
        let repo = found.repo(&scanned.root);
        if !scanned.label.is_empty() {
            repo.label.clone_from(&scanned.label);
        }
        // Exact up to 2^53, which is far off.
        repo.last_active = repo.last_active.max(scanned.last_seen as f64);
    }
    found.newest_first()
}

/// Repositories in the order in which they were found.
#[derive(Default)]
struct Found {
    repos: Vec<DiscoveredRepo>,
    places: HashMap<String, usize>,
}

impl Found {
    /// The one with this root.
    fn repo(&mut self, root: &str) -> &mut DiscoveredRepo {
        let place = *self.places.entry(root.to_owned()).or_insert(self.repos.len());
        if place == self.repos.len() {
            self.repos.push(DiscoveredRepo { root: root.to_owned(), ..DiscoveredRepo::default() });
        }
        &mut self.repos[place]
    }

    /// Those of one moment keep their order. Who has no label is called by the end of the path.
    fn newest_first(mut self) -> Vec<DiscoveredRepo> {
        self.repos.sort_by(|a, b| b.last_active.total_cmp(&a.last_active));
        for repo in &mut self.repos {
            if repo.label.is_empty() {
                path::name(&repo.root).clone_into(&mut repo.label);
            }
        }
        self.repos
    }
}

/// What the store says; `None` where it cannot be used at all.
fn ask(around: &Around<'_>, asked: Asked) -> Result<Option<Told>, ProjectError> {
    match (around.store)(asked) {
        Ok(told) => Ok(Some(told)),
        Err(StoreError::Unavailable(why)) => {
            log::warn!("no conversations for projects: {why}");
            Ok(None)
        }
        Err(error) => Err(ProjectError::Failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
