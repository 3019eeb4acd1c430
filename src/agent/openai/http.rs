//! The HTTP client shared by all turns: connections are kept and used again. Owns time limits, headers and
//! the reading of error responses; knows nothing of what an answer looks like.

use std::io::Read;
use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};
use ureq::{BodyReader, Error, Proxy, RequestBuilder};

use super::failure::{self, Failure};
use super::retry::parse_retry_after;
use super::transport::{Dial, Lookup};
use super::watch::Guard;
use crate::agent::anthropic;
use crate::base::host::is_loopback;
use crate::base::secret::Secret;
use crate::model::settings::{Dialect, ModelSettings};
use crate::trust;

/// Seconds that override [`Limits::whole`].
const TIMEOUT_VARIABLE: &str = "HERMES_API_TIMEOUT";

/// Most bytes read of an error response.
const ERROR_BODY_MAX: u64 = 64 * 1024;

/// How long the rest of an error response may take once its head is there.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(5);

/// Buffer sizes of one connection, in bytes: a TLS record. The input buffer bounds a response's head too.
const BUFFER_SIZE: usize = 16 * 1024;

/// Idle connections kept: in all and for one host. As many turns at once as are usual.
const IDLE_MAX: usize = 16;
const IDLE_PER_HOST_MAX: usize = 8;

/// How long an idle connection is kept; just below what most servers allow.
const IDLE_AGE_MAX: Duration = Duration::from_secs(55);

/// Time limits of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Name lookup, and then connecting with its TLS handshake.
    pub connect: Duration,
    /// From the request to the head of its response. Not for endpoints on this machine, which may have to
    /// load a model first.
    pub head: Duration,
    /// Without a single byte of the response, or without one taken of the request. Not for endpoints on this
    /// machine.
    pub stall: Duration,
    /// The call altogether.
    pub whole: Duration,
}

impl Default for Limits {
    /// 30, 120, 180 and 1800 seconds, as Hermes has them.
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { connect: secs(30), head: secs(120), stall: secs(180), whole: secs(1800) }
    }
}

impl Limits {
    /// The defaults, with the override from the environment.
    pub fn from_env() -> Self {
        let whole = std::env::var(TIMEOUT_VARIABLE).ok().and_then(|value| parse_timeout(&value));
        let default = Self::default();
        Self { whole: whole.unwrap_or(default.whole), ..default }
    }
}

/// Whole or broken seconds above 0; anything else is no override.
fn parse_timeout(value: &str) -> Option<Duration> {
    let seconds: f64 = value.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero())
}

/// The client. Make one per process and share it.
#[derive(Debug)]
pub struct Client {
    /// For endpoints on this machine: no proxy, and patient.
    local: ureq::Agent,
    /// For all others, through the environment's proxy if it names one.
    remote: ureq::Agent,
}

impl Client {
    /// A client with these limits.
    pub fn new(limits: Limits) -> Self {
        let tls = trust::config();
        let config = || {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                // A redirect would change the method and carry the conversation elsewhere.
                .max_redirects(0)
                .user_agent(concat!("tui-gateway/", env!("CARGO_PKG_VERSION")))
                .accept("text/event-stream, application/json")
                .input_buffer_size(BUFFER_SIZE)
                .output_buffer_size(BUFFER_SIZE)
                .max_idle_connections(IDLE_MAX)
                .max_idle_connections_per_host(IDLE_PER_HOST_MAX)
                .max_idle_age(IDLE_AGE_MAX)
                .tls_config(tls.clone())
                .timeout_resolve(Some(limits.connect))
                .timeout_connect(Some(limits.connect))
                .timeout_global(Some(limits.whole))
        };
        let remote = config()
            .proxy(Proxy::try_from_env())
            .timeout_recv_response(Some(limits.head))
            .timeout_per_read(Some(limits.stall))
            .timeout_per_write(Some(limits.stall));
        let chain =
            || ().chain(ConnectProxyConnector::default()).chain(Dial).chain(RustlsConnector::default());
        Self {
            local: ureq::Agent::with_parts(config().proxy(None).build(), chain(), Lookup),
            remote: ureq::Agent::with_parts(remote.build(), chain(), Lookup),
        }
    }

    /// Asks for a document below the endpoint and returns its body once that is no error. `watch` is the
    /// calling thread's, which says how long it may take.
    pub(super) fn get(
        &self,
        endpoint: &ModelSettings,
        name: &str,
        _watch: &Guard,
    ) -> Result<BodyReader<'static>, Failure> {
        let unusable = |_| Failure::Unusable(String::from("The endpoint is not a web address."));
        let uri: Uri = url(endpoint, name).parse().map_err(unusable)?;
        let host = uri.host().unwrap_or_default().to_owned();
        let agent = if is_loopback(&host) { &self.local } else { &self.remote };
        // There, only what is asked in the other dialect takes its headers.
        let dialect = if host == anthropic::HOST { Dialect::Messages } else { endpoint.dialect };
        let request = with_headers(agent.get(uri), headers(dialect, &host, endpoint.api_key.as_ref()));
        let response = request.call().map_err(of_error)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body().into_reader());
        }
        let message = status.canonical_reason().unwrap_or("no message").to_owned();
        Err(Failure::Refused { status: status.as_u16(), message, retry_after: None })
    }

    /// Sends a request for an answer and returns the body of its response once that is no error. `watch` is the
    /// calling thread's.
    pub(super) fn post(
        &self,
        settings: &ModelSettings,
        body: &[u8],
        watch: &Guard,
    ) -> Result<BodyReader<'static>, Failure> {
        if settings.base_url.is_empty() {
            return Err(Failure::Unusable(String::from("No model endpoint is configured (model.base_url).")));
        }
        let page = match settings.dialect {
            Dialect::ChatCompletions => "chat/completions",
            Dialect::Messages => "messages",
        };
        let uri: Uri = url(settings, page)
            .parse()
            .map_err(|_| Failure::Unusable(String::from("model.base_url is not a web address.")))?;
        let host = uri.host().unwrap_or_default().to_owned();
        let agent = if is_loopback(&host) { &self.local } else { &self.remote };
        let request = agent.post(uri).header("Content-Type", "application/json");
        let request = with_headers(request, headers(settings.dialect, &host, settings.api_key.as_ref()));
        let response = request.send(body).map_err(of_error)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body().into_reader());
        }
        let retry_after = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(parse_retry_after);
        let mut text = Vec::new();
        watch.set_patience(Some(ERROR_BODY_PATIENCE));
        // Whatever came of it is good enough for a message.
        let _ = response.into_body().into_reader().take(ERROR_BODY_MAX).read_to_end(&mut text);
        watch.set_patience(None);
        let mut message = failure::message_of_body(&text, settings.api_key.as_ref());
        if message.is_empty() {
            message = status.canonical_reason().unwrap_or("no message").to_owned();
        }
        Err(Failure::Refused { status: status.as_u16(), message, retry_after })
    }
}

/// Where a page of an endpoint is.
fn url(endpoint: &ModelSettings, page: &str) -> String {
    match endpoint.dialect {
        Dialect::ChatCompletions => format!("{}/{page}", endpoint.base_url),
        Dialect::Messages => anthropic::url(&endpoint.base_url, page),
    }
}

/// How one identifies oneself.
fn headers(dialect: Dialect, host: &str, key: Option<&Secret>) -> Vec<(&'static str, String)> {
    let key = key.filter(|key| !key.expose().is_empty());
    match dialect {
        Dialect::ChatCompletions => {
            key.map(|key| ("Authorization", format!("Bearer {}", key.expose()))).into_iter().collect()
        }
        Dialect::Messages => anthropic::headers(host, key),
    }
}

fn with_headers<B>(request: RequestBuilder<B>, headers: Vec<(&'static str, String)>) -> RequestBuilder<B> {
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// The failure behind an error of the transport; an interrupt is the caller's to see.
pub(super) fn of_error(error: Error) -> Failure {
    match error {
        Error::Timeout(which) => Failure::Broken(format!("Timed out ({which}).")),
        // TLS that cannot be agreed on: the certificate, mostly.
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Failure::Unusable(format!("No secure connection: {error}"))
        }
        Error::Io(error) => Failure::Broken(format!("Connection error: {error}")),
        Error::HostNotFound => Failure::Broken(String::from("The model's host was not found.")),
        Error::ConnectionFailed => Failure::Broken(String::from("Connection failed.")),
        Error::Protocol(error) => Failure::Broken(format!("The server does not speak HTTP well: {error}")),
        Error::BodyStalled => Failure::Broken(String::from("The response stalled.")),
        // A header value that cannot be sent; the key is the only one that comes from outside.
        Error::Http(_) => Failure::Unusable(String::from("The API key has characters that cannot be sent.")),
        Error::BadUri(_) => Failure::Unusable(String::from("model.base_url is not a web address.")),
        Error::InvalidProxyUrl => Failure::Unusable(String::from(
            "The proxy in the environment is of a kind that is not supported.",
        )),
        other => Failure::Unusable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_may_override_the_whole_limit() {
        assert_eq!(parse_timeout("90"), Some(Duration::from_secs(90)));
        assert_eq!(parse_timeout(" 0.5 "), Some(Duration::from_millis(500)));
        for other in ["", "0", "-1", "NaN", "inf", "1e300", "soon"] {
            assert_eq!(parse_timeout(other), None, "{other}");
        }
    }
}
