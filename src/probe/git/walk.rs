//! Which checkout a directory is in, found as git finds it: upwards, directory by directory, by git's own
//! files. Says so where only git itself can tell. Starts no process and remembers nothing.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes read of `HEAD`, `commondir` or a `.git` file: a path may have 4,096.
const SMALL_MAX: u64 = 8 << 10;
/// Bytes read of a repository's `config`; git is asked about what has a longer one.
const CONFIG_MAX: u64 = 256 << 10;

/// What a directory is in.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// An ordinary checkout: a main one, a linked one or that of a submodule.
    Checkout(Checkout),
    /// Nothing. Git says so too.
    Nothing,
    /// In something that only git can tell. It is to be asked in this directory.
    Unusual(PathBuf),
}

/// A checkout.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Checkout {
    /// Its top directory, links resolved.
    pub(super) top: PathBuf,
    /// Where its `HEAD` is.
    pub(super) git_dir: PathBuf,
    /// What it shares with the other checkouts of the repository, links resolved.
    pub(super) common_dir: PathBuf,
}

/// Looks upwards from a directory. One that is not there is in nothing.
pub(super) fn find(cwd: &Path) -> Found {
    let Ok(start) = cwd.canonicalize() else { return Found::Nothing };
    let Some(device) = start.metadata().ok().filter(|found| found.is_dir()).map(|found| found.dev()) else {
        return Found::Nothing;
    };
    for dir in start.ancestors() {
        // Git does not leave the file system that it starts in.
        if dir != start && !dir.metadata().is_ok_and(|found| found.dev() == device) {
            return Found::Nothing;
        }
        if let Some(found) = here(dir) {
            return found;
        }
    }
    Found::Nothing
}

/// What is checked out.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Head {
    /// A branch, perhaps one without commits.
    Branch(String),
    /// A commit, of no branch.
    Commit,
    /// Only git can tell.
    Unusual,
}

/// What is checked out in a checkout.
pub(super) fn head(git_dir: &Path) -> Head {
    let Ok(head) = read(&git_dir.join("HEAD"), SMALL_MAX) else { return Head::Unusual };
    let Some(name) = head.trim_ascii_end().strip_prefix(b"ref:") else {
        return if starts_with_id(&head) { Head::Commit } else { Head::Unusual };
    };
    let branch = name.trim_ascii_start().strip_prefix(b"refs/heads/").map(std::str::from_utf8);
    match branch {
        // The reftable format keeps a fixed word here; control characters cannot be in a name.
        Some(Ok(name)) if !name.is_empty() && name != ".invalid" && !name.contains(char::is_control) => {
            Head::Branch(name.to_owned())
        }
        _ => Head::Unusual,
    }
}

/// What a directory makes of all below it; `None`: nothing.
fn here(dir: &Path) -> Option<Found> {
    let entry = dir.join(".git");
    let unusual = || Some(Found::Unusual(dir.to_owned()));
    match entry.metadata() {
        Ok(found) if found.is_file() => {
            // A file that names no repository ends git's own search, too.
            let Some(git_dir) = named(&entry, dir) else { return Some(Found::Nothing) };
            match Repository::at(&git_dir) {
                Ok(Some(repository)) if is_own(&entry) => return Some(repository.checkout(dir)),
                Ok(None) => return Some(Found::Nothing),
                Ok(Some(_)) | Err(_) => return unusual(),
            }
        }
        Ok(_) => match Repository::at(&entry) {
            Ok(Some(repository)) => return Some(repository.checkout(dir)),
            Ok(None) => {}
            Err(_) => return unusual(),
        },
        Err(_) => {}
    }
    // Perhaps the directory is itself a repository: a bare one, or the `.git` of a checkout.
    let is_bare = dir.join("HEAD").exists() && !matches!(Repository::at(dir), Ok(None));
    if is_bare { unusual() } else { None }
}

/// The directory that a `.git` file names.
fn named(entry: &Path, dir: &Path) -> Option<PathBuf> {
    let text = read(entry, SMALL_MAX).ok()?;
    let path = trim_lines(text.strip_prefix(b"gitdir: ")?);
    // A relative path starts where the file is.
    (!path.is_empty()).then(|| dir.join(path_of(path)))
}

/// The directory of a repository.
struct Repository {
    git_dir: PathBuf,
    common_dir: PathBuf,
    /// Whether it shares another's objects.
    is_linked: bool,
}

impl Repository {
    /// `None` where the directory is no repository.
    ///
    /// # Errors
    /// Only git can tell.
    fn at(git_dir: &Path) -> io::Result<Option<Self>> {
        let (common_dir, is_linked) = match read(&git_dir.join("commondir"), SMALL_MAX) {
            Ok(text) => (git_dir.join(path_of(trim_lines(&text))), true),
            Err(error) if is_missing(&error) => (git_dir.to_owned(), false),
            Err(error) => return Err(error),
        };
        let is_whole = ["objects", "refs"].iter().all(|name| common_dir.join(name).is_dir());
        if !is_whole || !has_head(git_dir)? {
            return Ok(None);
        }
        Ok(Some(Self { git_dir: git_dir.to_owned(), common_dir: common_dir.canonicalize()?, is_linked }))
    }

    /// The checkout of it that has this top.
    fn checkout(self, top: &Path) -> Found {
        // What belongs to somebody else is a question of git's settings.
        if is_own(top) && is_own(&self.git_dir) && self.is_plain(top) {
            let Self { git_dir, common_dir, .. } = self;
            Found::Checkout(Checkout { top: top.to_owned(), git_dir, common_dir })
        } else {
            Found::Unusual(top.to_owned())
        }
    }

    /// Whether nothing in its configuration puts the checkout somewhere else.
    fn is_plain(&self, top: &Path) -> bool {
        match read(&self.common_dir.join("config"), CONFIG_MAX) {
            Ok(config) => {
                String::from_utf8_lossy(&config).lines().all(|line| self.is_plain_line(line.trim(), top))
            }
            Err(error) => is_missing(&error),
        }
    }

    /// Takes some lines for more than they are, as those of other sections: then git is asked in vain.
    fn is_plain_line(&self, line: &str, top: &Path) -> bool {
        if line.starts_with('[') {
            // A key may follow its section on the same line.
            let is_extension = line.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("[extensions"));
            return !is_extension && !line.contains('=') && line.ends_with(']');
        }
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        let (key, value) = (key.trim(), value.trim());
        if key.eq_ignore_ascii_case("repositoryformatversion") {
            value == "0"
        } else if self.is_linked {
            // These are those of the main checkout.
            true
        } else if key.eq_ignore_ascii_case("bare") {
            value.eq_ignore_ascii_case("false")
        } else if key.eq_ignore_ascii_case("worktree") {
            let is_literal = !value.contains(['"', '\\', '#', ';']);
            is_literal && self.git_dir.join(value).canonicalize().is_ok_and(|path| path == top)
        } else {
            true
        }
    }
}

/// Whether there is a `HEAD` that points somewhere.
fn has_head(git_dir: &Path) -> io::Result<bool> {
    let path = git_dir.join("HEAD");
    match path.symlink_metadata() {
        // Very old repositories have a link.
        Ok(found) if found.is_symlink() => return Err(ErrorKind::Unsupported.into()),
        Ok(_) => {}
        Err(_) => return Ok(false),
    }
    let Ok(head) = read(&path, SMALL_MAX) else { return Ok(false) };
    if let Some(name) = head.strip_prefix(b"ref:") {
        return Ok(name.trim_ascii_start().starts_with(b"refs/"));
    }
    Ok(starts_with_id(&head))
}

/// Whether it is the id of a commit.
fn starts_with_id(head: &[u8]) -> bool {
    // 64 with the newer hash.
    head.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() >= 40
}

fn is_own(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    path.symlink_metadata().is_ok_and(|found| found.uid() == user)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// A regular file of at most so many bytes.
fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Before opening: to open a pipe would wait for its writer.
    if !path.metadata()?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

fn trim_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
