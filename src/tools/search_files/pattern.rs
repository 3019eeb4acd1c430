//! A model's pattern as a matcher of lines. Pure.

use grep_regex::{RegexMatcher, RegexMatcherBuilder};

use super::super::ToolError;

/// Longest pattern, in bytes.
const BYTES_MAX: usize = 10_000;

/// Largest compiled pattern, and largest cache of its automaton, in bytes: 10 MiB, as the crate `regex` has
/// it.
const COMPILED_BYTES_MAX: usize = 10 << 20;

const TAKEN_AS_TEXT: &str =
    "The pattern cannot be used as a regular expression; it was searched for as plain text.";

/// The matcher, and a note when the pattern is not what it was taken for: what is no regular expression is
/// searched for as it stands, since it is most often a piece of code with a bracket.
///
/// # Errors
/// It is too long or too complex, or is about more than one line.
pub(super) fn matcher(pattern: &str) -> Result<(RegexMatcher, Option<&'static str>), ToolError> {
    if pattern.len() > BYTES_MAX {
        return Err(ToolError::new(format!("A pattern has at most {BYTES_MAX} bytes.")));
    }
    let mut builder = RegexMatcherBuilder::new();
    builder
        .multi_line(true)
        .line_terminator(Some(b'\n'))
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX);
    let error = match builder.build(pattern) {
        Ok(matcher) => return Ok((matcher, None)),
        Err(error) => error,
    };
    match builder.fixed_strings(true).build(pattern) {
        Ok(matcher) => Ok((matcher, Some(TAKEN_AS_TEXT))),
        Err(_) => Err(ToolError::new(format!("The pattern cannot be searched for, line by line: {error}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_with_a_bracket_is_plain_text() {
        assert_eq!(matcher(r"fn \w+\(").unwrap().1, None);
        assert!(matcher("f(x").unwrap().1.is_some());
        assert!(matcher("a\nb").is_err());
        assert!(matcher(&"a".repeat(BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_pattern_that_would_fill_the_memory_is_taken_as_plain_text() {
        assert!(matcher(r"(\w{1000}){1000}").unwrap().1.is_some());
    }
}
