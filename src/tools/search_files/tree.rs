//! The files below a folder that a search may see. Owns what is left out: what is hidden or ignored by git,
//! links, devices, and what is on the deny lists. Knows nothing of what is searched for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::super::path::{self, DenyLists};
use super::super::{Desk, ToolError};
use super::budget::Budget;
use super::glob::Glob;

/// Deepest folder that is walked, as a bound for what a mount or a bug makes endless.
const DEPTH_MAX: usize = 100;

/// A folder, or a single file, and what must not be read in it.
pub(super) struct Tree {
    root: PathBuf,
    workspace: PathBuf,
    denied: DenyLists,
}

impl Tree {
    /// Below `root`, which is a followed path.
    ///
    /// # Errors
    /// The deny lists cannot be made.
    pub(super) fn new(desk: &Desk, root: PathBuf) -> Result<Self, ToolError> {
        let workspace = desk.workspace();
        let workspace = path::follow(&workspace).unwrap_or(workspace);
        Ok(Self { root, workspace, denied: path::deny_lists(desk)? })
    }

    /// Gives each file to `visit`, folder by folder in the order of names, until it answers false or the
    /// budget ends.
    pub(super) fn walk(
        &self,
        glob: Option<&Glob>,
        budget: &Budget<'_>,
        mut visit: impl FnMut(&Path) -> bool,
    ) {
        let mut builder = WalkBuilder::new(&self.root);
        builder.max_depth(Some(DEPTH_MAX)).sort_by_file_name(|one: &OsStr, two: &OsStr| one.cmp(two));
        for entry in builder.build() {
            if !budget.spend_entry() {
                return;
            }
            let Ok(entry) = entry else {
                budget.skip();
                continue;
            };
            let path = entry.path();
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            let is_meant = is_file && glob.is_none_or(|glob| glob.takes(self.within(path)));
            if is_meant && self.may_read(path) && !visit(path) {
                return;
            }
        }
    }

    /// The path relative to the root; of the root itself its name.
    pub(super) fn within<'a>(&self, path: &'a Path) -> &'a Path {
        match path.strip_prefix(&self.root) {
            Ok(rest) if !rest.as_os_str().is_empty() => rest,
            _ => path.file_name().map_or(path, Path::new),
        }
    }

    /// The path as it stands in results.
    pub(super) fn shown(&self, path: &Path) -> String {
        path::shown(&self.workspace, path)
    }

    /// No link was followed on the way, so the letters of the path are enough.
    fn may_read(&self, path: &Path) -> bool {
        self.denied.reading(path).is_none()
    }
}
