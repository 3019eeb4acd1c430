//! The order of one turn of a loop: what is read before what is judged, and what leaves when. The server runs
//! it over sockets and threads, the simulator over models of both. Owns the order; what is done at each place
//! is its implementor's.

use std::io;
use std::time::Duration;

use super::outbox::Outbox;
use super::pacer::Pacer;

/// A wake-up later than this gets a second read pass before deadlines are judged.
pub const LATE_WAKE: Duration = Duration::from_millis(200);

/// Budgets of agents' mail that one frame takes: what they said before it leaves with it, as long as nobody has
/// to wait for it noticeably (`limits::AGENT_BUDGET`).
const FRAME_ROUNDS: usize = 8;

/// What a turn is made of.
pub trait Turn {
    /// Names a connection.
    type Key: Copy + Ord;

    /// Who is written to next.
    fn pacer(&mut self) -> &mut Pacer<Self::Key>;
    /// What a connection is owed, if it is still there.
    fn outbox(&mut self, key: Self::Key) -> Option<&mut Outbox>;
    /// Handles every source that is known to be ready.
    fn read(&mut self);
    /// Looks which sources are ready, without waiting.
    fn look(&mut self) -> io::Result<()>;
    /// Silences the bell and says whether it rang (`Bell::silence`).
    fn silence_bell(&mut self) -> bool;
    /// Tells senders whether a frame is due anyway (`Bell::set_pulsing`).
    fn set_pulsing(&mut self, pulsing: bool);
    /// Whether the last look at the agents' mail left some.
    fn agents_left(&self) -> bool;
    /// Takes agents' mail, within the budget.
    fn read_agents(&mut self);
    /// Takes all other mail.
    fn read_mail(&mut self);
    /// Does what is due.
    fn judge(&mut self);
    /// Writes what a connection is owed, within its budget.
    fn write(&mut self, key: Self::Key);

    /// One turn, after a wait that ended `late` after what it waited for. Sockets are read first, then mail,
    /// then deadlines are judged: news that was waiting while the process was held up (suspended, stopped, on a
    /// busy machine) counts before anybody is declared dead. The tail is always the same.
    fn turn(&mut self, late: Duration) -> io::Result<()> {
        self.read();
        if late > LATE_WAKE {
            self.look()?;
            self.read();
        }
        self.mail();
        self.judge();
        self.settle();
        Ok(())
    }

    /// Everything other threads sent. The bell is silenced first: what comes later rings again.
    fn mail(&mut self) {
        let rung = self.silence_bell();
        if rung || self.agents_left() {
            self.read_agents();
        }
        if rung {
            self.read_mail();
        }
    }

    /// A frame of the pulse: text that waited leaves. When none did, the clock rests.
    fn frame(&mut self) {
        self.read_agents();
        for _ in 1..FRAME_ROUNDS {
            if !self.agents_left() {
                break;
            }
            self.read_agents();
        }
        let held = self.pacer().take_held();
        if held.is_empty() {
            // A sender may have relied on this frame an instant ago: look once more after saying so.
            self.set_pulsing(false);
            self.read_agents();
        }
        for key in held {
            if let Some(outbox) = self.outbox(key) {
                outbox.release();
                self.pacer().mark(key);
            }
        }
    }

    /// Writes each connection that has something to write, once.
    fn settle(&mut self) {
        for key in self.pacer().take_dirty() {
            self.write(key);
        }
    }
}
