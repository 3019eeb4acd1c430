//! What a call makes of its files: worked out in memory, then written, so that nothing is written when a part
//! of it fails. Owns the result. Knows nothing of how a text is changed.

use std::fs::{self, Metadata};
use std::io;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::super::diff;
use super::super::lint::lint;
use super::super::path::{self, near_names};
use super::super::read_file::Reads;
use super::super::text_file::{self, Form, Stamp};
use super::super::{Desk, ToolError};
use super::v4a::Change;
use super::{Failure, hunks};
use crate::base::mask::mask;

/// Most bytes of all files of a call together, each as it was: 64 MiB.
const BYTES_MAX: usize = 64 << 20;

/// The files of a call.
pub(super) struct Plan<'a> {
    desk: &'a Desk,
    cross_profile: bool,
    files: Vec<Planned>,
}

/// One of them.
struct Planned {
    /// Where it is, without links.
    real: PathBuf,
    /// For the head of its diff.
    shown: String,
    was: Option<Stamp>,
    /// Its bytes before; `None` when there was no file.
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    /// Whose owner and mode it gets.
    like: Option<Metadata>,
    /// All of it is from the model.
    is_new: bool,
}

impl<'a> Plan<'a> {
    /// No file yet.
    pub(super) fn new(desk: &'a Desk, cross_profile: bool) -> Self {
        Self { desk, cross_profile, files: Vec::new() }
    }

    /// Plans a change of a patch.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn take(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::Update { path, to, hunks } => {
                let refused = |refusal: hunks::Refusal| {
                    Failure::new(format!("{path}: {refusal}")).hint("Nothing was written. Read the file.")
                };
                self.edit(&path, |text, _| hunks::apply(text, &hunks).map_err(refused))?;
                to.map_or(Ok(()), |to| self.rename(&path, &to))
            }
            Change::Add { path, text } => {
                let file = self.absent(&path)?;
                file.after = Some(text.into_bytes());
                file.is_new = true;
                Ok(())
            }
            Change::Delete { path } => {
                let at = self.present(&path)?;
                self.files[at].after = None;
                Ok(())
            }
            Change::Move { path, to } => self.rename(&path, &to),
        }
    }

    /// Plans a change of a file's text. The closure gets it with plain line ends, and the form it is kept in.
    ///
    /// # Errors
    /// There is no such file, it is not UTF-8, it must not be written, or the closure refuses.
    pub(super) fn edit(
        &mut self,
        path: &str,
        change: impl FnOnce(&str, Form) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        let at = self.present(path)?;
        let bytes = self.files[at].after.as_deref().unwrap_or_default();
        let Some((form, text)) = Form::read(bytes) else {
            return Err(Failure::new(format!("{path} is not UTF-8 text")));
        };
        let after = change(&text, form)?;
        self.files[at].after = Some(form.write(&after));
        Ok(())
    }

    fn rename(&mut self, path: &str, to: &str) -> Result<(), Failure> {
        let at = self.present(path)?;
        if self.file(to)? == at {
            return Ok(());
        }
        let like = self.files[at].like.clone();
        let after = self.files[at].after.take();
        let target = self.absent(to)?;
        target.like = like;
        target.after = after;
        Ok(())
    }

    /// A file that is there at this point of the plan.
    fn present(&mut self, path: &str) -> Result<usize, Failure> {
        let at = self.file(path)?;
        if self.files[at].after.is_some() {
            return Ok(at);
        }
        let missing = Failure::new(format!("File not found: {path}"));
        match near_names(path, &self.files[at].real).as_slice() {
            [] => Err(missing),
            near => Err(missing.hint(format!("Similar files: {}", near.join(", ")))),
        }
    }

    /// A file that is not.
    fn absent(&mut self, path: &str) -> Result<&mut Planned, Failure> {
        let at = self.file(path)?;
        if self.files[at].after.is_some() {
            return Err(Failure::new(format!("{path} is there already")));
        }
        Ok(&mut self.files[at])
    }

    /// The file's place in the plan; read when it is new to it.
    fn file(&mut self, path: &str) -> Result<usize, Failure> {
        let resolved = path::resolve(self.desk, path);
        let real = path::writable(self.desk, &resolved, self.cross_profile)?;
        if let Some(at) = self.files.iter().position(|file| file.real == real) {
            return Ok(at);
        }
        let unreadable = |error: io::Error| ToolError::new(format!("{path} cannot be read: {error}."));
        let was = Stamp::at(&real);
        let before = match text_file::read(&real) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(error).into()),
        };
        let held = self.files.iter().filter_map(|file| file.before.as_ref()).map(Vec::len);
        if held.sum::<usize>() + before.as_ref().map_or(0, Vec::len) > BYTES_MAX {
            return Err(Failure::new("These files are too large to change together"));
        }
        let like = fs::symlink_metadata(&real).ok();
        let shown = path::shown(&self.desk.workspace(), &resolved);
        self.files.push(Planned { real, shown, was, after: before.clone(), before, like, is_new: false });
        Ok(self.files.len() - 1)
    }

    /// Writes what was planned, and gives the result.
    ///
    /// # Errors
    /// Nothing would change, or the system refuses; what was written by then is put back.
    pub(super) fn write(&self, reads: &mut Reads) -> Result<Value, Failure> {
        let changed: Vec<&Planned> = self.files.iter().filter(|file| file.before != file.after).collect();
        if changed.is_empty() {
            return Err(Failure::new("Nothing would change: the files are like this already"));
        }
        let stale = |file: &&Planned| {
            let warning = reads.warning(&file.real, file.was?, false)?;
            Some(format!("{}: {warning}", file.shown))
        };
        let warning = changed.iter().find_map(stale);
        for file in &changed {
            self.desk.keep_before_change(&file.real, "patch");
        }
        for (at, file) in changed.iter().enumerate() {
            if let Err(error) = file.put(file.after.as_deref()) {
                return Err(put_back(&changed[..at], file, &error));
            }
        }
        for file in &changed {
            reads.note_written(&file.real, file.was, Stamp::at(&file.real), file.is_new);
        }
        Ok(result(&changed, warning))
    }
}

impl Planned {
    /// Makes the file have these bytes, or be gone.
    fn put(&self, bytes: Option<&[u8]>) -> io::Result<()> {
        let Some(bytes) = bytes else { return fs::remove_file(&self.real) };
        text_file::make_folder(&self.real)?;
        text_file::replace(&self.real, bytes, self.like.as_ref())
    }

    fn diff(&self) -> String {
        let text = |bytes: &Option<Vec<u8>>| match bytes {
            // What `read_file` does not show is not shown here.
            Some(bytes) if text_file::is_private_key(bytes) => None,
            Some(bytes) => Form::read(bytes).map(|(_, text)| text),
            None => Some(String::new()),
        };
        match (text(&self.before), text(&self.after)) {
            (Some(before), Some(after)) => diff::unified(&before, &after, &self.shown),
            _ => format!("File {} differs; it is binary or a private key\n", self.shown),
        }
    }

    fn lint(&self) -> Option<Value> {
        let text = |bytes: &Option<Vec<u8>>| Form::read(bytes.as_deref()?).map(|(_, text)| text);
        let after = text(&self.after)?;
        Some(lint(&self.real, text(&self.before).as_deref(), &after))
    }
}

/// Undoes what was written before a file could not be.
fn put_back(written: &[&Planned], failed: &Planned, error: &io::Error) -> Failure {
    let lost: Vec<&str> = written
        .iter()
        .rev()
        .filter(|file| file.put(file.before.as_deref()).is_err())
        .map(|file| file.shown.as_str())
        .collect();
    let outcome = match lost.as_slice() {
        [] => String::from("Nothing was changed"),
        lost => format!("These could not be put back: {}", lost.join(", ")),
    };
    Failure::new(format!("{} cannot be written: {error}. {outcome}", failed.shown))
}

fn result(changed: &[&Planned], warning: Option<String>) -> Value {
    let paths = |fits: fn(&Planned) -> bool| -> Vec<String> {
        changed.iter().filter(|file| fits(file)).map(|file| file.real.display().to_string()).collect()
    };
    let diff: String = changed.iter().map(|file| file.diff()).collect();
    let mut result = json!({
        "success": true,
        "diff": mask(&diff),
        "files_modified": paths(|file| file.before.is_some() && file.after.is_some()),
    });
    let created = paths(|file| file.before.is_none());
    if !created.is_empty() {
        result["files_created"] = json!(created);
    }
    let deleted = paths(|file| file.after.is_none());
    if !deleted.is_empty() {
        result["files_deleted"] = json!(deleted);
    }
    let mut lints: Map<String, Value> =
        changed.iter().filter_map(|file| Some((file.shown.clone(), file.lint()?))).collect();
    if let [file] = changed {
        result["lint"] = lints.remove(&file.shown).unwrap_or_else(|| json!({ "status": "skipped" }));
        result["resolved_path"] = json!(file.real.display().to_string());
    } else {
        result["lint"] = Value::Object(lints);
    }
    if let Some(warning) = warning {
        result["_warning"] = json!(warning);
    }
    result
}
