//! Commands that people run beside the conversation: a line for the shell, and this program's own command
//! line.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::shell::{Danger, ShellDone, ShellError, ShellJob};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new(
        "shell.exec",
        Lane::Pool,
        "Run a command line of the person's, unless it is dangerous.",
        exec,
    ),
    Method::new("cli.exec", Lane::Pool, "Run the gateway's own command line.", own),
];

/// Seconds that the own command line may take unless a client says otherwise (the original's).
const OWN_LIMIT_S: i64 = 240;

/// Seconds that it may take at most (the original's).
const OWN_LIMIT_S_MAX: i64 = 600;

/// What is told of a command that said nothing.
pub(super) const NO_OUTPUT: &str = "(no output)";

/// Commands of the own command line that cannot work without a terminal or never end, by their first words,
/// and what to do instead. Those of the original, and `chat`, `serve` and `stdio`, which are ours.
const BLOCKED: &[(&[&str], &str)] = &[
    (&["chat"], "`chat` needs a terminal: run it in one"),
    (&["config", "edit"], "`config edit` opens an editor: run it in a terminal"),
    (&["gateway"], "`gateway` runs until it is stopped: run it in a terminal"),
    (&["serve"], "`serve` runs until it is stopped: run it in a terminal"),
    (&["sessions", "browse"], "`sessions browse` needs a terminal: /resume does it here"),
    (&["setup"], "`setup` asks questions: run it in a terminal"),
    (&["stdio"], "`stdio` speaks with a client: run it in a terminal"),
];

/// Where commands of a session run, and where those run that belong to none. The original runs all of them in
/// the server's directory.
pub(super) fn place(ctx: &Ctx<'_>, id: Option<SessionId>) -> PathBuf {
    let session = id.and_then(|id| ctx.gateway.live(id));
    session.map_or_else(|| ctx.gateway.setup().process_cwd.clone(), |session| session.cwd.clone())
}

fn exec(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let line = params.text_or_empty("command")?.to_owned();
    let id = SessionId::parse(params.text_or_empty("session_id")?);
    if line.is_empty() {
        return Err(RpcError::new(4004, "empty command"));
    }
    let job = ShellJob::Line { line, cwd: place(ctx, id) };
    Ok(Reply::Job(JobSpec::Shell(Box::new(job)), ran))
}

fn ran(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match result {
        JobResult::Shell(Ok(done)) => match *done {
            ShellDone::Ran { stdout, stderr, code } => {
                Ok(json!({ "stdout": stdout, "stderr": stderr, "code": code }))
            }
            other => Err(failed(5003, JobResult::Shell(Ok(Box::new(other))))),
        },
        JobResult::Shell(Err(error)) => Err(refused(error)),
        other => Err(failed(5003, other)),
    }
}

fn refused(error: ShellError) -> RpcError {
    match error {
        ShellError::Refused(danger) => {
            let (how, what) = match danger {
                Danger::HardLine(what) => ("blocked (hardline)", what),
                Danger::Category(what) => ("blocked", what),
            };
            RpcError::new(4005, format!("{how}: {what}. Use the agent for dangerous commands."))
        }
        ShellError::NoGuard => {
            RpcError::new(5001, "shell.exec unavailable: approval safety module not importable")
        }
        ShellError::TimedOut { limit_s } => RpcError::new(5002, format!("command timed out ({limit_s}s)")),
        ShellError::Failed(why) => RpcError::new(5003, why),
    }
}

fn own(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let args = words(params)?;
    if let Some(hint) = hint(&args) {
        let result = json!({ "blocked": true, "hint": hint, "code": -1, "output": "" });
        return Ok(Reply::Now(result));
    }
    let limit = params.int("timeout").map_err(|error| RpcError::new(5017, error.message))?;
    let limit = limit.unwrap_or(OWN_LIMIT_S).clamp(0, OWN_LIMIT_S_MAX);
    let cwd = ctx.gateway.setup().process_cwd.clone();
    let job = ShellJob::Own { args, cwd, limit_s: limit.unsigned_abs() };
    Ok(Reply::Job(JobSpec::Shell(Box::new(job)), said))
}

fn words(params: &Params) -> Result<Vec<String>, RpcError> {
    let wrong = || RpcError::new(4003, "argv must be list[str]");
    if !params.has("argv") {
        return Ok(Vec::new());
    }
    let items = params.get("argv").and_then(Value::as_array).ok_or_else(wrong)?;
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// Why a command line is not run, and what to do instead.
fn hint(args: &[String]) -> Option<&'static str> {
    if args.is_empty() {
        return Some("without a command there is nothing to run: `help` lists them");
    }
    let begins = |words: &[&str]| {
        words.len() <= args.len() && words.iter().zip(args).all(|(word, arg)| arg.to_lowercase() == *word)
    };
    BLOCKED.iter().find(|(words, _)| begins(words)).map(|(_, hint)| *hint)
}

fn said(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    match result {
        JobResult::Shell(Ok(done)) => match *done {
            ShellDone::Said { text, code } => {
                let output = if text.is_empty() { NO_OUTPUT } else { text.as_str() };
                Ok(json!({ "blocked": false, "code": code, "output": output }))
            }
            other => Err(failed(5017, JobResult::Shell(Ok(Box::new(other))))),
        },
        JobResult::Shell(Err(ShellError::TimedOut { .. })) => Err(RpcError::new(5016, "cli.exec: timeout")),
        JobResult::Shell(Err(error)) => Err(RpcError::new(5017, refused(error).message)),
        other => Err(failed(5017, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_a_list_of_texts() {
        assert_eq!(words(&Params::of(json!({}))), Ok(Vec::new()));
        assert_eq!(
            words(&Params::of(json!({ "argv": ["a", "b"] }))),
            Ok(vec!["a".to_owned(), "b".to_owned()])
        );
        for wrong in [json!(null), json!("a"), json!([1]), json!({ "a": "b" })] {
            assert_eq!(
                words(&Params::of(json!({ "argv": wrong.clone() }))).unwrap_err().code,
                4003,
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_needs_a_terminal_or_never_ends_is_not_run() {
        let hint = |line: &str| hint(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        for line in ["", "setup", "SETUP x", "gateway start", "sessions browse", "Config Edit", "serve"] {
            assert!(hint(line).is_some(), "{line}");
        }
        for line in ["methods", "sessions list", "sessions", "config", "x setup"] {
            assert_eq!(hint(line), None, "{line}");
        }
    }

    #[test]
    fn refusals_have_the_codes_of_the_original() {
        let told = |error| {
            let error = refused(error);
            (error.code, error.message.into_owned())
        };
        let text = "blocked (hardline): x. Use the agent for dangerous commands.".to_owned();
        assert_eq!(told(ShellError::Refused(Danger::HardLine("x"))), (4005, text));
        let text = "blocked: x. Use the agent for dangerous commands.".to_owned();
        assert_eq!(told(ShellError::Refused(Danger::Category("x"))), (4005, text));
        assert_eq!(told(ShellError::TimedOut { limit_s: 30 }), (5002, "command timed out (30s)".to_owned()));
        assert_eq!(told(ShellError::NoGuard).0, 5001);
        assert_eq!(told(ShellError::Failed("no".to_owned())), (5003, "no".to_owned()));
    }
}
