//! What attaching and keeping snapshots come to, in the words of a `job` line.

use std::path::PathBuf;

use tui_gateway::model::attach::{Attached, Clip, Image, Page, Refused};
use tui_gateway::model::job::JobResult;
use tui_gateway::model::spawn_tree::{TreeAbout, TreeDone};

/// The result of an attachment. Images have 1024 by 600 pixels unless they end in `.svg`.
pub(super) fn attached(words: &[&str]) -> JobResult {
    let attached = match words {
        ["found", path, remainder] => {
            Attached::Found { image: image(path), remainder: (*remainder).to_owned() }
        }
        ["stored", path] => Attached::Stored { image: image(path), bytes: 203 },
        ["clipboard", "empty"] => Attached::Clipboard(Clip::Empty),
        ["clipboard", "unreadable"] => Attached::Clipboard(Clip::Unreadable),
        ["clipboard", path] => Attached::Clipboard(Clip::Image(image(path))),
        ["pages", filename, paths @ ..] => Attached::Pages {
            filename: (*filename).to_owned(),
            pages: (1..).zip(paths).map(|(number, path)| Page { number, image: image(path) }).collect(),
        },
        ["file", relative] => Attached::File {
            path: PathBuf::from("/w").join(relative),
            relative: (*relative).to_owned(),
            uploaded: relative.starts_with('.'),
        },
        ["refused", kind, text] => return JobResult::Attach(Err(refused(kind, text))),
        _ => panic!("nothing is attached so: {words:?}"),
    };
    JobResult::Attach(Ok(attached))
}

fn image(path: &str) -> Image {
    Image { path: PathBuf::from(path), size: (!path.ends_with(".svg")).then_some((1024, 600)) }
}

fn refused(kind: &str, text: &str) -> Refused {
    type Kind = fn(String) -> Refused;
    let kinds: [(&str, Kind); 6] = [
        ("parameter", Refused::Parameter),
        ("path", Refused::Path),
        ("content", Refused::Content),
        ("size", Refused::Size),
        ("pages", Refused::Pages),
        ("failed", Refused::Failed),
    ];
    let found = kinds.iter().find(|(name, _)| *name == kind);
    found.unwrap_or_else(|| panic!("no such refusal: {kind}")).1(text.to_owned())
}

/// The result of work on snapshots of subagents.
pub(super) fn tree(words: &[&str]) -> JobResult {
    JobResult::SpawnTree(match words {
        ["saved", path] => TreeDone::Saved(PathBuf::from(path)),
        ["listed", paths @ ..] => TreeDone::Listed(paths.iter().map(|path| listed(path)).collect()),
        ["loaded", text] => TreeDone::Loaded((*text).to_owned()),
        ["outside", path] => TreeDone::Outside(PathBuf::from(path)),
        _ => panic!("no snapshot ends so: {words:?}"),
    })
}

fn listed(path: &str) -> (PathBuf, TreeAbout) {
    let about = TreeAbout {
        session_id: "3fa2c91b".to_owned(),
        started_at: None,
        finished_at: 1_767_225_700.0,
        label: "tests".to_owned(),
        count: 1,
    };
    (PathBuf::from(path), about)
}
