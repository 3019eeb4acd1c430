//! What a reader may count on in every file.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file, tests included: what one sitting takes.
const LINES_MAX: usize = 500;

/// Columns of a line. The formatter breaks code at 110; this is for the literals it leaves alone.
const COLUMNS_MAX: usize = 115;

/// Every `.rs` file below `dir`, in order.
pub(crate) fn rust_files(dir: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir), &mut files);
    files.sort();
    files
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut complaints = Vec::new();
    let mut count = 0;
    for path in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        count += 1;
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display();
        if !text.starts_with("//!") {
            complaints.push(format!("{name}: does not begin with //!"));
        }
        if text.lines().count() > LINES_MAX {
            complaints.push(format!("{name}: over {LINES_MAX} lines"));
        }
        for (at, line) in text.lines().enumerate() {
            if line.chars().count() > COLUMNS_MAX {
                complaints.push(format!("{name}:{}: over {COLUMNS_MAX} columns", at + 1));
            }
            if line.ends_with([' ', '\t']) {
                complaints.push(format!("{name}:{}: blanks at the end", at + 1));
            }
        }
    }
    assert!(count > 100, "only {count} files were found");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
