//! The worked examples of the protocol, and hostile words.

use super::*;
use crate::base::scratch::Scratch;
use proptest::prelude::*;

/// The workspace of the protocol's examples. Without git, so that `build/` is skipped by name alone.
fn workspace() -> Scratch {
    let dir = Scratch::new();
    for name in [".env", ".gitignore", "README.md", "a.txt", "src/App.tsx", "src/appChrome.tsx", "build/out"]
    {
        dir.write(name, "");
    }
    dir.dir("src/components");
    dir
}

fn items(dir: &Scratch, word: &str) -> Vec<PathItem> {
    let (home, lists, stop) = (dir.path().join("src"), FileLists::default(), Switch::default());
    let (root, now) = (dir.path(), Instant::now());
    complete(word, Place { root, user_home: Some(&home), lists: &lists, now, stop: &stop })
}

fn texts(dir: &Scratch, word: &str) -> Vec<String> {
    items(dir, word).into_iter().map(|item| item.text).collect()
}

#[test]
fn worked_examples() {
    let dir = workspace();
    let dotted = ["@file:.env", "@file:.gitignore", "@file:README.md", "@file:a.txt"];
    for (word, want) in [
        ("@file", &dotted[..]),
        ("@file:", &dotted),
        ("@folder:", &["@folder:src/"]),
        ("@a", &["@file:a.txt"]),
        ("@app", &["@file:src/App.tsx", "@file:src/appChrome.tsx"]),
        ("@src/a", &["@file:src/App.tsx", "@file:src/appChrome.tsx"]),
        ("@file:src/", &["@file:src/App.tsx", "@file:src/appChrome.tsx"]),
        ("@file:src", &[]),
        ("@.e", &["@file:.env", "@file:.gitignore"]),
        ("@./", &["@file:README.md", "@file:a.txt", "@folder:src/"]),
        ("./", &["./.env", "./.gitignore", "./README.md", "./a.txt", "./build/", "./src/"]),
        (".", &[".env", ".gitignore", "README.md", "a.txt", "build/", "src/"]),
        ("src/A", &["src/App.tsx", "src/appChrome.tsx"]),
        ("src/c", &["src/components/"]),
        ("@folder:src/", &["@folder:src/components/"]),
        ("@url:x", &[]),
        ("@diff", &[]),
        ("@f ", &[]),
        ("none/", &[]),
        ("a.txt/", &[]),
        ("\"./", &[]),
        ("", &[]),
    ] {
        assert_eq!(texts(&dir, word), want, "{word:?}");
    }
}

#[test]
fn display_and_meta() {
    let dir = workspace();
    let found = items(&dir, "@chrome");
    assert_eq!(found, [item("@file:src/appChrome.tsx", "appChrome.tsx", "src")]);
    assert_eq!(items(&dir, "@readme"), [item("@file:README.md", "README.md", "")]);
    assert_eq!(items(&dir, "src/c"), [item("src/components/", "components/", "dir")]);
    assert_eq!(items(&dir, "src/App.")[0], item("src/App.tsx", "App.tsx", ""));
}

#[test]
fn the_bare_sign() {
    let dir = workspace();
    assert_eq!(texts(&dir, "@"), ["@diff", "@staged", "@file:", "@folder:", "@url:", "@git:"]);
    assert!(items(&dir, "@").iter().all(|item| item.text == item.display && !item.meta.is_empty()));
}

#[test]
fn what_was_typed_stays() {
    let dir = workspace();
    let root = dir.path().display();
    assert_eq!(texts(&dir, &format!("{root}/s")), [format!("{root}/src/")]);
    assert_eq!(texts(&dir, &format!("@{root}/a")), [format!("@file:{root}/a.txt")]);
    assert_eq!(texts(&dir, "~/a"), ["~/App.tsx", "~/appChrome.tsx"]);
    assert_eq!(texts(&dir, "~"), ["~/App.tsx", "~/appChrome.tsx", "~/components/"]);
    assert_eq!(texts(&dir, "src/../a"), ["src/../a.txt"]);
    let name = dir.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(texts(&dir, &format!("../{name}")), [format!("../{name}/")]);
}

#[test]
fn drives() {
    for (path, want) in [
        ("C:\\Users\\f", Some("/mnt/c/Users/f")),
        ("d:/", Some("/mnt/d/")),
        ("CC:/x", None),
        ("C:x", None),
        ("a\\b", None),
        ("é:/x", None),
    ] {
        assert_eq!(drive_path(path).as_deref(), want, "{path}");
    }
}

#[test]
fn no_more_than_thirty_and_the_first_ones() {
    let dir = Scratch::new();
    for n in 0..100 {
        dir.write(&format!("f{n:02}"), "");
    }
    let want: Vec<String> = (0..MAX_ITEMS).map(|n| format!("./f{n:02}")).collect();
    assert_eq!(texts(&dir, "./"), want);
    assert_eq!(texts(&dir, "@f0").len(), 19, "f00 to f09, then f10 to f90 by their letters");
    assert_eq!(items(&dir, "@file:f").len(), MAX_ITEMS);
}

#[test]
fn links() {
    let dir = workspace();
    std::os::unix::fs::symlink("src", dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("broken")).unwrap();
    assert_eq!(texts(&dir, "@folder:l"), ["@folder:link/"]);
    assert_eq!(texts(&dir, "@b"), ["@file:broken"]);
}

proptest! {
    #[test]
    fn never_panics(word in "(@|file:|folder:|~|\\.|/|[a-c]|\\\\|:|\\PC){0,40}") {
        let dir = Scratch::new();
        dir.write("abc", "");
        prop_assert!(items(&dir, &word).len() <= MAX_ITEMS);
    }

    #[test]
    fn a_long_word_is_refused(word in "a{4200,5000}") {
        prop_assert!(items(&Scratch::new(), &word).is_empty());
    }
}
