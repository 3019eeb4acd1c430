//! The shapes of a chat completion, streamed or whole, as far as they matter here. Text is borrowed from the
//! input where it has no escapes. Lenient, because servers differ: unknown fields are skipped, null is
//! absence anywhere, and a text or a count of another type is as good as none.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// One chunk of the stream, or the whole answer of a server that does not stream.
#[derive(Deserialize, Default, Debug)]
pub(super) struct Chunk<'a> {
    /// The first choice; there is never a second, because none is asked for.
    #[serde(borrow, default, rename = "choices")]
    pub(super) choice: FirstChoice<'a>,
    /// What the call used, usually in the last chunk.
    #[serde(default)]
    pub(super) usage: Option<Counts>,
    /// What went wrong, sent in place of an answer; `failure` reads it.
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

/// One choice.
#[derive(Deserialize, Default, Debug)]
pub(super) struct Choice<'a> {
    /// A piece of the answer.
    #[serde(borrow, default)]
    pub(super) delta: Option<Delta<'a>>,
    /// The whole answer, when it is not streamed.
    #[serde(borrow, default)]
    pub(super) message: Option<Delta<'a>>,
    /// Why the model stopped.
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Text<'a>>,
}

/// A piece of an answer.
#[derive(Deserialize, Default, Debug)]
pub(super) struct Delta<'a> {
    /// Visible text.
    #[serde(borrow, default)]
    pub(super) content: Option<Text<'a>>,
    /// Reasoning, as most servers name it.
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<Text<'a>>,
    /// Reasoning, as others do.
    #[serde(borrow, default)]
    pub(super) reasoning: Option<Text<'a>>,
    /// Why the model will not answer.
    #[serde(borrow, default)]
    pub(super) refusal: Option<Text<'a>>,
    /// Pieces of tool calls; `calls` reads them.
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<&'a RawValue>,
}

/// The `usage` object.
#[derive(Deserialize, Default, Clone, Copy, Debug)]
pub(super) struct Counts {
    /// Tokens of the prompt.
    #[serde(default, rename = "prompt_tokens")]
    pub(super) prompt: Count,
    /// Tokens of the answer.
    #[serde(default, rename = "completion_tokens")]
    pub(super) completion: Count,
    /// More about the answer's tokens.
    #[serde(default, rename = "completion_tokens_details")]
    pub(super) details: Option<CountDetails>,
}

/// The `completion_tokens_details` object.
#[derive(Deserialize, Default, Clone, Copy, Debug)]
pub(super) struct CountDetails {
    /// Tokens of the answer that were reasoning.
    #[serde(default, rename = "reasoning_tokens")]
    pub(super) reasoning: Count,
}

/// A string; any other JSON value reads as `""`.
#[derive(Default, PartialEq, Eq, Debug)]
pub(in crate::agent) struct Text<'a>(pub(in crate::agent) Cow<'a, str>);

/// A count; any value that is not a number reads as 0.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) struct Count(pub(in crate::agent) u64);

/// The first element of an array of choices, without an allocation for the array.
#[derive(Default, Debug)]
pub(super) struct FirstChoice<'a>(pub(super) Option<Choice<'a>>);

/// Reads and forgets what else stands in an array.
fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads and forgets an object.
fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// The visits of values that count as absent, the same for both lenient scalars.
macro_rules! absent {
    ($value:ty: $($visit:ident($from:ty)),*) => {
        $(fn $visit<E>(self, _: $from) -> Result<$value, E> {
            Ok(<$value>::default())
        })*
        fn visit_unit<E>(self) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<$value, A::Error> {
            drain_seq(seq).map(|()| <$value>::default())
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$value, A::Error> {
            drain_map(map).map(|()| <$value>::default())
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            absent!(Text<'de>: visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64));
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_u64<E>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }
            fn visit_f64<E>(self, count: f64) -> Result<Count, E> {
                // The cast saturates: negative and NaN become 0.
                Ok(Count(count as u64))
            }
            absent!(Count: visit_bool(bool), visit_i64(i64), visit_str(&str));
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for FirstChoice<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstVisitor;
        impl<'de> Visitor<'de> for FirstVisitor {
            type Value = FirstChoice<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of choices")
            }
            fn visit_unit<E>(self) -> Result<FirstChoice<'de>, E> {
                Ok(FirstChoice(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<FirstChoice<'de>, A::Error> {
                let first = seq.next_element::<Option<Choice<'de>>>()?.flatten();
                drain_seq(seq).map(|()| FirstChoice(first))
            }
        }
        deserializer.deserialize_any(FirstVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Chunk<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let chunk =
            parse(r#"{"id":"x","choices":[{"index":0,"delta":{"content":"Hi ä"},"finish_reason":null}]}"#);
        let content = chunk.choice.0.unwrap().delta.unwrap().content.unwrap();
        assert!(matches!(content, Text(Cow::Borrowed("Hi ä"))));
        let chunk = parse(r#"{"choices":[{"delta":{"content":"a\nb"}}]}"#);
        assert_eq!(chunk.choice.0.unwrap().delta.unwrap().content.unwrap().0, "a\nb");
    }

    #[test]
    fn null_is_absence_anywhere() {
        let nulls = [
            r#"{"choices":null,"usage":null,"error":null}"#,
            r#"{"choices":[],"usage":{}}"#,
            r#"{"choices":[null]}"#,
            r#"{"choices":[{"delta":null,"message":null,"finish_reason":null}]}"#,
            r#"{"choices":[{"delta":{"content":null,"reasoning":null,"refusal":null,"role":null}}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":null,"completion_tokens_details":null}}"#,
        ];
        for json in nulls {
            let chunk = parse(json);
            assert!(chunk.error.is_none(), "{json}");
            let delta = chunk.choice.0.and_then(|choice| choice.delta).unwrap_or_default();
            assert!(
                delta.content.is_none() && delta.reasoning.is_none() && delta.refusal.is_none(),
                "{json}"
            );
        }
    }

    #[test]
    fn other_types_are_skipped() {
        for other in ["7", "-7", "7.5", "true", "[1,[2]]", r#"{"a":{"b":[]}}"#] {
            let json = format!(
                r#"{{"choices":[{{"delta":{{"content":{other},"refusal":"x"}}}},{{"delta":{other}}}],
                    "usage":{{"prompt_tokens":"many","completion_tokens":3.0}}}}"#
            );
            let chunk = parse(&json);
            let delta = chunk.choice.0.unwrap().delta.unwrap();
            assert_eq!((delta.content.unwrap(), delta.refusal.unwrap().0.as_ref()), (Text::default(), "x"));
            let usage = chunk.usage.unwrap();
            assert_eq!((usage.prompt, usage.completion), (Count(0), Count(3)));
        }
    }

    #[test]
    fn reads_counts_and_errors() {
        let chunk = parse(
            r#"{"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11,
                "completion_tokens_details":{"reasoning_tokens":4}},"error":{"message":"no"}}"#,
        );
        let usage = chunk.usage.unwrap();
        assert_eq!(
            (usage.prompt, usage.completion, usage.details.unwrap().reasoning),
            (Count(5), Count(6), Count(4))
        );
        assert_eq!(chunk.error.unwrap().get(), r#"{"message":"no"}"#);
    }
}
