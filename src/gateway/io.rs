//! What goes into the gateway and what comes out.

use std::sync::Arc;
use std::time::Instant;

use crate::model::agent_event::AgentEvent;
use crate::model::ask::Answer;
use crate::model::bulletin::Bulletin;
use crate::model::host::HostOrder;
use crate::model::ids::{AskId, ClientId, HostId, Ticket, TurnId};
use crate::model::job::{JobResult, JobSpec};
use crate::model::settings::Settings;
use crate::model::stats::Stats;
use crate::model::store::{Record, StoreNews};
use crate::model::turn::TurnSpec;
use crate::wire::delta::Delta;
use crate::wire::encode::Frame;
use crate::wire::upstream::HostNews;

/// One moment, read once a turn of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For durations and deadlines.
    pub at: Instant,
    /// For people: seconds since 1970.
    pub wall: f64,
}

/// Something happened.
#[derive(Debug)]
pub enum Input {
    /// A client is there.
    Connected {
        /// Which.
        client: ClientId,
    },
    /// It sent a document, stripped of white space and not empty.
    Line {
        /// Who.
        client: ClientId,
        /// What.
        text: String,
    },
    /// It sent something that is no text, or too long.
    BadLine {
        /// Who.
        client: ClientId,
    },
    /// It is gone.
    Disconnected {
        /// Who.
        client: ClientId,
    },
    /// An agent has news.
    Agent {
        /// Its turn.
        turn: TurnId,
        /// The news.
        event: AgentEvent,
    },
    /// An agent's thread ended without saying so, or could not start.
    AgentLost {
        /// Its turn.
        turn: TurnId,
        /// Why, for people.
        why: String,
    },
    /// A job is done.
    JobDone {
        /// Which.
        ticket: Ticket,
        /// Its result.
        result: JobResult,
    },
    /// The pool's queue is full.
    JobRefused {
        /// Which job.
        ticket: Ticket,
        /// How many wait.
        queued: usize,
    },
    /// A session hears something outside of its turns.
    Bulletin(Bulletin),
    /// The store says something on its own.
    Store(StoreNews),
    /// The settings changed.
    Settings(Arc<Settings>),
    /// The figures that were asked for.
    Stats {
        /// By which request.
        ticket: Ticket,
        /// All of them, the gateway's own too.
        stats: Box<Stats>,
    },
    /// A program behind a bridge has news.
    Host {
        /// Which run of it.
        run: HostId,
        /// The news.
        news: HostNews,
    },
    /// A line for such a program could not be queued.
    HostRefused {
        /// The number of its request.
        number: u64,
        /// How many lines wait; 0 when the program is gone.
        queued: usize,
    },
    /// The process ends: every turn is stopped, every session closed.
    Shutdown,
}

/// Something to do.
#[derive(Debug)]
pub enum Output {
    /// Send a control frame.
    Send {
        /// To whom.
        client: ClientId,
        /// What.
        frame: Frame,
        /// Whether it may wait for the frame clock.
        paced: bool,
    },
    /// Send streamed text.
    Delta {
        /// To whom.
        client: ClientId,
        /// What.
        delta: Delta,
        /// Whether it is the first of its stream and leaves at once.
        leading: bool,
    },
    /// Start an agent.
    StartTurn(Box<TurnSpec>),
    /// Answer an agent's question.
    Answer {
        /// Its turn.
        turn: TurnId,
        /// Which question.
        ask: AskId,
        /// The answer.
        answer: Answer,
    },
    /// Hand guidance to an agent.
    Steer {
        /// Its turn.
        turn: TurnId,
        /// The guidance.
        text: String,
    },
    /// Ask an agent to stop.
    Interrupt(TurnId),
    /// The turn is over for the gateway; forget its agent.
    Forget(TurnId),
    /// The session is no more; what its agents keep of it can go.
    SessionClosed {
        /// Its stored key.
        key: String,
    },
    /// Keep this in the store. Records are kept in the order in which they come out.
    Record(Box<Record>),
    /// Do this once everything recorded before is kept. What comes out later does not wait for it.
    Durably(Box<Output>),
    /// Give a job to the pool.
    Job {
        /// Which.
        ticket: Ticket,
        /// What.
        spec: JobSpec,
    },
    /// Tell the figures of the whole server, at once.
    Stats {
        /// For which request.
        ticket: Ticket,
    },
    /// Tell a program behind a bridge.
    Host {
        /// Which run of it.
        run: HostId,
        /// What.
        order: HostOrder,
    },
}

/// Where an output goes. What goes the same way must arrive in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Way {
    /// To this client.
    Client(ClientId),
    /// To the agent of this turn.
    Agent(TurnId),
    /// To this run of a host.
    Host(HostId),
}

impl Output {
    /// Where it goes, if order matters there.
    pub fn way(&self) -> Option<Way> {
        match self {
            Output::Send { client, .. } | Output::Delta { client, .. } => Some(Way::Client(*client)),
            Output::StartTurn(spec) => Some(Way::Agent(spec.turn)),
            Output::Answer { turn, .. }
            | Output::Steer { turn, .. }
            | Output::Interrupt(turn)
            | Output::Forget(turn) => Some(Way::Agent(*turn)),
            Output::Durably(output) => output.way(),
            Output::SessionClosed { .. } | Output::Record(_) | Output::Job { .. } | Output::Stats { .. } => {
                None
            }
            // What it is asked must not come before it is there.
            Output::Host { run, .. } => Some(Way::Host(*run)),
        }
    }
}
