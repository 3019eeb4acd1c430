//! What others show of the skills: the names by category, and the list in a system prompt.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::find::{self, Skill};
use super::front_matter::one_line;
use crate::base::mask::mask;

/// Most characters of the list in a prompt; it is sent with every request.
const PROMPT_CHARS_MAX: usize = 6_000;

/// Longest description in it, in characters.
const DESCRIPTION_CHARS_MAX: usize = 120;

/// Room kept for the line that says what is left out.
const REST_CHARS: usize = 80;

/// What the model is told before the list.
const PREFACE: &str = "Instructions for kinds of tasks, kept by the person. Before you begin a task that one \
of them covers, read it with skill_view and follow it.";

/// The names of the skills below a home and in other folders, by category, both in order. Reads files.
pub fn categories(home: &Path, others: &[PathBuf]) -> BTreeMap<String, Vec<String>> {
    let mut categories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for skill in find::unique(home, others) {
        categories.entry(skill.category).or_default().push(skill.name);
    }
    categories.values_mut().for_each(|names| names.sort_unstable());
    categories
}

/// The block for the system prompt: each skill with a short description, at most 6,000 characters in all;
/// `None` when there are no skills. Reads files.
pub fn for_prompt(home: &Path, others: &[PathBuf]) -> Option<String> {
    let mut skills = find::unique(home, others);
    skills.sort_by(|one, other| (&one.category, &one.name).cmp(&(&other.category, &other.name)));
    let mut text = format!("# Skills\n\n{PREFACE}");
    let mut used = text.chars().count();
    let mut category = None;
    for (at, skill) in skills.iter().enumerate() {
        let mut lines = String::new();
        if category != Some(&skill.category) {
            lines = format!("\n\n## {}\n", skill.category);
            category = Some(&skill.category);
        }
        lines.push_str(&row(skill));
        let chars = lines.chars().count();
        if used + chars > PROMPT_CHARS_MAX - REST_CHARS {
            let rest = skills.len() - at;
            text.push_str(&format!("\n\n{rest} more: see skills_list."));
            break;
        }
        text.push_str(&lines);
        used += chars;
    }
    (!skills.is_empty()).then_some(text)
}

fn row(skill: &Skill) -> String {
    match one_line(&mask(&skill.description), DESCRIPTION_CHARS_MAX) {
        Some(description) => format!("\n- {}: {description}", skill.name),
        None => format!("\n- {}", skill.name),
    }
}
