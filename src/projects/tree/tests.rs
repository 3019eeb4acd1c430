//! How a whole tree is put together.

use std::cell::Cell;

use super::*;
use crate::model::projects::{Folder, LaneNode};

/// A conversation of the last time.
fn row(id: &str, cwd: &str, time: f64) -> SessionRow {
    let cwd = (!cwd.is_empty()).then(|| cwd.to_owned());
    SessionRow { id: id.to_owned(), cwd, last_active: time, ..SessionRow::default() }
}

fn on(branch: &str, row: SessionRow) -> SessionRow {
    SessionRow { git_branch: Some(branch.to_owned()), ..row }
}

fn stored(root: &str, row: SessionRow) -> SessionRow {
    SessionRow { git_repo_root: Some(root.to_owned()), ..row }
}

fn project(id: &str, name: &str, folders: &[&str]) -> Project {
    let folder = |path: &&str| Folder { path: (*path).to_owned(), ..Folder::default() };
    Project {
        id: id.to_owned(),
        name: name.to_owned(),
        primary_path: folders.first().map(|path| (*path).to_owned()),
        folders: folders.iter().map(folder).collect(),
        ..Project::default()
    }
}

fn scanned(root: &str, label: &str, sessions: i64, last_active: f64) -> DiscoveredRepo {
    DiscoveredRepo { root: root.to_owned(), label: label.to_owned(), sessions, last_active }
}

/// Repositories are the directories below `/r`, their linked checkouts those below `/l/<repository>`.
fn git(cwd: &str) -> Option<Roots> {
    let names: Vec<&str> = cwd.split('/').collect();
    match names.as_slice() {
        ["", "r", repo, ".worktrees", task, ..] => Some(Roots {
            repo_root: format!("/r/{repo}"),
            worktree_root: format!("/r/{repo}/.worktrees/{task}"),
        }),
        ["", "r", repo, ..] => {
            Some(Roots { repo_root: format!("/r/{repo}"), worktree_root: format!("/r/{repo}") })
        }
        ["", "l", repo, name, ..] => {
            Some(Roots { repo_root: format!("/r/{repo}"), worktree_root: format!("/l/{repo}/{name}") })
        }
        _ => None,
    }
}

fn built(
    projects: &[Project],
    sessions: &[SessionRow],
    discovered: &[DiscoveredRepo],
    hydrate: bool,
) -> Tree {
    let sessions = shared(sessions);
    let input = TreeInput { projects, sessions: &sessions, discovered, preview_limit: 2, hydrate };
    build(&input, &|cwd| git(cwd).map(Arc::new), &|root| root == "/home/u")
}

fn shared(rows: &[SessionRow]) -> Vec<Arc<SessionRow>> {
    rows.iter().cloned().map(Arc::new).collect()
}

fn ids(rows: &[Arc<SessionRow>]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

fn lanes(repo: &RepoNode) -> Vec<&str> {
    repo.groups.iter().map(|lane| lane.id.as_str()).collect()
}

fn labels(nodes: &[ProjectNode]) -> Vec<&str> {
    nodes.iter().map(|node| node.label.as_str()).collect()
}

#[test]
fn the_checkouts_of_a_repository_are_its_lanes() {
    let sessions = [
        row("a", "/r/app/src", 1.0),
        on("main", row("b", "/r/app", 5.0)),
        row("c", "/l/app/side/x", 3.0),
        row("d", "/r/app/.worktrees/t_ab12", 9.0),
        row("e", "/r/app/.worktrees/t_cd", 4.0),
    ];
    let tree = built(&[], &sessions, &[], true);
    assert_eq!(tree.scoped_session_ids, ["a", "b", "c", "d", "e"]);
    let [node] = tree.projects.as_slice() else { panic!("{tree:?}") };
    assert_eq!(
        (node.id.as_str(), node.label.as_str(), node.path.as_deref()),
        ("/r/app", "app", Some("/r/app"))
    );
    assert_eq!((node.is_auto, node.session_count, node.last_active), (true, 5, 9.0));
    assert_eq!(ids(&node.preview_sessions), ["d", "b"]);
    let [repo] = node.repos.as_slice() else { panic!("{node:?}") };
    assert_eq!(lanes(repo), ["/r/app::branch::main", "/l/app/side", "/r/app::kanban"]);
    assert_eq!(ids(&repo.groups[0].sessions), ["b", "a"], "no branch on record and `main` are one lane");
    assert_eq!(ids(&repo.groups[2].sessions), ["d", "e"]);
    let LaneNode { label, path, is_main, is_kanban, .. } = &repo.groups[2];
    assert_eq!(
        (label.as_str(), path.as_str(), *is_main, *is_kanban),
        ("kanban", "/r/app/.worktrees", false, true)
    );
}

#[test]
fn lanes_go_by_activity_only_where_they_show_conversations() {
    let sessions = [
        on("zeta", row("a", "/r/app", 9.0)),
        on("Alpha", row("b", "/r/app", 1.0)),
        on("Develop", row("c", "/r/app", 0.5)),
        row("d", "/r/app/.worktrees/t_0", 10.0),
    ];
    let order = |hydrate| -> Vec<String> {
        let tree = built(&[], &sessions, &[], hydrate);
        tree.projects[0].repos[0].groups.iter().map(|lane| lane.label.clone()).collect()
    };
    assert_eq!(order(true), ["Develop", "zeta", "Alpha", "kanban"]);
    assert_eq!(order(false), ["Develop", "Alpha", "zeta", "kanban"]);
    let tree = built(&[], &sessions, &[], false);
    let repo = &tree.projects[0].repos[0];
    assert_eq!(repo.session_count, 4);
    assert!(repo.groups.iter().all(|lane| lane.sessions.is_empty()));
}

#[test]
fn conversations_of_one_moment_stay_in_order_and_begin_where_nothing_happened() {
    let began = |id: &str, at| SessionRow { started_at: at, ..row(id, "/r/app", 0.0) };
    let sessions = [row("a", "/r/app", 2.0), row("b", "/r/app", 2.0), began("c", 3.0), began("d", 0.0)];
    let tree = built(&[], &sessions, &[], true);
    assert_eq!(ids(&tree.projects[0].repos[0].groups[0].sessions), ["c", "a", "b", "d"]);
}

#[test]
fn projects_that_people_made_come_first_and_own_what_is_in_their_folders() {
    let archived = Project { archived: true, ..project("p_3", "Old", &["/r/lib"]) };
    let projects = [project("p_1", "Mine", &["/r/app"]), project("p_2", "", &[]), archived];
    let sessions = [
        row("a", "/r/lib", 1.0),
        row("b", "/l/app/side", 2.0),
        row("c", "/r/app/x", 3.0),
        row("d", "/", 4.0),
        row("e", "", 5.0),
    ];
    let tree = built(&projects, &sessions, &[], false);
    assert_eq!(labels(&tree.projects), ["Mine", "p_2", "lib"]);
    assert_eq!(tree.scoped_session_ids, ["b", "c", "a"]);
    let mine = &tree.projects[0];
    assert_eq!((mine.session_count, mine.is_auto, mine.path.as_deref()), (2, false, Some("/r/app")));
    let empty = &tree.projects[1];
    assert_eq!((empty.session_count, empty.last_active, empty.repos.len()), (0, 0.0, 0));
}

#[test]
fn a_folder_without_conversations_is_an_empty_repository() {
    let folders = ["/r/app/deep", "/x/app/", "/r/other", "/l/other/w", "/", " "];
    let sessions = [row("a", "/r/other/src", 1.0)];
    let tree = built(&[project("p_1", "Mine", &folders)], &sessions, &[], false);
    let repos: Vec<(&str, &str, i64)> = tree.projects[0]
        .repos
        .iter()
        .map(|repo| (repo.id.as_str(), repo.label.as_str(), repo.session_count))
        .collect();
    assert_eq!(repos, [("/r/other", "other", 1), ("/r/app", "r/app", 0), ("/x/app", "x/app", 0)]);
}

#[test]
fn a_project_counts_conversations_that_have_no_place() {
    let sessions = [stored("/s", row("a", "/", 1.0)), row("b", "/s/x", 2.0)];
    let tree = built(&[project("p_1", "Mine", &["/s"])], &sessions, &[], true);
    let node = &tree.projects[0];
    assert_eq!((node.session_count, tree.scoped_session_ids.len()), (2, 2));
    let of_nowhere = [stored("/s", row("a", "", 3.0)), stored("/s", row("b", "/gone", 2.0))];
    let tree = built(&[], &of_nowhere, &[], true);
    let node = &tree.projects[0];
    assert_eq!((node.session_count, node.last_active, tree.scoped_session_ids.len()), (1, 3.0, 2));
    assert!(built(&[], &of_nowhere[..1], &[], true).projects.is_empty());
}

#[test]
fn junk_is_no_project_unless_somebody_made_one() {
    let sessions = [stored("/home/u", row("a", "/home/u/notes", 1.0))];
    let tree = built(&[], &sessions, &[scanned("/home/u", "", 0, 1.0)], false);
    assert_eq!((tree.projects.len(), tree.scoped_session_ids.len()), (0, 0));
    let tree = built(&[project("p_1", "Home", &["/home/u"])], &sessions, &[], false);
    assert_eq!(tree.scoped_session_ids, ["a"]);
}

#[test]
fn repositories_of_a_scan_come_last_and_once() {
    let discovered = [
        scanned("/r/seen", "", 3, 9.0),
        scanned("/l/new/w", "", 2, 8.0),
        scanned("/r/new", "again", 1, 7.0),
        scanned("/mine/sub", "", 1, 6.0),
        scanned(" ", "", 1, 5.0),
        scanned("/z/seen", "seen", 4, 4.0),
    ];
    let sessions = [row("a", "/r/seen", 1.0)];
    let tree = built(&[project("p_1", "Mine", &["/mine"])], &sessions, &discovered, false);
    assert_eq!(labels(&tree.projects), ["Mine", "r/seen", "new", "z/seen"]);
    let new = &tree.projects[2];
    assert_eq!((new.id.as_str(), new.session_count, new.last_active), ("/r/new", 2, 8.0));
    assert_eq!((new.repos[0].session_count, new.repos[0].groups.len()), (0, 0));
    assert_eq!(tree.projects[3].repos[0].label, "seen", "only projects are told apart");
    assert_eq!(tree.scoped_session_ids, ["a"]);
}

#[test]
fn names_that_people_chose_are_not_changed() {
    let projects = [project("p_1", "app", &["/a/app"]), project("p_2", "app", &["/b/app"])];
    let sessions = [stored("/c/app", row("a", "/gone", 1.0)), stored("/d/app", row("b", "/gone/x", 1.0))];
    let tree = built(&projects, &sessions, &[], false);
    assert_eq!(labels(&tree.projects), ["app", "app", "c/app", "d/app"]);
}

#[test]
fn git_is_asked_once_for_each_directory() {
    let sessions: Vec<SessionRow> =
        (0..600).map(|n| row(&n.to_string(), &format!("/r/{}", n % 30), f64::from(n))).collect();
    let sessions = shared(&sessions);
    let asked = Cell::new(0);
    let resolver = |cwd: &str| {
        asked.set(asked.get() + 1);
        git(cwd).map(Arc::new)
    };
    let input =
        TreeInput { projects: &[], sessions: &sessions, discovered: &[], preview_limit: -1, hydrate: false };
    let tree = build(&input, &resolver, &|_| false);
    assert_eq!((asked.get(), tree.projects.len(), tree.scoped_session_ids.len()), (30, 30, 600));
    assert!(tree.projects.iter().all(|node| node.preview_sessions.is_empty()));
}
