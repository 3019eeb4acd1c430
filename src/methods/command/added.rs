//! Commands that users add: executables of theirs and skills. Owns how their names are looked for, and what is
//! done with what is found.

use std::path::PathBuf;

use serde_json::json;

use super::exec::{self, Command};
use super::{dispatch, quick, told};
use crate::gateway::method::{Ctx, Reply};
use crate::methods::composer::failed;
use crate::methods::shell::place;
use crate::methods::{plugins, skills};
use crate::model::extensions::{BundleWord, CommandWords, ExtensionDone, ExtensionJob, SkillMessage};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::shell::ShellJob;
use crate::wire::error::RpcError;

/// What `/bundles` says when there are none.
const NO_BUNDLES: &str = "There are no bundles of skills: they are files in skill-bundles/ below the home.";

/// Lines of that page.
const BUNDLES_SHOWN: usize = 40;

/// What users have under a name.
enum Found {
    /// An executable.
    Program(PathBuf),
    /// A skill, or a bundle of skills, by the name of its command.
    Skill(String),
    /// Nothing; the names of executables there are.
    Nothing(Vec<String>),
}

/// An executable's output, or a skill's message.
pub(super) fn dispatch(
    _ctx: &mut Ctx<'_>,
    name: &str,
    arg: &str,
    id: Option<SessionId>,
) -> Result<Reply, RpcError> {
    if name.is_empty() {
        return Err(dispatch::unknown(name));
    }
    let (name, arg) = (name.to_owned(), arg.to_owned());
    Ok(look(name.clone(), move |ctx, found| match found {
        Found::Program(path) => {
            let job = ShellJob::Program { path, arg, cwd: place(ctx, id) };
            Ok(told::next(JobSpec::Shell(Box::new(job)), |_, result| {
                let output = quick::with_code(quick::said(result)?);
                Ok(Reply::Now(json!({ "type": "plugin", "output": output })))
            }))
        }
        Found::Skill(command) => {
            let session = id.and_then(|id| ctx.gateway.live(id)).map(|session| session.key.clone());
            let job = ExtensionJob::Message { command, arg, session: session.unwrap_or_default() };
            Ok(told::next(JobSpec::Extensions(Box::new(job)), move |_, result| skill(&name, result)))
        }
        Found::Nothing(_) => Err(dispatch::unknown(&name)),
    }))
}

/// An executable's output as a page. A skill is not for here: it becomes a prompt.
pub(super) fn exec(_ctx: &mut Ctx<'_>, command: Command) -> Result<Reply, RpcError> {
    Ok(look(command.name.clone(), move |ctx, found| match found {
        Found::Program(path) => {
            let job = ShellJob::Program { path, arg: command.rest, cwd: place(ctx, Some(command.id)) };
            Ok(exec::program(job, command.params))
        }
        Found::Skill(_) => {
            let text = format!("skill command: use command.dispatch for /{}", command.name);
            Err(RpcError::new(4018, text))
        }
        Found::Nothing(mut others) => {
            others.extend(quick::names(ctx));
            exec::by_beginning(ctx, command, &others)
        }
    }))
}

/// Looks for a name: an executable that is switched on, a skill, a bundle of skills. Where they cannot be
/// asked for there are none, as in the original.
fn look(
    name: String,
    then: impl FnOnce(&mut Ctx<'_>, Found) -> Result<Reply, RpcError> + Send + 'static,
) -> Reply {
    told::next(JobSpec::Plugins, move |ctx, result| {
        let JobResult::Plugins(mut all) = result else { return then(ctx, Found::Nothing(Vec::new())) };
        all.retain(|plugin| plugins::is_on(ctx, &plugin.name));
        if let Some(plugin) = all.iter().find(|plugin| plugin.name == name) {
            return then(ctx, Found::Program(plugin.file.clone()));
        }
        let others = all.into_iter().map(|plugin| plugin.name).collect();
        Ok(told::next(JobSpec::Agent(AgentJob::Skills { named: None }), move |ctx, result| {
            let rows = skills::taken(ctx, 4018, result).unwrap_or_default();
            if rows.iter().any(|row| row.command().as_deref() == Some(name.as_str())) {
                return then(ctx, Found::Skill(name));
            }
            let job = JobSpec::Extensions(Box::new(ExtensionJob::Words));
            Ok(told::next(job, move |ctx, result| match bundled(result, &name) {
                true => then(ctx, Found::Skill(name)),
                false => then(ctx, Found::Nothing(others)),
            }))
        }))
    })
}

/// Whether a bundle has this name. The original completes bundles and drops them when they are asked for.
fn bundled(result: JobResult, name: &str) -> bool {
    let JobResult::Extensions(Ok(done)) = result else { return false };
    let has = |words: &CommandWords| words.bundles.iter().any(|bundle| bundle.command == name);
    matches!(*done, ExtensionDone::Words(words) if has(&words))
}

/// A skill as a prompt.
fn skill(name: &str, result: JobResult) -> Result<Reply, RpcError> {
    match result {
        JobResult::Extensions(Ok(done)) => match *done {
            ExtensionDone::Message(Some(SkillMessage { message, name })) => {
                Ok(Reply::Now(json!({ "type": "skill", "message": message, "name": name })))
            }
            _ => Err(dispatch::unknown(name)),
        },
        JobResult::Extensions(Err(error)) => Err(RpcError::new(4018, error.message)),
        other => Err(failed(4018, other)),
    }
}

/// The skills that are loaded together.
pub(super) fn bundles(_ctx: &mut Ctx<'_>, _id: Option<SessionId>, _arg: &str) -> Result<Reply, RpcError> {
    let job = JobSpec::Extensions(Box::new(ExtensionJob::Words));
    Ok(told::next(job, |_, result| {
        let JobResult::Extensions(Ok(done)) = result else { return Err(failed(5024, result)) };
        let ExtensionDone::Words(words) = *done else { return told::page(NO_BUNDLES) };
        let line = |bundle: &BundleWord| {
            format!("{}: {} ({})", bundle.name, bundle.description, bundle.skills.join(", "))
        };
        let lines: Vec<String> = words.bundles.iter().take(BUNDLES_SHOWN).map(line).collect();
        if lines.is_empty() { told::page(NO_BUNDLES) } else { told::page(lines.join("\n")) }
    }))
}
