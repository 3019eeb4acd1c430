//! What may run: a person is asked for every command that this session has not approved word for word, and
//! silence or anything unclear refuses. Knows nothing of how a command is run.

use std::collections::HashSet;
use std::sync::PoisonError;

use super::{Desk, Host};
use crate::base::mask::mask;
use crate::model::ask::{Answer, Ask, Choice};

/// The category of every command: there are no finer ones yet, so that an approval counts for the same text alone.
const KEY: &str = "shell command";

/// Most characters of a command that a person is shown.
const SHOWN_CHARS_MAX: usize = 4_000;

/// What a session approved.
#[derive(Default, Debug)]
pub struct Approvals {
    commands: HashSet<String>,
    yolo: bool,
}

impl Approvals {
    /// From now on nothing is asked in this session, or everything again.
    pub fn set_yolo(&mut self, on: bool) {
        self.yolo = on;
    }
}

/// Whether a command may run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It may.
    Run {
        /// Who said so, if somebody was asked.
        note: Option<String>,
    },
    /// It may not.
    Blocked {
        /// What the model is told.
        why: String,
    },
}

/// Asks for `command` what has to be asked.
pub(super) fn gate(command: &str, desk: &Desk, host: &dyn Host) -> Verdict {
    {
        let approvals = desk.approvals.lock().unwrap_or_else(PoisonError::into_inner);
        if approvals.yolo || approvals.commands.contains(command) {
            return Verdict::Run { note: None };
        }
    }
    let question = Ask::Approval {
        command: mask(command).chars().take(SHOWN_CHARS_MAX).collect(),
        pattern_key: KEY.to_owned(),
        description: KEY.to_owned(),
        allow_permanent: false,
    };
    match host.ask(question) {
        Answer::Choice(Choice::Once) => approved("once"),
        Answer::Choice(Choice::Session | Choice::Always) => {
            let mut approvals = desk.approvals.lock().unwrap_or_else(PoisonError::into_inner);
            approvals.commands.insert(command.to_owned());
            approved("for this session")
        }
        Answer::TimedOut => blocked("nobody answered in time"),
        Answer::Cancelled => blocked("the turn was stopped"),
        _ => blocked("the person refused"),
    }
}

fn approved(how: &str) -> Verdict {
    Verdict::Run { note: Some(format!("The person approved this command {how}.")) }
}

fn blocked(what: &str) -> Verdict {
    let why = format!(
        "BLOCKED: {what}. Silence is no consent. Do not retry the command, rephrase it, or reach the same effect \
         in another way."
    );
    Verdict::Blocked { why }
}
