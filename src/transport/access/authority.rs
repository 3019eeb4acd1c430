//! `host[:port]` as in `Host` and `Origin`. Strict in spelling, since every leniency here is one that a
//! browser and this server might read differently. Knows no rules about which host is good.

/// A host with an optional port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Authority<'a> {
    host: &'a str,
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; `None` for anything else: an empty host, user
    /// information, a path, blanks, bytes outside ASCII, or a port outside 1..=65535.
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        let end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at_checked(end)?;
        let good_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        (good_port && is_host(host)).then_some(Self { host })
    }

    /// The host as written; an IPv6 address with its brackets.
    pub(super) fn host(&self) -> &'a str {
        self.host
    }

    /// Whether both name the same host, whatever the ports.
    pub(super) fn same_host(&self, other: &Authority<'_>) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
    }
}

fn is_port(digits: &str) -> bool {
    // `parse` alone would take a sign.
    digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Letters, digits, `.`, `-` and `_`; or an address in brackets.
fn is_host(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_v6_char = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let is_name_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    match inner {
        Some(v6) => !v6.is_empty() && v6.bytes().all(is_v6_char),
        None => !host.is_empty() && host.bytes().all(is_name_char),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Authority;

    #[test]
    fn splits_host_and_port() {
        let table = [
            ("localhost", Some("localhost")),
            ("a.example:1", Some("a.example")),
            ("a.example:65535", Some("a.example")),
            ("[::1]", Some("[::1]")),
            ("[::1]:80", Some("[::1]")),
            ("", None),
            (":80", None),
            ("a:", None),
            ("a:0", None),
            ("a:+1", None),
            ("a:65536", None),
            ("a:1:2", None),
            ("[]", None),
            ("[::1", None),
            ("[::1]80", None),
            ("::1", None),
            ("user@a", None),
            ("a/", None),
            ("a b", None),
            ("\u{e9}.example", None),
        ];
        for (text, host) in table {
            assert_eq!(Authority::parse(text.as_bytes()).map(|a| a.host()), host, "{text}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            text in "\\[?\\PC{0,9}\\]?:?[0-9]{0,6}",
        ) {
            let _ = Authority::parse(&bytes);
            let _ = Authority::parse(text.as_bytes());
        }
    }
}
