//! The text of a message whose content has parts. The original stores such a content as JSON behind a mark;
//! models and people get text here.

use serde_json::{Map, Value};

/// What the original writes before JSON; no text begins with it.
const MARK: &str = "\0json:";

/// The content's text. What cannot be read is shown as it stands.
pub(super) fn text(content: String) -> String {
    let Some(json) = content.strip_prefix(MARK) else { return content };
    // serde_json bounds the depth.
    match serde_json::from_str::<Value>(json) {
        Ok(value) => flat(&value),
        Err(_) => json.to_owned(),
    }
}

fn flat(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(parts) => parts.iter().map(part).collect(),
        Value::Object(object) => alone(object),
    }
}

/// A part among others.
fn part(part: &Value) -> String {
    let object = match part {
        Value::String(text) => return text.clone(),
        Value::Object(object) => object,
        _ => return String::new(),
    };
    match kind(object) {
        Kind::Text(text) => text,
        Kind::Image(url) => format!("\n{}", url.unwrap_or_else(|| "[image]".to_owned())),
        Kind::Audio => "\n[audio]".to_owned(),
        Kind::Other(name) => format!("\n[{name}]"),
        Kind::Unknown => String::new(),
    }
}

/// The one part there is.
fn alone(object: &Map<String, Value>) -> String {
    match kind(object) {
        Kind::Text(text) => text,
        Kind::Image(url) => url.unwrap_or_else(|| "[image]".to_owned()),
        Kind::Audio => "[audio]".to_owned(),
        Kind::Other(name) => format!("[{name}]"),
        Kind::Unknown => "[structured content]".to_owned(),
    }
}

enum Kind {
    Text(String),
    Image(Option<String>),
    Audio,
    Other(String),
    Unknown,
}

fn kind(object: &Map<String, Value>) -> Kind {
    let string = |name: &str| object.get(name).and_then(Value::as_str);
    if let Some(text) = string("text") {
        return Kind::Text(text.to_owned());
    }
    match string("type") {
        Some("text" | "input_text" | "output_text") => {
            Kind::Text(string("content").unwrap_or_default().to_owned())
        }
        Some("image_url" | "input_image" | "image") => Kind::Image(url(object)),
        Some("input_audio" | "audio") => Kind::Audio,
        Some(name) if !name.is_empty() => Kind::Other(name.to_owned()),
        _ => Kind::Unknown,
    }
}

/// Where an image is. One that stands in its address is megabytes of no use to a reader.
fn url(object: &Map<String, Value>) -> Option<String> {
    let url = match object.get("image_url")? {
        Value::String(url) => url,
        Value::Object(image) => image.get("url")?.as_str()?,
        _ => return None,
    };
    (!url.is_empty() && !url.starts_with("data:")).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        text(format!("{MARK}{json}"))
    }

    #[test]
    fn parts_become_text() {
        let parts = r#"["a",{"type":"text","text":"b"},
            {"type":"image_url","image_url":{"url":"http://x/i.png"}},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"input_audio"},
            {"type":"odd"},7,{"no":1}]"#;
        assert_eq!(of(parts), "ab\nhttp://x/i.png\n[image]\n[audio]\n[odd]");
    }

    #[test]
    fn one_part_alone_becomes_text() {
        assert_eq!(of(r#"{"type":"text","content":"a"}"#), "a");
        assert_eq!(of(r#"{"type":"image_url","image_url":"http://x"}"#), "http://x");
        assert_eq!(of(r#"{"type":"image_url"}"#), "[image]");
        assert_eq!(of(r#"{"a":1}"#), "[structured content]");
        assert_eq!(of("12"), "12");
        assert_eq!(of("null"), "");
    }

    #[test]
    fn what_is_no_json_is_shown_and_deep_json_is_refused() {
        assert_eq!(of("{broken"), "{broken");
        assert_eq!(text("plain".to_owned()), "plain");
        let deep = "[".repeat(100_000);
        assert_eq!(of(&deep), deep);
    }
}
