//! Reading one parameter out of a query string. Knows no parameter by name.

/// Most bytes of a parameter, escapes included; a longer one counts as absent.
pub const MAX_PARAM: usize = 4096;

/// The value of `name` in `query` (without its `?`): percent-decoded, `+` as a space. If it stands there more
/// than once the last one counts, as in the original. A value that is too long ([`MAX_PARAM`]), badly escaped
/// or not UTF-8 counts as absent.
pub fn query_param(query: &str, name: &str) -> Option<String> {
    let last = query.split('&').rfind(|pair| {
        let (key, _) = pair.split_once('=').unwrap_or((pair, ""));
        decode(key).is_some_and(|key| key == name)
    })?;
    decode(last.split_once('=').map_or("", |(_, value)| value))
}

/// Decodes percent-escapes and `+`.
fn decode(text: &str) -> Option<String> {
    if text.len() > MAX_PARAM {
        return None;
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_PARAM, query_param};

    #[test]
    fn decodes() {
        let table = [
            ("token=abc", Some("abc")),
            ("a=1&token=abc&b=2", Some("abc")),
            ("token=a%2Fb%3d+c%C3%A9", Some("a/b= c\u{e9}")),
            ("%74oken=abc", Some("abc")),
            ("token=first&token=last", Some("last")),
            ("token", Some("")),
            ("token=", Some("")),
            ("token=a=b", Some("a=b")),
            ("", None),
            ("Token=abc", None),
            ("xtoken=abc", None),
            ("token=%", None),
            ("token=%4", None),
            ("token=%+1", None),
            ("token=%zz", None),
            ("token=%FF", None),
        ];
        for (query, expected) in table {
            assert_eq!(query_param(query, "token").as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn is_bounded() {
        assert!(query_param(&format!("t={}", "a".repeat(MAX_PARAM)), "t").is_some());
        assert_eq!(query_param(&format!("t={}", "a".repeat(MAX_PARAM + 1)), "t"), None);
    }

    proptest! {
        #[test]
        fn hostile_queries_never_panic(query in "[%a-fA-F0-9=&+\u{0}-\u{ff}]{0,60}") {
            if let Some(value) = query_param(&query, "a") {
                prop_assert!(value.len() <= query.len());
            }
        }

        #[test]
        fn any_value_survives_escaping(value in any::<String>()) {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assume!(escaped.len() <= MAX_PARAM);
            prop_assert_eq!(query_param(&format!("x=1&v={escaped}"), "v"), Some(value));
        }
    }
}
