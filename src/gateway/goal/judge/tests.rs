//! Questions to a judge, and its words.

use proptest::prelude::*;

use super::*;
use crate::model::goal::GoalWish;

fn goal() -> Goal {
    let set = GoalWish::Set { text: "Fix the build".to_owned(), turns_max: 3, contract: Contract::default() };
    set.after(None, 5.0).unwrap()
}

#[test]
fn verdicts_are_read_in_every_shape() {
    let process = |id: &str| Ruling::Wait(Hold::Process(id.to_owned()));
    for (reply, ruling, reason) in [
        (r#"{"verdict": "done", "reason": " it is "}"#, Ruling::Done, "it is"),
        (r#"{"verdict": "CONTINUE"}"#, Ruling::Continue, "no reason provided"),
        ("```json\n{\"verdict\": \"done\", \"reason\": \"a {b}\"}\n```", Ruling::Done, "a {b}"),
        (r#"Well {then}: {"done": true, "reason": "r"} and more"#, Ruling::Done, "r"),
        (r#"{"done": "yes", "reason": "r"}"#, Ruling::Done, "r"),
        (r#"{"done": false, "reason": "r"}"#, Ruling::Continue, "r"),
        (r#"{"verdict": "maybe", "reason": "r"}"#, Ruling::Continue, "r"),
        (
            r#"{"verdict": "wait", "wait_on_pid": 7, "wait_on_session": "proc_1", "reason": "r"}"#,
            process("proc_1"),
            "r",
        ),
        (r#"{"verdict": "wait", "pid": "7", "seconds": 9, "reason": "r"}"#, Ruling::Wait(Hold::Pid(7)), "r"),
        (
            r#"{"verdict": "wait", "wait_for_seconds": 60, "reason": "r"}"#,
            Ruling::Wait(Hold::Seconds(60)),
            "r",
        ),
        (
            r#"{"verdict": "wait", "wait_for_seconds": 18446744073709551615, "reason": "r"}"#,
            Ruling::Wait(Hold::Seconds(GOAL_WAIT_SECONDS_MAX)),
            "r",
        ),
        (
            r#"{"verdict": "wait", "wait_on_pid": -1, "reason": "r"}"#,
            Ruling::Continue,
            "r (there is nothing to wait for)",
        ),
        ("", Ruling::Unreadable, "judge returned empty response"),
        ("It is done.", Ruling::Unreadable, "judge reply was not JSON: It is done."),
        (r#"["done"]"#, Ruling::Unreadable, r#"judge reply was not JSON: ["done"]"#),
    ] {
        assert_eq!(read(reply), (ruling, reason.to_owned()), "{reply}");
    }
    let long = format!(r#"{{"verdict": "done", "reason": "{}"}}"#, "é".repeat(9000));
    assert_eq!(read(&long).1.chars().count(), GOAL_REASON_CHARS_MAX + 1);
}

#[test]
fn the_judge_sees_what_belongs_to_the_goal() {
    let process = Process {
        id: "proc_1".to_owned(),
        command: "make\nall".to_owned(),
        cwd: "/w".to_owned(),
        pid: 7,
        started_at: String::new(),
        uptime_seconds: 12,
        exit_code: None,
        output_preview: "50 %\n".to_owned(),
        output_tail: String::new(),
        notify_on_complete: false,
        watch_patterns: vec!["ready".to_owned()],
        watch_hit: false,
    };
    let plain = question(&goal(), "I fixed it.", &[], "noon");
    assert_eq!(
        plain,
        "The goal:\nFix the build\n\nWhat the agent answered last:\nI fixed it.\n\nIt is noon.\n\n\
         Done, continue or wait?"
    );
    let mut contract = Contract::default();
    contract.0[1] = "make passes".to_owned();
    let full = Goal { criteria: vec!["no warnings".to_owned()], contract, ..goal() };
    let asked = question(&full, "I fixed it.", &[process], "noon");
    for part in [
        "- Verification: make passes",
        "- 1. no warnings",
        "- pid 7 / session proc_1: make all (for 12 s), watched for ready, says last: 50 %\n",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    let next = next_step(&full);
    assert!(next.starts_with("[Continuing toward your standing goal]\nGoal: Fix the build\n"));
    assert!(next.contains("- Verification: make passes") && next.contains("- 1. no warnings"));
    let long = Goal { text: "x".repeat(20_000), ..goal() };
    assert!(question(&long, "", &[], "noon").len() < 2 * GOAL_JUDGED_CHARS_MAX);
}

#[test]
fn the_judge_is_the_configured_one_or_the_sessions_own() {
    let own = || Some(ModelChoice::from("own"));
    let judge = |settings: &str| chosen(settings, own());
    assert_eq!((judge("{}").model, judge("nonsense").max_tokens), (own(), GOAL_JUDGE_TOKENS));
    let set =
        judge(r#"{"auxiliary":{"goal_judge":{"provider":"openrouter","model":"small","max_tokens":9}}}"#);
    let small = |provider: Option<&str>| ModelChoice {
        name: "small".to_owned(),
        provider: provider.map(str::to_owned),
    };
    assert_eq!((set.model, set.max_tokens), (Some(small(Some("openrouter"))), 9));
    let auto = judge(r#"{"auxiliary":{"goal_judge":{"provider":"auto","model":"small","max_tokens":-1}}}"#);
    assert_eq!((auto.model, auto.max_tokens), (Some(small(None)), GOAL_JUDGE_TOKENS));
    let unset = judge(r#"{"auxiliary":{"goal_judge":{"provider":"openrouter","model":"auto"}}}"#);
    assert_eq!((unset.model, unset.ignores_endpoint), (own(), false));
    let elsewhere = judge(r#"{"auxiliary":{"goal_judge":{"base_url":"http://judge/v1","model":"small"}}}"#);
    assert_eq!((elsewhere.model, elsewhere.ignores_endpoint), (own(), true));
    let blank = judge(r#"{"auxiliary":{"goal_judge":{"base_url":"","model":"small"}}}"#);
    assert_eq!((blank.model, blank.ignores_endpoint), (Some(small(None)), false));
    let empty = judge(r#"{"auxiliary":{"goal_judge":{"provider":"openrouter","model":" "}}}"#);
    assert_eq!(empty.model, own());
}

#[test]
fn a_draft_needs_something_in_it() {
    let contract = drafted("Here:\n{\"outcome\": \" it builds \", \"verification\": 7}").unwrap();
    assert_eq!(contract.lines(), ["- Outcome: it builds"]);
    for reply in ["", "no", "{}", r#"{"outcome": " "}"#] {
        assert_eq!(drafted(reply), None, "{reply}");
    }
}

proptest! {
    #[test]
    fn no_reply_panics(reply in r#"(\{|\}|"|:|,|\[|verdict|wait|done|[0-9]{1,30}|\PC| ){0,60}"#) {
        let (_, reason) = read(&reply);
        prop_assert!(reason.chars().count() <= GOAL_REASON_CHARS_MAX + 40);
        let _ = drafted(&reply);
    }
}
