//! What `/goal` and `/subgoal` read and say.

use super::*;
use crate::model::goal::{Hold, Judgement, Ruling};

fn set(text: &str) -> GoalWish {
    GoalWish::Set { text: text.to_owned(), turns_max: 20, contract: Contract::default() }
}

#[test]
fn words_of_goals_are_no_goals() {
    let sub = |arg: &str| read(arg, 20).unwrap();
    for (arg, want) in [
        ("", GoalWish::Show),
        (" Status ", GoalWish::Show),
        ("PAUSE", GoalWish::Pause),
        ("resume", GoalWish::Resume),
        ("done", GoalWish::Clear),
        ("unwait", GoalWish::Unwait),
    ] {
        assert_eq!(sub(arg), Sub::Wish(want), "{arg}");
    }
    assert_eq!(sub("show"), Sub::Show);
    assert_eq!(sub("Draft  a plan"), Sub::Draft("a plan".to_owned()));
    assert_eq!(sub("wait 77 for CI"), Sub::Wait("77".to_owned(), Some("for CI".to_owned())));
    assert_eq!(sub("wait proc_1"), Sub::Wait("proc_1".to_owned(), None));
    for arg in ["draft", "wait"] {
        assert!(matches!(sub(arg), Sub::Usage(_)), "{arg}");
    }
    for arg in ["show the results", "wait for the build", "Pause all jobs", "drafts are due", "unwait all"] {
        assert_eq!(sub(arg), Sub::Wish(set(arg)), "{arg}");
    }
    for arg in ["x".repeat(GOAL_CHARS_MAX + 1), format!("draft {}", "x".repeat(GOAL_CHARS_MAX + 1))] {
        assert_eq!(read(&arg, 20).unwrap_err().code, 4004);
    }
}

#[test]
fn answers_say_how_it_stands() {
    let goal = GoalWish::Set { text: "ship".to_owned(), turns_max: 5, contract: Contract::default() }
        .after(None, 1.0);
    let told = |wish: GoalWish, judged: bool| {
        let now = wish.after(goal.clone(), 2.0);
        let unjudged = (!judged).then_some(NO_JUDGE);
        answer(&wish, unjudged, goal.as_ref(), now.as_ref(), 2.0)["output"]
            .as_str()
            .map(str::to_owned)
            .unwrap()
    };
    assert_eq!(told(GoalWish::Show, true), "Goal (active, 0/5 turns): ship");
    assert_eq!(told(GoalWish::Show, false), format!("Goal (active, 0/5 turns): ship\n{NO_JUDGE}"));
    assert_eq!(told(GoalWish::Pause, true), "Goal paused: ship");
    assert_eq!(told(GoalWish::Clear, true), "Goal cleared.");
    assert_eq!(told(GoalWish::Unwait, true), "The goal waits for nothing.");
    let cleared = GoalWish::Clear.after(goal.clone(), 3.0);
    let shown = answer(&GoalWish::Show, None, cleared.as_ref(), cleared.as_ref(), 3.0);
    assert_eq!(shown["output"], NO_GOAL);
}

#[test]
fn a_parked_goal_says_what_for() {
    let goal = set("ship").after(None, 1.0).unwrap();
    let ruling = Ruling::Wait(Hold::Seconds(60));
    let judged = Judgement { asked: Box::new(goal.clone()), ruling, reason: "CI runs".to_owned() };
    let parked = GoalWish::Judged(judged).after(Some(goal), 10.0).unwrap();
    assert_eq!(status(&parked, 30.0), "Goal (parked on 40s remaining (CI runs), 1/20 turns): ship");
}

#[test]
fn all_of_a_goal_is_shown() {
    let mut contract = Contract::default();
    contract.0[0] = "it is out".to_owned();
    let wish = GoalWish::Set { text: "ship".to_owned(), turns_max: 5, contract };
    let goal = GoalWish::Require("on a Friday".to_owned()).after(wish.after(None, 1.0), 2.0);
    assert_eq!(
        whole(goal.as_ref(), 3.0),
        "Goal (active, 0/5 turns, 1 subgoal, contract): ship\nWhat reaching it means:\n- Outcome: it is out\n\
         What else has to be so:\n- 1. on a Friday"
    );
}
