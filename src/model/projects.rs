//! The words of what groups conversations: projects, their folders and repositories.

mod tree;

use std::path::PathBuf;

pub use self::tree::{DiscoveredRepo, Folder, LaneNode, Project, ProjectNode, RepoNode, SessionRow};

/// Work on what groups conversations: projects, their folders and repositories. A project is named by its id
/// or its slug, except where something else is said.
#[derive(Clone, PartialEq, Debug)]
pub enum ProjectJob {
    /// All projects. → [`ProjectDone::Listed`]
    List,
    /// One. → [`ProjectDone::One`]
    Get {
        /// Which.
        id: String,
    },
    /// A new one. → [`ProjectDone::One`]
    Create(NewProject),
    /// Other words for one. → [`ProjectDone::One`]
    Update {
        /// Which.
        id: String,
        /// The words.
        change: ProjectChange,
    },
    /// A folder comes to one. → [`ProjectDone::One`]
    AddFolder {
        /// Which.
        id: String,
        /// The folder.
        path: String,
        /// What it is called.
        label: Option<String>,
        /// Whether it becomes the main one.
        is_primary: bool,
    },
    /// A folder leaves one. → [`ProjectDone::One`]
    RemoveFolder {
        /// Which.
        id: String,
        /// The folder.
        path: String,
    },
    /// A folder of one becomes the main one. → [`ProjectDone::One`]
    SetPrimary {
        /// Which.
        id: String,
        /// The folder.
        path: String,
    },
    /// One is put away, or brought back. → [`ProjectDone::Listed`]
    Archive {
        /// Which.
        id: String,
        /// Whether it is brought back.
        restore: bool,
    },
    /// One is deleted. → [`ProjectDone::Listed`]
    Delete {
        /// Which.
        id: String,
    },
    /// One becomes the active one; `None`: none is. → [`ProjectDone::Active`]
    SetActive {
        /// Which.
        id: Option<String>,
    },
    /// The one a directory belongs to. → [`ProjectDone::Owner`]
    ForCwd {
        /// The directory; of several, the first that is not empty.
        candidates: Vec<PathBuf>,
    },
    /// The repositories people worked in, and those of the last scan. → [`ProjectDone::Repos`]
    DiscoverRepos,
    /// A scan of the disk found these and no others. → [`ProjectDone::Repos`]
    RecordRepos {
        /// Roots with their labels.
        repos: Vec<(String, Option<String>)>,
    },
    /// Everything, without the conversations in it. → [`ProjectDone::Tree`]
    Tree {
        /// Newest conversations that each project shows; none when not above 0.
        preview_limit: i64,
        /// Conversations that count, newest first; negative for all.
        session_limit: i64,
    },
    /// One project of it with its conversations. → [`ProjectDone::Branch`]
    Sessions {
        /// The id of its node.
        project: String,
        /// Conversations that count, newest first; negative for all.
        session_limit: i64,
    },
}

/// A project to make. Texts are as the client sent them.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct NewProject {
    /// For people; not blank.
    pub name: String,
    /// For addresses; made from the name where there is none.
    pub slug: Option<String>,
    /// Its folders.
    pub folders: Vec<String>,
    /// The main one; otherwise the first.
    pub primary_path: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// A picture of one letter or so.
    pub icon: Option<String>,
    /// The colour in lists.
    pub color: Option<String>,
    /// The slug of a board of tasks.
    pub board_slug: Option<String>,
    /// Whether it becomes the active one.
    pub activate: bool,
}

/// Other words for a project; `None` leaves what is there.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct ProjectChange {
    /// For people; not blank.
    pub name: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// A picture; empty for none.
    pub icon: Option<String>,
    /// The colour in lists; empty for none.
    pub color: Option<String>,
    /// The slug of a board of tasks; blank for none.
    pub board_slug: Option<String>,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub enum ProjectDone {
    /// All projects, archived ones too, in the order of their creation.
    Listed {
        /// The projects.
        projects: Vec<Project>,
        /// The id of the active one.
        active: Option<String>,
    },
    /// A project as it is now.
    One(Project),
    /// The id of the active project.
    Active(Option<String>),
    /// Whose a directory is.
    Owner {
        /// The project with the deepest folder around it.
        project: Option<Project>,
        /// The directory.
        cwd: PathBuf,
        /// Its git branch; empty outside git.
        branch: String,
    },
    /// Repositories, newest first.
    Repos(Vec<DiscoveredRepo>),
    /// Everything.
    Tree {
        /// The projects.
        projects: Vec<ProjectNode>,
        /// The id of the active one.
        active: Option<String>,
        /// Conversations that belong to a project.
        scoped: Vec<String>,
    },
    /// One project; `None` where there is no such node.
    Branch(Option<ProjectNode>),
}

/// Why nothing came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProjectError {
    /// No project has this id or slug.
    NoProject,
    /// What was asked for makes no sense; a sentence for people.
    Argument(String),
    /// Anything else; a sentence for people.
    Failed(String),
}
