//! Work for a model beside the conversation: prompts in the background, and single questions.

use serde_json::{Value, json};

use crate::gateway::errand_end;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::errand::Errand;
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new(
        "prompt.background",
        Lane::Inline,
        "Answer a prompt beside the conversation; an event has the answer.",
        background,
    ),
    Method::new("llm.oneshot", Lane::Pool, "Ask the model one question, without tools.", oneshot),
];

/// Output limit of a single question in tokens, unless it names another (the original's).
const TOKENS_DEFAULT: u64 = 1024;

/// Characters of a change that a commit message is made from (the original's, as the next two).
const DIFF_CHARS_MAX: usize = 12_000;

/// Characters of the commits before it.
const COMMITS_CHARS_MAX: usize = 1_500;

/// Characters of a message it should differ from.
const AVOID_CHARS_MAX: usize = 1_000;

/// Characters of an unknown template's name that are repeated.
const NAME_ECHO_CHARS: usize = 100;

/// What a commit message should look like.
const COMMIT_INSTRUCTIONS: &str = "\
You write git commit messages. Answer with one message in the Conventional Commits form and nothing else: a \
subject line `type(scope): summary` in the imperative, of at most 72 characters, where the scope may be left \
out; then, only where the change needs it, an empty line and a short body that says why. No quotes, no code \
fence, no remarks.";

fn background(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let text = params.text_or_empty("text")?.to_owned();
    let id = ctx.session_id(params)?;
    if text.is_empty() {
        return Err(RpcError::new(4012, "text required"));
    }
    let task = ctx.gateway.begin_background(id, text)?;
    Ok(Reply::Now(json!({ "task_id": task })))
}

fn oneshot(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let (instructions, input) = question(params)?;
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    let model = id.and_then(|id| ctx.gateway.live(id)).and_then(|session| session.model.clone());
    // What is no number, and 0, mean the default.
    let tokens = params.int("max_tokens").ok().flatten().and_then(|tokens| u64::try_from(tokens).ok());
    let max_tokens = Some(tokens.filter(|tokens| *tokens > 0).unwrap_or(TOKENS_DEFAULT));
    ctx.gateway.room_for_errand()?;
    let errand = Errand::Oneshot { model, instructions, input, max_tokens };
    Ok(Reply::Job(JobSpec::Errand(Box::new(errand)), answered))
}

fn answered(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let text = errand_end(result)
        .map_err(|why| RpcError::new(5030, format!("one-shot generation failed: {why}")))?;
    Ok(json!({ "text": unfenced(text.trim()) }))
}

/// What the model is told, and what it is asked.
fn question(params: &Params) -> Result<(String, String), RpcError> {
    match params.text_or_empty("template")? {
        "" => {
            let instructions = params.text_or_empty("instructions")?;
            let input = params.text_or_empty("input")?;
            if instructions.trim().is_empty() && input.trim().is_empty() {
                let text = "llm.oneshot requires a template or instructions/input";
                return Err(RpcError::new(4030, text));
            }
            Ok((instructions.to_owned(), input.to_owned()))
        }
        "commit_message" => Ok((COMMIT_INSTRUCTIONS.to_owned(), commit_input(params))),
        other => {
            let shown: String = other.chars().take(NAME_ECHO_CHARS).collect();
            Err(RpcError::new(4031, format!("'unknown one-shot template: {shown}'")))
        }
    }
}

fn commit_input(params: &Params) -> String {
    let variable = |name: &str, most: usize| -> String {
        let text = params.get("variables").and_then(|variables| variables.get(name)).and_then(Value::as_str);
        text.unwrap_or_default().chars().take(most).collect()
    };
    let mut input = format!("The change:\n{}", variable("diff", DIFF_CHARS_MAX));
    let commits = variable("recent_commits", COMMITS_CHARS_MAX);
    if !commits.trim().is_empty() {
        input.push_str("\n\nThe latest commits, for their style:\n");
        input.push_str(&commits);
    }
    let avoid = variable("avoid", AVOID_CHARS_MAX);
    if !avoid.trim().is_empty() {
        input.push_str("\n\nWrite another message than this one:\n");
        input.push_str(&avoid);
    }
    input
}

/// Without the code fence around all of it, if there is one.
fn unfenced(text: &str) -> &str {
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let lines = inner.and_then(|inner| inner.split_once('\n'));
    match lines {
        // Behind the opening fence stands at most a language.
        Some((language, body)) if !language.contains('`') && !body.contains("```") => body.trim(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fence_around_all_is_taken_off() {
        assert_eq!(unfenced("```text\nfix: a\n```"), "fix: a");
        assert_eq!(unfenced("```\nfix: a\n\nbody\n```"), "fix: a\n\nbody");
        for text in ["fix: a", "```", "``````", "a ```b``` c", "```\na\n```\nb\n```\nc\n```"] {
            assert_eq!(unfenced(text), text);
        }
    }

    #[test]
    fn a_commit_message_is_asked_for_with_bounds() {
        let variables =
            json!({ "variables": { "diff": "d".repeat(20_000), "avoid": "x", "recent_commits": 5 } });
        let Value::Object(members) = variables else { panic!("an object") };
        let input = commit_input(&Params(members));
        assert_eq!(input.matches('d').count(), DIFF_CHARS_MAX);
        assert!(input.ends_with("\nx") && !input.contains("latest"));
    }
}
