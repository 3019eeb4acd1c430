//! What goes into the gateway and what comes out of it, each past the model that watches: the simulator's
//! counterpart of `server::effects`.

use std::rc::Rc;

use super::fault::Fault;
use super::link::{client_id, client_key};
use super::said::Said;
use super::world::World;
use crate::base::slots::Key;
use crate::gateway::io::{Input, Now, Output, Way};
use crate::model::ids::{ClientId, SessionId, TurnId};
use crate::model::job::JobSpec;
use crate::store::Store;
use crate::wire::encode::Frame;

/// What waits for the store.
pub(super) enum Due {
    /// Something to do, with what a frame says.
    Output(Box<Output>, Option<Rc<Said>>),
    /// From here on this client hears no more of this session.
    Lost(ClientId, SessionId),
}

impl World {
    /// Something happened to the gateway; do what it wants done.
    pub(super) fn input(&mut self, input: Input) {
        #[cfg(test)]
        self.remember_end(&input);
        self.watch(&input);
        let now = self.now();
        self.gateway.handle_input(now, input);
        self.apply_outputs();
    }

    /// This moment, as the gateway is told it.
    pub(super) fn now(&self) -> Now {
        let now = self.clock.now();
        #[cfg(test)]
        if naive!(self, WallClock) {
            return Now { at: now.at + self.clock.jumped(), ..now };
        }
        now
    }

    /// A client's document arrived.
    pub(super) fn line(&mut self, key: Key, text: String) {
        let client = client_id(key);
        let Some(sock) = self.host.links.get(key).map(|link| link.sock) else { return };
        let Some(sent) = self.sent[sock].pop_front() else {
            return self.model.fail(|| format!("{client:?} sent nothing, yet arrives {text}"));
        };
        self.model.line(self.clock.now(), client, &sent);
        #[cfg(test)]
        let Some(text) = self.take_line_naively(key, &sent, text) else {
            return self.apply_outputs();
        };
        let now = self.now();
        self.gateway.handle_input(now, Input::Line { client, text });
        self.apply_outputs();
    }

    fn watch(&mut self, input: &Input) {
        let now = self.clock.now();
        match input {
            Input::Connected { client } => self.model.connected(*client),
            Input::Disconnected { client } => self.model.disconnected(now, *client),
            Input::Agent { turn, event } => self.model.agent(now, *turn, event),
            Input::AgentLost { turn, .. } => self.model.lost(now, *turn),
            Input::JobDone { ticket, result } => self.model.job_done(now, *ticket, result),
            Input::JobRefused { ticket, .. } => self.model.job_refused(*ticket),
            Input::Settings(settings) => self.model.use_settings(settings),
            Input::Shutdown => self.model.shutdown(),
            // Lines come through `line`; text that is no text closes a WebSocket before it is one.
            Input::Line { .. }
            | Input::BadLine { .. }
            | Input::Host { .. }
            | Input::HostRefused { .. }
            | Input::Stats { .. }
            | Input::Bulletin(_)
            | Input::Store(_) => {}
        }
    }

    /// Whatever is due in the gateway happens.
    pub(super) fn gateway_timeout(&mut self) {
        self.model.timeout(self.clock.now());
        let now = self.now();
        self.gateway.handle_timeout(now);
        self.apply_outputs();
    }

    /// Drains the gateway.
    fn apply_outputs(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            let said = self.model.output(&output);
            self.tell_lost();
            match output {
                Output::Durably(output) => {
                    self.held.hold(output.way(), Due::Output(output, said));
                }
                output => match output.way() {
                    Some(to) => {
                        if let Some(due) = self.held.follow(to, Due::Output(Box::new(output), said)) {
                            self.done(due);
                        }
                    }
                    None => self.affect(output),
                },
            }
        }
        self.model.settle(&self.gateway);
        self.tell_lost();
    }

    /// The store has kept everything: what waited for it is done.
    pub(super) fn kept(&mut self) {
        let mark = self.held.mark();
        while let Some(due) = self.held.release(mark) {
            self.done(due);
        }
        self.apply_outputs();
    }

    fn done(&mut self, due: Due) {
        match due {
            Due::Lost(client, session) => self.lost(client, session),
            Due::Output(output, said) => match *output {
                Output::Send { client, frame, paced } => self.send(client, frame, paced, said),
                Output::Delta { client, delta, leading } => {
                    let Some(key) = client_key(client) else { return };
                    let at = self.host.at;
                    let Some(link) = self.host.links.get_mut(key) else { return };
                    self.owed[link.sock].text(&delta);
                    if self.host.pacer.push_delta(key, &mut link.outbox, delta, leading, at) {
                        self.host.bell.set_pulsing(true);
                    }
                }
                output => self.affect(output),
            },
        }
    }

    pub(super) fn send(&mut self, client: ClientId, frame: Frame, paced: bool, said: Option<Rc<Said>>) {
        let Some(key) = client_key(client) else { return };
        let at = self.host.at;
        let Some(link) = self.host.links.get_mut(key) else { return };
        self.trace.note(self.clock.elapsed(), "send", frame.len() as u64, || {
            format!("{key:?} {}", String::from_utf8_lossy(frame.bytes()))
        });
        if let Some(said) = said {
            #[cfg(test)]
            let naive = self.naive;
            self.owed[link.sock].frame(&frame, Rc::clone(&said));
            #[cfg(test)]
            if super::naive::send_naively(naive, &mut link.outbox, &frame, &said, at) {
                return self.host.pacer.mark(key);
            }
        }
        match paced {
            true => {
                self.host.pacer.push_paced_frame(key, &mut link.outbox, frame, at);
                self.host.bell.set_pulsing(true);
            }
            false => self.host.pacer.push_frame(key, &mut link.outbox, frame, at),
        }
    }

    /// From here on a client hears no more of a session. It is not told, but whoever compares has to know.
    fn tell_lost(&mut self) {
        for (client, session) in std::mem::take(&mut self.model.lost) {
            if let Some(Due::Lost(client, session)) =
                self.held.follow(Way::Client(client), Due::Lost(client, session))
            {
                self.lost(client, session);
            }
        }
    }

    fn lost(&mut self, client: ClientId, session: SessionId) {
        if let Some(link) = client_key(client).and_then(|key| self.host.links.get(key)) {
            self.owed[link.sock].lost(session);
        }
    }

    /// What concerns agents and jobs.
    fn affect(&mut self, output: Output) {
        let now = self.now();
        let at = self.clock.elapsed();
        match output {
            Output::Send { .. } | Output::Delta { .. } => {}
            Output::StartTurn(spec) => {
                let turn = spec.turn;
                self.trace.note(at, "start", turn.0, || format!("{turn:?} of {}", spec.session));
                if self.plan.faults.has(Fault::FailedStarts) && self.dice.chance(10) {
                    let why = "cannot start an agent thread".to_owned();
                    self.model.lost(self.clock.now(), turn);
                    return self.gateway.handle_input(now, Input::AgentLost { turn, why });
                }
                self.agents.start(&spec, &mut self.dice);
            }
            Output::Answer { turn, ask, answer } => {
                self.trace.note(at, "answer", turn.0, || format!("{turn:?} {ask:?} {answer:?}"));
                self.agents.answer(turn, ask, answer);
            }
            Output::Steer { turn, .. } => self.agents.steer(turn),
            Output::Interrupt(turn)
                if naive!(self, StartingAgentsForgotten) && self.agents.is_starting(turn) => {}
            Output::Interrupt(turn) => self.agents.interrupt(turn),
            Output::Forget(turn) => self.forget(turn),
            // A gateway's hosts are its agents.
            Output::SessionClosed { .. } | Output::Host { .. } => {}
            Output::Record(record) => {
                let profile = record.profile.clone();
                if let Err(error) = self.store.apply(&profile, &[*record]) {
                    self.model.fail(|| format!("the memory store refuses a record: {error}"));
                }
            }
            Output::Durably(output) => self.affect(*output),
            Output::Job { ticket, spec: JobSpec::Store(inquiry) } => {
                let told = self.store.answer(&inquiry.profile, &inquiry.what);
                self.jobs.answer(ticket, told);
                self.host.jobs_pending += 1;
            }
            Output::Stats { ticket } => {
                let stats = Box::default();
                self.gateway.handle_input(now, Input::Stats { ticket, stats });
            }
            Output::Job { ticket, spec } => match self.jobs.submit(ticket, spec) {
                Ok(()) => self.host.jobs_pending += 1,
                Err(queued) => {
                    self.model.job_refused(ticket);
                    self.gateway.handle_input(now, Input::JobRefused { ticket, queued });
                }
            },
        }
    }

    fn forget(&mut self, turn: TurnId) {
        if naive!(self, StartingAgentsForgotten) && self.agents.is_starting(turn) {
            return;
        }
        self.note("forget", turn.0, || format!("{turn:?}"));
        self.agents.forget(turn);
    }
}
