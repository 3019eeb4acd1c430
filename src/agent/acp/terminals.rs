//! The commands that an agent looks after through us: `terminal/*`. Owns their ids and the words of the
//! protocol; how a command runs is the business of [`crate::tools`].

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::failure::{Fault, INTERNAL_ERROR};
use crate::tools::{Desk, Host, Terminal, command_line};

/// Most terminals of a session that are not released.
const TERMINALS_MAX: usize = 32;

/// Most terminals whose output is kept after they were released.
const RELEASED_MAX: usize = 8;

/// Bytes of output that are kept unless the agent says otherwise, and at most: what a process's entry keeps.
const OUTPUT_BYTES_MAX: u64 = 800_000;

/// Most arguments, and most variables, of one command.
const WORDS_MAX: usize = 4_096;

/// The commands of a session.
#[derive(Default, Debug)]
pub(super) struct Terminals {
    open: HashMap<String, Terminal>,
    /// What those printed that were released last: tool calls show it still.
    released: VecDeque<(String, String)>,
    /// The last number given.
    last: u64,
}

/// What an agent wants to run.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Order {
    line: String,
    dir: Option<String>,
    bytes_max: usize,
}

impl Order {
    /// Reads the parameters of `terminal/create`.
    ///
    /// # Errors
    /// They are wrong.
    pub(super) fn read(params: &Value) -> Result<Self, Fault> {
        let command = params.get("command").and_then(Value::as_str);
        let command = command.ok_or_else(|| Fault::params("command has to be a string"))?;
        let args: Vec<&str> = list(params, "args")?
            .iter()
            .map(|arg| arg.as_str().ok_or_else(|| Fault::params("args have to be strings")))
            .collect::<Result<_, _>>()?;
        let variables: Vec<(&str, &str)> = list(params, "env")?
            .iter()
            .map(|variable| {
                let member = |name: &str| variable.get(name).and_then(Value::as_str);
                member("name")
                    .zip(member("value"))
                    .ok_or_else(|| Fault::params("env has to be names and values"))
            })
            .collect::<Result<_, _>>()?;
        let dir = match params.get("cwd").filter(|dir| !dir.is_null()) {
            None => None,
            Some(Value::String(dir)) if dir.starts_with('/') => Some(dir.clone()),
            Some(_) => return Err(Fault::params("cwd has to be an absolute path")),
        };
        let wanted = params.get("outputByteLimit").and_then(Value::as_u64).unwrap_or(OUTPUT_BYTES_MAX);
        let bytes_max = usize::try_from(wanted.min(OUTPUT_BYTES_MAX)).unwrap_or_default();
        let line =
            command_line(command, &args, &variables).map_err(|error| Fault::params(&error.to_string()))?;
        Ok(Self { line, dir, bytes_max })
    }

    /// Starts it, after a person was asked if need be. Waits for that.
    ///
    /// # Errors
    /// It does not run.
    pub(super) fn start(&self, desk: &Desk, host: &dyn Host) -> Result<Terminal, Fault> {
        Ok(Terminal::start(&self.line, self.dir.as_deref(), self.bytes_max, desk, host)?)
    }
}

/// A list that may be absent.
fn list<'a>(params: &'a Value, name: &str) -> Result<&'a [Value], Fault> {
    match params.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) if items.len() <= WORDS_MAX => Ok(items),
        Some(_) => Err(Fault::params(&format!("{name} has to be a list of at most {WORDS_MAX}"))),
    }
}

impl Terminals {
    /// Whether there may be no more.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= TERMINALS_MAX
    }

    /// A command runs: the answer to `terminal/create`.
    ///
    /// # Errors
    /// There are too many; it is ended.
    pub(super) fn add(&mut self, terminal: Terminal) -> Result<Value, Fault> {
        if self.is_full() {
            return Err(too_many());
        }
        self.last += 1;
        let id = format!("term_{}", self.last);
        let answer = json!({ "terminalId": id });
        self.open.insert(id, terminal);
        Ok(answer)
    }

    /// The answer to `terminal/output`.
    ///
    /// # Errors
    /// There is no such terminal.
    pub(super) fn output(&self, params: &Value) -> Result<Value, Fault> {
        let terminal = self.find(params)?;
        // In this order: what it printed before its end is part of the output then.
        let end = terminal.end();
        let (output, truncated) = terminal.output();
        let mut answer = json!({ "output": output, "truncated": truncated });
        if let Some(code) = end {
            answer["exitStatus"] = status(code);
        }
        Ok(answer)
    }

    /// The answer to `terminal/wait_for_exit`; `None` while the command runs.
    ///
    /// # Errors
    /// There is no such terminal.
    pub(super) fn exit(&self, params: &Value) -> Result<Option<Value>, Fault> {
        Ok(self.find(params)?.end().map(status))
    }

    /// The answer to `terminal/kill`.
    ///
    /// # Errors
    /// There is no such terminal.
    pub(super) fn kill(&self, params: &Value) -> Result<Value, Fault> {
        self.find(params)?.kill();
        Ok(json!({}))
    }

    /// The answer to `terminal/release`: the command is ended, if it runs.
    ///
    /// # Errors
    /// There is no such terminal.
    pub(super) fn release(&mut self, params: &Value) -> Result<Value, Fault> {
        let id = id(params)?;
        let terminal = self.open.remove(id).ok_or_else(unknown)?;
        if self.released.len() >= RELEASED_MAX {
            self.released.pop_front();
        }
        self.released.push_back((id.to_owned(), terminal.output().0));
        Ok(json!({}))
    }

    /// What the terminal of this id printed so far.
    pub(super) fn text(&self, id: &str) -> Option<String> {
        let released = || self.released.iter().find(|(of, _)| of == id).map(|(_, text)| text.clone());
        self.open.get(id).map(|terminal| terminal.output().0).or_else(released)
    }

    fn find(&self, params: &Value) -> Result<&Terminal, Fault> {
        self.open.get(id(params)?).ok_or_else(unknown)
    }
}

/// There are too many terminals.
pub(super) fn too_many() -> Fault {
    Fault::new(INTERNAL_ERROR, format!("There are {TERMINALS_MAX} terminals already: release some."))
}

fn id(params: &Value) -> Result<&str, Fault> {
    let id = params.get("terminalId").and_then(Value::as_str);
    id.ok_or_else(|| Fault::params("terminalId has to be a string"))
}

fn unknown() -> Fault {
    Fault::params("there is no such terminal")
}

/// The exit as the protocol has it: a code, or the name of a signal.
fn status(code: i32) -> Value {
    if code >= 0 {
        return json!({ "exitCode": code, "signal": null });
    }
    // The numbers that all systems share (POSIX).
    let signal = match code.unsigned_abs() {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        3 => "SIGQUIT".to_owned(),
        6 => "SIGABRT".to_owned(),
        9 => "SIGKILL".to_owned(),
        13 => "SIGPIPE".to_owned(),
        14 => "SIGALRM".to_owned(),
        15 => "SIGTERM".to_owned(),
        number => format!("signal {number}"),
    };
    json!({ "exitCode": null, "signal": signal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_by_its_schema() {
        let order = Order::read(&json!({
            "sessionId": "s", "command": "npm", "args": ["run", "a b"], "cwd": "/w",
            "env": [{"name": "A", "value": "b"}], "outputByteLimit": 10,
        }));
        let line = "export A=b; npm run 'a b'".to_owned();
        assert_eq!(order, Ok(Order { line, dir: Some("/w".to_owned()), bytes_max: 10 }));
        let plain = Order::read(&json!({"command": "a | b", "args": null, "cwd": null})).unwrap();
        assert_eq!((plain.line.as_str(), plain.dir), ("a | b", None));
    }

    #[test]
    fn orders_that_are_none_are_refused() {
        for params in [
            json!({}),
            json!({"command": 7}),
            json!({"command": " "}),
            json!({"command": "a", "args": "b"}),
            json!({"command": "a", "args": [1]}),
            json!({"command": "a", "env": [{"name": "x; y", "value": "b"}]}),
            json!({"command": "a", "env": ["A=b"]}),
            json!({"command": "a", "cwd": "relative"}),
            json!({"command": "a", "args": vec!["x"; WORDS_MAX + 1]}),
        ] {
            assert!(Order::read(&params).is_err(), "{params}");
        }
    }

    #[test]
    fn an_exit_is_a_code_or_a_signal() {
        assert_eq!(status(3), json!({"exitCode": 3, "signal": null}));
        assert_eq!(status(-9), json!({"exitCode": null, "signal": "SIGKILL"}));
        assert_eq!(status(i32::MIN)["signal"], "signal 2147483648");
    }

    #[test]
    fn a_terminal_that_is_not_there_is_told() {
        let mut terminals = Terminals::default();
        let named = json!({"terminalId": "term_1"});
        assert!(terminals.output(&named).is_err() && terminals.exit(&named).is_err());
        assert!(terminals.kill(&json!({})).is_err() && terminals.release(&named).is_err());
    }
}
