//! What prompts become, with files, folders and git as they are in a workspace. Nothing leaves the machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::super::path::testing::Room;
use super::*;
use crate::limits::{REFERENCE_FILTERS_MAX, REFERENCE_WALK_MAX};

/// Expands a prompt in the room's workspace, in a window of so many tokens.
fn expand_in(room: &Room, window: u64, prompt: &str) -> Expansion {
    let ground = Ground { desk: &room.desk, window, web: true, interrupt: &room.turn.interrupt };
    expand(prompt, &ground)
}

/// What the model sees.
#[track_caller]
fn text(room: &Room, prompt: &str) -> String {
    match expand_in(room, 0, prompt) {
        Expansion::Text(text) => text,
        other => panic!("{prompt}: {other:?}"),
    }
}

/// The only warning of a prompt that is one token.
#[track_caller]
fn warning(room: &Room, token: &str) -> String {
    let text = text(room, token);
    let warning = text.strip_prefix("--- Context Warnings ---\n- ").unwrap_or_else(|| panic!("{text}"));
    warning.strip_prefix(token).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(warning).to_owned()
}

fn git(room: &Room, args: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(room.workspace()).args(["-c", "user.name=n", "-c", "user.email=e@x"]).args(args);
    assert!(git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap().status.success(), "{args:?}");
}

#[test]
fn a_prompt_without_references_stays_as_it_is() {
    let room = Room::new();
    for prompt in ["", "hi @you", "a@file:x  \n\n b"] {
        assert_eq!(expand_in(&room, 0, prompt), Expansion::Nothing, "{prompt}");
    }
}

#[test]
fn a_file_stands_in_a_fence_behind_the_prompt() {
    let room = Room::new();
    room.write("src/a b.py", "one\r\ntwo\nthree\n");
    assert_eq!(
        text(&room, "Explain @file:'src/a b.py':1-2, please"),
        "Explain, please\n\n--- Attached Context ---\n\n\
         📄 @file:'src/a b.py':1-2 (2 tokens)\n```python\none\ntwo\n```"
    );
    assert_eq!(
        text(&room, "@file:\"src/a b.py\""),
        "--- Attached Context ---\n\n📄 @file:\"src/a b.py\" (4 tokens)\n```python\none\ntwo\nthree\n\n```"
    );
    room.write("f.md", "```x```` ");
    assert!(text(&room, "@file:f.md").ends_with("\n`````markdown\n```x```` \n`````"), "the fence holds");
    room.write("keys.rs", "let a = \"sk-abcdefghijklmnopqrstuvwx\";");
    assert!(text(&room, "@file:keys.rs").contains("let a = \"***\";"), "masked as for read_file");
}

#[test]
fn what_is_no_text_is_named() {
    let room = Room::new();
    room.write("a.pdf", "%PDF-1.7 looks like text");
    room.write("b", b"x\0y");
    room.write("c.txt", b"caf\xe9");
    room.write("run.sh", "#!/bin/sh\n");
    for (name, facts) in [
        ("a.pdf", "(application/pdf, 24 B)"),
        ("b", "(application/octet-stream, 3 B)"),
        ("c.txt", "(application/octet-stream, 4 B)"),
    ] {
        let text = text(&room, &format!("@file:{name}"));
        let start = format!("--- Attached Context ---\n\n📎 @file:{name} {facts} — binary file");
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains(&format!("`{}`", room.workspace().join(name).display())), "{text}");
    }
    assert!(text(&room, "@file:run.sh").ends_with("```bash\n#!/bin/sh\n\n```"));
}

#[test]
fn what_cannot_be_expanded_is_a_warning() {
    let room = Room::new();
    room.write("d/f", "x");
    room.write(".env", "KEY=1");
    room.write("key.pem", "-----BEGIN PRIVATE KEY-----\nabc\n");
    room.write("../outside", "x");
    symlink("../outside", room.workspace().join("link")).unwrap();
    symlink("/", room.workspace().join("root")).unwrap();
    symlink(".env", room.workspace().join("innocent")).unwrap();
    let outside = "path is outside the allowed workspace";
    let sensitive = Flaw::sensitive().reason();
    for (token, why) in [
        ("@file:none", "file not found"),
        ("@file:d", "path is not a file"),
        ("@folder:none", "folder not found"),
        ("@folder:d/f", "path is not a folder"),
        ("@file:../outside", outside),
        ("@file:/etc/passwd", outside),
        ("@file:~/x", outside),
        ("@file:d/../../outside", outside),
        ("@folder:..", outside),
        ("@file:link", outside),
        ("@file:root/etc/passwd", outside),
        ("@file:.env", sensitive.as_str()),
        ("@file:innocent", sensitive.as_str()),
        ("@file:key.pem", sensitive.as_str()),
        ("@git:x", "it has to be a number of commits"),
        ("@url:http://127.0.0.1:1/", ""),
    ] {
        let warning = warning(&room, token);
        assert!(warning == why || (why.is_empty() && !warning.is_empty()), "{token}: {warning}");
    }
    let both = text(&room, "a @file:none @file:d/f b");
    let want =
        "a b\n\n--- Context Warnings ---\n- @file:none: file not found\n\n--- Attached Context ---\n\n📄";
    assert!(both.starts_with(want), "{both}");
    let ground = Ground { desk: &room.desk, window: 0, web: false, interrupt: &room.turn.interrupt };
    let Expansion::Text(text) = expand("@url:https://a.b", &ground) else { panic!() };
    assert!(text.ends_with("- @url:https://a.b: pages of the web are switched off"), "{text}");
}

#[test]
fn a_home_as_workspace_keeps_its_secrets() {
    let room = Room::new();
    room.write("home/.env", "x");
    let home = room.workspace().join("home");
    let desk = Desk::new("key", &home, &room.workspace(), &Arc::default());
    room.write("home/auth.json", "x");
    let ground = Ground { desk: &desk, window: 0, web: true, interrupt: &room.turn.interrupt };
    let Expansion::Text(text) = expand("@file:home/auth.json", &ground) else { panic!() };
    assert!(text.contains("sensitive credential"), "{text}");
}

#[test]
fn a_prompt_that_is_sent_again_is_not_expanded_twice() {
    let room = Room::new();
    room.write("f", "x");
    for prompt in ["see @file:f", "@file:f @file:none", "@file:none"] {
        let first = text(&room, prompt);
        assert_eq!(expand_in(&room, 0, &first), Expansion::Nothing, "{first}");
    }
    let more = text(&room, &format!("and @file:none\n\n{}", text(&room, "@file:f")));
    assert!(more.starts_with("and\n\n--- Attached Context ---\n\n📄 @file:f (1 tokens)"), "{more}");
    assert!(more.ends_with("--- Context Warnings ---\n- @file:none: file not found"), "{more}");
}

#[test]
fn a_folder_is_listed_with_what_is_in_it() {
    let room = Room::new();
    room.write("src/b.rs", "1\n2\n");
    room.write("src/a/c.bin", b"\0\0\0");
    room.write("src/a/d", "");
    room.write("src/.hidden", "x");
    room.write("top", "x");
    symlink("/etc", room.workspace().join("src/link")).unwrap();
    let listing = "src/\n- a/\n  - c.bin (3 bytes)\n  - d (1 lines)\n- b.rs (3 lines)";
    assert_eq!(
        text(&room, "what is @folder:src ?"),
        format!("what is?\n\n--- Attached Context ---\n\n📁 @folder:src (16 tokens)\n{listing}")
    );
    assert!(
        text(&room, "@folder:.").contains("📁 @folder:. (") && text(&room, "@folder:.").contains("\n./\n")
    );
}

#[test]
fn of_a_large_folder_the_nearest_names_are_listed() {
    let room = Room::new();
    for number in 0..300 {
        room.write(&format!("big/deep/{number:03}"), "");
    }
    for number in 0..50 {
        room.write(&format!("big/near{number:02}"), "");
    }
    let text = text(&room, "@folder:big");
    let listed = text.lines().filter(|line| line.trim_start().starts_with("- ")).count();
    assert_eq!((listed, text.lines().last()), (201, Some("- ...")));
    assert!(
        text.contains("- near49 ") && text.contains("\n  - 148 (") && !text.contains("- 149 ("),
        "{text}"
    );
}

/// However much lies between them.
#[test]
fn what_is_near_is_listed_behind_a_folder_that_is_too_large_to_be_walked() {
    let room = Room::new();
    for number in 0..=REFERENCE_WALK_MAX {
        room.write(&format!("big/a/{number:05}"), "");
    }
    room.write("big/m/n/o", "");
    room.write("big/z", "");
    let text = text(&room, "@folder:big");
    for name in ["- a/", "  - 00000 ", "- m/", "- z "] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
    }
    assert_eq!(text.lines().last(), Some("- ..."));
}

#[test]
fn git_says_what_changed() {
    let room = Room::new();
    assert!(!warning(&room, "@git:1").is_empty(), "no repository, or one without commits");
    git(&room, &["init", "-q"]);
    room.write("f", "one\n");
    git(&room, &["add", "f"]);
    let staged = text(&room, "@staged");
    assert!(staged.contains("\n🧾 git diff --staged (") && staged.contains("```diff\ndiff --git a/f b/f\n"));
    assert_eq!(
        text(&room, "@diff"),
        "--- Attached Context ---\n\n🧾 git diff (3 tokens)\n```diff\n(no output)\n```"
    );
    git(&room, &["commit", "-qm", "first one"]);
    // What a repository says of programs is not run: neither this nor a filter would end.
    git(&room, &["config", "diff.external", "/bin/false"]);
    room.write("f", "two\n");
    assert!(text(&room, "@diff").ends_with("-one\n+two\n```"));
    let log = text(&room, "@git:99");
    assert!(
        log.contains("🧾 git log -10 -p (") && log.contains("first one") && log.contains("+one"),
        "{log}"
    );
    assert!(text(&room, "@git:-3").contains("🧾 git log -1 -p ("));
}

/// A repository with a file that was changed since its first commit.
fn changed(room: &Room, attributes: &str) {
    git(room, &["init", "-q"]);
    room.write("f", "one\n");
    room.write(".gitattributes", attributes);
    git(room, &["add", "."]);
    git(room, &["commit", "-qm", "first one"]);
    room.write("f", "two\n");
}

/// What git says by itself, and whether that runs the program that leaves a mark.
fn tempted(room: &Room, args: &[&str]) -> (String, bool) {
    let mut git = Command::new("git");
    git.current_dir(room.workspace()).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = git.arg("--no-pager").args(args).output().unwrap();
    let is_marked = fs::remove_file(room.workspace().join("mark")).is_ok();
    (String::from_utf8_lossy(&output.stdout).into_owned(), is_marked)
}

#[test]
fn filters_of_the_repository_do_not_run() {
    let room = Room::new();
    changed(&room, "f filter=a.B\n");
    git(&room, &["config", "extensions.worktreeConfig", "true"]);
    room.write("more", "[filter \"a.B\"]\n\tclean = touch mark; cat\n\trequired\n");
    for settings in [
        &[&["config", "filter.a.B.clean", "touch mark; cat"][..], &["config", "filter.a.B.required", "true"]]
            [..],
        &[&["config", "--unset", "filter.a.B.clean"], &["config", "filter.a.B.process", "touch mark"]],
        &[&["config", "--unset", "filter.a.B.process"], &["config", "include.path", "../more"]],
        &[
            &["config", "--unset", "include.path"],
            &["config", "--worktree", "filter.a.B.clean", "touch mark; cat"],
        ],
    ] {
        settings.iter().for_each(|args| git(&room, args));
        assert!(tempted(&room, &["diff"]).1, "{settings:?}");
        assert!(text(&room, "@diff").ends_with("-one\n+two\n```"), "{settings:?}");
        assert!(!room.workspace().join("mark").exists(), "{settings:?}");
    }
    git(&room, &["config", "filter.x=y.clean", "cat"]);
    assert_eq!(warning(&room, "@diff"), "the repository has a filter that cannot be switched off");
    git(&room, &["config", "--unset", "filter.x=y.clean"]);
    let all: String =
        (0..=REFERENCE_FILTERS_MAX).map(|number| format!("[filter \"{number}\"]\n\tclean = cat\n")).collect();
    room.write("more", all);
    git(&room, &["config", "include.path", "../more"]);
    assert_eq!(warning(&room, "@diff"), "the repository has too many filters");
}

#[test]
fn signatures_are_not_checked() {
    let room = Room::new();
    changed(&room, "");
    let commit = tempted(&room, &["cat-file", "commit", "HEAD"]).0;
    let signed = "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n";
    room.write("commit", commit.replacen("\n\n", signed, 1));
    let name = tempted(&room, &["hash-object", "-t", "commit", "-w", "commit"]).0;
    git(&room, &["update-ref", "HEAD", name.trim()]);
    // It knows none of the options, and git shows what it says of them.
    git(&room, &["config", "gpg.program", "ls"]);
    for (setting, value) in [("log.showSignature", "true"), ("format.pretty", "%G? %GG")] {
        git(&room, &["config", setting, value]);
        assert!(tempted(&room, &["log", "-1", "-p"]).0.contains("--keyid-format"), "{setting}");
        let text = text(&room, "@git:1");
        assert!(text.contains("\nAuthor: ") && !text.contains("--keyid-format"), "{text}");
        git(&room, &["config", "--unset", setting]);
    }
}

#[test]
fn objects_that_are_missing_are_not_fetched() {
    let room = Room::new();
    changed(&room, "");
    let blob = tempted(&room, &["rev-parse", "HEAD:f"]).0;
    let (folder, name) = blob.trim().split_at(2);
    fs::remove_file(room.workspace().join(".git/objects").join(folder).join(name)).unwrap();
    for (setting, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "ssh://nowhere/x"),
        ("protocol.ssh.allow", "always"),
        ("core.sshCommand", "touch mark; false"),
    ] {
        git(&room, &["config", setting, value]);
    }
    assert!(tempted(&room, &["log", "-p"]).1);
    assert!(warning(&room, "@git:1").contains("unable to read"), "{}", warning(&room, "@git:1"));
    assert!(!room.workspace().join("mark").exists());
}

/// Git would run itself in the submodule, with the settings of that.
#[test]
fn programs_of_a_submodule_do_not_run() {
    let room = Room::new();
    changed(&room, "");
    git(&room, &["init", "-q", "sub"]);
    room.write("sub/f", "one\n");
    let of_sub = ["-C", "sub", "-c", "user.name=n", "-c", "user.email=e@x"];
    for args in [&["add", "f"][..], &["commit", "-qm", "x"]] {
        git(&room, &[&of_sub, args].concat());
    }
    git(&room, &["add", "sub"]);
    git(&room, &["-C", "sub", "config", "core.fsmonitor", "touch ../mark; false"]);
    assert!(tempted(&room, &["diff"]).1);
    assert!(text(&room, "@diff").ends_with("-one\n+two\n```"));
    assert!(!room.workspace().join("mark").exists());
}

#[test]
fn what_would_fill_the_window_is_warned_of_and_refused() {
    let room = Room::new();
    room.write("f", "x".repeat(400));
    let block = text(&room, "@file:f");
    let tokens = estimate(block.strip_prefix("--- Attached Context ---\n\n").unwrap());
    let Expansion::Text(soft) = expand_in(&room, tokens * 3, "@file:f") else { panic!("it fits") };
    let limit = tokens * 3 / 4;
    let warning =
        format!("- @ context injection warning: {tokens} tokens exceeds the 25% soft limit ({limit}).");
    assert!(soft.starts_with(&format!("--- Context Warnings ---\n{warning}\n\n--- Attached")), "{soft}");
    assert_eq!(
        expand_in(&room, tokens, "@file:none @file:f"),
        Expansion::Refused(format!(
            "@file:none: file not found\n\
             @ context injection refused: {tokens} tokens exceeds the 50% hard limit ({}).",
            tokens / 2
        ))
    );
    let Expansion::Refused(why) = expand_in(&room, 1, "@file:f @file:none @file:f") else { panic!() };
    let want = format!("@ context injection refused: {tokens} tokens exceeds the 50% hard limit (1).");
    assert_eq!(why, want, "nothing is read behind that");
}

#[test]
fn nothing_is_read_twice_or_behind_the_limit() {
    let references = parse::references("@file:a @file:b @file:a @file:b @file:c @diff");
    let mut read = Vec::new();
    let gathered = gather(&references, 10, |reference| {
        read.push(reference.token);
        match reference.target {
            "b" => Err("no".into()),
            // Four tokens each.
            _ => Ok("0123456789abcdef".to_owned()),
        }
    });
    assert_eq!(read, ["@file:a", "@file:b", "@file:c"]);
    assert_eq!((gathered.blocks.len(), gathered.tokens), (3, 12));
    assert_eq!(gathered.warnings, ["@file:b: no", "@file:b: no"]);
}

#[test]
fn all_of_them_have_one_deadline() {
    let room = Room::new();
    room.write("f", "x");
    let ground = Ground { desk: &room.desk, window: 0, web: true, interrupt: &room.turn.interrupt };
    let late = expand_until(Instant::now(), "@file:f @git:1", &ground);
    let why = "all references together took more than 90s";
    let want = format!("--- Context Warnings ---\n- @file:f: {why}\n- @git:1: {why}");
    assert_eq!(late, Expansion::Text(want));
    // Also in the middle of one.
    let place = Place::of(&room.desk, Instant::now());
    for prompt in ["@git:1", "@url:https://192.0.2.1/"] {
        let flaw = block(&parse::references(prompt)[0], &place, &ground).unwrap_err();
        assert_eq!(flaw.reason(), why, "{prompt}");
    }
}

#[test]
fn a_prompt_has_so_many_references_and_no_more() {
    let room = Room::new();
    room.write("f", "x");
    let text = text(&room, &"@file:f ".repeat(REFERENCES_MAX + 1));
    assert_eq!(text.matches("📄").count(), REFERENCES_MAX);
    let want = "@file:f\n\n--- Context Warnings ---\n- only the first 64 @ references are expanded\n";
    assert!(text.starts_with(want), "{text}");
}

#[test]
fn nobody_waits_for_what_was_stopped() {
    let room = Room::new();
    fs::write(room.workspace().join("f"), "x").unwrap();
    room.turn.interrupt.store(true, Ordering::SeqCst);
    for prompt in ["@file:f", "@folder:.", "@git:1", "@url:https://a.b"] {
        assert_eq!(expand_in(&room, 0, prompt), Expansion::Nothing, "{prompt}");
    }
}
