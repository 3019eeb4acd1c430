//! What holds for any command: reading it ends, and quotes that mean nothing hide nothing.

use proptest::prelude::*;

use super::examine::examine;
use super::words::split;

/// How one letter of a command may be written so that a shell reads the same.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    Plain,
    Escaped,
    Single,
    Double,
    Ansi,
    EmptyQuotesBefore,
    ContinuedBefore,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    use Spelling::*;
    prop_oneof![
        Just(Plain),
        Just(Escaped),
        Just(Single),
        Just(Double),
        Just(Ansi),
        Just(EmptyQuotesBefore),
        Just(ContinuedBefore),
    ]
}

fn spell(word: &str, spellings: &mut impl Iterator<Item = Spelling>) -> String {
    let mut spelled = String::new();
    for (c, spelling) in word.chars().zip(spellings) {
        spelled.push_str(&match spelling {
            Spelling::Plain => c.to_string(),
            Spelling::Escaped => format!("\\{c}"),
            Spelling::Single => format!("'{c}'"),
            Spelling::Double => format!("\"{c}\""),
            Spelling::Ansi => format!("$'\\x{:02x}'", u32::from(c)),
            Spelling::EmptyQuotesBefore => format!("''\"\"{c}"),
            Spelling::ContinuedBefore => format!("\\\n{c}"),
        });
    }
    spelled
}

proptest! {
    #[test]
    fn any_text_is_read_to_an_end(text in ".{0,1024}") {
        examine(&text);
    }

    #[test]
    fn any_text_of_shell_is_read_to_an_end(
        pieces in proptest::collection::vec(
            prop_oneof![
                "[;|&()<>{}\\[\\]\n'\"`$#\\\\,=*?!~ -]{1,4}",
                "(rm|-rf|/|sh|-c|eval|case|esac|in|if|find|-exec|sudo|xargs|echo|E|x=|[a-z]{1,3}) ?",
                Just("$(".to_owned()),
                Just("${x:-".to_owned()),
                Just("<<E\n".to_owned()),
                Just("$'\\".to_owned()),
            ],
            0..600,
        ),
    ) {
        let text: String = pieces.concat().chars().take(4096).collect();
        examine(&text);
    }

    #[test]
    fn spellings_that_mean_the_same_are_the_same(
        spellings in proptest::collection::vec(spelling(), 6),
        blanks in "[ \t]{1,3}",
        root in prop_oneof![Just("/"), Just("/*"), Just("/etc"), Just("//")],
        around in prop_oneof![
            Just(("", "")), Just(("sudo ", "")), Just(("true; ", "; true")), Just(("(", ")")),
            Just(("$(", ")")), Just(("echo \"$(", ")\"")), Just(("{ ", "; }")), Just(("X=1 env ", " x")),
        ],
    ) {
        let mut letters = spellings.into_iter();
        let name = spell("rm", &mut letters);
        let option = spell("-rf", &mut letters);
        let (before, after) = around;
        let command = format!("{before}{name}{blanks}{option}{blanks}{root}{after}");
        prop_assert!(examine(&command).hard.is_some(), "{command}");
    }

    #[test]
    fn a_quoted_text_is_one_word(text in "[^']{0,200}") {
        let script = split(&format!("echo '{text}' x"));
        prop_assert!(!script.unclear);
        prop_assert_eq!(script.commands.len(), 1);
        prop_assert_eq!(script.commands[0].words.len(), 3);
    }
}

#[test]
fn the_worst_texts_of_their_length_are_read_to_an_end() {
    for piece in [
        "(",
        "((",
        "$(",
        "${",
        "`",
        "\"$(",
        "\"`",
        "{a,",
        "{",
        "a|",
        "a()",
        "<<E ",
        "bash -c \"",
        "$'\\",
        "[",
        "*",
        "a a|",
        "if ",
        "case x in ",
        "sudo ",
        "-exec ; ",
        "chmod +x a/b;",
        "kill $(ps )",
        "find -exec ",
        "eval '",
        "\u{1b}[",
        "a=(",
    ] {
        for length in [4 * 1024, 64 * 1024] {
            examine(&piece.repeat(length / piece.len()));
        }
    }
    let mut nested = "rm -rf /".to_owned();
    for _ in 0..3 {
        nested = format!("bash -c \"{}\"", nested.replace('\\', "\\\\").replace('"', "\\\""));
    }
    assert!(examine(&nested).hard.is_some());
    for _ in 0..4 {
        nested = format!("bash -c \"{}\"", nested.replace('\\', "\\\\").replace('"', "\\\""));
    }
    assert!(!examine(&nested).findings.is_empty(), "too deep is asked about");
}
