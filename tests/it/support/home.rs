//! A home directory for one process, gone with its test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};

/// The directory.
pub(crate) struct Home {
    dir: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("home-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }

    /// One with this `config.yaml`.
    pub(crate) fn with_config(text: &str) -> Self {
        let home = Self::new();
        fs::write(home.path().join("config.yaml"), text).unwrap();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// The text of a file below it; empty when it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap_or_default()
    }

    /// The crash log.
    pub(crate) fn crash_log(&self) -> String {
        self.read("logs/tui_gateway_crash.log")
    }

    /// The program with nothing of this machine's environment but the path to other programs.
    pub(crate) fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_tui-gateway"))
    }

    /// Another program in the same surroundings.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.dir)
            .env("HERMES_HOME", &self.dir)
            .env("HERMES_MANAGED_DIR", self.dir.join("managed"))
            // A model server sees the calls of the test alone.
            .env("TUI_GATEWAY_TITLES", "0")
            .current_dir(&self.dir);
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
