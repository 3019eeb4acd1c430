//! `slash.exec`: the text of a command becomes a page. Owns the order in which a name is looked for, and what
//! is told of names that are here under none.

use serde_json::{Value, json};

use super::expand::{self, Meant};
use super::pages::PAGES;
use super::quick::{self, Quick};
use super::{added, dispatch, told};
use crate::gateway::method::{Ctx, Reply};
use crate::methods::menu;
use crate::methods::shell::place;
use crate::model::ids::SessionId;
use crate::model::job::JobSpec;
use crate::model::menu::Pick;
use crate::model::shell::ShellJob;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

/// Commands whose answer is that of `command.dispatch` (the original's).
const DISPATCHED: &[&str] = &["goal", "learn", "moa", "plan", "q", "queue", "retry", "steer", "undo"];

/// Commands that change the session: not while a turn runs, the last one also without an argument.
const CHANGES: &[&str] = &["model", "personality", "compress"];

/// Characters of a name that are repeated.
const NAME_ECHO_CHARS: usize = 60;

/// Quick commands that stand for others which stand for others: a circle has no end.
const ALIASES_MAX: usize = 8;

/// A command on its way to a page.
pub(super) struct Command {
    /// The session it is for; it is live.
    pub(super) id: SessionId,
    /// Its name in lower case, without a slash.
    pub(super) name: String,
    /// What stands behind it.
    pub(super) rest: String,
    /// The request.
    pub(super) params: Params,
    /// Names it had before.
    aliases: usize,
}

/// Answers `slash.exec`.
pub(super) fn exec(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let text = params.text_or_empty("command")?.trim();
    if text.is_empty() {
        return Err(RpcError::new(4004, "empty command"));
    }
    run(ctx, text, Command::new(id, params.clone(), 0))
}

impl Command {
    fn new(id: SessionId, params: Params, aliases: usize) -> Self {
        Self { id, name: String::new(), rest: String::new(), params, aliases }
    }
}

/// Ours under its whole name, a quick command, what users add, and then ours by the beginning of its name.
fn run(ctx: &mut Ctx<'_>, text: &str, command: Command) -> Result<Reply, RpcError> {
    let text = text.trim_start_matches('/');
    let (typed, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let command = Command { name: typed.to_lowercase(), rest: rest.trim().to_owned(), ..command };
    if DISPATCHED.contains(&command.name.as_str()) {
        return dispatch::run(ctx, &command.name, &command.rest, Some(command.id));
    }
    if let Some(known) = expand::known(&command.name) {
        return page(ctx, known.name, command);
    }
    if matches!(command.name.as_str(), "snapshot" | "snap") {
        return page(ctx, "snapshot", command);
    }
    if command.name == menu::MODE && ctx.gateway.has_other_agent() {
        let reply = menu::page(ctx, command.id, Pick::Mode, &command.rest, output);
        return told::shown(ctx, reply, command.params);
    }
    match quick::find(ctx, typed) {
        Some(Quick::Line(line)) => {
            let job = ShellJob::Quick { line, cwd: place(ctx, Some(command.id)) };
            Ok(program(job, command.params))
        }
        Some(Quick::Alias(target)) if target.trim().is_empty() => told::page(absent(typed)),
        Some(Quick::Alias(target)) if command.aliases < ALIASES_MAX => {
            let text = format!("{} {}", target.trim(), command.rest);
            run(ctx, &text, Command::new(command.id, command.params, command.aliases + 1))
        }
        Some(Quick::Alias(_)) => told::page(format!("/{} stands for itself", echo(typed))),
        None => match menu::command(ctx, Some(command.id), &command.name) {
            // It becomes a prompt, as a skill does.
            Some(name) => {
                Err(RpcError::new(4018, format!("agent command: use command.dispatch for /{name}")))
            }
            None => added::exec(ctx, command),
        },
    }
}

/// The page of a command of the table.
fn page(ctx: &mut Ctx<'_>, name: &str, command: Command) -> Result<Reply, RpcError> {
    if DISPATCHED.contains(&name) {
        return dispatch::run(ctx, name, &command.rest, Some(command.id));
    }
    if name == "snapshot" && dispatch::restores(&command.rest) {
        let text = "snapshot restore mutates live config/state; use command.dispatch for /snapshot restore";
        return Err(RpcError::new(4018, text));
    }
    let Some((_, page)) = PAGES.iter().find(|(of, _)| *of == name) else { return told::page(absent(name)) };
    if CHANGES.contains(&name)
        && (!command.rest.is_empty() || name == "compress")
        && let Some(refusal) = told::busy(ctx, command.id, name)
    {
        return Ok(refusal);
    }
    let reply = page(ctx, Some(command.id), &command.rest);
    told::shown(ctx, reply, command.params)
}

/// A word that is no command's whole name, nor of anything that users add: it may be the beginning of one.
pub(super) fn by_beginning(
    ctx: &mut Ctx<'_>,
    command: Command,
    others: &[String],
) -> Result<Reply, RpcError> {
    match expand::meant(&command.name, others) {
        Meant::One(name) if name != command.name => {
            let text = format!("{name} {}", command.rest);
            let aliases = command.aliases + 1;
            if aliases > ALIASES_MAX {
                return told::page(absent(&command.name));
            }
            run(ctx, &text, Command::new(command.id, command.params, aliases))
        }
        Meant::One(_) | Meant::Nothing => told::page(absent(&command.name)),
        Meant::Several(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("/{name}")).collect();
            told::page(format!("/{} may be {}", echo(&command.name), names.join(", ")))
        }
    }
}

/// A program of the person's, whose output is the page.
pub(super) fn program(job: ShellJob, params: Params) -> Reply {
    told::next(JobSpec::Shell(Box::new(job)), move |ctx: &mut Ctx<'_>, result| {
        let said = quick::said(result).map(quick::with_code);
        told::shown(ctx, said.map(|text| Reply::Now(output(text))), params)
    })
}

fn output(text: String) -> Value {
    json!({ "output": text })
}

fn absent(name: &str) -> String {
    format!("/{} is not available in this server", echo(name))
}

fn echo(name: &str) -> String {
    name.chars().take(NAME_ECHO_CHARS).collect()
}
