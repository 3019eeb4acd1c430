//! Writing a response. Knows no request.

use std::io::Write;

/// A whole HTTP/1.1 response. Header names are ours and trusted; a control character in a value becomes a
/// space, so that no value can start a new header.
pub fn response(
    status: u16,
    content_type: &str,
    body: &[u8],
    extra_headers: &[(&str, &str)],
    keep_alive: bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + body.len());
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "HTTP/1.1 {status} {}\r\n", reason(status));
    append_header(&mut out, "Content-Type", content_type);
    append_header(&mut out, "Content-Length", &body.len().to_string());
    append_header(&mut out, "Connection", if keep_alive { "keep-alive" } else { "close" });
    for (name, value) in extra_headers {
        append_header(&mut out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

fn append_header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase (RFC 9110, 15); empty for a code this server does not send.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::response;

    #[test]
    fn writes_every_part() {
        let bytes = response(200, "application/json", b"{}", &[("Cache-Control", "no-store")], true);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
             Connection: keep-alive\r\nCache-Control: no-store\r\n\r\n{}"
        );
    }

    #[test]
    fn a_value_cannot_start_a_header() {
        let bytes = response(404, "text/plain", b"", &[("X", "a\r\nSet-Cookie: b")], false);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("X: a  Set-Cookie: b\r\n\r\n"), "{text}");
        assert!(text.contains("Connection: close\r\n"), "{text}");
    }
}
