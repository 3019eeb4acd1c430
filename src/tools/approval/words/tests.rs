//! What a shell text is read as.

use super::*;

/// The words of each command with any, separated by bars.
fn read(text: &str) -> String {
    let script = split(text);
    assert!(!script.unclear, "{text}");
    shown(&script)
}

fn shown(script: &Script) -> String {
    let words = |command: &Command| {
        let texts: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        texts.join(" ")
    };
    let commands: Vec<String> = script.commands.iter().map(words).filter(|words| !words.is_empty()).collect();
    commands.join(" | ")
}

#[test]
fn commands_are_parted_by_operators_outside_of_quotes() {
    for (text, expected) in [
        ("", ""),
        ("a b", "a b"),
        ("a;b&&c||d&e\nf", "a | b | c | d | e | f"),
        ("a 'b; c' \"d | e\" f\\;g", "a b; c d | e f;g"),
        ("a # b; c\nd#e", "a | d#e"),
        ("a 2>&1 >x <y b", "a b"),
        ("a &>x b", "a b"),
        ("(a; b) | { c; }", "a | b | { c | }"),
        ("if a; then b; fi", "if a | then b | fi"),
        ("f() { a; }", "f | { a | }"),
        ("a\\\nb c \\\n d", "ab c d"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn quotes_and_escapes_come_off() {
    for (text, expected) in [
        ("r''m \"\"-r\\f", "rm -rf"),
        ("\\rm", "rm"),
        ("'a'\"b\"c", "abc"),
        ("\"a\\\"b\\c\\$\"", "a\"b\\c$"),
        ("$'r\\x6d' $'\\055rf'", "rm -rf"),
        ("$\"a b\"", "a b"),
        ("\"~\" \\~ ~", "./~ ./~ ~"),
        ("rm$IFS-rf${IFS}/", "rm -rf /"),
        ("r$@m r$1m", "rm rm"),
        ("{rm,-r}", "rm -r"),
        ("'{a,b}' {a}", "{a,b} {a}"),
        ("$X \"${Y}z\" ${A:-b} $", "${X} ${Y}z b $"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn commands_in_substitutions_are_commands() {
    for (text, expected) in [
        ("a $(b c)", "a $(b c) | b c"),
        ("a \"x $(b \"c d\")\"", "a x $(b \"c d\") | b c d"),
        ("a `b \\`c\\``", "a `b \\`c\\`` | b `c` | c"),
        ("a ${x:-$(b)}", "a $(b) | b"),
        ("a <(b) >(c)", "a <(b) >(c) | b | c"),
        ("a '$(b)' \\$(b)", "a $(b) $ | b"),
        ("a=(b c)", "a= | b c"),
    ] {
        let script = split(text);
        assert_eq!(shown(&script), expected, "{text}");
    }
}

#[test]
fn here_documents_are_no_commands_but_what_expands_in_them_is() {
    for (text, expected, document) in [
        ("a <<E\nb\nE\nc", "a | c", "b\n"),
        ("a <<'E'\n$(b)\nE", "a", "$(b)\n"),
        ("a <<E\n$(b) \\$(x)\nE", "a | b", "$(b) \\$(x)\n"),
        ("a <<-E x\n\tb\n\tE\nc", "a x | c", "b\n"),
        ("a <<E\nb\\\nE\nE", "a", "bE\n"),
        ("a <<<b", "a", "b\n"),
    ] {
        assert_eq!(read(text), expected, "{text}");
        let script = split(text);
        let found = script.commands[0].document.as_deref().map(str::trim_end);
        assert_eq!(found, Some(document.trim_end()), "{text}");
    }
}

#[test]
fn patterns_of_a_case_are_no_commands() {
    assert_eq!(read("case $x in a|b) c;; *) d;; esac; e"), "case ${x} in a | c | d | esac | e");
    assert_eq!(read("$(case x in\n y) z;;\nesac)").split(" | ").last(), Some("esac"));
}

#[test]
fn pipes_are_known_through_groups_and_loops() {
    for text in ["a | b", "a | c | b", "(a) | b", "a | (c; b)", "a | while c; do b; done", "a | { c; b; }"] {
        let script = split(text);
        let has = |command: &Command, name: &str| command.words.iter().any(|word| word.text == name);
        let named = |name: &str| script.commands.iter().position(|command| has(command, name));
        let (a, b) = (named("a").expect(text), named("b").expect(text));
        assert!(script.commands[b].upstream.contains(&a), "{text}");
    }
    for text in ["a; b", "a || b", "a && b", "b | a"] {
        let script = split(text);
        let b = script.commands.iter().find(|command| command.words[0].text == "b").expect(text);
        assert!(b.upstream.is_empty(), "{text}");
    }
}

#[test]
fn arithmetic_holds_no_commands_but_may_start_some() {
    for text in ["echo $((a * 2))", "((i * 2))", "a=(b*)", "[[ a && $b == c* ]]"] {
        let script = split(text);
        assert!(!script.unclear, "{text}");
        let no_command = |command: &Command| command.value || command.words.is_empty();
        assert!(script.commands.iter().skip(1).all(no_command), "{text}");
    }
    let script = split("echo $(( $(b) + 1 ))");
    let b = script.commands.iter().find(|command| command.words.first().is_some_and(|w| w.text == "b"));
    assert!(b.is_some_and(|command| !command.value));
}

#[test]
fn what_cannot_be_read_or_has_two_readings_is_unclear() {
    for text in [
        "'",
        "a \"b",
        "a $(b",
        "a `b",
        "(a",
        "a)",
        "a >",
        "a ${b",
        "a <<E\nb",
        "a <<E",
        "((x=1<<4))\nrm y\n4",
        "a[1<<4]=5\nrm y\n4]=5",
        "$[1<<4]",
        "$'\\'' b",
        "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
    ] {
        assert!(split(text).unclear, "{text}");
    }
    let shift = shown(&split("a[1<<4]=5\nrm y\n4]=5"));
    assert!(shift.contains("rm y"), "nothing hides in what may be a document: {shift}");
    assert!(split(&"(".repeat(1000)).unclear && split(&"a;".repeat(2000)).unclear);
    assert!(split(&"a".repeat(TEXT_MAX + 1)).unclear && !split(&"a".repeat(TEXT_MAX)).unclear);
}

#[test]
fn the_crude_reading_parts_at_everything() {
    let commands = split_crudely("echo \"rm -rf / $(x");
    let words = commands.iter().flat_map(|command| &command.words);
    let words: Vec<&str> = words.map(|word| word.text.as_str()).collect();
    assert_eq!((commands.len(), words), (3, vec!["echo", "rm", "-rf", "/", "$", "x"]));
}
