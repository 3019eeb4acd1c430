//! What a conversation is to reach, as `/goal` sets it, and what a verdict makes of it. Plain data and its rules;
//! where it is kept is `store`'s, who judges is the gateway's.

use crate::limits::{GOAL_CRITERIA_MAX, GOAL_UNREADABLE_MAX};

/// Why a goal rests that a person paused (the original's word).
const BY_PERSON: &str = "user-paused";

/// Why it rests when a person stopped the turn or the judge (the original's word).
const BY_INTERRUPT: &str = "user-interrupted (Ctrl+C)";

/// Seconds below which two times are the same.
const TIME_SLACK: f64 = 0.001;

/// The members of a contract: as they are kept and as people read them.
pub const CONTRACT: [(&str, &str); 5] = [
    ("outcome", "Outcome"),
    ("verification", "Verification"),
    ("constraints", "Constraints"),
    ("boundaries", "Boundaries"),
    ("stop_when", "Stop when blocked"),
];

/// A goal before and after a wish; `None` where there never was one.
#[derive(Clone, PartialEq, Debug)]
pub struct GoalChange {
    /// As it was.
    pub before: Option<Goal>,
    /// As it is.
    pub now: Option<Goal>,
}

/// A goal.
#[derive(Clone, PartialEq, Debug)]
pub struct Goal {
    /// What is to be reached.
    pub text: String,
    /// How it stands.
    pub state: GoalState,
    /// Turns that were spent on it.
    pub turns_used: u64,
    /// Turns that may be.
    pub turns_max: u64,
    /// Why it is paused.
    pub paused_reason: Option<String>,
    /// When it was set, in seconds since 1970.
    pub created_at: f64,
    /// Verdicts in a row that nobody could read.
    pub unreadable: u64,
    /// What else is to be so for it to be reached.
    pub criteria: Vec<String>,
    /// What exactly being reached means, where somebody wrote it down.
    pub contract: Contract,
    /// What is waited for before it goes on.
    pub wait: Option<Wait>,
}

/// What reaching a goal means; what is empty is not said. In the order of [`CONTRACT`].
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Contract(pub [String; 5]);

impl Contract {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|text| text.trim().is_empty())
    }

    /// One line for each member that says something.
    pub fn lines(&self) -> Vec<String> {
        let said = CONTRACT.iter().zip(&self.0).filter(|(_, text)| !text.trim().is_empty());
        said.map(|((_, label), text)| format!("- {label}: {}", text.trim())).collect()
    }
}

/// What a goal waits for.
#[derive(Clone, PartialEq, Debug)]
pub struct Wait {
    /// What has to end.
    pub on: Barrier,
    /// Why, as the judge or the person said it.
    pub reason: Option<String>,
    /// Since when, in seconds since 1970.
    pub since: f64,
}

/// What has to end before a goal goes on.
#[derive(Clone, PartialEq, Debug)]
pub enum Barrier {
    /// The background process with this number.
    Pid(u64),
    /// The one with this id: its end, or what its output is watched for.
    Process(String),
    /// The time until then, in seconds since 1970.
    Until(f64),
}

impl Barrier {
    /// Whether it is over with a process.
    pub fn is_process(&self) -> bool {
        matches!(self, Barrier::Pid(_) | Barrier::Process(_))
    }

    fn is_same(&self, other: &Barrier) -> bool {
        match (self, other) {
            (Barrier::Until(one), Barrier::Until(other)) => is_same_time(*one, *other),
            (one, other) => one == other,
        }
    }

    /// What it is, for people, at this time.
    pub fn shown(&self, at: f64) -> String {
        match self {
            Barrier::Pid(pid) => format!("pid {pid}"),
            Barrier::Process(id) => format!("session {id}"),
            Barrier::Until(until) => format!("{}s remaining", (until - at).max(0.0) as u64),
        }
    }
}

/// How a goal stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GoalState {
    /// It is to be reached.
    Active,
    /// It rests.
    Paused,
    /// It was reached.
    Done,
    /// It was given up.
    Cleared,
}

impl GoalState {
    /// The word that is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            GoalState::Active => "active",
            GoalState::Paused => "paused",
            GoalState::Done => "done",
            GoalState::Cleared => "cleared",
        }
    }

    /// The state of a word; what nobody knows is active, as in the original.
    pub fn parse(word: &str) -> Self {
        let all = [GoalState::Paused, GoalState::Done, GoalState::Cleared];
        all.into_iter().find(|state| state.as_str() == word).unwrap_or(GoalState::Active)
    }
}

/// What a judge holds of the turn that ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    /// The goal as it was when the judge was asked: another one is not judged by it, and what somebody changed
    /// since then stays.
    pub asked: Box<Goal>,
    /// The verdict.
    pub ruling: Ruling,
    /// Why, in a sentence.
    pub reason: String,
}

/// A verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ruling {
    /// The goal is reached, or nothing more can be done for it.
    Done,
    /// There is a next step.
    Continue,
    /// What the judge said is no verdict. The work goes on, for a few turns.
    Unreadable,
    /// The next step is to wait.
    Wait(Hold),
}

impl Ruling {
    /// The word that is kept.
    pub fn as_str(&self) -> &'static str {
        match self {
            Ruling::Done => "done",
            Ruling::Continue | Ruling::Unreadable => "continue",
            Ruling::Wait(_) => "wait",
        }
    }
}

/// What is to be waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hold {
    /// The background process with this number.
    Pid(u64),
    /// The one with this id.
    Process(String),
    /// So many seconds.
    Seconds(u64),
}

impl Hold {
    fn from(self, at: f64) -> Barrier {
        match self {
            Hold::Pid(pid) => Barrier::Pid(pid),
            Hold::Process(id) => Barrier::Process(id),
            Hold::Seconds(seconds) => Barrier::Until(at + seconds as f64),
        }
    }
}

/// What is to become of a goal.
#[derive(Clone, PartialEq, Debug)]
pub enum GoalWish {
    /// Nothing: it is looked at.
    Show,
    /// Another one takes its place.
    Set {
        /// What is to be reached; not empty.
        text: String,
        /// Turns it may take.
        turns_max: u64,
        /// What that means; empty where nobody wrote it down.
        contract: Contract,
    },
    /// It rests.
    Pause,
    /// It rests because a person stopped what was done for it.
    Interrupt,
    /// It is to be reached again, and its turns are counted anew.
    Resume,
    /// It is given up.
    Clear,
    /// It goes on once this is over.
    Wait {
        /// What.
        hold: Hold,
        /// Why, if somebody said so.
        reason: Option<String>,
    },
    /// It waits for nothing any more.
    Unwait,
    /// What it waited for is over, and nobody was told to stop waiting: its turns still count.
    Lift,
    /// One more thing has to be so.
    Require(String),
    /// One of those has not, by its number from 1 on.
    Waive(usize),
    /// None of them has.
    WaiveAll,
    /// A turn for it ended, and was judged.
    Judged(Judgement),
}

impl GoalWish {
    /// The goal afterwards. One that was given up is none to pause or to resume, and only one that is to be
    /// reached waits or is judged.
    pub fn after(&self, goal: Option<Goal>, at: f64) -> Option<Goal> {
        if let GoalWish::Set { text, turns_max, contract } = self {
            return Some(Goal {
                text: text.clone(),
                state: GoalState::Active,
                turns_used: 0,
                turns_max: *turns_max,
                paused_reason: None,
                created_at: at,
                unreadable: 0,
                criteria: Vec::new(),
                contract: contract.clone(),
                wait: None,
            });
        }
        let mut goal = goal?;
        let (is_kept, is_active) = (goal.state != GoalState::Cleared, goal.state == GoalState::Active);
        match self {
            GoalWish::Pause if is_kept => goal.pause(BY_PERSON.to_owned()),
            GoalWish::Interrupt if is_active => goal.pause(BY_INTERRUPT.to_owned()),
            GoalWish::Resume if is_kept => {
                (goal.state, goal.turns_used) = (GoalState::Active, 0);
                (goal.paused_reason, goal.wait) = (None, None);
                // The original keeps counting, so that its next slip pauses at once.
                goal.unreadable = 0;
            }
            GoalWish::Clear => goal.state = GoalState::Cleared,
            GoalWish::Wait { hold, reason } if is_active => {
                goal.wait = Some(Wait { on: hold.clone().from(at), reason: reason.clone(), since: at });
            }
            GoalWish::Unwait => goal.wait = None,
            GoalWish::Lift if is_active => {
                goal.wait = None;
                goal.pause_if_spent();
            }
            GoalWish::Require(text) if goal.is_open() && goal.criteria.len() < GOAL_CRITERIA_MAX => {
                goal.criteria.push(text.clone());
            }
            GoalWish::Waive(number) if goal.is_open() && (1..=goal.criteria.len()).contains(number) => {
                goal.criteria.remove(number - 1);
            }
            GoalWish::WaiveAll if goal.is_open() => goal.criteria.clear(),
            GoalWish::Judged(judgement) if is_active && goal.is_same(&judgement.asked) => {
                goal.judged(judgement, at);
            }
            _ => {}
        }
        Some(goal)
    }
}

impl Goal {
    /// Whether it is neither reached nor given up.
    pub fn is_open(&self) -> bool {
        matches!(self.state, GoalState::Active | GoalState::Paused)
    }

    fn pause(&mut self, why: String) {
        (self.state, self.paused_reason, self.wait) = (GoalState::Paused, Some(why), None);
    }

    fn pause_if_spent(&mut self) {
        if self.turns_used >= self.turns_max {
            self.pause(format!("turn budget exhausted ({}/{})", self.turns_used, self.turns_max));
        }
    }

    /// Whether both were set by the same wish.
    fn is_same(&self, other: &Goal) -> bool {
        self.text == other.text && is_same_time(self.created_at, other.created_at)
    }

    /// The turn counts whatever the verdict. A judge who did not know what is asked for by now cannot say that it
    /// is reached, nor can one say what to wait for to a person who said that meanwhile.
    fn judged(&mut self, judgement: &Judgement, at: f64) {
        let Judgement { asked, ruling, reason } = judgement;
        self.turns_used = self.turns_used.saturating_add(1);
        self.unreadable = if *ruling == Ruling::Unreadable { self.unreadable + 1 } else { 0 };
        let is_as_asked = self.criteria == asked.criteria && self.contract == asked.contract;
        let waits_as_asked = is_same_wait(self.wait.as_ref(), asked.wait.as_ref());
        if waits_as_asked {
            self.wait = None;
        }
        match ruling {
            Ruling::Done if is_as_asked && self.wait.is_none() => self.state = GoalState::Done,
            Ruling::Wait(hold) if waits_as_asked => {
                let reason = Some(reason.clone());
                self.wait = Some(Wait { on: hold.clone().from(at), reason, since: at });
            }
            Ruling::Unreadable if self.unreadable >= GOAL_UNREADABLE_MAX => {
                let count = self.unreadable;
                self.pause(format!("judge model returned unparseable output {count} turns in a row"));
            }
            // A wait's end looks at the turns, too.
            _ if self.wait.is_some() => {}
            _ => self.pause_if_spent(),
        }
    }
}

fn is_same_wait(one: Option<&Wait>, other: Option<&Wait>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => is_same_time(one.since, other.since) && one.on.is_same(&other.on),
        (None, None) => true,
        _ => false,
    }
}

/// Whether two times are one: what is written and read again may differ in its last digit.
fn is_same_time(one: f64, other: f64) -> bool {
    (one - other).abs() < TIME_SLACK
}

#[cfg(test)]
mod tests;
