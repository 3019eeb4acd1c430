//! Projects and repositories as clients get them. The order of members is the original's.

use serde_json::{Value, json};

use crate::model::projects::{DiscoveredRepo, Folder, Project};

/// A project that somebody made.
pub(super) fn project(project: &Project) -> Value {
    json!({
        "id": project.id,
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "icon": project.icon,
        "color": project.color,
        "board_slug": project.board_slug,
        "primary_path": project.primary_path,
        "archived": project.archived,
        "created_at": project.created_at,
        "folders": project.folders.iter().map(folder).collect::<Vec<_>>(),
    })
}

/// A repository that is known.
pub(super) fn repo(repo: &DiscoveredRepo) -> Value {
    json!({
        "root": repo.root,
        "label": repo.label,
        "sessions": repo.sessions,
        "last_active": repo.last_active,
    })
}

fn folder(folder: &Folder) -> Value {
    json!({
        "path": folder.path,
        "label": folder.label,
        "is_primary": folder.is_primary,
        "added_at": folder.added_at,
    })
}
