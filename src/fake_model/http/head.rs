//! The request head: parsed by `httparse`, bounded and judged here. Knows how the body will come, but not the
//! body.

use super::RequestError;
use crate::fake_model::limits::BODY_MAX;
use crate::transport::http::{MAX_HEAD, MAX_HEADERS, MAX_TARGET};

/// What a request asks to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::fake_model) enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// Anything else; nothing here is served to it.
    Other,
}

/// How the body comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// So many bytes, at most [`BODY_MAX`].
    Sized(usize),
    /// In chunks.
    Chunked,
}

/// A request head that may be answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::fake_model) struct Head {
    /// What to do.
    pub(in crate::fake_model) method: Method,
    /// The path as sent, without slashes at its end.
    pub(in crate::fake_model) path: String,
    /// What follows the first `?`, as sent.
    pub(in crate::fake_model) query: String,
    /// Whether the client wants the connection kept.
    pub(in crate::fake_model) keep_alive: bool,
    /// Whether it understands chunks, which came with HTTP/1.1.
    pub(in crate::fake_model) chunks: bool,
    /// Whether it waits for `100 Continue` before it sends the body.
    pub(super) expects_continue: bool,
    /// How the body comes.
    pub(super) framing: Framing,
}

/// Parses the head at the start of `input`, all bytes received so far. `None` asks for more; otherwise the second
/// part says how many bytes the head took.
///
/// # Errors
/// When no further byte can make the head acceptable.
pub(super) fn parse_head(input: &[u8]) -> Result<Option<(Head, usize)>, RequestError> {
    let window = &input[..input.len().min(MAX_HEAD)];
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(consumed) = request.parse(window)? else {
        return if window.len() < MAX_HEAD { Ok(None) } else { Err(oversized(window)) };
    };
    let target = request.path.unwrap_or_default();
    if target.len() > MAX_TARGET {
        return Err(RequestError::TargetTooLong);
    }
    if !target.starts_with('/') || target.contains('#') {
        return Err(RequestError::Malformed);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = Fields(request.headers);
    let http11 = request.version == Some(1);
    let head = Head {
        method: match request.method {
            Some("GET") => Method::Get,
            Some("POST") => Method::Post,
            _ => Method::Other,
        },
        path: path.trim_end_matches('/').to_owned(),
        query: query.to_owned(),
        keep_alive: if http11 {
            !fields.lists("connection", "close")
        } else {
            fields.lists("connection", "keep-alive")
        },
        chunks: http11,
        expects_continue: fields.expects_continue()? && http11,
        framing: fields.framing()?,
    };
    Ok(Some((head, consumed)))
}

/// Which part of a head that fills `window` is to blame.
fn oversized(window: &[u8]) -> RequestError {
    if window.contains(&b'\n') { RequestError::HeadTooLarge } else { RequestError::TargetTooLong }
}

/// The header lines.
struct Fields<'a>(&'a [httparse::Header<'a>]);

impl<'a> Fields<'a> {
    /// The values of every header called `name`, in any case, without surrounding blanks.
    fn values(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| field.value.trim_ascii())
    }

    /// Whether the comma-separated lists of all headers called `name` hold `token`, in any case.
    fn lists(&self, name: &'static str, token: &str) -> bool {
        let mut items = self.values(name).flat_map(|value| value.split(|byte| *byte == b','));
        items.any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    fn expects_continue(&self) -> Result<bool, RequestError> {
        let mut expected = false;
        for value in self.values("expect") {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(RequestError::Expectation);
            }
            expected = true;
        }
        Ok(expected)
    }

    /// A length beside chunks, or two lengths, are how requests are smuggled (RFC 9112, 6.3): refused, even when
    /// they agree.
    fn framing(&self) -> Result<Framing, RequestError> {
        let mut codings = self.values("transfer-encoding");
        let mut lengths = self.values("content-length");
        match (codings.next(), lengths.next()) {
            (None, None) => Ok(Framing::Sized(0)),
            (None, Some(length)) if lengths.next().is_none() => sized(length),
            (Some(coding), None) if codings.next().is_none() => match coding.eq_ignore_ascii_case(b"chunked")
            {
                true => Ok(Framing::Chunked),
                false => Err(RequestError::Coding),
            },
            _ => Err(RequestError::Length),
        }
    }
}

fn sized(length: &[u8]) -> Result<Framing, RequestError> {
    // Digits only: `parse` alone would take a plus sign too.
    if length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
        return Err(RequestError::Length);
    }
    // A number that does not fit is too large all the more.
    let length =
        std::str::from_utf8(length).ok().and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX);
    if length > BODY_MAX { Err(RequestError::BodyTooLarge) } else { Ok(Framing::Sized(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &str) -> Result<Head, RequestError> {
        let text = format!("POST /v1/chat/completions/?a=b HTTP/1.1\r\n{lines}\r\n");
        parse_head(text.as_bytes()).map(|head| head.unwrap().0)
    }

    #[test]
    fn reads_what_matters() {
        let read = head("Host: h\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n").unwrap();
        let expected = Head {
            method: Method::Post,
            path: "/v1/chat/completions".into(),
            query: "a=b".into(),
            keep_alive: true,
            chunks: true,
            expects_continue: true,
            framing: Framing::Sized(12),
        };
        assert_eq!(read, expected);
        assert_eq!(head("Transfer-Encoding: Chunked\r\n").unwrap().framing, Framing::Chunked);
        assert_eq!(head("").unwrap().framing, Framing::Sized(0));
    }

    #[test]
    fn waits_for_the_blank_line_and_says_what_it_took() {
        let bytes = b"GET / HTTP/1.0\r\nHost: h\r\n\r\nrest";
        for end in 0..bytes.len() - 4 {
            assert_eq!(parse_head(&bytes[..end]), Ok(None), "{end}");
        }
        let (head, consumed) = parse_head(bytes).unwrap().unwrap();
        assert_eq!((head.path.as_str(), &bytes[consumed..]), ("", &b"rest"[..]));
        assert!(!head.keep_alive && !head.chunks, "HTTP/1.0");
    }

    #[test]
    fn keep_alive_follows_version_and_header() {
        assert!(!head("Connection: x, Close\r\n").unwrap().keep_alive);
        let old = b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
        assert!(parse_head(old).unwrap().unwrap().0.keep_alive);
    }

    #[test]
    fn refuses_by_name() {
        let table = [
            ("Content-Length: 1\r\nContent-Length: 1\r\n", RequestError::Length, 400),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", RequestError::Length, 400),
            ("Content-Length: +1\r\n", RequestError::Length, 400),
            ("Content-Length: \r\n", RequestError::Length, 400),
            ("Content-Length: 1, 1\r\n", RequestError::Length, 400),
            ("Content-Length: 33554433\r\n", RequestError::BodyTooLarge, 413),
            ("Content-Length: 99999999999999999999999\r\n", RequestError::BodyTooLarge, 413),
            ("Transfer-Encoding: gzip\r\n", RequestError::Coding, 501),
            ("Transfer-Encoding: gzip, chunked\r\n", RequestError::Coding, 501),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", RequestError::Length, 400),
            ("Expect: a-miracle\r\n", RequestError::Expectation, 417),
            ("bad header: 1\r\n", RequestError::Malformed, 400),
        ];
        for (lines, error, status) in table {
            assert_eq!(head(lines), Err(error), "{lines:?}");
            assert_eq!(error.status(), status);
        }
        for (bytes, error) in [
            ("\u{16}\u{3}\u{1} TLS", RequestError::Malformed),
            ("GET http://elsewhere/ HTTP/1.1\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/2.0\r\n\r\n", RequestError::Version),
        ] {
            assert_eq!(parse_head(bytes.as_bytes()), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn every_bound_holds() {
        assert_eq!(head(&format!("A: {}\r\n", "a".repeat(MAX_HEAD))), Err(RequestError::HeadTooLarge));
        assert_eq!(head(&"A: 1\r\n".repeat(MAX_HEADERS + 1)), Err(RequestError::HeadTooLarge));
        assert!(head(&"A: 1\r\n".repeat(MAX_HEADERS)).is_ok());
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(MAX_TARGET));
        assert_eq!(parse_head(long.as_bytes()), Err(RequestError::TargetTooLong));
        let endless = format!("GET /{}", "a".repeat(MAX_HEAD));
        assert_eq!(parse_head(endless.as_bytes()), Err(RequestError::TargetTooLong));
        assert_eq!(
            head(&format!("Content-Length: {BODY_MAX}\r\n")).unwrap().framing,
            Framing::Sized(BODY_MAX)
        );
    }
}
