//! A preview of a local server that does not load: an agent beside the conversation brings the server back.

use serde_json::json;

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Then};
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[Method::new(
    "preview.restart",
    Lane::Inline,
    "Let an agent restart the server of a preview; events say how it goes.",
    restart,
)];

/// Characters of the URL that the agent sees; longer ones are no previews.
const URL_CHARS_MAX: usize = 2_000;

/// Characters of the preview's console that the agent sees: some hundred lines.
const CONSOLE_CHARS_MAX: usize = 20_000;

/// What the agent is to do.
const TASK: &str = "\
Find out which server should answer at this URL, and start it again.
- The conversation above, if there is one, is the person's own with you. Look there for the command and the \
directory that the server was started with before, and use them again rather than guessing.
- Look first at what has the port now. A stale process of the same server may be ended; its directory is \
worth more than the one named above.
- Keep the URL and the port. Start the project's own development server (npm, pnpm, yarn, cargo, a script of \
the project) where the sources need a build: a server of plain files cannot replace it.
- Run the server in the background, never in the foreground.
- Change no files, and ask nobody.
- Then ask the URL whether the intended page answers. If something else does, or nothing, say so.
Answer in one or two sentences: what runs now, or why nothing does.";

fn restart(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let url: String = params.text_or_empty("url")?.trim().chars().take(URL_CHARS_MAX).collect();
    let cwd = params.text_or_empty("cwd")?.trim().to_owned();
    let console = params.text_or_empty("context")?.trim();
    if url.is_empty() {
        return Err(RpcError::new(4012, "url required"));
    }
    let prompt = prompt(&url, &cwd, console);
    if cwd.is_empty() {
        let task = ctx.begin_preview(id, prompt, None)?;
        return Ok(Reply::Now(json!({ "task_id": task })));
    }
    // Only a directory counts; anything else leaves the session's own.
    let then = Then::new(move |ctx, result| {
        let cwd = match result {
            JobResult::Directory { cwd, .. } => Some(cwd),
            JobResult::Failed(_) => None,
            other => return Err(failed(5030, other)),
        };
        let task = ctx.begin_preview(id, prompt, cwd)?;
        Ok(json!({ "task_id": task }))
    });
    Ok(Reply::Then(JobSpec::Directory { path: cwd.into() }, then))
}

fn prompt(url: &str, cwd: &str, console: &str) -> String {
    let cwd = if cwd.is_empty() { "(unknown)" } else { cwd };
    let mut text = format!("A preview cannot load its page.\n\nURL: {url}\nDirectory: {cwd}\n");
    if !console.is_empty() {
        // What was said last counts.
        let skipped = console.chars().count().saturating_sub(CONSOLE_CHARS_MAX);
        text.push_str("\nWhat its console said:\n");
        text.extend(console.chars().skip(skipped));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(TASK);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_has_what_is_known_and_bounds() {
        let short = prompt("http://localhost:5173/", "", "");
        assert!(short.contains("URL: http://localhost:5173/\nDirectory: (unknown)\n\nFind out"), "{short}");
        let long = prompt("u", "/w", &format!("{}end", "x".repeat(99_999)));
        assert!(long.contains("console") && long.contains("xend\n"));
        assert!(long.chars().count() < CONSOLE_CHARS_MAX + TASK.len() + 200);
    }
}
