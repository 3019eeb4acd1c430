//! Projects as they stand in the database. Changes nothing.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::model::projects::{Folder, Project, ProjectError};
use crate::projects::path;

/// What is read of a project.
const COLUMNS: &str =
    "id, slug, name, description, icon, color, board_slug, primary_path, archived, created_at";

/// The order of a project's folders: the main one, then the oldest. Within one second the path decides.
const FOLDER_ORDER: &str = "is_primary DESC, added_at, path";

/// All projects in the order of their creation, with `archived` also those that were put away.
pub(in crate::projects) fn all(conn: &Connection, archived: bool) -> rusqlite::Result<Vec<Project>> {
    let sql = format!("SELECT {COLUMNS} FROM projects WHERE ?1 OR archived = 0 ORDER BY created_at, rowid");
    let mut statement = conn.prepare(&sql)?;
    let mut projects = statement.query_map([archived], project)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut folders = all_folders(conn)?;
    for project in &mut projects {
        project.folders = folders.remove(&project.id).unwrap_or_default();
    }
    Ok(projects)
}

/// The project with this id, or else with this slug in any case.
///
/// # Errors
/// There is none, or the database cannot be read.
pub(in crate::projects) fn find(conn: &Connection, name: &str) -> Result<Project, ProjectError> {
    let sql =
        format!("SELECT {COLUMNS} FROM projects WHERE id = ?1 OR slug = ?2 ORDER BY id = ?1 DESC LIMIT 1");
    let found = conn.query_row(&sql, [name, &name.to_lowercase()], project).optional()?;
    let mut project = found.ok_or(ProjectError::NoProject)?;
    let sql = format!(
        "SELECT path, label, is_primary, added_at FROM project_folders WHERE project_id = ?1 \
         ORDER BY {FOLDER_ORDER}"
    );
    let mut statement = conn.prepare(&sql)?;
    let folders = statement.query_map([&project.id], |row| folder(row, 0))?;
    project.folders = folders.collect::<rusqlite::Result<_>>()?;
    Ok(project)
}

/// The id of the active project. What other programs left there of a project that is gone stays.
pub(in crate::projects) fn active(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM project_meta WHERE key = 'active_id'";
    Ok(conn.query_row(sql, [], |row| row.get(0)).optional()?.flatten())
}

/// The project that is not archived and has the deepest folder around a path; of two the older one.
pub(in crate::projects) fn owner(conn: &Connection, target: &str) -> Result<Option<Project>, ProjectError> {
    let mut best: Option<(usize, Project)> = None;
    for project in all(conn, false)? {
        let around = project.folders.iter().filter(|folder| path::holds(&folder.path, target));
        let Some(depth) = around.map(|folder| folder.path.len()).max() else { continue };
        if best.as_ref().is_none_or(|(deepest, _)| depth > *deepest) {
            best = Some((depth, project));
        }
    }
    Ok(best.map(|(_, project)| project))
}

fn all_folders(conn: &Connection) -> rusqlite::Result<HashMap<String, Vec<Folder>>> {
    let sql = format!(
        "SELECT project_id, path, label, is_primary, added_at FROM project_folders ORDER BY {FOLDER_ORDER}"
    );
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut folders: HashMap<String, Vec<Folder>> = HashMap::new();
    while let Some(row) = rows.next()? {
        folders.entry(row.get(0)?).or_default().push(folder(row, 1)?);
    }
    Ok(folders)
}

fn project(row: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        icon: row.get(4)?,
        color: row.get(5)?,
        board_slug: row.get(6)?,
        primary_path: row.get(7)?,
        archived: row.get(8)?,
        created_at: row.get(9)?,
        folders: Vec::new(),
    })
}

/// A folder, from this column on.
fn folder(row: &Row<'_>, first: usize) -> rusqlite::Result<Folder> {
    Ok(Folder {
        path: row.get(first)?,
        label: row.get(first + 1)?,
        is_primary: row.get(first + 2)?,
        added_at: row.get(first + 3)?,
    })
}
