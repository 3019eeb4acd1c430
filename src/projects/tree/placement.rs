//! Which lane a conversation is in. Clients keep the ids for ever: people's own order, pins and dismissals
//! are stored by them, so they are made byte for byte as the original makes them.

use std::sync::Arc;

use super::segments::{bare, base, kanban_dir, label, sibling, with_base};
use crate::model::projects::SessionRow;
use crate::probe::git::Roots;

/// Where a conversation belongs that has no branch on record: a repository has one lane of this name.
const DEFAULT_BRANCH: &str = "main";

/// What the lane of the working trees of all tasks is called.
const KANBAN: &str = "kanban";

/// A conversation and what is known of its place. Texts are trimmed, and empty where nothing is known.
#[derive(Clone, Copy)]
pub(super) struct Located<'a> {
    pub(super) row: &'a Arc<SessionRow>,
    pub(super) cwd: &'a str,
    branch: &'a str,
    /// The root on record.
    stored: &'a str,
    /// What git says of it now.
    live: Option<&'a Roots>,
}

impl<'a> Located<'a> {
    pub(super) fn new(row: &'a Arc<SessionRow>, live: Option<&'a Roots>) -> Self {
        let (branch, stored) = (trimmed(row.git_branch.as_deref()), trimmed(row.git_repo_root.as_deref()));
        Self { row, cwd: trimmed(row.cwd.as_deref()), branch, stored, live }
    }

    /// The root of its repository; empty where none is known.
    pub(super) fn root(&self) -> &'a str {
        self.live.map_or(self.stored, |roots| roots.repo_root.as_str())
    }

    /// Its lane: by what git says now, else by the root on record, else by the shape of its path. `None`
    /// where that has no names.
    pub(super) fn lane(&self) -> Option<Placement> {
        if self.cwd.is_empty() {
            return None;
        }
        match self.live {
            Some(Roots { repo_root, worktree_root }) => Some(if repo_root == worktree_root {
                self.main(repo_root)
            } else if let Some(dir) = kanban_dir(worktree_root) {
                Placement::kanban(repo_root.clone(), dir)
            } else {
                Placement::linked(repo_root.clone(), worktree_root, label(worktree_root))
            }),
            None if self.stored.is_empty() => by_shape(self.cwd),
            None => Some(match kanban_dir(self.cwd) {
                Some(dir) => Placement::kanban(self.stored.to_owned(), dir),
                None => self.main(self.stored),
            }),
        }
    }

    /// The lane of a branch of the main checkout.
    fn main(&self, root: &str) -> Placement {
        let branch = if self.branch.is_empty() { DEFAULT_BRANCH } else { self.branch };
        Placement {
            root: root.to_owned(),
            id: format!("{root}::branch::{branch}"),
            label: branch.to_owned(),
            path: root.to_owned(),
            is_main: true,
            is_kanban: false,
        }
    }
}

/// A text that may be missing, without white space around it.
pub(super) fn trimmed(text: Option<&str>) -> &str {
    text.unwrap_or_default().trim()
}

/// A lane, and the root of its repository.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Placement {
    pub(super) root: String,
    pub(super) id: String,
    pub(super) label: String,
    pub(super) path: String,
    pub(super) is_main: bool,
    pub(super) is_kanban: bool,
}

impl Placement {
    /// The one lane of all tasks.
    fn kanban(root: String, dir: &str) -> Self {
        let id = format!("{root}::{KANBAN}");
        Self { root, id, label: KANBAN.to_owned(), path: dir.to_owned(), is_main: false, is_kanban: true }
    }

    /// A checkout beside the main one.
    fn linked(root: String, path: &str, label: &str) -> Self {
        let (id, path, label) = (path.to_owned(), path.to_owned(), label.to_owned());
        Self { root, id, label, path, is_main: false, is_kanban: false }
    }
}

fn by_shape(cwd: &str) -> Option<Placement> {
    let name = base(cwd);
    if name.is_empty() {
        return None;
    }
    if let Some(dir) = kanban_dir(cwd) {
        let root = bare(&with_base(dir, "")).to_owned();
        return Some(Placement::kanban(root, dir));
    }
    if let Some((repository, label)) = sibling(name) {
        return Some(Placement::linked(with_base(cwd, repository), cwd, label));
    }
    let (root, label) = (cwd.to_owned(), name.to_owned());
    Some(Placement { id: root.clone(), path: root.clone(), root, label, is_main: true, is_kanban: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cwd: &str, branch: &str, root: &str) -> Arc<SessionRow> {
        let text = |text: &str| Some(text.to_owned());
        Arc::new(SessionRow {
            cwd: text(cwd),
            git_branch: text(branch),
            git_repo_root: text(root),
            ..SessionRow::default()
        })
    }

    /// The lane as words: root, id, label, path, and what it is.
    fn lane(row: &Arc<SessionRow>, live: Option<(&str, &str)>) -> String {
        let live = live
            .map(|(repo, worktree)| Roots { repo_root: repo.to_owned(), worktree_root: worktree.to_owned() });
        let Some(found) = Located::new(row, live.as_ref()).lane() else { return "-".to_owned() };
        let Placement { root, id, label, path, is_main, is_kanban } = found;
        let kind = match (is_main, is_kanban) {
            (true, _) => "main",
            (_, true) => "kanban",
            _ => "linked",
        };
        format!("{root} {id} {label} {path} {kind}")
    }

    #[test]
    fn what_git_says_now_comes_first() {
        let cases = [
            ("/w/app/src", "dev", "/w/app", "/w/app", "/w/app /w/app::branch::dev dev /w/app main"),
            ("/w/app", " ", "/w/app", "/w/app", "/w/app /w/app::branch::main main /w/app main"),
            (
                "/w/app/.worktrees/t_ab12/src",
                "x",
                "/w/app",
                "/w/app/.worktrees/t_ab12",
                "/w/app /w/app::kanban kanban /w/app/.worktrees kanban",
            ),
            ("/w/side/a", "x", "/w/app", "/w/side", "/w/app /w/side side /w/side linked"),
        ];
        for (cwd, branch, repo, worktree, want) in cases {
            assert_eq!(lane(&row(cwd, branch, "/stored"), Some((repo, worktree))), want, "{cwd}");
        }
    }

    #[test]
    fn then_the_root_on_record() {
        let cases = [
            ("/gone", "dev", "/s/app /s/app::branch::dev dev /s/app main"),
            ("/gone-wt-x", "", "/s/app /s/app::branch::main main /s/app main"),
            ("/g/.worktrees/t_1f", "dev", "/s/app /s/app::kanban kanban /g/.worktrees kanban"),
        ];
        for (cwd, branch, want) in cases {
            assert_eq!(lane(&row(cwd, branch, " /s/app "), None), want, "{cwd}");
        }
    }

    #[test]
    fn then_the_shape_of_the_path() {
        let cases = [
            ("/w/app/.worktrees/t_ab", "/w/app /w/app::kanban kanban /w/app/.worktrees kanban"),
            ("/w/app-wt-fix", "/w/app /w/app-wt-fix fix /w/app-wt-fix linked"),
            ("/w/a-wt-b-wt-c/", "/w/a-wt-b /w/a-wt-b-wt-c/ c /w/a-wt-b-wt-c/ linked"),
            (" /w/app/ ", "/w/app/ /w/app/ app /w/app/ main"),
            ("/", "-"),
            (" ", "-"),
        ];
        for (cwd, want) in cases {
            assert_eq!(lane(&row(cwd, "ignored", ""), None), want, "{cwd}");
        }
    }
}
