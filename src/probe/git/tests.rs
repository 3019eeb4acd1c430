//! Real repositories, made by git and compared with what git says of them, and a git that only counts.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::base::scratch::Scratch;

type Asked = Arc<Mutex<Vec<PathBuf>>>;

/// With the git of this machine, counted.
fn counted() -> (Repositories, Asked) {
    let asked = Asked::default();
    let (log, programs) = (asked.clone(), std::env::var_os("PATH"));
    let ask = move |dir: &Path, args: &[&str]| {
        log.lock().unwrap().push(dir.to_owned());
        program::ask(programs.as_deref(), dir, args)
    };
    (Repositories::with(false, Box::new(ask)), asked)
}

/// With a git that says this in every directory.
fn scripted(success: bool, text: &'static str) -> (Repositories, Asked) {
    let asked = Asked::default();
    let log = asked.clone();
    let ask = move |dir: &Path, _: &[&str]| {
        log.lock().unwrap().push(dir.to_owned());
        Said { success, text: text.to_owned() }
    };
    (Repositories::with(false, Box::new(ask)), asked)
}

fn count(asked: &Asked) -> usize {
    asked.lock().unwrap().len()
}

/// Runs git; `None` where it fails, or is not installed.
fn git(dir: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args([
        "-c",
        "user.name=n",
        "-c",
        "user.email=e",
        "-c",
        "init.defaultBranch=main",
    ]);
    let done = command.args(args).output().ok().filter(|done| done.status.success())?;
    Some(String::from_utf8(done.stdout).unwrap().trim().to_owned())
}

fn has_git() -> bool {
    git(Path::new("/"), &["--version"]).is_some()
}

/// A repository with one commit.
fn repository(dir: &Path) {
    git(dir, &["init", "-q"]).unwrap();
    git(dir, &["commit", "-q", "--allow-empty", "-m", "first"]).unwrap();
}

/// What the original makes of git's own answers.
fn according_to_git(dir: &Path) -> Option<Roots> {
    let worktree_root = git(dir, &["rev-parse", "--show-toplevel"])?;
    let common = git(dir, &["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
    let common = Path::new(&common).canonicalize().ok()?;
    let repo_root = main_checkout(&common).map_or_else(|| worktree_root.clone(), text);
    Some(Roots { repo_root, worktree_root })
}

/// A directory like a repository, without git.
fn fake(scratch: &Scratch, name: &str, head: &str) -> PathBuf {
    scratch.dir(&format!("{name}/.git/objects"));
    scratch.dir(&format!("{name}/.git/refs"));
    scratch.write(&format!("{name}/.git/HEAD"), head);
    scratch.path().join(name)
}

#[test]
fn checkouts_are_found_as_git_finds_them_and_without_it() {
    if !has_git() {
        return;
    }
    let scratch = Scratch::new();
    let main = scratch.dir("main");
    repository(&main);
    let side = scratch.path().join("side");
    git(&main, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]).unwrap();
    let task = main.join(".worktrees/t_ab12");
    git(&main, &["worktree", "add", "-q", "--detach", task.to_str().unwrap()]).unwrap();
    let nested = scratch.dir("main/vendor/nested");
    git(&nested, &["init", "-q"]).unwrap();
    let apart = scratch.dir("apart");
    let separate = format!("--separate-git-dir={}", scratch.path().join("store").display());
    git(&apart, &["init", "-q", &separate]).unwrap();
    scratch.dir("main/a/b");
    scratch.dir("side/c");
    scratch.dir("plain/d");
    symlink(&main, scratch.path().join("link")).unwrap();
    let (repositories, asked) = counted();
    for name in [
        "main",
        "main/a/b",
        "side",
        "side/c",
        "main/.worktrees/t_ab12",
        "main/vendor/nested",
        "apart",
        "link/a",
        "plain/d",
        "gone",
    ] {
        let dir = scratch.path().join(name);
        assert_eq!(repositories.resolve(&dir), according_to_git(&dir), "{name}");
    }
    assert_eq!(count(&asked), 0);
    let of_side = repositories.resolve(&side).unwrap();
    assert_eq!((of_side.repo_root, of_side.worktree_root), (text(&main), text(&side)));
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    if !has_git() {
        return;
    }
    let scratch = Scratch::new();
    let (library, main) = (scratch.dir("library"), scratch.dir("main"));
    repository(&library);
    repository(&main);
    let from = library.to_str().unwrap();
    git(&main, &["-c", "protocol.file.allow=always", "submodule", "add", "-q", from, "sub"]).unwrap();
    let (repositories, asked) = counted();
    let sub = text(&main.join("sub"));
    let want = Some(Roots { repo_root: sub.clone(), worktree_root: sub.clone() });
    assert_eq!((repositories.resolve(&sub), count(&asked)), (want.clone(), 0));
    assert_eq!(according_to_git(Path::new(&sub)), want);
}

#[test]
fn git_is_asked_once_for_each_unusual_root() {
    if !has_git() {
        return;
    }
    let scratch = Scratch::new();
    let odd = scratch.dir("odd");
    repository(&odd);
    git(&odd, &["config", "extensions.worktreeConfig", "true"]).unwrap();
    let (repositories, asked) = counted();
    for name in ["odd", "odd/a", "odd/b/c"] {
        let dir = scratch.dir(name);
        assert_eq!(repositories.resolve(&dir), according_to_git(&dir), "{name}");
        assert_eq!(repositories.branch(&dir), "main");
    }
    let roots = asked.lock().unwrap().iter().filter(|dir| **dir == odd).count();
    // The others ask for the branch.
    assert_eq!((roots, count(&asked)), (2, 4));
}

#[test]
fn a_bare_repository_has_a_branch_and_no_checkout() {
    if !has_git() {
        return;
    }
    let scratch = Scratch::new();
    let (bare, main) = (scratch.dir("bare"), scratch.dir("main"));
    git(&bare, &["init", "-q", "--bare"]).unwrap();
    repository(&main);
    let (repositories, _) = counted();
    assert_eq!((repositories.resolve(&bare), repositories.common_root(&bare)), (None, None));
    assert_eq!(repositories.branch(&bare), "main");
    // Within `.git` there is no checkout either, but the repository has a main one.
    let inside = main.join(".git");
    assert_eq!((repositories.resolve(&inside), repositories.common_root(&inside)), (None, Some(text(&main))));
}

#[test]
fn a_branch_is_named_also_before_its_first_commit_and_a_commit_by_its_short_id() {
    if !has_git() {
        return;
    }
    let scratch = Scratch::new();
    let dir = scratch.dir("main");
    git(&dir, &["init", "-q", "-b", "feature/x-1"]).unwrap();
    let (repositories, asked) = counted();
    assert_eq!((repositories.branch(&dir).as_str(), count(&asked)), ("feature/x-1", 0));
    git(&dir, &["commit", "-q", "--allow-empty", "-m", "first"]).unwrap();
    git(&dir, &["checkout", "-q", "--detach"]).unwrap();
    let id = git(&dir, &["rev-parse", "--short", "HEAD"]).unwrap();
    assert_eq!((repositories.branch(&dir), count(&asked)), (id, 1));
    assert_eq!(repositories.branch(scratch.path().join("gone")), "");
    assert_eq!((repositories.branch(scratch.dir("plain")).as_str(), count(&asked)), ("", 1));
}

#[test]
fn a_head_is_read_only_where_it_is_plain() {
    let scratch = Scratch::new();
    let id = "0123456789abcdef0123456789abcdef01234567\n";
    for (head, want) in [
        ("ref: refs/heads/main\n", Head::Branch("main".to_owned())),
        ("ref:refs/heads/a/b", Head::Branch("a/b".to_owned())),
        (id, Head::Commit),
        ("0123456789abcdef\n", Head::Unusual),
        ("ref: refs/remotes/origin/main\n", Head::Unusual),
        ("ref: refs/heads/.invalid\n", Head::Unusual),
        ("ref: refs/heads/a\x1b[31m\n", Head::Unusual),
        ("ref: refs/heads/\n", Head::Unusual),
        ("", Head::Unusual),
        ("é", Head::Unusual),
    ] {
        scratch.write("HEAD", head);
        assert_eq!(walk::head(scratch.path()), want, "{head:?}");
    }
    scratch.write("HEAD", [0xff; 50]);
    assert_eq!(walk::head(scratch.path()), Head::Unusual);
    scratch.write("HEAD", vec![b'a'; 1 << 20]);
    assert_eq!(walk::head(scratch.path()), Head::Unusual);
}

#[test]
fn what_is_no_repository_is_not_taken_for_one() {
    let scratch = Scratch::new();
    let main = fake(&scratch, "main", "ref: refs/heads/main\n");
    scratch.write("main/half/.git/HEAD", "ref: refs/heads/main\n");
    scratch.write("main/odd/.git", "nonsense");
    scratch.write("main/far/.git", "gitdir: ../nowhere\n");
    let (repositories, asked) = scripted(false, "");
    assert_eq!(repositories.repo_root(main.join("half")), Some(text(&main)), "git goes on upwards");
    for name in ["main/odd", "main/far", "", "main/half/.git/HEAD"] {
        assert_eq!(repositories.resolve(scratch.path().join(name)), None, "{name}: git stops there");
    }
    assert_eq!(repositories.resolve(""), None);
    assert_eq!(count(&asked), 0);
}

#[test]
fn a_configuration_that_moves_the_checkout_is_for_git() {
    let scratch = Scratch::new();
    for (config, is_plain) in [
        ("[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote \"o\"]\n\turl = x\n", true),
        ("[core]\n\tworktree = ..\n", true),
        ("[core]\n\tworktree = /elsewhere\n", false),
        ("[core]\n\tbare = true\n", false),
        ("[core]\n\tbare\n", false),
        ("[core] bare = true\n", false),
        ("[CORE]\n\tRepositoryFormatVersion = 1\n", false),
        ("[Extensions]\n\tobjectFormat = sha256\n", false),
    ] {
        let dir = fake(&scratch, "main", "ref: refs/heads/main\n");
        scratch.write("main/.git/config", config);
        let found = walk::find(&dir);
        assert_eq!(matches!(found, Found::Checkout(_)), is_plain, "{config}");
        assert!(is_plain || found == Found::Unusual(dir), "{config}");
    }
}

#[test]
fn where_the_environment_steers_git_it_is_asked() {
    let scratch = Scratch::new();
    let dir = fake(&scratch, "main", "ref: refs/heads/main\n");
    let steered = Repositories::new(&|name| (name == "GIT_DIR").then(|| "/none".into()));
    assert_eq!(steered.resolve(&dir), None, "there is no git on its path");
    let free = Repositories::new(&|name| (name == "GIT_EDITOR").then(|| "ed".into()));
    assert_eq!(free.repo_root(&dir), Some(text(&dir)));
}

#[test]
fn what_has_changed_on_disk_is_seen() {
    let scratch = Scratch::new();
    let main = fake(&scratch, "main", "ref: refs/heads/main\n");
    let deep = scratch.dir("main/a/b");
    let (repositories, _) = scripted(false, "");
    assert_eq!(repositories.repo_root(&deep), Some(text(&main)));
    let inner = fake(&scratch, "main/a/b", "ref: refs/heads/main\n");
    assert_eq!(repositories.repo_root(&deep), Some(text(&inner)), "made in the directory itself");
    std::fs::remove_dir_all(inner.join(".git")).unwrap();
    assert_eq!(repositories.repo_root(&deep), Some(text(&main)), "removed there");
    std::fs::remove_dir_all(main.join(".git")).unwrap();
    assert_eq!(repositories.repo_root(&deep), None, "removed above");
}

#[test]
fn a_linked_checkout_is_nothing_without_its_repository() {
    let scratch = Scratch::new();
    let main = fake(&scratch, "main", "ref: refs/heads/main\n");
    let far = scratch.write("main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n");
    scratch.write("main/.git/worktrees/w/commondir", "../..\n");
    scratch.write("w/.git", format!("gitdir: {}\n", far.parent().unwrap().display()));
    let (repositories, _) = scripted(false, "");
    let linked = scratch.path().join("w");
    assert_eq!(repositories.common_root(&linked), Some(text(&main)));
    assert_eq!(repositories.branch(&linked), "side");
    std::fs::remove_dir_all(&main).unwrap();
    assert_eq!(repositories.common_root(&linked), None);
}

#[test]
fn that_there_is_nothing_counts_for_a_while() {
    let scratch = Scratch::new();
    let dir = scratch.dir("main");
    let (repositories, _) = scripted(false, "");
    assert_eq!(repositories.repo_root(&dir), None);
    fake(&scratch, "main", "ref: refs/heads/main\n");
    assert_eq!(repositories.repo_root(&dir), None, "not looked at again");
    repositories.known.age(Duration::from_secs(31));
    assert_eq!(repositories.repo_root(&dir), Some(text(&dir)));
    std::fs::remove_dir_all(dir.join(".git")).unwrap();
    assert_eq!(repositories.repo_root(&dir), None);
    fake(&scratch, "main", "ref: refs/heads/main\n");
    repositories.forget();
    assert_eq!(repositories.repo_root(&dir), Some(text(&dir)));
}

#[test]
fn many_directories_need_one_process_for_each_root() {
    let scratch = Scratch::new();
    for root in 0..20 {
        let name = format!("r{root}");
        fake(&scratch, &name, "ref: refs/heads/main\n");
        scratch.write(&format!("{name}/.git/config"), "[extensions]\n");
        for sub in 0..20 {
            scratch.dir(&format!("{name}/{sub}"));
        }
    }
    let (repositories, asked) = scripted(true, "/m/.git\n/m");
    let all: Vec<String> =
        (0..400).map(|n| text(&scratch.path().join(format!("r{}/{}", n % 20, n / 20)))).collect();
    let cwds: Vec<&str> = all.iter().map(String::as_str).chain(["", "  "]).collect();
    repositories.warm(&cwds);
    assert_eq!(count(&asked), 20);
    // What git names is not there, so its own top counts.
    assert_eq!(repositories.common_root(&all[0]).as_deref(), Some("/m"));
    repositories.warm(&cwds);
    assert_eq!(count(&asked), 20);
}

#[test]
fn one_moment_looks_at_each_file_once() {
    let scratch = Scratch::new();
    let main = fake(&scratch, "main", "ref: refs/heads/main\n");
    let (main, sub) = (text(&main), text(&scratch.dir("main/sub")));
    let (repositories, _) = scripted(false, "");
    repositories.warm(&[main.as_str(), sub.as_str()]);
    let moment = repositories.moment();
    assert_eq!(moment.resolve(&main).as_deref(), repositories.resolve(&main).as_ref());
    std::fs::remove_dir_all(scratch.path().join("main/.git")).unwrap();
    assert!(moment.resolve(&main).is_some());
    assert_eq!(moment.common_root(&sub), Some(main.clone()), "its repository was seen already");
    let later = repositories.moment();
    assert_eq!((later.resolve(&main), later.resolve(&sub), later.common_root("")), (None, None, None));
}

#[test]
fn threads_that_want_the_same_wait_for_one_look() {
    let flights = Flights::default();
    let looks = AtomicUsize::new(0);
    let look = || {
        looks.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(20));
        Some(7)
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(flights.get(Path::new("/a"), |_| true, look), Some(7)));
        }
    });
    assert_eq!(looks.load(Ordering::Relaxed), 1);
}

#[test]
fn a_look_that_panics_found_nothing() {
    let flights: Flights<u8> = Flights::default();
    let failed = thread::scope(|scope| {
        scope.spawn(|| flights.get(Path::new("/a"), |_| true, || panic!("on purpose"))).join().is_err()
    });
    assert!(failed);
    assert_eq!(flights.get(Path::new("/a"), |_| true, || Some(1)), None);
}

#[test]
fn git_is_the_one_on_the_search_path() {
    let scratch = Scratch::new();
    // A program that is there already: one that this test had just written might still be open for writing
    // in a child that another test is starting at this moment, and could not be run then.
    symlink("/bin/echo", scratch.path().join("git")).unwrap();
    let path = Some(scratch.path().as_os_str());
    let said = program::ask(path, scratch.path(), &["branch"]);
    assert_eq!(said, Said { success: true, text: format!("-C {} branch", scratch.path().display()) });
    assert_eq!(program::ask(None, scratch.path(), &[]), Said::default());
}
