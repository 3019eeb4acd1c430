//! What a scalar means: the implicit types of YAML 1.1 as PyYAML resolves them.
//!
//! Left out on purpose: base-60 numbers (`1:30` stays text) and timestamps (they stay text). Added:
//! `0o17`, which YAML 1.2 writes for octal.

use serde_json::{Number, Value};

/// What a tag asks for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Wish {
    /// Nothing: quoted is text, plain is resolved.
    #[default]
    ByStyle,
    /// Text, however it looks.
    Text,
    /// A type, even if quoted.
    Resolved,
}

/// The value of a scalar. Not-a-number and infinity become null, for JSON has no word for them.
pub(super) fn resolve(text: &str, plain: bool, wish: Wish) -> Value {
    match wish {
        Wish::Text => Value::String(text.to_owned()),
        Wish::ByStyle if !plain => Value::String(text.to_owned()),
        _ => word(text).or_else(|| number(text)).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn word(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => return None,
    })
}

fn number(text: &str) -> Option<Value> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        b'0'..=b'9' | b'.' => (false, text),
        _ => return None,
    };
    let signed = unsigned.len() != text.len();
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Value::Null),
        ".nan" | ".NaN" | ".NAN" if !signed => return Some(Value::Null),
        _ => {}
    }
    integer(negative, unsigned).or_else(|| float(text, unsigned, signed))
}

fn integer(negative: bool, unsigned: &str) -> Option<Value> {
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x', ..] => (&unsigned[2..], 16),
        [b'0', b'b', ..] => (&unsigned[2..], 2),
        [b'0', b'o', ..] => (&unsigned[2..], 8),
        [b'0', _, ..] => (&unsigned[1..], 8),
        [b'0'..=b'9', ..] => (unsigned, 10),
        _ => return None,
    };
    if !digits.chars().all(|c| c == '_' || c.is_digit(radix)) {
        return None;
    }
    let digits: String = digits.chars().filter(|&c| c != '_').collect();
    // Beyond 128 bits a float is the nearest JSON number that every client can read.
    let number = match i128::from_str_radix(&digits, radix) {
        Ok(magnitude) => Number::from_i128(if negative { -magnitude } else { magnitude })
            .or_else(|| Number::from_f64(if negative { -(magnitude as f64) } else { magnitude as f64 })),
        Err(_) if radix == 10 => digits
            .parse::<f64>()
            .ok()
            .and_then(|value| Number::from_f64(if negative { -value } else { value })),
        Err(_) => None,
    };
    number.map(Value::Number)
}

/// `digits . digits? exponent?` with an optional sign, or `. digits exponent?` without one; the exponent
/// needs its sign. So `1e5` and `-.5` are text, as they are for the original.
fn float(text: &str, unsigned: &str, signed: bool) -> Option<Value> {
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let starts_with_digit = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    let fits = digits(whole)
        && digits(fraction)
        && (starts_with_digit(whole) || (whole.is_empty() && !signed && starts_with_digit(fraction)))
        && exponent.is_none_or(|exponent| {
            exponent
                .strip_prefix(['+', '-'])
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        });
    if !fits {
        return None;
    }
    let value = text.replace('_', "").parse::<f64>().ok()?;
    Some(Number::from_f64(value).map_or(Value::Null, Value::Number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_words_and_numbers() {
        for (text, want) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("NULL", json!(null)),
            ("nULL", json!("nULL")),
            ("yes", json!(true)),
            ("On", json!(true)),
            ("OFF", json!(false)),
            ("oN", json!("oN")),
            ("y", json!("y")),
            ("0", json!(0)),
            ("-12", json!(-12)),
            ("+12", json!(12)),
            ("1_000", json!(1000)),
            ("0x1F", json!(31)),
            ("-0x_1f", json!(-31)),
            ("0b101", json!(5)),
            ("017", json!(15)),
            ("0o17", json!(15)),
            ("089", json!("089")),
            ("0x", json!("0x")),
            ("0o", json!("0o")),
            ("1.5", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-.5", json!("-.5")),
            ("1_0.5_0", json!(10.5)),
            ("1.5e+3", json!(1500.0)),
            ("1.5e3", json!("1.5e3")),
            ("1e5", json!("1e5")),
            ("1.0e+999", json!(null)),
            (".inf", json!(null)),
            ("-.INF", json!(null)),
            (".nan", json!(null)),
            ("-.nan", json!("-.nan")),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
            ("-", json!("-")),
            (".", json!(".")),
            ("_", json!("_")),
            ("1:30", json!("1:30")),
            ("2024-01-02", json!("2024-01-02")),
            ("1.2.3", json!("1.2.3")),
            ("é", json!("é")),
        ] {
            assert_eq!(resolve(text, true, Wish::ByStyle), want, "{text:?}");
        }
    }

    #[test]
    fn quotes_and_tags() {
        assert_eq!(resolve("12", false, Wish::ByStyle), json!("12"));
        assert_eq!(resolve("12", true, Wish::Text), json!("12"));
        assert_eq!(resolve("12", false, Wish::Resolved), json!(12));
    }

    #[test]
    fn a_very_long_number_is_bounded() {
        let long = "9".repeat(100_000);
        assert_eq!(resolve(&long, true, Wish::ByStyle), json!(long), "infinite as a float, so it stays text");
    }
}
