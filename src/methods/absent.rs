//! Features of the original that this server does not have, and the truthful answers that clients of
//! the original accept. The terminal UI polls some of them; an error would be a line on its screen.

use serde_json::json;

use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("pet.cells", Lane::Inline, "No pets: not enabled.", disabled),
    Method::new("pet.info", Lane::Inline, "No pets: not enabled.", disabled),
    Method::new("pet.info.meta", Lane::Inline, "No pets: not enabled.", disabled),
    Method::new("pet.gallery", Lane::Inline, "No pets: an empty gallery.", gallery),
    Method::new("pet.generate.status", Lane::Inline, "No pets: cannot be generated.", pet_status),
    Method::new("credits.view", Lane::Inline, "No credits account.", credits),
    Method::new("billing.state", Lane::Inline, "No billing account.", billing),
    Method::new("voice.toggle", Lane::Inline, "No voice: always off.", voice),
    Method::new("browser.manage", Lane::Inline, "No browser: never connected.", browser),
    Method::new("skills.manage", Lane::Inline, "No skills.", skills),
    Method::new("toolsets.list", Lane::Inline, "No tools yet.", toolsets),
    Method::new("tools.list", Lane::Inline, "No tools yet.", toolsets),
    Method::new("plugins.list", Lane::Inline, "No plugins.", plugins),
];

type Answer = Result<Reply, RpcError>;

fn disabled(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "enabled": false })))
}

fn gallery(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "enabled": false, "active": "", "pets": [] })))
}

fn pet_status(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "available": false, "providers": [] })))
}

fn credits(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({
        "logged_in": false, "balance_lines": [], "identity_line": null, "topup_url": null, "depleted": false,
    })))
}

fn billing(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({
        "ok": true, "logged_in": false, "org_name": null, "org_slug": null, "role": null, "is_admin": false,
        "can_charge": false, "balance_usd": null, "balance_display": "", "cli_billing_enabled": false,
        "charge_presets": [], "charge_presets_display": [], "min_usd": null, "max_usd": null, "card": null,
        "monthly_cap": null, "auto_reload": null, "portal_url": null, "error": null,
    })))
}

fn voice(_: &mut Ctx<'_>, params: &Params) -> Answer {
    match params.text_or_empty("action")? {
        "" | "status" | "off" => Ok(Reply::Now(json!({
            "enabled": false, "record_key": "ctrl+b", "tts": false, "available": false,
            "audio_available": false, "stt_available": false, "details": "this server has no voice",
        }))),
        "on" | "tts" => Err(RpcError::new(5025, "this server has no voice")),
        _ => Err(RpcError::new(4013, "unknown voice action")),
    }
}

fn browser(_: &mut Ctx<'_>, params: &Params) -> Answer {
    match params.text_or_empty("action")? {
        "" | "status" => Ok(Reply::Now(json!({ "connected": false, "url": "" }))),
        "disconnect" => Ok(Reply::Now(json!({ "connected": false }))),
        "connect" => Err(RpcError::new(5031, "this server has no browser tools")),
        _ => Err(RpcError::new(4015, "unknown action")),
    }
}

fn skills(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "skills": {} })))
}

fn toolsets(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "toolsets": [] })))
}

fn plugins(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "plugins": [] })))
}
