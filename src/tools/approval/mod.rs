//! The gate every command passes before it runs: never, at once, or after a person said so. Owns the order of
//! the decision and what a session approved; what is dangerous is told by [`hardline`] and [`rules`], which
//! read the command as [`words`]. Knows nothing of how a command runs.
//!
//! It guards against mistakes of a model, and against disguises of the plain dangers. It is no sandbox: a
//! program that the model wrote and runs is not looked into.
//!
//! The original also has a content scanner, an auxiliary model for the mode `smart`, container back-ends, and
//! unattended runs; there are none here.

mod braces;
mod document;
mod escapes;
mod examine;
mod expansion;
mod glob;
mod hardline;
mod interpreters;
mod normalise;
mod path;
mod policy;
mod redirect;
mod rules;
mod scan;
mod sheet;
mod shown;
mod step;
mod targets;
mod word;
mod words;
mod wrappers;

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};

use self::examine::{Finding, examine};
use super::desk::Desk;
use super::host::Host;
use crate::base::switch::Switch;
use crate::model::ask::{Answer, Ask, Choice};
use crate::model::shell::Danger;

pub use self::policy::{Mode, Policy};
pub(crate) use self::shown::shown;

/// How every refusal ends. The words are for the model.
const NO_WAY_AROUND: &str = "Silence is not consent. Do not retry this command, do not rephrase it, and do \
                             not reach the same effect in another way.";

/// What one session approved.
#[derive(Default, Debug)]
pub struct Approvals {
    /// Everything runs that is above the hard line. The session holds the same switch.
    yolo: Switch,
    /// The keys of categories that were approved for the session.
    keys: HashSet<&'static str>,
    /// How approvals are configured.
    policy: Arc<Policy>,
}

impl Approvals {
    /// A session that approved nothing yet.
    pub fn new(policy: Arc<Policy>) -> Self {
        Self { policy, ..Self::default() }
    }

    /// The configuration was read again. What was approved for the session stays.
    pub fn set_policy(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
    }

    /// The session's own switch is looked at from now on.
    pub fn follow(&mut self, yolo: &Switch) {
        self.yolo.clone_from(yolo);
    }

    /// Switches approvals off for this session, or on again.
    pub fn set_yolo(&mut self, on: bool) {
        self.yolo.set(on);
    }

    /// Whether approvals are off for this session.
    pub fn yolo(&self) -> bool {
        self.yolo.is_on()
    }

    /// Whether nobody is asked: the session's switch, or the configuration, says so.
    pub fn asks_nobody(&self) -> bool {
        self.yolo() || self.policy.mode() == Mode::Off
    }

    /// Forgets what was approved for this session.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.yolo.set(false);
    }

    /// Whether a category was approved, here or for good.
    fn has(&self, finding: &Finding) -> bool {
        self.keys.contains(finding.key) || (finding.may_be_permanent && self.policy.knows(finding.key))
    }
}

/// Whether a command may run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It may.
    Run {
        /// Who approved it, if that was asked; for the model.
        note: Option<String>,
    },
    /// It may not.
    Blocked {
        /// Why, for the model; begins with `BLOCKED: `.
        why: String,
    },
}

/// Decides about a command; asks a person if need be, and waits for the answer. The order is the original's.
pub(super) fn gate(command: &str, desk: &Desk, host: &dyn Host) -> Verdict {
    let report = examine(command);
    if let Some(what) = report.hard {
        return blocked(&format!("this is on the hard line ({what}), which no approval can allow."));
    }
    let (yolo, policy) = {
        let approvals = lock(desk);
        (approvals.yolo(), Arc::clone(&approvals.policy))
    };
    if report.guesses_password && !policy.has_sudo_password() {
        return blocked("it gives sudo a password, and none is configured: a guessed one is never tried.");
    }
    if yolo || policy.mode() == Mode::Off || policy.allows(command) {
        return Verdict::Run { note: None };
    }
    let open: Vec<Finding> = {
        let approvals = lock(desk);
        report.findings.into_iter().filter(|finding| !approvals.has(finding)).collect()
    };
    if open.is_empty() {
        return Verdict::Run { note: None };
    }
    // There is no auxiliary model yet, so that `Mode::Smart` leaves every decision to a person too.
    ask(command, &open, desk, host)
}

/// Asks a person. The session's approvals are not locked meanwhile: the answer may take minutes.
fn ask(command: &str, open: &[Finding], desk: &Desk, host: &dyn Host) -> Verdict {
    let keys: Vec<&str> = open.iter().map(|finding| finding.key).collect();
    let description = keys.join("; ");
    let answer = host.ask(Ask::Approval {
        command: shown(command),
        pattern_key: keys.first().copied().unwrap_or_default().to_owned(),
        description: description.clone(),
        allow_permanent: open.iter().all(|finding| finding.may_be_permanent),
    });
    let how = match answer {
        Answer::Choice(Choice::Once) => "this once",
        Answer::Choice(Choice::Session) => {
            remember(open, desk, false);
            "for this session"
        }
        Answer::Choice(Choice::Always) => {
            remember(open, desk, true);
            "for good"
        }
        Answer::TimedOut => {
            return blocked(&format!("the question timed out, nobody said that it may run ({description})."));
        }
        Answer::Cancelled => {
            return blocked(&format!("the question whether it may run was cancelled ({description})."));
        }
        // An answer to another kind of question is no approval.
        Answer::Choice(Choice::Deny) | Answer::Text(_) | Answer::Secret(_) => {
            return blocked(&format!("the user denied it ({description})."));
        }
    };
    Verdict::Run { note: Some(format!("The user approved this command {how} ({description}).")) }
}

/// These are approved for the session, and with `permanent` for good where that may be.
fn remember(findings: &[Finding], desk: &Desk, permanent: bool) {
    let mut approvals = lock(desk);
    for finding in findings {
        approvals.keys.insert(finding.key);
        if permanent && finding.may_be_permanent {
            approvals.policy.remember(finding.key);
        }
    }
}

/// What is wrong with a command that a person runs: nobody is asked, and nothing that was approved counts.
pub fn danger(command: &str) -> Option<Danger> {
    let report = examine(command);
    let category = report.findings.first().map(|finding| Danger::Category(finding.key));
    report.hard.map(Danger::HardLine).or(category)
}

/// Whether a command may lose files, or changes of them: reason enough to keep them before it runs, and no
/// reason to ask.
pub(super) fn loses_files(command: &str) -> bool {
    examine::loses_files(command)
}

fn blocked(why: &str) -> Verdict {
    Verdict::Blocked { why: format!("BLOCKED: {why} {NO_WAY_AROUND}") }
}

fn lock(desk: &Desk) -> MutexGuard<'_, Approvals> {
    desk.approvals.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod people;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
