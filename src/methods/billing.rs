//! Credits and billing. This server knows no account of the service, so it answers as the original does when
//! nobody is logged in: with results, never with errors of the protocol.

use serde_json::{Value, json};

use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("credits.view", Lane::Inline, "No credits account.", credits),
    Method::new("billing.state", Lane::Inline, "No billing account.", state),
    Method::new("billing.charge", Lane::Inline, "No billing account: nothing is bought.", charge),
    Method::new("billing.charge_status", Lane::Inline, "No billing account: no purchase.", charge_status),
    Method::new("billing.auto_reload", Lane::Inline, "No billing account: nothing to set.", auto_reload),
    Method::new("billing.step_up", Lane::Inline, "No billing account: no permission.", step_up),
];

/// Why nothing is done (the original's text).
const LOGGED_OUT: &str = "Not logged into Nous Portal — run `hermes portal` to log in.";

/// Characters of a key, or of what is no number, that are repeated.
const ECHO_CHARS: usize = 200;

type Answer = Result<Reply, RpcError>;

fn credits(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({
        "logged_in": false, "balance_lines": [], "identity_line": null, "topup_url": null, "depleted": false,
    })))
}

fn state(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({
        "ok": true, "logged_in": false, "org_name": null, "org_slug": null, "role": null, "is_admin": false,
        "can_charge": false, "balance_usd": null, "balance_display": "—", "cli_billing_enabled": false,
        "charge_presets": [], "charge_presets_display": [], "min_usd": null, "max_usd": null, "card": null,
        "monthly_cap": null, "auto_reload": null, "portal_url": null, "error": null,
    })))
}

fn charge(ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    let Some(amount) = params.get("amount_usd") else {
        return Ok(refused("invalid_request", "amount_usd is required"));
    };
    let key = match params.text("idempotency_key")? {
        None | Some("") => ctx.gateway.random_uuid(),
        Some(key) => key.chars().take(ECHO_CHARS).collect(),
    };
    let mut answer = if key.trim().is_empty() {
        failure("idempotency_key_required", "Idempotency-Key is required for a charge.")
    } else if let Err(why) = number(amount) {
        json!({ "ok": false, "error": "error", "message": why })
    } else {
        logged_out()
    };
    answer["idempotency_key"] = key.into();
    Ok(Reply::Now(answer))
}

fn charge_status(_: &mut Ctx<'_>, params: &Params) -> Answer {
    match params.text_or_empty("charge_id")? {
        "" => Ok(refused("invalid_charge_id", "charge_id is required")),
        id if id.trim().is_empty() => {
            Ok(Reply::Now(failure("invalid_charge_id", "A charge id is required.")))
        }
        _ => Ok(Reply::Now(logged_out())),
    }
}

/// Switching it off needs no amounts; the original asks for them all the same.
fn auto_reload(_: &mut Ctx<'_>, params: &Params) -> Answer {
    // To switch it off needs no amounts; the original wants them then too, and its client sends none.
    let is_off = params.has("enabled") && !params.truthy("enabled");
    let amounts = [params.get("threshold"), params.get("top_up_amount")];
    if !is_off && amounts.iter().any(Option::is_none) {
        return Ok(refused("invalid_request", "threshold and top_up_amount are required"));
    }
    match amounts.into_iter().flatten().find_map(|amount| number(amount).err()) {
        Some(why) => Ok(refused("error", &why)),
        None => Ok(Reply::Now(logged_out())),
    }
}

fn step_up(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "ok": false, "error": "error", "message": LOGGED_OUT, "granted": false })))
}

/// An answer about arguments.
fn refused(kind: &str, message: &str) -> Reply {
    Reply::Now(json!({ "ok": false, "error": kind, "message": message }))
}

fn logged_out() -> Value {
    failure("invalid_token", LOGGED_OUT)
}

/// An answer of the service.
fn failure(kind: &str, message: &str) -> Value {
    json!({
        "ok": false, "error": kind, "message": message,
        "portal_url": null, "retry_after": null, "payload": {},
    })
}

/// Whether an amount is a number.
fn number(amount: &Value) -> Result<(), String> {
    let is_number = match amount {
        Value::Number(_) | Value::Bool(_) => true,
        Value::String(text) => text.trim().parse::<f64>().is_ok(),
        _ => false,
    };
    if is_number {
        return Ok(());
    }
    let shown: String = amount.to_string().chars().take(ECHO_CHARS).collect();
    Err(format!("an amount must be a number, not {shown}"))
}
