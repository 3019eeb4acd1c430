//! Globs for files: by name, or by the path within the searched folder when they have a slash. Pure.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use super::super::ToolError;

/// Longest glob, in bytes.
const BYTES_MAX: usize = 1_000;

/// Characters that make a glob of a name.
const SPECIAL: [char; 4] = ['*', '?', '[', '{'];

/// A compiled glob.
#[derive(Debug)]
pub(super) struct Glob {
    matcher: GlobMatcher,
    by_path: bool,
    /// It names what is left out (`!`).
    negated: bool,
}

impl Glob {
    /// As written; `!` in front leaves out what is like the rest.
    ///
    /// # Errors
    /// It is no glob, or too long.
    pub(super) fn new(written: &str) -> Result<Self, ToolError> {
        if written.len() > BYTES_MAX {
            return Err(ToolError::new(format!("A glob has at most {BYTES_MAX} bytes.")));
        }
        let (negated, plain) = match written.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let plain = plain.strip_prefix("./").unwrap_or(plain);
        let by_path = plain.trim_start_matches("**/").contains('/');
        // A star does not cross a slash, as in shells; without a slash only names are looked at.
        let plain = plain.strip_prefix('/').unwrap_or(plain);
        match GlobBuilder::new(plain).literal_separator(by_path).build() {
            Ok(glob) => Ok(Self { matcher: glob.compile_matcher(), by_path, negated }),
            Err(error) => Err(ToolError::new(format!("{written} is no glob: {}.", error.kind()))),
        }
    }

    /// A glob, or a part of a name.
    ///
    /// # Errors
    /// As [`Glob::new`].
    pub(super) fn of_name(written: &str) -> Result<Self, ToolError> {
        if written.contains(SPECIAL) { Self::new(written) } else { Self::new(&format!("*{written}*")) }
    }

    /// Whether a file at this path, relative to the searched folder, is meant.
    pub(super) fn takes(&self, path: &Path) -> bool {
        let looked_at = if self.by_path { path } else { path.file_name().map_or(path, Path::new) };
        self.matcher.is_match(looked_at) != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(glob: Result<Glob, ToolError>, taken: &[&str], left: &[&str]) {
        let glob = glob.unwrap();
        for path in taken {
            assert!(glob.takes(Path::new(path)), "{path}");
        }
        for path in left {
            assert!(!glob.takes(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_glob_without_a_slash_is_for_names() {
        check(Glob::new("*.rs"), &["a.rs", "x/y/b.rs"], &["a.py", "a.rs/x"]);
        check(Glob::new("*.{js,ts}"), &["a.js", "x/a.ts"], &["a.rs"]);
        check(Glob::new("!*.rs"), &["a.py"], &["a.rs"]);
        check(Glob::new("**/*.rs"), &["a.rs", "x/b.rs"], &["a.py"]);
    }

    #[test]
    fn a_glob_with_a_slash_is_for_paths() {
        check(Glob::new("src/*.rs"), &["src/a.rs"], &["a.rs", "src/x/a.rs", "y/src/a.rs"]);
        check(Glob::new("./src/**/*.rs"), &["src/a.rs", "src/x/a.rs"], &["x/a.rs"]);
    }

    #[test]
    fn a_name_without_special_characters_is_a_part_of_one() {
        check(Glob::of_name("ead"), &["Readme", "x/ead.md"], &["x"]);
        check(Glob::of_name("*.md"), &["a.md"], &["a.mdx"]);
        check(Glob::of_name("src/a"), &["src/a", "src/ab"], &["src/x/a", "a"]);
    }

    #[test]
    fn what_is_no_glob_is_said() {
        assert!(Glob::new("[a").is_err() && Glob::new(&"*".repeat(BYTES_MAX + 1)).is_err());
    }
}
