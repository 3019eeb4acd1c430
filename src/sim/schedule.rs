//! What is done in a run, step by step. A step carries its own chance, so that leaving one out changes nothing
//! but what follows from it: that is what makes a failing run shrink.

use super::dice::Dice;
use super::plan::Plan;

/// What a step does. Who does it, and what exactly, its dice say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// A client connects, or sends its head.
    Connect,
    /// A client says something.
    Talk,
    /// A client reads.
    Read,
    /// A client closes its WebSocket.
    Leave,
    /// A connection breaks.
    Reset,
    /// A client closes its half.
    HalfClose,
    /// A client stops reading, or answering pings, or starts again.
    Moods,
    /// A client pings.
    Pings,
    /// A client sends what is no request.
    Garbage,
    /// An agent does something.
    Agent,
    /// An agent says much at once.
    Burst,
    /// A job is done.
    Job,
    /// The loop has its turn.
    Turn,
    /// Milliseconds pass.
    Tick,
    /// Time passes until the loop's next deadline.
    Next,
    /// Seconds pass.
    Pass,
    /// Minutes pass.
    Long,
    /// The machine sleeps.
    Suspend,
    /// The process is stopped for a while.
    Stop,
    /// A socket is reported ready that is not.
    Spurious,
    /// The settings change.
    Settings,
    /// Accepting starts or stops to fail.
    Listener,
}

/// Every kind with how often it comes by itself.
pub(super) const OPS: [(Op, u16); 22] = [
    (Op::Connect, 60),
    (Op::Talk, 220),
    (Op::Read, 160),
    (Op::Leave, 4),
    (Op::Reset, 6),
    (Op::HalfClose, 3),
    (Op::Moods, 8),
    (Op::Pings, 6),
    (Op::Garbage, 8),
    (Op::Agent, 240),
    (Op::Burst, 30),
    (Op::Job, 60),
    (Op::Turn, 60),
    (Op::Tick, 100),
    (Op::Next, 30),
    (Op::Pass, 12),
    (Op::Long, 2),
    (Op::Suspend, 3),
    (Op::Stop, 3),
    (Op::Spurious, 6),
    (Op::Settings, 4),
    (Op::Listener, 4),
];

/// One thing that is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its number in the whole schedule.
    pub number: u32,
    /// What.
    pub op: Op,
    /// Seeds its dice.
    pub chance: u64,
}

/// The first `count` steps of `seed`.
pub(super) fn schedule(seed: u64, plan: &Plan, count: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed ^ 0x5a5a_5a5a_5a5a_5a5a);
    let step = |number| {
        let op = OPS[dice.weighted(&plan.weights)].0;
        Step { number, op, chance: dice.bits() }
    };
    (0..count as u32).map(step).collect()
}
