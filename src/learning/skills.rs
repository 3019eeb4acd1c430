//! Skills that the agent has learned: found in their folder, told from those that came with the product, put
//! into the archive, written anew. Knows nothing of drawings.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use serde_json::{Map, Value, json};

use super::memory::modified;
use super::{Flaw, echo, lock};
use crate::base::front_matter;
use crate::config::yaml;
use crate::model::learning::{Learned, LearnedKind, LearningDone};
use crate::shared_file::{self, Access};

/// The folder in the home, and what lies in it beside skills (the original's names).
const FOLDER: &str = "skills";
const SKILL: &str = "SKILL.md";
const USAGE: &str = ".usage.json";
const USAGE_LOCK: &str = ".usage.json.lock";
const BUNDLED: &str = ".bundled_manifest";
const HUB: &str = ".hub/lock.json";
const ARCHIVE: &str = ".archive";

/// Folders that hold no skills in use.
const EXCLUDED: [&str; 4] = [ARCHIVE, ".hub", "node_modules", ".git"];

/// Skills that are never put away (the original's).
const PROTECTED: [&str; 1] = ["plan"];

/// Folders inside one another, and all together, that are looked at.
const DEPTH_MAX: usize = 6;
const FOLDERS_MAX: usize = 4_096;

/// Largest file with the text of a skill, and with what is known of skills, in bytes.
const SKILL_BYTES_MAX: u64 = 1 << 20;
const USAGE_BYTES_MAX: u64 = 4 << 20;

/// Characters of a skill's text, and of its description, that may be written (the original's).
const CONTENT_CHARS_MAX: usize = 100_000;
const DESCRIPTION_CHARS_MAX: usize = 1_024;

/// Characters of a name and of a category that are shown.
const NAME_CHARS_MAX: usize = 200;

/// A skill on disk.
#[derive(Debug)]
struct Skill {
    dir: PathBuf,
    /// As its settings name it, or its folder.
    name: String,
    category: String,
    /// Whether it lies in the home.
    is_own: bool,
}

impl Skill {
    fn folder(&self) -> String {
        self.dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Those that were learned: not shipped, and made by the agent or used.
pub(super) fn learned(home: &Path) -> Vec<Learned> {
    let root = home.join(FOLDER);
    let (usage, shipped) = (usage(&root), bundled(&root));
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for skill in all(&root) {
        let record = usage.get(&skill.name);
        let uses = record.and_then(|record| record.get("use_count")?.as_u64()).unwrap_or(0);
        let made = record.and_then(|record| record.get("created_by")?.as_str()) == Some("agent");
        if shipped.contains(&skill.name) || !(made || uses > 0) || !seen.insert(skill.name.clone()) {
            continue;
        }
        let at = record.and_then(last_activity).unwrap_or_else(|| modified(&skill.dir.join(SKILL)));
        found.push(Learned {
            id: skill.name.clone(),
            kind: LearnedKind::Skill,
            label: skill.name,
            meta: if uses > 0 {
                format!("{} · used {uses}×", skill.category)
            } else {
                skill.category.clone()
            },
            body: String::new(),
            category: skill.category,
            at,
            uses,
        });
    }
    found
}

/// One of them, whole.
pub(super) fn detail(home: &Path, others: &[PathBuf], id: &str) -> Result<LearningDone, Flaw> {
    let skill = find(home, others, id)?;
    match shared_file::read_text(&skill.dir.join(SKILL), SKILL_BYTES_MAX) {
        Ok(Some(content)) => {
            Ok(LearningDone::Detail { kind: LearnedKind::Skill, label: id.to_owned(), content })
        }
        Ok(None) => Err(Flaw::Refused(format!("{SKILL} missing for '{}'", echo(id)))),
        Err(error) => Err(Flaw::Failed(format!("{SKILL}: {error}"))),
    }
}

/// Puts one of them into the archive, from where it can be brought back.
pub(super) fn archive(home: &Path, others: &[PathBuf], id: &str, now: &Zoned) -> Result<LearningDone, Flaw> {
    let root = home.join(FOLDER);
    let shown = echo(id);
    let refused = |why: String| Err(Flaw::Refused(why));
    if usage(&root).get(id).and_then(|record| record.get("pinned")?.as_bool()) == Some(true) {
        return refused(format!("'{shown}' is pinned — unpin it first (hermes curator unpin {shown})"));
    }
    let skill = find(home, others, id)?;
    if !skill.is_own {
        return refused(format!(
            "skill '{shown}' lies in a folder of skills.external_dirs, which stays as it is"
        ));
    }
    let names = [skill.name.clone(), skill.folder()];
    let is_one_of = |set: &HashSet<String>| names.iter().any(|name| set.contains(name));
    if names.iter().any(|name| PROTECTED.contains(&name.as_str())) {
        return refused(format!("skill '{shown}' is a protected built-in and stays"));
    }
    if is_one_of(&hub(&root)) {
        return refused(format!("skill '{shown}' is hub-installed and stays"));
    }
    if is_one_of(&bundled(&root)) {
        return refused(format!("skill '{shown}' is a bundled built-in and stays"));
    }
    let failed = |error: io::Error| Flaw::Failed(format!("cannot archive '{shown}': {error}"));
    let archive = root.join(ARCHIVE);
    fs::create_dir_all(&archive).map_err(failed)?;
    let mut target = archive.join(skill.folder());
    if target.exists() {
        let stamp = now.timestamp().strftime("%Y%m%d%H%M%S");
        target = archive.join(format!("{}-{stamp}", skill.folder()));
    }
    fs::rename(&skill.dir, &target).map_err(failed)?;
    // It is away already; without the note it is away all the same.
    if let Err(error) = note_archived(&root, &skill.name, now) {
        log::warn!("cannot note that a skill is archived: {error}");
    }
    Ok(LearningDone::Changed(format!("archived '{shown}' — restore with: hermes curator restore {shown}")))
}

fn note_archived(root: &Path, name: &str, now: &Zoned) -> io::Result<()> {
    let path = root.join(USAGE);
    let _lock = lock(&root.join(USAGE_LOCK))?;
    let text = shared_file::read_text(&path, USAGE_BYTES_MAX)?;
    let mut usage: Map<String, Value> = match &text {
        Some(text) => serde_json::from_str(text)?,
        None => Map::new(),
    };
    let record = usage.entry(name).or_insert_with(|| json!({}));
    if let Value::Object(record) = record {
        record.insert("state".to_owned(), "archived".into());
        record.insert("archived_at".to_owned(), now.timestamp().strftime("%FT%T+00:00").to_string().into());
    }
    shared_file::replace(&path, &serde_json::to_vec_pretty(&usage)?, Access::Kept)
}

/// Another text for one of them. The text is looked at first, as in the original.
pub(super) fn edit(home: &Path, others: &[PathBuf], id: &str, content: &str) -> Result<LearningDone, Flaw> {
    check(content).map_err(Flaw::Refused)?;
    let skill = find(home, others, id)?;
    let done = shared_file::replace(&skill.dir.join(SKILL), content.as_bytes(), Access::Kept);
    done.map_err(|error| Flaw::Failed(format!("{SKILL}: {error}")))?;
    Ok(LearningDone::Changed(format!("updated '{}'", echo(id))))
}

/// What is wrong with the text of a skill.
fn check(content: &str) -> Result<(), String> {
    if content.trim().is_empty() {
        return Err("Content cannot be empty.".to_owned());
    }
    if !content.starts_with(front_matter::FENCE) {
        return Err("SKILL.md must start with YAML frontmatter (---).".to_owned());
    }
    let Some((front, body)) = front_matter::split(content) else {
        return Err("SKILL.md frontmatter is not closed. End it with a line of ---.".to_owned());
    };
    let settings = match yaml::parse(front) {
        Ok(Value::Object(settings)) => settings,
        Ok(_) => return Err("Frontmatter must be a YAML mapping (key: value pairs).".to_owned()),
        Err(error) => return Err(format!("YAML frontmatter parse error: {error}")),
    };
    for name in ["name", "description"] {
        if !settings.contains_key(name) {
            return Err(format!("Frontmatter must include '{name}' field."));
        }
    }
    let description = settings.get("description").and_then(Value::as_str).unwrap_or_default();
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(format!("Description exceeds {DESCRIPTION_CHARS_MAX} characters."));
    }
    if body.trim().is_empty() {
        return Err("SKILL.md must have content after the frontmatter.".to_owned());
    }
    if content.chars().count() > CONTENT_CHARS_MAX {
        return Err(format!("SKILL.md exceeds {CONTENT_CHARS_MAX} characters."));
    }
    Ok(())
}

/// The skill in the folder of this name, or of this name in its settings: of the home, else of the other
/// folders in their order.
fn find(home: &Path, others: &[PathBuf], id: &str) -> Result<Skill, Flaw> {
    let own = home.join(FOLDER);
    let found = in_folder(&own, id).map(|skill| Skill { is_own: true, ..skill });
    let found = found.or_else(|| others.iter().find_map(|root| in_folder(root, id)));
    found.ok_or_else(|| Flaw::Refused(format!("skill '{}' not found", echo(id))))
}

fn in_folder(root: &Path, id: &str) -> Option<Skill> {
    let mut skills = all(root);
    let at = skills.iter().position(|skill| skill.folder() == id);
    let at = at.or_else(|| skills.iter().position(|skill| skill.name == id));
    at.map(|at| skills.swap_remove(at))
}

/// All skills in use, in the order of their folders.
fn all(root: &Path) -> Vec<Skill> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    let mut looked_at = 0;
    while let Some((dir, depth)) = folders.pop() {
        looked_at += 1;
        if looked_at > FOLDERS_MAX {
            log::warn!("there are more than {FOLDERS_MAX} folders of skills; the rest is not looked at");
            break;
        }
        if depth > 0 && dir.join(SKILL).is_file() {
            found.push(skill(root, dir.clone()));
        }
        if depth < DEPTH_MAX {
            folders.extend(below(&dir).into_iter().map(|dir| (dir, depth + 1)));
        }
    }
    found
}

/// The folders of a folder, the last one first. Links are not followed: they may go round.
fn below(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let is_meant = |entry: &fs::DirEntry| EXCLUDED.iter().all(|name| entry.file_name() != *name);
    let folders = entries.take(FOLDERS_MAX).flatten().filter(|entry| is_folder(entry) && is_meant(entry));
    let mut paths: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

fn skill(root: &Path, dir: PathBuf) -> Skill {
    let text = shared_file::read_text(&dir.join(SKILL), SKILL_BYTES_MAX).ok().flatten().unwrap_or_default();
    let front = front_matter::split(&text).and_then(|(front, _)| yaml::parse(front).ok()).unwrap_or_default();
    let line = |value: &Value| {
        let text = value.as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
        let line: String = text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
        (!line.is_empty()).then_some(line)
    };
    // Folders may be called anything; what acts on a terminal is not shown on one.
    let folder = |dir: Option<&Path>| -> String {
        let name = dir.and_then(Path::file_name).map(|name| name.to_string_lossy()).unwrap_or_default();
        name.chars().filter(|c| !c.is_control()).collect()
    };
    let name = front.get("name").and_then(line).unwrap_or_else(|| folder(Some(dir.as_path())));
    let category = front.get("category").or_else(|| front.pointer("/metadata/hermes/category"));
    let category = category.and_then(line).unwrap_or_else(|| match dir.parent() {
        Some(parent) if parent != root => folder(Some(parent)),
        _ => "general".to_owned(),
    });
    Skill { dir, name, category, is_own: false }
}

/// What is known of the use of skills, by name.
fn usage(root: &Path) -> Map<String, Value> {
    let text = shared_file::read_text(&root.join(USAGE), USAGE_BYTES_MAX).ok().flatten().unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// When a skill was touched last, in seconds since 1970.
fn last_activity(record: &Value) -> Option<i64> {
    let names = ["last_activity_at", "last_used_at", "last_viewed_at", "last_patched_at", "created_at"];
    names.iter().find_map(|name| match record.get(*name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second),
        _ => None,
    })
}

/// The skills that came with the product: `name:hash` in lines.
fn bundled(root: &Path) -> HashSet<String> {
    let text =
        shared_file::read_text(&root.join(BUNDLED), USAGE_BYTES_MAX).ok().flatten().unwrap_or_default();
    let names = text.lines().map(|line| line.split(':').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The skills that came from the hub.
fn hub(root: &Path) -> HashSet<String> {
    let text = shared_file::read_text(&root.join(HUB), USAGE_BYTES_MAX).ok().flatten().unwrap_or_default();
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let installed = document.get("installed").and_then(Value::as_object);
    installed.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}
