//! Where a request goes and how one identifies oneself there. Pure; the only place besides the client that
//! exposes the key.

use crate::base::secret::Secret;

/// Anthropic's own host.
pub(in crate::agent) const HOST: &str = "api.anthropic.com";

/// The list of models: as many on one page as there may be (its documentation): only one page is read.
pub(in crate::agent) const MODELS: &str = "models?limit=1000";

/// What stands before every page, whether or not the address has it already.
const PREFIX: &str = "/v1";

/// The version whose shapes are written and read here (its documentation).
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// How tokens of logins begin. They are no keys: they go into another header, and need a word of consent (the
/// original's).
const LOGIN_TOKEN: &str = "sk-ant-oat";
const LOGIN_CONSENT: (&str, &str) = ("anthropic-beta", "oauth-2025-04-20");

/// The address of a page.
pub(in crate::agent) fn url(base_url: &str, page: &str) -> String {
    let base = base_url.trim_end_matches('/');
    format!("{}{PREFIX}/{page}", base.strip_suffix(PREFIX).unwrap_or(base))
}

/// The headers of a request to this host, names and values.
pub(in crate::agent) fn headers(host: &str, key: Option<&Secret>) -> Vec<(&'static str, String)> {
    let mut headers = vec![(VERSION.0, VERSION.1.to_owned())];
    let Some(key) = key.map(Secret::expose) else { return headers };
    let bearer = ("Authorization", format!("Bearer {key}"));
    if key.starts_with(LOGIN_TOKEN) {
        headers.push(bearer);
        headers.push((LOGIN_CONSENT.0, LOGIN_CONSENT.1.to_owned()));
        return headers;
    }
    headers.push(("x-api-key", key.to_owned()));
    // Others who speak it differ in which of the two they read.
    if host != HOST {
        headers.push(bearer);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_stand_below_any_base() {
        for (base, want) in [
            ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
            ("https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"),
            ("http://p/anthropic/", "http://p/anthropic/v1/messages"),
        ] {
            assert_eq!(url(base, "messages"), want);
        }
    }

    #[test]
    fn keys_and_tokens_go_into_headers_of_their_own() {
        let names = |host: &str, key: Option<&str>| {
            let key = key.map(Secret::new);
            headers(host, key.as_ref()).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(HOST, None), ["anthropic-version"]);
        assert_eq!(names(HOST, Some("sk-ant-api03-x")), ["anthropic-version", "x-api-key"]);
        assert_eq!(
            names(HOST, Some("sk-ant-oat01-x")),
            ["anthropic-version", "Authorization", "anthropic-beta"]
        );
        assert_eq!(names("p", Some("k")), ["anthropic-version", "x-api-key", "Authorization"]);
        let token = Secret::new("sk-ant-oat01-x");
        assert_eq!(headers(HOST, Some(&token))[1].1, "Bearer sk-ant-oat01-x");
    }
}
