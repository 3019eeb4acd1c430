//! The many spellings of one path, and hostile texts.

use super::*;
use crate::base::scratch::Scratch;
use proptest::prelude::*;

fn detected(dir: &Scratch, text: &str) -> Option<job::Drop> {
    let env = |name: &str| (name == "BASE").then(|| dir.path().display().to_string());
    detect(text, Places { cwd: dir.path(), user_home: Some(dir.path()), env: &env })
}

#[test]
fn spellings() {
    let dir = Scratch::new();
    for name in ["shot.png", "my shot.PNG", "a (1).txt", "100%.txt", "back\\slash", "sub/x.rs"] {
        dir.write(name, "");
    }
    let root = dir.path().display().to_string();
    for (text, want) in [
        ("./shot.png", Some(("shot.png", ""))),
        ("  ~/shot.png what is wrong?  ", Some(("shot.png", "what is wrong?"))),
        ("$R/shot.png\nand more", Some(("shot.png", "and more"))),
        ("$R/my shot.PNG", Some(("my shot.PNG", ""))),
        ("$R/my shot.PNG and text", Some(("my shot.PNG", "and text"))),
        ("$R/my\\ shot.PNG and text", Some(("my shot.PNG", "and text"))),
        ("$R/a\\ \\(1\\).txt", Some(("a (1).txt", ""))),
        ("'$R/my shot.PNG' text", Some(("my shot.PNG", "text"))),
        ("\"./my shot.PNG\"", Some(("my shot.PNG", ""))),
        ("'$R/my shot.PNG", Some(("my shot.PNG", ""))),
        ("file://$R/my%20shot.PNG text", Some(("my shot.PNG", "text"))),
        ("file://localhost$R/100%25.txt", Some(("100%.txt", ""))),
        ("file://$R/100%.txt", Some(("100%.txt", ""))),
        ("$R/back\\slash", Some(("back\\slash", ""))),
        ("./sub/../sub/x.rs", Some(("sub/../sub/x.rs", ""))),
        ("~/$BASE_NOT", None),
        ("shot.png", None),
        ("$R", None),
        ("./none.png", None),
        ("./none.png $R/shot.png", None),
        ("'./none.png' x", None),
        ("'shot.png'", None),
        ("look at ./shot.png", None),
        ("file://other.host/shot.png", None),
        ("C:\\none\\shot.png", None),
        ("/help me", None),
        ("", None),
        ("'", None),
        ("/", None),
    ] {
        let text = text.replace("$R", &root);
        let found = detected(&dir, &text);
        let found = found
            .as_ref()
            .map(|drop| (drop.path.strip_prefix(&root).unwrap().to_str().unwrap(), drop.remainder.as_str()));
        assert_eq!(found, want, "{text}");
    }
}

#[test]
fn a_named_file_need_not_look_like_a_path() {
    let dir = Scratch::new();
    for name in ["shot.png", "my shot.png", "-x.png"] {
        dir.write(name, "");
    }
    let places = Places { cwd: dir.path(), user_home: None, env: &|_| None };
    for (text, want) in [
        ("shot.png what is wrong?", Ok(("shot.png", "what is wrong?"))),
        ("my\\ shot.png x", Ok(("my shot.png", "x"))),
        ("'my shot.png' x", Ok(("my shot.png", "x"))),
        ("\"my shot.png", Ok(("my shot.png", ""))),
        ("./my shot.png x", Ok(("my shot.png", "x"))),
        ("-x.png", Ok(("-x.png", ""))),
        ("my shot.png", Err("my")),
        ("'none' x", Err("none")),
        (".", Err(".")),
        ("''", Err("")),
    ] {
        let found = named(text, places);
        let found = found.as_ref().map_err(String::as_str).map(|drop| {
            (drop.path.strip_prefix(dir.path()).unwrap().to_str().unwrap(), drop.remainder.as_str())
        });
        assert_eq!(found, want, "{text}");
    }
    assert_eq!(named(&"x".repeat(1 << 20), places).unwrap_err().len(), SHOWN_CHARS);
    assert_eq!(whole(" 'my shot.png' ", places), Some(dir.path().join("my shot.png")));
    assert_eq!(whole("my shot.png", places), Some(dir.path().join("my shot.png")));
    assert_eq!(whole("shot.png x", places), None);
}

#[test]
fn parts_of_paths() {
    assert_eq!(from_drive("C:\\a b\\c.png"), Some("/mnt/c/a b/c.png".into()));
    assert_eq!(from_url("/D:/a%20b"), PathBuf::from("/mnt/d/a b"));
    assert_eq!(from_drive("é:/x"), None);
    let env = |name: &str| (name == "A").then(|| "x".to_owned());
    for (text, want) in [
        ("/$A/b", "/x/b"),
        ("/${A}b", "/xb"),
        ("/$AB", "/$AB"),
        ("$", "$"),
        ("/${A", "/${A"),
        ("$$A", "$x"),
        ("${}", "${}"),
    ] {
        assert_eq!(variables(text, &env), want, "{text}");
    }
    assert_eq!(unescaped("a\\ b\\\\c\\n\\"), "a b\\c\\n\\");
}

#[test]
fn images_have_a_size() {
    let dir = Scratch::new();
    let mut gif = b"GIF89a".to_vec();
    gif.extend([0x40, 0x01, 0xf0, 0x00]);
    dir.write("a.GIF", &gif);
    dir.write("a.txt", &gif);
    dir.write("bad.png", "no image");
    let found = |name: &str| detected(&dir, name).map(|drop| (drop.is_image, drop.size));
    assert_eq!(found("./a.GIF"), Some((true, Some((320, 240)))));
    assert_eq!(found("./a.txt"), Some((false, None)));
    assert_eq!(found("./bad.png"), Some((true, None)));
}

#[test]
fn a_long_text_is_cut_only_so_often() {
    let text = format!("/none{}", " x".repeat(1 << 20));
    assert!(cuts(&text).count() <= MAX_WRITTEN / 2 + 1);
    assert!(detected(&Scratch::new(), &text).is_none());
}

proptest! {
    #[test]
    fn never_panics(text in "([\"'./~$%{}\\\\ :a2é]|file://|\\PC){0,60}") {
        let dir = Scratch::new();
        dir.write("a", "");
        for text in [text.clone(), format!("./{text}"), format!("file://{text}")] {
            if let Some(drop) = detected(&dir, &text) {
                prop_assert!(drop.path.is_file() && text.trim_end().ends_with(&drop.remainder));
            }
        }
    }
}
