//! Parameters, read with their types checked. A wrong type is an error reply, never a panic; a missing
//! or null member means its default.

use serde_json::{Map, Value};

use super::error::RpcError;

/// The `params` object of a request.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Params(pub Map<String, Value>);

impl Params {
    /// The member, unless it is missing or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the member is there at all, even as null.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<Option<&str>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(RpcError::param(name, "a string")),
        }
    }

    /// A string, `""` when missing.
    pub fn text_or_empty(&self, name: &str) -> Result<&str, RpcError> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    /// A whole number; numeric strings, numbers with a fraction (cut off) and booleans count, as they do
    /// in the original.
    pub fn int(&self, name: &str) -> Result<Option<i64>, RpcError> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Bool(on)) => Some(i64::from(*on)),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| RpcError::param(name, "an integer"))
    }

    /// Truth as Python sees it: false, 0, "" and empty containers are false.
    pub fn truthy(&self, name: &str) -> bool {
        match self.get(name) {
            None => false,
            Some(Value::Bool(on)) => *on,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(members)) => !members.is_empty(),
            Some(Value::Null) => false,
        }
    }

    /// A switch: true, a number other than 0, or one of the words `1`, `true`, `yes`, `on`.
    pub fn switch(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::String(word)) => {
                matches!(word.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
            }
            _ => self.truthy(name),
        }
    }
}

/// A float without its fraction, where it fits.
fn whole(number: f64) -> Option<i64> {
    // 2^63 as a float; every smaller magnitude fits.
    (number.is_finite() && number.abs() < 9_223_372_036_854_775_808.0).then_some(number.trunc() as i64)
}

#[cfg(test)]
impl Params {
    /// Those of an object; of anything else, none.
    pub(crate) fn of(value: Value) -> Self {
        match value {
            Value::Object(members) => Self(members),
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Params;
    use serde_json::json;

    #[test]
    fn integers_are_read_as_the_original_reads_them() {
        let p = Params::of(json!({"a": 2, "b": "3", "c": 2.9, "d": true, "e": null, "f": -2.9}));
        assert_eq!(p.int("a"), Ok(Some(2)));
        assert_eq!(p.int("b"), Ok(Some(3)));
        assert_eq!(p.int("c"), Ok(Some(2)));
        assert_eq!(p.int("d"), Ok(Some(1)));
        assert_eq!(p.int("e"), Ok(None));
        assert_eq!(p.int("f"), Ok(Some(-2)));
        assert_eq!(p.int("missing"), Ok(None));
    }

    #[test]
    fn a_wrong_type_is_a_typed_error() {
        let p = Params::of(json!({"a": [1], "b": {"x": 1}, "c": "abc", "d": 1e300}));
        for name in ["a", "b", "c", "d"] {
            assert_eq!(p.int(name).unwrap_err().code, super::super::error::INVALID_PARAMS, "{name}");
        }
        assert!(p.text("a").is_err());
        assert_eq!(p.text("c"), Ok(Some("abc")));
    }

    #[test]
    fn truth_is_pythons_and_switches_know_words() {
        let p = Params::of(json!({"a": "no", "b": "", "c": [], "d": 0, "e": "Yes", "f": {"x": 1}}));
        assert!(p.truthy("a") && !p.switch("a"));
        assert!(!p.truthy("b") && !p.truthy("c") && !p.truthy("d"));
        assert!(p.switch("e") && p.switch("f"));
    }
}
