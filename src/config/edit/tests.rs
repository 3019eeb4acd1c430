//! Documents as people write them, before and after, and documents nobody would.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn append(text: &str, item: &str) -> Result<String, EditError> {
    let change = Change::Append(item.to_owned());
    edited(text, &[Edit { path: vec!["command_allowlist"], change }])
}

fn mode(text: &str, mode: &str) -> Result<String, EditError> {
    edited(text, &[Edit::text(&["approvals", "mode"], mode)])
}

fn remove(text: &str, path: &[&'static str]) -> Result<String, EditError> {
    edited(text, &[Edit::remove(path)])
}

#[test]
fn lists_grow_and_nothing_else_changes() {
    for (old, new) in [
        ("", "command_allowlist:\n  - a b\n"),
        ("# mine\nmodel: m # the best\n", "# mine\nmodel: m # the best\ncommand_allowlist:\n  - a b\n"),
        ("command_allowlist: [] # none\nx: 1\n", "command_allowlist: # none\n  - a b\nx: 1\n"),
        ("command_allowlist: null\nx: 1\n", "command_allowlist:\n  - a b\nx: 1\n"),
        ("command_allowlist:\n", "command_allowlist:\n  - a b\n"),
        (
            "command_allowlist:\n- one # why\n# two is bad\n- two\n\nx: 1\n",
            "command_allowlist:\n- one # why\n# two is bad\n- two\n- a b\n\nx: 1\n",
        ),
        ("command_allowlist:\n    - 'one'\n", "command_allowlist:\n    - 'one'\n    - a b\n"),
        ("command_allowlist:\n  - \"x # y\" # z", "command_allowlist:\n  - \"x # y\" # z\n  - a b\n"),
        ("command_allowlist:\n  - a b\n", "command_allowlist:\n  - a b\n"),
        ("command_allowlist: [a, 'b'] # why\n", "command_allowlist: [a, 'b', a b] # why\n"),
    ] {
        assert_eq!(append(old, "a b").unwrap(), new, "{old}");
    }
    for odd in [
        "command_allowlist: [a,\n  b]\n",
        "command_allowlist: [a, {b: c}]\n",
        "command_allowlist: x\n",
        "command_allowlist:\n  - a: 1\n",
        "command_allowlist: &list\n  - a\nb: *list\n",
        "{command_allowlist: []}\n",
        "a: [\n",
        "- a\n",
    ] {
        assert!(append(odd, "a b").is_err(), "{odd}");
    }
}

#[test]
fn lists_shrink_and_nothing_else_changes() {
    let without = |text: &str| edited(text, &[Edit::listed(&["l", "cli"], "web", false)]);
    for (old, new) in [
        (
            "l:\n  cli:\n    - file # f\n    # pages\n    - web\n    - todo\n",
            "l:\n  cli:\n    - file # f\n    # pages\n    - todo\n",
        ),
        ("l:\n  cli:\n  - file\n  - 'web' # w\n", "l:\n  cli:\n  - file\n  # w\n"),
        ("l:\n  cli:\n    - web # w\nx: 1\n", "l:\n  cli:\n    [] # w\nx: 1\n"),
        ("l:\n  cli:\n  - web\nx: 1\n", "l:\n  cli:\n    []\nx: 1\n"),
        ("l:\n  cli: [file, web, \"a b\"] # l\n", "l:\n  cli: [file, \"a b\"] # l\n"),
        ("l:\n  cli: [web]\n", "l:\n  cli: []\n"),
        ("l:\n  cli: [file]\n", "l:\n  cli: [file]\n"),
        ("l:\n  other: 1\n", "l:\n  other: 1\n"),
        ("x: 1\n", "x: 1\n"),
    ] {
        assert_eq!(without(old).unwrap(), new, "{old}");
        assert_eq!(without(new).unwrap(), new, "{new}");
    }
    for odd in ["l: {cli: [web]}\n", "l:\n  cli: web\n", "l:\n  cli: [web,\n    file]\n"] {
        assert!(without(odd).is_err(), "{odd}");
    }
}

#[test]
fn keys_that_are_known_late_are_keys_all_the_same() {
    let keys = ["git hub", "tools", "exclude"].map(str::to_owned).to_vec();
    let change = Change::Below(keys, Box::new(Change::listed("die".to_owned(), true)));
    let edit = Edit { path: vec!["mcp_servers"], change };
    let old = "mcp_servers:\n  git hub:\n    command: x # y\n";
    let new = "mcp_servers:\n  git hub:\n    command: x # y\n    tools:\n      exclude:\n        - die\n";
    assert_eq!(edited(old, std::slice::from_ref(&edit)).unwrap(), new);
    assert!(is_decided(&json!({"mcp_servers": {"git hub": 1}}), &edit));
    assert!(!is_decided(&json!({"mcp_servers": {"other": 1}}), &edit));
}

#[test]
fn values_are_set_where_they_stand() {
    for (old, new) in [
        ("", "approvals:\n  mode: \"off\"\n"),
        ("{}\n", "approvals:\n  mode: \"off\"\n"),
        ("approvals: {}\nx: 1\n", "approvals:\n  mode: \"off\"\nx: 1\n"),
        (
            "approvals: # careful\n    # who decides\n    mode: manual   # me\n    gateway_timeout: 5\n",
            "approvals: # careful\n    # who decides\n    mode: \"off\"   # me\n    gateway_timeout: 5\n",
        ),
        ("approvals:\n  gateway_timeout: 5\n", "approvals:\n  gateway_timeout: 5\n  mode: \"off\"\n"),
        (
            "approvals:\n  # x\n  gateway_timeout: 5\n\n# the model\nmodel: m",
            "approvals:\n  # x\n  gateway_timeout: 5\n  mode: \"off\"\n\n# the model\nmodel: m",
        ),
        ("approvals:\n  mode: 'smart # x' # y\n", "approvals:\n  mode: 'off' # y\n"),
        ("approvals: {mode: manual} # x\n", "approvals: {mode: \"off\"} # x\n"),
        ("approvals: { gateway_timeout: 5 }\n", "approvals: { gateway_timeout: 5, mode: \"off\" }\n"),
        ("approvals: {x: 1,}\n", "approvals: {x: 1, mode: \"off\",}\n"),
        ("approvals:\n  mode: # y\n", "approvals:\n  mode: \"off\" # y\n"),
        ("approvals:\r\n  mode: a\r\n", "approvals:\r\n  mode: \"off\"\r\n"),
        ("mode: x\r\n", "mode: x\r\napprovals:\r\n  mode: \"off\"\r\n"),
        ("approvals:\n  mode: a\n  mode: b\n", "approvals:\n  mode: a\n  mode: \"off\"\n"),
        (
            "prompt: |\n  # no comment\n  text\n\n# end\n",
            "prompt: |\n  # no comment\n  text\napprovals:\n  mode: \"off\"\n\n# end\n",
        ),
        ("l:\n- a\n- b\n# end\n", "l:\n- a\n- b\napprovals:\n  mode: \"off\"\n# end\n"),
    ] {
        assert_eq!(mode(old, "off").unwrap_or_else(|why| panic!("{old}: {why}")), new, "{old}");
    }
    for odd in [
        "approvals: {mode: [a]}\n",
        "approvals: {\n  mode: manual}\n",
        "approvals: off\n",
        "approvals:\n  mode: >\n    a\n",
        "approvals:\n  mode: a\n    b\n",
        "approvals:\n  mode: [a]\n",
        "approvals: &a\n  x: 1\nb: *a\n",
        "m: &m manual\napprovals:\n  mode: &a x\nb: *a\n",
    ] {
        assert!(matches!(mode(odd, "off"), Err(EditError::Shape)), "{odd}");
    }
}

#[test]
fn deep_places_flags_and_several_changes() {
    let edits = [
        Edit::flag(&["display", "show_reasoning"], true),
        Edit::text(&["display", "sections", "thinking"], "expanded"),
        Edit::text(&["custom_prompt"], "be: brief"),
    ];
    let old = "display:\n  skin: ares # mine\n  sections:\n    tools: hidden\nmodel: m\n";
    let new = "display:\n  skin: ares # mine\n  sections:\n    tools: hidden\n    thinking: expanded\n  \
               show_reasoning: true\nmodel: m\ncustom_prompt: \"be: brief\"\n";
    assert_eq!(edited(old, &edits).unwrap(), new);
    assert_eq!(edited(new, &edits).unwrap(), new, "what is so already is not written again");
}

#[test]
fn a_removed_key_leaves_its_comment() {
    for (old, new) in [
        ("# a\ncustom_prompt: x\nm: 1\n", "# a\nm: 1\n"),
        ("custom_prompt: x # why\nm: 1\n", "# why\nm: 1\n"),
        ("custom_prompt:\nm: 1\n", "m: 1\n"),
        ("custom_prompt: x # why\n", "{} # why\n"),
        ("m: 1\n", "m: 1\n"),
    ] {
        assert_eq!(remove(old, &["custom_prompt"]).unwrap(), new, "{old}");
    }
    assert_eq!(remove("d:\n  s:\n    t: x\n", &["d", "s", "t"]).unwrap(), "d:\n  s:\n    {}\n");
    for odd in ["custom_prompt: |\n  a\nm: 1\n", "custom_prompt: {a: 1}\nm: 1\n", "{custom_prompt: 1}\n"] {
        assert!(remove(odd, &["custom_prompt"]).is_err(), "{odd}");
    }
}

#[test]
fn the_administrator_decides_about_more_than_leaves() {
    let document = json!({"approvals": {"mode": "manual"}, "display": "none"});
    assert!(is_decided(&document, &Edit::text(&["approvals", "mode"], "off")));
    assert!(is_decided(&document, &Edit::text(&["display", "skin"], "ares")));
    assert!(!is_decided(&document, &Edit::text(&["approvals", "other"], "x")));
}

/// Lines that fit together often enough.
const LINES: &[&str] = &[
    "# a comment",
    "",
    "model: m",
    "approvals:",
    "  mode: manual # x",
    "  mode: 'a # b' # c",
    "  # inside",
    "  other: [1, 2] # why",
    "command_allowlist:",
    "command_allowlist: [] # none",
    "  - one",
    "- two # two",
    "display: {skin: s} # odd",
    "  - \"x # y\"",
    "text: |",
    "  # no comment",
    "---",
    "...",
    "    deep: 1 # deep",
];

/// What begins with the first `#` of each line: the comments, and what looks like one.
fn marks(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.find('#').map(|at| line[at..].trim_end())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn comments_survive_and_the_meaning_is_kept(
        lines in proptest::collection::vec(proptest::sample::select(LINES), 0..12),
        item in "[-a-zé0-9 :,'\"\\[\\]{}&*!|>%@]{0,16}",
        feed in proptest::sample::select(&["\n", "\r\n"][..]),
    ) {
        let text = lines.join(feed);
        let edits = [
            Edit { path: vec!["command_allowlist"], change: Change::Append(item.clone()) },
            Edit::text(&["approvals", "mode"], item.as_str()),
            Edit::text(&["display", "sections", "tools"], "hidden"),
            Edit::flag(&["approvals", "deep"], true),
            Edit::remove(&["model"]),
        ];
        for edit in &edits {
            let Ok(new) = edited(&text, std::slice::from_ref(edit)) else { continue };
            // A value that is replaced may have held one that was no comment.
            let (mut before, mut after) = (marks(&text), marks(&new));
            if edit.path == ["approvals", "mode"] {
                before.retain(|mark| !mark.contains("b' # c"));
                after.retain(|mark| !mark.contains("# c"));
            }
            prop_assert_eq!(&before, &after, "{:?} in {:?} gives {:?}", edit, text, new);
            let old = document(&text).unwrap();
            let wanted = meaning::changed(&old, &edit.path, &edit.change).unwrap();
            prop_assert_eq!(document(&new).unwrap(), wanted.unwrap_or(old));
            prop_assert_eq!(edited(&new, std::slice::from_ref(edit)).unwrap(), new, "it is made once");
        }
    }

    #[test]
    fn hostile_text_is_refused_or_edited(text in "([-a-c:,&*!|>%@`'\"<{}\\[\\]?#~0\t\r\n \\\\]|\\PC){0,80}") {
        for edit in [Edit::text(&["a", "b"], "x"), Edit::flag(&["a"], true), Edit::remove(&["b"])] {
            let _ = edited(&text, &[edit]);
        }
    }
}
