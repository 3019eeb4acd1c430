//! One thread that makes the frames of all connections, as an agent's thread does in the gateway. All paced
//! streams of a period share its beats: one sleep a beat, however many there are.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::Command;

/// Flushes of a flood between two looks at new orders.
const SLICE: u32 = 256;

/// Takes `count` further frames; false when nobody wants them. May block.
pub type Sink = Box<dyn FnMut(u32) -> bool + Send>;

struct Work {
    sink: Sink,
    /// Frames at once, the same for all but the last slice of a flood.
    frames: u32,
    flushes: u32,
    period: Duration,
}

/// Starts the thread; each order is a command and where its frames go.
pub fn start() -> Sender<(Command, Sink)> {
    let (orders, receiver) = mpsc::channel();
    thread::spawn(move || run(&receiver));
    orders
}

fn run(orders: &Receiver<(Command, Sink)>) {
    let origin = Instant::now();
    let mut floods: Vec<(u32, Sink)> = Vec::new();
    let mut paced: Vec<(Instant, Work)> = Vec::new();
    loop {
        let order = match paced.iter().map(|(due, _)| *due).min() {
            _ if !floods.is_empty() => orders.try_recv().map_err(|error| error == TryRecvError::Disconnected),
            Some(due) => orders
                .recv_timeout(due.saturating_duration_since(Instant::now()))
                .map_err(|error| error == RecvTimeoutError::Disconnected),
            None => orders.recv().map_err(|_| true),
        };
        match order {
            Ok((Command::Flood(count), sink)) => floods.push((count, sink)),
            Ok((command, sink)) => {
                let (frames, flushes) = command.shape();
                let work = Work { sink, frames, flushes, period: command.period() };
                paced.push((next_beat(origin, work.period), work));
            }
            Err(true) => return,
            Err(false) => {}
        }
        floods.retain_mut(|(left, sink)| {
            let slice = SLICE.min(*left);
            *left -= slice;
            sink(slice) && *left > 0
        });
        let now = Instant::now();
        paced.retain_mut(|(due, work)| {
            if *due > now {
                return true;
            }
            work.flushes -= 1;
            *due += work.period;
            (work.sink)(work.frames) && work.flushes > 0
        });
    }
}

/// The first beat of `period` that is not before now.
fn next_beat(origin: Instant, period: Duration) -> Instant {
    let beats = origin.elapsed().as_nanos() / period.as_nanos().max(1) + 1;
    origin + period * beats as u32
}
