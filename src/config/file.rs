//! The settings in force: loaded once, and again only when a file they come from has changed.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::dotenv::Dotenv;
use super::edit::{self, EditError};
use super::home::Home;
use super::{Env, load, managed, read, yaml};
use crate::model::edit::{Change, Edit, Scalar};
use crate::model::settings::Settings;

/// An environment that any thread may ask.
type SharedEnv = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The settings of one home. For any thread but the loop: it reads files, and a second caller waits for
/// the first.
pub struct ConfigFile {
    home: Home,
    env: SharedEnv,
    cached: Mutex<Option<(Stamps, Arc<Settings>)>>,
    /// Held by whoever changes `config.yaml`.
    writing: Mutex<()>,
    /// `.env` as it was read last for [`ConfigFile::reload_env`].
    variables: Mutex<Dotenv>,
}

/// How often a change is made again because the file changed meanwhile.
const EDIT_TRIES: usize = 3;

/// What tells one state of a file from another: its modification time and size; `None` when it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// `config.yaml`, the administrator's, `.env`.
type Stamps = [Stamp; 3];

impl ConfigFile {
    /// The settings of `home` with the process environment.
    pub fn new(home: Home) -> Self {
        Self::with_env(home, Box::new(|name| std::env::var(name).ok()))
    }

    /// The same with another environment.
    pub fn with_env(home: Home, env: SharedEnv) -> Self {
        let variables = Mutex::new(Dotenv::read(&home.env_file()));
        Self { home, env, cached: Mutex::new(None), writing: Mutex::default(), variables }
    }

    /// The home they belong to.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The environment that they are read with, without `.env`.
    pub fn env(&self) -> Env<'_> {
        &self.env
    }

    /// The settings now. Looks at the files' times and sizes and reads them only if those have changed.
    /// What is wrong with them is logged when it is news.
    pub fn current(&self) -> Arc<Settings> {
        // A panic elsewhere leaves the old value in place, and that is still a whole one.
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        // Before reading, so that a change in between is seen by the next call.
        let stamps = self.stamps();
        if let Some((old, settings)) = &*cached
            && *old == stamps
        {
            return Arc::clone(settings);
        }
        let settings = Arc::new(load(&self.home, &self.env));
        report(cached.as_ref().map(|(_, old)| &**old), &settings);
        *cached = Some((stamps, Arc::clone(&settings)));
        settings
    }

    /// Reads `.env` again and says how many of its variables are other ones than at the start, or than the last
    /// time this was asked. The process's environment stays as it is: the original drops from it what a
    /// person's shell has set.
    pub fn reload_env(&self) -> usize {
        let new = Dotenv::read(&self.home.env_file());
        let mut known = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = known.changes(&new);
        *known = new;
        changed
    }

    /// Adds a text to the list `key` at the top of `config.yaml`; everything else stays as it is written.
    ///
    /// # Errors
    /// As for [`ConfigFile::change`].
    pub fn append(&self, key: &'static str, item: &str) -> Result<(), EditError> {
        self.change(&[Edit { path: vec![key], change: Change::Append(item.to_owned()) }])
    }

    /// Sets a value in `config.yaml`; everything else stays as it is written.
    ///
    /// # Errors
    /// As for [`ConfigFile::change`].
    pub fn set(&self, path: &[&'static str], value: Scalar) -> Result<(), EditError> {
        self.change(&[Edit { path: path.to_vec(), change: Change::Set(value) }])
    }

    /// Makes all of these changes in `config.yaml`, or none; everything else stays as it is written. One
    /// caller at a time. Whoever edits the file by hand in the same moment is not overwritten: the change is
    /// made again on what they wrote. A file that is not there yet is made, for its owner alone.
    ///
    /// # Errors
    /// The file cannot be edited, or not be written, or the administrator's has a say about a place.
    pub fn change(&self, edits: &[Edit]) -> Result<(), EditError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // A managed file that cannot be read does not count, as when it is loaded.
        let managed = read::text(&managed::config_file(&self.env)).ok();
        if let Some(Ok(managed)) = managed.map(|text| yaml::parse(&text))
            && edits.iter().any(|edit| edit::is_decided(&managed, edit))
        {
            return Err(EditError::Managed);
        }
        let file = self.home.config_file();
        for _ in 0..EDIT_TRIES {
            let before = stamp(&file);
            let text = match read::text(&file) {
                Ok(text) => text,
                Err(read::ReadError::Missing) => String::new(),
                Err(why) => return Err(EditError::Broken(why.to_string())),
            };
            let new = edit::edited(&text, edits)?;
            if new == text {
                return Ok(());
            }
            if stamp(&file) == before {
                // A mark at the beginning is not part of the text, and stays.
                let mark = if read::has_mark(&file) { "\u{feff}" } else { "" };
                return replace(&file, &format!("{mark}{new}")).map_err(EditError::Io);
            }
        }
        Err(EditError::Io(std::io::Error::other("it is being changed by somebody else")))
    }

    fn stamps(&self) -> Stamps {
        [self.home.config_file(), managed::config_file(&self.env), self.home.env_file()]
            .map(|file| stamp(&file))
    }
}

/// Logs what is wrong with settings and was not with those before.
fn report(old: Option<&Settings>, new: &Settings) {
    let faults = |settings: &Settings| [settings.warning.clone(), settings.model.key_warning.clone()];
    let (known, now) = (old.map(faults).unwrap_or_default(), faults(new));
    if now == [None, None] && known != now {
        log::info!("the settings are in order again");
    }
    for (fault, known) in now.into_iter().zip(known) {
        if let Some(fault) = fault.filter(|fault| known.as_ref() != Some(fault)) {
            log::warn!("{fault}");
        }
    }
}

/// Puts a new text in the place of a file's, whole or not at all. A link stays one, a mode stays as it was.
pub(crate) fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = match std::fs::canonicalize(file) {
        // A link to nothing is not replaced: somebody meant something by it.
        Err(error) if file.is_symlink() => return Err(error),
        real => real.unwrap_or_else(|_| file.to_path_buf()),
    };
    let mut beside = file.clone().into_os_string();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = std::path::PathBuf::from(beside);
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Left by a process of this number that was killed while it wrote; ours are one at a time.
    let _ = std::fs::remove_file(&beside);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut new = options.open(&beside)?;
    let written = new
        .write_all(text.as_bytes())
        .and_then(|()| std::fs::metadata(&file).map_or(Ok(()), |old| new.set_permissions(old.permissions())))
        .and_then(|()| new.sync_all())
        .and_then(|()| std::fs::rename(&beside, &file));
    if written.is_err() {
        // Nothing else is lost with it.
        let _ = std::fs::remove_file(&beside);
    } else if let Ok(folder) = std::fs::File::open(folder) {
        // So that the new name survives a power cut. Some file systems refuse to sync a folder.
        let _ = folder.sync_all();
    }
    written
}

fn stamp(file: &Path) -> Stamp {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    fn config_file(dir: &Scratch) -> ConfigFile {
        let managed = dir.path().join("managed").display().to_string();
        let env = move |name: &str| (name == "HERMES_MANAGED_DIR").then(|| managed.clone());
        ConfigFile::with_env(Home::at(dir.path()), Box::new(env))
    }

    #[test]
    fn reads_again_only_after_a_change() {
        let dir = Scratch::new();
        let file = config_file(&dir);
        let none = file.current();
        assert!(Arc::ptr_eq(&none, &file.current()));
        dir.write("config.yaml", "model: one\n");
        let one = file.current();
        assert_eq!(one.model.name, "one");
        assert!(Arc::ptr_eq(&one, &file.current()));
        dir.write("config.yaml", "model: longer\n");
        assert_eq!(file.current().model.name, "longer");
        dir.write("managed/config.yaml", "model: theirs\n");
        assert_eq!(file.current().model.name, "theirs");
        dir.write(".env", "OPENAI_API_KEY=k\n");
        assert!(file.current().model.api_key.is_some());
        std::fs::remove_file(dir.path().join("config.yaml")).unwrap();
        assert_eq!(file.current().mtime, 0.0);
    }

    #[test]
    fn a_change_keeps_the_rest_and_the_mode() {
        use std::os::unix::fs::PermissionsExt;

        let dir = Scratch::new();
        dir.write("real.yaml", "# mine\nmodel: one # best\n");
        let path = dir.path().join("config.yaml");
        std::os::unix::fs::symlink("real.yaml", &path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let file = config_file(&dir);
        file.append("command_allowlist", "SQL drop").unwrap();
        file.set(&["approvals", "mode"], Scalar::Text("off".to_owned())).unwrap();
        let text = std::fs::read_to_string(dir.path().join("real.yaml")).unwrap();
        let expected =
            "# mine\nmodel: one # best\ncommand_allowlist:\n  - SQL drop\napprovals:\n  mode: \"off\"\n";
        assert_eq!(text, expected);
        assert!(path.is_symlink());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        let approvals = &file.current().agent.approvals;
        assert_eq!(*approvals.allowlist, ["SQL drop".to_owned()]);
        dir.write("real.yaml", "a: [\n");
        assert!(file.append("command_allowlist", "x").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a: [\n");
    }

    #[test]
    fn a_new_file_is_its_owners_and_nothing_else_is_left() {
        use std::os::unix::fs::PermissionsExt;

        let dir = Scratch::new();
        let file = ConfigFile::with_env(Home::at(dir.path().join("home")), Box::new(|_| None));
        file.set(&["display", "tui_compact"], Scalar::Flag(true)).unwrap();
        assert!(file.current().display.compact);
        let home = dir.path().join("home");
        let mode = std::fs::metadata(home.join("config.yaml")).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, std::fs::read_dir(home).unwrap().count()), (0o600, 1));
    }

    #[test]
    fn what_the_administrator_decided_is_not_written() {
        let dir = Scratch::new();
        dir.write("config.yaml", "# mine\n");
        dir.write("managed/config.yaml", "approvals: {mode: manual}\n");
        let file = config_file(&dir);
        let edits =
            [Edit::flag(&["display", "tui_compact"], true), Edit::text(&["approvals", "mode"], "off")];
        assert!(matches!(file.change(&edits), Err(EditError::Managed)));
        assert_eq!(std::fs::read_to_string(dir.path().join("config.yaml")).unwrap(), "# mine\n");
        file.change(&edits[..1]).unwrap();
        assert!(file.current().display.compact);
    }

    #[test]
    fn writers_do_not_lose_each_others_changes() {
        const KEYS: [&str; 4] = ["one", "two", "three", "four"];
        let dir = Scratch::new();
        let file = &config_file(&dir);
        std::thread::scope(|scope| {
            for key in KEYS {
                scope.spawn(move || file.set(&["display", key], Scalar::Flag(true)).unwrap());
            }
        });
        let text = std::fs::read_to_string(dir.path().join("config.yaml")).unwrap();
        assert!(KEYS.iter().all(|key| text.contains(&format!("  {key}: true\n"))), "{text}");
    }

    #[test]
    fn changed_variables_are_counted_once() {
        let dir = Scratch::new();
        dir.write(".env", "A=1\nB=2\n");
        let file = config_file(&dir);
        assert_eq!(file.reload_env(), 0);
        dir.write(".env", "A=1\nB=3\nC=4\n");
        assert_eq!((file.reload_env(), file.reload_env()), (2, 0));
        dir.write(".env", "C=4\n");
        assert_eq!(file.reload_env(), 2);
    }

    #[test]
    fn threads_share_one_value() {
        let dir = Scratch::new();
        dir.write("config.yaml", "model: one\n");
        let file = config_file(&dir);
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| file.current())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|settings| Arc::ptr_eq(settings, &all[0])));
    }
}
