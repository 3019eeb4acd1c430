//! Reading values of any type out of the document: a hand-edited file may hold anything anywhere.

use serde_json::Value;

/// `section.key`, if `section` is a mapping that has it.
pub(super) fn at<'a>(raw: &'a Value, section: &str, key: &str) -> Option<&'a Value> {
    raw.get(section)?.get(key)
}

/// Whether Python would call it true: not null, false, zero or empty.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Trimmed text of a string, or a number as text; empty for anything else.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The value as text for a client that shows it: strings as they are, the rest as JSON; `fallback` when
/// falsy or absent.
pub(super) fn shown_or(value: Option<&Value>, fallback: &str) -> String {
    match value {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(value) if truthy(value) => value.to_string(),
        _ => fallback.to_owned(),
    }
}

/// The one of `words` that a string is, ignoring case and blanks around it.
pub(super) fn word(value: Option<&Value>, words: &[&'static str]) -> Option<&'static str> {
    let text = value?.as_str()?.trim();
    words.iter().find(|word| word.eq_ignore_ascii_case(text)).copied()
}

/// A whole number, or a string that spells one.
pub(super) fn integer(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn truth_is_pythons() {
        for value in [json!(null), json!(false), json!(0), json!(0.0), json!(""), json!([]), json!({})] {
            assert!(!truthy(&value), "{value}");
        }
        for value in [json!(true), json!(-1), json!(0.1), json!("no"), json!([0]), json!({"a": 0})] {
            assert!(truthy(&value), "{value}");
        }
    }

    #[test]
    fn numbers_are_lenient() {
        for (value, want) in [
            (json!(5), Some(5)),
            (json!("5"), Some(5)),
            (json!(" 1_000 "), Some(1000)),
            (json!(-5), Some(-5)),
            (json!(5.5), None),
            (json!("many"), None),
            (json!(true), None),
            (json!(u64::MAX), None),
        ] {
            assert_eq!(integer(Some(&value)), want, "{value}");
        }
    }

    #[test]
    fn nothing_is_found_in_what_is_not_a_mapping() {
        for raw in [json!({"a": 5}), json!({"a": [1]}), json!([1]), json!(null), json!({})] {
            assert_eq!(at(&raw, "a", "b"), None);
        }
    }
}
