//! `skills.external_dirs`: folders of skills beside the home's own, as absolute paths in their order. Knows by
//! letters alone: whether a folder is there is seen by whoever walks it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::Env;
use super::dotenv::Dotenv;
use super::values::at;
use crate::base::tilde;
use crate::limits::SKILL_FOLDERS_MAX;

/// Where paths may begin.
#[derive(Clone, Copy)]
pub(super) struct Homes<'a> {
    /// The home of the settings.
    pub(super) own: &'a Path,
    /// The user's.
    pub(super) user: Option<&'a Path>,
}

/// One path or a list of them. Variables and `~` are filled in, relative paths begin in the home of the
/// settings, and what is no text is left out.
pub(super) fn resolve(homes: Homes<'_>, raw: &Value, dotenv: &Dotenv, env: Env<'_>) -> Arc<[PathBuf]> {
    let written: Vec<&Value> = match at(raw, "skills", "external_dirs") {
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let variable = |name: &str| dotenv.get(name).map(|value| value.expose().to_owned()).or_else(|| env(name));
    let mut folders: Vec<PathBuf> = Vec::new();
    for entry in written.into_iter().filter_map(Value::as_str).map(str::trim) {
        let folder = tilde::expand(Path::new(&filled(entry, &variable)), homes.user);
        let folder = tilde::normalise(&homes.own.join(folder));
        if entry.is_empty() || folders.contains(&folder) {
            continue;
        }
        if folders.len() == SKILL_FOLDERS_MAX {
            log::warn!("skills.external_dirs: more than {SKILL_FOLDERS_MAX} folders; the rest is left out");
            break;
        }
        folders.push(folder);
    }
    folders.into()
}

/// The text with the values of `$NAME` and `${NAME}`. Names that are not set stay as they are (the original's
/// rule), so that the folder is missed, and not another one taken.
fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, end) = named(after);
        match variable(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => {
                out.push('$');
                out.push_str(after.get(..end).unwrap_or_default());
            }
        }
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The name behind a `$`, perhaps empty, and the bytes it takes there.
fn named(after: &str) -> (&str, usize) {
    if let Some((name, _)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) {
        return (name, name.len() + 2);
    }
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    (after.get(..end).unwrap_or_default(), end)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolved(dirs: Value) -> Vec<String> {
        let env = |name: &str| match name {
            "TEAM" => Some("/team".to_owned()),
            "SET_TWICE" => Some("env".to_owned()),
            _ => None,
        };
        let raw = json!({"skills": {"external_dirs": dirs}});
        let homes = Homes { own: Path::new("/h"), user: Some(Path::new("/home/u")) };
        let folders = resolve(homes, &raw, &Dotenv::parse("SET_TWICE=file"), &env);
        folders.iter().map(|folder| folder.display().to_string()).collect()
    }

    #[test]
    fn paths_are_filled_in_and_absolute() {
        for (written, want) in [
            ("~/.agents/skills", "/home/u/.agents/skills"),
            ("$TEAM/skills", "/team/skills"),
            (" ${TEAM}x ", "/teamx"),
            ("/a/$SET_TWICE", "/a/file"),
            ("mine/../own", "/h/own"),
            ("/a/$NONE/${NONE}/$/${", "/a/$NONE/${NONE}/$/${"),
        ] {
            assert_eq!(resolved(json!([written])), [want], "{written}");
        }
    }

    #[test]
    fn what_names_no_folder_is_left_out() {
        assert_eq!(resolved(json!("/one")), ["/one"]);
        assert_eq!(resolved(json!(["/b", 5, "", "/a", "/b/", null, "/c/../a"])), ["/b", "/a"]);
        for nothing in [json!(null), json!({}), json!(7), json!([])] {
            assert!(resolved(nothing.clone()).is_empty(), "{nothing}");
        }
        let many: Vec<String> = (0..100).map(|at| format!("/{at}")).collect();
        assert_eq!(resolved(json!(many)).len(), SKILL_FOLDERS_MAX);
    }
}
