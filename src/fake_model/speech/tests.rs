//! Answers spoken in virtual time.

use proptest::prelude::*;

use super::super::script::Script;
use super::*;

const MS: Duration = Duration::from_millis(1);

fn speech(script: &str) -> Speech {
    let script = Script::parse(script, 0).unwrap();
    let parts = script.acts.iter().map(|act| match act {
        super::super::script::Act::Tokens(count) => Part::Tokens(*count),
        super::super::script::Act::Wait(wait) => Part::Wait(*wait),
        super::super::script::Act::Say(text) => Part::Say(text.clone()),
        super::super::script::Act::Huge(bytes) => Part::Huge(*bytes),
        super::super::script::Act::Fail(text) => Part::Fail(text.clone()),
        super::super::script::Act::Call { name, arguments } => {
            Part::Call { name: name.clone(), arguments: arguments.clone() }
        }
        other => panic!("{other:?}"),
    });
    let mut parts: Vec<Part> = parts.collect();
    if script.reason > 0 {
        parts.insert(0, Part::Reason(script.reason));
    }
    let pace = Pace { delay: script.delay, rate: script.rate, size: script.size };
    Speech::new(parts, pace, script.faults)
}

/// Everything with the time it was due, and the end.
fn spoken(mut speech: Speech) -> (Vec<(u64, Piece)>, End) {
    let (mut elapsed, mut pieces) = (Duration::ZERO, Vec::new());
    loop {
        match speech.next(elapsed) {
            Next::Piece(piece) => pieces.push((elapsed.as_millis() as u64, piece)),
            Next::At(due) => {
                assert!(due > elapsed, "a wait that is over");
                elapsed = due;
            }
            Next::End(end) => return (pieces, end),
        }
    }
}

fn text(script: &str) -> String {
    let (pieces, _) = spoken(speech(script));
    let texts = pieces.into_iter().filter_map(|(_, piece)| match piece {
        Piece::Text(text) => Some(text),
        _ => None,
    });
    texts.collect()
}

#[test]
fn says_what_the_demo_agent_says() {
    assert_eq!(text("TOKENS=3 SIZE=4"), "000 001 002 ");
    assert_eq!(text("SAY:one two"), "one two");
    assert_eq!(text("TOKENS=1 SAY:a\nb"), "0000 a\nb");
    let words_count = "TOKENS=2 HUGE=0 TOKENS=1";
    assert_eq!(text(words_count), "0000 0001 0003 ", "each piece has a number");
    assert_eq!(text("SLEEP=5"), "Done.");
    assert_eq!(text("TOKENS=0"), "Done.");
}

#[test]
fn pieces_come_when_they_are_due() {
    let (pieces, end) = spoken(speech("DELAY=100 RATE=10 REASON=1 TOKENS=2 SLEEP=50 TOKENS=2"));
    let times: Vec<u64> = pieces.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [100, 200, 300, 350, 450]);
    assert_eq!(pieces[0].1, Piece::Reason("0000 ".into()));
    assert_eq!(end, End::Stop);
    let (pieces, _) = spoken(speech("RATE=3 TOKENS=300001"));
    assert_eq!(pieces.last().unwrap().0, 100_000_000, "no drift");
}

#[test]
fn the_end_waits_for_a_last_sleep() {
    let mut speech = speech("TOKENS=1 SLEEP=500");
    assert!(matches!(speech.next(Duration::ZERO), Next::Piece(_)));
    assert_eq!(speech.next(MS), Next::At(500 * MS));
    assert_eq!(speech.next(500 * MS), Next::End(End::Stop));
    assert_eq!(speech.last_due(), 500 * MS);
}

#[test]
fn a_late_caller_gets_everything_that_was_due() {
    let mut speech = speech("RATE=100 TOKENS=10");
    let mut count = 0;
    while let Next::Piece(_) = speech.next(45 * MS) {
        count += 1;
    }
    assert_eq!((count, speech.next(45 * MS)), (5, Next::At(50 * MS)));
}

#[test]
fn faults_come_after_their_tokens() {
    for (script, tokens, expected) in [
        ("CUT=2 TOKENS=5", 2, End::Cut),
        ("CUT=0 TOKENS=5", 0, End::Cut),
        ("CUT=9 TOKENS=5", 5, End::Cut),
        ("RESET=2 TOKENS=5", 2, End::Reset),
        ("RESET=9 TOKENS=1", 1, End::Reset),
        ("LENGTH=2 TOKENS=5", 2, End::Length),
        ("LENGTH=9 TOKENS=5", 5, End::Stop),
        ("NOFINISH TOKENS=5", 5, End::Unfinished),
        ("TOKENS=1 FAIL=no", 1, End::Failed("no".into())),
    ] {
        let (pieces, end) = spoken(speech(script));
        assert_eq!((pieces.len(), end), (tokens, expected), "{script}");
    }
}

#[test]
fn one_event_is_broken_and_the_rest_goes_on() {
    for (script, place) in [("MALFORMED=1 TOKENS=3", 1), ("MALFORMED=9 TOKENS=3", 3)] {
        let (pieces, end) = spoken(speech(script));
        let broken: Vec<usize> =
            (0..pieces.len()).filter(|index| pieces[*index].1 == Piece::Broken).collect();
        assert_eq!((broken, pieces.len(), end), (vec![place], 4, End::Stop), "{script}");
    }
}

#[test]
fn arguments_come_in_pieces_and_calls_end_the_answer() {
    let (pieces, end) = spoken(speech("TOOL:a {\"text\":\"äöü äöü\"}\nTOOL:b"));
    assert_eq!(end, End::Tools);
    assert_eq!(pieces[0].1, Piece::Call { index: 0, name: "a".into() });
    let arguments = |wanted: usize| -> String {
        let all = pieces.iter().filter_map(|(_, piece)| match piece {
            Piece::Arguments { index, text } if *index == wanted => Some(text.as_str()),
            _ => None,
        });
        all.collect()
    };
    assert_eq!((arguments(0).as_str(), arguments(1).as_str()), ("{\"text\":\"äöü äöü\"}", "{}"));
    assert!(pieces.len() > 4, "{pieces:?}");
}

#[test]
fn a_huge_token_is_made_in_parts() {
    let (pieces, end) = spoken(speech("HUGE=40000 CUT=1"));
    let sizes = pieces.iter().map(|(_, piece)| match piece {
        Piece::HugeFill(count) => *count,
        _ => 0,
    });
    let sizes: Vec<usize> = sizes.collect();
    assert_eq!(sizes, [0, 16_384, 16_384, 7_232, 0]);
    assert_eq!((pieces[4].1.clone(), end), (Piece::HugeEnd, End::Cut));
}

proptest! {
    #[test]
    fn every_script_ends_and_counts_what_it_said(
        words in prop::collection::vec(
            prop_oneof![
                "(TOKENS|REASON|SLEEP|HUGE|CUT|RESET|LENGTH|MALFORMED|DELAY)=[0-9]{1,3}",
                "NOFINISH|RATE=7|TOOL:x \\{\"äö\":1\\}\n",
            ], 1..8),
        tail in "[a-zä \n]{0,20}",
    ) {
        let script = format!("{} {tail}", words.join(" "));
        let mut speech = speech(&script);
        let (mut elapsed, mut tokens) = (Duration::ZERO, 0);
        loop {
            match speech.next(elapsed) {
                Next::Piece(Piece::Call { .. } | Piece::Broken | Piece::HugeStart | Piece::HugeFill(_)) => {}
                Next::Piece(_) => tokens += 1,
                Next::At(due) => {
                    prop_assert!(due > elapsed);
                    elapsed = due;
                }
                Next::End(_) => break,
            }
            prop_assert!(tokens <= 8_100);
        }
        prop_assert_eq!(speech.counts().tokens, tokens);
    }
}
