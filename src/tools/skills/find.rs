//! The skills there are: every folder with a `SKILL.md` below `<home>/skills`, and below the other folders of
//! the settings. Owns the walk and its bounds, and the choice of one by its name. Knows nothing of what is
//! shown.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::path;
use super::super::text_file;
use super::front_matter::{Document, VALUE_CHARS_MAX, list, one_line};

/// The folder in the home, and the file that makes a folder a skill (the original's names).
const FOLDER: &str = "skills";
pub(super) const FILE: &str = "SKILL.md";

/// The category of a skill that lies in none (the original's).
const CATEGORY_DEFAULT: &str = "general";

/// Folders between `skills` and a skill's file, at most: category, sub-category, skill, and one to spare.
const DEPTH_MAX: usize = 4;

/// Most skills, and most names that are looked at in all.
const SKILLS_MAX: usize = 500;
const ENTRIES_MAX: usize = 10_000;

/// Bytes of a file in which its head has to end.
const HEAD_BYTES: u64 = 16 * 1024;

/// Longest name, in characters (the original's).
const NAME_CHARS_MAX: usize = 64;

/// Folders that hold no skills (the original's).
const SKIPPED: &[&str] = &[
    ".archive",
    ".git",
    ".github",
    ".hub",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".venv",
    "__pycache__",
    "node_modules",
    "site-packages",
    "venv",
];

/// Folders of a skill with more to read (the original's).
pub(super) const LINKED: &[&str] = &["references", "templates", "assets", "scripts"];

/// A skill as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Skill {
    pub(super) name: String,
    /// One line, perhaps empty.
    pub(super) description: String,
    pub(super) category: String,
    /// Its folder below `skills` or another of the folders, with `/` between the names.
    pub(super) place: String,
    /// The other folder that it lies in; `None` for those of the home.
    pub(super) root: Option<PathBuf>,
    /// Its folder, followed.
    pub(super) folder: PathBuf,
}

/// All skills for this system: those of the home, then those of each other folder, in the order of their paths;
/// of equal names all. A folder that is not there has none. Reads files.
pub(super) fn all(home: &Path, others: &[PathBuf]) -> Vec<Skill> {
    let mut walk = Walk { found: Vec::new(), left: ENTRIES_MAX, seen: HashSet::new(), root: None };
    walk.enter(&home.join(FOLDER), &[]);
    for root in others {
        walk.root = Some(root);
        walk.enter(root, &[]);
    }
    walk.found
}

/// All skills, of equal names the first.
pub(super) fn unique(home: &Path, others: &[PathBuf]) -> Vec<Skill> {
    let mut names = HashSet::new();
    all(home, others).into_iter().filter(|skill| names.insert(skill.name.clone())).collect()
}

/// Those a name may mean: by name or place, else by folder, else without regard to case. Of equal places the
/// first one: nothing more exact could be asked for.
pub(super) fn named<'a>(skills: &'a [Skill], name: &str) -> Vec<&'a Skill> {
    let folder_name = |skill: &Skill| skill.place.rsplit('/').next().is_some_and(|last| last == name);
    let tests: [&dyn Fn(&Skill) -> bool; 3] =
        [&|skill| skill.name == name || skill.place == name, &folder_name, &|skill| {
            skill.name.eq_ignore_ascii_case(name) || skill.place.eq_ignore_ascii_case(name)
        }];
    let mut found =
        tests.into_iter().map(|test| skills.iter().filter(|skill| test(skill)).collect::<Vec<_>>());
    let mut found = found.find(|found| !found.is_empty()).unwrap_or_default();
    let mut places = HashSet::new();
    found.retain(|skill| places.insert(&skill.place));
    found
}

struct Walk<'a> {
    found: Vec<Skill>,
    /// Names that may still be looked at.
    left: usize,
    /// Folders that were entered: links may lead in circles.
    seen: HashSet<PathBuf>,
    /// The folder that is walked now, if it is not the home's.
    root: Option<&'a Path>,
}

impl Walk<'_> {
    fn enter(&mut self, folder: &Path, place: &[&str]) {
        let Ok(real) = path::follow(folder) else { return };
        if !self.seen.insert(real.clone()) {
            return;
        }
        let skill = if place.is_empty() { None } else { read(&real, place, self.root) };
        let is_skill = skill.is_some();
        if self.found.len() < SKILLS_MAX {
            self.found.extend(skill.flatten());
        }
        if place.len() == DEPTH_MAX || self.found.len() == SKILLS_MAX {
            return;
        }
        for name in self.folders(&real) {
            let is_linked = is_skill && LINKED.contains(&name.as_str());
            if !is_linked && !SKIPPED.contains(&name.as_str()) {
                let place: Vec<&str> = place.iter().copied().chain([name.as_str()]).collect();
                self.enter(&real.join(&name), &place);
            }
        }
    }

    /// The names of folders in a folder, in order. Links count as what they lead to.
    fn folders(&mut self, real: &Path) -> Vec<String> {
        let mut names = Vec::new();
        let Ok(entries) = fs::read_dir(real) else { return names };
        for entry in entries.flatten() {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            if let Ok(name) = entry.file_name().into_string()
                && entry.path().is_dir()
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        names
    }
}

/// The skill of a followed folder: `None` when the folder is none, an inner `None` when it is for other
/// systems.
fn read(real: &Path, place: &[&str], root: Option<&Path>) -> Option<Option<Skill>> {
    let file = inside(real, FILE)?;
    let mut head = Vec::new();
    text_file::open(&file).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head);
    let document = Document::read(&head);
    if !fits_system(&document) {
        return Some(None);
    }
    let own = place.last().copied().unwrap_or_default();
    let name = document.line("name").and_then(|name| one_line(&name, NAME_CHARS_MAX));
    let description = document.line("description").or_else(|| first_line(document.body));
    let category = if place.len() > 1 { place[0] } else { CATEGORY_DEFAULT };
    Some(Some(Skill {
        name: name.unwrap_or_else(|| own.to_owned()),
        description: description.unwrap_or_default(),
        category: category.to_owned(),
        place: place.join("/"),
        root: root.map(Path::to_owned),
        folder: real.to_owned(),
    }))
}

/// A file of a followed folder, followed; `None` when it leads out of the folder or cannot be followed.
pub(super) fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    path::follow(&folder.join(name)).ok().filter(|real| real.starts_with(folder))
}

/// Without `platforms` it fits everywhere.
fn fits_system(document: &Document<'_>) -> bool {
    let platforms = list(document.at(&["platforms"]));
    platforms.is_empty() || platforms.iter().any(|name| name.eq_ignore_ascii_case(std::env::consts::OS))
}

/// The first line of a body that is no heading.
fn first_line(body: &str) -> Option<String> {
    let mut lines = body.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.find_map(|line| one_line(line, VALUE_CHARS_MAX))
}
