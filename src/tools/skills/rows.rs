//! The skills as clients list them; of those that were asked for by name also tags and the beginning of the
//! text. Knows nothing of clients.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::text_file;
use super::find::{self, FILE, Skill};
use super::front_matter::{Document, list};
use crate::base::mask::mask;
use crate::model::skill::SkillRow;

/// Lines of a text that are shown (the original's), and bytes of it that are read.
const PREVIEW_LINES: usize = 50;
const PREVIEW_BYTES: u64 = 64 * 1024;

/// The skills below a home and in other folders, of equal names the first; or those that `named` may mean, with
/// more of each. Reads files.
pub fn rows(home: &Path, others: &[PathBuf], named: Option<&str>) -> Vec<SkillRow> {
    match named {
        None => find::unique(home, others).into_iter().map(row).collect(),
        Some(name) => {
            let skills = find::all(home, others);
            // A name may end in a slash itself; else it is one of a path.
            let mut found = find::named(&skills, name);
            if found.is_empty() {
                found = find::named(&skills, name.trim_matches('/'));
            }
            found.into_iter().map(|skill| whole(skill.clone())).collect()
        }
    }
}

fn row(skill: Skill) -> SkillRow {
    let description = mask(&skill.description).into_owned();
    let Skill { name, category, place, root, .. } = skill;
    SkillRow { name, description, category, place, root, ..SkillRow::default() }
}

fn whole(skill: Skill) -> SkillRow {
    let mut text = Vec::new();
    let file = find::inside(&skill.folder, FILE).and_then(|real| text_file::open(&real).ok());
    let is_read = file.is_some_and(|file| file.take(PREVIEW_BYTES).read_to_end(&mut text).is_ok());
    let text = String::from_utf8_lossy(&text);
    let document = Document::read(&text);
    let tags = list(document.at(&["metadata", "hermes", "tags"]).or_else(|| document.at(&["tags"])));
    let lines: Vec<&str> = text.lines().take(PREVIEW_LINES).collect();
    let preview = is_read.then(|| mask(&lines.join("\n")).into_owned());
    SkillRow { tags, preview, ..row(skill) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_skill_that_is_asked_for_shows_more() {
        let dir = Scratch::new();
        let head = "---\nname: Fine Tune\ndescription: Tunes.\nmetadata:\n  hermes:\n    tags: [a, b]\n---\n";
        dir.write("skills/mlops/tune/SKILL.md", format!("{head}{}", "line\n".repeat(100)));
        dir.write("skills/notes/SKILL.md", "Takes notes.\n");
        let rows_of = |named| rows(dir.path(), &[], named);
        let all = rows_of(None);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|row| row.preview.is_none()));
        let found = rows_of(Some("fine tune"));
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.category.as_str(), one.place.as_str()), ("mlops", "mlops/tune"));
        assert_eq!(one.tags, ["a", "b"]);
        assert_eq!(one.preview.as_deref().map(|text| text.lines().count()), Some(PREVIEW_LINES));
        assert_eq!(rows_of(Some("notes"))[0].category, "general");
        assert_eq!(rows_of(Some("/mlops/tune/")).len(), 1);
        dir.write("skills/odd/SKILL.md", "---\nname: odd/\n---\nText");
        assert_eq!(rows_of(Some("odd/"))[0].name, "odd/");
        assert!(rows_of(Some("none")).is_empty());
    }
}
