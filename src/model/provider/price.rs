//! What a model costs, as far as its endpoint says so, and when that is so much that somebody is asked first.
//! Plain numbers; knows no JSON and no provider.

use std::fmt;

use crate::limits::{MODEL_COST_MAX, MODEL_INPUT_COST_ASKED, MODEL_OUTPUT_COST_ASKED};

/// Tokens that prices are told for, and parts of a dollar that they are kept in.
const TOKENS: f64 = 1e6;
const PARTS: u64 = 1_000_000;

/// Dollars for a million tokens, in millionths of a dollar; at most [`MODEL_COST_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cost(u64);

impl Cost {
    /// Of so many dollars for one token. What is negative, no number, or beyond all prices is none.
    pub fn per_token(dollars: f64) -> Option<Self> {
        let parts = dollars * TOKENS * PARTS as f64;
        let is_price = (0.0..=MODEL_COST_MAX as f64).contains(&parts);
        is_price.then(|| Self(parts.round() as u64))
    }

    /// Of so many millionths of a dollar for a million tokens.
    pub fn of_parts(parts: u64) -> Option<Self> {
        (parts <= MODEL_COST_MAX).then_some(Self(parts))
    }

    /// Millionths of a dollar for a million tokens.
    pub fn parts(self) -> u64 {
        self.0
    }
}

/// `free`, or dollars with cents, as the original writes them.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("free"),
            parts => write!(f, "${:.2}", parts as f64 / PARTS as f64),
        }
    }
}

/// What is known of a model's price; nothing by default.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Price {
    /// Of what is sent to it.
    pub input: Option<Cost>,
    /// Of what it says.
    pub output: Option<Cost>,
    /// Of what is sent again and was remembered.
    pub cache: Option<Cost>,
}

impl Price {
    /// Whether anything is known that is told to people.
    pub fn is_known(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }

    /// Whether it is known to cost nothing.
    pub fn is_free(&self) -> bool {
        let is_nothing = |cost: Cost| cost.parts() == 0;
        self.input.is_some_and(is_nothing) && self.output.is_none_or(is_nothing)
    }

    /// Whether somebody is asked first (the original's rule). An unknown price asks nobody.
    pub fn is_asked(&self) -> bool {
        let above = |cost: Option<Cost>, most: u64| cost.is_some_and(|cost| cost.parts() > most);
        above(self.input, MODEL_INPUT_COST_ASKED) || above(self.output, MODEL_OUTPUT_COST_ASKED)
    }

    /// The question about a model of this price, in some lines.
    pub fn question(&self, model: &str) -> String {
        let told = |cost: Option<Cost>| match cost {
            Some(cost) if cost.parts() > 0 => format!("{cost} for a million tokens"),
            Some(_) => "free".to_owned(),
            None => "unknown".to_owned(),
        };
        let dollars = |parts: u64| parts / PARTS;
        format!(
            "This model is expensive.\n\n{model} costs more than models are switched to without asking.\n\
             Input: {}\nOutput: {}\nYou are asked above ${} for input and above ${} for output.\n\
             The price is from the provider's list of models.\nConfirm only if this is the model you want.",
            told(self.input),
            told(self.output),
            dollars(MODEL_INPUT_COST_ASKED),
            dollars(MODEL_OUTPUT_COST_ASKED),
        )
    }
}

/// A model of an endpoint's list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its id.
    pub name: String,
    /// What it costs, as far as the list says so.
    pub price: Price,
}

impl From<&str> for Listed {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), price: Price::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_told_for_a_million_tokens() {
        for (dollars, want) in [
            (0.000003, "$3.00"),
            (0.00018, "$180.00"),
            (0.000_000_15, "$0.15"),
            (0.0, "free"),
            (-0.0, "free"),
        ] {
            assert_eq!(Cost::per_token(dollars).unwrap().to_string(), want, "{dollars}");
        }
        assert_eq!(Cost::per_token(1.0).map(Cost::parts), Some(MODEL_COST_MAX));
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -1e-9, 1.1, 1e300, f64::MAX] {
            assert_eq!(Cost::per_token(odd), None, "{odd}");
        }
        assert_eq!(Cost::of_parts(u64::MAX), None);
    }

    #[test]
    fn nobody_is_asked_at_the_bound_or_without_a_price() {
        let price = |input: f64, output: f64| Price {
            input: Cost::per_token(input / TOKENS),
            output: Cost::per_token(output / TOKENS),
            cache: None,
        };
        assert!(
            !price(20.0, 100.0).is_asked() && price(20.01, 0.0).is_asked() && price(0.0, 101.0).is_asked()
        );
        assert!(!Price::default().is_asked() && !Price::default().is_known() && !Price::default().is_free());
        assert!(price(0.0, 0.0).is_free() && price(0.0, -1.0).is_free() && !price(0.0, 1.0).is_free());
        let question = price(30.0, -1.0).question("a/b");
        assert!(
            question.contains("a/b costs more")
                && question.contains("\nInput: $30.00 for a million tokens\n")
        );
        assert!(
            question.contains("\nOutput: unknown\n") && question.contains("above $20 for input"),
            "{question}"
        );
    }
}
