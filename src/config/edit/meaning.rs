//! What a change means for the document as a value. Knows nothing of how the document is written.

use serde_json::{Map, Value};

use super::EditError;
use crate::model::edit::{Change, Scalar};

/// The document after the change; `None` if it says so already.
///
/// # Errors
/// Something on the way is no mapping, or what is there has parts, or is no list.
pub(super) fn changed(old: &Value, path: &[&str], change: &Change) -> Result<Option<Value>, EditError> {
    let Some((last, parents)) = path.split_last() else { return Err(EditError::Shape) };
    let mut new = old.clone();
    let mut at = &mut new;
    for key in parents {
        let members = mapping(at)?;
        // What is not there need not be removed.
        if matches!(change, Change::Remove | Change::Without(_)) && !members.contains_key(*key) {
            return Ok(None);
        }
        at = members.entry(*key).or_insert(Value::Null);
    }
    let members = mapping(at)?;
    match change {
        Change::Set(scalar) => {
            let place = members.entry(*last).or_insert(Value::Null);
            scalar_only(place)?;
            *place = value(scalar);
        }
        Change::Append(item) => {
            let place = members.entry(*last).or_insert(Value::Null);
            if place.is_null() {
                *place = Value::Array(Vec::new());
            }
            let Value::Array(items) = place else { return Err(EditError::Shape) };
            if items.iter().any(|old| old == item) {
                return Ok(None);
            }
            items.push(item.as_str().into());
        }
        Change::Without(item) => match members.get_mut(*last) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) => items.retain(|old| old != item),
            Some(_) => return Err(EditError::Shape),
        },
        // The way to the place is resolved before.
        Change::Below(..) => return Err(EditError::Shape),
        Change::Remove => {
            let Some(place) = members.get(*last) else { return Ok(None) };
            scalar_only(place)?;
            members.remove(*last);
        }
    }
    Ok((new != *old).then_some(new))
}

/// The mapping in this place. Nothing counts as an empty one.
fn mapping(place: &mut Value) -> Result<&mut Map<String, Value>, EditError> {
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Object(members) => Ok(members),
        _ => Err(EditError::Shape),
    }
}

/// A section is neither overwritten by a word nor removed with all it holds.
fn scalar_only(place: &Value) -> Result<(), EditError> {
    if place.is_object() || place.is_array() { Err(EditError::Shape) } else { Ok(()) }
}

fn value(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => Value::String(text.clone()),
        Scalar::Flag(on) => Value::Bool(*on),
        Scalar::Number(number) => serde_json::from_str(number).unwrap_or_default(),
    }
}

/// Whether a document has a say about this place: it has a value there, or something else than a mapping on
/// the way.
pub(super) fn has(document: &Value, path: &[&str]) -> bool {
    let mut at = document;
    for key in path {
        match at {
            Value::Object(members) => match members.get(*key) {
                Some(next) => at = next,
                None => return false,
            },
            Value::Null => return false,
            _ => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_say_about_a_place_is_a_value_there_or_none_could_be() {
        let document = json!({"a": {"b": 1, "c": null}, "m": "x"});
        for path in [&["a"][..], &["a", "b"], &["a", "c"], &["m"], &["m", "default"]] {
            assert!(has(&document, path), "{path:?}");
        }
        for path in [&["b"][..], &["a", "d"], &["a", "c", "e"], &["b", "a"]] {
            assert!(!has(&document, path), "{path:?}");
        }
    }

    #[test]
    fn what_says_so_already_is_no_change() {
        let old = json!({"a": {"on": true}, "l": ["x"]});
        let flag = |on| Change::Set(Scalar::Flag(on));
        assert_eq!(changed(&old, &["a", "on"], &flag(true)).unwrap(), None);
        assert_eq!(changed(&old, &["l"], &Change::Append("x".into())).unwrap(), None);
        assert_eq!(changed(&old, &["b", "c"], &Change::Remove).unwrap(), None);
        for path in [&["l"][..], &["b", "c"], &["b"]] {
            assert_eq!(changed(&old, path, &Change::Without("y".into())).unwrap(), None, "{path:?}");
        }
        assert_eq!(changed(&old, &["a", "c"], &Change::Remove).unwrap(), None);
        assert_eq!(
            changed(&old, &["a", "on"], &flag(false)).unwrap(),
            Some(json!({"a": {"on": false}, "l": ["x"]}))
        );
        for (path, change) in [
            (&["a"][..], flag(true)),
            (&["l"][..], Change::Remove),
            (&["l", "x"][..], flag(true)),
            (&[][..], flag(true)),
        ] {
            assert!(changed(&old, path, &change).is_err(), "{path:?}");
        }
    }
}
