//! Goals: what wishes and verdicts make of them.

use super::*;

fn goal() -> Goal {
    let set = GoalWish::Set { text: "ship".to_owned(), turns_max: 3, contract: Contract::default() };
    set.after(None, 5.0).unwrap()
}

fn judged(goal: Goal, ruling: Ruling) -> Goal {
    late(goal.clone(), goal, ruling)
}

/// The goal after a verdict on what was asked.
fn late(asked: Goal, goal: Goal, ruling: Ruling) -> Goal {
    let judgement = Judgement { asked: Box::new(asked), ruling, reason: "so".to_owned() };
    GoalWish::Judged(judgement).after(Some(goal), 9.0).unwrap()
}

#[test]
fn a_goal_is_set_paused_resumed_and_given_up() {
    let goal = goal();
    assert_eq!((goal.state, goal.turns_used, goal.created_at), (GoalState::Active, 0, 5.0));
    let paused = GoalWish::Pause.after(Some(Goal { turns_used: 3, ..goal.clone() }), 6.0).unwrap();
    assert_eq!((paused.state, paused.turns_used), (GoalState::Paused, 3));
    assert_eq!(GoalWish::Interrupt.after(Some(paused.clone()), 6.5), Some(paused.clone()));
    assert_eq!(GoalWish::Resume.after(Some(paused), 7.0), Some(goal.clone()));
    let cleared = GoalWish::Clear.after(Some(goal), 8.0);
    assert_eq!(cleared.as_ref().map(|goal| goal.state), Some(GoalState::Cleared));
    assert_eq!(GoalWish::Resume.after(cleared.clone(), 9.0), cleared);
    for wish in [GoalWish::Show, GoalWish::Pause, GoalWish::Resume, GoalWish::Clear, GoalWish::Unwait] {
        assert_eq!(wish.after(None, 1.0), None);
    }
}

#[test]
fn a_verdict_counts_the_turn_and_the_last_one_pauses() {
    let (first, done) = (judged(goal(), Ruling::Continue), judged(goal(), Ruling::Done));
    assert_eq!((first.state, first.turns_used), (GoalState::Active, 1));
    assert_eq!((done.state, done.turns_used), (GoalState::Done, 1));
    let spent = judged(judged(first, Ruling::Continue), Ruling::Continue);
    assert_eq!((spent.state, spent.turns_used), (GoalState::Paused, 3));
    assert_eq!(spent.paused_reason.as_deref(), Some("turn budget exhausted (3/3)"));
    assert_eq!(judged(spent.clone(), Ruling::Done), spent, "one that rests is not judged");
}

#[test]
fn verdicts_of_another_goal_count_for_nothing() {
    for asked in [
        Goal { text: "rest".to_owned(), ..goal() },
        // The same words, set anew.
        Goal { created_at: 4.0, ..goal() },
    ] {
        assert_eq!(late(asked, goal(), Ruling::Done), goal());
    }
    let read_again = Goal { created_at: 5.000_000_1, ..goal() };
    assert_eq!(late(read_again, goal(), Ruling::Done).state, GoalState::Done);
}

#[test]
fn what_a_judge_did_not_know_of_is_not_reached() {
    let criteria = Goal { criteria: vec!["no warnings".to_owned()], ..goal() };
    let contract = Goal { contract: Contract(CONTRACT.map(|(name, _)| name.to_owned())), ..goal() };
    for now in [criteria, contract] {
        let after = late(goal(), now.clone(), Ruling::Done);
        assert_eq!(after, Goal { turns_used: 1, ..now.clone() }, "work goes on");
        assert_eq!(late(now.clone(), now, Ruling::Done).state, GoalState::Done);
    }
    let spent = Goal { criteria: vec!["b".to_owned()], turns_used: 2, ..goal() };
    assert_eq!(late(goal(), spent, Ruling::Done).state, GoalState::Paused, "within its turns");
}

#[test]
fn a_late_verdict_leaves_the_wait_of_a_person() {
    let waits = |on: Barrier, since: f64| Goal { wait: Some(Wait { on, reason: None, since }), ..goal() };
    let theirs = waits(Barrier::Pid(7), 8.0);
    let earlier = waits(Barrier::Pid(7), 6.0);
    for asked in [goal(), earlier.clone()] {
        for ruling in [Ruling::Done, Ruling::Continue, Ruling::Wait(Hold::Seconds(60))] {
            let after = late(asked.clone(), theirs.clone(), ruling.clone());
            assert_eq!(after, Goal { turns_used: 1, ..theirs.clone() }, "{ruling:?}");
        }
    }
    let unwaited = late(earlier.clone(), goal(), Ruling::Wait(Hold::Seconds(60)));
    assert_eq!((unwaited.wait, unwaited.turns_used), (None, 1));
    assert_eq!(late(earlier.clone(), goal(), Ruling::Done).state, GoalState::Done);
    assert_eq!(judged(earlier, Ruling::Continue).wait, None, "what was asked with is over");
    let until = waits(Barrier::Until(60.0), 6.0);
    let read_again = waits(Barrier::Until(60.000_000_1), 6.000_000_1);
    assert_eq!(late(until, read_again, Ruling::Continue).wait, None);
}

#[test]
fn a_few_unreadable_verdicts_in_a_row_pause() {
    let endless = Goal { turns_max: 99, ..goal() };
    let twice = judged(judged(endless, Ruling::Unreadable), Ruling::Unreadable);
    assert_eq!((twice.state, twice.unreadable), (GoalState::Active, 2));
    assert_eq!(judged(twice.clone(), Ruling::Continue).unreadable, 0);
    let third = judged(twice, Ruling::Unreadable);
    assert_eq!((third.state, third.unreadable), (GoalState::Paused, 3));
    assert_eq!(GoalWish::Resume.after(Some(third), 9.0).map(|goal| goal.unreadable), Some(0));
}

#[test]
fn what_a_goal_waits_for_is_lifted_by_its_end_and_by_people() {
    let parked = judged(goal(), Ruling::Wait(Hold::Seconds(60)));
    assert_eq!(parked.wait.as_ref().map(|wait| wait.on.clone()), Some(Barrier::Until(69.0)));
    assert_eq!((parked.state, parked.turns_used), (GoalState::Active, 1));
    for wish in [GoalWish::Lift, GoalWish::Unwait, GoalWish::Pause, GoalWish::Resume] {
        assert_eq!(wish.after(Some(parked.clone()), 70.0).unwrap().wait, None, "{wish:?}");
    }
    let spent = GoalWish::Lift.after(Some(Goal { turns_used: 3, ..parked }), 70.0).unwrap();
    assert_eq!(spent.state, GoalState::Paused);
    let asked = GoalWish::Wait { hold: Hold::Pid(7), reason: None };
    assert_eq!(asked.after(Some(spent.clone()), 71.0), Some(spent), "one that rests waits for nothing");
    assert_eq!(Barrier::Until(69.0).shown(9.5), "59s remaining");
    assert_eq!(Barrier::Until(f64::NAN).shown(9.5), "0s remaining");
}

#[test]
fn criteria_come_and_go_by_number_and_are_bounded() {
    let with = |wish: GoalWish, goal: Goal| wish.after(Some(goal), 6.0).unwrap();
    let two = with(GoalWish::Require("b".to_owned()), with(GoalWish::Require("a".to_owned()), goal()));
    assert_eq!(two.criteria, ["a", "b"]);
    assert_eq!(with(GoalWish::Waive(1), two.clone()).criteria, ["b"]);
    for number in [0, 3, usize::MAX] {
        assert_eq!(with(GoalWish::Waive(number), two.clone()), two);
    }
    assert!(with(GoalWish::WaiveAll, two.clone()).criteria.is_empty());
    let full = Goal { criteria: vec!["c".to_owned(); GOAL_CRITERIA_MAX], ..two };
    assert_eq!(with(GoalWish::Require("d".to_owned()), full.clone()), full);
}

#[test]
fn states_have_words() {
    for state in [GoalState::Active, GoalState::Paused, GoalState::Done, GoalState::Cleared] {
        assert_eq!(GoalState::parse(state.as_str()), state);
    }
    assert_eq!(GoalState::parse("odd"), GoalState::Active);
}
