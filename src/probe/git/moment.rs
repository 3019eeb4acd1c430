//! Many questions of one moment: each directory and each file is looked at once, though a hundred directories
//! are in one repository. Decides nothing itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::{Identity, Place, Repositories, Roots};

/// What was seen so far. It is of one answer and one thread: what changes meanwhile is not seen.
pub struct Moment<'a> {
    git: &'a Repositories,
    places: RefCell<HashMap<String, Option<Arc<Place>>>>,
    files: RefCell<HashMap<Arc<Path>, Option<Identity>>>,
}

impl<'a> Moment<'a> {
    pub(super) fn new(git: &'a Repositories) -> Self {
        Self { git, places: RefCell::default(), files: RefCell::default() }
    }

    /// Where a directory is; `None` where there is no checkout.
    pub fn resolve(&self, cwd: &str) -> Option<Arc<Roots>> {
        self.place(cwd)?.checkout.clone()
    }

    /// The root of the main checkout of the repository that a directory is in, which a bare one has as well.
    pub fn common_root(&self, cwd: &str) -> Option<String> {
        Some(self.place(cwd)?.repo_root.clone())
    }

    fn place(&self, cwd: &str) -> Option<Arc<Place>> {
        if let Some(place) = self.places.borrow().get(cwd) {
            return place.clone();
        }
        let place = self.git.place(Path::new(cwd), &|path| self.identity(path));
        self.places.borrow_mut().insert(cwd.to_owned(), place.clone());
        place
    }

    fn identity(&self, path: &Arc<Path>) -> Option<Identity> {
        if let Some(known) = self.files.borrow().get(path) {
            return *known;
        }
        let found = Identity::of(path);
        self.files.borrow_mut().insert(Arc::clone(path), found);
        found
    }
}
