//! What comes together, from a store that is made up and directories without git: where git knows nothing,
//! what is stored counts.

use std::cell::RefCell;
use std::path::Path;

use super::*;
use crate::base::scratch::Scratch;
use crate::model::projects::{NewProject, ProjectJob, ProjectNode};
use crate::probe::git::Repositories;
use crate::projects::{Known, run};

/// A store with these conversations, that remembers which roots are to be noted.
struct Said {
    rows: Vec<SessionRow>,
    noted: RefCell<Vec<(String, String)>>,
    /// Of the one home that it is asked about.
    known: Known,
    is_broken: bool,
}

impl Said {
    fn with(rows: Vec<SessionRow>) -> Self {
        Self { rows, noted: RefCell::default(), known: Known::default(), is_broken: false }
    }

    fn answer(&self, asked: Asked) -> Result<Told, StoreError> {
        if self.is_broken {
            return Err(StoreError::Unavailable("no disk".to_owned()));
        }
        let workdir = |row: &SessionRow| {
            Some(Workdir { cwd: row.cwd.clone()?, sessions: 1, last_active: row.started_at })
        };
        Ok(match asked {
            Asked::Rows { limit } => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Told::Rows(self.rows.iter().take(limit).cloned().map(Arc::new).collect())
            }
            Asked::Workdirs => Told::Workdirs(self.rows.iter().filter_map(workdir).collect()),
            Asked::NoteRoots(roots) => {
                self.noted.borrow_mut().extend(roots);
                Told::Noted(0)
            }
            other => panic!("{other:?}"),
        })
    }

    fn run(&self, dir: &Scratch, job: &ProjectJob) -> Result<ProjectDone, ProjectError> {
        let home = dir.dir("home");
        let around = Around {
            home: &home,
            user_home: Some(Path::new("/nobody")),
            process_dir: Path::new("/"),
            now: 100,
            git: &Repositories::new(&|_| None),
            known: &self.known,
            store: &|asked| self.answer(asked),
        };
        run(job, &around)
    }

    fn tree(&self, dir: &Scratch) -> (Vec<ProjectNode>, Vec<String>) {
        let job = ProjectJob::Tree { preview_limit: 3, session_limit: 10 };
        match self.run(dir, &job) {
            Ok(ProjectDone::Tree { projects, scoped, .. }) => (projects, scoped),
            other => panic!("{other:?}"),
        }
    }

    fn repos(&self, dir: &Scratch, job: &ProjectJob) -> Vec<(String, String, i64, f64)> {
        match self.run(dir, job) {
            Ok(ProjectDone::Repos(repos)) => repos
                .into_iter()
                .map(|repo| (repo.root, repo.label, repo.sessions, repo.last_active))
                .collect(),
            other => panic!("{other:?}"),
        }
    }
}

/// A conversation in a directory whose repository is stored.
fn row(id: &str, cwd: &str, root: &str, at: f64) -> SessionRow {
    let root = Some(root.to_owned()).filter(|root| !root.is_empty());
    SessionRow {
        id: id.to_owned(),
        started_at: at,
        last_active: at,
        cwd: Some(cwd.to_owned()),
        git_repo_root: root,
        ..SessionRow::default()
    }
}

/// A repository as git makes it, without git.
fn repository(dir: &Scratch, name: &str) -> String {
    let root = dir.dir(name);
    dir.write(&format!("{name}/.git/HEAD"), "ref: refs/heads/main\n");
    dir.dir(&format!("{name}/.git/objects"));
    dir.dir(&format!("{name}/.git/refs"));
    root.display().to_string()
}

#[test]
fn made_found_and_scanned_projects_stand_in_one_tree() {
    let dir = Scratch::new();
    let said = Said::with(vec![row("b", "/gone/lib", "/gone/lib", 2.0), row("a", "/gone/app", "", 1.0)]);
    let new =
        NewProject { name: "App".to_owned(), folders: vec!["/gone/app".to_owned()], ..NewProject::default() };
    said.run(&dir, &ProjectJob::Create(new)).unwrap();
    let scan = ProjectJob::RecordRepos { repos: vec![("/gone/seen".to_owned(), None)] };
    assert_eq!(said.repos(&dir, &scan), [("/gone/seen".to_owned(), "seen".to_owned(), 0, 100.0)]);
    let (projects, scoped) = said.tree(&dir);
    let shown: Vec<_> = projects.iter().map(|node| (node.label.as_str(), node.session_count)).collect();
    assert_eq!(shown, [("App", 1), ("lib", 1), ("seen", 0)]);
    assert_eq!(scoped, ["a", "b"]);
    let job = |project: &str| ProjectJob::Sessions { project: project.to_owned(), session_limit: 10 };
    let Ok(ProjectDone::Branch(Some(node))) = said.run(&dir, &job("/gone/lib")) else { panic!() };
    assert_eq!(node.repos[0].groups[0].sessions[0].id, "b");
    // What only a scan found has no conversations to show.
    assert_eq!(said.run(&dir, &job("/gone/seen")), Ok(ProjectDone::Branch(None)));
}

#[test]
fn repositories_of_conversations_and_of_scans_are_one_list() {
    let dir = Scratch::new();
    let (app, lib) = (repository(&dir, "w/app"), repository(&dir, "w/lib"));
    let within = dir.dir("w/app/src").display().to_string();
    let said = Said::with(vec![
        row("a", &app, "", 5.0),
        row("b", &within, "", 7.0),
        row("c", &lib, "", 6.0),
        row("d", "/gone", "", 9.0),
        row("e", &repository(&dir, "home/skills"), "", 8.0),
    ]);
    let found = said.repos(&dir, &ProjectJob::DiscoverRepos);
    let (app, lib) = (
        |label: &str, at| (app.clone(), label.to_owned(), 2, at),
        |at| (lib.clone(), "lib".to_owned(), 1, at),
    );
    assert_eq!(found, [app("app", 7.0), lib(6.0)]);
    let noted: Vec<String> = said.noted.borrow().iter().map(|(_, root)| root.clone()).collect();
    assert_eq!(noted[..2], [app("", 0.0).0, app("", 0.0).0]);
    // A scan knows better what it is called, and its time counts.
    let scan = ProjectJob::RecordRepos { repos: vec![(app("", 0.0).0, Some("The App".to_owned()))] };
    assert_eq!(said.repos(&dir, &scan), [app("The App", 100.0), lib(6.0)]);
    let nothing = ProjectJob::RecordRepos { repos: Vec::new() };
    assert_eq!(said.repos(&dir, &nothing), found);
    let many = ProjectJob::RecordRepos { repos: vec![("/w".to_owned(), None); REPOS_MAX + 1] };
    assert!(matches!(said.run(&dir, &many), Err(ProjectError::Argument(_))));
}

#[test]
fn without_conversations_there_is_no_overview() {
    let dir = Scratch::new();
    let said = Said { is_broken: true, ..Said::with(Vec::new()) };
    let new = NewProject { name: "App".to_owned(), ..NewProject::default() };
    said.run(&dir, &ProjectJob::Create(new)).unwrap();
    assert_eq!(said.tree(&dir), (Vec::new(), Vec::new()));
    assert!(said.repos(&dir, &ProjectJob::DiscoverRepos).is_empty());
    let job = ProjectJob::Sessions { project: "p".to_owned(), session_limit: 9 };
    assert_eq!(said.run(&dir, &job), Ok(ProjectDone::Branch(None)));
}

#[test]
fn a_directory_that_is_gone_is_answered_for_that_of_the_process() {
    let dir = Scratch::new();
    let said = Said::with(Vec::new());
    let app = repository(&dir, "w/app");
    let new = NewProject { name: "App".to_owned(), folders: vec![app.clone()], ..NewProject::default() };
    said.run(&dir, &ProjectJob::Create(new)).unwrap();
    let ask = |path: &str| match said.run(&dir, &ProjectJob::ForCwd { candidates: vec![path.into()] }) {
        Ok(ProjectDone::Owner { project, cwd, branch }) => (project.map(|project| project.name), cwd, branch),
        other => panic!("{other:?}"),
    };
    let (name, cwd, branch) = ask(&app);
    assert_eq!((name.as_deref(), cwd.as_path(), branch.as_str()), (Some("App"), Path::new(&app), "main"));
    assert_eq!(ask(&format!("{app}/none")).1, std::env::current_dir().unwrap());
}
