//! What is asked of projects one by one: each job is one step of the database. Knows no tree.

use super::db::{Db, change, list};
use super::path::Origin;
use super::{Around, overview};
use crate::model::projects::{ProjectDone, ProjectError, ProjectJob};
use crate::probe::workspace;

/// Does it.
///
/// # Errors
/// There is no such project, what was asked for makes no sense, or a database cannot be used.
pub(super) fn run(job: &ProjectJob, around: &Around<'_>) -> Result<ProjectDone, ProjectError> {
    let open = || Db::open(around.home);
    let (origin, now) = (Origin::of(around), around.now);
    let project = match job {
        ProjectJob::List => return listed(&open()?),
        ProjectJob::Get { id } => open()?.read(|conn| list::find(conn, id)),
        ProjectJob::Create(new) => open()?.write(|tx| change::create(tx, new, origin, now)),
        ProjectJob::Update { id, change } => open()?.write(|tx| change::update(tx, id, change)),
        ProjectJob::AddFolder { id, path, label, is_primary } => {
            let (path, label) = (origin.folder(path)?, label.as_deref());
            open()?.write(|tx| change::add_folder(tx, id, &path, label, *is_primary, now))
        }
        ProjectJob::RemoveFolder { id, path } => {
            let path = origin.folder(path)?;
            open()?.write(|tx| change::remove_folder(tx, id, &path))
        }
        ProjectJob::SetPrimary { id, path } => {
            let path = origin.folder(path)?;
            open()?.write(|tx| change::set_primary(tx, id, &path))
        }
        ProjectJob::SetActive { id } => {
            let active = open()?.write(|tx| change::activate(tx, id.as_deref()))?;
            return Ok(ProjectDone::Active(active));
        }
        ProjectJob::Archive { id, restore } => {
            let mut db = open()?;
            db.write(|tx| change::archive(tx, id, *restore))?;
            return listed(&db);
        }
        ProjectJob::Delete { id } => {
            let mut db = open()?;
            db.write(|tx| change::delete(tx, id))?;
            return listed(&db);
        }
        ProjectJob::ForCwd { candidates } => {
            let cwd = workspace::resolve(candidates, around.user_home);
            let target = cwd.display().to_string();
            let project = open()?.read(|conn| list::owner(conn, &target))?;
            return Ok(ProjectDone::Owner { project, branch: around.git.branch(&target), cwd });
        }
        ProjectJob::DiscoverRepos => return overview::discover(around),
        ProjectJob::RecordRepos { repos } => return overview::record(around, repos),
        ProjectJob::Tree { preview_limit, session_limit } => {
            return overview::tree(around, *preview_limit, *session_limit);
        }
        ProjectJob::Sessions { project, session_limit } => {
            return overview::node(around, project, *session_limit);
        }
    };
    project.map(ProjectDone::One)
}

/// All projects, archived ones too.
fn listed(db: &Db) -> Result<ProjectDone, ProjectError> {
    db.read(|conn| Ok(ProjectDone::Listed { projects: list::all(conn, true)?, active: list::active(conn)? }))
}
