//! The result of a call, made fit for a model: texts joined, pictures and the like named in words, bounded,
//! masked. Pure.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::McpError;
use crate::base::mask::mask;

/// Largest result in bytes, its text and its structured part each counted as they are written.
const RESULT_BYTES_MAX: usize = 1 << 20;

/// What stands at the end of a text that was cut.
const CUT: &str = "\n... [truncated]";

/// What stands in place of a structured part that is too large.
const LEFT_OUT: &str = "[structuredContent was too large and is left out]";

/// The result for the model: `result`, and `structuredContent` when the server gives one.
///
/// # Errors
/// The tool says that it failed, or this is no result.
pub(super) fn of_result(result: Value) -> Result<Value, McpError> {
    let Value::Object(mut members) = result else {
        return Err(McpError::Malformed("its result is no object".to_owned()));
    };
    let mut text = mask(&joined(members.get("content"))).into_owned();
    if members.get("isError").and_then(Value::as_bool) == Some(true) {
        if text.is_empty() {
            text.push_str("The tool failed and did not say why.");
        }
        return Err(McpError::Tool(text));
    }
    let structured = members.remove("structuredContent").filter(|value| !value.is_null());
    let room = RESULT_BYTES_MAX.saturating_sub(text.len());
    let structured = structured.map(|mut value| {
        if value.to_string().len() > room {
            return Value::from(LEFT_OUT);
        }
        mask_texts(&mut value);
        value
    });
    let mut shown = Map::new();
    shown.insert("result".to_owned(), Value::from(text));
    if let Some(structured) = structured {
        shown.insert("structuredContent".to_owned(), structured);
    }
    Ok(Value::Object(shown))
}

/// The parts of the content, one under the other.
fn joined(content: Option<&Value>) -> String {
    let mut text = String::new();
    for (at, part) in content.and_then(Value::as_array).into_iter().flatten().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        text.push_str(&in_words(part));
        if text.len() > RESULT_BYTES_MAX {
            let end = text.floor_char_boundary(RESULT_BYTES_MAX - CUT.len());
            text.truncate(end);
            text.push_str(CUT);
            break;
        }
    }
    text
}

/// One part.
fn in_words(part: &Value) -> Cow<'_, str> {
    let word = |value: &Value, key: &str| -> String {
        value.get(key).and_then(Value::as_str).unwrap_or("unnamed").chars().take(200).collect()
    };
    let text = |value: &'_ Value| value.get("text").and_then(Value::as_str).map(str::to_owned);
    match part.get("type").and_then(Value::as_str).unwrap_or_default() {
        "text" => part.get("text").and_then(Value::as_str).unwrap_or_default().into(),
        kind @ ("image" | "audio") => {
            format!("[{kind}: {}, {} bytes]", word(part, "mimeType"), size(part.get("data"))).into()
        }
        "resource_link" => format!("[resource: {}, {}]", word(part, "name"), word(part, "uri")).into(),
        "resource" => {
            let Some(resource) = part.get("resource") else { return "[resource]".into() };
            let uri = word(resource, "uri");
            match text(resource) {
                Some(text) => format!("[resource: {uri}]\n{text}").into(),
                None => format!("[resource: {uri}, {} bytes]", size(resource.get("blob"))).into(),
            }
        }
        kind => format!("[{}]", kind.chars().take(50).collect::<String>()).into(),
    }
}

/// Bytes behind a text in base64.
fn size(data: Option<&Value>) -> usize {
    let data = data.and_then(Value::as_str).unwrap_or_default().trim_end_matches('=');
    data.len() / 4 * 3 + data.len() % 4 * 3 / 4
}

fn mask_texts(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = mask(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_texts),
        Value::Object(members) => members.values_mut().for_each(mask_texts),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_joined_and_the_rest_is_named() {
        let result = of_result(json!({ "content": [
            { "type": "text", "text": "one" },
            { "type": "image", "mimeType": "image/png", "data": "AAAAAA==" },
            { "type": "resource", "resource": { "uri": "file:///a", "text": "inside" } },
            { "type": "resource", "resource": { "uri": "file:///b", "blob": "AAAA" } },
            { "type": "resource_link", "name": "c", "uri": "file:///c" },
            { "type": "novel" },
        ] }));
        let text = "one\n[image: image/png, 4 bytes]\n[resource: file:///a]\ninside\n\
                    [resource: file:///b, 3 bytes]\n[resource: c, file:///c]\n[novel]";
        assert_eq!(result, Ok(json!({ "result": text })));
    }

    #[test]
    fn structured_content_stands_beside_the_text_and_is_masked() {
        let result =
            of_result(json!({ "content": [], "structuredContent": { "a": ["Bearer canary"], "b": 1 } }));
        assert_eq!(result, Ok(json!({ "result": "", "structuredContent": { "a": ["Bearer ***"], "b": 1 } })));
    }

    #[test]
    fn a_failed_tool_is_an_error_with_its_words() {
        let failed = json!({ "isError": true, "content": [{ "type": "text", "text": "no token=canary" }] });
        assert_eq!(of_result(failed), Err(McpError::Tool("no token=***".to_owned())));
        assert!(matches!(of_result(json!({ "isError": true })), Err(McpError::Tool(_))));
        assert!(matches!(of_result(json!("x")), Err(McpError::Malformed(_))));
    }

    #[test]
    fn results_are_bounded() {
        let long = "ä".repeat(RESULT_BYTES_MAX);
        let part = json!({ "type": "text", "text": long });
        let result =
            of_result(json!({ "content": [part, part], "structuredContent": { "a": long } })).unwrap();
        let text = result["result"].as_str().unwrap();
        assert!(text.len() <= RESULT_BYTES_MAX && text.ends_with(CUT), "{}", text.len());
        assert_eq!(result["structuredContent"], LEFT_OUT);
    }
}
