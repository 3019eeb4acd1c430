//! One tool as its server offers it, made fit for a model: bounded, and with a schema of an object. Pure.

use serde_json::{Map, Value, json};

/// Longest name of a tool at its server, in bytes. Real ones stay below 64.
const NAME_BYTES_MAX: usize = 256;

/// Longest description, in bytes; more would crowd the model's context.
const DESCRIPTION_BYTES_MAX: usize = 16 << 10;

/// Largest schema of a tool's parameters, in bytes of JSON.
const PARAMETERS_BYTES_MAX: usize = 64 << 10;

/// What joins schemas. The large providers refuse a tool whose schema is such a word at its root.
const BRANCHES: [&str; 3] = ["oneOf", "anyOf", "allOf"];

/// The tool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Offer {
    /// What its server calls it.
    pub(super) name: String,
    pub(super) description: String,
    /// A JSON schema of an object, as text.
    pub(super) parameters: String,
}

impl Offer {
    /// Reads an item of `tools/list`; `None` when it has no name one could call it by.
    pub(super) fn read(item: &Value, server: &str) -> Option<Self> {
        let name = item.get("name")?.as_str()?;
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return None;
        }
        let description = item.get("description").and_then(Value::as_str).unwrap_or_default().trim();
        let description = if description.is_empty() {
            format!("The tool {name} of the tool server {server}.")
        } else {
            let end = description.floor_char_boundary(DESCRIPTION_BYTES_MAX);
            description.get(..end).unwrap_or_default().to_owned()
        };
        Some(Self { name: name.to_owned(), description, parameters: parameters(item.get("inputSchema")) })
    }
}

/// The schema as text. Some servers leave out what goes without saying, which some models do not take.
fn parameters(schema: Option<&Value>) -> String {
    let mut members = schema.and_then(Value::as_object).cloned().unwrap_or_default();
    let is_object = members.get("type").is_none_or(|kind| kind == "object");
    members.entry("type").or_insert_with(|| json!("object"));
    members.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    flatten(&mut members);
    let text = Value::Object(members).to_string();
    if is_object && text.len() <= PARAMETERS_BYTES_MAX {
        return text;
    }
    json!({ "type": "object", "properties": {} }).to_string()
}

/// What the branches at the root name, the root names itself. What one of them requires is left to the
/// server.
fn flatten(members: &mut Map<String, Value>) {
    for word in BRANCHES {
        let Some(branches) = members.shift_remove(word) else { continue };
        let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        for branch in branches.as_array().into_iter().flatten() {
            let named = branch.get("properties").and_then(Value::as_object);
            for (name, property) in named.into_iter().flatten() {
                properties.entry(name.as_str()).or_insert_with(|| property.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(item: &Value) -> Offer {
        Offer::read(item, "s").unwrap()
    }

    #[test]
    fn a_schema_is_always_one_of_an_object() {
        const EMPTY: &str = r#"{"type":"object","properties":{}}"#;
        let huge = json!({ "type": "object", "x": "y".repeat(PARAMETERS_BYTES_MAX) });
        for schema in [json!(null), json!({}), json!({"type": "string"}), json!([]), huge] {
            assert_eq!(offer(&json!({ "name": "t", "inputSchema": schema })).parameters, EMPTY);
        }
        let schema = json!({ "properties": { "a": {} }, "required": ["a"] });
        let read = offer(&json!({ "name": "t", "inputSchema": schema }));
        assert_eq!(read.parameters, r#"{"properties":{"a":{}},"required":["a"],"type":"object"}"#);
    }

    #[test]
    fn branches_at_the_root_become_properties() {
        let schema = json!({
            "oneOf": [{ "properties": { "a": {}, "b": { "oneOf": [] } }, "required": ["b"] }, {}, 7],
            "type": "object",
            "properties": { "a": { "type": "string" } },
            "anyOf": 7,
            "allOf": [{ "properties": { "b": {}, "c": {} } }, { "properties": [] }],
            "required": ["a"],
        });
        let read = offer(&json!({ "name": "t", "inputSchema": schema }));
        let expected = concat!(
            r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"oneOf":[]},"c":{}},"#,
            r#""required":["a"]}"#,
        );
        assert_eq!(read.parameters, expected);
        let odd = offer(&json!({ "name": "t", "inputSchema": { "properties": 7, "anyOf": [{}] } }));
        assert_eq!(odd.parameters, r#"{"properties":7,"type":"object"}"#);
    }

    #[test]
    fn texts_are_bounded_and_never_empty() {
        let long = offer(&json!({ "name": "t", "description": "ä".repeat(DESCRIPTION_BYTES_MAX) }));
        assert_eq!(long.description.len(), DESCRIPTION_BYTES_MAX);
        assert_eq!(offer(&json!({ "name": "t" })).description, "The tool t of the tool server s.");
        for item in [json!(1), json!({}), json!({"name": ""}), json!({"name": "x".repeat(300)})] {
            assert_eq!(Offer::read(&item, "s"), None);
        }
    }
}
