//! Projects: what people group conversations by, the repositories that are found, and the tree of both.

mod json;
mod tree;

use serde::Serialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use self::tree::{Branch, Tree};
use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Next, Reply};
use crate::model::job::{JobResult, JobSpec};
use crate::model::projects::{NewProject, ProjectChange, ProjectDone, ProjectError, ProjectJob};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

// In the original most of them are answered inline; here none waits for a disk on the loop.
pub(super) const METHODS: &[Method] = &[
    Method::new("projects.list", Lane::Pool, "List the projects, archived ones too.", list),
    Method::new("projects.get", Lane::Pool, "Show a project.", get),
    Method::new("projects.create", Lane::Pool, "Make a project.", create),
    Method::new("projects.update", Lane::Pool, "Give a project another name, icon or colour.", update),
    Method::new("projects.add_folder", Lane::Pool, "Add a folder to a project.", add_folder),
    Method::new("projects.remove_folder", Lane::Pool, "Take a folder from a project.", remove_folder),
    Method::new("projects.set_primary", Lane::Pool, "Choose the main folder of a project.", set_primary),
    Method::new("projects.archive", Lane::Pool, "Put a project away, or bring it back.", archive),
    Method::new("projects.delete", Lane::Pool, "Delete a project; its folders stay on disk.", delete),
    Method::new("projects.set_active", Lane::Pool, "Choose the active project, or none.", set_active),
    Method::new("projects.for_cwd", Lane::Pool, "Tell which project a directory belongs to.", for_cwd),
    Method::new("projects.discover_repos", Lane::Pool, "List the repositories that are known.", discover),
    Method::new("projects.record_repos", Lane::Pool, "Keep what a scan of the disk found.", record),
    Method::new("projects.tree", Lane::Pool, "Show projects, repositories and their lanes.", tree),
    Method::new("projects.project_sessions", Lane::Pool, "Show the sessions of a project.", sessions),
];

/// Sessions that each project of the tree shows unless a client says otherwise (the original's).
const PREVIEW_DEFAULT: i64 = 3;

/// Sessions that the tree is made of (the original's).
const TREE_SESSIONS_DEFAULT: i64 = 2000;

/// Sessions that one project is looked for in (the original's).
const PROJECT_SESSIONS_DEFAULT: i64 = 5000;

/// Sessions that are looked at for one answer, at most. Ours: the original has no bound. Each takes half a
/// kilobyte of the answer.
const SESSIONS_MAX: i64 = 50_000;

type Answer = Result<Reply, RpcError>;

fn list(_ctx: &mut Ctx<'_>, _params: &Params) -> Answer {
    work(ProjectJob::List)
}

fn get(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::Get { id: owned(params, "id")? })
}

fn create(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    let new = NewProject {
        name: owned(params, "name")?,
        slug: text(params, "slug")?,
        folders: folders(params)?,
        primary_path: text(params, "primary_path")?,
        description: text(params, "description")?,
        icon: text(params, "icon")?,
        color: text(params, "color")?,
        board_slug: text(params, "board_slug")?,
        activate: params.truthy("use"),
    };
    work(ProjectJob::Create(new))
}

fn update(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    let change = ProjectChange {
        name: text(params, "name")?,
        description: text(params, "description")?,
        icon: text(params, "icon")?,
        color: text(params, "color")?,
        board_slug: text(params, "board_slug")?,
    };
    work(ProjectJob::Update { id: owned(params, "id")?, change })
}

fn add_folder(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::AddFolder {
        id: owned(params, "id")?,
        path: owned(params, "path")?,
        label: text(params, "label")?,
        is_primary: params.truthy("is_primary"),
    })
}

fn remove_folder(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::RemoveFolder { id: owned(params, "id")?, path: owned(params, "path")? })
}

fn set_primary(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::SetPrimary { id: owned(params, "id")?, path: owned(params, "path")? })
}

fn archive(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::Archive { id: owned(params, "id")?, restore: params.truthy("restore") })
}

fn delete(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::Delete { id: owned(params, "id")? })
}

fn set_active(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::SetActive { id: text(params, "id")?.filter(|id| !id.is_empty()) })
}

fn for_cwd(ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    let candidates = match params.text_or_empty("cwd")?.trim() {
        "" => ctx.gateway.cwd_candidates(),
        cwd => vec![cwd.into()],
    };
    work(ProjectJob::ForCwd { candidates })
}

fn discover(_ctx: &mut Ctx<'_>, _params: &Params) -> Answer {
    work(ProjectJob::DiscoverRepos)
}

fn record(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    work(ProjectJob::RecordRepos { repos: repos(params)? })
}

fn tree(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    let preview_limit = limit(params, "preview_limit", PREVIEW_DEFAULT)?;
    let session_limit = session_limit(params, TREE_SESSIONS_DEFAULT)?;
    work(ProjectJob::Tree { preview_limit, session_limit })
}

fn sessions(_ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    let project = owned(params, "project_id")?;
    if project.is_empty() {
        return Err(RpcError::new(5063, "project_id required"));
    }
    let session_limit = session_limit(params, PROJECT_SESSIONS_DEFAULT)?;
    work(ProjectJob::Sessions { project, session_limit })
}

/// What is changed is changed by the job alone: nothing is left to do for a client that is gone.
fn work(job: ProjectJob) -> Answer {
    let next = Next::new(|_, result| answer(result));
    Ok(Reply::Next { spec: JobSpec::Projects(Box::new(job)), next, lasts: false })
}

fn answer(result: JobResult) -> Answer {
    let done = match result {
        JobResult::Projects(Ok(done)) => *done,
        JobResult::Projects(Err(ProjectError::NoProject)) => {
            return Err(RpcError::new(5062, "no such project"));
        }
        JobResult::Projects(Err(ProjectError::Argument(why))) => return Err(RpcError::new(5063, why)),
        JobResult::Projects(Err(ProjectError::Failed(why))) => return Err(RpcError::new(5061, why)),
        other => return Err(failed(5061, other)),
    };
    Ok(Reply::Now(match done {
        ProjectDone::Listed { projects, active } => json!({
            "projects": projects.iter().map(json::project).collect::<Vec<_>>(),
            "active_id": active,
        }),
        ProjectDone::One(project) => json!({ "project": json::project(&project) }),
        ProjectDone::Active(active) => json!({ "active_id": active }),
        ProjectDone::Owner { project, cwd, branch } => json!({
            "project": project.as_ref().map(json::project),
            "cwd": cwd.display().to_string(),
            "branch": branch,
        }),
        ProjectDone::Repos(repos) => json!({ "repos": repos.iter().map(json::repo).collect::<Vec<_>>() }),
        ProjectDone::Tree { projects, active, scoped } => {
            return written(&Tree::new(&projects, active.as_deref(), &scoped));
        }
        ProjectDone::Branch(node) => return written(&Branch::new(node.as_ref())),
    }))
}

fn written(result: &impl Serialize) -> Answer {
    // It fails only for maps with keys that are no strings, and there is none.
    let text = to_raw_value(result).map_err(|error| RpcError::new(5061, error.to_string()))?;
    Ok(Reply::Written(text))
}

fn text(params: &Params, name: &str) -> Result<Option<String>, RpcError> {
    Ok(params.text(name)?.map(str::to_owned))
}

fn owned(params: &Params, name: &str) -> Result<String, RpcError> {
    params.text_or_empty(name).map(str::to_owned)
}

/// Paths. The original takes a text for a list of letters.
fn folders(params: &Params) -> Result<Vec<String>, RpcError> {
    let wrong = || RpcError::new(5063, "folders must be a list of paths");
    match params.get("folders") {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// Roots with their labels; what is neither a text nor has a root is skipped, as in the original.
fn repos(params: &Params) -> Result<Vec<(String, Option<String>)>, RpcError> {
    let items = match params.get("repos") {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(RpcError::new(5063, "repos must be a list of repositories")),
    };
    let repo = |item: &Value| {
        let (root, label) = match item {
            Value::Object(repo) => (repo.get("root")?.as_str()?, repo.get("label").and_then(Value::as_str)),
            item => (item.as_str()?, None),
        };
        (!root.is_empty()).then(|| (root.to_owned(), label.map(str::to_owned)))
    };
    Ok(items.iter().filter_map(repo).collect())
}

/// Sessions that count; a negative number means all, as far as there is room.
fn session_limit(params: &Params, default: i64) -> Result<i64, RpcError> {
    let limit = limit(params, "session_limit", default)?;
    Ok(if limit < 0 { SESSIONS_MAX } else { limit.min(SESSIONS_MAX) })
}

/// A number; 0 and nothing mean the default.
fn limit(params: &Params, name: &str, default: i64) -> Result<i64, RpcError> {
    if !params.truthy(name) {
        return Ok(default);
    }
    let limit = params.int(name).map_err(|error| RpcError::new(5061, error.message))?;
    Ok(limit.unwrap_or(default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_a_list_of_texts() {
        let read =
            |value: Value| folders(&Params::of(json!({ "folders": value }))).map_err(|error| error.code);
        assert_eq!(read(json!(["/a", ""])), Ok(vec!["/a".to_owned(), String::new()]));
        assert_eq!(read(json!(null)), Ok(Vec::new()));
        for wrong in [json!("/a"), json!(""), json!({}), json!([1]), json!(["/a", null])] {
            assert_eq!(read(wrong.clone()), Err(5063), "{wrong}");
        }
    }

    #[test]
    fn repositories_are_texts_or_have_a_root() {
        let items = json!(["/a", "", 5, null, {"root": "/b", "label": "B"}, {"root": "/c", "label": 5},
            {"root": ""}, {"root": 5}, {"label": "x"}, ["/d"]]);
        let pair = |root: &str, label: Option<&str>| (root.to_owned(), label.map(str::to_owned));
        let read = repos(&Params::of(json!({ "repos": items })));
        assert_eq!(read, Ok(vec![pair("/a", None), pair("/b", Some("B")), pair("/c", None)]));
        assert_eq!(repos(&Params::default()), Ok(Vec::new()));
        assert_eq!(repos(&Params::of(json!({ "repos": "/a" }))).map_err(|error| error.code), Err(5063));
    }

    #[test]
    fn limits_have_defaults_and_a_bound() {
        let read = |value: Value| {
            let params = Params::of(json!({ "preview_limit": value, "session_limit": value }));
            let read = (limit(&params, "preview_limit", 3), session_limit(&params, 2000));
            (read.0.map_err(|error| error.code), read.1.map_err(|error| error.code))
        };
        for nothing in [json!(null), json!(0), json!(""), json!([]), json!(false)] {
            assert_eq!(read(nothing.clone()), (Ok(3), Ok(2000)), "{nothing}");
        }
        assert_eq!(read(json!("7")), (Ok(7), Ok(7)));
        assert_eq!(read(json!(-1)), (Ok(-1), Ok(SESSIONS_MAX)));
        assert_eq!(read(json!(1_000_000)), (Ok(1_000_000), Ok(SESSIONS_MAX)));
        for wrong in [json!("many"), json!([1]), json!({"a": 1})] {
            assert_eq!(read(wrong.clone()), (Err(5061), Err(5061)), "{wrong}");
        }
    }
}
