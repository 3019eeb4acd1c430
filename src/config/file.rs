//! The settings in force: loaded once, and again only when a file they come from has changed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::home::Home;
use super::{load, managed};
use crate::model::settings::Settings;

/// An environment that any thread may ask.
type SharedEnv = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The settings of one home. For any thread but the loop: it reads files, and a second caller waits for
/// the first.
pub struct ConfigFile {
    home: Home,
    env: SharedEnv,
    cached: Mutex<Option<(Stamps, Arc<Settings>)>>,
}

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
        Self { home, env, cached: Mutex::new(None) }
    }

    /// The home they belong to.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The settings now. Looks at the files' times and sizes and reads them only if those have changed.
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
        *cached = Some((stamps, Arc::clone(&settings)));
        settings
    }

    fn stamps(&self) -> Stamps {
        [self.home.config_file(), managed::config_file(&self.env), self.home.env_file()]
            .map(|file| stamp(&file))
    }
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
