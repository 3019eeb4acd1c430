//! Lines that begin with `job projects`: what comes of work on projects.

use std::sync::Arc;

use tui_gateway::model::job::JobResult;
use tui_gateway::model::projects::{
    DiscoveredRepo, Folder, LaneNode, Project, ProjectDone, ProjectError, ProjectNode, RepoNode, SessionRow,
};

/// What comes of work on projects.
pub(super) fn projects(words: &[&str]) -> JobResult {
    let owned = |text: &&str| (*text).to_owned();
    let done = match words {
        ["listed"] => ProjectDone::Listed { projects: Vec::new(), active: None },
        ["listed", name] => {
            ProjectDone::Listed { projects: vec![project(name)], active: Some("p_758c5e0e".to_owned()) }
        }
        ["one", name] => ProjectDone::One(project(name)),
        ["active", id @ ..] => ProjectDone::Active(id.first().map(owned)),
        ["owner", branch, name @ ..] => ProjectDone::Owner {
            project: name.first().map(|name| project(name)),
            cwd: "/w/app".into(),
            branch: owned(branch),
        },
        ["repos", roots @ ..] => ProjectDone::Repos(roots.iter().map(|root| repo(root)).collect()),
        ["tree", sessions @ ..] => ProjectDone::Tree {
            projects: vec![node(false)],
            active: None,
            scoped: sessions.iter().map(owned).collect(),
        },
        ["branch"] => ProjectDone::Branch(None),
        ["branch", "full"] => ProjectDone::Branch(Some(node(true))),
        ["unknown"] => return JobResult::Projects(Err(ProjectError::NoProject)),
        ["argument", why] => return JobResult::Projects(Err(ProjectError::Argument(owned(why)))),
        ["broken", why] => return JobResult::Projects(Err(ProjectError::Failed(owned(why)))),
        _ => panic!("no work on projects ends so: {words:?}"),
    };
    JobResult::Projects(Ok(Box::new(done)))
}

fn project(name: &str) -> Project {
    let folder = |path: &str, is_primary: bool| Folder {
        path: path.to_owned(),
        label: (!is_primary).then(|| "Library".to_owned()),
        is_primary,
        added_at: 1_782_900_900,
    };
    Project {
        id: "p_758c5e0e".to_owned(),
        slug: "my-app".to_owned(),
        name: name.to_owned(),
        icon: Some("A".to_owned()),
        primary_path: Some("/w/app".to_owned()),
        created_at: 1_782_900_900,
        folders: vec![folder("/w/app", true), folder("/w/lib", false)],
        ..Project::default()
    }
}

fn repo(root: &str) -> DiscoveredRepo {
    DiscoveredRepo {
        root: root.to_owned(),
        label: "App".to_owned(),
        sessions: 2,
        last_active: 1_782_900_900.0,
    }
}

/// A project of one repository, lane and session.
fn node(is_full: bool) -> ProjectNode {
    let session = Arc::new(SessionRow {
        id: "20260701_101500_919b9f".to_owned(),
        title: Some("Fix build".to_owned()),
        preview: "please fix".to_owned(),
        started_at: 1_782_900_800.0,
        last_active: 1_782_900_900.0,
        source: Some("tui".to_owned()),
        message_count: 2,
        input_tokens: 10,
        output_tokens: 2,
        model: Some("m".to_owned()),
        cwd: Some("/w/app".to_owned()),
        git_branch: Some("main".to_owned()),
        git_repo_root: Some("/w/app".to_owned()),
        ..SessionRow::default()
    });
    let lane = LaneNode {
        id: "/w/app::branch::main".to_owned(),
        label: "main".to_owned(),
        path: "/w/app".to_owned(),
        is_main: true,
        is_kanban: false,
        sessions: if is_full { vec![Arc::clone(&session)] } else { Vec::new() },
    };
    let repo = RepoNode {
        id: "/w/app".to_owned(),
        label: "app".to_owned(),
        path: "/w/app".to_owned(),
        groups: vec![lane],
        session_count: 1,
    };
    ProjectNode {
        id: "/w/app".to_owned(),
        label: "app".to_owned(),
        path: Some("/w/app".to_owned()),
        color: None,
        icon: None,
        is_auto: true,
        session_count: 1,
        last_active: 1_782_900_900.0,
        repos: vec![repo],
        preview_sessions: if is_full { Vec::new() } else { vec![session] },
    }
}
