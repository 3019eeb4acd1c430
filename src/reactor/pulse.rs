//! What is periodic: the frame clock that paces output, and the heartbeat that notices a stalled loop.
//!
//! Owns schedules. Must not read a clock or know what a frame carries. The next beat is computed from the one
//! that was due, not from when it was handled, so neither drifts; beats that were missed are skipped and
//! counted, not made up for. Both rest when there is nothing to do: an idle process has no wake-ups.

use std::time::{Duration, Instant};

/// The time between two frames, about 30 a second. As the coalescing timer of hermes-agent 0.18.0.
pub const FRAME: Duration = Duration::from_millis(33);

/// The time between two heartbeats. As hermes-agent 0.18.0.
pub const HEARTBEAT_PERIOD: Duration = Duration::from_secs(2);

/// A heartbeat later than this is a stall. As hermes-agent 0.18.0.
pub const STALL_LIMIT: Duration = Duration::from_secs(5);

/// What to do with paced output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// Nothing was sent for a frame or more: send at once.
    Leading,
    /// A frame is armed and will take it.
    Waits,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Resting,
    Armed { next: Instant },
}

/// The frame clock.
#[derive(Debug)]
pub struct Pulse {
    state: State,
    frames: u64,
    skipped: u64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

impl Pulse {
    /// A clock at rest.
    pub const fn new() -> Self {
        Self { state: State::Resting, frames: 0, skipped: 0 }
    }

    /// There is paced output. The first after a rest leaves at once and arms the frame that takes the rest.
    pub fn touch(&mut self, now: Instant) -> Edge {
        match self.state {
            State::Armed { .. } => Edge::Waits,
            State::Resting => {
                self.state = State::Armed { next: now + FRAME };
                Edge::Leading
            }
        }
    }

    /// Whether a frame is to be sent now: true once a frame. The next one is armed; call [`Pulse::idle`] when
    /// this one turns out empty.
    pub fn due(&mut self, now: Instant) -> bool {
        let State::Armed { next } = self.state else { return false };
        let Some(beat) = Beat::of(next, FRAME, now) else { return false };
        self.frames += 1;
        self.skipped += beat.skipped;
        self.state = State::Armed { next: beat.next };
        true
    }

    /// Nothing flowed in this frame: the clock goes to rest. Senders that relied on it have to be told first
    /// and looked at once more after (`Bell::set_pulsing`).
    pub fn idle(&mut self) {
        self.state = State::Resting;
    }

    /// When the next frame is due; `None` at rest.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Resting => None,
            State::Armed { next } => Some(next),
        }
    }

    /// Frames that were due since the start, empty ones too.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that were missed since the start because the loop came too late.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// A heartbeat came more than [`STALL_LIMIT`] after its time: the loop stood still that long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Late {
    /// How long after its time.
    pub by: Duration,
}

/// The heartbeat: runs while somebody could suffer from a stall.
#[derive(Debug, Default)]
pub struct Heartbeat {
    next: Option<Instant>,
}

impl Heartbeat {
    /// A heart at rest.
    pub const fn new() -> Self {
        Self { next: None }
    }

    /// Starts or stops: `active` while a client is connected or a turn runs. Saying the same again changes
    /// nothing, so it may be called every turn.
    pub fn set_active(&mut self, now: Instant, active: bool) {
        if !active {
            self.next = None;
        } else if self.next.is_none() {
            self.next = Some(now + HEARTBEAT_PERIOD);
        }
    }

    /// When the next beat is due; `None` while inactive.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Beats if it is time to, and tells when that was a stall too late.
    pub fn beat(&mut self, now: Instant) -> Option<Late> {
        let beat = Beat::of(self.next?, HEARTBEAT_PERIOD, now)?;
        self.next = Some(beat.next);
        (beat.late > STALL_LIMIT).then_some(Late { by: beat.late })
    }
}

/// One beat of a schedule.
struct Beat {
    /// How long after its time it is.
    late: Duration,
    /// Beats after this one whose time has passed too.
    skipped: u64,
    /// The first beat of the schedule that is still to come.
    next: Instant,
}

impl Beat {
    /// The beat that was due at `scheduled`, if it is time. Takes the same work however late it is.
    fn of(scheduled: Instant, period: Duration, now: Instant) -> Option<Self> {
        let late = now.checked_duration_since(scheduled)?;
        let skipped = late.as_nanos() / period.as_nanos();
        let over = late.as_nanos() % period.as_nanos();
        // Less than a period, so both fit by far.
        let next = now + (period - Duration::from_nanos(over as u64));
        Some(Self { late, skipped: skipped as u64, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_output_leaves_at_once_and_the_rest_waits_for_the_frame() {
        let start = Instant::now();
        let mut pulse = Pulse::new();
        assert_eq!(pulse.next_deadline(), None);
        assert_eq!(pulse.touch(start), Edge::Leading);
        assert_eq!(pulse.touch(start + MS), Edge::Waits);
        assert_eq!(pulse.next_deadline(), Some(start + FRAME));
        assert!(!pulse.due(start + 32 * MS));
        assert!(pulse.due(start + 33 * MS));
        assert!(!pulse.due(start + 33 * MS), "once a frame");
    }

    #[test]
    fn frames_follow_the_schedule_not_the_handling() {
        let start = Instant::now();
        let mut pulse = Pulse::new();
        pulse.touch(start);
        for frame in 1..1_000 {
            assert!(pulse.due(start + frame * FRAME + 7 * MS));
            assert_eq!(pulse.next_deadline(), Some(start + (frame + 1) * FRAME));
        }
        assert_eq!((pulse.frames(), pulse.skipped()), (999, 0));
    }

    #[test]
    fn missed_frames_are_one_frame_and_counted() {
        let start = Instant::now();
        let mut pulse = Pulse::new();
        pulse.touch(start);
        assert!(pulse.due(start + 100 * MS), "those of 33, 66 and 99 ms");
        assert_eq!(pulse.skipped(), 2);
        assert_eq!(pulse.next_deadline(), Some(start + 132 * MS));
        assert!(pulse.due(start + 3_300 * SECOND));
        assert_eq!(pulse.skipped(), 2 + 99_996);
        assert_eq!(pulse.next_deadline(), Some(start + 3_300 * SECOND + FRAME));
    }

    #[test]
    fn an_empty_frame_ends_in_rest_and_a_new_leading_edge() {
        let start = Instant::now();
        let mut pulse = Pulse::new();
        pulse.touch(start);
        assert!(pulse.due(start + FRAME));
        pulse.idle();
        assert_eq!(pulse.next_deadline(), None);
        assert!(!pulse.due(start + SECOND), "no wake-ups at rest");
        assert_eq!(pulse.touch(start + 2 * SECOND), Edge::Leading);
        assert_eq!(pulse.next_deadline(), Some(start + 2 * SECOND + FRAME));
        assert_eq!(pulse.skipped(), 0, "a rest is no miss");
    }

    #[test]
    fn the_heart_beats_only_while_active() {
        let start = Instant::now();
        let mut heart = Heartbeat::new();
        assert_eq!((heart.next_deadline(), heart.beat(start + 60 * SECOND)), (None, None));
        heart.set_active(start, true);
        heart.set_active(start + SECOND, true);
        assert_eq!(heart.next_deadline(), Some(start + 2 * SECOND), "asking again moves nothing");
        assert_eq!(heart.beat(start + SECOND), None);
        assert_eq!(heart.next_deadline(), Some(start + 2 * SECOND));
        heart.set_active(start + SECOND, false);
        assert_eq!((heart.next_deadline(), heart.beat(start + 60 * SECOND)), (None, None));
    }

    #[test]
    fn only_a_beat_over_the_limit_is_a_stall_and_the_schedule_holds() {
        let start = Instant::now();
        let mut heart = Heartbeat::new();
        heart.set_active(start, true);
        assert_eq!(heart.beat(start + 2 * SECOND + MS), None);
        assert_eq!(heart.next_deadline(), Some(start + 4 * SECOND));
        assert_eq!(heart.beat(start + 9 * SECOND), None, "five seconds late to the point");
        assert_eq!(heart.next_deadline(), Some(start + 10 * SECOND));
        assert_eq!(heart.beat(start + 15 * SECOND + MS), Some(Late { by: 5 * SECOND + MS }));
        assert_eq!(heart.next_deadline(), Some(start + 16 * SECOND));
    }
}
