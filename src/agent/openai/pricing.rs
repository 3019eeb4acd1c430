//! What a list of models says of prices. Everything in it is the endpoint's word: what is no price counts as
//! unknown. Knows nothing of what follows from a price.

use serde_json::Value;

use crate::limits::MODEL_COST_TEXT_MAX;
use crate::model::provider::price::{Cost, Price};

/// Members of a model of Novita's, in ten-thousandths of a dollar for a million tokens.
const NOVITA_INPUT: &str = "input_token_price_per_m";
const NOVITA_OUTPUT: &str = "output_token_price_per_m";
const NOVITA_UNIT: f64 = 1e-4 / 1e6;

/// The price of a model of a list: its member `pricing` (OpenRouter's words, dollars for one token, mostly as
/// text), or Novita's members.
pub(super) fn of(model: &Value) -> Price {
    let novita =
        |key: &str| model.get(key).and_then(number).and_then(|number| Cost::per_token(number * NOVITA_UNIT));
    let (input, output) = (novita(NOVITA_INPUT), novita(NOVITA_OUTPUT));
    if input.is_some() || output.is_some() {
        return Price { input, output, cache: None };
    }
    let cost = |key: &str| model.get("pricing")?.get(key).and_then(number).and_then(Cost::per_token);
    Price { input: cost("prompt"), output: cost("completion"), cache: cost("input_cache_read") }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) if text.len() <= MODEL_COST_TEXT_MAX => text.trim().parse().ok(),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(model: &Value) -> String {
        let price = of(model);
        let cost = |cost: Option<Cost>| cost.map_or_else(|| "?".to_owned(), |cost| cost.to_string());
        [price.input, price.output, price.cache].map(cost).join(" ")
    }

    #[test]
    fn prices_are_read_as_text_and_as_numbers() {
        for (model, want) in [
            (
                json!({"pricing": {"prompt": "0.000003", "completion": "1.5e-5", "input_cache_read": 3e-7}}),
                "$3.00 $15.00 $0.30",
            ),
            (json!({"pricing": {"prompt": " 0 ", "completion": 0, "image": "1"}}), "free free ?"),
            (json!({"input_token_price_per_m": 2000, "output_token_price_per_m": "8000"}), "$0.20 $0.80 ?"),
            (json!({"id": "m"}), "? ? ?"),
        ] {
            assert_eq!(told(&model), want, "{model}");
        }
    }

    #[test]
    fn what_is_no_price_is_unknown() {
        let long = "0".repeat(1 << 20);
        for odd in ["NaN", "inf", "-inf", "infinity", "-1", "1e400", "-0.000001", "2", "", "$3", "0x1", &long]
        {
            assert_eq!(told(&json!({"pricing": {"prompt": odd, "completion": odd}})), "? ? ?", "{:.9}", odd);
            assert_eq!(
                told(&json!({"input_token_price_per_m": odd})),
                if odd == "2" { "$0.00 ? ?" } else { "? ? ?" }
            );
        }
        for odd in
            [json!(null), json!([]), json!("0.1"), json!(-1), json!({"prompt": {}, "completion": [0.1]})]
        {
            assert_eq!(told(&json!({"pricing": odd})), "? ? ?", "{odd}");
        }
    }
}
