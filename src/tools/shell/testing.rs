//! For tests of tools that run commands: a desk, and a turn in which nobody answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::{Args, Call, Desk, Host, ToolError};
use super::Processes;
use crate::base::scratch::Scratch;
use crate::model::ask::{Answer, Ask};

/// A turn.
#[derive(Default)]
pub(in crate::tools) struct Alone {
    /// Whether it was interrupted.
    pub(in crate::tools) interrupted: Arc<AtomicBool>,
}

impl Host for Alone {
    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    fn ask(&self, _question: Ask) -> Answer {
        Answer::TimedOut
    }

    fn status(&self, _kind: &'static str, _text: String) {}
}

/// A session with its own directory.
pub(in crate::tools) struct Session {
    _scratch: Scratch,
    pub(in crate::tools) desk: Desk,
    pub(in crate::tools) host: Alone,
}

impl Session {
    /// The session of this key, among these processes.
    pub(in crate::tools) fn new(key: &str, processes: &Arc<Processes>) -> Self {
        let scratch = Scratch::new();
        let desk = Desk::new(key, &scratch.dir("home"), &scratch.dir("work"), processes);
        // Nobody is there to be asked.
        desk.approvals.lock().unwrap().set_yolo(true);
        Self { _scratch: scratch, desk, host: Alone::default() }
    }

    /// Runs a tool with these arguments.
    pub(in crate::tools) fn call(
        &self,
        run: fn(&Call<'_>) -> Result<serde_json::Value, ToolError>,
        args: serde_json::Value,
    ) -> Result<serde_json::Value, ToolError> {
        let args = Args::parse(&args.to_string()).unwrap();
        run(&Call { args: &args, desk: &self.desk, host: &self.host })
    }
}
