//! Repositories: whose checkout a directory is in, and which branch is checked out there. Mostly git's own
//! files tell, in some microseconds; where something is unusual, git is asked. What was found is remembered
//! for as long as the files that told it stay as they are.
//!
//! Knows no conversation and no project.

mod flight;
mod moment;
mod program;
mod walk;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::flight::Flights;
pub use self::moment::Moment;
use self::program::Said;
use self::walk::{Checkout, Found, Head};

/// Threads that look at many directories (the original's).
const WARM_THREADS: usize = 8;

/// Directories for which one more thread is worth it.
const WARM_SHARE: usize = 16;

/// Stack of such a thread: paths, and little more.
const STACK_BYTES: usize = 256 << 10;

/// What makes git look somewhere else than upwards. Where one is set, only git can tell.
const STEERING: [&str; 6] = [
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
];

/// Asks git something in a directory.
type Ask = dyn Fn(&Path, &[&str]) -> Said + Send + Sync;

/// Where a directory is. Paths have their links resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roots {
    /// The root of the main checkout, which all linked ones share.
    pub repo_root: String,
    /// The root of this checkout.
    pub worktree_root: String,
}

/// Finds repositories, and remembers them. Threads share it.
pub struct Repositories {
    ask: Box<Ask>,
    /// Whether git looks where the environment says.
    is_steered: bool,
    /// By directory.
    known: Flights<Arc<Place>>,
    /// What git itself said, by the directory of the unusual thing.
    told: Flights<Arc<Place>>,
}

impl Repositories {
    /// Looks as git does in this environment, with the git that is on its `PATH`.
    pub fn new(env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let programs = env("PATH");
        let is_steered = STEERING.iter().any(|name| env(name).is_some());
        Self::with(
            is_steered,
            Box::new(move |dir: &Path, args: &[&str]| program::ask(programs.as_deref(), dir, args)),
        )
    }

    fn with(is_steered: bool, ask: Box<Ask>) -> Self {
        Self { ask, is_steered, known: Flights::default(), told: Flights::default() }
    }

    /// To ask many questions at once.
    pub fn moment(&self) -> Moment<'_> {
        Moment::new(self)
    }

    /// The root of the checkout that a directory is in; `None` outside, and within a bare repository.
    pub fn repo_root(&self, cwd: impl AsRef<Path>) -> Option<String> {
        self.resolve(cwd).map(|roots| roots.worktree_root)
    }

    /// The root of the main checkout of the repository that a directory is in.
    pub fn common_root(&self, cwd: impl AsRef<Path>) -> Option<String> {
        Some(self.place(cwd.as_ref(), &now)?.repo_root.clone())
    }

    /// Both; `None` where there is no checkout.
    pub fn resolve(&self, cwd: impl AsRef<Path>) -> Option<Roots> {
        self.place(cwd.as_ref(), &now)?.checkout.as_deref().cloned()
    }

    /// The branch that is checked out where a directory is, or the short id of the commit where none is;
    /// empty outside git. Not remembered: it changes often, and is one small read.
    pub fn branch(&self, cwd: impl AsRef<Path>) -> String {
        let cwd = cwd.as_ref();
        if cwd.as_os_str().is_empty() {
            return String::new();
        }
        let found = if self.is_steered { Found::Unusual(cwd.to_owned()) } else { walk::find(cwd) };
        match found {
            Found::Nothing => return String::new(),
            Found::Checkout(checkout) => match walk::head(&checkout.git_dir) {
                Head::Branch(name) => return name,
                Head::Commit => return self.short_id(cwd),
                Head::Unusual => {}
            },
            Found::Unusual(_) => {}
        }
        let name = self.say(cwd, &["branch", "--show-current"]);
        if name.is_empty() { self.short_id(cwd) } else { name }
    }

    /// Looks at many directories at once, so that the answers are there when they are wanted.
    pub fn warm(&self, cwds: &[&str]) {
        let unknown = |cwd: &&str| !cwd.is_empty() && !self.known.has(Path::new(cwd));
        // Mostly there are none.
        let pending: BTreeSet<&str> = cwds.iter().map(|cwd| cwd.trim()).filter(unknown).collect();
        let pending: Vec<&str> = pending.into_iter().collect();
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(cwd) = pending.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.place(Path::new(cwd), &now);
            }
        };
        thread::scope(|scope| {
            // This thread works, too.
            for _ in 1..pending.len().div_ceil(WARM_SHARE).min(WARM_THREADS) {
                let thread = thread::Builder::new().name("git-warm".to_owned()).stack_size(STACK_BYTES);
                if let Err(error) = thread.spawn_scoped(scope, work) {
                    log::debug!("one thread less to look at repositories: {error}");
                    break;
                }
            }
            work();
        });
    }

    /// Forgets everything.
    pub fn forget(&self) {
        self.known.forget();
        self.told.forget();
    }

    /// Where a directory is. What was found counts as long as its files are what `seen` says.
    fn place(&self, cwd: &Path, seen: Seen<'_>) -> Option<Arc<Place>> {
        if cwd.as_os_str().is_empty() {
            return None;
        }
        self.known.get(cwd, |place| place.is_true(seen), || self.look(cwd))
    }

    fn look(&self, cwd: &Path) -> Option<Arc<Place>> {
        if self.is_steered {
            return self.told(cwd, Vec::new());
        }
        match walk::find(cwd) {
            Found::Nothing => None,
            Found::Checkout(checkout) => Some(Arc::new(Place::of(&checkout, cwd))),
            // All directories below it share the answer: one process for each such root.
            Found::Unusual(dir) => {
                self.told.get(&dir, |place| place.is_true(&now), || self.told(&dir, Mark::unusual(&dir)))
            }
        }
    }

    /// What git says of a directory.
    fn told(&self, dir: &Path, marks: Vec<Mark>) -> Option<Arc<Place>> {
        // In a bare repository it says the first and fails at the second.
        let question = ["rev-parse", "--path-format=absolute", "--git-common-dir", "--show-toplevel"];
        let said = (self.ask)(dir, &question);
        let mut lines = said.text.lines();
        let common_dir = lines.next().filter(|line| !line.is_empty())?;
        let worktree_root = lines.next().filter(|_| said.success).map(str::to_owned);
        // A third line: one of the paths has a line break, and nobody knows which.
        if lines.next().is_some() {
            return None;
        }
        let common_dir = Path::new(common_dir).canonicalize().ok();
        let repo_root = common_dir.as_deref().and_then(main_checkout).map(text);
        let repo_root = repo_root.or_else(|| worktree_root.clone())?;
        Some(Arc::new(Place::new(repo_root, worktree_root, marks)))
    }

    /// How short an id may be depends on all the others, so git is asked.
    fn short_id(&self, cwd: &Path) -> String {
        self.say(cwd, &["rev-parse", "--short", "HEAD"])
    }

    /// The output of git where it says that all went well, otherwise nothing.
    fn say(&self, dir: &Path, args: &[&str]) -> String {
        let said = (self.ask)(dir, args);
        if said.success { said.text } else { String::new() }
    }
}

/// Which file is at a path, as far as whoever asks has looked.
type Seen<'a> = &'a dyn Fn(&Arc<Path>) -> Option<Identity>;

/// A look at the disk.
fn now(path: &Arc<Path>) -> Option<Identity> {
    Identity::of(path)
}

/// Where a directory is, and what shows that this is still true.
struct Place {
    /// `None` in a bare repository.
    checkout: Option<Arc<Roots>>,
    repo_root: String,
    marks: Vec<Mark>,
}

impl Place {
    fn new(repo_root: String, worktree_root: Option<String>, marks: Vec<Mark>) -> Self {
        let checkout = worktree_root
            .map(|worktree_root| Arc::new(Roots { repo_root: repo_root.clone(), worktree_root }));
        Self { checkout, repo_root, marks }
    }

    fn of(checkout: &Checkout, cwd: &Path) -> Self {
        let Checkout { top, git_dir, common_dir } = checkout;
        let entry = top.join(".git");
        let mut marks = vec![Mark::of(entry.clone())];
        if *git_dir != entry {
            // A linked checkout is nothing without its repository.
            marks.push(Mark::of(git_dir.clone()));
        }
        if cwd != top {
            // Somebody may make a repository of the directory itself.
            marks.push(Mark::of(cwd.join(".git")));
        }
        let worktree_root = text(top);
        let repo_root = main_checkout(common_dir).map_or_else(|| worktree_root.clone(), text);
        Self::new(repo_root, Some(worktree_root), marks)
    }

    fn is_true(&self, seen: Seen<'_>) -> bool {
        self.marks.iter().all(|mark| seen(&mark.path) == mark.was)
    }
}

/// The checkout whose `.git` this is; `None` where it has another name, as that of a submodule or a bare one.
fn main_checkout(common_dir: &Path) -> Option<&Path> {
    // `ends_with` compares whole names.
    common_dir.parent().filter(|_| common_dir.ends_with(".git"))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A file, and which one it was. The original never looks again: there a worktree that is removed, or a
/// repository that is made anew, keeps its old root until the end of the process.
struct Mark {
    path: Arc<Path>,
    was: Option<Identity>,
}

impl Mark {
    fn of(path: PathBuf) -> Self {
        let was = Identity::of(&path);
        Self { path: path.into(), was }
    }

    /// What shows an unusual repository.
    fn unusual(dir: &Path) -> Vec<Self> {
        vec![Self::of(dir.join(".git")), Self::of(dir.join("HEAD"))]
    }
}

/// Which file it is, and of a regular one also when it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
    written: Option<(i64, i64)>,
}

impl Identity {
    /// `None` where there is no file.
    fn of(path: &Path) -> Option<Self> {
        let found: Metadata = path.metadata().ok()?;
        let written = found.is_file().then(|| (found.mtime(), found.mtime_nsec()));
        Some(Self { device: found.dev(), number: found.ino(), written })
    }
}

#[cfg(test)]
mod tests;
