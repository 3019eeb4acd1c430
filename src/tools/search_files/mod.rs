//! The tool `search_files`: lines of files by a regular expression, or files by their names. Owns the
//! parameters and the shape of the result. Knows nothing of how files are walked and searched ([`tree`],
//! [`content`], [`names`]).
//!
//! The original puts a hint behind the JSON; here it is a member, so that the result stays JSON.

mod budget;
mod content;
mod glob;
mod hits;
mod names;
mod pattern;
mod tree;

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use serde_json::{Map, Value, json};

use super::path;
use super::read_file::reads;
use super::{Beside, Call, Tool, ToolError};
use budget::Budget;
use content::Mode;
use glob::Glob;
use hits::{Hit, Hits};
use tree::Tree;

/// Results of a page when the model does not say (the original's).
const LIMIT_DEFAULT: u64 = 50;

/// Most results of a page.
const LIMIT_MAX: u64 = 1_000;

/// Most lines of context on either side of a match.
const CONTEXT_MAX: u64 = 20;

/// From so many matches on the path is not repeated for each (the original's).
const COMPACT_MIN: usize = 5;

/// How often the same search in a row with the same result is answered without a warning, and how often at
/// all (the original's, which does not look at the result).
const REPEATS_UNWARNED: u32 = 2;
const REPEATS_MAX: u32 = 3;

pub(super) const TOOL: Tool = Tool {
    name: "search_files",
    toolset: "file",
    description: "Searches the lines of files for a regular expression (target content), or files by name or \
                  glob (target files). Files that are hidden or ignored by git are left out. Use this \
                  instead of grep, rg, find or ls.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "pattern": {"type": "string",
                        "description": "A regular expression; for files a glob (*.rs) or a part of a name."},
            "target": {"type": "string", "enum": ["content", "files"], "default": "content"},
            "path": {"type": "string", "default": ".", "description": "The folder or file to search."},
            "file_glob": {"type": "string", "description": "Only files like this, for example *.py."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
            "offset": {"type": "integer", "minimum": 0, "default": 0, "description": "Results to skip."},
            "output_mode": {"type": "string", "enum": ["content", "files_only", "count"],
                            "default": "content",
                            "description": "For target content: lines, files, or numbers of lines by file."},
            "context": {"type": "integer", "minimum": 0, "maximum": 20, "default": 0,
                        "description": "Lines shown before and behind each match."}
        },
        "required": ["pattern"]
    }"#,
    beside: Beside::Anything,
    run,
};

/// The members of a result.
type Found = Map<String, Value>;

/// What is asked.
struct Wanted<'a> {
    pattern: &'a str,
    path: &'a str,
    glob: Option<Glob>,
    offset: u64,
    limit: u64,
    context: usize,
}

impl Wanted<'_> {
    /// The results of the page among all that were found.
    fn page<T>(&self, all: Vec<T>) -> Vec<T> {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        all.into_iter().skip(size(self.offset)).take(size(self.limit)).collect()
    }
}

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let args = call.args;
    let wanted = Wanted {
        pattern: Some(args.required_text("pattern")?)
            .filter(|pattern| !pattern.is_empty())
            .ok_or_else(|| ToolError::new("pattern must not be empty"))?,
        path: args.text("path")?.filter(|path| !path.is_empty()).unwrap_or("."),
        glob: args.text("file_glob")?.map(Glob::new).transpose()?,
        offset: args.number("offset")?.unwrap_or(0),
        limit: args.number("limit")?.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX),
        context: usize::try_from(args.number("context")?.unwrap_or(0).min(CONTEXT_MAX)).unwrap_or_default(),
    };
    let real = path::readable(call.desk, &path::resolve(call.desk, wanted.path))?;
    match std::fs::metadata(&real) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(json!({ "total_count": 0, "error": format!("Path not found: {}", wanted.path) }));
        }
        Err(error) => return Err(ToolError::new(format!("{} cannot be searched: {error}.", wanted.path))),
    }
    let tree = Tree::new(call.desk, real)?;
    let budget = Budget::new(call.host);
    let mut result = match (args.text("target")?.unwrap_or("content"), args.text("output_mode")?) {
        ("files", _) => files(&wanted, &tree, &budget)?,
        ("content", None | Some("content")) => lines(&wanted, &tree, &budget)?,
        ("content", Some("files_only")) => matching_files(&wanted, &tree, &budget)?,
        ("content", Some("count")) => counts(&wanted, &tree, &budget)?,
        ("content", Some(_)) => {
            return Err(ToolError::new("output_mode has to be content, files_only or count"));
        }
        _ => return Err(ToolError::new("target has to be content or files")),
    };
    if let Some(why) = budget.why_stopped() {
        // The original's count is that of the results shown.
        let incomplete = format!("{why}; total_count is what was found by then.");
        result.insert(String::from("incomplete"), json!(incomplete));
    }
    if budget.skipped() > 0 {
        result.insert(String::from("files_skipped"), json!(budget.skipped()));
    }
    judge_repeats(call, result)
}

/// The same search in a row with the same result is warned about and then refused: the model goes in circles.
fn judge_repeats(call: &Call<'_>, mut result: Found) -> Result<Value, ToolError> {
    let found = hash(&json!(result).to_string());
    let times = reads(call.desk).count_search(hash(&call.args.canonical()), found);
    if times > REPEATS_MAX {
        return Err(ToolError::new(format!(
            "BLOCKED: this search was made {times} times in a row with the same result. Go on with that."
        )));
    }
    if times > REPEATS_UNWARNED {
        let warning = format!("This search was made {times} times in a row with the same result.");
        result.insert(String::from("_warning"), json!(warning));
    }
    Ok(Value::Object(result))
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn lines(wanted: &Wanted<'_>, tree: &Tree, budget: &Budget<'_>) -> Result<Found, ToolError> {
    let (matcher, note) = pattern::matcher(wanted.pattern)?;
    let mut hits = Hits::new(wanted.offset, wanted.limit, wanted.context);
    content::search(&matcher, tree, wanted.glob.as_ref(), budget, Mode::Lines(&mut hits));
    let mut result = Map::new();
    result.insert(String::from("total_count"), json!(hits.total()));
    if hits.shown() < COMPACT_MIN {
        let matches: Vec<Value> = hits.lines().iter().map(plain).collect();
        result.insert(String::from("matches"), json!(matches));
    } else {
        let format = "A path on a line of its own, then its lines: number, colon (dash for context), text.";
        result.insert(String::from("matches_format"), json!(format));
        result.insert(String::from("matches_text"), json!(compact(hits.lines())));
    }
    close(&mut result, wanted.offset, hits.shown(), hits.total());
    result.extend(note.map(|note| (String::from("pattern_note"), json!(note))));
    Ok(result)
}

fn plain(hit: &Hit) -> Value {
    let mut line = json!({ "path": &*hit.path, "line": hit.line, "content": hit.text });
    if !hit.is_match {
        line["context"] = json!(true);
    }
    line
}

fn compact(hits: &[Hit]) -> String {
    let mut text = String::new();
    let mut path = "";
    for hit in hits {
        if *hit.path != *path {
            path = &hit.path;
            text.push_str(path);
            text.push('\n');
        }
        let mark = if hit.is_match { ':' } else { '-' };
        text.push_str(&format!("  {}{mark} {}\n", hit.line, hit.text));
    }
    text
}

fn matching_files(wanted: &Wanted<'_>, tree: &Tree, budget: &Budget<'_>) -> Result<Found, ToolError> {
    let (matcher, note) = pattern::matcher(wanted.pattern)?;
    let mut found = Vec::new();
    content::search(&matcher, tree, wanted.glob.as_ref(), budget, Mode::Files(&mut found));
    let mut result = file_list(wanted, names::newest_first(found));
    result.extend(note.map(|note| (String::from("pattern_note"), json!(note))));
    Ok(result)
}

fn files(wanted: &Wanted<'_>, tree: &Tree, budget: &Budget<'_>) -> Result<Found, ToolError> {
    let found = names::search(&Glob::of_name(wanted.pattern)?, tree, wanted.glob.as_ref(), budget);
    Ok(file_list(wanted, names::newest_first(found)))
}

fn file_list(wanted: &Wanted<'_>, all: Vec<String>) -> Found {
    let total = all.len();
    let page = wanted.page(all);
    let shown = page.len();
    let mut result = Map::new();
    result.insert(String::from("total_count"), json!(total));
    result.insert(String::from("files"), json!(page));
    close(&mut result, wanted.offset, shown, total as u64);
    result
}

fn counts(wanted: &Wanted<'_>, tree: &Tree, budget: &Budget<'_>) -> Result<Found, ToolError> {
    let (matcher, note) = pattern::matcher(wanted.pattern)?;
    let mut found = Vec::new();
    content::search(&matcher, tree, wanted.glob.as_ref(), budget, Mode::Counts(&mut found));
    let files = found.len();
    let lines: u64 = found.iter().map(|(_, count)| count).sum();
    let page = wanted.page(found);
    let shown = page.len();
    let counts: Map<String, Value> = page.into_iter().map(|(path, count)| (path, json!(count))).collect();
    let mut result = Map::new();
    result.insert(String::from("total_count"), json!(lines));
    result.insert(String::from("counts"), Value::Object(counts));
    close(&mut result, wanted.offset, shown, files as u64);
    result.extend(note.map(|note| (String::from("pattern_note"), json!(note))));
    Ok(result)
}

/// Says whether results follow, and how to get them.
fn close(result: &mut Found, offset: u64, shown: usize, total: u64) {
    let next = offset.saturating_add(shown as u64);
    if next < total {
        result.insert(String::from("truncated"), json!(true));
        let hint = format!("There are more results. Use offset={next} for the next.");
        result.insert(String::from("hint"), json!(hint));
    }
}
