//! The wheel against a sorted map, and by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

fn micros(count: u64) -> Duration {
    Duration::from_micros(count)
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn drain<T>(wheel: &mut Wheel<T>, now: Instant) -> Vec<T> {
    std::iter::from_fn(|| wheel.expire(now)).collect()
}

#[test]
fn never_early_and_the_deadline_is_the_tick_after() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    wheel.insert(start + micros(1_001), ());
    assert_eq!(wheel.next_deadline(), Some(start + millis(2)));
    assert_eq!(wheel.expire(start + micros(1_999)), None);
    assert_eq!(wheel.expire(start + millis(2)), Some(()));
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn a_deadline_on_a_tick_is_not_put_off() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    wheel.insert(start + millis(64), ());
    assert_eq!(wheel.next_deadline(), Some(start + millis(64)));
    assert_eq!(wheel.expire(start + millis(64)), Some(()));
}

#[test]
fn a_moment_on_a_tick_is_its_timers_deadline() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let at = wheel.on_tick(start + micros(64_001));
    assert_eq!(at, start + millis(65));
    assert_eq!(wheel.on_tick(at), at);
    wheel.insert(at, ());
    assert_eq!(wheel.next_deadline(), Some(at));
}

#[test]
fn the_past_is_due_at_once() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start + HOUR);
    wheel.insert(start, "before the start");
    assert_eq!(drain(&mut wheel, start + HOUR), ["before the start"]);
    let now = start + HOUR + millis(1_500);
    assert_eq!(wheel.expire(now), None);
    wheel.insert(start + HOUR + millis(3), "before the present");
    assert!(wheel.next_deadline().unwrap() <= now);
    assert_eq!(drain(&mut wheel, now), ["before the present"]);
}

#[test]
fn comes_out_by_deadline_and_then_by_insertion() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    wheel.insert(start + HOUR, 3);
    wheel.insert(start + millis(70), 1);
    wheel.insert(start + HOUR, 4);
    wheel.insert(start + millis(5), 0);
    wheel.expire(start + millis(1));
    wheel.insert(start + HOUR, 5);
    wheel.insert(start + millis(70), 2);
    assert_eq!(drain(&mut wheel, start + 2 * HOUR), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_cancelled_timer_is_gone_and_its_key_with_it() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let early = wheel.insert(start + millis(10), "early");
    wheel.insert(start + millis(20), "late");
    assert_eq!(wheel.next_deadline(), Some(start + millis(10)));
    assert_eq!(wheel.cancel(early), Some("early"));
    assert_eq!(wheel.next_deadline(), Some(start + millis(20)), "no wake-up for what was cancelled");
    assert_eq!(wheel.cancel(early), None);
    let newer = wheel.insert(start + millis(30), "newer");
    assert_eq!(wheel.cancel(early), None, "not even when its entry is used again");
    assert_eq!(drain(&mut wheel, start + HOUR), ["late", "newer"]);
    assert_eq!(wheel.cancel(newer), None);
    assert!(wheel.is_empty());
}

#[test]
fn a_jump_costs_what_is_in_the_wheel_not_what_was_jumped() {
    // A wheel that walked its ticks would take 4 * 10^12 steps here.
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    for step in 0..5_000 {
        wheel.insert(start + step * (YEAR / 50), step);
    }
    assert_eq!(drain(&mut wheel, start + 120 * YEAR), (0..5_000).collect::<Vec<u32>>());
}

#[test]
fn beyond_the_horizon_is_never_but_not_lost() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let far = wheel.insert(start + 200 * YEAR, "far");
    assert_eq!((wheel.len(), wheel.next_deadline()), (1, None));
    assert_eq!(wheel.expire(start + 300 * YEAR), None);
    wheel.insert(start, "past");
    assert_eq!(wheel.expire(start), None, "the clock does not run backwards");
    assert_eq!(wheel.expire(start + 300 * YEAR), Some("past"));
    assert_eq!(wheel.cancel(far), Some("far"));
}

/// What the wheel should be: ticks counted by long division, order kept by a tree.
struct Model {
    start: Instant,
    elapsed: u64,
    armed: BTreeMap<(u64, usize), Instant>,
}

impl Model {
    fn nanos(&self, at: Instant) -> u128 {
        at.saturating_duration_since(self.start).as_nanos()
    }

    fn insert(&mut self, deadline: Instant, id: usize) -> (u64, usize) {
        let tick = self.nanos(deadline).div_ceil(TICK.as_nanos()) as u64;
        let place = (tick.max(self.elapsed), id);
        self.armed.insert(place, deadline);
        place
    }

    fn expire(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let now = (self.nanos(now) / TICK.as_nanos()) as u64;
        match self.armed.first_entry() {
            Some(first) if first.key().0 <= now => {
                self.elapsed = first.key().0;
                Some((first.key().1, first.remove()))
            }
            _ => {
                self.elapsed = self.elapsed.max(now);
                None
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.armed.first_key_value().map(|((tick, _), _)| self.start + millis(*tick))
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Arms a timer so long after the present.
    Insert(Duration),
    /// Arms a timer so long before the present.
    InsertPast(Duration),
    /// Cancels one of all the timers there ever were.
    Cancel(prop::sample::Index),
    /// Lets time pass.
    Advance(Duration),
    /// Expires at most so many.
    Expire(usize),
    /// Asks with an instant that is older than an earlier one, as a clock must not but a caller may.
    ExpireOlder(Duration),
}

/// Durations of every size, and those where digits carry.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..5_000_u64).prop_map(micros),
        4 => (0..200_000_u64).prop_map(micros),
        2 => (0..60_u64, 0..3_u64).prop_map(|(bits, around)| micros((1 << (bits % 40)) * 1_000 + around)),
        2 => (0..10_000_u64).prop_map(millis),
        1 => (0..72_u32, 0..1_000_u64).prop_map(|(hours, rest)| hours * HOUR + micros(rest)),
        1 => (0..3_u32).prop_map(|years| years * YEAR),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => durations().prop_map(Step::Insert),
        1 => durations().prop_map(Step::InsertPast),
        3 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        4 => durations().prop_map(Step::Advance),
        4 => prop_oneof![Just(1), Just(3), Just(usize::MAX)].prop_map(Step::Expire),
        1 => durations().prop_map(Step::ExpireOlder),
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_sorted_map(
        steps in prop::collection::vec(steps(), 1..300),
        offset in durations(),
        ask in any::<u64>(),
    ) {
        // An hour after whatever the clock says, so that there is a past to arm timers in.
        let start = Instant::now() + HOUR;
        let mut now = start + offset;
        let mut wheel = Wheel::new(start);
        let mut model = Model { start, elapsed: 0, armed: BTreeMap::new() };
        let mut seen = Vec::new();
        for (id, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert(after) => {
                    seen.push((wheel.insert(now + after, id), model.insert(now + after, id)));
                }
                Step::InsertPast(before) => {
                    let deadline = now.checked_sub(before).unwrap_or(start);
                    seen.push((wheel.insert(deadline, id), model.insert(deadline, id)));
                }
                Step::Cancel(which) if !seen.is_empty() => {
                    let (key, place) = *which.get(&seen);
                    let expected = model.armed.remove(&place).map(|_| place.1);
                    prop_assert_eq!(wheel.cancel(key), expected);
                }
                Step::Cancel(_) => {}
                Step::Advance(by) => now += by,
                Step::Expire(limit) => for _ in 0..limit {
                    let expected = model.expire(now);
                    prop_assert_eq!(wheel.expire(now), expected.map(|(id, _)| id));
                    let Some((_, deadline)) = expected else { break };
                    prop_assert!(deadline <= now, "early");
                },
                Step::ExpireOlder(by) => {
                    let older = now.checked_sub(by).unwrap_or(start);
                    prop_assert_eq!(wheel.expire(older), model.expire(older).map(|(id, _)| id));
                }
            }
            prop_assert_eq!(wheel.len(), model.armed.len());
            // Not after every step, so that the remembered deadline is also met in an unknown state.
            if ask >> (id % 64) & 1 == 1 {
                prop_assert_eq!(wheel.next_deadline(), model.next_deadline());
            }
        }
        prop_assert_eq!(wheel.next_deadline(), model.next_deadline());
    }
}
