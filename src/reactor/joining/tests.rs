//! Order, room, wake-ups and the end; then the same under real threads.

use std::thread;
use std::time::Duration;

use super::*;
use crate::base::prng::Prng;
use crate::reactor::mailbox::lone_bell;

/// Numbers that follow one another; those of one ten grow together.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Numbers(Vec<u32>);

impl Join for Numbers {
    fn weight(&self) -> usize {
        self.0.len()
    }

    fn join(&mut self, next: Self) -> Result<(), Self> {
        if self.0[0] / 10 != next.0[0] / 10 {
            return Err(next);
        }
        self.0.extend(next.0);
        Ok(())
    }
}

fn of(numbers: &[u32]) -> Numbers {
    Numbers(numbers.to_vec())
}

fn woken(poll: &mut mio::Poll) -> bool {
    let mut events = mio::Events::with_capacity(4);
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    !events.is_empty()
}

/// Everything that is there.
fn all(receiver: &JoiningReceiver<Numbers>) -> Vec<Numbers> {
    let mut found = Vec::new();
    while let Mail::Item(item) | Mail::Newest(item) = receiver.take() {
        found.push(item);
    }
    found
}

#[test]
fn what_is_sent_before_it_is_taken_grows_together() {
    let (mut poll, bell) = lone_bell().unwrap();
    let (sender, receiver) = joining_mailbox(&bell, 8, 100);
    sender.send(of(&[1]), Haste::Paced).unwrap();
    assert!(woken(&mut poll), "the leading edge wakes");
    bell.silence();
    bell.set_pulsing(true);
    sender.send(of(&[2]), Haste::Paced).unwrap();
    sender.send(of(&[3]), Haste::Paced).unwrap();
    assert!(!woken(&mut poll), "a frame comes by itself");
    assert_eq!(receiver.take(), Mail::Newest(of(&[1, 2, 3])));
    sender.send(of(&[4]), Haste::Paced).unwrap();
    assert_eq!((receiver.take(), receiver.take()), (Mail::Newest(of(&[4])), Mail::Empty));
}

#[test]
fn what_does_not_grow_keeps_its_place() {
    let (_poll, bell) = lone_bell().unwrap();
    let (sender, receiver) = joining_mailbox(&bell, 8, 100);
    for (number, haste) in
        [(1, Haste::Paced), (2, Haste::Paced), (3, Haste::Now), (4, Haste::Paced), (11, Haste::Paced)]
    {
        sender.send(of(&[number]), haste).unwrap();
    }
    assert_eq!(all(&receiver), [of(&[1, 2]), of(&[3]), of(&[4]), of(&[11])]);
}

#[test]
fn what_was_found_before_what_is_ahead_of_it_waits() {
    let (_poll, bell) = lone_bell().unwrap();
    let (sender, receiver) = joining_mailbox(&bell, 8, 100);
    // As if these were queued between the look at the queue and that at the place.
    sender.send(of(&[1]), Haste::Now).unwrap();
    sender.send(of(&[2]), Haste::Paced).unwrap();
    *receiver.early.borrow_mut() = receiver.newest.0.take();
    sender.send(of(&[3]), Haste::Now).unwrap();
    sender.send(of(&[4]), Haste::Paced).unwrap();
    assert_eq!(all(&receiver), [of(&[1]), of(&[2]), of(&[3]), of(&[4])]);
}

#[test]
fn one_that_has_grown_enough_is_told_at_once_and_a_full_queue_gives_back() {
    let (mut poll, bell) = lone_bell().unwrap();
    bell.set_pulsing(true);
    let (sender, receiver) = joining_mailbox(&bell, 1, 2);
    sender.offer(of(&[1]), Haste::Paced).unwrap();
    sender.offer(of(&[2]), Haste::Paced).unwrap();
    assert!(!woken(&mut poll));
    sender.offer(of(&[3]), Haste::Paced).unwrap();
    assert!(woken(&mut poll));
    bell.silence();
    sender.offer(of(&[4]), Haste::Paced).unwrap();
    assert_eq!(sender.offer(of(&[5]), Haste::Paced), Err(Refused::Full(of(&[5]))));
    assert_eq!(sender.offer(of(&[6]), Haste::Now), Err(Refused::Full(of(&[6]))));
    assert!(woken(&mut poll), "a full queue means that the loop has to come now");
    assert_eq!(all(&receiver), [of(&[1, 2]), of(&[3, 4])]);
    sender.offer(of(&[5]), Haste::Now).unwrap();
    assert_eq!(sender.offer(of(&[6]), Haste::Now), Err(Refused::Full(of(&[6]))));
}

#[test]
fn the_end_comes_after_what_grew() {
    let (mut poll, bell) = lone_bell().unwrap();
    bell.set_pulsing(true);
    let (sender, receiver) = joining_mailbox(&bell, 8, 100);
    sender.send(of(&[1]), Haste::Paced).unwrap();
    drop(sender);
    assert!(woken(&mut poll));
    assert_eq!((receiver.take(), receiver.take()), (Mail::Item(of(&[1])), Mail::Closed));
}

#[test]
fn a_receiver_that_left_is_an_error() {
    let (_poll, bell) = lone_bell().unwrap();
    for haste in [Haste::Now, Haste::Paced] {
        let (sender, receiver) = joining_mailbox(&bell, 1, 8);
        sender.send(of(&[1]), Haste::Paced).unwrap();
        drop(receiver);
        assert_eq!(sender.send(of(&[2]), haste), Err(Gone));
    }
}

/// Turns of a loop as the server has them, beside a thread that sends and rests; a lost wake-up shows as a poll
/// that ends without an event.
#[test]
fn nothing_is_lost_doubled_or_late_under_threads() {
    const NUMBERS: u32 = 200_000;
    const LOST: Duration = Duration::from_secs(60);
    let (mut poll, bell) = lone_bell().unwrap();
    let (sender, receiver) = joining_mailbox(&bell, 3, 7);
    let sending = thread::spawn(move || {
        let mut prng = Prng::from_seed(2);
        for number in 0..NUMBERS {
            let haste = if prng.below(9) == 0 { Haste::Now } else { Haste::Paced };
            sender.send(of(&[number]), haste).unwrap();
            if prng.below(50) == 0 {
                thread::yield_now();
            }
        }
    });
    let (mut next, mut ended) = (0, false);
    let mut drain = || {
        loop {
            match receiver.take() {
                mail @ (Mail::Item(_) | Mail::Newest(_)) => {
                    let grown = matches!(mail, Mail::Newest(_));
                    let (Mail::Item(Numbers(numbers)) | Mail::Newest(Numbers(numbers))) = mail else {
                        continue;
                    };
                    for number in numbers {
                        assert_eq!(number, next);
                        next += 1;
                    }
                    if grown {
                        return false;
                    }
                }
                Mail::Empty => return false,
                Mail::Closed => return true,
            }
        }
    };
    let mut events = mio::Events::with_capacity(4);
    let mut prng = Prng::from_seed(1);
    while !ended {
        poll.poll(&mut events, Some(LOST)).unwrap();
        assert!(!events.is_empty(), "a wake-up was lost");
        bell.silence();
        ended = drain();
        bell.set_pulsing(true);
        (0..prng.below(200)).for_each(|_| std::hint::spin_loop());
        ended |= drain();
        bell.set_pulsing(false);
        ended |= drain();
    }
    assert_eq!(next, NUMBERS);
    sending.join().unwrap();
}
