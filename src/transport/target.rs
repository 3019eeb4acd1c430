//! Which gateway to talk to: the URL, taken apart, and the token in it. Pure.

use std::fmt;

use tungstenite::http::Uri;
use tungstenite::http::uri::Authority;

use super::http::query_param;
use crate::base::secret::Secret;

/// Where a server listens unless told otherwise.
pub const DEFAULT_HOST: &str = "127.0.0.1";
/// The port of the original (`hermes dashboard`).
pub const DEFAULT_PORT: u16 = 9119;

/// Path of the gateway's socket, for a URL that names none.
const PATH: &str = "/api/ws";
/// Ports of `ws://` and `wss://` without one.
const WS_PORT: u16 = 80;
const WSS_PORT: u16 = 443;
/// Bytes of a URL.
const URL_MAX: usize = 4096;

/// A gateway. Its `Display` leaves the query out, where the token stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Name or address, an IPv6 one without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `wss:`.
    encrypted: bool,
    /// Host and port as they were written, for the `Host` header.
    authority: String,
    path: String,
    /// Without its question mark; it may hold the token.
    query: Secret,
}

/// A URL that leads nowhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TargetError {
    /// `wss:`, where there is no TLS.
    Encrypted,
    /// Anything else that is not `ws://host…`.
    Malformed,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Encrypted => f.write_str("wss:// is not supported; use ws:// or a tunnel"),
            TargetError::Malformed => f.write_str("the URL must look like ws://host:port/api/ws"),
        }
    }
}

impl Target {
    /// The gateway at `url` (default `ws://127.0.0.1:9119/api/ws`). The token is added to the query unless
    /// the URL brings one.
    pub fn new(url: Option<&str>, token: Option<&Secret>) -> Result<Self, TargetError> {
        let default = format!("ws://{DEFAULT_HOST}:{DEFAULT_PORT}{PATH}");
        let target = Self::parse(url.unwrap_or(&default), PATH, token)?;
        if target.encrypted { Err(TargetError::Encrypted) } else { Ok(target) }
    }

    /// What `url` names and nothing else: no path and no token is added. Whoever dials it looks whether it
    /// [is encrypted](Self::is_encrypted).
    pub fn exactly(url: &str) -> Result<Self, TargetError> {
        Self::parse(url, "/", None)
    }

    /// The target at `url`, at `path` unless the URL names one.
    fn parse(url: &str, path: &str, token: Option<&Secret>) -> Result<Self, TargetError> {
        let url = url.trim();
        if url.len() > URL_MAX {
            return Err(TargetError::Malformed);
        }
        let uri: Uri = url.parse().map_err(|_| TargetError::Malformed)?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let encrypted = scheme.eq_ignore_ascii_case("wss");
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (true, Some(authority)) = (encrypted || scheme.eq_ignore_ascii_case("ws"), authority) else {
            return Err(TargetError::Malformed);
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(TargetError::Malformed);
        }
        let path = if uri.path() == "/" { path } else { uri.path() };
        Ok(Self {
            host: host.to_owned(),
            port: port(authority, if encrypted { WSS_PORT } else { WS_PORT })?,
            encrypted,
            authority: authority.to_string(),
            path: path.to_owned(),
            query: query(uri.query().unwrap_or_default(), token),
        })
    }

    /// Whether it is to be talked to through TLS.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Host and port as they were written, for the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What a request asks for, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same gateway, asked with another query: a client's own, with its own token.
    pub fn with_query(&self, query: &str) -> Self {
        Self { query: Secret::new(query), ..self.clone() }
    }

    /// The token of the query, unescaped.
    pub fn token(&self) -> Option<Secret> {
        query_param(self.query.expose(), "token").map(Secret::new)
    }

    /// What a request asks for, token included.
    pub fn path_and_query(&self) -> Secret {
        let mark = if self.query.expose().is_empty() { "" } else { "?" };
        Secret::new(format!("{}{mark}{}", self.path, self.query.expose()))
    }

    /// The whole URL, token included, for the handshake and nothing else.
    pub fn url(&self) -> Secret {
        Secret::new(format!("{}://{}{}", self.scheme(), self.authority, self.path_and_query().expose()))
    }

    fn scheme(&self) -> &'static str {
        if self.encrypted { "wss" } else { "ws" }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority, self.path)
    }
}

/// The library takes a number that is no port for no port at all, so the text is looked at.
fn port(authority: &Authority, default: u16) -> Result<u16, TargetError> {
    match authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':')) {
        None => Ok(default),
        // Nobody listens on port 0, and no `Host` header may name it. `parse` alone would take a sign.
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port > 0).ok_or(TargetError::Malformed)
        }
        Some(_) => Err(TargetError::Malformed),
    }
}

fn query(given: &str, token: Option<&Secret>) -> Secret {
    let brings_one = given.split('&').any(|pair| pair.starts_with("token="));
    let Some(token) = token.filter(|_| !brings_one) else {
        return Secret::new(given);
    };
    let and = if given.is_empty() { "" } else { "&" };
    Secret::new(format!("{given}{and}token={}", percent_encoded(token.expose())))
}

/// Everything but the unreserved characters of RFC 3986 as `%XX`.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Target, TargetError, URL_MAX};
    use crate::base::secret::Secret;

    #[track_caller]
    fn check(url: Option<&str>, token: Option<&str>, host: &str, port: u16, whole: &str) {
        let target = Target::new(url, token.map(Secret::new).as_ref()).unwrap();
        assert_eq!((target.host.as_str(), target.port), (host, port));
        assert_eq!(target.url().expose(), whole);
    }

    #[test]
    fn urls_are_completed() {
        check(None, None, "127.0.0.1", 9119, "ws://127.0.0.1:9119/api/ws");
        check(None, Some("t"), "127.0.0.1", 9119, "ws://127.0.0.1:9119/api/ws?token=t");
        check(Some("ws://h"), None, "h", 80, "ws://h/api/ws");
        check(Some("ws://[::1]:9/x?a=1"), Some("a b&é"), "::1", 9, "ws://[::1]:9/x?a=1&token=a%20b%26%C3%A9");
        check(Some("WS://h:1/api/ws?token=own"), Some("other"), "h", 1, "ws://h:1/api/ws?token=own");
    }

    #[test]
    fn other_urls_are_refused() {
        let refused = |url| Target::new(Some(url), None).unwrap_err();
        assert_eq!(refused("wss://h/api/ws"), TargetError::Encrypted);
        let long = format!("ws://h/{}", "x".repeat(URL_MAX));
        let ports = ["ws://h:99999/", "ws://h:0/", "ws://h:+1/", "ws://h:/"];
        for url in ["", "h:1", "http://h/", "ws://", "ws:///x", "ws://u:p@h/", &long].into_iter().chain(ports)
        {
            assert_eq!(refused(url), TargetError::Malformed, "{url}");
        }
    }

    #[test]
    fn nothing_is_added_where_nothing_is_wanted() {
        let exactly = |url| Target::exactly(url).map(|target| target.url().expose().to_owned());
        assert_eq!(exactly("ws://h:1").as_deref(), Ok("ws://h:1/"));
        assert_eq!(exactly("ws://h:1/api/pub?a=b").as_deref(), Ok("ws://h:1/api/pub?a=b"));
        assert_eq!(exactly("wss://h:1/api/pub").as_deref(), Ok("wss://h:1/api/pub"));
        let encrypted = |url| Target::exactly(url).map(|target| (target.is_encrypted(), target.port));
        assert_eq!(encrypted("WSS://h/"), Ok((true, 443)));
        assert_eq!(encrypted("ws://h/"), Ok((false, 80)));
    }

    #[test]
    fn a_query_can_be_exchanged() {
        let target = Target::new(Some("ws://h:1/x?token=a%20b&c=d"), None).unwrap();
        assert_eq!(target.token(), Some(Secret::new("a b")));
        let other = target.with_query("token=e");
        assert_eq!((other.path(), other.url().expose()), ("/x", "ws://h:1/x?token=e"));
    }

    #[test]
    fn the_token_does_not_show() {
        let target = Target::new(Some("ws://h:1/api/ws?token=canary"), None).unwrap();
        assert_eq!(target.to_string(), "ws://h:1/api/ws");
        assert!(!format!("{target:?} {:?}", target.url()).contains("canary"));
    }

    proptest! {
        #[test]
        fn any_url_is_answered(url in "(ws://)?\\PC{0,40}", token in "\\PC{0,12}") {
            if let Ok(target) = Target::new(Some(&url), Some(&Secret::new(token))) {
                prop_assert!(!target.host.is_empty());
            }
        }
    }
}
