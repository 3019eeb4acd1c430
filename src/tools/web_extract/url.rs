//! Web addresses as models and servers write them: read, joined, and refused when they would give a secret
//! away. Pure. Knows nothing of where a name leads.

use std::fmt;

use ureq::http::Uri;

use crate::base::mask::{mask, mask_with};

/// Longest address, in bytes; what servers take at least (RFC 9110 asks for 8,000), halved.
const URL_BYTES_MAX: usize = 4_000;

/// Names of parameters that carry secrets; in small letters, with `_` for `-`.
const SECRET_NAMES: &[&str] = &[
    "access_key",
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "auth_token",
    "authorization",
    "client_secret",
    "credential",
    "credentials",
    "id_token",
    "jwt",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "session_token",
    "sig",
    "signature",
    "token",
    "x_amz_credential",
    "x_amz_security_token",
    "x_amz_signature",
    "x_goog_credential",
    "x_goog_signature",
];

/// A parameter of this name may be harmless; a value of this length is a key.
const KEY_NAME: &str = "key";
const KEY_CHARS_MIN: usize = 16;

/// How the keys of well-known services begin, and the least length of one.
const SECRET_STARTS: &[&str] = &[
    "AIza",
    "AKIA",
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hf_",
    "npm_",
    "pypi-",
    "sk-",
    "xoxb-",
    "xoxp-",
];
const SECRET_CHARS_MIN: usize = 20;

/// Why an address is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum UrlFlaw {
    /// More than [`URL_BYTES_MAX`] bytes.
    TooLong,
    /// No address.
    Malformed,
    /// Neither http nor https.
    Scheme,
    /// A name or a password before the host.
    Credentials,
    /// Something that looks like a key.
    Secret,
}

impl fmt::Display for UrlFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlFlaw::TooLong => write!(f, "The address has more than {URL_BYTES_MAX} bytes."),
            UrlFlaw::Malformed => f.write_str("This is no web address (a host has to be in ASCII)."),
            UrlFlaw::Scheme => f.write_str("Only http and https are read."),
            UrlFlaw::Credentials => f.write_str("An address with a name or a password in it is not read."),
            UrlFlaw::Secret => f.write_str("The address has something in it that looks like a secret key."),
        }
    }
}

/// Reads what a model wrote. Without a scheme it is https.
pub(super) fn parse(written: &str) -> Result<Uri, UrlFlaw> {
    let text = written.trim();
    if text.len() > URL_BYTES_MAX {
        return Err(UrlFlaw::TooLong);
    }
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url: Uri = encoded(without_fragment(&text)).parse().map_err(|_| UrlFlaw::Malformed)?;
    check(&url)?;
    if has_secret(&text) { Err(UrlFlaw::Secret) } else { Ok(url) }
}

/// Whether it may be asked at all, by its letters; also for what a server redirects to.
pub(super) fn check(url: &Uri) -> Result<(), UrlFlaw> {
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(UrlFlaw::Scheme);
    }
    let authority = url.authority().ok_or(UrlFlaw::Malformed)?;
    if authority.as_str().contains('@') {
        return Err(UrlFlaw::Credentials);
    }
    let host = authority.host();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match literal {
        Some(address) => address.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c)),
        None => !host.is_empty() && host.chars().all(is_name),
    };
    if fits { Ok(()) } else { Err(UrlFlaw::Malformed) }
}

/// What a reference in a page or an answer means there (RFC 3986, 5.2); `None` when it is no address.
pub(super) fn join(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = without_fragment(reference.trim());
    if reference.len() > URL_BYTES_MAX {
        return None;
    }
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    if has_scheme(reference) {
        return encoded(reference).parse().ok();
    }
    if let Some(rest) = reference.strip_prefix("//") {
        return encoded(&format!("{scheme}://{rest}")).parse().ok();
    }
    let path = match reference.as_bytes().first() {
        None => return Some(base.clone()),
        Some(b'/') => reference.to_owned(),
        Some(b'?') => format!("{}{reference}", base.path()),
        Some(_) => {
            let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{reference}")
        }
    };
    encoded(&format!("{scheme}://{authority}{}", without_dots(&path))).parse().ok()
}

fn without_fragment(text: &str) -> &str {
    text.split('#').next().unwrap_or_default()
}

/// Whether a colon comes before anything else that ends a name.
fn has_scheme(reference: &str) -> bool {
    let end = reference.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    reference.starts_with(|c: char| c.is_ascii_alphabetic())
        && end.is_some_and(|end| reference[end..].starts_with(':'))
}

/// Characters that must not stand in an address, as `%XX`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A path and its query without `.` and `..`.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for part in path.split('/').skip(1) {
        ends_in_folder = matches!(part, "." | "..");
        match part {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(part),
        }
    }
    let slash = if ends_in_folder && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}{query}", kept.join("/"))
}

/// Whether the address holds a registered secret or what looks like a key. A page's server, and whoever reads
/// its log, would have it.
fn has_secret(text: &str) -> bool {
    let plain = decoded(text);
    [text, plain.as_str()].into_iter().any(|text| mask(text) != mask_with(text, &[]))
        || plain.split(['?', '#', '&', ';']).skip(1).any(is_secret_pair)
        || plain.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))).any(is_secret_word)
}

fn is_secret_pair(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else { return false };
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    (SECRET_NAMES.contains(&name.as_str()) && !value.is_empty())
        || (name == KEY_NAME && value.chars().count() >= KEY_CHARS_MIN)
}

/// A title in an address is in small letters; a key has both cases, or capitals, and digits.
fn is_secret_word(word: &str) -> bool {
    word.len() >= SECRET_CHARS_MIN
        && SECRET_STARTS.iter().any(|start| word.starts_with(start))
        && word.contains(|c: char| c.is_ascii_uppercase())
        && word.contains(|c: char| c.is_ascii_digit())
}

/// With `%XX` read once.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if let (b'%', [high, low, behind @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            bytes.push((high << 4) | low);
            rest = behind;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_models_write_them() {
        for (written, want) in [
            ("https://example.org", "https://example.org/"),
            (" example.org/a#part ", "https://example.org/a"),
            ("http://example.org:8080/ä b?q=ü", "http://example.org:8080/%C3%A4%20b?q=%C3%BC"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
            ("https://example.org/%2e?key=name&lang=sk-sk", "https://example.org/%2e?key=name&lang=sk-sk"),
            ("https://example.org/sk-hynix-opens-plant-42-in-spring", ""),
        ] {
            let want = if want.is_empty() { written } else { want };
            assert_eq!(parse(written).map(|url| url.to_string()).as_deref(), Ok(want), "{written}");
        }
    }

    #[test]
    fn what_is_no_public_page_is_refused() {
        for (written, want) in [
            ("", UrlFlaw::Malformed),
            ("https://", UrlFlaw::Malformed),
            ("https://exämple.org/", UrlFlaw::Malformed),
            ("https://a b/", UrlFlaw::Malformed),
            ("file:///etc/passwd", UrlFlaw::Malformed),
            ("ftp://example.org/", UrlFlaw::Scheme),
            ("https://user:pass@example.org/", UrlFlaw::Credentials),
            ("https://example.org/?Api-Key=x", UrlFlaw::Secret),
            ("https://example.org/?a=1&access_token=x", UrlFlaw::Secret),
            ("https://example.org/#token=x", UrlFlaw::Secret),
            ("https://example.org/?%74oken=x", UrlFlaw::Secret),
            ("https://example.org/?key=0123456789abcdef", UrlFlaw::Secret),
            ("https://example.org/ghp_0123456789abcdefABCD/x", UrlFlaw::Secret),
        ] {
            assert_eq!(parse(written).err(), Some(want), "{written}");
        }
        let long = format!("https://example.org/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(parse(&long), Err(UrlFlaw::TooLong));
    }

    #[test]
    fn registered_secrets_never_leave() {
        crate::base::mask::register_secret("url-test-canary");
        for written in ["https://example.org/url-test-canary", "https://example.org/?q=url%2Dtest%2Dcanary"] {
            assert_eq!(parse(written), Err(UrlFlaw::Secret), "{written}");
        }
    }

    #[test]
    fn references_are_joined() {
        let base: Uri = "https://example.org/a/b?q=1".parse().unwrap();
        for (reference, want) in [
            ("", "https://example.org/a/b?q=1"),
            ("#x", "https://example.org/a/b?q=1"),
            ("c", "https://example.org/a/c"),
            ("../c/./d?e=../f", "https://example.org/c/d?e=../f"),
            ("../../../c/..", "https://example.org/"),
            ("/c/", "https://example.org/c/"),
            ("?r=2", "https://example.org/a/b?r=2"),
            ("//other.org/x", "https://other.org/x"),
            ("http://other.org/x", "http://other.org/x"),
            ("c:d", ""),
        ] {
            let joined = join(&base, reference).filter(|url| check(url).is_ok());
            assert_eq!(joined.map(|url| url.to_string()).unwrap_or_default(), want, "{reference}");
        }
        assert_eq!(join(&base, &"x".repeat(URL_BYTES_MAX + 1)), None);
    }
}
