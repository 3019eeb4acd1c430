//! What kind of text a page is, by the name its server gives or by its first bytes. Pure.

/// A kind that can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// HTML, also as XML.
    Html,
    /// Any other text, shown as it is.
    Text,
    /// The server does not say.
    Unnamed,
}

/// Texts among the kinds that do not begin with `text/`.
const TEXTS: &[&str] = &[
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/sql",
    "application/toml",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
];

impl Kind {
    /// By a media type in small letters; `None` when it is no text.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "text/html" | "application/xhtml+xml" => Some(Kind::Html),
            "" | "application/octet-stream" | "binary/octet-stream" => Some(Kind::Unnamed),
            name if name.starts_with("text/") || TEXTS.contains(&name) => Some(Kind::Text),
            // SVG is one as well: drawings are text with labels.
            name if name.ends_with("+json") || name.ends_with("+xml") || name.ends_with("+yaml") => {
                Some(Kind::Text)
            }
            _ => None,
        }
    }

    /// By the bytes, where the server does not say; `None` when they are no text.
    pub(super) fn settle(self, bytes: &[u8]) -> Option<Self> {
        /// Bytes that are looked at.
        const HEAD: usize = 1_024;
        if self != Kind::Unnamed {
            return Some(self);
        }
        let head = bytes.get(..HEAD).unwrap_or(bytes);
        if head.contains(&0) {
            return None;
        }
        let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let begins = |tag: &[u8]| start.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag));
        if begins(b"<!doctype html") || begins(b"<html") {
            return Some(Kind::Html);
        }
        match std::str::from_utf8(head) {
            Err(error) if error.error_len().is_some() => None,
            _ => Some(Kind::Text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_told_apart() {
        for name in ["text/html", "application/xhtml+xml"] {
            assert_eq!(Kind::named(name), Some(Kind::Html), "{name}");
        }
        for name in
            ["text/plain", "text/markdown", "application/json", "application/vnd.api+json", "image/svg+xml"]
        {
            assert_eq!(Kind::named(name), Some(Kind::Text), "{name}");
        }
        for name in ["application/pdf", "image/png", "application/zip", "video/mp4"] {
            assert_eq!(Kind::named(name), None, "{name}");
        }
    }

    #[test]
    fn bytes_say_what_the_server_does_not() {
        let of = |bytes: &[u8]| Kind::Unnamed.settle(bytes);
        assert_eq!(of(b"\xef\xbb\xbf \n<!DOCTYPE html><p>"), Some(Kind::Html));
        assert_eq!([of(b"plain"), of(b""), of("ä".repeat(600).as_bytes())], [Some(Kind::Text); 3]);
        assert_eq!([of(b"a\0b"), of(b"\xff\xd8\xff\xe0JFIF")], [None; 2]);
        assert_eq!(Kind::Text.settle(b"\0"), Some(Kind::Text));
    }
}
