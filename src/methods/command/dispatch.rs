//! `command.dispatch`: commands that touch the live conversation or become a prompt, and what users add. Owns
//! the order in which a name is looked for. Nothing is submitted here: the result says what a client does
//! next.

use serde_json::json;

use super::pages::Page;
use super::quick::{self, Quick};
use super::{added, expand, goal, learn, rewind, told};
use crate::gateway::method::{Ctx, Reply};
use crate::methods::menu;
use crate::methods::shell::place;
use crate::model::ids::SessionId;
use crate::model::job::JobSpec;
use crate::model::menu::Pick;
use crate::model::shell::ShellJob;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// Characters of an unknown name that are repeated.
const NAME_ECHO_CHARS: usize = 60;

/// Characters of guidance that are repeated (the original's).
const STEER_ECHO_CHARS: usize = 80;

/// Commands of this kind that are the server's own.
const OWN: &[(&str, Page)] = &[
    ("goal", goal::goal),
    ("learn", |_, _, arg| Ok(Reply::Now(json!({ "type": "send", "message": learn::prompt(arg) })))),
    ("moa", mixture),
    ("queue", queue),
    ("q", queue),
    ("retry", rewind::retry),
    ("snap", snapshot),
    ("snapshot", snapshot),
    ("steer", steer),
    ("undo", rewind::undo),
];

/// Answers `command.dispatch`.
pub(super) fn dispatch(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let name = params.text_or_empty("name")?.trim_start_matches('/').to_owned();
    let arg = params.text_or_empty("arg")?.trim().to_owned();
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    run(ctx, &name, &arg, id.filter(|id| ctx.gateway.live(*id).is_some()))
}

/// A quick command, one of our own, an executable, a skill; in this order. In the original a quick command
/// with the name of an alias cannot be reached.
pub(super) fn run(
    ctx: &mut Ctx<'_>,
    typed: &str,
    arg: &str,
    id: Option<SessionId>,
) -> Result<Reply, RpcError> {
    let lower = typed.to_lowercase();
    let known = expand::known(&lower);
    let name = known.map_or(typed, |command| command.name);
    if let Some(quick) = quick::find(ctx, typed).or_else(|| quick::find(ctx, name)) {
        return Ok(quickly(ctx, quick, id));
    }
    let own = known.map_or(lower.as_str(), |command| command.name);
    match OWN.iter().find(|(of, _)| *of == own) {
        Some((_, page)) => page(ctx, id, arg),
        None if known.is_some() => Err(unknown(name)),
        None if own == menu::MODE && ctx.gateway.has_other_agent() => {
            let id = told::live(ctx, id)?;
            menu::page(ctx, id, Pick::Mode, arg, |output| json!({ "type": "exec", "output": output }))
        }
        None => match menu::command(ctx, id, name) {
            Some(name) => Ok(Reply::Now(menu::sent(&name, arg))),
            None => added::dispatch(ctx, name, arg, id),
        },
    }
}

/// What no name is looked up for.
pub(super) fn unknown(name: &str) -> RpcError {
    let shown: String = name.chars().take(NAME_ECHO_CHARS).collect();
    RpcError::new(4018, format!("not a quick/plugin/skill command: {shown}"))
}

fn quickly(ctx: &Ctx<'_>, quick: Quick, id: Option<SessionId>) -> Reply {
    match quick {
        Quick::Alias(target) => Reply::Now(json!({ "type": "alias", "target": target })),
        Quick::Line(line) => {
            let job = ShellJob::Quick { line, cwd: place(ctx, id) };
            told::next(JobSpec::Shell(Box::new(job)), |_, result| {
                let output = quick::went_well(result)?;
                Ok(Reply::Now(json!({ "type": "exec", "output": output })))
            })
        }
    }
}

fn queue(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    if arg.is_empty() {
        return Err(RpcError::new(4004, "usage: /queue <prompt>"));
    }
    Ok(Reply::Now(json!({ "type": "send", "message": arg })))
}

/// Where nothing runs that could be guided it is a prompt like any other; the original takes it and says
/// nothing.
fn steer(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    if arg.is_empty() {
        return Err(RpcError::new(4004, "usage: /steer <prompt>"));
    }
    if !id.is_some_and(|id| ctx.gateway.steer(ctx.now, id, arg)) {
        return Ok(Reply::Now(json!({ "type": "send", "message": arg })));
    }
    let shown: String = arg.chars().take(STEER_ECHO_CHARS).collect();
    Ok(Reply::Now(json!({ "type": "exec", "output": format!("guidance for the running turn: \"{shown}\"") })))
}

fn mixture(_ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    if arg.is_empty() {
        return Err(RpcError::new(4004, "usage: /moa <prompt>"));
    }
    if id.is_none() {
        return Err(RpcError::new(4001, "no active session"));
    }
    Err(RpcError::new(5030, "moa unavailable: this server asks one model at a time"))
}

fn snapshot(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Result<Reply, RpcError> {
    if !restores(arg) {
        return Err(unknown("snapshot"));
    }
    let output = "Nothing was restored: this server makes no snapshots of settings. /rollback brings files \
                  of the workspace back.";
    Ok(Reply::Now(json!({ "type": "exec", "output": output })))
}

/// Whether the argument of `/snapshot` asks to bring something back.
pub(super) fn restores(arg: &str) -> bool {
    let first = arg.split_whitespace().next().unwrap_or_default();
    first.eq_ignore_ascii_case("restore") || first.eq_ignore_ascii_case("rewind")
}
