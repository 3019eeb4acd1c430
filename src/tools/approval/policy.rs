//! How approvals are configured, and what was approved for good. One for all sessions. Knows no file: whoever
//! owns `config.yaml` takes the new entries and writes them down.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::glob;

/// What an entry of the allow-list may not stand for: a second command, a redirection, an expansion.
const OPERATORS: &[char] = &[';', '&', '|', '<', '>', '(', ')', '`', '$', '\\', '\n', '\r', '\0'];

/// Longest command an entry is compared with, in bytes. Entries are written by hand and short.
const COMPARED_MAX: usize = 4096;

/// Entries that may wait to be written down; each category is only there once, so there are never more.
const NEW_ENTRIES_MAX: usize = 256;

/// Who decides (`approvals.mode`).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Mode {
    /// A person.
    #[default]
    Manual,
    /// An auxiliary model, and a person where that is in doubt. Without an auxiliary model everything is in
    /// doubt.
    Smart,
    /// Nobody: everything above the hard line runs.
    Off,
}

impl Mode {
    /// Reads the word of the configuration; YAML readers make `off` the boolean `false`. `None` for any
    /// other.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_lowercase().as_str() {
            "manual" | "on" | "true" | "yes" => Some(Mode::Manual),
            "smart" => Some(Mode::Smart),
            "off" | "false" | "no" => Some(Mode::Off),
            _ => None,
        }
    }
}

/// The configuration of approvals.
#[derive(Default, Debug)]
pub struct Policy {
    mode: Mode,
    /// Commands and patterns of commands, and keys of categories (`command_allowlist`).
    allowlist: Arc<[String]>,
    has_sudo_password: bool,
    /// What was approved for good since the configuration was read.
    pub(super) permanent: Mutex<Permanent>,
}

/// What was approved for good.
#[derive(Default, Debug)]
pub(super) struct Permanent {
    keys: HashSet<String>,
    /// Those of them that nobody wrote down yet, oldest first.
    new: Vec<String>,
}

impl Policy {
    /// A policy. `allowlist` is the configuration's `command_allowlist`: commands, patterns of commands, and
    /// keys of categories. A process that was started without approvals has [`Mode::Off`].
    pub fn new(mode: Mode, allowlist: Arc<[String]>) -> Self {
        Self { mode, allowlist, ..Self::default() }
    }

    /// The same with a sudo password that a person configured, so that a command may pipe one to sudo.
    #[must_use]
    pub fn with_sudo_password(self) -> Self {
        Self { has_sudo_password: true, ..self }
    }

    /// Who decides.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Takes the keys that were approved for good and are not yet written down, oldest first.
    pub fn take_new_entries(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().new)
    }

    /// Whether a person configured a password for sudo.
    pub(super) fn has_sudo_password(&self) -> bool {
        self.has_sudo_password
    }

    /// Whether the allow-list has this command, or a pattern for it. Never one with operators of the shell:
    /// they make it more than the command that was meant.
    pub(super) fn allows(&self, command: &str) -> bool {
        let command = command.trim();
        if command.is_empty() || command.len() > COMPARED_MAX || command.contains(OPERATORS) {
            return false;
        }
        self.allowlist
            .iter()
            .map(|entry| entry.trim())
            .any(|entry| entry == command || (glob::is_pattern(entry) && glob::matches(entry, command)))
    }

    /// Whether a category was approved for good.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.allowlist.iter().any(|entry| entry == key) || self.lock().keys.contains(key)
    }

    /// A category is approved for good.
    pub(super) fn remember(&self, key: &str) {
        if self.knows(key) {
            return;
        }
        let mut permanent = self.lock();
        if permanent.keys.insert(key.to_owned()) && permanent.new.len() < NEW_ENTRIES_MAX {
            permanent.new.push(key.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Permanent> {
        self.permanent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(entries: &[&str]) -> Policy {
        Policy::new(Mode::Manual, entries.iter().map(|entry| (*entry).to_owned()).collect())
    }

    #[test]
    fn entries_are_commands_patterns_or_keys() {
        let policy = policy(&["rm -rf build", "docker rm *", "recursive delete"]);
        for command in ["rm -rf build", " rm -rf build ", "docker rm web"] {
            assert!(policy.allows(command), "{command}");
        }
        for command in
            ["rm -rf build2", "docker rm", "docker rm a; reboot", "docker rm $(x)", "docker rm a > b", ""]
        {
            assert!(!policy.allows(command), "{command}");
        }
        assert!(policy.knows("recursive delete") && !policy.knows("SQL drop"));
    }

    #[test]
    fn what_is_approved_for_good_is_given_out_once() {
        let policy = policy(&["recursive delete"]);
        policy.remember("SQL drop");
        policy.remember("SQL drop");
        policy.remember("recursive delete");
        assert_eq!(policy.take_new_entries(), ["SQL drop"]);
        assert!(policy.take_new_entries().is_empty() && policy.knows("SQL drop"));
    }

    #[test]
    fn modes_are_words_and_booleans() {
        assert_eq!(
            ["manual", "smart", "OFF", "false", "true"].map(Mode::parse),
            [Some(Mode::Manual), Some(Mode::Smart), Some(Mode::Off), Some(Mode::Off), Some(Mode::Manual)]
        );
        assert_eq!(Mode::parse("maybe"), None);
    }
}
