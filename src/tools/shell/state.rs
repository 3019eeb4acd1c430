//! What a session's commands leave to the next one: the directory, and the exported variables. The variables
//! are kept as the shell wrote them, in a private directory that goes with the session.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::error::ToolError;
use crate::base::tilde;

/// Longest path, in bytes: `PATH_MAX` of Linux.
const PATH_BYTES_MAX: u64 = 4096;

/// Most bytes of kept variables. Beyond it the former ones stay: the system gives a program's environment and
/// arguments 2 MiB together.
const ENV_BYTES_MAX: u64 = 1 << 20;

/// One session's shell, between commands.
#[derive(Default, Debug)]
pub(in crate::tools) struct Shell {
    /// Where the last command left it; `None` before the first turn.
    dir: Option<PathBuf>,
    kept: Option<Arc<Kept>>,
    /// Grows with each turn, so that a command of the last one no longer moves this one's directory.
    turn: u64,
}

/// Where and with what a command runs.
#[derive(Clone, Debug)]
pub(in crate::tools) struct Plan {
    /// Its directory, which exists.
    pub(in crate::tools) dir: PathBuf,
    pub(super) kept: Arc<Kept>,
    turn: u64,
}

impl Shell {
    /// The next command runs in `dir`. What was exported stays.
    pub(in crate::tools) fn stand_in(&mut self, dir: &Path) {
        self.dir = Some(dir.to_owned());
        self.turn += 1;
    }

    /// Prepares a command: in `workdir` if there is one, else where the last command left the shell, else in
    /// `workspace`. A directory that was deleted falls back to its nearest parent.
    ///
    /// # Errors
    /// `workdir` is no directory, or there is no room for the private one.
    pub(in crate::tools) fn plan(
        &mut self,
        workspace: &Path,
        workdir: Option<&str>,
    ) -> Result<Plan, ToolError> {
        let stands = nearest_dir(self.dir.as_deref().unwrap_or(workspace));
        let dir = match workdir {
            None => stands,
            Some(name) => {
                let home = std::env::home_dir();
                let dir = stands.join(tilde::expand(Path::new(name), home.as_deref()));
                if !dir.is_dir() {
                    return Err(ToolError::new(format!("workdir {name} is not a directory")));
                }
                dir
            }
        };
        Ok(Plan { dir, kept: self.kept()?, turn: self.turn })
    }

    /// Takes over what the command saved at its end.
    pub(in crate::tools) fn settle(&mut self, plan: &Plan) {
        let left = plan.kept.adopt();
        if left.is_some() && plan.turn == self.turn {
            self.dir = left;
        }
    }

    /// The private directory, new if there is none or if something cleaned it away.
    fn kept(&mut self) -> Result<Arc<Kept>, ToolError> {
        if let Some(kept) = self.kept.as_ref().filter(|kept| kept.0.is_dir()) {
            return Ok(Arc::clone(kept));
        }
        let kept = Kept::new().map_err(|error| {
            ToolError::new(format!("cannot make a directory for the shell's state: {error}"))
        })?;
        let kept = Arc::new(kept);
        self.kept = Some(Arc::clone(&kept));
        Ok(kept)
    }
}

/// The private directory: the kept variables, and what a running command is about to leave. Removes itself.
#[derive(Debug)]
pub(super) struct Kept(PathBuf);

impl Kept {
    fn new() -> io::Result<Self> {
        let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let path = std::env::temp_dir().join(format!("tui-gateway-shell-{number:016x}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is. The script of [`super::spawn`] reads `env` there and writes `env.new`, then `pwd.new`.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether variables are kept. They are all of them then, so that what was unset stays so.
    pub(super) fn has_env(&self) -> bool {
        self.0.join("env").is_file()
    }

    /// Takes away what an earlier command may have left half done.
    pub(super) fn clear(&self) {
        for name in ["env.new", "pwd.new"] {
            // Mostly there is none.
            let _ = fs::remove_file(self.0.join(name));
        }
    }

    /// Makes the new variables the kept ones and gives the directory; nothing if the command did not get to
    /// its end. The directory is written last, so where it is, the variables are whole.
    fn adopt(&self) -> Option<PathBuf> {
        let dir = read_dir_name(&self.0.join("pwd.new"));
        let new = self.0.join("env.new");
        if dir.is_some() && is_plain(&new, ENV_BYTES_MAX) {
            // The command may have set a umask that takes the right to read.
            let kept = fs::set_permissions(&new, fs::Permissions::from_mode(0o600))
                .and_then(|()| fs::rename(&new, self.0.join("env")));
            if let Err(error) = kept {
                log::warn!("cannot keep the variables of a shell: {error}");
            }
        }
        self.clear();
        dir
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // A directory left behind is untidy, not wrong.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The directory whose name, with a line feed behind it, is in the file.
fn read_dir_name(file: &Path) -> Option<PathBuf> {
    if !is_plain(file, PATH_BYTES_MAX) {
        return None;
    }
    // The umask of the command again.
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).ok()?;
    let mut name = Vec::new();
    File::open(file).ok()?.take(PATH_BYTES_MAX).read_to_end(&mut name).ok()?;
    if name.pop() != Some(b'\n') {
        return None;
    }
    let dir = PathBuf::from(std::ffi::OsString::from_vec(name));
    dir.is_absolute().then_some(dir)
}

/// Whether it is a file (a command may have put a pipe there, which nobody would ever write) of a bounded
/// size.
fn is_plain(file: &Path, bytes_max: u64) -> bool {
    fs::symlink_metadata(file).is_ok_and(|about| about.is_file() && about.len() <= bytes_max)
}

/// The directory, or the nearest parent that exists.
fn nearest_dir(dir: &Path) -> PathBuf {
    dir.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_deleted_directory_falls_back_to_its_parent() {
        let scratch = Scratch::new();
        let mut shell = Shell::default();
        shell.stand_in(&scratch.path().join("gone/far"));
        assert_eq!(shell.plan(Path::new("/"), None).unwrap().dir, scratch.path());
    }

    #[test]
    fn a_workdir_has_to_exist_and_is_relative_to_where_the_shell_stands() {
        let scratch = Scratch::new();
        let dir = scratch.dir("a");
        let mut shell = Shell::default();
        assert_eq!(shell.plan(scratch.path(), Some("a")).unwrap().dir, dir);
        let error = shell.plan(scratch.path(), Some("b")).unwrap_err();
        assert_eq!(error.to_string(), "workdir b is not a directory");
    }

    #[test]
    fn only_a_finished_command_leaves_something() {
        let mut shell = Shell::default();
        let plan = shell.plan(Path::new("/"), None).unwrap();
        let kept = plan.kept.path().to_owned();
        fs::write(kept.join("env.new"), "export A='half").unwrap();
        shell.settle(&plan);
        assert!(!plan.kept.has_env() && shell.dir.is_none());
        fs::write(kept.join("env.new"), "export A='1'").unwrap();
        fs::write(kept.join("pwd.new"), "/tmp\n").unwrap();
        shell.settle(&plan);
        assert!(plan.kept.has_env());
        assert_eq!(shell.dir.as_deref(), Some(Path::new("/tmp")));
    }

    #[test]
    fn a_command_of_the_last_turn_does_not_move_this_one() {
        let mut shell = Shell::default();
        let plan = shell.plan(Path::new("/"), None).unwrap();
        shell.stand_in(Path::new("/usr"));
        fs::write(plan.kept.path().join("env.new"), "").unwrap();
        fs::write(plan.kept.path().join("pwd.new"), "/tmp\n").unwrap();
        shell.settle(&plan);
        assert_eq!(shell.dir.as_deref(), Some(Path::new("/usr")));
    }

    #[test]
    fn the_private_directory_goes_with_the_session() {
        let mut shell = Shell::default();
        let plan = shell.plan(Path::new("/"), None).unwrap();
        let path = plan.kept.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(plan);
        assert!(path.is_dir());
        drop(shell);
        assert!(!path.exists());
    }
}
