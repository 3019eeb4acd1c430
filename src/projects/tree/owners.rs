//! Whose folder a path lies in: the projects' folders as a tree of names, walked once for each question.

use std::collections::HashMap;

use super::segments::segments;
use crate::model::projects::Project;

/// The folders of all projects.
pub(super) struct Owners<'a> {
    /// The first is the root.
    nodes: Vec<Node<'a>>,
}

#[derive(Default)]
struct Node<'a> {
    below: HashMap<&'a str, usize>,
    /// The place of the project whose folder this is.
    owner: Option<usize>,
}

impl<'a> Owners<'a> {
    /// The folder of two projects is that of the first. `/` has no names and is nobody's: it holds everything.
    pub(super) fn new(projects: &[&'a Project]) -> Self {
        let mut owners = Self { nodes: vec![Node::default()] };
        for (place, project) in projects.iter().enumerate() {
            for folder in &project.folders {
                owners.add(&folder.path, place);
            }
        }
        owners
    }

    fn add(&mut self, path: &'a str, place: usize) {
        let mut at = 0;
        for name in segments(path) {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = *node.below.entry(name).or_insert(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if at > 0
            && let Some(node) = self.nodes.get_mut(at)
        {
            node.owner.get_or_insert(place);
        }
    }

    /// The project whose folder holds one of these, the deepest one; of two that are as deep, that of the
    /// earlier path.
    pub(super) fn of(&self, paths: &[&str]) -> Option<usize> {
        let mut best: Option<(usize, usize)> = None;
        for (owner, depth) in paths.iter().filter_map(|path| self.deepest(path)) {
            if best.is_none_or(|(_, deepest)| depth > deepest) {
                best = Some((owner, depth));
            }
        }
        best.map(|(owner, _)| owner)
    }

    /// The owner of the deepest folder that is the path or holds it, and how many names that has.
    fn deepest(&self, path: &str) -> Option<(usize, usize)> {
        let mut node = self.nodes.first()?;
        let mut found = None;
        for (depth, name) in segments(path).enumerate() {
            let Some(next) = node.below.get(name).and_then(|place| self.nodes.get(*place)) else { break };
            node = next;
            found = node.owner.map(|owner| (owner, depth)).or(found);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::projects::Folder;

    fn project(folders: &[&str]) -> Project {
        let folder = |path: &&str| Folder { path: (*path).to_owned(), ..Folder::default() };
        Project { folders: folders.iter().map(folder).collect(), ..Project::default() }
    }

    #[test]
    fn the_deepest_folder_owns() {
        let projects = [project(&["/w", "/x/y/"]), project(&["/w/app", "/"]), project(&["/w/app", "C:\\d"])];
        let projects: Vec<&Project> = projects.iter().collect();
        let owners = Owners::new(&projects);
        for (path, want) in [
            ("/w", Some(0)),
            ("/w/other", Some(0)),
            ("/w/app", Some(1)),
            ("/w/app/deep/er", Some(1)),
            ("/w/application", Some(0)),
            ("/x", None),
            ("/x/y/z", Some(0)),
            ("C:/d/e", Some(2)),
            ("/W", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(owners.of(&[path]), want, "{path}");
        }
    }

    #[test]
    fn of_two_paths_the_deeper_match_wins_and_the_first_wins_ties() {
        let projects = [project(&["/a"]), project(&["/b"]), project(&["/b/c"])];
        let projects: Vec<&Project> = projects.iter().collect();
        let owners = Owners::new(&projects);
        assert_eq!(owners.of(&["/a/x", "/b/x"]), Some(0));
        assert_eq!(owners.of(&["/b/x", "/a/x"]), Some(1));
        assert_eq!(owners.of(&["/a/x/y/z", "/b/c"]), Some(2));
        assert_eq!(owners.of(&["/z", "/a"]), Some(0));
    }
}
