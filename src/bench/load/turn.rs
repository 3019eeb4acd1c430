//! Watching one turn: what was said against what had to be said, and when. Every piece is compared as it
//! comes, at its place in the predicted text, so a piece that is lost, doubled or out of order shows at once.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::latency::Latency;
use super::prompt::{Prompt, TOKEN_BYTES};
use crate::bench::client::skim::unescaped;

/// Characters of a text that a complaint shows around the first difference.
const SHOWN: usize = 24;

/// A turn under way, or over.
#[derive(Debug)]
pub struct Turn {
    prompt: Prompt,
    /// Bytes of the expected text that came.
    said: usize,
    /// When it was submitted, or was due to be.
    pub submitted: Instant,
    /// When the reply to the submission came.
    pub replied: Option<Instant>,
    /// When its first piece of text came.
    pub first: Option<Instant>,
    /// When it ended.
    pub ended: Option<Instant>,
    /// Pieces of text, each a document.
    pub deltas: u64,
    /// Bytes of those documents.
    pub delta_bytes: u64,
    /// Of a paced answer: how many tokens had come, and when.
    arrivals: Vec<(u64, Instant)>,
}

impl Turn {
    pub(super) fn new(prompt: Prompt, submitted: Instant) -> Self {
        Self {
            prompt,
            said: 0,
            submitted,
            replied: None,
            first: None,
            ended: None,
            deltas: 0,
            delta_bytes: 0,
            arrivals: Vec::new(),
        }
    }

    /// Tokens of the answer.
    pub fn tokens(&self) -> u64 {
        self.prompt.tokens
    }

    /// How long its answer takes by its own schedule.
    pub(super) fn planned(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.prompt.tokens.checked_div(self.prompt.rate)?))
    }

    /// Whether its end and the reply to its submission came.
    pub fn is_over(&self) -> bool {
        self.ended.is_some() && self.replied.is_some()
    }

    /// From the submission to the first piece of text.
    pub fn first_after(&self) -> Option<Duration> {
        Some(self.first?.saturating_duration_since(self.submitted))
    }

    /// A piece of text, in a document of `bytes`.
    pub(super) fn delta(&mut self, text: &str, bytes: usize, now: Instant) -> Result<(), String> {
        if self.ended.is_some() {
            return Err("text after the end of the turn".to_owned());
        }
        let expected = self.prompt.expected();
        let rest = expected.get(self.said..).unwrap_or_default();
        if !rest.starts_with(text) {
            return Err(format!("the text differs at {}: {}", self.said, difference(text, rest)));
        }
        self.said += text.len();
        self.first.get_or_insert(now);
        self.deltas += 1;
        self.delta_bytes += bytes as u64;
        if self.prompt.rate > 0 {
            self.arrivals.push(((self.said / TOKEN_BYTES) as u64, now));
        }
        Ok(())
    }

    /// Notes how far each token of a paced answer came behind its schedule. When that began only the model
    /// knows, so the token that came soonest by its number counts as in time: what all of them are late is not
    /// seen here (it is in [`Turn::first_after`]), what some are later than others is.
    pub(super) fn note_ages(&self, ages: &mut Latency) {
        let Some(nanos) = 1_000_000_000_u64.checked_div(self.prompt.rate) else { return };
        let offset = |index: u64| Duration::from_nanos(index * nanos);
        let start = |(came, at): &(u64, Instant)| at.checked_sub(offset(came.saturating_sub(1)));
        let Some(start) = self.arrivals.iter().filter_map(start).min() else { return };
        let mut before = 0;
        for (came, at) in &self.arrivals {
            for index in before..*came {
                ages.record(at.saturating_duration_since(start + offset(index)));
            }
            before = *came;
        }
    }

    /// Text that another connection took in, or that a session told when it was taken over.
    pub(super) fn catch_up(&mut self, text: &str) -> Result<(), String> {
        let expected = self.prompt.expected();
        if !expected.starts_with(text) {
            return Err(format!("the text so far differs: {}", difference(text, expected)));
        }
        self.said = text.len();
        Ok(())
    }

    /// The payload of `message.complete`. Blanks at the end may be missing: the original strips them.
    pub(super) fn complete(&mut self, payload: &Value, now: Instant) -> Result<(), String> {
        if self.ended.replace(now).is_some() {
            return Err("a turn ended twice".to_owned());
        }
        let status = payload["status"].as_str().unwrap_or("missing");
        if status != "complete" {
            return Err(format!(
                "a turn ended with status {status}: {}",
                shown(&payload["text"].to_string())
            ));
        }
        let expected = self.prompt.expected();
        let text = payload["text"].as_str().unwrap_or_default();
        if text.trim_end() != expected.trim_end() {
            return Err(format!("the final text differs: {}", difference(text, expected)));
        }
        if self.said < expected.trim_end().len() {
            return Err(format!("{} of {} bytes were streamed", self.said, expected.len()));
        }
        Ok(())
    }
}

/// Where two texts part, and what they say there.
fn difference(text: &str, expected: &str) -> String {
    let same = text.bytes().zip(expected.bytes()).take_while(|(one, other)| one == other).count();
    let at = text.floor_char_boundary(same);
    let wanted = expected.get(at..).unwrap_or_default();
    format!("{:?} for {:?}, {same} bytes in", shown(&text[at..]), shown(wanted))
}

/// The beginning of a text.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

/// The text of a piece, from how it stands in its document.
pub(super) fn plain(raw: Option<&str>) -> Result<std::borrow::Cow<'_, str>, String> {
    raw.and_then(unescaped).ok_or_else(|| "a piece of text without text".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use super::Turn;
    use crate::bench::load::latency::Latency;
    use crate::bench::load::prompt::Prompts;

    fn turn() -> Turn {
        Turn::new(Prompts::default().tokens(3, 0), Instant::now())
    }

    fn say(turn: &mut Turn, pieces: &[&str]) -> Result<(), String> {
        pieces.iter().try_for_each(|piece| turn.delta(piece, 100, Instant::now()))
    }

    fn end(turn: &mut Turn, text: &str) -> Result<(), String> {
        turn.complete(&json!({"status": "complete", "text": text}), Instant::now())
    }

    #[test]
    fn the_right_text_passes_however_it_is_cut() {
        for (pieces, text) in [
            (&["0000 ", "0001 ", "0002 "][..], "0000 0001 0002 "),
            (&["0000 0001 000", "2"], "0000 0001 0002"),
        ] {
            let mut turn = turn();
            assert_eq!(say(&mut turn, pieces), Ok(()));
            assert_eq!(end(&mut turn, text), Ok(()));
            assert_eq!((turn.deltas, turn.delta_bytes), (pieces.len() as u64, 100 * pieces.len() as u64));
        }
    }

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_found() {
        for pieces in [&["0000 ", "0002 "][..], &["0000 ", "0000 "], &["0001 "], &["0000 0001 0002 x"]] {
            assert!(say(&mut turn(), pieces).unwrap_err().contains("differs"), "{pieces:?}");
        }
        let mut short = turn();
        say(&mut short, &["0000 ", "0001 "]).unwrap();
        assert_eq!(end(&mut short, "0000 0001 0002 "), Err("10 of 15 bytes were streamed".to_owned()));
        let mut other = turn();
        say(&mut other, &["0000 0001 0002 "]).unwrap();
        assert!(end(&mut other, "0000 0001").unwrap_err().contains("final text differs"));
    }

    #[test]
    fn a_turn_ends_once_and_well() {
        let mut twice = turn();
        say(&mut twice, &["0000 0001 0002 "]).unwrap();
        assert_eq!(end(&mut twice, "0000 0001 0002"), Ok(()));
        assert_eq!(end(&mut twice, "0000 0001 0002"), Err("a turn ended twice".to_owned()));
        assert!(say(&mut twice, &[""]).unwrap_err().contains("after the end"));
        for payload in [json!({"status": "error", "text": "x"}), json!({}), Value::Null] {
            assert!(turn().complete(&payload, Instant::now()).unwrap_err().contains("status"), "{payload}");
        }
    }

    #[test]
    fn what_was_missed_is_caught_up() {
        let mut turn = turn();
        say(&mut turn, &["0000 "]).unwrap();
        assert_eq!(turn.catch_up("0000 0001 "), Ok(()));
        assert_eq!(say(&mut turn, &["0002 "]), Ok(()));
        assert!(turn.catch_up("0000 000x").is_err());
    }

    #[test]
    fn tokens_are_late_by_the_soonest_of_them() {
        let mut turn = Turn::new(Prompts::default().tokens(4, 1000), Instant::now());
        let start = Instant::now();
        // The first was held up for 5 ms, the second for none, the others came together.
        for (millis, piece) in [(5, "0000 "), (5, "0001 "), (9, "0002 0003 ")] {
            turn.delta(piece, 100, start + Duration::from_millis(millis)).unwrap();
        }
        let mut ages = Latency::default();
        turn.note_ages(&mut ages);
        let ages = [0.25, 0.5, 0.75, 1.0].map(|share| ages.quantile_ms(share).unwrap().round());
        assert_eq!(ages, [0.0, 1.0, 2.0, 3.0]);
    }
}
