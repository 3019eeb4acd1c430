//! Goals that are pursued: after a turn a judge says whether the session's goal is reached, and if not, the next
//! turn begins by itself. Owns when that happens and what a session hears of it. The goal is the store's, which is
//! asked each time: other programs change it too. What the judge is asked and how its word is read is `judge`'s.

pub(crate) mod judge;

use std::time::Duration;

use super::Gateway;
use super::deadlines::Timer;
use super::errand::{Aside, errand_end};
use super::io::Now;
use super::session::{Queued, Session};
use crate::limits::{
    GOAL_ANSWER_CHARS_MAX, GOAL_UNREADABLE_MAX, GOAL_WAIT_POLL, GOAL_WAIT_SLEEP_MAX, GOAL_WAIT_SLEEP_MIN,
};
use crate::model::errand::Errand;
use crate::model::goal::{Barrier, Goal, GoalChange, GoalState, GoalWish, Judgement, Ruling};
use crate::model::ids::SessionId;
use crate::model::job::{AgentJob, JobResult, JobSpec};
use crate::model::process::Process;
use crate::model::store::{Asked, Inquiry, Told};
use crate::wire::event::Event;

/// What a session hears when the store fails behind a turn.
const UNKNOWN: &str = "The goal cannot be kept, so that it does not go on: see the log.";

/// The judgements under way.
#[derive(Default, Debug)]
pub(super) struct Goals {
    /// Sessions that count as running because of one.
    judging: usize,
    /// Those begun so far.
    begun: u64,
    /// Whether it was said that the endpoint of `auxiliary.goal_judge` is not asked.
    told_of_endpoint: bool,
}

impl Goals {
    /// Sessions whose turn is judged.
    pub(super) fn judging(&self) -> usize {
        self.judging
    }
}

/// A goal that is looked at.
#[derive(Debug)]
pub(super) struct Judging {
    /// Its number: news of another one is late.
    number: u64,
    /// What was answered last, as far as a judge is shown it; `None` where no turn ended: then only what the goal
    /// waits for is looked at, and the session counts as idle.
    answer: Option<String>,
    goal: Option<Goal>,
    judgement: Option<Judgement>,
}

/// What is waited for on the way to a verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The goal.
    Goal,
    /// The session's background processes.
    Processes,
    /// The judge.
    Verdict,
    /// What the verdict makes of the goal.
    Outcome,
}

impl Session {
    /// Whether a step that nobody sent would come in the way of something: of a turn, or of a question that
    /// outlived the process that asked it.
    fn is_busy(&self) -> bool {
        self.is_running() || self.has_restored()
    }

    /// Whether its last turn is judged.
    pub(super) fn is_judged(&self) -> bool {
        self.judging.as_ref().is_some_and(|judging| judging.answer.is_some())
    }
}

impl Gateway {
    /// Whether somebody can judge the session's turns. The demo agent and the agents of other programs answer no
    /// questions of ours; where each verdict would be that none was to be had, work would go on until the goal's
    /// turns are spent. Another profile's settings, which say who judges, are not known here, and what its
    /// sessions say is not for the endpoint of the server's own.
    pub(crate) fn has_judge(&self, id: SessionId) -> bool {
        let called = |session: &Session| session.profile.is_none() && !self.is_demo(session.model.as_ref());
        self.setup.other_agent.is_none() && self.sessions.get(&id).is_some_and(called)
    }

    /// Who judges the session's turns.
    pub(crate) fn judge(&mut self, id: SessionId) -> judge::Judge {
        let own = self.sessions.get(&id).and_then(|session| session.model.clone());
        let judge = judge::chosen(&self.settings.raw_json, own);
        if judge.ignores_endpoint && !std::mem::replace(&mut self.goals.told_of_endpoint, true) {
            log::warn!("auxiliary.goal_judge has a base_url, which is not asked: sessions' own models judge");
        }
        judge
    }

    /// A turn ended with this answer. Whether its goal is looked at first: then the session goes on counting as
    /// running, and what follows the turn waits.
    pub(super) fn begin_judging(&mut self, now: Now, id: SessionId, answer: &str) -> bool {
        if answer.trim().is_empty() || !self.has_judge(id) {
            return false;
        }
        self.look_at_goal(now, id, Some(answer.chars().take(GOAL_ANSWER_CHARS_MAX).collect()))
    }

    /// What the goal waits for may be over. A turn that runs looks itself, at its end.
    pub(super) fn goal_due(&mut self, now: Now, id: SessionId) {
        match self.sessions.get(&id).map(Session::is_busy) {
            // Not if it fails, so that this is not the last look.
            Some(true) => self.deadlines.set(Timer::Goal(id), now.at + GOAL_WAIT_POLL),
            Some(false) if self.has_judge(id) => {
                self.look_at_goal(now, id, None);
            }
            _ => {}
        }
    }

    /// The session's goal stands so now, as a person hears who asked. `starts` says whether that person wants work
    /// to go on by itself; where nobody did since the session became live, a wait is not watched. A judge is not
    /// heard any more about a goal that rests.
    pub(crate) fn note_goal(&mut self, now: Now, id: SessionId, goal: Option<&Goal>, starts: bool) {
        let Some(session) = self.sessions.get(&id) else { return };
        let watches = starts || session.has_worked || self.deadlines.is_set(Timer::Goal(id));
        self.keep_goal(now, id, goal);
        if !watches {
            self.deadlines.clear(Timer::Goal(id));
        }
        if self.sessions.get(&id).is_some_and(|session| !session.pursues) {
            self.end_judging(now, id, None);
        }
    }

    fn keep_goal(&mut self, now: Now, id: SessionId, goal: Option<&Goal>) {
        let goal = goal.filter(|goal| goal.state == GoalState::Active);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.pursues = goal.is_some();
        match goal.and_then(|goal| goal.wait.as_ref()) {
            Some(wait) => self.deadlines.set(Timer::Goal(id), now.at + pause(&wait.on, now)),
            None => self.deadlines.clear(Timer::Goal(id)),
        }
    }

    /// Somebody stopped what the session does: its goal rests, and a judge is not heard any more.
    pub(super) fn stop_goal(&mut self, now: Now, id: SessionId) {
        let running = self.sessions.get_mut(&id).filter(|session| session.is_running());
        let Some(session) = running else { return };
        let was_judged = session.is_judged();
        if std::mem::take(&mut session.pursues) {
            self.deadlines.clear(Timer::Goal(id));
            self.ask_goal(now, id, GoalWish::Interrupt, Aside::GoalStopped { session: id });
        }
        // Also where a person let the goal rest a moment ago.
        if was_judged {
            self.end_judging(now, id, None);
        }
    }

    /// The store has it.
    pub(super) fn goal_stopped(&mut self, now: Now, id: SessionId, result: JobResult) {
        let Some(GoalChange { before, now: now_is }) = told(result) else { return };
        // Somebody may have set another one meanwhile.
        self.keep_goal(now, id, now_is.as_ref());
        if before != now_is {
            self.say_goal(
                id,
                "⏸ Goal paused: it was interrupted. /goal resume goes on, /goal clear gives it up.",
            );
        }
    }

    /// The session goes, or its next turn begins.
    pub(super) fn drop_judging(&mut self, id: SessionId) {
        let judging = self.sessions.get_mut(&id).and_then(|session| session.judging.take());
        if judging.is_some_and(|judging| judging.answer.is_some()) {
            self.goals.judging -= 1;
        }
    }

    /// One step further. A session that is gone, or that does something else by now, hears nothing of it.
    pub(super) fn goal_step(&mut self, now: Now, id: SessionId, number: u64, step: Step, result: JobResult) {
        let judging = self.sessions.get(&id).and_then(|session| session.judging.as_ref());
        if judging.is_none_or(|judging| judging.number != number) {
            return;
        }
        match step {
            Step::Goal => self.goal_found(now, id, result),
            Step::Processes => self.processes_found(now, id, result),
            Step::Verdict => {
                let (ruling, reason) = match errand_end(result) {
                    Ok(text) => judge::read(&text),
                    Err(why) => judge::unheard(&why),
                };
                self.rule(now, id, ruling, reason);
            }
            Step::Outcome => self.outcome(now, id, result),
        }
    }

    fn look_at_goal(&mut self, now: Now, id: SessionId, answer: Option<String>) -> bool {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.pursues) else {
            return false;
        };
        self.goals.begun += 1;
        self.goals.judging += usize::from(answer.is_some());
        let number = self.goals.begun;
        session.judging = Some(Judging { number, answer, goal: None, judgement: None });
        self.ask_goal(now, id, GoalWish::Show, Aside::Goal { session: id, number, step: Step::Goal });
        true
    }

    fn ask_goal(&mut self, now: Now, id: SessionId, wish: GoalWish, aside: Aside) {
        let Some(session) = self.sessions.get(&id) else { return };
        let what = Asked::Goal { key: session.key.as_str().into(), at: now.wall, wish };
        let inquiry = Inquiry { profile: session.profile.clone(), what };
        self.send_aside(JobSpec::Store(Box::new(inquiry)), aside);
    }

    fn goal_found(&mut self, now: Now, id: SessionId, result: JobResult) {
        let Some(GoalChange { now: goal, .. }) = told(result) else { return self.goal_unknown(now, id) };
        self.keep_goal(now, id, goal.as_ref());
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.pursues) else {
            return self.end_judging(now, id, None);
        };
        let (Some(judging), owner) = (session.judging.as_mut(), session.key.clone()) else { return };
        judging.goal = goal;
        let aside = Aside::Goal { session: id, number: judging.number, step: Step::Processes };
        self.send_aside(JobSpec::Agent(AgentJob::Processes { owner: Some(owner) }), aside);
    }

    /// The store cannot say how the goal stands. Whoever saw a turn hears of it; what is waited for is looked at
    /// another time.
    fn goal_unknown(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        if session.is_judged() {
            self.say_goal(id, UNKNOWN);
        } else if session.pursues {
            self.deadlines.set(Timer::Goal(id), now.at + GOAL_WAIT_POLL);
        }
        self.end_judging(now, id, None);
    }

    fn processes_found(&mut self, now: Now, id: SessionId, result: JobResult) {
        // A list that is not to be had does not say that a process has ended.
        let listed = if let JobResult::Processes(all) = result { Some(all) } else { None };
        let is_listed = listed.is_some();
        let mut processes = listed.unwrap_or_default();
        processes.retain(|process| process.exit_code.is_none());
        let judging = self.sessions.get(&id).and_then(|session| session.judging.as_ref());
        let Some((goal, judging)) = judging.and_then(|judging| Some((judging.goal.clone()?, judging))) else {
            return self.end_judging(now, id, None);
        };
        if let Some(wait) = &goal.wait
            && (holds(&wait.on, &processes, now.wall) || !is_listed && wait.on.is_process())
        {
            if judging.answer.is_some() {
                let on = wait.on.shown(now.wall);
                let reason = wait.reason.as_deref().unwrap_or(&on);
                self.say_goal(id, &format!("⏳ Goal parked — waiting on {on}: {reason}"));
            }
            return self.end_judging(now, id, None);
        }
        let (number, answer) = (judging.number, judging.answer.clone());
        let Some(answer) = answer else { return self.lift(now, id, number, &goal) };
        if self.room_for_errand().is_err() {
            let (ruling, reason) = judge::unheard("too much is asked of models at once");
            return self.rule(now, id, ruling, reason);
        }
        let time = super::view::local_time(now.wall, &self.setup.timezone, "%Y-%m-%d %H:%M:%S %Z");
        let judge::Judge { model, max_tokens, .. } = self.judge(id);
        let errand = Errand::Judge {
            model,
            instructions: judge::JUDGE.to_owned(),
            input: judge::question(&goal, &answer, &processes, &time),
            max_tokens,
        };
        let aside = Aside::Goal { session: id, number, step: Step::Verdict };
        self.send_aside(JobSpec::Errand(Box::new(errand)), aside);
    }

    /// Nothing is waited for any more, and no turn runs that would look.
    fn lift(&mut self, now: Now, id: SessionId, number: u64, goal: &Goal) {
        if goal.wait.is_none() {
            return self.end_judging(now, id, None);
        }
        let is_busy = self.sessions.get(&id).is_some_and(Session::is_busy);
        if is_busy || self.room_for_prompt(id).is_err() {
            self.deadlines.set(Timer::Goal(id), now.at + GOAL_WAIT_POLL);
            return self.end_judging(now, id, None);
        }
        let aside = Aside::Goal { session: id, number, step: Step::Outcome };
        self.ask_goal(now, id, GoalWish::Lift, aside);
    }

    fn rule(&mut self, now: Now, id: SessionId, ruling: Ruling, reason: String) {
        let Some(judging) = self.sessions.get_mut(&id).and_then(|session| session.judging.as_mut()) else {
            return;
        };
        let Some(asked) = judging.goal.clone().map(Box::new) else { return self.end_judging(now, id, None) };
        let judgement = Judgement { asked, ruling, reason };
        judging.judgement = Some(judgement.clone());
        let aside = Aside::Goal { session: id, number: judging.number, step: Step::Outcome };
        self.ask_goal(now, id, GoalWish::Judged(judgement), aside);
    }

    /// The goal stands as the verdict made it, unless somebody changed it meanwhile.
    fn outcome(&mut self, now: Now, id: SessionId, result: JobResult) {
        let Some(GoalChange { before, now: goal }) = told(result) else {
            self.say_goal(id, UNKNOWN);
            return self.end_judging(now, id, None);
        };
        self.keep_goal(now, id, goal.as_ref());
        let Some(goal) = goal.filter(|goal| before.as_ref() != Some(goal)) else {
            return self.end_judging(now, id, None);
        };
        let judging = self.sessions.get_mut(&id).and_then(|session| session.judging.as_mut());
        let judgement = judging.and_then(|judging| judging.judgement.take());
        self.say_goal(id, &verdict(&goal, judgement.as_ref(), now));
        let goes_on = goal.state == GoalState::Active && goal.wait.is_none();
        self.end_judging(now, id, goes_on.then(|| judge::next_step(&goal)));
    }

    /// The session does what it would have done behind its turn: what somebody sent, else the next step, else what
    /// its agent is to hear.
    fn end_judging(&mut self, now: Now, id: SessionId, next: Option<String>) {
        let Some(session) = self.sessions.get(&id) else { return };
        let is_judged = session.is_judged();
        self.drop_judging(id);
        if is_judged {
            self.send_info(id);
            self.watch_orphan(now, id);
        }
        let is_free = self.sessions.get(&id).is_some_and(|session| session.queue.is_empty());
        match next.filter(|_| is_free) {
            Some(text) => {
                let prompt = Queued::new(text, Vec::new(), None);
                self.keep_prompt(now, id, &prompt);
                self.start_turn(now, id, prompt);
            }
            None if is_judged => self.next_prompt(now, id),
            None => {}
        }
    }

    fn say_goal(&mut self, id: SessionId, text: &str) {
        self.emit(id, &Event::StatusUpdate { kind: "goal", text });
    }
}

/// The goal before and after; `None` when the store cannot say.
fn told(result: JobResult) -> Option<GoalChange> {
    match result {
        JobResult::Store(Ok(told)) => match *told {
            Told::Goal(change) => Some(*change),
            _ => None,
        },
        JobResult::Store(Err(error)) => {
            log::warn!("a goal cannot be looked at: {error}");
            None
        }
        _ => None,
    }
}

/// Whether that is still to be waited for. A process that nobody knows is over.
fn holds(on: &Barrier, running: &[Process], at: f64) -> bool {
    match on {
        Barrier::Pid(pid) => running.iter().any(|process| u64::try_from(process.pid) == Ok(*pid)),
        Barrier::Process(id) => running.iter().any(|process| process.id == *id && !process.watch_hit),
        Barrier::Until(until) => at < *until,
    }
}

/// When to look again.
fn pause(on: &Barrier, now: Now) -> Duration {
    match on {
        Barrier::Pid(_) | Barrier::Process(_) => GOAL_WAIT_POLL,
        Barrier::Until(until) => {
            // Before it is converted: a file may hold any number.
            let left = (until - now.wall)
                .clamp(GOAL_WAIT_SLEEP_MIN.as_secs_f64(), GOAL_WAIT_SLEEP_MAX.as_secs_f64());
            Duration::try_from_secs_f64(left).unwrap_or(GOAL_WAIT_SLEEP_MAX)
        }
    }
}

/// What a session hears of a verdict, in the original's shape.
fn verdict(goal: &Goal, judgement: Option<&Judgement>, now: Now) -> String {
    let Goal { turns_used, turns_max, .. } = goal;
    let reason = match judgement {
        Some(judgement) if judgement.ruling == Ruling::Done && goal.state != GoalState::Done => {
            "it was judged by what was asked for before"
        }
        Some(judgement) => judgement.reason.as_str(),
        None => "what was waited for is over",
    };
    match (&goal.state, &goal.wait) {
        (GoalState::Done, _) => format!("✓ Goal achieved: {reason}"),
        (GoalState::Paused, _) if goal.unreadable >= GOAL_UNREADABLE_MAX => {
            let count = goal.unreadable;
            format!(
                "⏸ Goal paused — the judge model ({count} turns) does not answer with the JSON it is asked for. \
                 auxiliary.goal_judge.model in config.yaml names another one; /goal resume then goes on."
            )
        }
        (GoalState::Paused, _) => format!(
            "⏸ Goal paused — {turns_used}/{turns_max} turns used. /goal resume gives it as many again, /goal \
             clear gives it up."
        ),
        (_, Some(wait)) => {
            let on = match &wait.on {
                Barrier::Until(until) => format!("{}s", (until - now.wall).round()),
                on => on.shown(now.wall),
            };
            match judgement.map(|judgement| &judgement.ruling) {
                // A judge's wait has the judge's reason. Another one is of a person.
                Some(Ruling::Wait(_)) if wait.reason.as_deref() == Some(reason) => {
                    format!("⏳ Goal parked (judge) — waiting on {on}: {reason}")
                }
                _ => format!("⏳ Goal parked — waiting on {on}: {}", wait.reason.as_deref().unwrap_or(&on)),
            }
        }
        _ => format!("↻ Continuing toward goal ({turns_used}/{turns_max}): {reason}"),
    }
}

#[cfg(test)]
mod tests;
