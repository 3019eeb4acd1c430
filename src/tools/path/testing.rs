//! A desk in an empty workspace, and a turn for tests of tools.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::base::scratch::Scratch;
use crate::model::ask::{Answer, Ask};
use crate::tools::{Args, Call, Desk, Host, Tool};

/// The folder with workspace and home, and the desk.
pub(in crate::tools) struct Room {
    dir: Scratch,
    pub(in crate::tools) desk: Desk,
    pub(in crate::tools) turn: Turn,
}

/// A turn that nobody interrupts, unless the flag is set, and whose person says what was laid down.
#[derive(Default)]
pub(in crate::tools) struct Turn {
    pub(in crate::tools) interrupt: Arc<AtomicBool>,
    pub(in crate::tools) answer: Mutex<Option<Answer>>,
    pub(in crate::tools) asked: Mutex<Vec<Ask>>,
}

impl Room {
    pub(in crate::tools) fn new() -> Self {
        let dir = Scratch::new();
        let desk = Desk::new("key", &dir.dir("home"), &dir.dir("work"), &Arc::default());
        Self { dir, desk, turn: Turn::default() }
    }

    pub(in crate::tools) fn workspace(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Writes a file in the workspace.
    pub(in crate::tools) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        self.dir.write(&format!("work/{name}"), contents)
    }

    /// Reads a file in the workspace.
    pub(in crate::tools) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.workspace().join(name)).expect(name)
    }

    /// The result of a call with these arguments.
    pub(in crate::tools) fn call(&self, tool: &Tool, args: &Value) -> Value {
        let args = Args::parse(&args.to_string()).expect("an object");
        let result = tool.call(&Call { args: &args, desk: &self.desk, host: &self.turn });
        serde_json::from_str(&result).expect("a result is JSON")
    }
}

impl Host for Turn {
    fn interrupted(&self) -> bool {
        self.interrupt.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    fn ask(&self, question: Ask) -> Answer {
        self.asked.lock().unwrap().push(question);
        self.answer.lock().unwrap().take().unwrap_or(Answer::TimedOut)
    }

    fn status(&self, _: &'static str, _: String) {}
}
