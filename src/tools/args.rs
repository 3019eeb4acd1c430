//! The arguments of a call, as lenient as models are sloppy: a number may come as text, `null` is absence.
//! What is there and cannot be read is an error that says so, so that the model can mend it.

use serde_json::{Map, Value};

use super::error::ToolError;
use crate::model::label;

/// The arguments: a JSON object.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Args(Map<String, Value>);

impl Args {
    /// Reads the text a model wrote. Blank text is no arguments; anything that is no object is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self::default());
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Some(Self(members)),
            _ => None,
        }
    }

    /// The member, unless it is absent or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text that may be absent.
    ///
    /// # Errors
    /// It is something else.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ToolError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ToolError::new(format!("{name} has to be a string"))),
        }
    }

    /// A text that has to be there; it may be empty.
    ///
    /// # Errors
    /// It is not, or is something else.
    pub fn required_text(&self, name: &str) -> Result<&str, ToolError> {
        self.text(name)?.ok_or_else(|| ToolError::new(format!("{name} is required")))
    }

    /// A whole number from 0 on that may be absent; also as text, and with a fraction, which is dropped.
    ///
    /// # Errors
    /// It is something else.
    pub fn number(&self, name: &str) -> Result<Option<u64>, ToolError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| ToolError::new(format!("{name} has to be a whole number")))
    }

    /// A flag; absent is false, and so is anything that is not plainly true.
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// What stands there as text: a text itself, anything else as nothing.
    pub fn shown(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::String(text)) => text,
            _ => "",
        }
    }

    /// What a call of this tool with them does, in one line of at most 80 characters without secrets.
    pub fn label(&self, tool: &str) -> String {
        label::of(tool, &self.0)
    }

    /// As JSON text with sorted members: the same call is always the same bytes.
    pub fn canonical(&self) -> String {
        let mut names: Vec<&String> = self.0.keys().collect();
        names.sort_unstable();
        let sorted: Map<String, Value> =
            names.into_iter().map(|name| (name.clone(), sorted(&self.0[name]))).collect();
        Value::Object(sorted).to_string()
    }
}

/// The same value with the members of its objects sorted.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            names.into_iter().map(|name| (name.clone(), sorted(&members[name]))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// A number from 0 on without its fraction.
fn whole(number: f64) -> Option<u64> {
    // 2^53: beyond it a number with a fraction means nothing exact.
    (0.0..=9_007_199_254_740_992.0).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: &str) -> Args {
        Args::parse(json).expect(json)
    }

    #[test]
    fn only_objects_and_blanks_are_arguments() {
        assert_eq!(args("  "), args("{}"));
        for other in ["[]", "1", "\"{}\"", "{", "{\"a\":1} x"] {
            assert_eq!(Args::parse(other), None, "{other}");
        }
    }

    #[test]
    fn numbers_may_come_dressed_up() {
        let args = args(r#"{"a":7,"b":"8","c":9.9,"d":null,"e":-1,"f":[],"g":"x"}"#);
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| args.number(name)),
            [Ok(Some(7)), Ok(Some(8)), Ok(Some(9)), Ok(None)]
        );
        for name in ["e", "f", "g"] {
            assert!(args.number(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_order() {
        let one = args(r#"{"b":{"y":1,"x":[{"n":1,"m":2}]},"a":"é"}"#);
        assert_eq!(one.canonical(), r#"{"a":"é","b":{"x":[{"m":2,"n":1}],"y":1}}"#);
        assert_eq!(args(&one.canonical()).canonical(), one.canonical());
    }

    #[test]
    fn texts_and_flags() {
        let args = args(r#"{"t":"","n":3,"yes":true,"Yes":"True","no":1}"#);
        assert_eq!((args.required_text("t"), args.text("z")), (Ok(""), Ok(None)));
        assert!(args.required_text("z").is_err() && args.text("n").is_err());
        assert_eq!(["yes", "Yes", "no", "z"].map(|name| args.flag(name)), [true, true, false, false]);
    }
}
