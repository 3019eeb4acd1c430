//! A file for the agent to read: used where it is when that is inside the workspace, else put there.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Around, decode, name, store};
use crate::model::attach::{Attached, FileJob, Refused};
use crate::probe::dropped;

/// Where copies go, below the workspace; as in the original.
const DIR: &str = ".hermes/desktop-attachments";

/// Bytes of a file that is copied or came along. The original has no bound.
const BYTES_MAX: u64 = 100 << 20;

/// Makes the file readable inside the workspace.
///
/// # Errors
/// There is neither a file nor its bytes, it is too large, or the disk refuses.
pub(super) fn place(job: &FileJob, around: Around<'_>) -> Result<Attached, Refused> {
    place_file(job, around).map_err(|error| Refused::Failed(error.to_string()))
}

fn place_file(job: &FileJob, around: Around<'_>) -> io::Result<Attached> {
    // Links followed, so that what is inside is told by where it really is.
    let workspace = job.workspace.canonicalize()?;
    let path = Some(job.path.trim()).filter(|path| !path.is_empty());
    let found = path.and_then(|path| dropped::whole(path, around.places(&job.workspace)));
    let put = match found {
        Some(path) => {
            let real = path.canonicalize()?;
            if let Some(relative) = inside(&real, &workspace) {
                return Ok(Attached::File { path: real, relative, uploaded: false });
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            put(&workspace, &name, File::open(&real)?)?
        }
        None if job.data_url.trim().is_empty() => {
            return Err(io::Error::other("file not found on gateway and no data_url provided"));
        }
        None => {
            let bytes = payload(&job.data_url).and_then(decode);
            let bytes = bytes.ok_or_else(|| io::Error::other("invalid data_url payload"))?;
            let name = if job.name.trim().is_empty() { &job.path } else { &job.name };
            put(&workspace, name, bytes.as_slice())?
        }
    };
    let relative = inside(&put, &workspace).ok_or_else(|| io::Error::other("the workspace has moved"))?;
    Ok(Attached::File { path: put, relative, uploaded: true })
}

/// Keeps what `from` holds below the workspace.
fn put(workspace: &Path, name: &str, from: impl Read) -> io::Result<PathBuf> {
    let mut dir = workspace.to_owned();
    for part in DIR.split('/') {
        dir.push(part);
        store::make_dir(&dir)?;
        // A workspace can bring a link of that name along, to have files written elsewhere.
        dir = dir.canonicalize()?;
        if !dir.starts_with(workspace) {
            return Err(io::Error::other(format!("{DIR} is a link that leaves the workspace")));
        }
    }
    let name = name::clean(name);
    let kept = store::keep(&dir, |number| name::numbered(&name, number), from, BYTES_MAX);
    kept.map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => {
            io::Error::other(format!("file too large; cap is {} MB", BYTES_MAX >> 20))
        }
        _ => error,
    })
}

/// The path relative to the workspace, if it is below it and can be written in a prompt.
fn inside(path: &Path, workspace: &Path) -> Option<String> {
    path.strip_prefix(workspace).ok()?.to_str().map(str::to_owned)
}

/// The base64 of a data URL, whatever its type and parameters; without a scheme all of it.
fn payload(data_url: &str) -> Option<&str> {
    const SCHEME: &str = "data:";
    const BASE64: &str = ";base64";
    let text = data_url.trim();
    let is_url = text.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
    if !is_url {
        return Some(text);
    }
    let (head, payload) = text.split_once(',')?;
    let end = head.get(head.len().checked_sub(BASE64.len())?..)?;
    end.eq_ignore_ascii_case(BASE64).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::super::testing::around;
    use super::*;
    use crate::base::scratch::Scratch;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// What comes of a job in the workspace `w` of a folder.
    fn placed(dir: &Scratch, path: &str, data_url: &str, name: &str) -> Result<Attached, Refused> {
        let workspace = dir.dir("w");
        let job = FileJob { path: path.into(), data_url: data_url.into(), name: name.into(), workspace };
        place(&job, around(dir, None))
    }

    fn at(dir: &Scratch, relative: &str, uploaded: bool) -> Result<Attached, Refused> {
        Ok(Attached::File { path: dir.path().join("w").join(relative), relative: relative.into(), uploaded })
    }

    #[test]
    fn a_file_of_the_workspace_stays_where_it_is() {
        let dir = Scratch::new();
        dir.write("w/a b/c.txt", "");
        symlink(dir.path().join("w/a b/c.txt"), dir.path().join("link")).unwrap();
        for path in ["a b/c.txt", "'./a b/../a b/c.txt'", "../link"] {
            assert_eq!(placed(&dir, path, "data:;base64,Zg==", "x"), at(&dir, "a b/c.txt", false), "{path}");
        }
    }

    #[test]
    fn a_file_from_elsewhere_is_copied() {
        let dir = Scratch::new();
        let outside = dir.write("notes.md", "text");
        dir.dir("w");
        symlink(&outside, dir.path().join("w/notes.md")).unwrap();
        let names = ["notes.md", "notes-2.md"];
        for (path, name) in ["../notes.md", "notes.md"].into_iter().zip(names) {
            assert_eq!(placed(&dir, path, "", ""), at(&dir, &format!("{DIR}/{name}"), true), "{path}");
        }
        let copy = dir.path().join("w").join(DIR).join("notes.md");
        assert_eq!(fs::read_to_string(&copy).unwrap(), "text");
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn bytes_that_came_along_are_put_under_a_clean_name() {
        let dir = Scratch::new();
        let put =
            |path: &str, name: &str| placed(&dir, path, "data:text/plain;charset=utf-8;base64,aGk=", name);
        assert_eq!(put("C:\\x\\x y.txt", ""), at(&dir, &format!("{DIR}/x y.txt"), true));
        assert_eq!(put("none", "../../../etc/cron.d/x"), at(&dir, &format!("{DIR}/x"), true));
        assert_eq!(put("", ".."), at(&dir, &format!("{DIR}/attachment"), true));
        let hidden = dir.path().join("w").join(DIR).join("x");
        assert_eq!(fs::read_to_string(hidden).unwrap(), "hi");
    }

    #[test]
    fn what_cannot_be_placed_says_why() {
        let dir = Scratch::new();
        let failed = |text: &str| Err(Refused::Failed(text.to_owned()));
        let missing = failed("file not found on gateway and no data_url provided");
        assert_eq!(placed(&dir, "none", " ", ""), missing);
        for data in ["data:text/plain,hi", "data:;base64,%", "DATA:;base64", "data:", "?", "é;base64,aGk="] {
            assert_eq!(placed(&dir, "none", data, ""), failed("invalid data_url payload"), "{data}");
        }
        fs::create_dir_all(dir.path().join("elsewhere")).unwrap();
        symlink(dir.path().join("elsewhere"), dir.path().join("w/.hermes")).unwrap();
        let refused = placed(&dir, "none", "aGk=", "x");
        assert_eq!(refused, failed(".hermes/desktop-attachments is a link that leaves the workspace"));
        assert!(fs::read_dir(dir.path().join("elsewhere")).unwrap().next().is_none());
    }
}
