//! Skills as they are listed: instructions for kinds of tasks. Plain data; where they come from is others' to
//! know.

use std::path::PathBuf;

/// A skill.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct SkillRow {
    /// Its name.
    pub name: String,
    /// What it is for, in one line; may be empty.
    pub description: String,
    /// The folder it is kept in, `general` where it is in none.
    pub category: String,
    /// Its folder below the folder of skills, with `/` between the names.
    pub place: String,
    /// The folder of skills that it lies in; `None` for that of the home.
    pub root: Option<PathBuf>,
    /// What it is tagged with; only known of a skill that was asked for by name.
    pub tags: Vec<String>,
    /// The beginning of its text, without secrets; the same.
    pub preview: Option<String>,
}

impl SkillRow {
    /// The command that is named after it, without its slash; `None` where nothing of the name is left. The
    /// rule is the original's.
    pub fn command(&self) -> Option<String> {
        let mut command = String::with_capacity(self.name.len());
        for c in self.name.chars().map(|c| c.to_ascii_lowercase()) {
            match c {
                'a'..='z' | '0'..='9' => command.push(c),
                '-' | '_' | ' ' if !command.is_empty() && !command.ends_with('-') => command.push('-'),
                _ => {}
            }
        }
        command.truncate(command.trim_end_matches('-').len());
        (!command.is_empty()).then_some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_made_of_a_name() {
        let command = |name: &str| SkillRow { name: name.to_owned(), ..SkillRow::default() }.command();
        for (name, want) in [
            ("Fine Tune", Some("fine-tune")),
            ("_a__b_", Some("a-b")),
            ("c++ (new)", Some("c-new")),
            ("a - b", Some("a-b")),
            ("ü", None),
            ("", None),
        ] {
            assert_eq!(command(name).as_deref(), want, "{name}");
        }
    }
}
