//! Changes of projects, each within a transaction of its caller. A project with folders has exactly one main
//! folder, and an active project is one that is there and not put away.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::list::find;
use crate::model::projects::{NewProject, Project, ProjectChange, ProjectError};
use crate::projects::path::Origin;
use crate::projects::slug;

/// Folders of a project; each is looked at for every list of everything.
pub(super) const FOLDERS_MAX: usize = 1000;

/// Ids that are drawn for a new project; each has 32 bits, so that the first one is free as a rule.
const DRAWS_MAX: usize = 8;

/// Makes a project.
///
/// # Errors
/// A name, slug or folder makes no sense, or the database cannot be written.
pub(in crate::projects) fn create(
    conn: &Connection,
    new: &NewProject,
    origin: Origin<'_>,
    now: i64,
) -> Result<Project, ProjectError> {
    let name = named(&new.name)?;
    // A blank slug is none; the original fails with it.
    let given = new.slug.as_deref().map(slug::given).transpose()?.flatten();
    let slug = given.unwrap_or_else(|| slug::from_name(name));
    let (folders, primary) = folders(new, origin)?;
    let board = new.board_slug.as_deref().map(slug::given).transpose()?.flatten();
    let slug = slug::free(&slug, |slug| is_there(conn, "slug", slug))?;
    let id = fresh_id(conn)?;
    let sql = "INSERT INTO projects (id, slug, name, description, icon, color, board_slug, primary_path, \
         created_at, archived) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)";
    let NewProject { description, icon, color, .. } = new;
    conn.execute(sql, params![id, slug, name, description, icon, color, board, primary, now])?;
    for folder in &folders {
        let is_primary = primary.as_ref() == Some(folder);
        let sql = "INSERT INTO project_folders (project_id, path, is_primary, added_at) \
             VALUES (?1, ?2, ?3, ?4)";
        conn.execute(sql, params![id, folder, is_primary, now])?;
    }
    if new.activate {
        activate(conn, Some(&id))?;
    }
    find(conn, &id)
}

/// Gives a project other words.
///
/// # Errors
/// There is no such project, a name or slug makes no sense, or the database cannot be written.
pub(in crate::projects) fn update(
    conn: &Connection,
    id: &str,
    change: &ProjectChange,
) -> Result<Project, ProjectError> {
    let project = find(conn, id)?;
    let name = change.name.as_deref().map(named).transpose()?;
    let board = change.board_slug.as_deref().map(slug::given).transpose()?;
    let sql = "UPDATE projects SET name = COALESCE(?2, name), description = COALESCE(?3, description), \
         icon = CASE WHEN ?4 IS NULL THEN icon ELSE NULLIF(?4, '') END, \
         color = CASE WHEN ?5 IS NULL THEN color ELSE NULLIF(?5, '') END, \
         board_slug = CASE WHEN ?6 THEN ?7 ELSE board_slug END WHERE id = ?1";
    let ProjectChange { description, icon, color, .. } = change;
    conn.execute(sql, params![project.id, name, description, icon, color, board.is_some(), board.flatten()])?;
    find(conn, &project.id)
}

/// Adds a folder; of one that is there only the label changes, and whether it is the main one.
///
/// # Errors
/// There is no such project, the path is blank, or the database cannot be written.
pub(in crate::projects) fn add_folder(
    conn: &Connection,
    id: &str,
    path: &str,
    label: Option<&str>,
    is_primary: bool,
    now: i64,
) -> Result<Project, ProjectError> {
    let project = find(conn, id)?;
    let is_known = project.folders.iter().any(|folder| folder.path == path);
    if !is_known && project.folders.len() >= FOLDERS_MAX {
        return Err(too_many());
    }
    let sql = "INSERT INTO project_folders (project_id, path, label, is_primary, added_at) \
         VALUES (?1, ?2, ?3, 0, ?4) \
         ON CONFLICT (project_id, path) DO UPDATE SET label = COALESCE(excluded.label, label)";
    conn.execute(sql, params![project.id, path, label, now])?;
    if is_primary || !project.folders.iter().any(|folder| folder.is_primary) {
        make_primary(conn, &project.id, path)?;
    }
    find(conn, &project.id)
}

/// Takes a folder away; where it was the main one, the oldest that is left becomes it.
///
/// # Errors
/// There is no such project, or the database cannot be written.
pub(in crate::projects) fn remove_folder(
    conn: &Connection,
    id: &str,
    path: &str,
) -> Result<Project, ProjectError> {
    let project = find(conn, id)?;
    let sql = "DELETE FROM project_folders WHERE project_id = ?1 AND path = ?2";
    conn.execute(sql, [project.id.as_str(), path])?;
    if project.folders.iter().any(|folder| folder.path == path && folder.is_primary) {
        let sql = "SELECT path FROM project_folders WHERE project_id = ?1 ORDER BY added_at, path LIMIT 1";
        let oldest = conn.query_row(sql, [&project.id], |row| row.get::<_, String>(0)).optional()?;
        match oldest {
            Some(oldest) => make_primary(conn, &project.id, &oldest)?,
            None => {
                let sql = "UPDATE projects SET primary_path = NULL WHERE id = ?1";
                conn.execute(sql, [&project.id])?;
            }
        }
    }
    find(conn, &project.id)
}

/// Makes a folder the main one; nothing changes where it is not the project's.
///
/// # Errors
/// There is no such project, or the database cannot be written.
pub(in crate::projects) fn set_primary(
    conn: &Connection,
    id: &str,
    path: &str,
) -> Result<Project, ProjectError> {
    let project = find(conn, id)?;
    if project.folders.iter().any(|folder| folder.path == path) {
        make_primary(conn, &project.id, path)?;
    }
    find(conn, &project.id)
}

/// Puts a project away, or brings it back. One that is put away is active no more; the original leaves it.
///
/// # Errors
/// There is no such project, or the database cannot be written.
pub(in crate::projects) fn archive(conn: &Connection, id: &str, restore: bool) -> Result<(), ProjectError> {
    let project = find(conn, id)?;
    conn.execute("UPDATE projects SET archived = ?2 WHERE id = ?1", params![project.id, !restore])?;
    if !restore {
        forget_active(conn, &project.id)?;
    }
    Ok(())
}

/// Deletes a project with its folders. It is active no more; the original leaves it.
///
/// # Errors
/// There is no such project, or the database cannot be written.
pub(in crate::projects) fn delete(conn: &Connection, id: &str) -> Result<(), ProjectError> {
    let project = find(conn, id)?;
    conn.execute("DELETE FROM projects WHERE id = ?1", [&project.id])?;
    forget_active(conn, &project.id)?;
    Ok(())
}

/// Makes a project the active one; `None`: none is.
///
/// # Errors
/// There is no such project, or the database cannot be written.
pub(in crate::projects) fn activate(
    conn: &Connection,
    id: Option<&str>,
) -> Result<Option<String>, ProjectError> {
    let Some(id) = id else {
        conn.execute("DELETE FROM project_meta WHERE key = 'active_id'", [])?;
        return Ok(None);
    };
    let project = find(conn, id)?;
    let sql = "INSERT INTO project_meta (key, value) VALUES ('active_id', ?1) \
         ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    conn.execute(sql, [&project.id])?;
    Ok(Some(project.id))
}

fn named(name: &str) -> Result<&str, ProjectError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(ProjectError::Argument("project name must not be empty".to_owned()));
    }
    Ok(name)
}

fn too_many() -> ProjectError {
    ProjectError::Argument(format!("a project has at most {FOLDERS_MAX} folders"))
}

/// The folders of a new project, each once, and the main one of them.
fn folders(new: &NewProject, origin: Origin<'_>) -> Result<(Vec<String>, Option<String>), ProjectError> {
    if new.folders.len() > FOLDERS_MAX {
        return Err(too_many());
    }
    let mut seen = HashSet::new();
    let mut folders = Vec::new();
    for folder in &new.folders {
        let folder = origin.folder(folder)?;
        if seen.insert(folder.clone()) {
            folders.push(folder);
        }
    }
    let wanted = new.primary_path.as_deref().filter(|path| !path.is_empty());
    let Some(primary) = wanted.map(|path| origin.folder(path)).transpose()? else {
        let first = folders.first().cloned();
        return Ok((folders, first));
    };
    if !seen.contains(&primary) {
        folders.insert(0, primary.clone());
    }
    Ok((folders, Some(primary)))
}

fn make_primary(conn: &Connection, id: &str, path: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE project_folders SET is_primary = (path = ?2) WHERE project_id = ?1";
    conn.execute(sql, [id, path])?;
    conn.execute("UPDATE projects SET primary_path = ?2 WHERE id = ?1", [id, path])?;
    Ok(())
}

fn forget_active(conn: &Connection, id: &str) -> rusqlite::Result<()> {
    conn.execute("DELETE FROM project_meta WHERE key = 'active_id' AND value = ?1", [id])?;
    Ok(())
}

/// Whether a project has this in a column.
fn is_there(conn: &Connection, column: &'static str, value: &str) -> rusqlite::Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM projects WHERE {column} = ?1)");
    conn.query_row(&sql, [value], |row| row.get(0))
}

/// An id that no project has.
fn fresh_id(conn: &Connection) -> Result<String, ProjectError> {
    for _ in 0..DRAWS_MAX {
        let number = getrandom::u32()
            .map_err(|error| ProjectError::Failed(format!("no randomness for an id: {error}")))?;
        let id = format!("p_{number:08x}");
        if !is_there(conn, "id", &id)? {
            return Ok(id);
        }
    }
    Err(ProjectError::Failed("no id is free".to_owned()))
}
