//! The request head: parsed by `httparse`, bounded and judged here. Only `GET` without a body is served, so
//! a head that parses is one that may be answered. Knows no paths and no access rules.

use std::fmt;

use super::response::response;

/// Most bytes of a head, request line and header lines together.
pub const MAX_HEAD: usize = 16 * 1024;
/// Most header lines.
pub const MAX_HEADERS: usize = 64;
/// Most bytes of the request target (path and query).
pub const MAX_TARGET: usize = 8 * 1024;

/// The head of a `GET` request without a body. Borrows from the read buffer.
#[derive(Clone)]
pub struct Head<'a> {
    path: &'a str,
    query: &'a str,
    http11: bool,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Head<'a> {
    /// The path as sent, percent-escapes included; starts with `/`.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// What follows the first `?`, as sent; may hold a credential, so it must not be logged.
    pub fn query(&self) -> &'a str {
        self.query
    }

    /// The value of the first header called `name`, in any case, without surrounding blanks.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers(name).next()
    }

    /// The values of every header called `name`, in any case, in order.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|&(_, value)| value)
    }

    /// How many headers are called `name`, in any case.
    pub fn header_count(&self, name: &str) -> usize {
        self.headers(name).count()
    }

    /// The value of header `name` if it was sent exactly once.
    pub fn only_header(&self, name: &str) -> Option<&'a [u8]> {
        let mut values = self.headers(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// Whether the comma-separated lists of all headers called `name` hold `token`, in any case.
    pub fn header_has_token(&self, name: &str, token: &str) -> bool {
        self.headers(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Whether the request says HTTP/1.1; otherwise it says HTTP/1.0.
    pub fn is_http11(&self) -> bool {
        self.http11
    }

    /// Whether the client expects to send another request on this connection (RFC 9112, 9.3).
    pub fn keep_alive(&self) -> bool {
        if self.http11 {
            !self.header_has_token("connection", "close")
        } else {
            self.header_has_token("connection", "keep-alive")
        }
    }

    /// Whether the client announces a body.
    fn has_body(&self) -> bool {
        let lengths = self.header_count("content-length");
        let empty = lengths == 0 || self.only_header("content-length") == Some(b"0");
        !empty || self.header_count("transfer-encoding") > 0
    }
}

impl fmt::Debug for Head<'_> {
    /// Leaves out the query and all header values: they carry credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head(GET {}, {} headers)", self.path, self.headers.len())
    }
}

/// Why a head is refused. The connection is answered and closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeadError {
    /// Not HTTP, or a target that is not a plain path.
    Malformed,
    /// Announces a body; nothing here takes one.
    Body,
    /// A method other than `GET`.
    Method,
    /// A target above [`MAX_TARGET`].
    TargetTooLong,
    /// A head above [`MAX_HEAD`] or [`MAX_HEADERS`].
    TooLarge,
    /// Neither HTTP/1.1 nor HTTP/1.0.
    Version,
}

impl HeadError {
    /// The status code of the answer.
    pub fn status(self) -> u16 {
        match self {
            HeadError::Malformed | HeadError::Body => 400,
            HeadError::Method => 405,
            HeadError::TargetTooLong => 414,
            HeadError::TooLarge => 431,
            HeadError::Version => 505,
        }
    }

    /// The whole answer; the connection closes after it.
    pub fn answer(self) -> Vec<u8> {
        let allow: &[(&str, &str)] = if self == HeadError::Method { &[("Allow", "GET")] } else { &[] };
        response(self.status(), "text/plain", format!("{self}\n").as_bytes(), allow, false)
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeadError::Malformed => "malformed request",
            HeadError::Body => "request bodies are not accepted",
            HeadError::Method => "only GET is served",
            HeadError::TargetTooLong => "request target too long",
            HeadError::TooLarge => "request head too large",
            HeadError::Version => "HTTP version not supported",
        })
    }
}

impl std::error::Error for HeadError {}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => HeadError::TooLarge,
            httparse::Error::Version => HeadError::Version,
            _ => HeadError::Malformed,
        }
    }
}

/// Parses the request head at the start of `input`, all bytes received so far. `None` asks for more bytes;
/// otherwise the second part says how many bytes the head took.
///
/// # Errors
/// When no further byte can make the head acceptable; see [`HeadError`].
pub fn parse_head(input: &[u8]) -> Result<Option<(Head<'_>, usize)>, HeadError> {
    let window = &input[..input.len().min(MAX_HEAD)];
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    let status = request.parse(window)?;
    let httparse::Status::Complete(consumed) = status else {
        return if window.len() < MAX_HEAD { Ok(None) } else { Err(oversized(window)) };
    };
    if request.method != Some("GET") {
        return Err(HeadError::Method);
    }
    let target = request.path.unwrap_or_default();
    if target.len() > MAX_TARGET {
        return Err(HeadError::TargetTooLong);
    }
    // Origin form only: in absolute form the target, not `Host`, would name the host.
    if !target.starts_with('/') || target.contains('#') {
        return Err(HeadError::Malformed);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = request.headers.iter().map(|h| (h.name, h.value.trim_ascii())).collect();
    let head = Head { path, query, http11: request.version == Some(1), headers };
    if head.has_body() {
        return Err(HeadError::Body);
    }
    Ok(Some((head, consumed)))
}

/// Which part of a head that fills `window` is to blame.
fn oversized(window: &[u8]) -> HeadError {
    if window.contains(&b'\n') { HeadError::TooLarge } else { HeadError::TargetTooLong }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HeadError, MAX_HEAD, MAX_HEADERS, MAX_TARGET, parse_head};

    fn error(head: &str) -> Option<HeadError> {
        parse_head(head.as_bytes()).err()
    }

    #[test]
    fn reads_a_head_and_says_what_it_took() {
        let bytes = b"GET /api/ws?token=a%20b HTTP/1.1\r\nHOST: localhost:1 \r\nX: 1\r\nx: 2\r\n\r\nrest";
        let (head, consumed) = parse_head(bytes).unwrap().unwrap();
        assert_eq!((head.path(), head.query()), ("/api/ws", "token=a%20b"));
        assert_eq!(&bytes[consumed..], b"rest");
        assert_eq!(head.header("host"), Some(&b"localhost:1"[..]));
        assert_eq!((head.header_count("x"), head.only_header("x")), (2, None));
        assert_eq!(head.headers("X").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(head.header("absent"), None);
        assert_eq!(format!("{head:?}"), "Head(GET /api/ws, 3 headers)");
    }

    #[test]
    fn waits_for_the_blank_line() {
        let bytes = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        for end in 0..bytes.len() {
            assert!(parse_head(&bytes[..end]).unwrap().is_none(), "{end}");
        }
        assert!(parse_head(bytes).unwrap().is_some());
    }

    #[test]
    fn refuses_by_name() {
        let table = [
            ("\u{16}\u{3}\u{1}\u{2} TLS", HeadError::Malformed, 400),
            ("GET\r\n\r\n", HeadError::Malformed, 400),
            ("GET http://evil.example/ HTTP/1.1\r\n\r\n", HeadError::Malformed, 400),
            ("GET * HTTP/1.1\r\n\r\n", HeadError::Malformed, 400),
            ("GET /#x HTTP/1.1\r\n\r\n", HeadError::Malformed, 400),
            ("GET / HTTP/1.1\r\nbad header: 1\r\n\r\n", HeadError::Malformed, 400),
            ("GET / HTTP/1.1\r\nA: 1\r\n folded\r\n\r\n", HeadError::Malformed, 400),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", HeadError::Body, 400),
            ("GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", HeadError::Body, 400),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError::Body, 400),
            ("POST / HTTP/1.1\r\n\r\n", HeadError::Method, 405),
            ("get / HTTP/1.1\r\n\r\n", HeadError::Method, 405),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HeadError::Version, 505),
            ("GET / HTTP/3.0\r\n\r\n", HeadError::Version, 505),
        ];
        for (head, expected, status) in table {
            assert_eq!(error(head), Some(expected), "{head:?}");
            assert_eq!(expected.status(), status);
            assert!(expected.answer().starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
        }
        assert_eq!(error("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), None);
    }

    #[test]
    fn every_bound_holds() {
        let target = |n: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(n - 1));
        assert_eq!(error(&target(MAX_TARGET)), None);
        assert_eq!(error(&target(MAX_TARGET + 1)), Some(HeadError::TargetTooLong));
        assert_eq!(error(&format!("GET /{}", "a".repeat(MAX_HEAD))), Some(HeadError::TargetTooLong));

        let many = |n: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "A: 1\r\n".repeat(n));
        assert_eq!(error(&many(MAX_HEADERS)), None);
        assert_eq!(error(&many(MAX_HEADERS + 1)), Some(HeadError::TooLarge));

        let line = "GET / HTTP/1.1\r\nA: ";
        let exact = |n: usize| format!("{line}{}\r\n\r\n", "a".repeat(n - line.len() - 4));
        assert_eq!(error(&exact(MAX_HEAD)), None);
        assert_eq!(error(&exact(MAX_HEAD + 1)), Some(HeadError::TooLarge));
        assert_eq!(error(&format!("{line}{}", "a".repeat(1 << 20))), Some(HeadError::TooLarge));
    }

    #[test]
    fn keep_alive_follows_the_version() {
        let keeps = |rest: &str| {
            let head = format!("GET / HTTP/1.{rest}\r\n\r\n");
            parse_head(head.as_bytes()).unwrap().unwrap().0.keep_alive()
        };
        assert!(keeps("1"));
        assert!(!keeps("1\r\nConnection: foo, Close"));
        assert!(!keeps("0"));
        assert!(keeps("0\r\nConnection: Keep-Alive"));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse_head(&bytes);
            let mut head = b"GET /".to_vec();
            head.extend(&bytes);
            let _ = parse_head(&head);
            let mut head = b"GET / HTTP/1.1\r\n".to_vec();
            head.extend(bytes.iter().map(|byte| byte & 0x7f));
            head.extend(b"\r\n\r\n");
            if let Ok(Some((_, consumed))) = parse_head(&head) {
                prop_assert!(consumed <= head.len());
            }
        }
    }
}
