//! The system prompt of an agent with tools: who it is, how it is expected to work, and what the project says
//! about itself. Knows nothing of requests.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Opens and closes what a person says while the agent works; the prompt explains the two.
pub(super) const GUIDANCE: (&str, &str) = ("<guidance>", "</guidance>");

/// What an agent is told whatever it works on.
const MANNER: &str = "You are an agent that works for the person who talks to you, in their own environment, \
with the tools you are given.

Finish what you are asked to do: look before you change anything, make the change, and check that it works. Ask \
for several tools at once where none needs the result of another. When a tool fails, read why and try another \
way; when an action was refused, do not try to reach it in another way. Say plainly what you did and what you did \
not do. Be brief.";

/// Files in which a project says how to work on it, the first found counts (the original's order).
const PROJECT_FILES: [&str; 3] = ["AGENTS.md", "CLAUDE.md", ".cursorrules"];

/// Files of the same kind that are looked for up to the repository's root.
const OWN_FILES: [&str; 2] = [".hermes.md", "HERMES.md"];

/// Most characters of a project file (the original's); of a longer one the first 70 % and the last 20 % are given.
const PROJECT_CHARS_MAX: usize = 20_000;

/// Bytes of a project file that are read at all.
const PROJECT_BYTES_MAX: u64 = 1 << 20;

/// The whole prompt. `configured` is the person's own (`agent.system_prompt`), `notes` what earlier sessions
/// noted and which skills there are, `date` the day the session began.
pub(super) fn system_prompt(
    configured: &str,
    notes: impl IntoIterator<Item = String>,
    cwd: &Path,
    model: &str,
    date: &str,
) -> String {
    let (open, close) = GUIDANCE;
    let mut parts = vec![
        MANNER.to_owned(),
        format!(
            "What stands between {open} and {close} after a tool's result was said by the person meanwhile."
        ),
    ];
    if let Some((path, text)) = project_file(cwd) {
        parts.push(format!("# From {} of this project\n\n{}", path.display(), shortened(&text)));
    }
    parts.extend(notes);
    if !configured.trim().is_empty() {
        parts.push(configured.trim().to_owned());
    }
    parts.push(format!(
        "Working directory: {}\nSystem: {} ({})\nDate: {date}\nModel: {model}",
        cwd.display(),
        std::env::consts::OS,
        std::env::consts::ARCH,
    ));
    parts.join("\n\n")
}

/// The project's own words, if it has any.
fn project_file(cwd: &Path) -> Option<(PathBuf, String)> {
    let root = cwd.ancestors().find(|folder| folder.join(".git").exists());
    let own = cwd
        .ancestors()
        .take_while(|folder| root.is_none_or(|root| folder.starts_with(root)))
        .take(if root.is_some() { usize::MAX } else { 1 })
        .flat_map(|folder| OWN_FILES.iter().map(move |name| folder.join(name)));
    own.chain(PROJECT_FILES.iter().map(|name| cwd.join(name))).find_map(|path| {
        let text = read(&path)?;
        (!text.trim().is_empty()).then_some((path, text))
    })
}

/// The beginning of a regular file, as text.
fn read(path: &Path) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(PROJECT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// At most [`PROJECT_CHARS_MAX`] characters, from both ends.
fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= PROJECT_CHARS_MAX {
        return text.trim().to_owned();
    }
    let head: String = text.chars().take(PROJECT_CHARS_MAX / 10 * 7).collect();
    let tail: String = text.chars().skip(count - PROJECT_CHARS_MAX / 10 * 2).collect();
    let left_out = count - head.chars().count() - tail.chars().count();
    format!("{}\n\n[{left_out} characters left out]\n\n{}", head.trim(), tail.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn the_parts_stand_in_order() {
        let folder = Scratch::new();
        fs::write(folder.path().join("AGENTS.md"), "Use tabs.").unwrap();
        let prompt =
            system_prompt(" Be a pirate. ", Some("Notes.".to_owned()), folder.path(), "m1", "2026-01-02");
        let at = |text: &str| prompt.find(text).unwrap_or_else(|| panic!("{text} is not in {prompt}"));
        let parts = [
            "You are an agent",
            GUIDANCE.0,
            "Use tabs.",
            "Notes.",
            "Be a pirate.",
            "Working directory: ",
            "Model: m1",
        ];
        assert!(parts.map(at).is_sorted());
    }

    #[test]
    fn the_nearest_own_file_comes_first_up_to_the_repository() {
        let folder = Scratch::new();
        let (root, inner) = (folder.path().join("r"), folder.path().join("r/a/b"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        fs::write(folder.path().join("HERMES.md"), "outside").unwrap();
        fs::write(inner.join("AGENTS.md"), "plain").unwrap();
        assert_eq!(project_file(&inner).unwrap().1, "plain");
        fs::write(root.join("HERMES.md"), "root").unwrap();
        assert_eq!(project_file(&inner).unwrap().1, "root");
        fs::write(inner.join(".hermes.md"), "near").unwrap();
        assert_eq!(project_file(&inner).unwrap().1, "near");
        assert!(project_file(&root.join("a")).is_some_and(|found| found.1 == "root"));
    }

    #[test]
    fn a_long_file_keeps_both_ends() {
        let text = format!("begin{}end", "é".repeat(PROJECT_CHARS_MAX));
        let short = shortened(&text);
        assert!(short.starts_with("begin") && short.ends_with("end") && short.contains("left out"));
        assert!(short.chars().count() < PROJECT_CHARS_MAX);
    }
}
