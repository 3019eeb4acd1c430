//! Whether a file that was written is well formed, as far as a parser is at hand: JSON and YAML. Pure; knows
//! nothing of how it was written.

use std::ffi::OsStr;
use std::path::Path;

use saphyr_parser::Parser;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Longest text that is checked, in bytes. Larger files are data, seldom written by hand.
const CHECKED_BYTES_MAX: usize = 1 << 20;

/// JSON by name that may have comments, which the parser does not know.
const COMMENTED: &[&str] = &["tsconfig.json", "jsconfig.json", "devcontainer.json", ".eslintrc.json"];

/// Folders of such files.
const COMMENTED_FOLDERS: &[&str] = &[".devcontainer", ".vscode"];

/// The member `lint` of a result: `status` is `ok`, `error` or `skipped`. What was wrong already before the
/// change is no error of the change.
pub(super) fn lint(path: &Path, before: Option<&str>, after: &str) -> Value {
    let Some((language, check)) = checker(path) else {
        return skipped("No parser is at hand for this kind of file.");
    };
    if after.len() > CHECKED_BYTES_MAX {
        return skipped("The file is too large to check.");
    }
    let Some(error) = check(after) else { return json!({ "status": "ok", "output": "" }) };
    if before.is_some_and(|before| before.len() <= CHECKED_BYTES_MAX && check(before).is_some()) {
        return skipped(&format!("It was no valid {language} before either."));
    }
    json!({ "status": "error", "output": format!("{language}: {error}") })
}

fn skipped(why: &str) -> Value {
    json!({ "status": "skipped", "message": why })
}

/// Gives the error of a text.
type Check = fn(&str) -> Option<String>;

/// How files of this name are checked.
fn checker(path: &Path) -> Option<(&'static str, Check)> {
    let extension = path.extension().and_then(OsStr::to_str)?.to_ascii_lowercase();
    match extension.as_str() {
        "json" if !may_have_comments(path) => Some(("JSON", json_error as Check)),
        "yaml" | "yml" => Some(("YAML", yaml_error as Check)),
        _ => None,
    }
}

fn may_have_comments(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let mut folders = path.components().filter_map(|part| part.as_os_str().to_str());
    let in_folder = folders.any(|folder| COMMENTED_FOLDERS.contains(&folder));
    in_folder || COMMENTED.contains(&name) || (name.starts_with("tsconfig.") && name.ends_with(".json"))
}

fn json_error(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).err().map(|error| error.to_string())
}

fn yaml_error(text: &str) -> Option<String> {
    let error = Parser::new_from_str(text).find_map(Result::err)?;
    // The parser's own words may repeat the text.
    Some(format!("not well formed at line {}", error.marker().line()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str, before: Option<&str>, after: &str) -> String {
        lint(Path::new(name), before, after)["status"].as_str().unwrap().to_owned()
    }

    #[test]
    fn what_can_be_parsed_is_checked() {
        for (name, text, want) in [
            ("a.json", "{\"a\": [1]}", "ok"),
            ("a.JSON", "{\"a\": [1}", "error"),
            ("a.json", "1 2", "error"),
            ("a.yaml", "a: [1]\n", "ok"),
            ("a.yml", "a: [1\n", "error"),
            ("a.toml", "=", "skipped"),
            ("tsconfig.json", "// x", "skipped"),
            (".vscode/a.json", "// x", "skipped"),
            ("json", "", "skipped"),
        ] {
            assert_eq!(status(name, None, text), want, "{name} {text}");
        }
    }

    #[test]
    fn an_old_error_is_not_charged_to_the_change() {
        assert_eq!(status("a.json", Some("{"), "{{"), "skipped");
        assert_eq!(status("a.json", Some("{}"), "{{"), "error");
        assert_eq!(status("a.json", Some("{"), "{}"), "ok");
    }
}
