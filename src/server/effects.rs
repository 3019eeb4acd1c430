//! What the gateway wants done, done.

use super::links::client_key;
use super::main_loop::{Server, now};
use crate::gateway::io::{Input, Output};
use crate::model::ids::ClientId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::turn::TurnSpec;
use crate::wire::delta::Delta;
use crate::wire::encode::Frame;

impl Server {
    /// Drains the gateway. Effects that answer at once (a refused job, an agent that cannot start, the
    /// figures) are inputs again; their outputs join the same drain.
    pub(super) fn apply_outputs(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::Send { client, frame, paced } => self.send(client, frame, paced),
                Output::Delta { client, delta, leading } => self.send_delta(client, delta, leading),
                Output::StartTurn(spec) => self.start_turn(*spec),
                Output::Answer { turn, ask, answer } => self.agents.answer(turn, ask, answer),
                Output::Steer { turn, text } => self.agents.steer(turn, text),
                Output::Interrupt(turn) => self.agents.interrupt(turn),
                Output::Forget(turn) => self.agents.forget(turn),
                Output::SessionClosed { key } => self.agents.session_closed(key),
                Output::Job { ticket, spec: JobSpec::Errand(errand) } => {
                    self.jobs_pending += 1;
                    if let Err(why) = self.agents.errand(ticket, *errand, self.pool.results()) {
                        self.jobs_pending -= 1;
                        let result = JobResult::Failed(why);
                        self.gateway.handle_input(now(), Input::JobDone { ticket, result });
                    }
                }
                Output::Job { ticket, spec } => match self.pool.submit(ticket, spec) {
                    Ok(()) => self.jobs_pending += 1,
                    Err(queued) => self.gateway.handle_input(now(), Input::JobRefused { ticket, queued }),
                },
                Output::Stats { ticket } => {
                    let stats = self.stats();
                    self.gateway.handle_input(now(), Input::Stats { ticket, stats });
                }
            }
        }
    }

    fn send(&mut self, client: ClientId, frame: Frame, paced: bool) {
        let Some(key) = client_key(client) else { return };
        let Some(link) = self.links.get_mut(key) else { return };
        if paced {
            self.pacer.push_paced_frame(key, &mut link.outbox, frame, self.at);
            self.bell.set_pulsing(true);
        } else {
            self.pacer.push_frame(key, &mut link.outbox, frame, self.at);
        }
    }

    pub(super) fn send_delta(&mut self, client: ClientId, delta: Delta, leading: bool) {
        let Some(key) = client_key(client) else { return };
        if let Some(link) = self.links.get_mut(key)
            && self.pacer.push_delta(key, &mut link.outbox, delta, leading, self.at)
        {
            self.bell.set_pulsing(true);
        }
    }

    fn start_turn(&mut self, spec: TurnSpec) {
        let turn = spec.turn;
        if let Err(why) = self.agents.start(spec) {
            log::error!("{why}");
            self.gateway.handle_input(now(), Input::AgentLost { turn, why });
        }
    }
}
