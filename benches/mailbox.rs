//! What an agent's thread pays for one piece of text, when the pulse runs and nobody needs waking, and what
//! it pays for one that has to be heard at once.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tui_gateway::agent::agent_io;
use tui_gateway::model::agent_event::AgentEvent;
use tui_gateway::reactor::joining::joining_mailbox;
use tui_gateway::reactor::mailbox::{Haste, Mail, lone_bell, mailbox};

/// Items sent before the loop looks: what a fast model says within a frame, and more.
const ITEMS: usize = 100;

/// Room for more than twice as many, so that nobody is pressed.
const CAPACITY: usize = 256;

fn main() {
    divan::main();
}

/// Sends and takes `ITEMS`, so the figure for one is that of both halves.
fn send_and_take(bencher: Bencher, haste: Haste) {
    // Without a bell there is nothing to measure.
    let Ok((_poll, bell)) = lone_bell() else { return };
    bell.set_pulsing(true);
    let (sender, receiver) = mailbox(&bell, CAPACITY);
    bencher.counter(ItemsCount::new(ITEMS)).bench_local(|| {
        bell.silence();
        for item in 0..ITEMS {
            let _ = black_box(sender.send(black_box(item), haste));
        }
        while let Mail::Item(item) = receiver.take() {
            black_box(item);
        }
    });
}

#[divan::bench]
fn paced(bencher: Bencher) {
    send_and_take(bencher, Haste::Paced);
}

/// One `eventfd` write in `ITEMS`: the bell rings until it is silenced.
#[divan::bench]
fn at_once(bencher: Bencher) {
    send_and_take(bencher, Haste::Now);
}

/// An `eventfd` write for each.
#[divan::bench]
fn at_once_to_a_silent_bell(bencher: Bencher) {
    let Ok((_poll, bell)) = lone_bell() else { return };
    let (sender, receiver) = mailbox(&bell, CAPACITY);
    bencher.bench_local(|| {
        let _ = black_box(sender.send(black_box(0), Haste::Now));
        bell.silence();
        receiver.take()
    });
}

/// As `paced`, through the agent's own end: pieces of text, which grow together. One of them is timed.
#[divan::bench]
fn emit(bencher: Bencher) {
    let Ok((_poll, bell)) = lone_bell() else { return };
    bell.set_pulsing(true);
    let (sender, receiver) = joining_mailbox(&bell, CAPACITY, CAPACITY);
    let (io, mut control) = agent_io(sender);
    bencher.counter(ItemsCount::new(ITEMS)).bench_local(|| {
        bell.silence();
        for _ in 0..ITEMS {
            io.emit(black_box(AgentEvent::Text("token ".into())));
        }
        black_box(receiver.take());
        black_box(control.took(ITEMS))
    });
}
