//! One thread that makes the pieces of every stream, as fast as they are taken or at a steady pace. Knows no
//! connections: it fills mailboxes.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use crate::agent::supervisor::lower_priority;
use crate::base::piece::Piece;
use crate::limits::{AGENT_MAIL_MAX, AGENT_TEXT_MAX, CLIENTS_MAX};
use crate::reactor::joining::{JoiningReceiver, JoiningSender, joining_mailbox};
use crate::reactor::mailbox::{Bell, Haste};

/// Pieces of a flood between two looks at the clock and at new orders.
const SLICE: u32 = 256;

/// Most threads that burn at once.
const BURNERS_MAX: u32 = 16;

/// What a stream is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    /// Pieces at once.
    pieces: u32,
    /// Times that many.
    flushes: u32,
    /// Time between two of them; zero for as fast as they are taken.
    period: Duration,
}

impl Plan {
    /// `count` pieces as fast as they are taken.
    pub(super) fn flood(count: u32) -> Self {
        Self { pieces: count, flushes: 1, period: Duration::ZERO }
    }

    /// `pieces` at once, `flushes` times a second; `None` when there would be none.
    pub(super) fn pace(flushes: u32, pieces: u32, seconds: u32) -> Option<Self> {
        let period = Duration::from_secs(1).checked_div(flushes)?;
        let flushes = flushes.checked_mul(seconds)?;
        (pieces > 0 && flushes > 0).then_some(Self { pieces, flushes, period })
    }
}

/// A stream under way.
struct Work {
    mail: JoiningSender<Piece>,
    plan: Plan,
    text: Text,
    /// Pieces of this flush that are still to come.
    left: u32,
}

/// The text of the next piece: a number of ten digits and a word, 16 bytes, so that its event has 130.
/// `benches/peers` checks each. Counted up in place: what is measured is how text travels, not how it is made.
struct Text([u8; 16]);

impl Text {
    const DIGITS: usize = 10;

    fn new() -> Self {
        Self(*b"0000000000 token")
    }

    fn take(&mut self) -> Piece {
        let text = Piece::from(str::from_utf8(&self.0).unwrap_or_default());
        for digit in self.0[..Self::DIGITS].iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
        text
    }
}

/// The thread's other end.
pub(super) struct Producer {
    bell: Arc<Bell>,
    orders: Sender<Work>,
}

impl Producer {
    /// Starts the thread, at the priority of an agent's.
    pub(super) fn start(bell: &Arc<Bell>) -> io::Result<Self> {
        let (orders, receiver) = crossbeam_channel::bounded(CLIENTS_MAX);
        let run = move || {
            lower_priority();
            produce(&receiver);
        };
        thread::Builder::new().name("test-producer".to_owned()).spawn(run)?;
        Ok(Self { bell: Arc::clone(bell), orders })
    }

    /// Orders a stream. Like a turn, it has a mailbox of its own.
    pub(super) fn order(&self, plan: Plan) -> JoiningReceiver<Piece> {
        let (sender, mail) = joining_mailbox(&self.bell, AGENT_MAIL_MAX, AGENT_TEXT_MAX);
        // Full: the mailbox closes at once and the stream is over. The client will notice.
        let _ = self.orders.try_send(Work { mail: sender, plan, text: Text::new(), left: 0 });
        mail
    }
}

/// Threads that compute for `time`, as agents do that think on this machine.
pub(super) fn burn(threads: u32, time: Duration) -> io::Result<()> {
    for _ in 0..threads.min(BURNERS_MAX) {
        let run = move || {
            lower_priority();
            let end = Instant::now() + time;
            while Instant::now() < end {
                std::hint::black_box((0..10_000u64).fold(0, |sum, n| sum ^ std::hint::black_box(n)));
            }
        };
        thread::Builder::new().name("test-burner".to_owned()).spawn(run)?;
    }
    Ok(())
}

/// Serves orders until the loop is gone. All paced streams of one period share its beats, so a period costs
/// one sleep however many streams there are.
fn produce(orders: &Receiver<Work>) {
    let origin = Instant::now();
    let mut floods: Vec<Work> = Vec::new();
    let mut paced: Vec<(Instant, Work)> = Vec::new();
    loop {
        let idle = floods.is_empty() && paced.is_empty();
        let mut order =
            if idle { orders.recv().map_err(|_| TryRecvError::Disconnected) } else { orders.try_recv() };
        while let Ok(work) = order {
            if work.plan.period.is_zero() {
                floods.push(Work { left: work.plan.pieces, ..work });
            } else {
                paced.push((next_beat(origin, work.plan.period), work));
            }
            order = orders.try_recv();
        }
        if order.is_err_and(|error| error == TryRecvError::Disconnected) {
            return;
        }
        floods.retain_mut(|work| send(work, SLICE) && work.left > 0);
        if floods.is_empty()
            && let Some(due) = paced.iter().map(|(due, _)| *due).min()
        {
            // One sleep a beat; an order that comes meanwhile begins with the next.
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let now = Instant::now();
        paced.retain_mut(|(due, work)| *due > now || flush(due, work));
    }
}

/// The first beat of `period` that is not before now.
fn next_beat(origin: Instant, period: Duration) -> Instant {
    let beats = origin.elapsed().as_nanos() / period.as_nanos().max(1) + 1;
    origin + period.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

/// One flush of a paced stream; false when it was the last.
fn flush(due: &mut Instant, work: &mut Work) -> bool {
    work.left = work.plan.pieces;
    work.plan.flushes -= 1;
    *due += work.plan.period;
    send(work, u32::MAX) && work.plan.flushes > 0
}

/// Sends up to `most` pieces; false when nobody listens.
fn send(work: &mut Work, most: u32) -> bool {
    for _ in 0..most.min(work.left) {
        if work.mail.send(work.text.take(), Haste::Paced).is_err() {
            return false;
        }
        work.left -= 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_numbered() {
        let mut text = Text::new();
        let pieces: Vec<Piece> = (0..=1100).map(|_| text.take()).collect();
        assert_eq!([&*pieces[0], &*pieces[1099]], ["0000000000 token", "0000001099 token"]);
    }

    #[test]
    fn streams_of_one_period_share_their_beats() {
        let (origin, period) = (Instant::now(), Duration::from_millis(5));
        let beat = next_beat(origin, period);
        assert!(beat > origin);
        assert_eq!((beat - origin).as_nanos() % period.as_nanos(), 0);
    }
}
