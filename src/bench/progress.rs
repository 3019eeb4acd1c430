//! How far a run is, on stderr: a bar where somebody looks, a line a step where it is kept.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Columns of the bar.
const WIDTH: usize = 30;

/// Clears a line of a terminal from its start.
const CLEAR: &str = "\r\x1b[K";

/// The display.
pub struct Progress {
    out: Box<dyn Write>,
    bar: bool,
    total: u32,
    done: u32,
    began: Instant,
}

impl Progress {
    /// On stderr.
    pub fn on_stderr() -> Self {
        Self::new(Box::new(io::stderr()), io::stderr().is_terminal())
    }

    /// Nowhere.
    pub fn silent() -> Self {
        Self::new(Box::new(io::sink()), false)
    }

    fn new(out: Box<dyn Write>, bar: bool) -> Self {
        Self { out, bar, total: 0, done: 0, began: Instant::now() }
    }

    /// So many steps will come.
    pub(super) fn expect(&mut self, steps: u32) {
        self.total = steps;
    }

    /// The next step begins.
    pub(super) fn step(&mut self, round: u32, what: &str) {
        let elapsed = self.began.elapsed();
        let line = match self.bar {
            true => format!("{CLEAR}{}", bar(self.done, self.total, elapsed, round, what)),
            false => format!(
                "{}/{}: round {round}, {what} ({:.0} s)\n",
                self.done + 1,
                self.total,
                elapsed.as_secs_f64()
            ),
        };
        self.done += 1;
        self.write(&line);
    }

    /// All is done, or the run ends for another reason.
    pub fn finish(&mut self) {
        if self.bar && self.done > 0 {
            self.write(CLEAR);
        }
    }

    fn write(&mut self, text: &str) {
        // A display that is gone must not end a measurement.
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

fn bar(done: u32, total: u32, elapsed: Duration, round: u32, what: &str) -> String {
    let share = (f64::from(done) / f64::from(total.max(1))).min(1.0);
    let full = (share * WIDTH as f64) as usize;
    let left = match done {
        0 => String::new(),
        _ => format!(", {:.0} s left", elapsed.as_secs_f64() * (1.0 - share) / share),
    };
    let (full, empty) = ("█".repeat(full), "░".repeat(WIDTH - full));
    format!("{full}{empty} {:3.0} % round {round}, {what}{left}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{WIDTH, bar};

    #[test]
    fn a_bar_grows_and_keeps_its_width() {
        let drawn = |done| bar(done, 8, Duration::from_secs(10), 1, "flood");
        for done in [0, 1, 4, 8, 9] {
            assert_eq!(drawn(done).chars().filter(|c| matches!(c, '█' | '░')).count(), WIDTH);
        }
        assert!(drawn(0).contains("  0 % round 1, flood") && !drawn(0).contains("left"));
        assert!(drawn(4).contains(" 50 % round 1, flood, 10 s left"));
    }
}
