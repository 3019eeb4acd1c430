//! The server's half of the WebSocket opening handshake (RFC 6455, 4.2). Knows no access rules: whoever
//! calls [`upgrade_reply`] has checked those before.

use std::fmt;

use tungstenite::handshake::derive_accept_key;

use super::http::{Head, response};

/// The one version of the protocol (RFC 6455, 4.2.1).
const VERSION: &str = "13";
/// Characters of a key: 16 bytes in base64.
const KEY_LEN: usize = 24;

/// Why a request cannot become a WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpgradeError {
    /// Not an HTTP/1.1 request.
    Http10,
    /// `Upgrade: websocket` or `Connection: upgrade` is missing.
    NotAnUpgrade,
    /// Another version than 13, none, or several.
    Version,
    /// The key is missing, sent twice, or not 16 bytes in base64.
    Key,
}

impl UpgradeError {
    /// The status code of the answer.
    pub fn status(self) -> u16 {
        match self {
            UpgradeError::Http10 | UpgradeError::Key => 400,
            UpgradeError::NotAnUpgrade | UpgradeError::Version => 426,
        }
    }

    /// The whole answer; the connection closes after it. 426 names what would be accepted.
    pub fn answer(self) -> Vec<u8> {
        let accepted: &[(&str, &str)] = match self.status() {
            426 => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", VERSION)],
            _ => &[],
        };
        response(self.status(), "text/plain", format!("{self}\n").as_bytes(), accepted, false)
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UpgradeError::Http10 => "a WebSocket needs HTTP/1.1",
            UpgradeError::NotAnUpgrade => "this path speaks WebSocket only",
            UpgradeError::Version => "WebSocket version 13 is needed",
            UpgradeError::Key => "bad Sec-WebSocket-Key",
        })
    }
}

impl std::error::Error for UpgradeError {}

/// The `101 Switching Protocols` for `head`. No extension and no subprotocol is ever selected, which RFC 6455
/// allows whatever the client offers.
///
/// # Errors
/// When `head` is not a valid opening handshake; see [`UpgradeError`]. (That the method is `GET` is already
/// certain: no other head parses.)
pub fn upgrade_reply(head: &Head<'_>) -> Result<Vec<u8>, UpgradeError> {
    if !head.is_http11() {
        return Err(UpgradeError::Http10);
    }
    if !head.header_has_token("upgrade", "websocket") || !head.header_has_token("connection", "upgrade") {
        return Err(UpgradeError::NotAnUpgrade);
    }
    if head.only_header("sec-websocket-version") != Some(VERSION.as_bytes()) {
        return Err(UpgradeError::Version);
    }
    let key = head.only_header("sec-websocket-key").filter(|key| is_key(key)).ok_or(UpgradeError::Key)?;
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key)
    )
    .into_bytes())
}

/// Whether `key` is 16 bytes in canonical base64: 22 digits, of which the last carries two bits only, and two
/// padding characters.
fn is_key(key: &[u8]) -> bool {
    let Some(digits) = key.strip_suffix(b"==") else { return false };
    key.len() == KEY_LEN
        && digits.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && matches!(digits.last(), Some(b'A' | b'Q' | b'g' | b'w'))
}

#[cfg(test)]
mod tests {
    use super::{UpgradeError, upgrade_reply};
    use crate::transport::http::parse_head;

    const UPGRADE: &str = "Upgrade: websocket\r\n";
    const CONNECTION: &str = "Connection: Upgrade\r\n";
    const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    fn reply(headers: &[&str]) -> Result<String, UpgradeError> {
        let head = format!("GET /api/ws HTTP/1.1\r\n{}\r\n", headers.concat());
        let (head, _) = parse_head(head.as_bytes()).unwrap().unwrap();
        upgrade_reply(&head).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn answers_the_example_of_the_rfc() {
        let text = reply(&[UPGRADE, CONNECTION, VERSION, KEY]).unwrap();
        assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
        assert!(text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }

    #[test]
    fn reads_lists_and_selects_nothing() {
        let offers = "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: chat\r\n";
        let text = reply(&[
            "Upgrade: foo/1, WebSocket\r\n",
            "Connection: keep-alive, UPGRADE\r\n",
            VERSION,
            KEY,
            offers,
        ])
        .unwrap();
        assert!(!text.contains("Extensions") && !text.contains("Protocol:"), "{text}");
    }

    #[test]
    fn refuses_by_name() {
        let key = |key: &str| format!("Sec-WebSocket-Key: {key}\r\n");
        let table: [(&[&str], UpgradeError); 13] = [
            (&[CONNECTION, VERSION, KEY], UpgradeError::NotAnUpgrade),
            (&[UPGRADE, VERSION, KEY], UpgradeError::NotAnUpgrade),
            (&["Upgrade: websockets\r\n", CONNECTION, VERSION, KEY], UpgradeError::NotAnUpgrade),
            (&[UPGRADE, CONNECTION, KEY], UpgradeError::Version),
            (&[UPGRADE, CONNECTION, "Sec-WebSocket-Version: 8\r\n", KEY], UpgradeError::Version),
            (&[UPGRADE, CONNECTION, VERSION, VERSION, KEY], UpgradeError::Version),
            (&[UPGRADE, CONNECTION, VERSION], UpgradeError::Key),
            (&[UPGRADE, CONNECTION, VERSION, KEY, KEY], UpgradeError::Key),
            (&[UPGRADE, CONNECTION, VERSION, &key("")], UpgradeError::Key),
            (&[UPGRADE, CONNECTION, VERSION, &key("c2hvcnQ=")], UpgradeError::Key),
            (&[UPGRADE, CONNECTION, VERSION, &key("dGhlIHNhbXBsZSBub25jZSE=")], UpgradeError::Key),
            (&[UPGRADE, CONNECTION, VERSION, &key("dGhlIHNhbXBsZSBub25jZR==")], UpgradeError::Key),
            (&[UPGRADE, CONNECTION, VERSION, &key("dGhlIHNhbXBs*SBub25jZQ==")], UpgradeError::Key),
        ];
        for (headers, expected) in table {
            assert_eq!(reply(headers), Err(expected), "{headers:?}");
        }
    }

    #[test]
    fn http_1_0_is_too_old() {
        let head = format!("GET / HTTP/1.0\r\n{UPGRADE}{CONNECTION}{VERSION}{KEY}\r\n");
        let (head, _) = parse_head(head.as_bytes()).unwrap().unwrap();
        assert_eq!(upgrade_reply(&head), Err(UpgradeError::Http10));
    }

    #[test]
    fn status_426_names_what_is_accepted() {
        let text = String::from_utf8(UpgradeError::Version.answer()).unwrap();
        assert!(text.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{text}");
        assert!(text.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{text}");
        assert!(UpgradeError::Key.answer().starts_with(b"HTTP/1.1 400 "));
    }
}
