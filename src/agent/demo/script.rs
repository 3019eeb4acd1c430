//! The little language of the demo agent's prompts. Owns its words and their bounds; knows nothing of
//! turns or time. A word that is misspelt or out of bounds is plain text, so that the mistake shows.

use std::time::Duration;

/// Most tokens of one `TOKENS=` or `REASON=`.
pub const TOKENS_MAX: u64 = 10_000_000;

/// Highest `RATE=`, in tokens a second.
pub const RATE_MAX: u64 = 1_000_000;

/// Largest `SIZE=`, in bytes a token.
pub const SIZE_MAX: u64 = 65_536;

/// Bytes of a token unless `SIZE=` says otherwise: near the mean of real models.
pub const SIZE_DEFAULT: usize = 5;

/// Longest `DELAY=`, `SLEEP=` and `BURN=`, in milliseconds: an hour.
pub const WAIT_MAX_MS: u64 = 3_600_000;

/// Most steps of a script; what follows is plain text.
pub const STEPS_MAX: usize = 64;

/// Most answers `CLARIFY:` offers; further ones belong to the last.
pub const CHOICES_MAX: usize = 16;

/// One thing to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// `TOKENS=n`: say this many tokens.
    Tokens(u64),
    /// `SLEEP=ms`: wait.
    Sleep(Duration),
    /// `BURN=ms`: keep a CPU busy for that long.
    Burn(Duration),
    /// `CLARIFY:question|a|b` to the end of the line: ask, then say what was answered.
    Clarify {
        /// The question.
        question: String,
        /// The answers offered; `None` asks an open question.
        choices: Option<Vec<String>>,
    },
    /// `APPROVE:command` to the end of the line: ask, then say whether it was allowed.
    Approve(String),
    /// `SAY:text` to the end of the prompt, or what follows the last word of the script.
    Say(String),
    /// `FAIL=text` to the end of the line: end the turn as failed.
    Fail(String),
}

/// A whole script. `steps` act in the order written; the rest holds for all of it wherever it stood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// `DELAY=ms`: the wait before the first token.
    pub delay: Duration,
    /// `REASON=n`: tokens of reasoning before the first step.
    pub reason: u64,
    /// `RATE=n`: tokens a second; 0 is as fast as it goes.
    pub rate: u64,
    /// `SIZE=n`: bytes a token.
    pub size: usize,
    /// What to do.
    pub steps: Vec<Step>,
}

/// Reads the script at the start of `prompt`; `None` when it does not start with one.
pub fn parse(prompt: &str) -> Option<Script> {
    let mut script = Script::default();
    let mut rest = prompt.trim();
    let mut words = 0;
    while !rest.is_empty() && words < STEPS_MAX {
        let Some(after) = script.take_word(rest) else { break };
        rest = after.trim_start();
        words += 1;
    }
    if words == 0 {
        return None;
    }
    if !rest.is_empty() {
        script.steps.push(Step::Say(rest.to_owned()));
    }
    Some(script)
}

impl Default for Script {
    /// No step, no wait, and tokens of [`SIZE_DEFAULT`] as fast as it goes.
    fn default() -> Self {
        Self { delay: Duration::ZERO, reason: 0, rate: 0, size: SIZE_DEFAULT, steps: Vec::new() }
    }
}

impl Script {
    /// Acts on the word at the start of `rest` and returns what follows it; `None` if it is none of ours. For
    /// whoever has words of its own beside these; [`parse`] bounds their number.
    pub fn take_word<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        if let Some(text) = rest.strip_prefix("SAY:") {
            self.steps.push(Step::Say(text.trim_start().to_owned()));
            return Some("");
        }
        let (line, after_line) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(step) = line_step(line.trim_end()) {
            self.steps.push(step);
            return Some(after_line);
        }
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (name, number) = word.split_once('=')?;
        // Digits only: `parse` alone would take a plus sign too.
        let number: u64 = number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??;
        let millis = || (number <= WAIT_MAX_MS).then(|| Duration::from_millis(number));
        match name {
            "TOKENS" if number <= TOKENS_MAX => self.steps.push(Step::Tokens(number)),
            "REASON" if number <= TOKENS_MAX => self.reason = number,
            "RATE" if number <= RATE_MAX => self.rate = number,
            "SIZE" if (1..=SIZE_MAX).contains(&number) => self.size = usize::try_from(number).ok()?,
            "DELAY" => self.delay = millis()?,
            "SLEEP" => self.steps.push(Step::Sleep(millis()?)),
            "BURN" => self.steps.push(Step::Burn(millis()?)),
            _ => return None,
        }
        Some(after)
    }
}

/// The steps that take the rest of their line.
fn line_step(line: &str) -> Option<Step> {
    if let Some(text) = line.strip_prefix("FAIL=") {
        return Some(Step::Fail(text.to_owned()));
    }
    if let Some(command) = line.strip_prefix("APPROVE:") {
        return Some(Step::Approve(command.trim().to_owned()));
    }
    let mut parts =
        line.strip_prefix("CLARIFY:")?.splitn(CHOICES_MAX + 1, '|').map(|part| part.trim().to_owned());
    let question = parts.next()?;
    let choices: Vec<String> = parts.filter(|choice| !choice.is_empty()).collect();
    Some(Step::Clarify { question, choices: (!choices.is_empty()).then_some(choices) })
}

/// Token number `index`, exactly `size` bytes: the index in decimal (its last digits where it does not fit)
/// padded with zeros, then a space where there is room for both. A client can so check order and completeness.
pub fn token(index: u64, size: usize) -> String {
    let width = size.saturating_sub(1).max(1);
    let mut token = format!("{index:0width$}");
    token.drain(..token.len() - width);
    if size > 1 {
        token.push(' ');
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(prompt: &str) -> Vec<Step> {
        parse(prompt).unwrap().steps
    }

    #[test]
    fn reads_every_word() {
        let script = parse("TOKENS=3 RATE=50 SIZE=8 REASON=2 DELAY=7 SLEEP=9\nBURN=1 TOKENS=1").unwrap();
        assert_eq!(script.delay, Duration::from_millis(7));
        assert_eq!((script.reason, script.rate, script.size), (2, 50, 8));
        let expected = [
            Step::Tokens(3),
            Step::Sleep(Duration::from_millis(9)),
            Step::Burn(Duration::from_millis(1)),
            Step::Tokens(1),
        ];
        assert_eq!(script.steps, expected);
    }

    #[test]
    fn line_words_take_their_line_and_say_takes_the_rest() {
        let expected = [
            Step::Clarify { question: "Which one?".into(), choices: Some(vec!["a b".into(), "c".into()]) },
            Step::Approve("rm -rf /tmp/x".into()),
            Step::Tokens(2),
            Step::Say("all\nof TOKENS=9".into()),
        ];
        let prompt = "CLARIFY:Which one?|a b|c\nAPPROVE:rm -rf /tmp/x\r\nTOKENS=2 SAY:all\nof TOKENS=9";
        assert_eq!(steps(prompt), expected);
        assert_eq!(steps("CLARIFY:Why?"), [Step::Clarify { question: "Why?".into(), choices: None }]);
        assert_eq!(steps("TOKENS=1 FAIL=out of luck"), [Step::Tokens(1), Step::Fail("out of luck".into())]);
    }

    #[test]
    fn a_malformed_word_is_plain_text() {
        for prompt in
            ["", "hello", "TOKENS", "TOKENS=", "TOKENS=x", "TOKENS=-1", "TOKENS=+1", "SIZE=0", "tokens=1"]
        {
            assert_eq!(parse(prompt), None, "{prompt}");
        }
        assert_eq!(steps("TOKENS=1 SIZE=x now"), [Step::Tokens(1), Step::Say("SIZE=x now".into())]);
    }

    #[test]
    fn numbers_have_bounds() {
        for (name, max) in [
            ("TOKENS", TOKENS_MAX),
            ("REASON", TOKENS_MAX),
            ("RATE", RATE_MAX),
            ("SIZE", SIZE_MAX),
            ("DELAY", WAIT_MAX_MS),
            ("SLEEP", WAIT_MAX_MS),
            ("BURN", WAIT_MAX_MS),
        ] {
            assert!(parse(&format!("{name}={max}")).is_some(), "{name}");
            assert_eq!(parse(&format!("{name}={}", max + 1)), None, "{name}");
            assert_eq!(parse(&format!("{name}=99999999999999999999999")), None, "{name}");
        }
    }

    #[test]
    fn tokens_are_exactly_as_long_as_asked() {
        assert_eq!(token(0, 5), "0000 ");
        assert_eq!(token(42, 5), "0042 ");
        assert_eq!(token(123_456, 5), "3456 ");
        assert_eq!(token(17, 1), "7");
        assert_eq!(token(7, 30), format!("{:029} ", 7));
        assert_eq!(token(u64::MAX, 30).len(), 30);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_grows(prompt in r"(TOKENS=|SIZE=|SAY:|FAIL=|CLARIFY:|\||[0-9]|\n|\PC| ){0,80}") {
            if let Some(script) = parse(&prompt) {
                prop_assert!(script.steps.len() <= STEPS_MAX + 1);
            }
        }
    }
}
