//! Deterministic simulation: the production gateway, outbox, pacing, timers and mailboxes under a virtual
//! clock, with clients, agents and a kernel that are made up and go wrong in every way the seed says. A
//! shadow model predicts what has to come out, and people check what they see. Equal seeds give equal runs,
//! to the bit.
//!
//! Knows no sockets and no threads, and reads no clock.
//!
//! Reader's path: `plan` and `schedule` (what a seed means) → `world` (what a step does) → `host`, `link`,
//! `effects` (the loop) → `people`, `agents`, `jobs`, `net` (what is around it) → `model` (what is right) →
//! `heal` (how a run ends) → `run`, `minimise`; `front` (the same for a bridge).

/// Whether the run is one with this naive habit. Only tests have any.
#[cfg(test)]
macro_rules! naive {
    ($world:expr, $habit:ident) => {
        $world.naive == Some(crate::sim::naive::Naive::$habit)
    };
}
#[cfg(not(test))]
macro_rules! naive {
    ($world:expr, $habit:ident) => {
        false
    };
}

mod agents;
mod call;
mod clock;
mod dice;
mod effects;
mod fault;
mod front;
mod hand;
mod heal;
mod host;
mod jobs;
mod link;
mod minimise;
mod model;
#[cfg(test)]
mod naive;
mod net;
mod owed;
mod people;
mod plan;
mod run;
mod said;
mod schedule;
mod talk;
mod trace;
#[cfg(test)]
mod traps;
mod world;

pub use fault::{FAULTS, Fault, Faults};
pub use minimise::{Minimal, minimise};
pub use run::{Failure, Options, Outcome, run};
pub use schedule::{Op, Step};
pub use trace::Marks;
