//! Documents, hostile and otherwise.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn kind(text: &str) -> (Option<usize>, YamlErrorKind) {
    let error = parse(text).unwrap_err();
    (error.line, error.kind)
}

#[test]
fn documents() {
    for (text, want) in [
        ("", json!(null)),
        ("# only a comment\n", json!(null)),
        ("---\n...\n", json!(null)),
        ("5", json!(5)),
        ("a: 1\nb:\n  - x\n  - 'on'\n  - on\n", json!({"a": 1, "b": ["x", "on", true]})),
        ("a: {b: [1, 2], c: }\n", json!({"a": {"b": [1, 2], "c": null}})),
        ("a: |\n  one\n  two\nb: >-\n  one\n  two\n", json!({"a": "one\ntwo\n", "b": "one two"})),
        ("a: 1\n---\nb: 2\n", json!({"a": 1})),
        ("a: 1\na: 2\n", json!({"a": 2})),
        ("on: 1\n12: 2\n~: 3\n1.5: 4\n", json!({"true": 1, "12": 2, "null": 3, "1.5": 4})),
        (
            "a: !!str 12\nb: !!int '12'\nc: !mine x\nd: ! 12\n",
            json!({"a": "12", "b": 12, "c": "x", "d": "12"}),
        ),
        ("\"a b\": 'c'\n", json!({"a b": "c"})),
        ("a: sk-1#2 # note\n", json!({"a": "sk-1#2"})),
    ] {
        assert_eq!(parse(text), Ok(want), "{text:?}");
    }
}

#[test]
fn key_order_is_kept() {
    assert_eq!(parse("b: 1\na: 2\nb: 3\n").unwrap().to_string(), r#"{"b":3,"a":2}"#);
}

#[test]
fn anchors_and_merge_keys() {
    let text = "base: &base {x: 1, y: 2}\nmore: &more {y: 3, z: 4}\n\
                one:\n  y: 9\n  <<: *base\n\
                two:\n  <<: [*base, *more]\nthree: {'<<': 1}\nfour: &s word\nfive: *s\n";
    let value = parse(text).unwrap();
    assert_eq!(value["one"].to_string(), r#"{"x":1,"y":9}"#);
    assert_eq!(value["two"], json!({"x": 1, "y": 2, "z": 4}));
    assert_eq!(value["three"], json!({"<<": 1}));
    assert_eq!(value["five"], json!("word"));
    assert_eq!(kind("a: 1\nb:\n  <<: 5\n").1, YamlErrorKind::BadMerge);
    assert_eq!(kind("<<: [1]\n").1, YamlErrorKind::BadMerge);
}

#[test]
fn errors_name_the_line_and_nothing_else() {
    assert_eq!(kind("a: 1\nb: [\n").1, YamlErrorKind::Syntax);
    assert_eq!(kind("a: 1\nb: 'x' y\n"), (Some(2), YamlErrorKind::Syntax));
    assert_eq!(kind("a: 1\nb: *none\n"), (Some(2), YamlErrorKind::Syntax));
    assert_eq!(kind("a: &a [*a]\n"), (Some(1), YamlErrorKind::Recursive));
    assert_eq!(kind("{a: 1}: 2\n").1, YamlErrorKind::BadKey);
    let shown = parse("a: 1\nb: sk-canary: x: y\n").unwrap_err().to_string();
    assert_eq!(shown, "line 2: this is not valid YAML");
}

#[test]
fn bounds_hold() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(kind(&nested(MAX_DEPTH + 1)).1, YamlErrorKind::TooDeep);
    assert!(parse(&"[".repeat(500_000)).is_err());

    let laughs = format!(
        "a0: &a0 [x]\n{}",
        (1..20)
            .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")))
            .collect::<String>()
    );
    assert_eq!(kind(&laughs).1, YamlErrorKind::TooMuch);

    let chain = format!(
        "a0: &a0 [x]\n{}",
        (1..70).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect::<String>()
    );
    assert_eq!(kind(&chain), (Some(64), YamlErrorKind::TooDeep));

    let heavy = format!("a: &a {}\nb: [{}]\n", "x".repeat(900_000), vec!["*a"; 1000].join(","));
    assert_eq!(kind(&heavy).1, YamlErrorKind::TooMuch);

    let items = |count: usize| "- 1\n".repeat(count);
    assert!(parse(&items(MAX_NODES - 1)).is_ok());
    assert_eq!(kind(&items(MAX_NODES)), (Some(MAX_NODES), YamlErrorKind::TooMuch));
    assert_eq!(kind(&" ".repeat((1 << 20) + 1)), (None, YamlErrorKind::TooLarge));
}

proptest! {
    #[test]
    fn never_panics(text in "([-a-c:,&*!|>%@`'\"<{}\\[\\]?#~0.9\t\n \\\\]|\\PC){0,120}") {
        if let Ok(value) = parse(&text) {
            let size = Size::of(&value);
            prop_assert!(size.nodes <= MAX_NODES && size.text <= MAX_TEXT && size.depth <= MAX_DEPTH);
        }
    }

    #[test]
    fn json_means_the_same(numbers in proptest::collection::vec(any::<i64>(), 0..20), text in "\\PC{0,40}") {
        let value = json!({"numbers": numbers, "text": text});
        prop_assert_eq!(parse(&value.to_string()), Ok(value));
    }
}
