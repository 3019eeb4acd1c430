//! When a goal is looked at again, and what is said of a verdict.

use std::time::Instant;

use super::*;
use crate::model::goal::{Contract, Hold, Wait};

fn now() -> Now {
    Now { at: Instant::now(), wall: 100.0 }
}

fn goal() -> Goal {
    let set = GoalWish::Set { text: "ship".to_owned(), turns_max: 5, contract: Contract::default() };
    set.after(None, 1.0).unwrap()
}

#[test]
fn a_wait_is_looked_at_neither_all_the_time_nor_never() {
    let until = |until: f64| pause(&Barrier::Until(until), now());
    assert_eq!(until(160.0), Duration::from_secs(60));
    for absurd in [1e300, f64::MAX, f64::INFINITY, f64::NAN, 1e9] {
        assert_eq!(until(absurd), GOAL_WAIT_SLEEP_MAX, "{absurd}");
    }
    for over in [100.0, 0.0, -1e300] {
        assert_eq!(until(over), GOAL_WAIT_SLEEP_MIN, "{over}");
    }
    assert_eq!(pause(&Barrier::Pid(7), now()), GOAL_WAIT_POLL);
}

#[test]
fn a_late_verdict_is_not_said_to_be_what_happened() {
    let said = |now_is: Goal, ruling: Ruling| {
        let judgement = Judgement { asked: Box::new(goal()), ruling, reason: "so".to_owned() };
        let after = GoalWish::Judged(judgement.clone()).after(Some(now_is), 100.0).unwrap();
        verdict(&after, Some(&judgement), now())
    };
    let more = Goal { criteria: vec!["no warnings".to_owned()], ..goal() };
    assert_eq!(said(goal(), Ruling::Done), "✓ Goal achieved: so");
    assert_eq!(
        said(more, Ruling::Done),
        "↻ Continuing toward goal (1/5): it was judged by what was asked for before"
    );
    let wait = Wait { on: Barrier::Pid(7), reason: Some("CI".to_owned()), since: 50.0 };
    let parked = Goal { wait: Some(wait), ..goal() };
    assert_eq!(said(parked.clone(), Ruling::Continue), "⏳ Goal parked — waiting on pid 7: CI");
    assert_eq!(said(parked, Ruling::Wait(Hold::Seconds(60))), "⏳ Goal parked — waiting on pid 7: CI");
    assert_eq!(said(goal(), Ruling::Wait(Hold::Seconds(60))), "⏳ Goal parked (judge) — waiting on 60s: so");
}
