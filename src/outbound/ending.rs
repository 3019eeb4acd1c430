//! How a loop ends: running jobs may answer, then every session is closed and everybody told, then the last
//! bytes leave; and never longer than the grace. An agent that does not listen is not waited for.

use std::time::{Duration, Instant};

/// An end under way.
#[derive(Debug)]
pub struct Ending {
    deadline: Instant,
    closed: bool,
}

/// What an end waits for or wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Jobs have not answered yet.
    Wait,
    /// Close every session and say good-bye; asked for once.
    Close,
    /// The last bytes are on their way.
    Flush,
    /// Time is up.
    Exit,
}

impl Ending {
    /// Begins now and takes `grace` at most.
    pub fn new(at: Instant, grace: Duration) -> Self {
        Self { deadline: at + grace, closed: false }
    }

    /// Waits no longer than until `at`: nobody is left to talk to.
    pub fn cut_short(&mut self, at: Instant) {
        self.deadline = at;
    }

    /// When it is over whatever is left.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What to do now. After [`Step::Close`] ask again.
    pub fn step(&mut self, at: Instant, jobs_pending: usize) -> Step {
        let over = self.deadline <= at;
        if jobs_pending > 0 && !over {
            return Step::Wait;
        }
        if !std::mem::replace(&mut self.closed, true) {
            return Step::Close;
        }
        if over { Step::Exit } else { Step::Flush }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_may_answer_within_the_grace() {
        let start = Instant::now();
        let grace = Duration::from_secs(1);
        let mut ending = Ending::new(start, grace);
        assert_eq!(ending.step(start, 1), Step::Wait);
        assert_eq!(ending.step(start, 0), Step::Close);
        assert_eq!(ending.step(start, 0), Step::Flush);
        assert_eq!(ending.step(start + grace, 0), Step::Exit);
    }

    #[test]
    fn a_job_that_does_not_answer_is_left() {
        let start = Instant::now();
        let mut ending = Ending::new(start, Duration::from_secs(1));
        ending.cut_short(start);
        assert_eq!(ending.step(start, 1), Step::Close);
        assert_eq!(ending.step(start, 1), Step::Exit);
    }
}
