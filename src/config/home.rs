//! Where the settings live: the home directory and the paths below it. Reads no file.

use std::path::{Path, PathBuf};

use crate::base::tilde;

/// The home directory's name below the user's own.
const DEFAULT_NAME: &str = ".hermes";

/// The folder of the other profiles' homes.
const PROFILES: &str = "profiles";

/// The home directory of the settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    /// `$HERMES_HOME` with `~` expanded (empty counts as unset), else `~/.hermes`.
    pub fn from_env() -> Self {
        Self::choose(std::env::var_os("HERMES_HOME").map(PathBuf::from), std::env::home_dir().as_deref())
    }

    /// A home at a place that is already known.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    fn choose(wanted: Option<PathBuf>, user_home: Option<&Path>) -> Self {
        let dir = match wanted.filter(|dir| !dir.as_os_str().is_empty()) {
            Some(dir) => tilde::expand(&dir, user_home),
            None => user_home.unwrap_or(Path::new("")).join(DEFAULT_NAME),
        };
        // Absolute, so that a later change of directory does not move it; as given where that fails.
        Self { dir: std::path::absolute(&dir).unwrap_or(dir) }
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The home of a profile: `profiles/<name>` below the root home, where it exists; a sentence where not.
    /// The root is this one, unless this one is a profile's itself. Names are checked by who reads them from
    /// a client.
    pub fn profile(&self, name: &str) -> Result<Home, String> {
        let above = self.dir.parent().filter(|parent| parent.file_name().is_some_and(|it| it == PROFILES));
        let root = above.and_then(Path::parent).unwrap_or(&self.dir);
        let dir = root.join(PROFILES).join(name);
        if dir.is_dir() { Ok(Self { dir }) } else { Err(format!("there is no profile {name:?}")) }
    }

    /// `config.yaml`.
    pub fn config_file(&self) -> PathBuf {
        self.dir.join("config.yaml")
    }

    /// `.env`.
    pub fn env_file(&self) -> PathBuf {
        self.dir.join(".env")
    }

    /// The user's own skins.
    pub fn skins_dir(&self) -> PathBuf {
        self.dir.join("skins")
    }

    /// Where long pastes are kept.
    pub fn pastes_dir(&self) -> PathBuf {
        self.dir.join("pastes")
    }

    /// Where attached images are kept.
    pub fn images_dir(&self) -> PathBuf {
        self.dir.join("images")
    }

    /// Where conversations are saved for people.
    pub fn saved_dir(&self) -> PathBuf {
        self.dir.join("sessions").join("saved")
    }

    /// The ledger of checks.
    pub fn evidence_file(&self) -> PathBuf {
        self.dir.join("verification_evidence.db")
    }

    /// Where snapshots of subagents are kept.
    pub fn spawn_trees_dir(&self) -> PathBuf {
        self.dir.join("spawn-trees")
    }

    /// The crash log.
    pub fn crash_log(&self) -> PathBuf {
        self.dir.join("logs").join("tui_gateway_crash.log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_unless_empty() {
        let user = Some(Path::new("/home/u"));
        for (wanted, want) in [
            (Some("/x/h"), "/x/h"),
            (Some("~/h"), "/home/u/h"),
            (Some("~"), "/home/u"),
            (Some(""), "/home/u/.hermes"),
            (None, "/home/u/.hermes"),
        ] {
            assert_eq!(Home::choose(wanted.map(PathBuf::from), user).dir(), Path::new(want), "{wanted:?}");
        }
        assert!(Home::choose(Some("relative".into()), user).dir().is_absolute());
        assert!(Home::choose(None, None).dir().is_absolute());
    }

    #[test]
    fn paths_below_it() {
        let home = Home::at("/h");
        assert_eq!(home.config_file(), Path::new("/h/config.yaml"));
        assert_eq!(home.env_file(), Path::new("/h/.env"));
        assert_eq!(home.skins_dir(), Path::new("/h/skins"));
        assert_eq!(home.pastes_dir(), Path::new("/h/pastes"));
        assert_eq!(home.images_dir(), Path::new("/h/images"));
        assert_eq!(home.spawn_trees_dir(), Path::new("/h/spawn-trees"));
        assert_eq!(home.saved_dir(), Path::new("/h/sessions/saved"));
        assert_eq!(home.evidence_file(), Path::new("/h/verification_evidence.db"));
        assert_eq!(home.crash_log(), Path::new("/h/logs/tui_gateway_crash.log"));
    }
}
