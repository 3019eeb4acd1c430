//! The tree that groups conversations: which project, repository and lane each belongs to. Pure: what git
//! knows and what is no project are asked of the caller.
//!
//! `segments` cuts paths, `placement` finds a conversation's lane, `lanes` puts lanes and repositories
//! together, `owners` knows whose folder a path is in, `labels` keeps names apart.

mod labels;
mod lanes;
mod owners;
mod placement;
mod segments;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::labels::{Labelled, tell_apart};
use self::lanes::{count, empty, last_active, newest, repositories};
use self::owners::Owners;
use self::placement::{Located, trimmed};
use self::segments::{bare, label};
use crate::model::projects::{DiscoveredRepo, Project, ProjectNode, RepoNode, SessionRow};
use crate::probe::git::Roots;

/// What a tree is made of.
#[derive(Clone, Copy, Debug)]
pub struct TreeInput<'a> {
    /// In the order in which they are shown; archived ones are not.
    pub projects: &'a [Project],
    /// Conversations, in the order in which lanes and repositories are found.
    pub sessions: &'a [Arc<SessionRow>],
    /// Repositories, newest first.
    pub discovered: &'a [DiscoveredRepo],
    /// Newest conversations that each project shows; none when not above 0.
    pub preview_limit: i64,
    /// Whether lanes show their conversations.
    pub hydrate: bool,
}

/// A tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Tree {
    /// Those that people made, then repositories with conversations, then repositories without.
    pub projects: Vec<ProjectNode>,
    /// Conversations that belong to a project.
    pub scoped_session_ids: Vec<String>,
}

/// Tells what git knows of a directory.
pub type Resolver<'a> = dyn Fn(&str) -> Option<Arc<Roots>> + 'a;

/// Builds it. `resolver` tells what git knows of a directory, `is_junk` which roots are never projects unless
/// people made them such.
pub fn build(input: &TreeInput<'_>, resolver: &Resolver<'_>, is_junk: &dyn Fn(&str) -> bool) -> Tree {
    let live = live(input.sessions, resolver);
    let projects: Vec<&Project> = input.projects.iter().filter(|project| !project.archived).collect();
    let owners = Owners::new(&projects);
    let mut owned: Vec<Vec<Located<'_>>> = projects.iter().map(|_| Vec::new()).collect();
    let mut loose = Vec::new();
    for row in input.sessions {
        let session = Located::new(row, live.get(trimmed(row.cwd.as_deref())).and_then(Option::as_deref));
        match owner(&owners, &session).and_then(|place| owned.get_mut(place)) {
            Some(sessions) => sessions.push(session),
            None => loose.push(session),
        }
    }
    let mut builder = Builder { input, is_junk, nodes: Vec::new(), scoped: Vec::new() };
    for (project, sessions) in projects.iter().zip(&owned) {
        builder.made(project, sessions, resolver);
    }
    let mut shown = builder.found(&loose);
    for repo in input.discovered {
        let root = repo.root.trim();
        if root.is_empty() {
            continue;
        }
        let root = resolver(root).map_or_else(|| root.to_owned(), |roots| roots.repo_root.clone());
        if shown.contains(&root) || is_junk(&root) || owners.of(&[&root]).is_some() {
            continue;
        }
        builder.scanned(&root, repo);
        shown.insert(root);
    }
    let Builder { mut nodes, scoped, .. } = builder;
    // People chose the names of their own.
    let autos = nodes.iter().position(|node| node.is_auto).unwrap_or(nodes.len());
    tell_apart(nodes.get_mut(autos..).unwrap_or_default());
    Tree { projects: nodes, scoped_session_ids: scoped }
}

/// What git says of each directory, asked once.
fn live<'a>(
    sessions: &'a [Arc<SessionRow>],
    resolver: &Resolver<'_>,
) -> HashMap<&'a str, Option<Arc<Roots>>> {
    let mut live = HashMap::new();
    for cwd in sessions.iter().map(|row| trimmed(row.cwd.as_deref())).filter(|cwd| !cwd.is_empty()) {
        live.entry(cwd).or_insert_with(|| {
            resolver(cwd).filter(|roots| !roots.repo_root.is_empty() && !roots.worktree_root.is_empty())
        });
    }
    live
}

/// The project whose folder the conversation is in, by its directory or its repository.
fn owner(owners: &Owners<'_>, session: &Located<'_>) -> Option<usize> {
    if session.cwd.is_empty() {
        return None;
    }
    owners.of(&[session.cwd, session.root()])
}

/// The projects so far.
struct Builder<'a> {
    input: &'a TreeInput<'a>,
    is_junk: &'a dyn Fn(&str) -> bool,
    nodes: Vec<ProjectNode>,
    scoped: Vec<String>,
}

impl Builder<'_> {
    /// A project that somebody made; it is shown even when nothing is in it.
    fn made(&mut self, project: &Project, sessions: &[Located<'_>], resolver: &Resolver<'_>) {
        let mut repos = repositories(sessions, self.input.hydrate);
        seed(&mut repos, project, resolver);
        let name = if project.name.is_empty() { &project.id } else { &project.name };
        let node = ProjectNode {
            id: project.id.clone(),
            label: name.clone(),
            path: project.primary_path.clone(),
            color: project.color.clone(),
            icon: project.icon.clone(),
            session_count: count(sessions.len()),
            repos,
            ..ProjectNode::default()
        };
        self.add(node, sessions);
    }

    /// One project for each repository of the conversations that are nobody's. Their roots.
    fn found(&mut self, loose: &[Located<'_>]) -> HashSet<String> {
        let mut shown = HashSet::new();
        for (root, sessions) in by_root(loose) {
            // These conversations stay outside of all projects.
            if (self.is_junk)(root) {
                continue;
            }
            let repos = repositories(&sessions, self.input.hydrate);
            let Some(repo) = repos.iter().find(|repo| repo.id == root) else { continue };
            let session_count = repo.session_count;
            let node = ProjectNode { session_count, repos, ..auto(root, label(root)) };
            self.add(node, &sessions);
            shown.insert(root.to_owned());
        }
        shown
    }

    /// A repository without conversations. Those it counts are too old to be shown.
    fn scanned(&mut self, root: &str, repo: &DiscoveredRepo) {
        let label = if repo.label.is_empty() { label(root) } else { &repo.label };
        self.nodes.push(ProjectNode {
            session_count: repo.sessions,
            last_active: repo.last_active,
            repos: vec![empty(root, label)],
            ..auto(root, label)
        });
    }

    /// Adds one with conversations.
    fn add(&mut self, mut node: ProjectNode, sessions: &[Located<'_>]) {
        let previews = usize::try_from(self.input.preview_limit).unwrap_or(0);
        node.last_active = last_active(sessions.iter().map(|session| session.row.as_ref()));
        node.preview_sessions = newest(sessions, previews).into_iter().cloned().collect();
        self.nodes.push(node);
        let ids = sessions.iter().map(|session| &session.row.id).filter(|id| !id.is_empty());
        self.scoped.extend(ids.cloned());
    }
}

/// Adds the folders of a project that no conversation is in: a client that has just made it puts the next one
/// there.
fn seed(repos: &mut Vec<RepoNode>, project: &Project, resolver: &Resolver<'_>) {
    let mut shown: HashSet<String> = repos.iter().map(|repo| repo.id.clone()).collect();
    let before = repos.len();
    for folder in &project.folders {
        let path = folder.path.trim();
        if path.is_empty() {
            continue;
        }
        let live = resolver(path).map(|roots| roots.repo_root.clone()).filter(|root| !root.is_empty());
        let root = live.unwrap_or_else(|| bare(path).to_owned());
        if root.is_empty() || shown.contains(&root) {
            continue;
        }
        repos.push(empty(&root, label(&root)));
        shown.insert(root);
    }
    if repos.len() > before {
        tell_apart(repos);
    }
}

/// Conversations by the root of their repository, in the order of the first of each; those without a root are
/// not among them.
fn by_root<'a>(sessions: &[Located<'a>]) -> Vec<(&'a str, Vec<Located<'a>>)> {
    let mut groups: Vec<(&str, Vec<Located<'a>>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for session in sessions {
        let root = session.root();
        if root.is_empty() {
            continue;
        }
        let next = groups.len();
        let place = *places.entry(root).or_insert(next);
        if place == next {
            groups.push((root, Vec::new()));
        }
        if let Some((_, group)) = groups.get_mut(place) {
            group.push(*session);
        }
    }
    groups
}

/// A project that nobody made.
fn auto(root: &str, label: &str) -> ProjectNode {
    ProjectNode {
        id: root.to_owned(),
        label: label.to_owned(),
        path: Some(root.to_owned()),
        is_auto: true,
        ..ProjectNode::default()
    }
}

impl Labelled for ProjectNode {
    fn label(&self) -> &str {
        &self.label
    }

    fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }

    fn set_label(&mut self, label: String) {
        self.label = label;
    }
}

#[cfg(test)]
mod tests;
