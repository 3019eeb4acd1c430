//! Who may connect: the token, where the peer is, and what `Host` and `Origin` say. The rules of the original
//! for a loopback bind, stricter in spelling. Knows no sockets and no paths.
//!
//! The token alone would not do: a page on the web can reach a server on this machine, either directly (then
//! the browser's `Origin` betrays it) or through a name of its own that resolves to 127.0.0.1 (DNS
//! rebinding; then `Host` does).
//!
//! One deviation: on any other bind the original wants single-use tickets from a login page. Here the token
//! stays the credential, so the operator must set one explicitly and should put TLS in front.

mod authority;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::http::{Head, query_param, response};
use crate::base::secret::Secret;
use authority::Authority;
use token::Token;
pub use token::{MAX_TOKEN, TokenError};

/// The query parameter that carries the token. For an upgrade, headers and cookies are not looked at, as in the
/// original.
const TOKEN_PARAM: &str = "token";

/// What the server listens on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BindKind {
    /// Exactly `127.0.0.1`, `localhost` or `::1`.
    Loopback,
    /// Anything else, `127.0.0.2` included, as in the original.
    Other,
}

impl BindKind {
    /// The kind of a bind address as configured.
    pub fn of(host: &str) -> Self {
        let loopback = matches!(host, "127.0.0.1" | "::1") || host.eq_ignore_ascii_case("localhost");
        if loopback { BindKind::Loopback } else { BindKind::Other }
    }
}

/// The rules of one listener.
#[derive(Debug)]
pub struct Access {
    token: Token,
    place: Place,
}

/// The rules of one listener but for the credential: enough for who passes that on to somebody who judges it.
#[derive(Debug)]
pub struct Place {
    bind: BindKind,
    allowed_hosts: Vec<String>,
}

impl Access {
    /// Rules for a listener of kind `bind`. `allowed_hosts` are the host names, without port, by which a bind
    /// of kind [`BindKind::Other`] is known; a loopback bind ignores them.
    ///
    /// # Errors
    /// When `token` is empty (it would let everybody in) or longer than [`MAX_TOKEN`].
    pub fn new(bind: BindKind, token: &Secret, allowed_hosts: Vec<String>) -> Result<Self, TokenError> {
        Ok(Self { token: Token::new(token)?, place: Place::new(bind, allowed_hosts) })
    }

    /// May `peer` turn `head` into a WebSocket?
    ///
    /// # Errors
    /// The first rule that is broken; all look the same on the wire.
    pub fn check_upgrade(&self, head: &Head<'_>, peer: IpAddr) -> Result<(), Refusal> {
        let offered = query_param(head.query(), TOKEN_PARAM).ok_or(Refusal::Credential)?;
        if !self.token.matches(&offered) {
            return Err(Refusal::Credential);
        }
        self.place.check_upgrade(head, peer)
    }

    /// May `head` be answered as plain HTTP? Only `Host` is judged; whether a path needs the token is for its
    /// owner to say.
    ///
    /// # Errors
    /// [`Refusal::PlainHost`].
    pub fn check_http(&self, head: &Head<'_>) -> Result<(), Refusal> {
        self.place.check_http(head)
    }

    /// May `head` read what is the operator's alone? On a loopback bind whoever may ask at all; on any other
    /// whoever shows the token: as `Authorization: Bearer`, which a scraper keeps out of its URLs, or in the
    /// query.
    ///
    /// # Errors
    /// [`Refusal::PlainHost`] or [`Refusal::Bearer`].
    pub fn check_operator(&self, head: &Head<'_>) -> Result<(), Refusal> {
        self.check_http(head)?;
        if self.place.bind == BindKind::Loopback {
            return Ok(());
        }
        let offered = match head.header_count("authorization") {
            0 => query_param(head.query(), TOKEN_PARAM),
            _ => head.only_header("authorization").and_then(bearer).map(str::to_owned),
        };
        match offered {
            Some(offered) if self.token.matches(&offered) => Ok(()),
            _ => Err(Refusal::Bearer),
        }
    }
}

impl Place {
    /// Rules for a listener of kind `bind`; `allowed_hosts` as in [`Access::new`].
    pub fn new(bind: BindKind, allowed_hosts: Vec<String>) -> Self {
        Self { bind, allowed_hosts }
    }

    /// May `peer` turn `head` into a WebSocket, whatever its credential?
    ///
    /// # Errors
    /// The first rule that is broken; all look the same on the wire.
    pub fn check_upgrade(&self, head: &Head<'_>, peer: IpAddr) -> Result<(), Refusal> {
        // An IPv4 peer of a dual-stack socket shows as ::ffff:a.b.c.d.
        if self.bind == BindKind::Loopback && !peer.to_canonical().is_loopback() {
            return Err(Refusal::Peer);
        }
        let host = self.host(head).ok_or(Refusal::Host)?;
        self.check_origin(head, &host)
    }

    /// May `head` be answered as plain HTTP?
    ///
    /// # Errors
    /// [`Refusal::PlainHost`].
    pub fn check_http(&self, head: &Head<'_>) -> Result<(), Refusal> {
        self.host(head).map(|_| ()).ok_or(Refusal::PlainHost)
    }

    /// The one `Host`, if this listener answers to it.
    fn host<'a>(&self, head: &Head<'a>) -> Option<Authority<'a>> {
        let host = Authority::parse(head.only_header("host")?)?;
        let known = match self.bind {
            BindKind::Loopback => is_loopback_name(&host),
            BindKind::Other => is_ip(&host) || is_loopback_name(&host) || self.is_allowed(&host),
        };
        known.then_some(host)
    }

    /// Judges the `Origin`, which browsers send with every WebSocket and scripts usually do not. Pages that
    /// did not come over the web (`null`, `file://`, `app://`) pass: they hold the token already.
    fn check_origin(&self, head: &Head<'_>, host: &Authority<'_>) -> Result<(), Refusal> {
        if head.header_count("origin") == 0 {
            return Ok(());
        }
        let origin = head.only_header("origin").and_then(Origin::parse).ok_or(Refusal::Origin)?;
        let known = match origin {
            Origin::Local => true,
            Origin::Web(page) => match self.bind {
                BindKind::Loopback => is_loopback_name(&page),
                BindKind::Other => page.same_host(host) || self.is_allowed(&page),
            },
        };
        if known { Ok(()) } else { Err(Refusal::Origin) }
    }

    fn is_allowed(&self, host: &Authority<'_>) -> bool {
        self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host.host()))
    }
}

/// The token in the value of an `Authorization` header (RFC 6750, 2.1).
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = str::from_utf8(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' '))
}

/// The three names of this machine as the original knows them; no other spelling of the same address.
fn is_loopback_name(host: &Authority<'_>) -> bool {
    matches!(host.host(), "127.0.0.1" | "[::1]") || host.host().eq_ignore_ascii_case("localhost")
}

/// An address cannot be rebound by a name server.
fn is_ip(host: &Authority<'_>) -> bool {
    let name = host.host();
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Where the page comes from that opens the connection.
enum Origin<'a> {
    /// `null`, or a scheme other than http and https.
    Local,
    /// A page served by this host.
    Web(Authority<'a>),
}

impl<'a> Origin<'a> {
    /// Reads the value of the header; `None` if it is neither `null` nor `scheme://…`, or if a web origin is
    /// more than scheme, host and port.
    fn parse(value: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        if text == "null" {
            return Some(Origin::Local);
        }
        let (scheme, rest) = text.split_once(':')?;
        let is_scheme_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(is_scheme_char) {
            return None;
        }
        let rest = rest.strip_prefix("//")?;
        if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
            return Authority::parse(rest.as_bytes()).map(Origin::Web);
        }
        Some(Origin::Local)
    }
}

/// Why somebody may not connect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// No token, or a wrong one.
    Credential,
    /// The peer is not on this machine.
    Peer,
    /// `Host` of an upgrade is missing, sent twice, or not ours.
    Host,
    /// `Origin` names a foreign page.
    Origin,
    /// There is no WebSocket at this path; for the caller, who knows the paths.
    UnknownPath,
    /// The name of the channel is missing or none; for the caller, who knows names.
    Channel,
    /// As many channels as may be have subscribers; for the caller, who counts them.
    ChannelsFull,
    /// `Host` of a plain request is missing, sent twice, or not ours.
    PlainHost,
    /// What is the operator's alone was asked for without the token, or with a wrong one.
    Bearer,
}

impl Refusal {
    /// The status code of the answer.
    pub fn status(self) -> u16 {
        match self {
            Refusal::PlainHost => 400,
            Refusal::Bearer => 401,
            Refusal::ChannelsFull => 503,
            _ => 403,
        }
    }

    /// The whole answer; the connection closes after it. A refused upgrade is told no reason, as in the
    /// original.
    pub fn answer(self) -> Vec<u8> {
        const INVALID_HOST: &[u8] =
            br#"{"detail":"Invalid Host header. Use an address or name this gateway was started with."}"#;
        if self == Refusal::PlainHost {
            return response(self.status(), "application/json", INVALID_HOST, &[], false);
        }
        let challenge: &[(&str, &str)] =
            if self == Refusal::Bearer { &[("WWW-Authenticate", "Bearer")] } else { &[] };
        response(self.status(), "text/plain", b"", challenge, false)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Credential | Refusal::Bearer => "bad credential",
            Refusal::Peer => "peer is not local",
            Refusal::Host | Refusal::PlainHost => "Host not accepted",
            Refusal::Origin => "Origin not accepted",
            Refusal::UnknownPath => "no WebSocket at this path",
            Refusal::Channel => "no name of a channel",
            Refusal::ChannelsFull => "too many channels",
        })
    }
}

impl std::error::Error for Refusal {}
