//! The rules of the database, each.

use std::path::Path;

use rusqlite::Connection;

use super::{Db, change, list, scan};
use crate::base::scratch::Scratch;
use crate::model::projects::{NewProject, Project, ProjectChange, ProjectError};
use crate::projects::path::Origin;

/// When everything happens unless a test says otherwise.
const NOW: i64 = 100;

fn origin() -> Origin<'static> {
    Origin { user_home: Some(Path::new("/home/u")), process_dir: Path::new("/p") }
}

fn open(dir: &Scratch) -> Db {
    Db::open(dir.path()).unwrap()
}

fn new(name: &str, folders: &[&str]) -> NewProject {
    let folders = folders.iter().map(|folder| (*folder).to_owned()).collect();
    NewProject { name: name.to_owned(), folders, ..NewProject::default() }
}

impl Db {
    fn create(&mut self, new: &NewProject) -> Result<Project, ProjectError> {
        self.write(|tx| change::create(tx, new, origin(), NOW))
    }

    fn made(&mut self, name: &str, folders: &[&str]) -> Project {
        self.create(&new(name, folders)).unwrap()
    }

    fn add(&mut self, id: &str, path: &str, at: i64) -> Project {
        self.write(|tx| change::add_folder(tx, id, path, None, false, at)).unwrap()
    }

    fn remove(&mut self, id: &str, path: &str) -> Project {
        self.write(|tx| change::remove_folder(tx, id, path)).unwrap()
    }

    fn find(&self, name: &str) -> Result<Project, ProjectError> {
        self.read(|conn| list::find(conn, name))
    }

    fn active(&self) -> Option<String> {
        self.read(|conn| Ok(list::active(conn)?)).unwrap()
    }

    fn owner(&self, path: &str) -> Option<String> {
        self.read(|conn| list::owner(conn, path)).unwrap().map(|project| project.name)
    }

    /// What a scan found: roots and labels, sorted.
    fn scanned(&self) -> Vec<(String, String)> {
        let scanned = self.read(|conn| Ok(scan::list(conn)?)).unwrap();
        let mut pairs: Vec<_> = scanned.into_iter().map(|repo| (repo.root, repo.label)).collect();
        pairs.sort();
        pairs
    }
}

/// The folders, the main one marked.
fn folders(project: &Project) -> Vec<String> {
    let mark = |is_primary: bool| if is_primary { "*" } else { "" };
    let shown = project.folders.iter().map(|folder| format!("{}{}", mark(folder.is_primary), folder.path));
    shown.collect()
}

fn argument<T>(result: Result<T, ProjectError>) -> String {
    match result {
        Err(ProjectError::Argument(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn a_project_is_found_by_its_id_and_its_slug_in_any_case() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let made = db.made(" My App ", &["/w/app"]);
    assert_eq!((made.name.as_str(), made.slug.as_str()), ("My App", "my-app"));
    assert_eq!((made.id.len(), &made.id[..2], made.created_at), (10, "p_", NOW));
    assert_eq!(made.primary_path.as_deref(), Some("/w/app"));
    for name in [made.id.as_str(), "my-app", "MY-App"] {
        assert_eq!(db.find(name), Ok(made.clone()), "{name}");
    }
    assert_eq!(db.find("none"), Err(ProjectError::NoProject));
    assert_eq!(db.find(""), Err(ProjectError::NoProject));
    // Another connection sees it, and the file has the mode of a diary.
    assert_eq!(open(&dir).find("my-app"), Ok(made));
}

#[test]
fn an_id_counts_before_a_slug() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let first = db.made("a", &[]);
    let like = NewProject { slug: Some(first.id.clone()), ..new("b", &[]) };
    assert_eq!(db.create(&like).map(|project| project.slug), Ok(first.id.clone()));
    assert_eq!(db.find(&first.id), Ok(first));
}

#[test]
fn slugs_are_unique_and_blank_ones_are_made_of_the_name() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let slugs: Vec<String> = (0..3).map(|_| db.made("App", &[]).slug).collect();
    assert_eq!(slugs, ["app", "app-2", "app-3"]);
    let blank = NewProject { slug: Some("  ".to_owned()), board_slug: Some(" ".to_owned()), ..new("B", &[]) };
    let made = db.create(&blank).unwrap();
    assert_eq!((made.slug.as_str(), made.board_slug), ("b", None));
    let wrong = NewProject { slug: Some("a b".to_owned()), ..new("B", &[]) };
    assert!(argument(db.create(&wrong)).starts_with("invalid project slug 'a b'"));
    let wrong = NewProject { board_slug: Some("-".to_owned()), ..new("B", &[]) };
    assert!(argument(db.create(&wrong)).starts_with("invalid project slug '-'"));
}

#[test]
fn what_makes_no_sense_leaves_nothing_behind() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    assert_eq!(argument(db.create(&new(" ", &[]))), "project name must not be empty");
    assert_eq!(argument(db.create(&new("a", &["/w", " "]))), "folder path must not be empty");
    let primary = NewProject { primary_path: Some(" ".to_owned()), ..new("a", &[]) };
    assert_eq!(argument(db.create(&primary)), "folder path must not be empty");
    let many = vec!["/w"; change::FOLDERS_MAX + 1];
    assert!(argument(db.create(&new("a", &many))).contains("at most"));
    assert_eq!(db.read(|conn| Ok(list::all(conn, true)?)), Ok(Vec::new()));
}

#[test]
fn a_new_project_has_one_main_folder() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let made = db.made("a", &["/w/b/", "~/a", "/w/x/../b"]);
    assert_eq!(folders(&made), ["*/w/b", "/home/u/a"]);
    let given = NewProject { primary_path: Some("c".to_owned()), ..new("b", &["/w/b"]) };
    let made = db.create(&given).unwrap();
    assert_eq!(
        (folders(&made), made.primary_path.as_deref()),
        (vec!["*/p/c".into(), "/w/b".into()], Some("/p/c"))
    );
    let known = NewProject { primary_path: Some("/w/c".to_owned()), ..new("c", &["/w/b", "/w/c"]) };
    assert_eq!(folders(&db.create(&known).unwrap()), ["*/w/c", "/w/b"]);
    let none = db.made("d", &[]);
    assert_eq!((none.primary_path, none.folders), (None, Vec::new()));
}

#[test]
fn the_main_folder_moves_on() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let id = db.made("a", &[]).id;
    assert_eq!(folders(&db.add(&id, "/w/z", 1)), ["*/w/z"]);
    assert_eq!(folders(&db.add(&id, "/w/b", 2)), ["*/w/z", "/w/b"]);
    assert_eq!(folders(&db.add(&id, "/w/a", 2)), ["*/w/z", "/w/a", "/w/b"]);
    // Again changes nothing; a label stays where none is given.
    let labelled = |db: &mut Db, label: Option<&str>| {
        let add = |tx: &rusqlite::Transaction<'_>| change::add_folder(tx, &id, "/w/b", label, true, 9);
        let project = db.write(add).unwrap();
        project.folders.into_iter().next().map(|folder| (folder.path, folder.label, folder.added_at))
    };
    let wanted = Some(("/w/b".to_owned(), Some("B".to_owned()), 2));
    assert_eq!(labelled(&mut db, Some("B")), wanted);
    assert_eq!(labelled(&mut db, None), wanted);
    let left = db.remove(&id, "/w/b");
    assert_eq!(
        (folders(&left), left.primary_path.as_deref()),
        (vec!["*/w/z".into(), "/w/a".into()], Some("/w/z"))
    );
    assert_eq!(folders(&db.remove(&id, "/w/a")), ["*/w/z"]);
    assert_eq!(folders(&db.remove(&id, "/nowhere")), ["*/w/z"]);
    assert_eq!(db.remove(&id, "/w/z").primary_path, None);
}

#[test]
fn only_a_folder_of_the_project_becomes_the_main_one() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let made = db.made("a", &["/w/a", "/w/b"]);
    let chosen = db.write(|tx| change::set_primary(tx, "a", "/w/b")).unwrap();
    assert_eq!(
        (folders(&chosen), chosen.primary_path.as_deref()),
        (vec!["*/w/b".into(), "/w/a".into()], Some("/w/b"))
    );
    assert_eq!(db.write(|tx| change::set_primary(tx, &made.id, "/w/c")), Ok(chosen));
}

#[test]
fn words_change_where_they_are_given_and_empty_ones_clear() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let text = |text: &str| Some(text.to_owned());
    let full = NewProject {
        description: text("d"),
        icon: text("i"),
        color: text("c"),
        board_slug: text("Board"),
        ..new("a", &[])
    };
    let made = db.create(&full).unwrap();
    assert_eq!(made.board_slug.as_deref(), Some("board"));
    let same = db.write(|tx| change::update(tx, "a", &ProjectChange::default()));
    assert_eq!(same, Ok(made.clone()));
    let cleared = ProjectChange {
        name: text(" New "),
        description: text(""),
        icon: text(""),
        color: text(""),
        board_slug: text(" "),
    };
    let now = db.write(|tx| change::update(tx, "a", &cleared)).unwrap();
    let words = (now.name.as_str(), now.slug.as_str(), now.description.as_deref());
    assert_eq!(words, ("New", "a", Some("")));
    assert_eq!((now.icon, now.color, now.board_slug), (None, None, None));
    let blank = ProjectChange { name: text(" "), ..ProjectChange::default() };
    assert_eq!(argument(db.write(|tx| change::update(tx, "a", &blank))), "project name must not be empty");
    assert_eq!(db.write(|tx| change::update(tx, "b", &blank)), Err(ProjectError::NoProject));
}

#[test]
fn what_is_put_away_or_deleted_is_active_no_more() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let first = NewProject { activate: true, ..new("a", &["/w/a"]) };
    let first = db.create(&first).unwrap().id;
    assert_eq!(db.active(), Some(first.clone()));
    let second = db.made("b", &[]).id;
    db.write(|tx| change::archive(tx, &second, false)).unwrap();
    assert_eq!(db.active(), Some(first.clone()));
    db.write(|tx| change::archive(tx, &first, false)).unwrap();
    assert_eq!(db.active(), None);
    let names = |archived| {
        let all = db.read(|conn| Ok(list::all(conn, archived)?)).unwrap();
        all.into_iter().map(|project| project.name).collect::<Vec<_>>()
    };
    assert_eq!((names(true), names(false)), (vec!["a".to_owned(), "b".to_owned()], Vec::new()));
    db.write(|tx| change::archive(tx, &first, true)).unwrap();
    assert_eq!(db.write(|tx| change::activate(tx, Some("A"))), Ok(Some(first.clone())));
    db.write(|tx| change::delete(tx, &first)).unwrap();
    assert_eq!(db.active(), None);
    assert_eq!(db.write(|tx| change::delete(tx, &first)), Err(ProjectError::NoProject));
    let count = "SELECT COUNT(*) FROM project_folders";
    let left = db.read(|conn| Ok(conn.query_row(count, [], |row| row.get::<_, i64>(0))?));
    assert_eq!(left, Ok(0));
}

#[test]
fn nobody_is_active_when_that_is_wished() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let id = db.made("a", &[]).id;
    assert_eq!(db.write(|tx| change::activate(tx, Some("a"))), Ok(Some(id)));
    assert_eq!(db.write(|tx| change::activate(tx, Some("b"))), Err(ProjectError::NoProject));
    assert!(db.active().is_some());
    assert_eq!(db.write(|tx| change::activate(tx, None)), Ok(None));
    assert_eq!(db.active(), None);
}

#[test]
fn the_deepest_folder_owns_a_path() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    db.made("outer", &["/w"]);
    db.made("inner", &["/other", "/w/app"]);
    db.made("again", &["/w/app"]);
    for (path, want) in [
        ("/w", Some("outer")),
        ("/w/application", Some("outer")),
        ("/w/app/src", Some("inner")),
        ("/x", None),
    ] {
        assert_eq!(db.owner(path).as_deref(), want, "{path}");
    }
    db.made("root", &["/"]);
    assert_eq!(db.owner("/x").as_deref(), Some("root"));
    db.write(|tx| change::archive(tx, "inner", false)).unwrap();
    assert_eq!(db.owner("/w/app/src").as_deref(), Some("again"));
}

#[test]
fn a_scan_takes_the_place_of_the_one_before() {
    let dir = Scratch::new();
    let mut db = open(&dir);
    let mut scan = |repos: &[(&str, Option<&str>)]| {
        let repos: Vec<_> =
            repos.iter().map(|(root, label)| ((*root).to_owned(), label.map(str::to_owned))).collect();
        db.write(|tx| Ok(scan::replace(tx, &repos, origin(), NOW)?)).unwrap();
        db.scanned()
    };
    let pair = |root: &str, label: &str| (root.to_owned(), label.to_owned());
    let found = scan(&[("/w/a/", Some("A")), ("/w/b", None), ("/w/a", Some("last")), (" ", None)]);
    assert_eq!(found, [pair("/w/a", "last"), pair("/w/b", "b")]);
    assert_eq!(scan(&[("c", Some(""))]), [pair("/p/c", "c")]);
    assert!(scan(&[]).is_empty());
}

#[test]
fn old_files_get_what_they_lack() {
    let dir = Scratch::new();
    let old = Connection::open(dir.path().join("projects.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE projects (id TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
             description TEXT, created_at INTEGER NOT NULL, archived INTEGER NOT NULL DEFAULT 0);
         INSERT INTO projects (id, slug, name, created_at) VALUES ('p_1', 'old', 'Old', 7);",
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let db = open(&dir);
        let found = db.find("old").unwrap();
        assert_eq!((found.created_at, found.icon, found.archived), (7, None, false));
    }
    let mut db = open(&dir);
    assert_eq!(folders(&db.add("old", "/w/a", 1)), ["*/w/a"]);
}

#[test]
fn what_is_no_database_is_an_error() {
    let dir = Scratch::new();
    dir.write("projects.db", "x".repeat(4096));
    assert!(matches!(Db::open(dir.path()), Err(ProjectError::Failed(_))));
    let file = dir.write("file", "");
    assert!(matches!(Db::open(&file.join("below")), Err(ProjectError::Failed(_))));
}
