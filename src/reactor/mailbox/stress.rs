//! The wake-up protocol under real threads. Counted rounds, no measured time: a lost wake-up shows as a poll
//! that ends without an event although somebody waits for an answer.

use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use super::*;
use crate::base::prng::Prng;

/// Far beyond what any machine needs; only a lost wake-up lasts so long.
const LOST: Duration = Duration::from_secs(60);

/// Other work, of no two equal lengths, so that the threads meet at every step of the protocol.
fn dawdle(prng: &mut Prng) {
    (0..prng.below(100)).for_each(|_| std::hint::spin_loop());
}

/// Turns of a loop as the server has them: wait, silence, drain, a frame, rest. Until `drain` says that
/// nothing will ever come.
fn run_loop(mut poll: mio::Poll, bell: &Bell, mut drain: impl FnMut() -> bool) {
    let mut events = mio::Events::with_capacity(4);
    let mut prng = Prng::from_seed(1);
    let mut ended = false;
    while !ended {
        poll.poll(&mut events, Some(LOST)).unwrap();
        assert!(!events.is_empty(), "a wake-up was lost");
        bell.silence();
        dawdle(&mut prng);
        drain();
        bell.set_pulsing(true);
        if prng.below(2) == 0 {
            dawdle(&mut prng);
            drain();
            dawdle(&mut prng);
        }
        // The pulse goes to rest: tell the senders, then look once more.
        bell.set_pulsing(false);
        dawdle(&mut prng);
        ended = drain();
    }
}

/// One item under way at a time, so that no later push makes good a lost one; the next is pushed as soon as
/// the last is taken, which is while the loop is between draining and sleeping.
#[test]
fn no_wake_up_is_lost_in_lockstep() {
    const ROUNDS: u32 = 20_000;
    const SPINS: u32 = 1_000;

    let (poll, bell) = lone_bell().unwrap();
    let (sender, receiver) = mailbox(&bell, 8);
    let taken = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&taken);
    let sending = thread::spawn(move || {
        let mut prng = Prng::from_seed(2);
        for round in 0..ROUNDS {
            dawdle(&mut prng);
            let haste = if round % 5 == 0 { Haste::Now } else { Haste::Paced };
            sender.send(round, haste).unwrap();
            let mut spins = 0;
            while seen.load(Ordering::SeqCst) <= round {
                spins += 1;
                if spins < SPINS { std::hint::spin_loop() } else { thread::yield_now() }
            }
        }
    });
    run_loop(poll, &bell, || {
        loop {
            match receiver.take() {
                Mail::Item(round) => taken.store(round + 1, Ordering::SeqCst),
                Mail::Empty | Mail::Newest(_) => return false,
                Mail::Closed => return true,
            }
        }
    });
    assert_eq!(taken.load(Ordering::SeqCst), ROUNDS);
    sending.join().unwrap();
}

/// Two mailboxes with two senders each, with room for three items: mostly full.
#[test]
fn a_flood_keeps_each_senders_order_and_ends() {
    const MAILBOXES: usize = 2;
    const SENDERS: usize = 2;
    const ITEMS: u32 = 5_000;

    let (poll, bell) = lone_bell().unwrap();
    let mut threads = Vec::new();
    let mut receivers = Vec::new();
    for _ in 0..MAILBOXES {
        let (sender, receiver) = mailbox(&bell, 3);
        receivers.push(receiver);
        for number in 0..SENDERS {
            let sender = sender.clone();
            threads.push(thread::spawn(move || {
                for item in 0..ITEMS {
                    let haste = if item % 7 == 0 { Haste::Now } else { Haste::Paced };
                    sender.send((number, item), haste).unwrap();
                }
            }));
        }
    }
    let mut received = [[0; SENDERS]; MAILBOXES];
    run_loop(poll, &bell, || {
        let mut closed = 0;
        for (receiver, received) in receivers.iter().zip(&mut received) {
            let mut mail = receiver.take();
            while let Mail::Item((number, item)) = mail {
                assert_eq!(item, received[number], "in the order of its sender");
                received[number] += 1;
                mail = receiver.take();
            }
            closed += usize::from(mail == Mail::Closed);
        }
        closed == MAILBOXES
    });
    assert_eq!(received, [[ITEMS; SENDERS]; MAILBOXES]);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
