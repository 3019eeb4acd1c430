//! What is run for a host: how a line says it, and what the program sees of our environment. Runs nothing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::base::command_line;

/// Variables of ours that a host does not see. The first and the last would make it do our work a second
/// time: tell its events to our sidecar, and a desktop that it is ready. The token lets clients in to us.
const WITHHELD: [&str; 4] = [
    "HERMES_TUI_SIDECAR_URL",
    "HERMES_TUI_GATEWAY_URL",
    "HERMES_DASHBOARD_SESSION_TOKEN",
    "HERMES_DESKTOP_READY_FILE",
];

/// Those that begin with this are settings of this program. `TUI_GATEWAY_UPSTREAM` is one: with it a host
/// that is another of us would start hosts of its own.
const OWN: &str = "TUI_GATEWAY_";

/// Where Hermes keeps its files.
const HOME: &str = "HERMES_HOME";

/// Tells a host that is another of us that a bridge stands in front of it.
pub const FRONTED: &str = "TUI_GATEWAY_FRONTED";

/// What is run for a host.
#[derive(Clone, Debug)]
pub struct HostCommand {
    /// The program: a path, or a name that is looked for in `PATH`.
    pub program: OsString,
    /// What it is given.
    pub args: Vec<OsString>,
}

impl HostCommand {
    /// Reads a command line ([`command_line::split`]).
    ///
    /// # Errors
    /// It is no command; the text is for people.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (program, args) = command_line::split(line)?;
        Ok(Self { program: program.into(), args: args.into_iter().map(OsString::from).collect() })
    }

    /// Where the program keeps its files, as the original finds it: in its `HERMES_HOME`, else in `~/.hermes`.
    /// What stands in front of it can set another: `env HERMES_HOME=… python`.
    pub(super) fn home(&self) -> Option<PathBuf> {
        let set = self.assigned(HOME).or_else(|| std::env::var_os(HOME));
        let set = set.filter(|home| !home.to_string_lossy().trim().is_empty());
        set.map(PathBuf::from).or_else(|| std::env::home_dir().map(|home| home.join(".hermes")))
    }

    /// What `env` sets a variable to, where that is the program.
    fn assigned(&self, name: &str) -> Option<OsString> {
        let is_env = Path::new(&self.program).file_name().is_some_and(|program| program == "env");
        let words = self.args.iter().map_while(|word| word.to_str()?.split_once('='));
        let last = words.filter(|(known, _)| is_env && *known == name).last();
        last.map(|(_, value)| value.into())
    }

    /// The process to be.
    pub(super) fn process(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_withheld(name)) {
            command.env_remove(name);
        }
        command.env(FRONTED, "1");
        command
    }
}

fn is_withheld(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| WITHHELD.contains(&name) || name.starts_with(OWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_is_what_the_command_sets() {
        let home = |line| HostCommand::parse(line).unwrap().home();
        let set = home("/usr/bin/env A=1 HERMES_HOME=/x HERMES_HOME=/y python -m a HERMES_HOME=/z");
        assert_eq!(set, Some("/y".into()));
        for other in ["python HERMES_HOME=/x", "env python HERMES_HOME=/x"] {
            assert_eq!(home(other), home("python"), "{other}");
        }
    }

    #[test]
    fn our_own_settings_and_secrets_are_withheld() {
        for name in ["HERMES_TUI_SIDECAR_URL", "TUI_GATEWAY_UPSTREAM", "TUI_GATEWAY_LOG"] {
            assert!(is_withheld(OsStr::new(name)), "{name}");
        }
        for name in ["HERMES_HOME", "OPENAI_API_KEY", "PATH"] {
            assert!(!is_withheld(OsStr::new(name)), "{name}");
        }
    }
}
