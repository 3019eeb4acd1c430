//! `terminal`: runs a command, and either waits for it or leaves it to run in the background. Owns the words
//! of its results; children are [`super::shell`]'s business, and what may run is [`super::approval`]'s.

use std::time::Duration;

use serde_json::{Value, json};

use super::approval::{Verdict, gate};
use super::args::Args;
use super::error::ToolError;
use super::shell::{self, COMMAND_BYTES_MAX, Exit, PATTERN_CHARS_MAX, PATTERNS_MAX, Start, lock};
use super::{Beside, Call, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "terminal",
    toolset: "terminal",
    description: "Runs a shell command. The working directory and exported variables last from one call to \
                  the next. The result has the exit code and what the command printed, stdout and stderr \
                  together; its input is empty. Servers, watchers and other long work belong in the \
                  background: set background=true, then use the process tool. Do not use '&' or nohup.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command, for bash or sh"},
            "background": {"type": "boolean", "description": "Do not wait for its end (default false)"},
            "timeout": {
                "type": "integer",
                "minimum": 1,
                "description": "Seconds to wait for its end (default 180, at most 600)"
            },
            "workdir": {"type": "string", "description": "Directory to run in, instead of the current one"},
            "pty": {"type": "boolean", "description": "Not supported; the command runs on pipes"},
            "notify_on_complete": {
                "type": "boolean",
                "description": "Background: tell when it has ended (default false)"
            },
            "watch_patterns": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Background: tell when a line of output contains one of these texts"
            }
        },
        "required": ["command"]
    }"#,
    beside: Beside::Nothing,
    run,
};

/// Seconds a command may take unless the call says otherwise, as Hermes has it.
pub(super) const TIMEOUT_SECONDS: u64 = 180;

/// Most seconds it can say, as Hermes has it.
const TIMEOUT_SECONDS_MAX: u64 = 600;

/// The exit code of what took too long, that of `timeout`.
const TIMED_OUT: i32 = 124;

/// The exit code of what was interrupted: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// The exit code of what did not run, as Hermes has it.
const NOT_RUN: i32 = -1;

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let order = Order::read(call.args)?;
    if let Some(refusal) = shell::refusal(order.command).filter(|_| !order.is_background) {
        return Ok(not_run(&refusal, "error"));
    }
    // Hermes allows only some characters, because it writes the name into a script. Here it is an argument.
    if order.workdir.is_some_and(|name| name.chars().any(char::is_control)) {
        return Ok(not_run("BLOCKED: workdir contains control characters.", "blocked"));
    }
    let note = match gate(order.command, call.desk, call.host) {
        Verdict::Run { note } => note,
        Verdict::Blocked { why } => return Ok(blocked(&why)),
    };
    let mut result = if order.is_background { background(&order, call)? } else { foreground(&order, call)? };
    if let Some(note) = note {
        result["approval"] = note.into();
    }
    Ok(result)
}

/// What the call says.
struct Order<'a> {
    command: &'a str,
    is_background: bool,
    timeout: u64,
    workdir: Option<&'a str>,
    has_pty: bool,
    notifies: bool,
    patterns: Vec<String>,
}

impl<'a> Order<'a> {
    fn read(args: &'a Args) -> Result<Self, ToolError> {
        let command = args.required_text("command")?;
        if command.trim().is_empty() {
            return Err(ToolError::new("command is empty"));
        }
        if command.len() > COMMAND_BYTES_MAX || command.contains('\0') {
            return Err(ToolError::new(format!(
                "command is longer than {COMMAND_BYTES_MAX} bytes or contains a NUL; write a script to a \
                 file and run that"
            )));
        }
        let is_background = args.flag("background");
        let timeout = args.number("timeout")?.unwrap_or(TIMEOUT_SECONDS);
        if !is_background && !(1..=TIMEOUT_SECONDS_MAX).contains(&timeout) {
            return Err(ToolError::new(format!(
                "timeout has to be from 1 to {TIMEOUT_SECONDS_MAX} seconds; run longer work with \
                 background=true"
            )));
        }
        Ok(Self {
            command,
            is_background,
            timeout,
            workdir: args.text("workdir")?.filter(|name| !name.is_empty()),
            has_pty: args.flag("pty"),
            notifies: args.flag("notify_on_complete"),
            patterns: patterns(args)?,
        })
    }
}

fn patterns(args: &Args) -> Result<Vec<String>, ToolError> {
    let wrong = || ToolError::new("watch_patterns has to be a list of strings");
    let texts: Vec<&str> = match args.get("watch_patterns") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(items)) => {
            items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>().ok_or_else(wrong)?
        }
        Some(_) => return Err(wrong()),
    };
    let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect();
    if texts.len() > PATTERNS_MAX || texts.iter().any(|text| text.chars().count() > PATTERN_CHARS_MAX) {
        return Err(ToolError::new(format!(
            "watch_patterns takes at most {PATTERNS_MAX} texts of at most {PATTERN_CHARS_MAX} characters"
        )));
    }
    Ok(texts)
}

fn foreground(order: &Order<'_>, call: &Call<'_>) -> Result<Value, ToolError> {
    let is_interrupted = || call.host.interrupted();
    let plan = lock(&call.desk.shell).plan(&call.desk.workspace(), order.workdir)?;
    call.desk.keep_before_command(order.command, &plan.dir);
    // Looked at after that, since it may take a while.
    let (output, exit) = if is_interrupted() {
        (String::new(), Exit::Interrupted)
    } else {
        // Not under the lock: whoever begins the next turn must not wait for this command.
        let ended = shell::run(order.command, &plan, Duration::from_secs(order.timeout), &is_interrupted);
        lock(&call.desk.shell).settle(&plan);
        ended.map_err(|error| ToolError::new(format!("cannot run the command: {error}")))?
    };
    Ok(match exit {
        Exit::Code(code) => {
            let mut result = json!({ "output": output, "exit_code": code, "error": null });
            if let Some(meaning) = shell::meaning(order.command, code) {
                result["exit_code_meaning"] = meaning.into();
            }
            result
        }
        Exit::TimedOut => ended(output, TIMED_OUT, &format!("[Command timed out after {}s]", order.timeout)),
        Exit::Interrupted => ended(output, INTERRUPTED, "[Command interrupted]"),
    })
}

/// The result of a command that was ended.
fn ended(mut output: String, code: i32, notice: &str) -> Value {
    if !output.is_empty() {
        output.push('\n');
    }
    output.push_str(notice);
    json!({ "output": output, "exit_code": code, "error": null })
}

fn background(order: &Order<'_>, call: &Call<'_>) -> Result<Value, ToolError> {
    let plan = lock(&call.desk.shell).plan(&call.desk.workspace(), order.workdir)?;
    call.desk.keep_before_command(order.command, &plan.dir);
    let patterns = if order.notifies { Vec::new() } else { order.patterns.clone() };
    let watches = !patterns.is_empty();
    let start = Start {
        owner: &call.desk.key,
        command: order.command,
        plan: &plan,
        notifies: order.notifies,
        patterns,
    };
    let process = call
        .desk
        .processes
        .start(start)
        .map_err(|error| ToolError::new(format!("cannot start the process: {error}")))?;
    let mut result = json!({
        "output": "Background process started",
        "session_id": process.id,
        "pid": process.pid,
        "exit_code": 0,
        "error": null,
    });
    if order.notifies {
        result["notify_on_complete"] = true.into();
        if !order.patterns.is_empty() {
            result["watch_patterns_ignored"] =
                "notify_on_complete is set, so the output is not watched.".into();
        }
    } else if watches {
        result["watch_patterns"] = order.patterns.clone().into();
    } else {
        result["hint"] = "You will not be told when it ends. Look with the process tool (poll, log, wait), \
                          or set notify_on_complete or watch_patterns next time."
            .into();
    }
    if order.has_pty {
        result["pty_note"] = "There are no pseudo-terminals here; the process runs on pipes.".into();
    }
    Ok(result)
}

/// The result of a command that a person or a rule did not allow.
pub(super) fn blocked(why: &str) -> Value {
    const LEAD: &str = "BLOCKED";
    let why = if why.starts_with(LEAD) { why.to_owned() } else { format!("{LEAD}: {why}") };
    not_run(&why, "blocked")
}

fn not_run(why: &str, status: &str) -> Value {
    json!({ "output": "", "exit_code": NOT_RUN, "error": why, "status": status })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use super::super::shell::Processes;
    use super::super::shell::testing::Session;
    use super::*;

    fn session() -> Session {
        Session::new("a", &Arc::new(Processes::default()))
    }

    fn result(session: &Session, args: Value) -> Value {
        session.call(run, args).unwrap()
    }

    #[test]
    fn a_command_gives_its_output_and_code() {
        let session = session();
        let expected = json!({ "output": "a\nb", "exit_code": 3, "error": null });
        assert_eq!(result(&session, json!({ "command": "echo a; echo b >&2; exit 3" })), expected);
        let nothing_found = result(&session, json!({ "command": "printf x | grep y" }));
        assert!(nothing_found["exit_code_meaning"].is_string());
    }

    #[test]
    fn the_directory_lasts_within_a_session_and_a_turn() {
        let (one, other) = (session(), session());
        let work = one.desk.workspace();
        result(&one, json!({ "command": "mkdir in && cd in && export KEPT=1" }));
        let args = json!({ "command": "printf %s \"$PWD $KEPT\"" });
        assert_eq!(result(&one, args.clone())["output"], format!("{}/in 1", work.display()));
        assert_eq!(result(&other, args.clone())["output"], format!("{}", other.desk.workspace().display()));
        one.desk.begin_turn(&work);
        assert_eq!(result(&one, args)["output"], format!("{} 1", work.display()));
        let inside = result(&one, json!({ "command": "pwd", "workdir": "in" }));
        assert_eq!(inside["output"], format!("{}/in", work.display()));
    }

    #[test]
    fn what_was_ended_says_so() {
        let session = session();
        let late = result(&session, json!({ "command": "echo a; sleep 600", "timeout": "1" }));
        assert_eq!(late["exit_code"], 124);
        assert!(late["output"].as_str().unwrap().ends_with("[Command timed out after 1s]"), "{late}");
        session.host.interrupted.store(true, Ordering::Relaxed);
        let stopped = result(&session, json!({ "command": "touch made" }));
        let expected = json!({ "output": "[Command interrupted]", "exit_code": 130, "error": null });
        assert_eq!(stopped, expected);
        assert!(!session.desk.workspace().join("made").exists(), "it did not begin");
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let session = session();
        let hidden = result(&session, json!({ "command": "sleep 600 &" }));
        assert_eq!((&hidden["exit_code"], &hidden["status"]), (&json!(-1), &json!("error")));
        let odd = result(&session, json!({ "command": "pwd", "workdir": "a\nb" }));
        assert_eq!(odd["status"], "blocked");
        for args in [
            json!({}),
            json!({ "command": 7 }),
            json!({ "command": " " }),
            json!({ "command": "a\u{0}b" }),
            json!({ "command": "x".repeat(COMMAND_BYTES_MAX + 1) }),
            json!({ "command": "pwd", "timeout": 601 }),
            json!({ "command": "pwd", "timeout": 0 }),
            json!({ "command": "pwd", "workdir": "none" }),
            json!({ "command": "pwd", "watch_patterns": [1] }),
        ] {
            assert!(session.call(run, args.clone()).is_err(), "{args}");
        }
    }

    #[test]
    fn a_background_command_gives_an_id_at_once() {
        let session = session();
        let args =
            json!({ "command": "sleep 600", "background": true, "watch_patterns": ["x"], "pty": true });
        let started = result(&session, args);
        let id = started["session_id"].as_str().unwrap();
        assert!(id.len() == 17 && session.desk.processes.find("a", id).is_some(), "{started}");
        assert!(started["pty_note"].is_string() && started["watch_patterns"] == json!(["x"]));
        let args = json!({
            "command": "exit", "background": true, "watch_patterns": ["x"], "notify_on_complete": true,
        });
        assert!(result(&session, args)["watch_patterns_ignored"].is_string());
        assert!(result(&session, json!({ "command": "exit", "background": true }))["hint"].is_string());
    }
}
