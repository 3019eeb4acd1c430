//! `insights.get`: how much was said lately.

use serde_json::{Value, json};

use super::stored::{inquire, told, unlike};
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::job::JobResult;
use crate::model::store::{Asked, Told};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("insights.get", Lane::Pool, "Count the conversations of the last days.", get)];

/// Days when a client gives none (the original's).
const DAYS_DEFAULT: i64 = 30;

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

fn get(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let days = days(params).and_then(|days| days.as_f64());
    let days = days.ok_or_else(|| RpcError::new(5017, "days must be a number"))?;
    let since = ctx.now.wall - days * DAY_S;
    Ok(Reply::Job(inquire(&None, Asked::Insights { since }), counted))
}

/// As it was sent; a fraction and a negative number count. `None` when it is no number: null is none either.
fn days(params: &Params) -> Option<Value> {
    if !params.has("days") {
        return Some(DAYS_DEFAULT.into());
    }
    params.get("days").filter(|days| days.is_number()).cloned()
}

fn counted(_ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match told(5017, result)? {
        Told::Insights { sessions, messages } => {
            Ok(json!({ "days": days(params), "sessions": sessions, "messages": messages }))
        }
        other => Err(unlike(5017, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_echoed_as_they_were_sent() {
        let read = |value: Value| days(&Params([("days".to_owned(), value)].into_iter().collect()));
        assert_eq!(days(&Params::default()), Some(json!(30)));
        for number in [json!(7), json!(0.5), json!(-1)] {
            assert_eq!(read(number.clone()), Some(number));
        }
        for other in [json!(null), json!("7"), json!(true), json!([7])] {
            assert_eq!(read(other.clone()), None, "{other}");
        }
    }
}
