//! `/goal draft`: a model writes down what an objective means, and that is the goal. Without such a text it is a
//! plain goal, as in the original.

use serde_json::json;

use super::{change, notice, turns_max};
use crate::gateway::goal::judge::{self, DRAFT, Judge};
use crate::gateway::method::{Ctx, Reply};
use crate::limits::GOAL_ANSWER_CHARS_MAX;
use crate::methods::command::told;
use crate::model::errand::{Errand, ErrandEnd};
use crate::model::goal::{Contract, GoalWish};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;

/// What is told where no contract came of it.
const PLAIN: &str = "No model wrote down what it means, so that it is a plain goal.\n";

/// Has the contract written, and sets the goal.
pub(super) fn draft(ctx: &mut Ctx<'_>, id: SessionId, objective: String) -> Result<Reply, RpcError> {
    if !ctx.gateway.has_judge(id) {
        return set(ctx, id, objective, None);
    }
    ctx.gateway.room_for_errand()?;
    let Judge { model, max_tokens, .. } = ctx.gateway.judge(id);
    let errand = Errand::Judge {
        model,
        instructions: DRAFT.to_owned(),
        input: objective.chars().take(GOAL_ANSWER_CHARS_MAX).collect(),
        max_tokens,
    };
    Ok(told::next(JobSpec::Errand(Box::new(errand)), move |ctx, result| {
        let contract = match result {
            JobResult::Errand(end) => match *end {
                ErrandEnd::Text { text, .. } => judge::drafted(&text),
                ErrandEnd::Compressed(_) | ErrandEnd::Menu(_) | ErrandEnd::Failed(_) => None,
            },
            _ => None,
        };
        set(ctx, id, objective, contract)
    }))
}

fn set(ctx: &Ctx<'_>, id: SessionId, text: String, contract: Option<Contract>) -> Result<Reply, RpcError> {
    let head = if contract.is_some() { "" } else { PLAIN };
    let wish = GoalWish::Set {
        text: text.clone(),
        turns_max: turns_max(ctx),
        contract: contract.unwrap_or_default(),
    };
    change(ctx, id, wish, move |unjudged, _, goal, _| {
        let notice = goal.map(|goal| notice(goal, unjudged)).unwrap_or_default();
        json!({ "type": "send", "notice": format!("{head}{notice}"), "message": text })
    })
}
