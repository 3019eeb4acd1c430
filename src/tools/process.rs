//! `process`: looks at what the session runs in the background, waits for it, writes to it, ends it. Owns the
//! words of its results; the processes are [`super::shell`]'s.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::approval::{Verdict, gate};
use super::args::Args;
use super::error::ToolError;
use super::shell::{Process, Waited, clip, plain};
use super::terminal::{TIMEOUT_SECONDS, blocked};
use super::{Beside, Call, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "process",
    toolset: "terminal",
    description: "Looks after commands that terminal started in the background. Actions: list; poll (state \
                  and newest output); log (output by lines); wait (for the end); kill; write (to its input); \
                  submit (write with a line feed); close (its input).",
    parameters: r#"{
        "type": "object",
        "properties": {
            "action": {
                "type": "string",
                "enum": ["list", "poll", "log", "wait", "kill", "write", "submit", "close"]
            },
            "session_id": {"type": "string", "description": "Which process; for all actions but list"},
            "data": {"type": "string", "description": "write, submit: the text"},
            "timeout": {"type": "integer", "minimum": 1, "description": "wait: seconds, at most 180"},
            "offset": {
                "type": "integer",
                "minimum": 0,
                "description": "log: lines to skip (default: all but the last ones)"
            },
            "limit": {"type": "integer", "minimum": 1, "description": "log: lines to show (default 200)"}
        },
        "required": ["action"]
    }"#,
    beside: Beside::Nothing,
    run,
};

/// Who ends a process here, as Hermes calls it.
const SOURCE: &str = "process.kill";

/// Characters of output that `poll` shows.
const POLL_CHARS: usize = 1000;

/// Characters of output that `wait` shows.
const WAIT_CHARS: usize = 2000;

/// Lines that `log` shows unless the call says otherwise, as Hermes has it.
const LOG_LINES: usize = 200;

/// How long `kill` waits for the end: the 2 seconds to KILL, and one for the system.
const KILL_WAIT: Duration = Duration::from_secs(3);

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let action: Action = match call.args.required_text("action")? {
        "list" => return Ok(list(call)),
        "poll" => poll,
        "log" => log,
        "wait" => wait,
        "kill" => kill,
        "write" => write,
        "submit" => submit,
        "close" => close,
        other => return Err(ToolError::new(format!("unknown action {other}"))),
    };
    let id = call.args.required_text("session_id")?;
    match call.desk.processes.find(&call.desk.key, id) {
        Some(process) => action(&process, call),
        None => Ok(json!({ "status": "not_found", "error": format!("No process with ID {id}") })),
    }
}

fn list(call: &Call<'_>) -> Value {
    let views = call.desk.processes.list(&call.desk.key);
    let rows: Vec<Value> = views
        .into_iter()
        .map(|view| {
            let mut row = Map::new();
            row.insert("session_id".to_owned(), view.id.as_str().into());
            row.insert("command".to_owned(), view.command.as_str().into());
            row.insert("cwd".to_owned(), view.cwd.as_str().into());
            row.insert("pid".to_owned(), view.pid.into());
            row.insert("started_at".to_owned(), view.started_at.as_str().into());
            row.insert("uptime_seconds".to_owned(), view.uptime_seconds.into());
            row.insert("status".to_owned(), view.status().into());
            row.insert("output_preview".to_owned(), plain(&view.output_preview).into());
            if let Some(code) = view.exit_code {
                row.insert("exit_code".to_owned(), code.into());
            }
            if view.notify_on_complete {
                row.insert("notify_on_complete".to_owned(), true.into());
            }
            Value::Object(row)
        })
        .collect();
    json!({ "processes": rows })
}

/// What does an action.
type Action = fn(&Process, &Call<'_>) -> Result<Value, ToolError>;

fn poll(process: &Process, _call: &Call<'_>) -> Result<Value, ToolError> {
    let view = process.view();
    let mut result = json!({
        "session_id": view.id,
        "command": view.command,
        "status": view.status(),
        "pid": view.pid,
        "uptime_seconds": view.uptime_seconds,
        "output_preview": process.tail(POLL_CHARS),
    });
    if let Some(code) = view.exit_code {
        result["exit_code"] = code.into();
    }
    Ok(result)
}

fn log(process: &Process, call: &Call<'_>) -> Result<Value, ToolError> {
    let limit = lines(call.args, "limit")?.filter(|limit| *limit > 0).unwrap_or(LOG_LINES);
    let offset = lines(call.args, "offset")?.filter(|offset| *offset > 0);
    let status = process.view().status();
    let text = process.log();
    let all: Vec<&str> = text.lines().collect();
    let start = offset.unwrap_or_else(|| all.len().saturating_sub(limit)).min(all.len());
    let end = start.saturating_add(limit).min(all.len());
    let shown = all.get(start..end).unwrap_or_default();
    Ok(json!({
        "session_id": process.id,
        "command": process.short_command(),
        "status": status,
        "output": clip(&shown.join("\n")),
        "total_lines": all.len(),
        "showing": format!("{} lines", shown.len()),
    }))
}

/// A number of lines; more than there can be is as good as all.
fn lines(args: &Args, name: &str) -> Result<Option<usize>, ToolError> {
    Ok(args.number(name)?.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
}

fn wait(process: &Process, call: &Call<'_>) -> Result<Value, ToolError> {
    let asked = call.args.number("timeout")?.unwrap_or(TIMEOUT_SECONDS);
    let seconds = asked.clamp(1, TIMEOUT_SECONDS);
    let waited = process.wait(Duration::from_secs(seconds), &|| call.host.interrupted());
    let output = process.tail(WAIT_CHARS);
    let command = process.short_command();
    Ok(match waited {
        Waited::Ended(end) => json!({
            "status": "exited",
            "command": command,
            "exit_code": end.code,
            "completion_reason": if end.source.is_some() { "killed" } else { "exited" },
            "termination_source": end.source,
            "output": output,
        }),
        Waited::TimedOut => {
            let mut result = json!({ "status": "timeout", "command": command, "output": output });
            if asked > TIMEOUT_SECONDS {
                result["timeout_note"] =
                    format!("timeout is at most {TIMEOUT_SECONDS} seconds; wait again if need be").into();
            }
            result
        }
        Waited::Interrupted => json!({ "status": "interrupted", "command": command, "output": output }),
    })
}

fn kill(process: &Process, call: &Call<'_>) -> Result<Value, ToolError> {
    if !process.stop(SOURCE) {
        return Ok(already_exited(process));
    }
    // Waiting hears of the end, so no notice follows. Hermes tells the model what it has just done itself.
    process.wait(KILL_WAIT, &|| call.host.interrupted());
    Ok(json!({
        "status": "killed",
        "session_id": process.id,
        "completion_reason": "killed",
        "termination_source": SOURCE,
    }))
}

fn already_exited(process: &Process) -> Value {
    json!({ "status": "already_exited", "exit_code": process.end().map(|end| end.code) })
}

fn write(process: &Process, call: &Call<'_>) -> Result<Value, ToolError> {
    send(process, call, call.args.required_text("data")?.to_owned())
}

fn submit(process: &Process, call: &Call<'_>) -> Result<Value, ToolError> {
    let data = call.args.text("data")?.unwrap_or_default();
    send(process, call, format!("{data}\n"))
}

/// Writes to the input, if that may be: the process can be a shell. Hermes does not ask here.
fn send(process: &Process, call: &Call<'_>, data: String) -> Result<Value, ToolError> {
    if process.end().is_some() {
        return Ok(already_exited(process));
    }
    let note = if data.trim().is_empty() {
        None
    } else {
        match gate(&data, call.desk, call.host) {
            Verdict::Run { note } => note,
            Verdict::Blocked { why } => return Ok(blocked(&why)),
        }
    };
    let mut result = match process.write(data.as_bytes()) {
        Ok(()) => json!({ "status": "ok", "bytes_written": data.len() }),
        Err(error) => json!({ "status": "error", "error": format!("cannot write to the process: {error}") }),
    };
    if let Some(note) = note {
        result["approval"] = note.into();
    }
    Ok(result)
}

fn close(process: &Process, _call: &Call<'_>) -> Result<Value, ToolError> {
    let message = if process.close_input() { "Its input is closed" } else { "Its input was closed before" };
    Ok(json!({ "status": "ok", "message": message }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::shell::Processes;
    use super::super::shell::testing::Session;
    use super::super::terminal;
    use super::*;

    fn act(session: &Session, args: Value) -> Value {
        session.call(run, args).unwrap()
    }

    /// Starts a command and gives its id.
    fn started(session: &Session, command: &str) -> String {
        let args = json!({ "command": command, "background": true });
        session.call(terminal::TOOL.run, args).unwrap()["session_id"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_process_is_written_to_waited_for_and_read() {
        let session = Session::new("a", &Arc::new(Processes::default()));
        let id = started(&session, "cat; exit 5");
        let polled = act(&session, json!({ "action": "poll", "session_id": id }));
        assert_eq!((&polled["status"], polled.get("exit_code")), (&json!("running"), None));
        for line in ["one", "two", "three"] {
            let done = act(&session, json!({ "action": "submit", "session_id": id, "data": line }));
            assert_eq!(done["status"], "ok", "{done}");
        }
        act(&session, json!({ "action": "close", "session_id": id }));
        let ended = act(&session, json!({ "action": "wait", "session_id": id }));
        let expected = json!({
            "status": "exited", "command": "cat; exit 5", "exit_code": 5, "completion_reason": "exited",
            "termination_source": null, "output": "one\ntwo\nthree\n",
        });
        assert_eq!(ended, expected);
        let lines = |args: Value| act(&session, args)["output"].as_str().unwrap().to_owned();
        assert_eq!(lines(json!({ "action": "log", "session_id": id, "limit": 2 })), "two\nthree");
        assert_eq!(lines(json!({ "action": "log", "session_id": id, "offset": 1, "limit": 1 })), "two");
        assert_eq!(lines(json!({ "action": "log", "session_id": id, "offset": 9 })), "");
    }

    #[test]
    fn a_process_is_killed_once() {
        let session = Session::new("a", &Arc::new(Processes::default()));
        let id = started(&session, "sleep 600");
        let args = json!({ "action": "kill", "session_id": id });
        assert_eq!(act(&session, args.clone())["status"], "killed");
        assert_eq!(act(&session, args), json!({ "status": "already_exited", "exit_code": -15 }));
        let listed = act(&session, json!({ "action": "list" }));
        let row = &listed["processes"][0];
        assert_eq!((&row["status"], &row["exit_code"]), (&json!("exited"), &json!(-15)));
        assert!(session.desk.processes.take_notices().is_empty());
    }

    #[test]
    fn ids_of_others_are_unknown() {
        let processes = Arc::new(Processes::default());
        let (one, other) = (Session::new("a", &processes), Session::new("b", &processes));
        let id = started(&one, "sleep 600");
        for action in ["poll", "log", "wait", "kill", "write", "submit", "close"] {
            let args = json!({ "action": action, "session_id": id, "data": "x" });
            let expected = json!({ "status": "not_found", "error": format!("No process with ID {id}") });
            assert_eq!(act(&other, args), expected, "{action}");
        }
        assert_eq!(act(&other, json!({ "action": "list" })), json!({ "processes": [] }));
        assert_eq!(act(&one, json!({ "action": "poll", "session_id": id }))["status"], "running");
    }

    #[test]
    fn an_unknown_action_is_an_error() {
        let session = Session::new("a", &Arc::new(Processes::default()));
        assert!(session.call(run, json!({ "action": "pause", "session_id": "x" })).is_err());
        assert!(session.call(run, json!({ "action": "poll" })).is_err());
    }
}
