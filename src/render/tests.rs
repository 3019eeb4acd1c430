//! What becomes of Markdown, construct by construct, and that nothing of a text acts on the terminal.

use proptest::prelude::*;

use super::*;

fn shown(text: &str) -> String {
    markdown(text, 40).unwrap_or_default()
}

/// Without looks.
fn bare(text: &str) -> String {
    clean::clean(&shown(text))
}

#[test]
fn looks_are_sequences() {
    for (text, want) in [
        ("plain", "plain"),
        ("**a** *b* ~~c~~", "\u{1b}[1ma\u{1b}[0m \u{1b}[3mb\u{1b}[0m \u{1b}[9mc\u{1b}[0m"),
        ("***a***", "\u{1b}[1;3ma\u{1b}[0m"),
        ("`a  b`", "\u{1b}[36ma  b\u{1b}[0m"),
        ("# T\ntext", "\u{1b}[1;4mT\u{1b}[0m\n\ntext"),
        ("## T", "\u{1b}[1mT\u{1b}[0m"),
        ("### T", "\u{1b}[1;3mT\u{1b}[0m"),
        ("[a](http://x)", "\u{1b}[4ma\u{1b}[0m\u{1b}[2m (http://x)\u{1b}[0m"),
        ("<http://x>", "\u{1b}[4mhttp://x\u{1b}[0m"),
        ("<a@b.org>", "\u{1b}[4ma@b.org\u{1b}[0m"),
        ("> a\nb", "\u{1b}[2m│\u{1b}[0m a b"),
        ("```rust\na\n\n\tb\n```", "  \u{1b}[36ma\u{1b}[0m\n\n  \u{1b}[36m    b\u{1b}[0m"),
        ("<div>\n<b>\n</div>", "<div>\n<b>\n</div>"),
    ] {
        assert_eq!(shown(text), want, "{text}");
    }
}

#[test]
fn blocks_stand_where_they_belong() {
    let ruled = format!("a\n\n{}\n\nb", "─".repeat(40));
    for (text, want) in [
        ("a\nb\n\nc\\\nd", "a b\n\nc\nd"),
        ("- a\n- b\n  - c\n- d\n\ne", "• a\n• b\n  • c\n• d\n\ne"),
        ("9. a\n10. b", "9. a\n10. b"),
        ("- a\n\n- b\n\n  c", "• a\n\n• b\n\n  c"),
        ("- [x] a\n- [ ] b\n-", "• [x] a\n• [ ] b\n•"),
        ("- - a", "• • a"),
        ("> a\n>\n> - b\n\nc", "│ a\n│\n│ • b\n\nc"),
        ("a\n\n---\n\nb", ruled.as_str()),
        ("![pic](p.png) ![](q.png)", "pic (p.png) q.png"),
    ] {
        assert_eq!(bare(text), want, "{text}");
    }
}

#[test]
fn lines_are_as_wide_as_the_terminal() {
    let words = "word ".repeat(60);
    for text in [words.clone(), format!("> - {words}"), format!("|a|b|\n|-|-|\n|{words}|{words}|")] {
        let lines = bare(&text);
        let widest = lines.lines().map(width::of_text).max();
        assert!(widest.is_some_and(|widest| (30..=40).contains(&widest)), "{lines}");
    }
}

#[test]
fn tables_have_columns() {
    let text = "| n | name |\n|--:|:-:|\n| 1 | ab |\n| 22 | **c** |\n| 3 |\n";
    assert_eq!(bare(text), " n │ name\n───┼─────\n 1 │  ab\n22 │  c\n 3 │");
}

#[test]
fn a_table_of_too_many_columns_is_a_list_of_cells() {
    let row = |text: &str| format!("|{}\n", format!("{text}|").repeat(12));
    let text = row("head") + &row("-") + &row("cell") + &row("");
    assert!(bare(&text).starts_with("head: cell\nhead: cell\n"), "{}", bare(&text));
}

#[test]
fn nothing_of_a_text_acts_on_the_terminal() {
    for text in [
        "a\u{1b}[2Jb",
        "a&#27;[2Jb",
        "`a\u{1b}]0;x\u{7}b`",
        "[a&#27;](<http://x&#27;[2J>)",
        "    a&#27;\u{9b}\n",
        "<div>\u{1b}[1m\n",
        "|a&#27;|\n|-|\n|b&#7;|\n",
    ] {
        let rendered = shown(text);
        for (at, _) in rendered.match_indices(|c: char| c.is_control() && c != '\n') {
            let rest = rendered.get(at..).unwrap_or_default();
            let end = rest.find('m').map_or("", |end| rest.get(2..end).unwrap_or_default());
            assert!(rest.starts_with("\u{1b}[") && end.bytes().all(|b| b.is_ascii_digit() || b == b';'));
            assert!(!end.is_empty(), "{text:?}: {rendered:?}");
        }
    }
}

#[test]
fn what_is_nothing_or_too_much_is_not_rendered() {
    assert_eq!(markdown("", 80), None);
    assert_eq!(markdown(" \n\u{1b}[2J\n", 80), None);
    assert_eq!(markdown(&"a ".repeat(TEXT_BYTES_MAX), 80), None);
    assert_eq!(markdown(&"***\n".repeat(TEXT_BYTES_MAX / 4), 80), None);
    assert_eq!(diff(&"+".repeat(TEXT_BYTES_MAX + 1)), None);
}

/// Each of these has been somebody's way to stop a Markdown renderer.
#[test]
fn deep_and_wide_texts_come_to_an_end() {
    let wide = format!("{0}\n{0}\n{1}", "|-".repeat(2_000) + "|", "|\n".repeat(30_000));
    let deep = "- ".repeat(30_000) + "a\n" + &"b\\\n".repeat(20_000);
    for text in [wide, deep, ">".repeat(60_000), "![".repeat(30_000), "*a_ ".repeat(30_000)] {
        let rendered = markdown::render(&text, 1_000_000).unwrap_or_default();
        assert!(rendered.len() <= RENDERED_BYTES_MAX);
    }
}

#[test]
fn what_is_too_deep_for_the_parser_is_not_rendered() {
    for marker in ["> ", ">", "- ", "* ", "+\t", "1. ", "12) "] {
        let line = |count: usize| format!("{}a\n{}", marker.repeat(count), "b\n".repeat(1_000));
        assert!(markdown(&line(MARKERS_MAX), 40).is_some(), "{marker:?}");
        assert_eq!(markdown(&line(MARKERS_MAX + 1), 40), None, "{marker:?}");
    }
    for text in ["-".repeat(1_000), "*".repeat(1_000) + "a", "1".repeat(1_000), "a > ".repeat(1_000)] {
        assert!(markdown(&text, 40).is_some(), "{text}");
    }
}

proptest! {
    #[test]
    fn plain_words_stay_in_their_order(
        words in prop::collection::vec("[a-z]{1,12}", 1..60),
        cols in 0_usize..200,
    ) {
        let text = words.join(" ");
        let rendered = markdown(&text, cols).unwrap_or_default();
        prop_assert_eq!(rendered.split_whitespace().collect::<Vec<_>>(), words);
    }

    #[test]
    fn no_text_is_a_panic(
        text in "[-a#>*_`~|\\[\\]()<&;!.: 1\n\t\u{1b}漢]{0,120}|.{0,80}",
        cols in any::<usize>(),
    ) {
        markdown::render(&text, cols.clamp(COLS.0, COLS.1));
        diff::render(&text);
    }
}
