//! How approvals are configured, and what was approved for good. One for all sessions. Knows no file: whoever
//! owns `config.yaml` takes the new entries and writes them down.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::glob;
use crate::model::settings::ApprovalSettings;

pub use crate::model::settings::ApprovalMode as Mode;

/// What an entry of the allow-list may not stand for: a second command, a redirection, an expansion.
const OPERATORS: &[char] = &[';', '&', '|', '<', '>', '(', ')', '`', '$', '\\', '\n', '\r', '\0'];

/// Longest command an entry is compared with, in bytes. Entries are written by hand and short.
const COMPARED_MAX: usize = 4096;

/// Entries that may wait to be written down; each category is only there once, so there are never more.
const NEW_ENTRIES_MAX: usize = 256;

/// The configuration of approvals.
#[derive(Default, Debug)]
pub struct Policy {
    mode: Mode,
    /// Commands and patterns of commands, and keys of categories (`command_allowlist`).
    allowlist: Arc<[String]>,
    has_sudo_password: bool,
    /// Where what is approved for good is written down, if anywhere.
    record: Option<Record>,
    /// What was approved for good in this process. Newer policies share it: a turn that goes on under an
    /// older one adds to it too.
    permanent: Arc<Mutex<Permanent>>,
}

/// What was approved for good.
#[derive(Default, Debug)]
struct Permanent {
    keys: HashSet<String>,
    /// Those of them that nobody wrote down yet, oldest first.
    new: Vec<String>,
}

/// Where a category that is approved for good is written down.
#[derive(Clone)]
struct Record(Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Record")
    }
}

impl Policy {
    /// A policy. `allowlist` is the configuration's `command_allowlist`: commands, patterns of commands, and
    /// keys of categories. A process that was started without approvals has [`Mode::Off`].
    pub fn new(mode: Mode, allowlist: Arc<[String]>) -> Self {
        Self { mode, allowlist, ..Self::default() }
    }

    /// The same, and what is approved for good is told to `record`, on the agent's thread.
    #[must_use]
    pub fn with_record(self, record: Arc<dyn Fn(&str) + Send + Sync>) -> Self {
        Self { record: Some(Record(record)), ..self }
    }

    /// The policy of newer settings. What was approved for good stays so, written down or not.
    #[must_use]
    pub fn renewed(&self, settings: &ApprovalSettings) -> Self {
        Self {
            mode: settings.mode,
            allowlist: Arc::clone(&settings.allowlist),
            has_sudo_password: self.has_sudo_password,
            record: self.record.clone(),
            permanent: Arc::clone(&self.permanent),
        }
    }

    /// Whether it is what these settings say.
    pub fn is_of(&self, settings: &ApprovalSettings) -> bool {
        self.mode == settings.mode && self.allowlist == settings.allowlist
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
        if !permanent.keys.insert(key.to_owned()) {
            return;
        }
        if let Some(Record(record)) = &self.record {
            drop(permanent);
            record(key);
        } else if permanent.new.len() < NEW_ENTRIES_MAX {
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
    fn newer_settings_forget_nothing() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let policy =
            policy(&[]).with_record(Arc::new(move |key: &str| tell.lock().unwrap().push(key.to_owned())));
        policy.remember("SQL drop");
        policy.remember("SQL drop");
        let newer = ApprovalSettings { mode: Mode::Off, allowlist: Arc::from(["x".to_owned()]) };
        assert!(!policy.is_of(&newer));
        let newer_policy = policy.renewed(&newer);
        assert!(newer_policy.is_of(&newer) && newer_policy.knows("SQL drop") && newer_policy.allows("x"));
        policy.remember("git reset --hard");
        assert!(newer_policy.knows("git reset --hard"), "a turn goes on under the older one");
        assert_eq!(*told.lock().unwrap(), ["SQL drop", "git reset --hard"]);
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
}
