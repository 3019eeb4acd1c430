//! Plugins: executables in `<home>/commands`, one command each. Owns how they are found, and what they say of
//! themselves in comments at their beginning. Runs none of them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::model::plugin::Plugin;

/// The folder in the home.
const FOLDER: &str = "commands";

/// Plugins at most, and names that are looked at for them.
const PLUGINS_MAX: usize = 64;
const ENTRIES_MAX: usize = 1_000;

/// Longest name, in bytes.
const NAME_MAX: usize = 64;

/// Bytes of a file in which it may say something of itself.
const HEAD_BYTES: u64 = 512;

/// Longest description and version, in characters.
const DESCRIPTION_CHARS_MAX: usize = 200;
const VERSION_CHARS_MAX: usize = 32;

/// Begins the comment that tells a version.
const VERSION: &str = "version:";

/// All of them, by name; of equal names the first file counts. Reads files.
pub fn installed(home: &Path) -> Vec<Plugin> {
    let Ok(entries) = fs::read_dir(home.join(FOLDER)) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().take(ENTRIES_MAX).map(|entry| entry.path()).collect();
    files.sort_unstable();
    let mut names = HashSet::new();
    let found = files.iter().filter_map(|file| read(file)).filter(|plugin| names.insert(plugin.name.clone()));
    let mut plugins: Vec<Plugin> = found.take(PLUGINS_MAX).collect();
    plugins.sort_by(|one, other| one.name.cmp(&other.name));
    plugins
}

/// A file that is a plugin.
fn read(file: &Path) -> Option<Plugin> {
    let name = file.file_stem()?.to_str()?.to_ascii_lowercase();
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(fits) || !is_executable(file) {
        return None;
    }
    let mut head = Vec::new();
    // One that may be run but not read says nothing of itself.
    if let Ok(open) = File::open(file) {
        let _ = open.take(HEAD_BYTES).read_to_end(&mut head);
    }
    let (description, version) = said(&String::from_utf8_lossy(&head));
    Some(Plugin { name, description, version, file: file.to_owned() })
}

fn is_executable(file: &Path) -> bool {
    let Ok(data) = fs::metadata(file) else { return false };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    data.is_file() && may_run
}

/// The first comment and the version, if the comments at the beginning tell one.
fn said(head: &str) -> (String, String) {
    let comments = head.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
    let (mut description, mut version) = (String::new(), String::new());
    for line in comments.filter(|line| !line.starts_with("#!")) {
        let text = line.trim_start_matches('#').trim();
        match text.get(..VERSION.len()) {
            Some(start) if start.eq_ignore_ascii_case(VERSION) && !version.is_empty() => {}
            Some(start) if start.eq_ignore_ascii_case(VERSION) => {
                version = plain(text.get(VERSION.len()..).unwrap_or_default(), VERSION_CHARS_MAX);
            }
            _ if description.is_empty() => description = plain(text, DESCRIPTION_CHARS_MAX),
            _ => {}
        }
    }
    (description, version)
}

fn plain(text: &str, chars: usize) -> String {
    let fits = |c: &char| !c.is_control() && *c != char::REPLACEMENT_CHARACTER;
    text.trim().chars().filter(fits).take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    fn add(dir: &Scratch, name: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;

        let file = dir.path().join(FOLDER).join(name);
        fs::create_dir_all(dir.path().join(FOLDER)).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn executables_with_a_fit_name_are_plugins() {
        let dir = Scratch::new();
        assert!(installed(dir.path()).is_empty());
        add(&dir, "Deploy.sh", "#!/bin/sh\n# Deploys it.\n# Version: 1.2\necho\n# version: 3\n", 0o755);
        add(&dir, "deploy.zz", "#!/bin/sh\n", 0o755);
        add(&dir, "plain", "echo", 0o700);
        add(&dir, "notes.txt", "# no program", 0o644);
        add(&dir, "a b", "#!/bin/sh\n", 0o755);
        fs::create_dir(dir.path().join(FOLDER).join("folder")).unwrap();
        let found = installed(dir.path());
        let rows: Vec<_> = found
            .iter()
            .map(|plugin| (plugin.name.as_str(), plugin.description.as_str(), plugin.version.as_str()))
            .collect();
        assert_eq!(rows, [("deploy", "Deploys it.", "1.2"), ("plain", "", "")]);
    }

    #[test]
    fn what_a_plugin_says_is_plain_and_short() {
        assert_eq!(said("#!/bin/sh\n\n## A\u{7}b\n"), ("Ab".to_owned(), String::new()));
        assert_eq!(said("echo\n# late\n"), (String::new(), String::new()));
        let (description, _) = said(&format!("# {}", "é".repeat(500)));
        assert_eq!(description.chars().count(), DESCRIPTION_CHARS_MAX);
    }

    #[test]
    fn there_is_a_bound() {
        let dir = Scratch::new();
        for number in 0..PLUGINS_MAX + 3 {
            add(&dir, &format!("p{number}"), "", 0o755);
        }
        assert_eq!(installed(dir.path()).len(), PLUGINS_MAX);
    }
}
