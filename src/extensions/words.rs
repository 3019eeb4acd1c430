//! All that can be named in a command, found once and kept: a client asks at every key. The times of the
//! folders say whether it is still so.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::{Around, bundles, plugins};
use crate::config::skin;
use crate::model::extensions::{CommandWords, SkillWord};
use crate::model::skill::SkillRow;

/// Folders below the home.
const SKILLS: &str = "skills";
const PROGRAMS: &str = "commands";
const SKINS: &str = "skins";

/// How long nobody looks whether it is still so.
const LOOK_AFTER: Duration = Duration::from_millis(300);
/// Found anew after so long: a text that is edited in place leaves no trace in its folder.
const OLD_AFTER: Duration = Duration::from_secs(5);

/// Folders whose times are kept.
const FOLDERS_MAX: usize = 1_000;
/// Skins of the person's own at most.
const SKINS_MAX: usize = 200;

/// What was found last.
#[derive(Default)]
pub struct Known(Mutex<Option<Found>>);

struct Found {
    words: Arc<CommandWords>,
    disabled: Vec<String>,
    others: Vec<PathBuf>,
    folders: Vec<(PathBuf, Option<SystemTime>)>,
    made: Instant,
    looked: Instant,
}

/// What can be named now, or could be a moment ago.
pub(super) fn words(around: &Around<'_>) -> Arc<CommandWords> {
    let mut known = around.known.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.as_mut().filter(|found| found.is_for(around)) {
        let is_old = around.at.saturating_duration_since(found.made) >= OLD_AFTER;
        let is_checked = around.at.saturating_duration_since(found.looked) < LOOK_AFTER;
        if is_checked || (!is_old && !found.changed()) {
            if !is_checked {
                found.looked = around.at;
            }
            return Arc::clone(&found.words);
        }
    }
    // Before anything is read, so that a change in between makes it look old, not new.
    let folders = folders(around);
    let words = Arc::new(gathered(around));
    let (disabled, others) = (around.disabled.to_vec(), around.folders.to_vec());
    let (made, looked) = (around.at, around.at);
    *known = Some(Found { words: Arc::clone(&words), disabled, others, folders, made, looked });
    words
}

impl Found {
    /// Whether the settings are those that it was found with.
    fn is_for(&self, around: &Around<'_>) -> bool {
        self.disabled == around.disabled && self.others == around.folders
    }

    fn changed(&self) -> bool {
        self.folders.iter().any(|(folder, known)| time(folder) != *known)
    }
}

fn gathered(around: &Around<'_>) -> CommandWords {
    let mut skills: Vec<SkillWord> = (around.skills)()
        .into_iter()
        .filter(|skill| !around.disabled.contains(&skill.name))
        .filter_map(|skill| {
            let command = skill.command()?;
            let SkillRow { name, description, place, root, .. } = skill;
            Some(SkillWord { command, name, description, place, root })
        })
        .collect();
    skills.sort_by(|one, other| one.command.cmp(&other.command));
    skills.dedup_by(|one, other| one.command == other.command);
    CommandWords {
        skills,
        bundles: bundles::bundles(&bundles::folder(around.home, around.bundles)),
        programs: plugins::installed(around.home),
        skins: skins(&around.home.join(SKINS)),
    }
}

/// Names under which skins can be loaded: of the person's own that is the name of the file, whatever stands
/// in it.
fn skins(folder: &Path) -> Vec<(String, String)> {
    let mut own: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| !name.is_empty() && !name.starts_with('.'))
        .take(SKINS_MAX)
        .collect();
    own.sort_unstable();
    let builtin = skin::names().filter(|name| !own.iter().any(|own| own == name));
    let mut all: Vec<_> = builtin.map(|name| (name.to_owned(), "built in".to_owned())).collect();
    all.extend(own.into_iter().map(|name| (name, "your own".to_owned())));
    all
}

/// The folders that are looked into, two levels of skills among them.
fn folders(around: &Around<'_>) -> Vec<(PathBuf, Option<SystemTime>)> {
    let bundles = bundles::folder(around.home, around.bundles);
    let mut found = vec![bundles, around.home.join(PROGRAMS), around.home.join(SKINS)];
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect()
    };
    let own = around.home.join(SKILLS);
    for skills in std::iter::once(&own).chain(around.folders) {
        // Before those below it, which may be too many.
        found.push(skills.clone());
        for category in below(skills).into_iter().take(FOLDERS_MAX) {
            found.extend(below(&category));
            found.push(category);
        }
    }
    found.truncate(FOLDERS_MAX);
    found.into_iter().map(|folder| (time(&folder), folder)).map(|(time, folder)| (folder, time)).collect()
}

fn time(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Zoned;

    use super::*;
    use crate::base::scratch::Scratch;

    fn skill(name: &str) -> SkillRow {
        SkillRow { name: name.to_owned(), ..SkillRow::default() }
    }

    #[test]
    fn what_was_found_is_kept_until_a_folder_changes() {
        let (dir, known, start) = (Scratch::new(), Known::default(), Instant::now());
        let now: Zoned = "2026-01-01T00:00:00+00:00[UTC]".parse().unwrap();
        let commands_in = |folders: &[PathBuf], disabled: &[String], at: Instant| -> Vec<String> {
            let skills = || vec![skill("Big One"), skill("big-one"), skill("off")];
            let (home, known) = (dir.path(), &known);
            let around =
                Around { home, skills: &skills, folders, disabled, bundles: None, known, at, now: &now };
            let words = words(&around);
            let skills = words.skills.iter().map(|skill| skill.command.clone());
            skills.chain(words.skins.iter().skip(9).map(|(name, _)| name.clone())).collect()
        };
        let commands = |disabled: &[String], at: Instant| commands_in(&[], disabled, at);
        let off = ["off".to_owned()];
        assert_eq!(commands(&off, start), ["big-one"]);
        assert_eq!(commands(&[], start), ["big-one", "off"], "other settings are other words");
        dir.write("skins/mine.yaml", "name: other\n");
        assert_eq!(commands(&[], start + LOOK_AFTER / 2), ["big-one", "off"], "too early to look");
        assert_eq!(commands(&[], start + LOOK_AFTER), ["big-one", "off", "mine"]);
        dir.write("skins/new.yaml", "name: other\n");
        let (team, at) = ([dir.dir("team")], start + LOOK_AFTER);
        assert_eq!(commands_in(&team, &[], at), ["big-one", "off", "mine", "new"], "other folders are too");
        dir.write("skins/last.yaml", "name: other\n");
        dir.dir("team/more");
        let words = commands_in(&team, &[], at + LOOK_AFTER);
        assert!(words.contains(&"last".to_owned()), "{words:?}");
    }

    #[test]
    fn a_skin_of_the_person_s_own_is_named_by_its_file() {
        let dir = Scratch::new();
        for name in ["b.yaml", "ares.yaml", "notes.txt", ".hidden.yaml"] {
            dir.write(&format!("skins/{name}"), "name: else\n");
        }
        let all = skins(&dir.path().join(SKINS));
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names.first(), names.len()), (Some(&"default"), 10));
        assert_eq!(names[8..], ["ares", "b"]);
    }
}
