//! `/subgoal`: what else has to be so for the goal to be reached. The judge and the agent see it.

use serde_json::{Value, json};

use super::{NO_GOAL, change};
use crate::gateway::goal::judge::numbered;
use crate::gateway::method::{Ctx, Reply};
use crate::limits::{GOAL_CRITERIA_MAX, GOAL_CRITERION_CHARS_MAX};
use crate::methods::command::told;
use crate::model::goal::{Goal, GoalWish};
use crate::model::ids::SessionId;
use crate::wire::error::RpcError;

/// Answers `/subgoal`.
pub(in crate::methods::command) fn subgoal(
    ctx: &mut Ctx<'_>,
    id: Option<SessionId>,
    arg: &str,
) -> Result<Reply, RpcError> {
    let id = told::live(ctx, id)?;
    match read(arg) {
        Ok(wish) => {
            change(ctx, id, wish.clone(), move |_, before, now, _| output(&answer(&wish, before, now)))
        }
        Err(text) => told::page(text),
    }
}

/// What is asked for, or what to tell instead.
fn read(arg: &str) -> Result<GoalWish, String> {
    let arg = arg.trim();
    let (first, rest) = arg.split_once(char::is_whitespace).unwrap_or((arg, ""));
    match (first.to_lowercase().as_str(), rest.trim()) {
        ("", "") => Ok(GoalWish::Show),
        ("clear", "") => Ok(GoalWish::WaiveAll),
        ("remove", "") => Err("Usage: /subgoal remove <number>".to_owned()),
        ("remove", number) => match number.parse() {
            Ok(number) => Ok(GoalWish::Waive(number)),
            Err(_) => Err("/subgoal remove wants a number of the list that /subgoal shows.".to_owned()),
        },
        _ if arg.chars().count() > GOAL_CRITERION_CHARS_MAX => {
            Err(format!("A subgoal has {GOAL_CRITERION_CHARS_MAX} characters at most."))
        }
        _ => Ok(GoalWish::Require(arg.to_owned())),
    }
}

fn answer(wish: &GoalWish, before: Option<&Goal>, now: Option<&Goal>) -> String {
    let (Some(before), Some(now)) = (before.filter(|goal| goal.is_open()), now) else {
        return NO_GOAL.to_owned();
    };
    let (had, has) = (before.criteria.len(), now.criteria.len());
    match wish {
        GoalWish::Require(text) if has > had => format!("Subgoal {has} added: {text}"),
        GoalWish::Require(_) => format!("A goal has {GOAL_CRITERIA_MAX} subgoals at most."),
        GoalWish::Waive(number) if has < had => {
            let text = before.criteria.get(number.saturating_sub(1)).map(String::as_str).unwrap_or_default();
            format!("Subgoal {number} removed: {text}")
        }
        GoalWish::Waive(number) => format!("There is no subgoal {number}: the goal has {had}."),
        GoalWish::WaiveAll if had == 0 => "No subgoals to clear.".to_owned(),
        GoalWish::WaiveAll => format!("Cleared {had} subgoal{}.", if had == 1 { "" } else { "s" }),
        _ if has == 0 => format!("Goal: {}\nNo subgoals. /subgoal <text> adds one.", now.text),
        _ => format!("Goal: {}\n{}", now.text, numbered(&now.criteria)),
    }
}

fn output(text: &str) -> Value {
    json!({ "output": text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::goal::Contract;

    #[test]
    fn subgoals_are_added_removed_and_listed() {
        let set = GoalWish::Set { text: "ship".to_owned(), turns_max: 5, contract: Contract::default() };
        let mut goal = set.after(None, 1.0);
        for (arg, says) in [
            ("", "Goal: ship\nNo subgoals. /subgoal <text> adds one."),
            ("clear", "No subgoals to clear."),
            ("no warnings", "Subgoal 1 added: no warnings"),
            ("remove all doubt", "/subgoal remove wants a number of the list that /subgoal shows."),
            ("Clear the desk", "Subgoal 2 added: Clear the desk"),
            ("", "Goal: ship\n- 1. no warnings\n- 2. Clear the desk"),
            ("remove 3", "There is no subgoal 3: the goal has 2."),
            ("remove 1", "Subgoal 1 removed: no warnings"),
            ("remove", "Usage: /subgoal remove <number>"),
            ("clear", "Cleared 1 subgoal."),
        ] {
            let told = read(arg).map(|wish| {
                let now = wish.after(goal.clone(), 2.0);
                let told = answer(&wish, goal.as_ref(), now.as_ref());
                goal = now;
                told
            });
            assert_eq!(told.unwrap_or_else(|text| text), says, "{arg}");
        }
        assert_eq!(answer(&GoalWish::Show, None, None), NO_GOAL);
        assert!(read(&"x".repeat(GOAL_CRITERION_CHARS_MAX + 1)).is_err());
    }
}
