//! The program on pipes, a JSON document a line.

use std::io::Write;
use std::process::ChildStdin;

use serde_json::{Value, json};

use super::home::Home;
use super::process::Process;

/// A gateway on stdin and stdout.
pub(crate) struct Stdio {
    pub(crate) process: Process,
    pub(crate) home: Home,
    stdin: Option<ChildStdin>,
}

impl Stdio {
    /// With these arguments, the mode included. Nothing is read yet.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// The same with these variables more.
    pub(crate) fn start_with(args: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_in(Home::new(), args, variables)
    }

    /// The same in this home.
    pub(crate) fn start_in(home: Home, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut process = Process::spawn(home.command().args(args).envs(variables.iter().copied()));
        let stdin = Some(process.take_stdin());
        Self { process, home, stdin }
    }

    /// With the demo agent, and `gateway.ready` read.
    #[track_caller]
    pub(crate) fn ready(flags: &[&str]) -> Self {
        let mut gateway = Self::start(&[&["stdio", "--agent", "demo"], flags].concat());
        let ready = gateway.document();
        assert_eq!(ready["params"]["type"], "gateway.ready", "{ready}");
        gateway
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, id: u64, method: &str, params: &Value) {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.write(format!("{request}\n").as_bytes());
    }

    /// Closes stdin.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// The next document.
    #[track_caller]
    pub(crate) fn document(&mut self) -> Value {
        let line = self.process.line();
        serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("no JSON: {line:?}; stderr:\n{}", self.process.stderr()))
    }

    /// The reply with this id; events before it are skipped.
    #[track_caller]
    pub(crate) fn reply(&mut self, id: u64) -> Value {
        loop {
            let document = self.document();
            if document["id"] == id {
                return document;
            }
        }
    }
}
