//! `commands.catalog`, `command.resolve` and `complete.slash`: the table of commands with what users add to it.
//! What stands in files is found on the pool, where it is kept between two keys.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::composer::failed;
use super::config_set::personalities;
use super::menu;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Then};
use crate::model::extensions::{CommandWords, ExtensionDone, ExtensionJob};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::menu::Menu;
use crate::model::toolset::{TOOLSETS, Toolset};
use crate::slash;
use crate::slash::catalog::{Added, is_ours};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("commands.catalog", Lane::Pool, "The slash commands that work here.", catalog),
    Method::new("command.resolve", Lane::Inline, "Which command a name or alias means.", resolve),
    Method::new("complete.slash", Lane::Pool, "Complete a slash command.", complete),
];

/// Characters of an unknown name that are repeated.
const ECHO_CHARS: usize = 100;

fn catalog(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = named(ctx, params)?;
    Ok(with_words(id, |ctx, added| {
        // What a client has seen here is not new to it when skills are looked for again.
        ctx.gateway.swap_skills(added.skills.iter().cloned().collect());
        slash::catalog::catalog(added)
    }))
}

fn resolve(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let name = params.text_or_empty("name")?;
    match slash::catalog::resolve(name) {
        Some(found) => Ok(Reply::Now(json!({
            "canonical": found.name,
            "description": found.description,
            "category": found.category.as_str(),
        }))),
        None => {
            let shown: String = name.chars().take(ECHO_CHARS).collect();
            Err(RpcError::new(4011, format!("unknown command: {shown}")))
        }
    }
}

fn complete(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let text = params.text_or_empty("text")?.to_owned();
    if !text.starts_with('/') {
        return Ok(Reply::Now(json!({ "items": [] })));
    }
    let id = named(ctx, params)?;
    Ok(with_words(id, move |_, added| slash::complete::complete(&text, added)))
}

/// The live session that is named, if one is: clients of the original name none.
fn named(ctx: &Ctx<'_>, params: &Params) -> Result<Option<SessionId>, RpcError> {
    if !ctx.gateway.has_other_agent() {
        return Ok(None);
    }
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    Ok(id.filter(|id| ctx.gateway.live(*id).is_some()))
}

/// What follows from the commands there are. Where those that users add cannot be found ours are there.
fn with_words(
    id: Option<SessionId>,
    then: impl FnOnce(&mut Ctx<'_>, &Added) -> Value + Send + 'static,
) -> Reply {
    let then = Then::new(move |ctx, result| {
        let (words, missing) = match result {
            JobResult::Extensions(Ok(done)) => match *done {
                ExtensionDone::Words(words) => (words, None),
                ExtensionDone::Message(_) => return Err(failed(5020, JobResult::Extensions(Ok(done)))),
            },
            JobResult::Extensions(Err(error)) => (Arc::default(), Some(error.message)),
            JobResult::Failed(why) => (Arc::default(), Some(why)),
            other => return Err(failed(5020, other)),
        };
        let mut added = added(ctx, &words);
        if ctx.gateway.has_other_agent() {
            add_agent(ctx, id, &mut added);
        }
        if let Some(why) = missing {
            added.warning = format!("skill discovery unavailable: {why}");
        }
        Ok(then(ctx, &added))
    });
    Reply::Then(JobSpec::Extensions(Box::new(ExtensionJob::Words)), then)
}

/// What another program's agent has. Its commands hide nothing of ours and no quick command, and nothing is
/// told of what they hide.
fn add_agent(ctx: &Ctx<'_>, id: Option<SessionId>, added: &mut Added) {
    let nothing = Menu::default();
    let menu = ctx.gateway.menu(ctx.client, id).unwrap_or(&nothing);
    let is_taken = |name: &str| {
        let name = name.to_lowercase();
        is_ours(&name) || added.quick.iter().any(|(quick, _)| quick.to_lowercase() == name)
    };
    let commands = menu::commands(menu, is_taken);
    let is_free = |name: &str| commands.iter().all(|(known, _)| !known.eq_ignore_ascii_case(name));
    added.programs.retain(|(name, _)| is_free(name));
    added.skills.retain(|(name, _)| is_free(name));
    added.modes = menu.modes.all.iter().map(|mode| (mode.id.clone(), mode.name.clone())).collect();
    added.agent = commands;
}

/// What users add, of the files and of the settings. A name runs what is looked for first, so no executable
/// or skill is told of that another hides; ours cannot be hidden by them.
fn added(ctx: &Ctx<'_>, words: &CommandWords) -> Added {
    let settings = ctx.gateway.settings();
    let document: Map<String, Value> = serde_json::from_str(&settings.raw_json).unwrap_or_default();
    let quick_commands = document.get("quick_commands");
    let quick = quick(quick_commands);
    let off = document.get("plugins").and_then(|plugins| plugins.get("disabled")).and_then(Value::as_array);
    let is_off = |name: &str| off.is_some_and(|names| names.iter().any(|off| off == name));
    let is_taken = |name: &str| is_ours(name) || quick.iter().any(|(quick, _)| quick == name);
    let programs: Vec<(String, String)> = words
        .programs
        .iter()
        .filter(|program| !is_off(&program.name) && !is_taken(&program.name))
        .map(|program| (program.name.clone(), program.description.clone()))
        .collect();
    let is_free = |name: &str| !is_taken(name) && programs.iter().all(|(program, _)| program != name);
    let skills: Vec<(String, String)> = words
        .skills
        .iter()
        .filter(|skill| is_free(&skill.command))
        .map(|skill| (skill.command.clone(), skill.description.clone()))
        .collect();
    let is_wrong = quick_commands.is_some_and(|section| !section.is_null() && !section.is_object());
    let warning = if is_wrong { "quick_commands discovery unavailable: it is not a mapping" } else { "" };
    let servers = document.get("mcp_servers").and_then(Value::as_object).into_iter().flatten();
    let servers = servers.map(|(name, _)| (format!("{name}:"), "a tool of this server".to_owned()));
    let (on, off): (Vec<&Toolset>, Vec<&Toolset>) =
        TOOLSETS.iter().partition(|set| settings.agent.tools.allows_set(set.name));
    let labelled = |sets: Vec<&Toolset>| -> Vec<(String, String)> {
        sets.into_iter().map(|set| (set.name.to_owned(), set.label.to_owned())).collect()
    };
    Added {
        bundles: words
            .bundles
            .iter()
            .map(|one| (one.command.clone(), one.description.clone(), one.skills.len()))
            .collect(),
        skins: words.skins.clone(),
        personalities: personalities(settings),
        toolsets_on: labelled(on),
        toolsets_off: labelled(off),
        servers: servers.collect(),
        agent: Vec::new(),
        modes: Vec::new(),
        warning: warning.to_owned(),
        quick,
        programs,
        skills,
    }
}

/// Quick commands by name, each with what is said of it or else with what it does.
fn quick(section: Option<&Value>) -> Vec<(String, String)> {
    let entries = section.and_then(Value::as_object).into_iter().flatten();
    let mut found: Vec<(String, String)> = entries
        .filter_map(|(name, entry)| {
            let text = |key: &str| entry.as_object()?.get(key)?.as_str().filter(|text| !text.is_empty());
            let kind = text("type").unwrap_or("quick command");
            let note = match (text("description"), kind) {
                (Some(note), _) => note.to_owned(),
                (None, "exec") => format!("exec: {}", text("command").unwrap_or_default()),
                (None, "alias") => format!("alias → {}", text("target").unwrap_or_default()),
                (None, kind) => kind.to_owned(),
            };
            entry.is_object().then(|| (name.clone(), note))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_commands_say_what_they_do() {
        let section = json!({
            "b": {"type": "exec", "command": "ls"}, "a": {"type": "alias", "target": "help"}, "c": 5, "e": {},
            "d": {"type": "exec", "description": "Lists"},
        });
        let two = |name: &str, note: &str| (name.to_owned(), note.to_owned());
        let expected =
            [two("a", "alias → help"), two("b", "exec: ls"), two("d", "Lists"), two("e", "quick command")];
        assert_eq!(quick(Some(&section)), expected);
        assert!(quick(None).is_empty() && quick(Some(&json!([1]))).is_empty());
    }
}
