//! Pets: pictures beside the prompt. This server has none, and neither their catalogue nor anything that
//! draws them; it answers as the original does where that is so. Two settings are real, because the
//! original's programs read the same file.

use serde_json::{Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::edit::{Change, Edit, Scalar};
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("pet.cells", Lane::Inline, "No pets: not enabled.", disabled),
    Method::new("pet.info", Lane::Inline, "No pets: not enabled.", disabled),
    Method::new("pet.info.meta", Lane::Inline, "No pets: not enabled.", disabled),
    Method::new("pet.gallery", Lane::Inline, "No pets: an empty gallery.", gallery),
    Method::new("pet.select", Lane::Inline, "No pets: none can be adopted.", select),
    Method::new("pet.remove", Lane::Inline, "No pets: none to remove.", not_there),
    Method::new("pet.export", Lane::Inline, "No pets: none to export.", export),
    Method::new("pet.rename", Lane::Inline, "No pets: none to rename.", rename),
    Method::new("pet.thumb", Lane::Inline, "No pets: no picture.", not_there),
    Method::new("pet.disable", Lane::Pool, "Switch the pet off in config.yaml.", disable),
    Method::new("pet.scale", Lane::Pool, "Set the size of the pet in config.yaml.", scale),
    Method::new("pet.cancel", Lane::Inline, "No pets: nothing to cancel.", cancel),
    Method::new("pet.generate.status", Lane::Inline, "No pets: cannot be generated.", status),
    Method::new("pet.generate", Lane::Inline, "No pets: cannot be generated.", generate),
    Method::new("pet.hatch", Lane::Inline, "No pets: no draft to hatch.", hatch),
];

/// Bounds of the size (the original's).
const SCALE_MIN: f64 = 0.1;
const SCALE_MAX: f64 = 3.0;

/// Characters of a name, or of what is no number, that are repeated.
const ECHO_CHARS: usize = 100;

/// Types of a reference picture (the original's).
const PICTURES: [&str; 5] = ["png", "jpeg", "jpg", "webp", "gif"];

/// Largest reference picture in bytes (the original's); four characters of base64 are three of them.
const PICTURE_BYTES_MAX: usize = 16 << 20;

type Answer = Result<Reply, RpcError>;

fn disabled(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "enabled": false })))
}

fn gallery(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "enabled": false, "active": "", "pets": [] })))
}

fn select(_: &mut Ctx<'_>, params: &Params) -> Answer {
    let slug = slug(params)?;
    Err(RpcError::new(5031, format!("could not adopt '{slug}': this server has no pets")))
}

/// `pet.remove` and `pet.thumb`.
fn not_there(_: &mut Ctx<'_>, params: &Params) -> Answer {
    let slug = slug(params)?;
    Ok(Reply::Now(json!({ "ok": false, "slug": slug })))
}

fn export(_: &mut Ctx<'_>, params: &Params) -> Answer {
    let slug = slug(params)?;
    Err(RpcError::new(5031, format!("pet.export failed: pet '{slug}' is not installed")))
}

fn rename(_: &mut Ctx<'_>, params: &Params) -> Answer {
    slug(params)?;
    needed(params.text_or_empty("name")?, "name")?;
    Err(RpcError::new(5031, "pet.rename failed"))
}

fn slug(params: &Params) -> Result<String, RpcError> {
    needed(params.text_or_empty("slug")?, "slug")
}

/// An argument that must not be blank, cut.
fn needed(text: &str, name: &str) -> Result<String, RpcError> {
    match text.trim() {
        "" => Err(RpcError::new(4004, format!("missing {name}"))),
        text => Ok(text.chars().take(ECHO_CHARS).collect()),
    }
}

fn disable(ctx: &mut Ctx<'_>, params: &Params) -> Answer {
    own_profile(params, "pet.disable")?;
    if !is_enabled(&ctx.gateway.settings().raw_json) {
        return Ok(Reply::Now(json!({ "ok": true })));
    }
    let edits = vec![Edit::flag(&["display", "pet", "enabled"], false)];
    Ok(Reply::Lasting(JobSpec::EditSettings { edits }, off))
}

fn off(ctx: &mut Ctx<'_>, _: &Params, result: JobResult) -> Result<Value, RpcError> {
    written(ctx, "pet.disable", result)?;
    Ok(json!({ "ok": true }))
}

fn is_enabled(settings: &str) -> bool {
    let document: Value = serde_json::from_str(settings).unwrap_or_default();
    document.pointer("/display/pet/enabled").is_some_and(|enabled| *enabled != json!(false))
}

fn scale(_: &mut Ctx<'_>, params: &Params) -> Answer {
    let scale = wanted(params.get("scale"))?;
    own_profile(params, "pet.scale")?;
    let change = Change::Set(Scalar::Number(json!(scale).to_string()));
    let edits = vec![Edit { path: vec!["display", "pet", "scale"], change }];
    Ok(Reply::Lasting(JobSpec::EditSettings { edits }, scaled))
}

fn scaled(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    written(ctx, "pet.scale", result)?;
    Ok(json!({ "ok": true, "scale": wanted(params.get("scale"))? }))
}

/// The size within its bounds. What is no number is told as Python would write it.
fn wanted(value: Option<&Value>) -> Result<f64, RpcError> {
    let number = match value {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::Bool(on)) => Some(f64::from(u8::from(*on))),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    match number.filter(|number: &f64| !number.is_nan()) {
        Some(number) => Ok(number.clamp(SCALE_MIN, SCALE_MAX)),
        None => {
            let shown = shown(value);
            Err(RpcError::new(4004, format!("not a number: {shown} — try a value like 0.5")))
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => "None".to_owned(),
        Some(Value::String(text)) => format!("'{text}'"),
        Some(other) => other.to_string(),
    };
    text.chars().take(ECHO_CHARS).collect()
}

/// Settings of other profiles are not changed here.
fn own_profile(params: &Params, method: &str) -> Result<(), RpcError> {
    match params.text_or_empty("profile")?.trim() {
        "" | "default" => Ok(()),
        _ => {
            Err(RpcError::new(5031, format!("{method} failed: settings of other profiles stay as they are")))
        }
    }
}

fn written(ctx: &mut Ctx<'_>, method: &str, result: JobResult) -> Result<(), RpcError> {
    match result {
        JobResult::Settings(settings) => {
            ctx.gateway.use_settings(settings);
            Ok(())
        }
        JobResult::Failed(why) => Err(RpcError::new(5031, format!("{method} failed: {why}"))),
        other => Err(failed(5031, other)),
    }
}

fn cancel(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "ok": true })))
}

fn status(_: &mut Ctx<'_>, _: &Params) -> Answer {
    Ok(Reply::Now(json!({ "available": false, "providers": [] })))
}

fn generate(_: &mut Ctx<'_>, params: &Params) -> Answer {
    let picture = params.text_or_empty("referenceImage")?.trim();
    if params.text_or_empty("prompt")?.trim().is_empty() && picture.is_empty() {
        return Err(RpcError::new(4004, "missing prompt"));
    }
    if !picture.is_empty() {
        check_picture(picture).map_err(|why| RpcError::new(4004, why))?;
    }
    Err(RpcError::new(5031, "No image backend is configured: pets cannot be generated by this server."))
}

/// What is wrong with a reference picture.
fn check_picture(url: &str) -> Result<(), &'static str> {
    let invalid = "invalid reference image format";
    let (head, data) = url.split_once(',').ok_or(invalid)?;
    let kind = head.strip_prefix("data:image/").and_then(|head| head.strip_suffix(";base64"));
    let kind = kind.ok_or(invalid)?;
    if !PICTURES.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err("unsupported reference image type");
    }
    if data.len() / 4 * 3 > PICTURE_BYTES_MAX {
        return Err("reference image too large");
    }
    let is_base64 = data.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=\r\n".contains(&b));
    if data.is_empty() || !is_base64 { Err("invalid reference image data") } else { Ok(()) }
}

fn hatch(_: &mut Ctx<'_>, params: &Params) -> Answer {
    needed(params.text_or_empty("token")?, "token")?;
    needed(params.text_or_empty("name")?, "name")?;
    Err(RpcError::new(4004, "draft expired — generate again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_within_their_bounds() {
        for (value, want) in
            [(json!(9), 3.0), (json!("0.5"), 0.5), (json!(-1), 0.1), (json!(true), 1.0), (json!("1e9"), 3.0)]
        {
            assert_eq!(wanted(Some(&value)), Ok(want), "{value}");
        }
        for (value, shown) in [(json!("big"), "'big'"), (json!([1]), "[1]"), (json!("nan"), "'nan'")] {
            let error = wanted(Some(&value)).unwrap_err();
            assert_eq!(error.message, format!("not a number: {shown} — try a value like 0.5"));
        }
        assert!(wanted(None).unwrap_err().message.contains("None"));
    }

    #[test]
    fn pictures_are_checked() {
        for (url, want) in [
            ("data:image/png;base64,aGk=", Ok(())),
            ("aGk=", Err("invalid reference image format")),
            ("data:image/png,aGk=", Err("invalid reference image format")),
            ("data:image/svg;base64,aGk=", Err("unsupported reference image type")),
            ("data:image/gif;base64,%", Err("invalid reference image data")),
        ] {
            assert_eq!(check_picture(url), want, "{url}");
        }
    }

    #[test]
    fn a_pet_is_on_where_the_settings_say_so() {
        assert!(is_enabled(r#"{"display":{"pet":{"enabled":true}}}"#));
        for settings in [r#"{"display":{"pet":{"enabled":false}}}"#, r#"{"display":5}"#, "{}", ""] {
            assert!(!is_enabled(settings), "{settings}");
        }
    }
}
