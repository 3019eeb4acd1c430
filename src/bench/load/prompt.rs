//! What an agent is told to say, and so what it has to say. Owns the words of the script and the text they
//! predict.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

use crate::agent::demo::script;

/// Bytes of a token in every load: near the mean of real models.
pub const TOKEN_BYTES: usize = script::SIZE_DEFAULT;

/// Most tokens of one prompt. What they say still fits into one turn of any gateway.
pub const TOKENS_MAX: u64 = 10_000_000;

/// A prompt and its answer.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What is submitted.
    pub text: String,
    /// Tokens of the answer.
    pub tokens: u64,
    /// Tokens a second; 0 is as fast as it goes.
    pub rate: u64,
    /// Holds the answer, at its start.
    pub(super) answer: Rc<str>,
}

impl Prompt {
    /// The text the answer has to be.
    pub fn expected(&self) -> &str {
        let len = usize::try_from(self.tokens).unwrap_or(usize::MAX).saturating_mul(TOKEN_BYTES);
        self.answer.get(..len).unwrap_or(&self.answer)
    }

    /// With more words of the script in front.
    #[must_use]
    pub fn after(mut self, words: &str) -> Self {
        self.text.insert(0, ' ');
        self.text.insert_str(0, words);
        self
    }
}

/// Makes prompts, and keeps the longest answer predicted so far: every shorter one is its beginning.
#[derive(Debug)]
pub struct Prompts {
    longest: RefCell<Rc<str>>,
}

impl Default for Prompts {
    fn default() -> Self {
        Self { longest: RefCell::new(Rc::from("")) }
    }
}

impl Prompts {
    /// An agent that says `tokens` tokens (at most [`TOKENS_MAX`]), `rate` a second.
    pub fn tokens(&self, tokens: u64, rate: u64) -> Prompt {
        let tokens = tokens.min(TOKENS_MAX);
        let mut longest = self.longest.borrow_mut();
        let wanted = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(TOKEN_BYTES);
        if longest.len() < wanted {
            let text: String = (0..tokens).map(|index| script::token(index, TOKEN_BYTES)).collect();
            *longest = text.into();
        }
        let mut text = format!("TOKENS={tokens} SIZE={TOKEN_BYTES}");
        if rate > 0 {
            let _ = write!(text, " RATE={rate}");
        }
        Prompt { text, tokens, rate, answer: Rc::clone(&longest) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Prompts, TOKENS_MAX};

    #[test]
    fn a_prompt_predicts_its_answer() {
        let prompts = Prompts::default();
        let long = prompts.tokens(12, 0);
        assert_eq!(long.text, "TOKENS=12 SIZE=5");
        assert_eq!(long.expected().len(), 60);
        let short = prompts.tokens(3, 50).after("DELAY=9");
        assert_eq!(short.text, "DELAY=9 TOKENS=3 SIZE=5 RATE=50");
        assert_eq!(short.expected(), "0000 0001 0002 ");
        assert_eq!(prompts.tokens(0, 0).expected(), "");
        assert_eq!(prompts.tokens(u64::MAX, 0).tokens, TOKENS_MAX);
    }
}
