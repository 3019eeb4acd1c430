//! Reading requests: one document in, one [`Request`] or one reason why not. Every byte may be hostile.
//!
//! The order of the checks is part of the protocol (parse, object, method, params, then the name). An id
//! is kept as the bytes it came in and echoed unchanged.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, RpcError};
use super::params::Params;

/// Longest id we echo, in bytes. Real clients use a few; the bound keeps an id from being a payload.
pub const ID_BYTES_MAX: usize = 1024;

/// A request's id: its JSON text, unchanged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Id(Box<str>);

impl Id {
    /// The id of a request that has none, or whose id could not be read.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// A well-formed request.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// To be echoed.
    pub id: Id,
    /// Not empty.
    pub method: String,
    /// The parameters; `{}` when missing or null.
    pub params: Params,
}

/// Why a document is no request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// Not one JSON document.
    Parse,
    /// A JSON document, but no object; batches fall here.
    NotAnObject,
    /// The id is longer than [`ID_BYTES_MAX`].
    IdTooLong,
    /// `method` is missing, empty or no string.
    NoMethod(Id),
    /// `params` is neither an object nor null.
    BadParams(Id),
}

impl Malformed {
    /// What is answered, and to which id.
    pub fn explain(self) -> (Id, RpcError) {
        match self {
            Malformed::Parse => (Id::null(), RpcError::new(PARSE_ERROR, "parse error")),
            Malformed::NotAnObject => {
                (Id::null(), RpcError::new(INVALID_REQUEST, "invalid request: expected an object"))
            }
            Malformed::IdTooLong => {
                (Id::null(), RpcError::new(INVALID_REQUEST, "invalid request: id is too long"))
            }
            Malformed::NoMethod(id) => {
                (id, RpcError::new(INVALID_REQUEST, "invalid request: method must be a non-empty string"))
            }
            Malformed::BadParams(id) => {
                (id, RpcError::new(INVALID_PARAMS, "invalid params: expected an object"))
            }
        }
    }
}

/// Reads one document, already stripped of surrounding white space.
pub fn parse(text: &str) -> Result<Request, Malformed> {
    match read(text) {
        // A client that cuts a string between two UTF-16 halves sends a lone surrogate. No string of ours
        // can hold one; the prompt around it must not be lost for it.
        Err(Malformed::Parse) => match mend_surrogates(text) {
            Some(mended) => read(&mended),
            None => Err(Malformed::Parse),
        },
        result => result,
    }
}

fn read(text: &str) -> Result<Request, Malformed> {
    let mut de = serde_json::Deserializer::from_str(text);
    if !text.starts_with('{') {
        let whole = de.deserialize_ignored_any(IgnoredAny).is_ok() && de.end().is_ok();
        return Err(if whole { Malformed::NotAnObject } else { Malformed::Parse });
    }
    let envelope = de.deserialize_map(EnvelopeVisitor).map_err(|_| Malformed::Parse)?;
    de.end().map_err(|_| Malformed::Parse)?;

    let id = match envelope.id {
        None => Id::null(),
        Some(raw) if raw.get().len() > ID_BYTES_MAX => return Err(Malformed::IdTooLong),
        Some(raw) => Id(raw.get().into()),
    };
    let method = match envelope.method {
        Some(Value::String(method)) if !method.is_empty() => method,
        _ => return Err(Malformed::NoMethod(id)),
    };
    let params = match envelope.params {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(Malformed::BadParams(id)),
    };
    Ok(Request { id, method, params: Params(params) })
}

/// The members we read; a repeated one replaces the earlier, as in the original.
#[derive(Default)]
struct Envelope {
    id: Option<Box<RawValue>>,
    method: Option<Value>,
    params: Option<Value>,
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Envelope, M::Error> {
        let mut envelope = Envelope::default();
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "id" => envelope.id = Some(members.next_value()?),
                "method" => envelope.method = Some(members.next_value()?),
                "params" => envelope.params = Some(members.next_value()?),
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(envelope)
    }
}

/// Replaces every lone surrogate escape (`\ud800` to `\udfff` without its other half) by the replacement
/// character. `None` when there is none.
fn mend_surrogates(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut mended: Option<String> = None;
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        let width = match unicode_escape(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(unicode_escape(bytes, at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                let out = mended.get_or_insert_with(|| String::with_capacity(text.len()));
                out.push_str(&text[kept..at]);
                out.push_str("\\ufffd");
                kept = at + 6;
                6
            }
            Some(_) => 6,
            None => 2,
        };
        at += width;
    }
    mended.map(|mut out| {
        out.push_str(text.get(kept..).unwrap_or_default());
        out
    })
}

/// The code unit of the escape `\uXXXX` at `at`.
fn unicode_escape(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(text: &str) -> String {
        parse(text).map(|request| request.id.as_json().to_owned()).unwrap_or_else(|why| format!("{why:?}"))
    }

    #[test]
    fn any_id_is_echoed_unchanged() {
        for id in ["\"a\"", "7", "1.5", "1.50", "true", "{\"k\": 1}", "[1]", "null", "123456789012345678901"]
        {
            assert_eq!(id_of(&format!("{{\"id\":{id},\"method\":\"m\"}}")), id);
        }
        assert_eq!(id_of("{\"method\":\"m\"}"), "null");
        assert_eq!(id_of("{\"id\":\"\\ud800\",\"method\":\"m\"}"), "\"\\ud800\"");
    }

    #[test]
    fn the_checks_come_in_their_order() {
        let null = Id::null;
        let cases = [
            ("{", Malformed::Parse),
            ("{} {}", Malformed::Parse),
            ("{}\n{}", Malformed::Parse),
            ("\u{feff}{\"method\":\"m\"}", Malformed::Parse),
            ("{\"method\":\"m\"}\0", Malformed::Parse),
            ("{\"id\":NaN,\"method\":\"m\"}", Malformed::Parse),
            ("[{\"method\":\"m\"}]", Malformed::NotAnObject),
            ("5", Malformed::NotAnObject),
            ("null", Malformed::NotAnObject),
            ("{}", Malformed::NoMethod(null())),
            ("{\"method\":5,\"params\":5}", Malformed::NoMethod(null())),
            ("{\"method\":\"\"}", Malformed::NoMethod(null())),
            ("{\"method\":\"nope\",\"params\":[]}", Malformed::BadParams(null())),
            ("{\"method\":\"nope\",\"params\":0}", Malformed::BadParams(null())),
        ];
        for (text, why) in cases {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn params_default_to_an_empty_object_and_the_last_member_wins() {
        let request = parse("{\"method\":\"a\",\"params\":null,\"method\":\"b\",\"x\":[{}]}").unwrap();
        assert_eq!((request.method.as_str(), request.params), ("b", Params::default()));
    }

    #[test]
    fn depth_and_size_are_typed_errors() {
        let brackets = "[".repeat(5000);
        assert_eq!(parse(&brackets), Err(Malformed::Parse));
        assert_eq!(parse(&format!("{{\"method\":\"m\",\"params\":{brackets}")), Err(Malformed::Parse));
        let nested = format!("{brackets}{}", "]".repeat(5000));
        assert_eq!(
            parse(&format!("{{\"method\":\"m\",\"params\":{{\"a\":{nested}}}}}")),
            Err(Malformed::Parse)
        );
        assert_eq!(id_of(&format!("{{\"id\":{nested},\"method\":\"m\"}}")), "IdTooLong");
        let digits = "9".repeat(5000);
        assert_eq!(id_of(&format!("{{\"id\":{digits},\"method\":\"m\"}}")), "IdTooLong");
        assert_eq!(
            parse(&format!("{{\"method\":\"m\",\"params\":{{\"a\":{digits}}}}}")),
            Err(Malformed::Parse)
        );
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        let text = |json: &str| {
            parse(&format!("{{\"method\":\"m\",\"params\":{{\"t\":\"{json}\"}}}}"))
                .map(|request| request.params.text_or_empty("t").unwrap().to_owned())
        };
        assert_eq!(text("a\\ud800b").unwrap(), "a\u{fffd}b");
        assert_eq!(text("\\udc00").unwrap(), "\u{fffd}");
        assert_eq!(text("\\ud83d\\ude00\\ud83d").unwrap(), "\u{1f600}\u{fffd}");
        assert_eq!(text("\\\\ud800").unwrap(), "\\ud800", "an escaped backslash is no escape");
        assert_eq!(text("\\ud8"), Err(Malformed::Parse));
    }

    #[test]
    fn hostile_text_never_panics() {
        use crate::base::prng::Prng;
        let words =
            ["{", "}", "[", "\"", "\\", "\\u", "d8", "00", "method", "id", "params", ":", ",", "é", "1e9"];
        let mut random = Prng::from_seed(7);
        for _ in 0..20_000 {
            let text: String =
                (0..random.below(24)).map(|_| words[random.below(words.len() as u64) as usize]).collect();
            let _ = parse(&text);
        }
    }
}
