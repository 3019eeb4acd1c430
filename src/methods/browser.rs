//! The browser that agents are to drive: where it listens. A browser is looked for and never started, and
//! what was not reached is not called connected.

use serde_json::{Map, Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply, Then};
use crate::model::browser::{BrowserProbe, ProbeBy};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] =
    &[Method::new("browser.manage", Lane::Pool, "Name the browser that agents drive.", manage)];

/// Where a browser listens unless told otherwise (the original's).
const DEFAULT_URL: &str = "http://127.0.0.1:9222";
const DEFAULT_HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];
const DEFAULT_PORT: u16 = 9222;
const DEFAULT_PATHS: [&str; 4] = ["", "/", "/json", "/json/version"];

/// The beginning of the path of one certain browser, which is kept.
const BROWSER_PATH: &str = "/devtools/browser/";

/// Longest URL, in characters; browsers' own are shorter than a hundred.
const URL_CHARS_MAX: usize = 4_096;

/// Characters of an unknown word, or of a URL that is too long, that are repeated.
const ECHO_CHARS: usize = 100;

fn manage(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    match params.text("action")?.unwrap_or("status") {
        // The original says connected where a URL is configured, whether anything listens or not.
        "status" => {
            let url = ctx.gateway.browser().map(str::to_owned);
            let connected = url.is_some();
            let url = url.unwrap_or_else(|| configured(&ctx.gateway.settings().raw_json));
            Ok(Reply::Now(json!({ "connected": connected, "url": url })))
        }
        "disconnect" => {
            ctx.gateway.set_browser(None);
            Ok(Reply::Now(json!({ "connected": false })))
        }
        "connect" => connect(params),
        other => {
            let shown: String = other.chars().take(ECHO_CHARS).collect();
            Err(RpcError::new(4015, format!("unknown action: {shown}")))
        }
    }
}

/// `browser.cdp_url`.
fn configured(settings: &str) -> String {
    let document: Value = serde_json::from_str(settings).unwrap_or_default();
    let url = document.get("browser").and_then(|browser| browser.get("cdp_url")).and_then(Value::as_str);
    url.unwrap_or_default().trim().to_owned()
}

fn connect(params: &Params) -> Result<Reply, RpcError> {
    let given = match params.get("url") {
        None => "",
        Some(Value::String(url)) => url.trim(),
        Some(other) => {
            let text = format!("browser url must be a string, got {}", type_name(other));
            return Err(RpcError::new(4015, text));
        }
    };
    let session = SessionId::parse(params.text_or_empty("session_id")?);
    let endpoint = Endpoint::read(if given.is_empty() { DEFAULT_URL } else { given })?;
    let probe = Box::new(endpoint.probe());
    let then = Then::new(move |ctx, result| match result {
        JobResult::Browser(found) => connected(ctx, session, endpoint, found),
        other => Err(failed(5031, other)),
    });
    Ok(Reply::Then(JobSpec::Browser(probe), then))
}

/// What the look came to. Lines for people go to the session as they are, and again with the result.
fn connected(
    ctx: &mut Ctx<'_>,
    session: Option<SessionId>,
    endpoint: Endpoint,
    found: Result<(), String>,
) -> Result<Value, RpcError> {
    let mut messages = Vec::new();
    let mut say = |ctx: &mut Ctx<'_>, message: &str, level: &'static str| {
        if let Some(id) = session {
            ctx.gateway.tell_of_browser(id, message, level);
        }
        messages.push(message.to_owned());
    };
    let url = endpoint.url();
    let mut result = Map::new();
    match found {
        Ok(()) => {
            if endpoint.is_default() {
                let line = format!("Chromium-family browser is already listening on port {DEFAULT_PORT}");
                say(ctx, &line, "info");
            }
            ctx.gateway.set_browser(Some(url.clone()));
            result.insert("connected".to_owned(), true.into());
        }
        Err(_) if endpoint.is_default() => {
            let line = format!("No browser listens on port {DEFAULT_PORT}, and this server starts none.");
            say(ctx, &line, "info");
            let line = format!(
                "Start a Chromium-family browser with --remote-debugging-port={DEFAULT_PORT}, then connect."
            );
            say(ctx, &line, "error");
            result.insert("connected".to_owned(), false.into());
        }
        Err(why) => {
            let given = &endpoint.given;
            let text = match endpoint.is_one_browser() {
                true => format!("could not reach browser CDP at {given}: {why}"),
                false => format!("could not reach browser CDP at {given}"),
            };
            return Err(RpcError::new(5031, text));
        }
    }
    result.insert("url".to_owned(), url.into());
    if !messages.is_empty() {
        result.insert("messages".to_owned(), messages.into());
    }
    Ok(Value::Object(result))
}

/// A URL taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Endpoint {
    /// As it came.
    given: String,
    /// The same with a scheme.
    whole: String,
    scheme: &'static str,
    /// Host and port as they came, with a user's name if there is one.
    authority: String,
    /// In lower case, without brackets.
    host: String,
    port: u16,
    path: String,
}

impl Endpoint {
    fn read(given: &str) -> Result<Self, RpcError> {
        let refused = |what: &str| RpcError::new(4015, format!("{what} browser url: {given}"));
        if given.chars().nth(URL_CHARS_MAX).is_some() {
            let shown: String = given.chars().take(ECHO_CHARS).collect();
            return Err(RpcError::new(4015, format!("unsupported browser url: {shown}…")));
        }
        let whole = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
        // Its host goes into the head of a request.
        let is_plain = !whole.contains(|c: char| c.is_control() || c.is_whitespace());
        let (scheme, rest) = whole.split_once("://").filter(|_| is_plain).unwrap_or(("", ""));
        let mut known = ["http", "https", "ws", "wss"].into_iter();
        let scheme = known.find(|known| scheme.eq_ignore_ascii_case(known));
        let scheme = scheme.ok_or_else(|| refused("unsupported"))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let (host, port) = place_parts(place).ok_or_else(|| refused("missing host in"))?;
        if host.is_empty() {
            return Err(refused("missing host in"));
        }
        let usual = if matches!(scheme, "https" | "wss") { 443 } else { 80 };
        let port = match port {
            "" => usual,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse::<u16>() {
                // The original takes 0 for none as well.
                Ok(0) => usual,
                Ok(port) => port,
                Err(_) => return Err(refused("invalid port in")),
            },
            _ => return Err(refused("invalid port in")),
        };
        let endpoint = Self {
            given: given.to_owned(),
            scheme,
            authority: authority.to_owned(),
            host: host.to_lowercase(),
            port,
            path: path.to_owned(),
            whole,
        };
        // All the ways to write the usual place are one.
        if endpoint.is_default() && endpoint.given != DEFAULT_URL {
            return Self::read(DEFAULT_URL);
        }
        Ok(endpoint)
    }

    /// Whether it is the place where browsers listen on this machine.
    fn is_default(&self) -> bool {
        matches!(self.scheme, "http" | "ws")
            && DEFAULT_HOSTS.contains(&self.host.as_str())
            && self.port == DEFAULT_PORT
            && DEFAULT_PATHS.contains(&self.path.as_str())
    }

    /// Whether it has no pages to ask for: it is the socket of one browser.
    fn is_one_browser(&self) -> bool {
        matches!(self.scheme, "ws" | "wss") && self.path.starts_with(BROWSER_PATH)
    }

    fn probe(&self) -> BrowserProbe {
        let by = match self.is_one_browser() {
            true => ProbeBy::Connecting,
            false => ProbeBy::Asking { secure: matches!(self.scheme, "https" | "wss") },
        };
        BrowserProbe { host: self.host.clone(), port: self.port, by }
    }

    /// As it is kept.
    fn url(&self) -> String {
        if self.path.starts_with(BROWSER_PATH) {
            self.whole.clone()
        } else {
            format!("{}://{}", self.scheme, self.authority)
        }
    }
}

/// Host and port of `host:port` or `[address]:port`; `None` when a bracket is open.
fn place_parts(place: &str) -> Option<(&str, &str)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return Some((host, rest.strip_prefix(':').unwrap_or(rest)));
    }
    Some(place.split_once(':').unwrap_or((place, "")))
}

/// A type as the original names it.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(given: &str) -> Result<String, String> {
        Endpoint::read(given).map(|endpoint| endpoint.url()).map_err(|error| error.message.into_owned())
    }

    #[test]
    fn urls_become_what_is_kept() {
        for (given, want) in [
            ("http://127.0.0.1:9333/json", "http://127.0.0.1:9333"),
            ("127.0.0.1:9333", "http://127.0.0.1:9333"),
            ("HTTP://Host:1/x?y#z", "http://Host:1"),
            ("https://user@host/", "https://user@host"),
            ("ws://host:1/devtools/browser/ab?c", "ws://host:1/devtools/browser/ab?c"),
            ("http://[::1]:9333", "http://[::1]:9333"),
            ("ws://localhost:9222/json/version", DEFAULT_URL),
            ("localhost:9222", DEFAULT_URL),
            ("http://127.0.0.1:9222/", DEFAULT_URL),
            ("ws://127.0.0.1:9222/devtools/browser/a", "ws://127.0.0.1:9222/devtools/browser/a"),
            ("https://localhost:9222", "https://localhost:9222"),
        ] {
            assert_eq!(url(given).as_deref(), Ok(want), "{given}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_the_text_as_given() {
        for (given, want) in [
            ("ftp://x", "unsupported browser url: ftp://x"),
            ("http://a\r\nb", "unsupported browser url: http://a\r\nb"),
            ("://x", "unsupported browser url: ://x"),
            ("http://", "missing host in browser url: http://"),
            (":9222", "missing host in browser url: :9222"),
            ("http://[::1", "missing host in browser url: http://[::1"),
            ("http://x:y", "invalid port in browser url: http://x:y"),
            ("x:99999", "invalid port in browser url: x:99999"),
        ] {
            assert_eq!(url(given).as_deref(), Err(&want.to_owned()), "{given}");
        }
        assert!(url(&"x".repeat(99_999)).unwrap_err().len() < 200);
    }

    #[test]
    fn one_browser_is_not_asked_for_pages() {
        let by = |given: &str| Endpoint::read(given).unwrap().probe().by;
        assert_eq!(by("wss://h/devtools/browser/a"), ProbeBy::Connecting);
        assert_eq!(by("http://h/devtools/browser/a"), ProbeBy::Asking { secure: false });
        assert_eq!(by("wss://h/"), ProbeBy::Asking { secure: true });
        assert_eq!(Endpoint::read("http://[::1]:1").unwrap().probe().host, "::1");
    }
}
