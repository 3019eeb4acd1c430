//! Paths by their letters alone: both separators count, and leading ones do not. Clients cut paths in the
//! same way, so the rules are the original's.

const SEPARATORS: [char; 2] = ['/', '\\'];

/// Where the working trees of tasks are.
const KANBAN_DIR: &str = ".worktrees";

/// What a working tree beside its repository has between the names of both.
const SIBLING: &str = "-wt-";

/// The names in a path.
pub(super) fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split(SEPARATORS).filter(|name| !name.is_empty())
}

/// The last name; empty where there is none.
pub(super) fn base(path: &str) -> &str {
    segments(path).next_back().unwrap_or_default()
}

/// What a root is called.
pub(super) fn label(root: &str) -> &str {
    let base = base(root);
    if base.is_empty() { root } else { base }
}

/// Without separators at the end.
pub(super) fn bare(path: &str) -> &str {
    path.trim_end_matches(SEPARATORS)
}

/// The path with another last name.
pub(super) fn with_base(path: &str, name: &str) -> String {
    let path = bare(path);
    let parent = path.strip_suffix(base(path)).unwrap_or(path);
    format!("{parent}{name}")
}

/// The directory of the working trees of tasks, where the path is one of those: `/.worktrees/t_` and
/// lower-case hexadecimal digits at its end. No deeper path is one, and no other name.
pub(super) fn kanban_dir(path: &str) -> Option<&str> {
    let path = path.strip_suffix(SEPARATORS).unwrap_or(path);
    let (dir, task) = path.rsplit_once(SEPARATORS)?;
    let digits = task.strip_prefix("t_")?;
    let is_task = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_inside = dir.strip_suffix(KANBAN_DIR).is_some_and(|repository| repository.ends_with(SEPARATORS));
    (is_task && is_inside).then_some(dir)
}

/// The names of a repository and of a working tree beside it, from that of its directory: what is before and
/// after the last `-wt-` that has something on both sides.
pub(super) fn sibling(name: &str) -> Option<(&str, &str)> {
    let (last, _) = name.char_indices().next_back()?;
    let at = name.get(..last)?.rfind(SIBLING)?;
    let (repository, rest) = name.split_at_checked(at)?;
    (at > 0).then_some((repository, rest.strip_prefix(SIBLING)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_both_separators() {
        for (path, names, end) in [
            ("/a/b/", "a b", "b"),
            ("C:\\x\\y", "C: x y", "y"),
            ("//a//b\\", "a b", "b"),
            ("a", "a", "a"),
            ("/", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(segments(path).collect::<Vec<_>>().join(" "), names, "{path}");
            assert_eq!(base(path), end, "{path}");
        }
        assert_eq!((label("/a/b"), label("/"), bare("/a//")), ("b", "/", "/a"));
        assert_eq!((with_base("/a/b/", "c").as_str(), with_base("b", "c").as_str()), ("/a/c", "c"));
        assert_eq!(with_base("/a/.worktrees", ""), "/a/");
    }

    #[test]
    fn working_trees_of_tasks_have_one_shape() {
        for (path, dir) in [
            ("/w/app/.worktrees/t_ab12", Some("/w/app/.worktrees")),
            ("/w/app/.worktrees/t_ab12/", Some("/w/app/.worktrees")),
            ("C:\\w\\.worktrees\\t_0", Some("C:\\w\\.worktrees")),
            ("/.worktrees/t_a", Some("/.worktrees")),
            (".worktrees/t_a", None),
            ("/w/.worktrees/t_AB", None),
            ("/w/.worktrees/t_", None),
            ("/w/.worktrees/t_ab12/src", None),
            ("/w/.worktrees/t_ab12//", None),
            ("/w/.worktrees//t_ab12", None),
            ("/w/.worktrees/mine", None),
            ("/w/x.worktrees/t_ab", None),
            ("", None),
        ] {
            assert_eq!(kanban_dir(path), dir, "{path}");
        }
    }

    #[test]
    fn a_sibling_is_split_at_the_last_place_that_has_two_sides() {
        for (name, want) in [
            ("app-wt-fix", Some(("app", "fix"))),
            ("a-wt-b-wt-c", Some(("a-wt-b", "c"))),
            ("a-wt-b-wt-", Some(("a", "b-wt-"))),
            ("a-wt-wt-b", Some(("a-wt", "b"))),
            ("a-wt-wt-", Some(("a", "wt-"))),
            ("a-wt-é", Some(("a", "é"))),
            ("-wt-b", None),
            ("a-wt-", None),
            ("awt", None),
            ("", None),
        ] {
            assert_eq!(sibling(name), want, "{name}");
        }
    }
}
