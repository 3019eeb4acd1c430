//! The tree as clients get it, written at once: half a megabyte of it as a `Value` would take longer than all
//! that is in it. The order of members is the original's.

use std::sync::Arc;

use serde::Serialize;

use crate::model::projects::{LaneNode, ProjectNode, RepoNode, SessionRow};

/// The whole tree.
#[derive(Serialize)]
pub(super) struct Tree<'a> {
    projects: Vec<Node<'a>>,
    active_id: Option<&'a str>,
    scoped_session_ids: &'a [String],
}

impl<'a> Tree<'a> {
    pub(super) fn new(projects: &'a [ProjectNode], active: Option<&'a str>, scoped: &'a [String]) -> Self {
        let projects = projects.iter().map(Node::new).collect();
        Self { projects, active_id: active, scoped_session_ids: scoped }
    }
}

/// One project of it, or none.
#[derive(Serialize)]
pub(super) struct Branch<'a> {
    project: Option<Node<'a>>,
}

impl<'a> Branch<'a> {
    pub(super) fn new(node: Option<&'a ProjectNode>) -> Self {
        Self { project: node.map(Node::new) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    id: &'a str,
    label: &'a str,
    path: Option<&'a str>,
    color: Option<&'a str>,
    icon: Option<&'a str>,
    is_auto: bool,
    session_count: i64,
    last_active: f64,
    repos: Vec<Repo<'a>>,
    preview_sessions: Vec<Row<'a>>,
}

impl<'a> Node<'a> {
    fn new(node: &'a ProjectNode) -> Self {
        Self {
            id: &node.id,
            label: &node.label,
            path: node.path.as_deref(),
            color: node.color.as_deref(),
            icon: node.icon.as_deref(),
            is_auto: node.is_auto,
            session_count: node.session_count,
            last_active: node.last_active,
            repos: node.repos.iter().map(Repo::new).collect(),
            preview_sessions: rows(&node.preview_sessions),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repo<'a> {
    id: &'a str,
    label: &'a str,
    path: &'a str,
    groups: Vec<Lane<'a>>,
    session_count: i64,
}

impl<'a> Repo<'a> {
    fn new(repo: &'a RepoNode) -> Self {
        Self {
            id: &repo.id,
            label: &repo.label,
            path: &repo.path,
            groups: repo.groups.iter().map(Lane::new).collect(),
            session_count: repo.session_count,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lane<'a> {
    id: &'a str,
    label: &'a str,
    path: &'a str,
    is_main: bool,
    is_kanban: bool,
    sessions: Vec<Row<'a>>,
}

impl<'a> Lane<'a> {
    fn new(lane: &'a LaneNode) -> Self {
        Self {
            id: &lane.id,
            label: &lane.label,
            path: &lane.path,
            is_main: lane.is_main,
            is_kanban: lane.is_kanban,
            sessions: rows(&lane.sessions),
        }
    }
}

/// A session.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    #[serde(rename = "_lineage_root_id")]
    lineage_root_id: Option<&'a str>,
    parent_session_id: Option<&'a str>,
    title: Option<&'a str>,
    preview: &'a str,
    started_at: f64,
    ended_at: Option<f64>,
    last_active: f64,
    source: Option<&'a str>,
    archived: bool,
    message_count: i64,
    tool_call_count: i64,
    input_tokens: i64,
    output_tokens: i64,
    model: Option<&'a str>,
    is_active: bool,
    cwd: Option<&'a str>,
    git_branch: Option<&'a str>,
    git_repo_root: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn new(row: &'a SessionRow) -> Self {
        Self {
            id: &row.id,
            lineage_root_id: row.lineage_root_id.as_deref(),
            parent_session_id: row.parent_session_id.as_deref(),
            title: row.title.as_deref(),
            preview: &row.preview,
            started_at: row.started_at,
            ended_at: row.ended_at,
            last_active: row.time(),
            source: row.source.as_deref(),
            archived: row.archived,
            message_count: row.message_count,
            tool_call_count: row.tool_call_count,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            model: row.model.as_deref(),
            // Whether it is live stands in no database, so that none is.
            is_active: false,
            cwd: row.cwd.as_deref(),
            git_branch: row.git_branch.as_deref(),
            git_repo_root: row.git_repo_root.as_deref(),
        }
    }
}

fn rows(rows: &[Arc<SessionRow>]) -> Vec<Row<'_>> {
    rows.iter().map(|row| Row::new(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_everything_in_the_order_of_the_original() {
        let session = SessionRow { id: "s".to_owned(), started_at: 1.0, ..SessionRow::default() };
        let session = Arc::new(session);
        let sessions = vec![Arc::clone(&session)];
        let lane = LaneNode { id: "/w::kanban".to_owned(), sessions, ..LaneNode::default() };
        let repo = RepoNode { id: "/w".to_owned(), groups: vec![lane], ..RepoNode::default() };
        let project = ProjectNode {
            id: "p_1".to_owned(),
            repos: vec![repo],
            preview_sessions: vec![session],
            ..ProjectNode::default()
        };
        let row = r#"{"id":"s","_lineage_root_id":null,"parent_session_id":null,"title":null,"preview":"","#
            .to_owned()
            + r#""started_at":1.0,"ended_at":null,"last_active":1.0,"source":null,"archived":false,"#
            + r#""message_count":0,"tool_call_count":0,"input_tokens":0,"output_tokens":0,"model":null,"#
            + r#""is_active":false,"cwd":null,"git_branch":null,"git_repo_root":null}"#;
        let want = r#"{"id":"p_1","label":"","path":null,"color":null,"icon":null,"isAuto":false,"#
            .to_owned()
            + r#""sessionCount":0,"lastActive":0.0,"repos":[{"id":"/w","label":"","path":"","groups":[{"#
            + r#""id":"/w::kanban","label":"","path":"","isMain":false,"isKanban":false,"sessions":["#
            + &row
            + r#"]}],"sessionCount":0}],"previewSessions":["#
            + &row
            + "]}";
        let written = serde_json::to_string(&Branch::new(Some(&project))).unwrap();
        assert_eq!(written, format!(r#"{{"project":{want}}}"#));
        let (projects, scoped) = ([project], ["s".to_owned()]);
        let written = serde_json::to_string(&Tree::new(&projects, Some("p_1"), &scoped)).unwrap();
        assert_eq!(
            written,
            format!(r#"{{"projects":[{want}],"active_id":"p_1","scoped_session_ids":["s"]}}"#)
        );
    }

    #[test]
    fn what_is_not_there_is_null() {
        assert_eq!(serde_json::to_string(&Branch::new(None)).unwrap(), r#"{"project":null}"#);
        let written = serde_json::to_string(&Tree::new(&[], None, &[])).unwrap();
        assert_eq!(written, r#"{"projects":[],"active_id":null,"scoped_session_ids":[]}"#);
    }
}
