//! One page from the network. Owns the connection, redirects and every bound. Knows nothing of what the bytes
//! say.
//!
//! A name is looked up once for each connection and all addresses it leads to are checked before one of them
//! is connected to, so no second lookup can lead elsewhere. For the same reason no proxy is used: a proxy
//! would look the name up itself. Redirects are followed here, each checked like the first address.

use std::fmt;
use std::io::{self, Read};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, NextTimeout, RustlsConnector, TcpConnector};

use super::kind::Kind;
use super::url::{self, UrlFlaw};
use crate::trust;

/// How long all pages of a call may take together.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Most bytes of a page: 5 MiB, far more than a model can read.
pub(super) const BODY_BYTES_MAX: usize = 5 << 20;

/// Most redirects of a page.
const REDIRECTS_MAX: usize = 5;

/// Buffer sizes of one connection, in bytes: a TLS record. The input buffer bounds a response's head too.
const BUFFER_SIZE: usize = 16 * 1024;

/// Says why an address must not be asked, as the end of "the address …".
pub(super) type Check = fn(IpAddr) -> Option<&'static str>;

/// A page as it came.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Where it was in the end.
    pub(super) url: Uri,
    pub(super) kind: Kind,
    /// The character set its server names.
    pub(super) charset: Option<String>,
    pub(super) bytes: Vec<u8>,
    /// There was more than [`BODY_BYTES_MAX`].
    pub(super) is_cut: bool,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum FetchError {
    /// The address, or the one of a redirect.
    Url(UrlFlaw),
    /// Where its name leads.
    Address(Refused),
    /// More than [`REDIRECTS_MAX`] redirects.
    Redirects,
    /// The server refuses, with this status.
    Status(u16),
    /// It is of a kind that is no text.
    Kind(String),
    /// It is compressed though nobody asked for that.
    Compressed,
    /// The time is over.
    TooSlow,
    /// Anything else on the network.
    Failed(String),
}

/// The end of "the address …".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refused(&'static str);

/// Gets pages; shared by the threads of one call.
#[derive(Debug)]
pub(super) struct Browser {
    agent: ureq::Agent,
}

impl Browser {
    /// One that asks addresses which `check` lets pass.
    pub(super) fn new(check: Check) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(trust::config())
            .user_agent(concat!("tui-gateway/", env!("CARGO_PKG_VERSION")))
            .accept("text/html, text/plain, application/json;q=0.9, */*;q=0.5")
            .input_buffer_size(BUFFER_SIZE)
            .output_buffer_size(BUFFER_SIZE)
            .build();
        let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
        Self { agent: ureq::Agent::with_parts(config, connector, Checked { check }) }
    }

    /// Gets a page. Blocks until `deadline` at the latest, but for a lookup that hangs.
    pub(super) fn get(&self, url: Uri, deadline: Instant) -> Result<Fetched, FetchError> {
        let mut url = url;
        for _ in 0..=REDIRECTS_MAX {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FetchError::TooSlow);
            }
            let request = self.agent.get(url.clone()).config().timeout_global(Some(left)).build();
            let response = request.call()?;
            let location = response.headers().get("location").filter(|_| response.status().is_redirection());
            let Some(location) = location else { return read(url, response) };
            let next = url::join(&url, &String::from_utf8_lossy(location.as_bytes()));
            let next = next.ok_or(FetchError::Url(UrlFlaw::Malformed))?;
            url::check(&next).map_err(FetchError::Url)?;
            url = next;
        }
        Err(FetchError::Redirects)
    }

    /// Ends what is under way on all threads; what comes after fails.
    pub(super) fn stop(&self) {
        self.agent.clone().shutdown();
    }
}

fn read(url: Uri, response: Response<ureq::Body>) -> Result<Fetched, FetchError> {
    let status = response.status();
    if !status.is_success() {
        return Err(FetchError::Status(status.as_u16()));
    }
    let encoding = response.headers().get("content-encoding");
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(FetchError::Compressed);
    }
    let body = response.into_body();
    let name = body.mime_type().unwrap_or_default().trim().to_ascii_lowercase();
    let kind = Kind::named(&name).ok_or(FetchError::Kind(name))?;
    let charset = body.charset().map(str::to_owned);
    let mut bytes = Vec::new();
    body.into_reader().take(BODY_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(of_io)?;
    let is_cut = bytes.len() > BODY_BYTES_MAX;
    bytes.truncate(BODY_BYTES_MAX);
    Ok(Fetched { url, kind, charset, bytes, is_cut })
}

/// Looks names up and lets only checked addresses through.
#[derive(Debug)]
struct Checked {
    check: Check,
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        // A name that leads into a private network as well is no public page.
        match found.iter().find_map(|address| (self.check)(address.ip())) {
            None => Ok(found),
            Some(why) => Err(Error::Io(io::Error::other(Refused(why)))),
        }
    }
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout(_) => FetchError::TooSlow,
            Error::Io(error) => of_io(error),
            Error::HostNotFound => FetchError::Failed(String::from("the host was not found")),
            other => FetchError::Failed(other.to_string()),
        }
    }
}

/// The client wraps errors of its own into those of a reader.
fn of_io(error: io::Error) -> FetchError {
    let inner = error.get_ref();
    if let Some(refused) = inner.and_then(|inner| inner.downcast_ref::<Refused>()) {
        return FetchError::Address(*refused);
    }
    if inner
        .and_then(|inner| inner.downcast_ref::<Error>())
        .is_some_and(|error| matches!(error, Error::Timeout(_)))
    {
        return FetchError::TooSlow;
    }
    FetchError::Failed(error.to_string())
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Url(flaw) => write!(f, "{flaw}"),
            FetchError::Address(refused) => write!(f, "Refused: {refused}."),
            FetchError::Redirects => write!(f, "More than {REDIRECTS_MAX} redirects."),
            FetchError::Status(status) => write!(f, "The server answers with HTTP {status}."),
            FetchError::Kind(name) => write!(f, "It is {name}; only texts are read."),
            FetchError::Compressed => f.write_str("It is compressed though nobody asked for that."),
            FetchError::TooSlow => write!(f, "It did not come within {} seconds.", PATIENCE.as_secs()),
            FetchError::Failed(why) => write!(f, "It cannot be read: {why}."),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address {}", self.0)
    }
}

impl std::error::Error for Refused {}
