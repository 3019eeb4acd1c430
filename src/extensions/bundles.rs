//! Bundles: files that name several skills as one command. Owns where they are and how they are written.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::yaml;
use crate::model::extensions::BundleWord;
use crate::model::skill::SkillRow;

/// The folder below the home.
const FOLDER: &str = "skill-bundles";

/// Files that are looked at, and bytes of one.
const FILES_MAX: usize = 200;
const FILE_MAX: u64 = 64 * 1024;

/// Skills of one bundle.
const SKILLS_MAX: usize = 50;

/// Where bundles are.
pub(super) fn folder(home: &Path, elsewhere: Option<&Path>) -> PathBuf {
    elsewhere.map_or_else(|| home.join(FOLDER), Path::to_path_buf)
}

/// All of them, by command: `*.yaml`, then `*.yml`; of equal names the first counts.
pub(super) fn bundles(folder: &Path) -> Vec<BundleWord> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).take(FILES_MAX).collect();
    let ending = |file: &Path| file.extension().map(|ending| ending.to_os_string());
    files.retain(|file| ending(file).is_some_and(|ending| ending == "yaml" || ending == "yml"));
    files.sort_by_key(|file| (ending(file), file.clone()));
    let mut found: Vec<BundleWord> = files.iter().filter_map(|file| read(file)).collect();
    found.sort_by(|one, other| one.command.cmp(&other.command));
    found.dedup_by(|one, other| one.command == other.command);
    found
}

fn read(file: &Path) -> Option<BundleWord> {
    // Before opening: to open a pipe would wait for its writer.
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut written = String::new();
    let read = fs::File::open(file).ok()?.take(FILE_MAX + 1).read_to_string(&mut written).ok()?;
    let document = yaml::parse(Some(&written).filter(|_| read as u64 <= FILE_MAX)?).ok()?;
    let text = |key: &str| document.get(key).and_then(Value::as_str).map(|text| text.trim().to_owned());
    let stem = || file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = text("name").filter(|name| !name.is_empty()).unwrap_or_else(stem);
    let names = document.get("skills")?.as_array()?.iter().filter_map(Value::as_str).take(SKILLS_MAX);
    let skills: Vec<String> = names.map(str::to_owned).collect();
    // A bundle's name becomes a command as a skill's does.
    let command = SkillRow { name: name.clone(), ..SkillRow::default() }.command()?;
    let description = text("description").unwrap_or_default();
    let instruction = text("instruction").unwrap_or_default();
    (!skills.is_empty()).then_some(BundleWord { command, name, description, instruction, skills })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_bundle_has_a_name_and_skills() {
        let dir = Scratch::new();
        dir.write("one.yaml", "name: Ship It\nskills: [test, deploy]\ndescription: ' Ships. '\n");
        dir.write("two.yml", "skills:\n- a\n");
        dir.write("ship-it.yml", "skills: [other]\n");
        dir.write("empty.yaml", "skills: []\n");
        dir.write("broken.yaml", "skills: [\n");
        dir.write("notes.txt", "skills: [a]\n");
        let found = bundles(dir.path());
        let rows: Vec<_> = found
            .iter()
            .map(|one| (one.command.as_str(), one.name.as_str(), one.description.as_str(), one.skills.len()))
            .collect();
        assert_eq!(rows, [("ship-it", "Ship It", "Ships.", 2), ("two", "two", "", 1)]);
        assert!(bundles(&dir.path().join("none")).is_empty());
        // To open a pipe would wait for its writer.
        let pipe = dir.path().join("pipe.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(bundles(dir.path()).len(), 2);
    }
}
