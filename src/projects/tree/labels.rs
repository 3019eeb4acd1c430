//! Labels that are the same get the names of directories in front, until they differ. Knows no node.

use std::collections::{HashMap, HashSet};

use super::segments::{label, segments};

/// Something with a label and perhaps a path.
pub(super) trait Labelled {
    fn label(&self) -> &str;
    fn path(&self) -> &str;
    fn set_label(&mut self, label: String);
}

/// Puts as many names of parent directories in front of equal labels as make all of them differ; all names
/// where nothing does. Items without a path keep theirs.
///
/// The label itself is lost, as in the original: the lane of a branch whose name meets that of a working tree
/// is called by its repository then. Clients compare what they see with the original's, so it stays.
pub(super) fn tell_apart<T: Labelled>(items: &mut [T]) {
    let mut buckets: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, item) in items.iter().enumerate() {
        if !item.path().is_empty() {
            buckets.entry(item.label()).or_default().push(place);
        }
    }
    let crowded: Vec<Vec<usize>> = buckets.into_values().filter(|bucket| bucket.len() > 1).collect();
    for bucket in crowded {
        let paths: Vec<Vec<&str>> =
            bucket.iter().filter_map(|place| items.get(*place)).map(|item| names(item.path())).collect();
        let Some(depth) = depth(&paths) else { continue };
        let labels: Vec<String> = paths.iter().map(|path| tail(path, depth).join("/")).collect();
        for (place, label) in bucket.into_iter().zip(labels) {
            if let Some(item) = items.get_mut(place) {
                item.set_label(label);
            }
        }
    }
}

/// The names in a path; of one without any, the path.
fn names(path: &str) -> Vec<&str> {
    let names: Vec<&str> = segments(path).collect();
    if names.is_empty() { vec![label(path)] } else { names }
}

/// How many parents make all paths differ, or all there are; `None` where no path has one.
fn depth(paths: &[Vec<&str>]) -> Option<usize> {
    let deepest = paths.iter().map(|path| path.len().saturating_sub(1)).max().filter(|most| *most > 0)?;
    // What differs with some parents differs with more, so the place may be searched by halves.
    let (mut low, mut high) = (1, deepest);
    while low < high {
        let middle = usize::midpoint(low, high);
        if differ(paths, middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

fn differ(paths: &[Vec<&str>], depth: usize) -> bool {
    let mut seen = HashSet::new();
    paths.iter().all(|path| seen.insert(tail(path, depth)))
}

/// The last name and so many before it.
fn tail<'a, 'b>(path: &'b [&'a str], depth: usize) -> &'b [&'a str] {
    path.get(path.len().saturating_sub(depth.saturating_add(1))..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item(String, String);

    impl Labelled for Item {
        fn label(&self) -> &str {
            &self.0
        }

        fn path(&self) -> &str {
            &self.1
        }

        fn set_label(&mut self, label: String) {
            self.0 = label;
        }
    }

    fn apart(items: &[(&str, &str)]) -> Vec<String> {
        let mut items: Vec<Item> =
            items.iter().map(|(label, path)| Item((*label).to_owned(), (*path).to_owned())).collect();
        tell_apart(&mut items);
        items.into_iter().map(|item| item.0).collect()
    }

    #[test]
    fn equal_labels_grow_until_they_differ() {
        assert_eq!(apart(&[("app", "/a/app"), ("app", "/b/app")]), ["a/app", "b/app"]);
        let three = [("app", "/x/q/app"), ("app", "/y/q/app"), ("app", "/z/app")];
        assert_eq!(apart(&three), ["x/q/app", "y/q/app", "z/app"]);
        assert_eq!(apart(&[("app", "/app"), ("app", "/b/app")]), ["app", "b/app"]);
    }

    #[test]
    fn what_cannot_be_told_apart_ends_with_the_whole_path() {
        assert_eq!(apart(&[("app", "/a/b/app"), ("app", "/a/b/app")]), ["a/b/app", "a/b/app"]);
        assert_eq!(apart(&[("app", "/app"), ("app", "app/")]), ["app", "app"]);
    }

    #[test]
    fn other_labels_stay() {
        assert_eq!(apart(&[("app", "/a/app"), ("App", "/b/App"), ("x", "/c/x")]), ["app", "App", "x"]);
        assert_eq!(apart(&[("app", "/a/app"), ("app", "")]), ["app", "app"]);
        assert_eq!(apart(&[("mine", "/app"), ("mine", "/lib")]), ["mine", "mine"], "no parents at all");
    }

    #[test]
    fn a_branch_loses_its_name_to_a_working_tree() {
        assert_eq!(apart(&[("main", "/w/repo"), ("main", "/x/main")]), ["w/repo", "x/main"]);
    }
}
