//! What the gateway wants done, done.

use super::links::client_key;
use super::main_loop::{Server, now};
use crate::gateway::io::{Input, Output};
use crate::model::ids::{ClientId, Ticket};
use crate::model::job::{JobResult, JobSpec};
use crate::model::store::StoreNews;
use crate::model::turn::TurnSpec;
use crate::wire::delta::Delta;
use crate::wire::encode::Frame;

impl Server {
    /// Drains the gateway. Effects that answer at once (a refused job, an agent that cannot start, the
    /// figures) are inputs again; their outputs join the same drain.
    pub(super) fn apply_outputs(&mut self) {
        while let Some(output) = self.core.poll_output() {
            if let Some(output) = self.in_order(output) {
                self.effect(output);
            }
        }
    }

    /// What goes to a connection or to an agent waits behind what is held of it; the rest is given back.
    fn in_order(&mut self, output: Output) -> Option<Output> {
        match output {
            Output::Durably(output) => {
                let mark = self.held.hold(output.way(), *output);
                self.store.mark(mark);
                None
            }
            output => match output.way() {
                Some(way) => self.held.follow(way, output),
                None => Some(output),
            },
        }
    }

    fn effect(&mut self, output: Output) {
        match output {
            Output::Send { client, frame, paced } => self.send(client, frame, paced),
            Output::Delta { client, delta, leading } => self.send_delta(client, delta, leading),
            Output::StartTurn(spec) => self.start_turn(*spec),
            Output::Answer { turn, ask, answer } => self.agents.answer(turn, ask, answer),
            Output::Steer { turn, text } => self.agents.steer(turn, text),
            Output::Interrupt(turn) => self.agents.interrupt(turn),
            Output::Forget(turn) => self.agents.forget(turn),
            Output::SessionClosed { key } => self.agents.session_closed(key),
            Output::Record(record) => self.store.record(*record),
            // Held before it comes here; what was released is done.
            Output::Durably(output) => self.effect(*output),
            Output::Job { ticket, spec } => self.give_job(ticket, spec),
            Output::Host { run, order } => self.order_host(run, order),
            Output::Stats { ticket } => {
                let stats = self.stats();
                self.core.handle_input(now(), Input::Stats { ticket, stats });
            }
        }
    }

    fn give_job(&mut self, ticket: Ticket, spec: JobSpec) {
        let given = match spec {
            JobSpec::Errand(errand) => self
                .agents
                .errand(ticket, *errand, self.pool.results())
                .map_err(|why| Input::JobDone { ticket, result: JobResult::Failed(why) }),
            JobSpec::Store(inquiry) => {
                self.store.ask(ticket, *inquiry).map_err(|queued| Input::JobRefused { ticket, queued })
            }
            spec => self.pool.submit(ticket, spec).map_err(|queued| Input::JobRefused { ticket, queued }),
        };
        match given {
            Ok(()) => self.jobs_pending += 1,
            Err(refused) => self.core.handle_input(now(), refused),
        }
    }

    /// The store says something: what waited for it is done.
    pub(super) fn store_said(&mut self, news: StoreNews) {
        match news {
            StoreNews::Durable(mark) => {
                while let Some(output) = self.held.release(mark) {
                    self.effect(output);
                }
                // An effect may have been answered at once.
                self.apply_outputs();
            }
            news => self.input(Input::Store(news)),
        }
    }

    fn send(&mut self, client: ClientId, frame: Frame, paced: bool) {
        let Some(key) = client_key(client) else { return };
        let Some(link) = self.links.get_mut(key) else { return };
        if paced {
            self.pacer.push_paced_frame(key, &mut link.outbox, frame, self.at);
            self.rely_on_the_clock();
        } else {
            self.pacer.push_frame(key, &mut link.outbox, frame, self.at);
        }
    }

    pub(super) fn send_delta(&mut self, client: ClientId, delta: Delta, leading: bool) {
        let Some(key) = client_key(client) else { return };
        if let Some(link) = self.links.get_mut(key)
            && self.pacer.push_delta(key, &mut link.outbox, delta, leading, self.at)
        {
            self.rely_on_the_clock();
        }
    }

    /// Something waits for a frame: senders need not ring, and may know when it comes.
    fn rely_on_the_clock(&self) {
        if let Some(frame) = self.pacer.next_deadline() {
            self.bell.set_frame(frame);
        }
        self.bell.set_pulsing(true);
    }

    fn start_turn(&mut self, spec: TurnSpec) {
        let turn = spec.turn;
        if let Err(why) = self.agents.start(spec) {
            log::error!("{why}");
            self.core.handle_input(now(), Input::AgentLost { turn, why });
        }
    }
}
