//! The repositories and lanes of some conversations. Knows no project.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::labels::{Labelled, tell_apart};
use super::placement::{Located, Placement};
use super::segments::label;
use crate::model::projects::{LaneNode, RepoNode, SessionRow};

/// Branches that come first.
const TRUNKS: [&str; 4] = ["main", "master", "trunk", "develop"];

/// Repositories in the order in which conversations were found in them. Without `hydrate` the lanes are
/// empty; what is counted is the same.
pub(super) fn repositories(sessions: &[Located<'_>], hydrate: bool) -> Vec<RepoNode> {
    let mut repos: Vec<Repo> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for lane in lanes(sessions) {
        let next = repos.len();
        let place = *places.entry(lane.placement.root.clone()).or_insert(next);
        if place == next {
            repos.push(Repo { root: lane.placement.root.clone(), lanes: Vec::new() });
        }
        if let Some(repo) = repos.get_mut(place) {
            repo.lanes.push(lane);
        }
    }
    let mut nodes: Vec<RepoNode> = repos.into_iter().map(|repo| repo.node(hydrate)).collect();
    tell_apart(&mut nodes);
    nodes
}

/// A repository that shows nothing yet.
pub(super) fn empty(root: &str, label: &str) -> RepoNode {
    RepoNode {
        id: root.to_owned(),
        label: label.to_owned(),
        path: root.to_owned(),
        groups: Vec::new(),
        session_count: 0,
    }
}

/// The newest of some conversations, at most so many.
pub(super) fn newest<'a>(sessions: &[Located<'a>], most: usize) -> Vec<&'a Arc<SessionRow>> {
    if most == 0 {
        return Vec::new();
    }
    let mut rows: Vec<&Arc<SessionRow>> = sessions.iter().map(|session| session.row).collect();
    newest_first(&mut rows);
    rows.truncate(most);
    rows
}

/// When something last happened in one of them; 0 when never.
pub(super) fn last_active<'a>(rows: impl IntoIterator<Item = &'a SessionRow>) -> f64 {
    rows.into_iter().map(SessionRow::time).reduce(f64::max).unwrap_or(0.0)
}

/// Those of one moment stay in order.
fn newest_first(rows: &mut [&Arc<SessionRow>]) {
    rows.sort_by(|a, b| b.time().total_cmp(&a.time()));
}

/// A lane and its conversations.
struct Lane<'a> {
    placement: Placement,
    rows: Vec<&'a Arc<SessionRow>>,
}

/// Lanes in the order in which conversations were found in them. The first one decides what the lane is.
fn lanes<'a>(sessions: &[Located<'a>]) -> Vec<Lane<'a>> {
    let mut lanes: Vec<Lane<'a>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for session in sessions {
        let Some(placement) = session.lane() else { continue };
        match places.get(&placement.id).and_then(|place| lanes.get_mut(*place)) {
            Some(lane) => lane.rows.push(session.row),
            None => {
                places.insert(placement.id.clone(), lanes.len());
                lanes.push(Lane { placement, rows: vec![session.row] });
            }
        }
    }
    lanes
}

impl Lane<'_> {
    fn node(mut self, hydrate: bool) -> LaneNode {
        newest_first(&mut self.rows);
        let Placement { id, label, path, is_main, is_kanban, .. } = self.placement;
        let sessions = if hydrate { self.rows.into_iter().cloned().collect() } else { Vec::new() };
        LaneNode { id, label, path, is_main, is_kanban, sessions }
    }
}

struct Repo<'a> {
    root: String,
    lanes: Vec<Lane<'a>>,
}

impl Repo<'_> {
    fn node(self, hydrate: bool) -> RepoNode {
        let Self { root, lanes } = self;
        let session_count = lanes.iter().map(|lane| lane.rows.len()).sum::<usize>();
        let mut groups: Vec<LaneNode> = lanes.into_iter().map(|lane| lane.node(hydrate)).collect();
        sort(&mut groups);
        tell_apart(&mut groups);
        RepoNode { groups, session_count: count(session_count), ..empty(&root, label(&root)) }
    }
}

/// As the wire has numbers.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Trunks first and tasks last; between them the newest first, then by label. Times are those of the
/// conversations that the lane shows, so an overview, which shows none, goes by label. The original does so,
/// perhaps by accident; clients show what they are given.
fn sort(groups: &mut Vec<LaneNode>) {
    let mut keyed: Vec<_> = groups
        .drain(..)
        .map(|lane| {
            let label = lane.label.to_lowercase();
            let is_trunk = lane.is_main && TRUNKS.contains(&label.as_str());
            (
                Reverse(is_trunk),
                lane.is_kanban,
                last_active(lane.sessions.iter().map(Arc::as_ref)),
                label,
                lane,
            )
        })
        .collect();
    keyed.sort_by(|a, b| {
        let by_kind = (a.0, a.1).cmp(&(b.0, b.1));
        by_kind.then_with(|| b.2.total_cmp(&a.2)).then_with(|| a.3.cmp(&b.3))
    });
    groups.extend(keyed.into_iter().map(|(.., lane)| lane));
}

impl Labelled for LaneNode {
    fn label(&self) -> &str {
        &self.label
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn set_label(&mut self, label: String) {
        self.label = label;
    }
}

impl Labelled for RepoNode {
    fn label(&self) -> &str {
        &self.label
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn set_label(&mut self, label: String) {
        self.label = label;
    }
}
