//! The second half of a run: nothing goes wrong any more, everything comes to its end, and then nothing may be
//! left.

use std::time::Duration;

use super::call::Call;
use super::dice::Dice;
use super::plan::End;
use super::world::World;

/// How long an orderly end may take; the default of the server.
const GRACE: Duration = Duration::from_secs(1);

/// Longer than any question waits.
const PATIENCE: Duration = Duration::from_secs(310);

/// Rounds in which everything has to come to its end.
const ROUNDS: usize = 400;

impl World {
    /// Brings the run to its end and checks what is left.
    pub(super) fn finish(&mut self) {
        match self.plan.end {
            End::Shutdown => self.shut_down(),
            end => {
                self.heal();
                self.settle_everything();
                if end == End::Close
                    || self.gateway.setup().orphan_grace.or(self.gateway.setup().session_ttl).is_none()
                {
                    self.close_everything();
                }
                self.everybody_leaves();
                self.check_nothing_left();
            }
        }
    }

    /// A shutdown in the middle of everything: within the grace, whoever does not listen or read.
    fn shut_down(&mut self) {
        let begun = self.clock.at();
        self.note("shutdown", 0, String::new);
        self.begin_ending(GRACE);
        self.rest();
        self.pass(GRACE + Duration::from_millis(500));
        let took = self.clock.at() - begun;
        if !self.host.exited {
            self.model.fail(|| format!("the end is not over after {took:?}"));
        }
        let left = (self.gateway.session_count(), self.gateway.turn_count());
        if left != (0, 0) || self.gateway.poll_timeout().is_some() {
            self.model.fail(|| format!("sessions and turns left after the end: {left:?}"));
        }
        self.check_books();
    }

    /// Faults are over.
    fn heal(&mut self) {
        self.note("heal", 0, String::new);
        self.healing = true;
        self.plan.faults = super::fault::Faults::NONE;
        self.plan.racy = 0;
        self.net.full = false;
        for person in &mut self.people {
            person.stalled = false;
            person.deaf = false;
        }
        for sock in 0..self.owed.len() {
            self.net.sock(sock).write_max = usize::MAX;
        }
    }

    /// Turns end, jobs are done, questions are answered or time out, and everybody reads everything.
    fn settle_everything(&mut self) {
        let mut dice = Dice::new(self.plan.seed);
        for round in 0..ROUNDS {
            if self.model.failure().is_some() {
                return;
            }
            self.agents.finish(self.clock.at());
            self.finish_jobs();
            self.rest();
            while self.everybody_reads() && self.model.failure().is_none() {}
            self.answer_everything(&mut dice);
            if self.is_settled() {
                return self.check_people();
            }
            self.pass(if round % 40 == 39 { PATIENCE } else { Duration::from_millis(40) });
        }
        let (agents, jobs) = (self.agents.len(), self.jobs.len());
        let turns = self.gateway.turn_count();
        self.model
            .fail(|| format!("does not come to its end; agents {agents:?}, jobs {jobs}, turns {turns}"));
    }

    /// As many jobs as their queue of results has room for.
    fn finish_jobs(&mut self) {
        while self.jobs.len() > 0 && self.jobs.finish(0, false, &self.settings).is_some() {}
    }

    fn answer_everything(&mut self, dice: &mut Dice) {
        for person in 0..self.people.len() {
            for seen in std::mem::take(&mut self.people[person].seen) {
                if self.people[person].conn.as_ref().is_some_and(|conn| conn.is_open()) {
                    self.answer(person, seen, dice);
                }
            }
        }
    }

    fn is_settled(&mut self) -> bool {
        let silent = (0..self.people.len()).all(|person| match &self.people[person].conn {
            None => true,
            Some(conn) => conn.waiting.is_empty() && self.owed[conn.sock].is_empty(),
        });
        silent && self.agents.len() == (0, 0) && self.jobs.len() == 0 && self.gateway.turn_count() == 0
    }

    /// Nobody who is connected sees a turn that is over as one that runs.
    fn check_people(&mut self) {
        for person in 0..self.people.len() {
            let Some(client) = self.client_of(person) else { continue };
            let theirs = |session: &_| self.model.owner(*session) == Some(client);
            if let Some(session) = self.people[person].unfinished().find(theirs) {
                self.model.fail(|| format!("person {person} still sees a turn of {session}"));
            }
        }
    }

    /// Somebody closes every session there is.
    fn close_everything(&mut self) {
        let mut dice = Dice::new(self.plan.seed);
        if !self.people[0].conn.as_ref().is_some_and(|conn| conn.is_open()) {
            self.lose(0);
            self.dial(0, &mut dice);
            self.pass(Duration::from_secs(6));
        }
        // Some were made for people who never heard of them.
        for session in self.model.live() {
            self.on_session(0, "session.close", Call::Close { session }, session);
            self.rest();
            self.everybody_reads();
        }
        self.pass(Duration::from_secs(1));
    }

    /// Everybody leaves, one way or another, and what they leave behind is given its time.
    fn everybody_leaves(&mut self) {
        for person in 0..self.people.len() {
            if person % 2 == 0 {
                self.leave(person);
                self.rest();
                self.everybody_reads();
            }
            self.lose(person);
        }
        self.rest();
        // What somebody asked for before they left may have given a job or started a turn: a peer that came
        // while the listener rested is heard only now.
        self.pass(Duration::from_secs(1));
        self.finish_jobs();
        self.rest();
        self.agents.finish(self.clock.at());
        if self.agents.len() != (0, 0) {
            self.pass(PATIENCE);
            self.agents.finish(self.clock.at());
        }
        let setup = self.gateway.setup();
        let wait = setup.orphan_grace.or(setup.session_ttl).unwrap_or_default();
        self.pass(wait + Duration::from_secs(10));
        self.rest();
    }

    fn check_books(&mut self) {
        if let Err(what) = self.gateway.check() {
            self.model.fail(|| what);
        }
    }

    fn check_nothing_left(&mut self) {
        self.check_books();
        self.model.check_empty();
        let links = self.host.links.len();
        let timers = self.host.wheel.len();
        let left = (self.gateway.session_count(), self.gateway.turn_count(), links, timers);
        if left != (0, 0, 0, 0) {
            self.model.fail(|| format!("sessions, turns, connections, timers left: {left:?}"));
        }
        let (agents, jobs, backlog) = (self.agents.len(), self.jobs.len(), self.net.backlog());
        if agents != (0, 0) || jobs != 0 || backlog != 0 {
            self.model.fail(|| format!("agents {agents:?}, jobs {jobs}, peers that wait {backlog} are left"));
        }
        let turns = self.host.turns();
        self.pass(Duration::from_secs(3_600));
        let (woken, next) = (self.host.turns() - turns, self.next_deadline());
        if woken > 0 || next.is_some() || self.has_cause() {
            self.model
                .fail(|| format!("an idle loop woke up {woken} times in an hour and waits for {next:?}"));
        }
    }
}
