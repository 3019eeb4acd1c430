//! What a timer costs: armed and cancelled, as most are, and armed and expired, in a wheel of 10,000.

use std::time::{Duration, Instant};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tui_gateway::base::prng::Prng;
use tui_gateway::reactor::wheel::Wheel;

/// Timers in the wheel: ten for each of a thousand links.
const TIMERS: usize = 10_000;

/// The longest timer: an idle session's.
const LONGEST_MS: u64 = 3_600_000;

fn main() {
    divan::main();
}

/// Deadlines of every distance, the same in each run.
fn deadlines(start: Instant) -> Vec<Instant> {
    let mut prng = Prng::from_seed(1);
    (0..TIMERS).map(|_| start + Duration::from_millis(prng.below(LONGEST_MS))).collect()
}

fn full(start: Instant) -> Wheel<usize> {
    let mut wheel = Wheel::new(start);
    for (timer, deadline) in deadlines(start).into_iter().enumerate() {
        wheel.insert(deadline, timer);
    }
    wheel
}

#[divan::bench]
fn insert_and_cancel(bencher: Bencher) {
    let start = Instant::now();
    let mut wheel = full(start);
    let deadline = start + Duration::from_secs(30);
    bencher.bench_local(|| {
        let key = wheel.insert(black_box(deadline), 0);
        wheel.cancel(black_box(key))
    });
}

#[divan::bench]
fn insert_and_expire_all(bencher: Bencher) {
    let start = Instant::now();
    let end = start + Duration::from_millis(LONGEST_MS);
    bencher.counter(ItemsCount::new(TIMERS)).with_inputs(|| deadlines(start)).bench_local_refs(|deadlines| {
        let mut wheel = Wheel::new(start);
        for (timer, deadline) in deadlines.iter().enumerate() {
            wheel.insert(*deadline, timer);
        }
        while let Some(timer) = wheel.expire(end) {
            black_box(timer);
        }
    });
}

/// As the loop does: sleep until the next deadline, expire what is due then.
#[divan::bench]
fn walk_from_deadline_to_deadline(bencher: Bencher) {
    let start = Instant::now();
    bencher.counter(ItemsCount::new(TIMERS)).with_inputs(|| full(start)).bench_local_refs(|wheel| {
        while let Some(now) = wheel.next_deadline() {
            while let Some(timer) = wheel.expire(now) {
                black_box(timer);
            }
        }
    });
}

/// The worst case of an exact deadline: the earliest timer of a crowded slot is cancelled each time.
#[divan::bench]
fn cancel_the_earliest_and_ask(bencher: Bencher) {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    for timer in 0..TIMERS {
        wheel.insert(start + Duration::from_millis(30_000 + timer as u64 % 1_000), timer);
    }
    let earliest = start + Duration::from_millis(29_999);
    bencher.bench_local(|| {
        let key = wheel.insert(black_box(earliest), 0);
        wheel.next_deadline();
        wheel.cancel(key);
        wheel.next_deadline()
    });
}
