//! `/goal` and `/subgoal`: what the conversation is to reach. It is kept with the conversation, where Hermes finds
//! it too. Owns what people are told; what happens behind a turn is the gateway's.

mod draft;
mod subgoal;
mod wait;

use std::sync::Arc;

use serde_json::{Map, Value, json};

pub(super) use self::subgoal::subgoal;
use crate::gateway::goal::judge::numbered;
use crate::gateway::method::{Ctx, Reply, Then};
use crate::limits::GOAL_CHARS_MAX;
use crate::methods::stored::{inquire, told as stored, unlike};
use crate::model::goal::{Contract, Goal, GoalChange, GoalState, GoalWish};
use crate::model::ids::SessionId;
use crate::model::job::JobResult;
use crate::model::store::{Asked, Told};
use crate::wire::error::RpcError;

/// Turns of a goal when `goals.max_turns` is not set (the original's).
const TURNS_DEFAULT: u64 = 20;

/// What is told of a conversation without a goal.
const NO_GOAL: &str = "No goal is set. /goal <text> sets one.";

/// What is told where no model is asked.
const NO_JUDGE: &str = "No model is asked here that could judge it, so that it does not go on by itself: send a \
     prompt for the next step.";

/// What is told in a session of another profile.
const NO_JUDGE_OF_PROFILE: &str = "Goals of another profile's sessions are not judged here, so that it does not \
     go on by itself: send a prompt for the next step.";

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
enum Sub {
    /// The goal changes, or is looked at.
    Wish(GoalWish),
    /// It is looked at, with all that belongs to it.
    Show,
    /// A model writes down what this means; then it is the goal.
    Draft(String),
    /// It goes on once this process is over: a number or an id, and why.
    Wait(String, Option<String>),
    /// Something was left out.
    Usage(&'static str),
}

/// Answers `/goal`.
pub(super) fn goal(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    let id = id.filter(|id| ctx.gateway.live(*id).is_some());
    let id = id.ok_or_else(|| RpcError::new(4001, "no active session"))?;
    match read(arg, turns_max(ctx))? {
        Sub::Wish(wish) => change(ctx, id, wish.clone(), move |unjudged, before, now, at| {
            answer(&wish, unjudged, before, now, at)
        }),
        Sub::Show => change(ctx, id, GoalWish::Show, |_, _, now, at| executed(&whole(now, at))),
        Sub::Draft(objective) => draft::draft(ctx, id, objective),
        Sub::Wait(process, reason) => wait::wait(ctx, id, process, reason),
        Sub::Usage(text) => Ok(Reply::Now(executed(text))),
    }
}

/// Asks the store for this, and tells what came of it: why nobody judges, if that is so, the goal before and now,
/// and the time.
fn change(
    ctx: &Ctx<'_>,
    id: SessionId,
    wish: GoalWish,
    tell: impl FnOnce(Option<&'static str>, Option<&Goal>, Option<&Goal>, f64) -> Value + Send + 'static,
) -> Result<Reply, RpcError> {
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let (profile, key) = (session.profile.clone(), Arc::<str>::from(session.key.as_str()));
    // Looking at a goal starts nothing, and neither does what is said beside it.
    let starts = matches!(wish, GoalWish::Wait { .. });
    let then = Then::new(move |ctx, result: JobResult| {
        let told = stored(5030, result)
            .map_err(|error| RpcError::new(5030, format!("goals unavailable: {}", error.message)))?;
        let Told::Goal(change) = told else { return Err(unlike(5030, told)) };
        let GoalChange { before, now } = *change;
        ctx.gateway.note_goal(ctx.now, id, now.as_ref(), starts);
        Ok(tell(unjudged(ctx, id), before.as_ref(), now.as_ref(), ctx.now.wall))
    });
    Ok(Reply::Then(inquire(&profile, Asked::Goal { key, at: ctx.now.wall, wish }), then))
}

/// Why nobody judges the session's goal; nothing where somebody does.
fn unjudged(ctx: &Ctx<'_>, id: SessionId) -> Option<&'static str> {
    let is_others = ctx.gateway.live(id).is_some_and(|session| session.profile.is_some());
    let why = if is_others { NO_JUDGE_OF_PROFILE } else { NO_JUDGE };
    (!ctx.gateway.has_judge(id)).then_some(why)
}

/// What is asked for. The original takes the names of some of its own sub-commands for goals.
fn read(arg: &str, turns_max: u64) -> Result<Sub, RpcError> {
    let arg = arg.trim();
    let (first, rest) = arg.split_once(char::is_whitespace).unwrap_or((arg, ""));
    let rest = rest.trim();
    let text = match (first.to_lowercase().as_str(), rest) {
        ("" | "status", "") => return Ok(Sub::Wish(GoalWish::Show)),
        ("show", "") => return Ok(Sub::Show),
        ("pause", "") => return Ok(Sub::Wish(GoalWish::Pause)),
        ("resume", "") => return Ok(Sub::Wish(GoalWish::Resume)),
        ("clear" | "stop" | "done", "") => return Ok(Sub::Wish(GoalWish::Clear)),
        ("unwait", "") => return Ok(Sub::Wish(GoalWish::Unwait)),
        ("draft", "") => {
            return Ok(Sub::Usage("Usage: /goal draft <what is to be achieved, in plain words>"));
        }
        ("wait", "") => return Ok(Sub::Usage("Usage: /goal wait <pid or id of a process> [reason]")),
        ("wait", rest) => match wait::process(rest) {
            Some((process, reason)) => return Ok(Sub::Wait(process, reason)),
            None => arg,
        },
        ("draft", objective) => objective,
        _ => arg,
    };
    if text.chars().count() > GOAL_CHARS_MAX {
        let text = format!("invalid goal: it has more than {GOAL_CHARS_MAX} characters");
        return Err(RpcError::new(4004, text));
    }
    let text = text.to_owned();
    Ok(match first.eq_ignore_ascii_case("draft") {
        true => Sub::Draft(text),
        false => Sub::Wish(GoalWish::Set { text, turns_max, contract: Contract::default() }),
    })
}

/// `goals.max_turns`.
fn turns_max(ctx: &Ctx<'_>) -> u64 {
    let document: Map<String, Value> =
        serde_json::from_str(&ctx.gateway.settings().raw_json).unwrap_or_default();
    let set = document.get("goals").and_then(|goals| goals.get("max_turns")).and_then(Value::as_u64);
    set.filter(|turns| *turns > 0).unwrap_or(TURNS_DEFAULT)
}

fn answer(
    wish: &GoalWish,
    unjudged: Option<&str>,
    before: Option<&Goal>,
    now: Option<&Goal>,
    at: f64,
) -> Value {
    let now = now.filter(|goal| goal.state != GoalState::Cleared);
    match (wish, now) {
        (GoalWish::Set { text, .. }, Some(goal)) => {
            json!({ "type": "send", "notice": notice(goal, unjudged), "message": text })
        }
        (GoalWish::Pause, Some(goal)) => executed(&format!("Goal paused: {}", goal.text)),
        (GoalWish::Resume, Some(goal)) => {
            executed(&format!("Goal resumed: {}\nSend a prompt for the next step.", goal.text))
        }
        (GoalWish::Resume, None) => executed("No goal to resume."),
        (GoalWish::Clear, _) => {
            executed(if before.is_some_and(Goal::is_open) { "Goal cleared." } else { "No active goal." })
        }
        (GoalWish::Unwait, _) if before.is_some_and(|goal| goal.wait.is_some()) => {
            executed("The goal waits for nothing any more. Send a prompt for the next step.")
        }
        (GoalWish::Unwait, _) => executed("The goal waits for nothing."),
        (_, Some(goal)) => match unjudged.filter(|_| goal.state == GoalState::Active) {
            Some(why) => executed(&format!("{}\n{why}", status(goal, at))),
            None => executed(&status(goal, at)),
        },
        (_, None) => executed(NO_GOAL),
    }
}

/// What is told of a goal that was just set.
fn notice(goal: &Goal, unjudged: Option<&str>) -> String {
    let Goal { text, turns_max, .. } = goal;
    let next = unjudged.unwrap_or(
        "The work goes on by itself until the goal is reached, its turns are used, or you pause or clear it.",
    );
    let contract = match goal.contract.is_empty() {
        true => String::new(),
        false => format!("What reaching it means:\n{}\n", goal.contract.lines().join("\n")),
    };
    format!(
        "Goal set ({turns_max} turns): {text}\n{contract}{next}\n/goal status · /goal pause · /goal resume · \
         /goal clear"
    )
}

/// One line.
fn status(goal: &Goal, at: f64) -> String {
    let Goal { text, turns_used, turns_max, .. } = goal;
    let mut turns = format!("{turns_used}/{turns_max} turns");
    match goal.criteria.len() {
        0 => {}
        1 => turns.push_str(", 1 subgoal"),
        count => turns.push_str(&format!(", {count} subgoals")),
    }
    if !goal.contract.is_empty() {
        turns.push_str(", contract");
    }
    let reason = goal.paused_reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default();
    match (goal.state, &goal.wait) {
        (GoalState::Paused, _) => format!("Goal (paused{reason}, {turns}): {text}"),
        (GoalState::Done, _) => format!("Goal reached ({turns}): {text}"),
        (_, Some(wait)) => {
            let why = wait.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("Goal (parked on {}{why}, {turns}): {text}", wait.on.shown(at))
        }
        _ => format!("Goal (active, {turns}): {text}"),
    }
}

/// All of it.
fn whole(goal: Option<&Goal>, at: f64) -> String {
    let Some(goal) = goal.filter(|goal| goal.state != GoalState::Cleared) else { return NO_GOAL.to_owned() };
    let mut text = status(goal, at);
    match goal.contract.is_empty() {
        true => text
            .push_str("\nNobody wrote down what reaching it means: /goal draft <text> has a model do that."),
        false => text.push_str(&format!("\nWhat reaching it means:\n{}", goal.contract.lines().join("\n"))),
    }
    if !goal.criteria.is_empty() {
        text.push_str(&format!("\nWhat else has to be so:\n{}", numbered(&goal.criteria)));
    }
    text
}

fn executed(text: &str) -> Value {
    json!({ "type": "exec", "output": text })
}

#[cfg(test)]
mod tests;
