//! A server that is a web address: streamable HTTP, each message a POST of its own, whose response is the
//! answer or a stream of events with the answer in it. Owns headers, the session's id and time limits; knows
//! nothing of what the messages mean. Streams that a server opens on its own (GET) are not asked for, nor is
//! a broken stream resumed.
//!
//! A POST waits on a thread of its own, which is left behind when its caller gives up: `ureq` cannot be told
//! to stop. How many there are is bounded.

use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Response, Uri};
use ureq::{Agent, Body, Proxy, RequestBuilder};

use super::config::HttpSpec;
use super::error::{McpError, said};
use super::inbox::Inbox;
use super::link::{Link, Outgoing};
use super::lock;
use super::sse::Events;
use crate::base::host::is_loopback;
use crate::limits::RPC_MESSAGE_BYTES_MAX;
use crate::trust;

/// Most POSTs of one server on their way.
const POSTS_MAX: usize = 32;

/// Name lookup, and then connecting with its TLS handshake; the patience of the model's client.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a POST may take longer than whoever waits for it, so that a wait ends with its own words.
const SLACK: Duration = Duration::from_secs(5);

/// How long the end of a session may take to be told.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// Most bytes read of an error response.
const ERROR_BODY_MAX: u64 = 4 << 10;

/// Longest id of a session, in bytes. Real ones have some 40.
const SESSION_BYTES_MAX: usize = 1 << 10;

const SESSION_HEADER: &str = "Mcp-Session-Id";
const VERSION_HEADER: &str = "MCP-Protocol-Version";

/// Headers that are ours alone to set, in lower case.
const OWN_HEADERS: [&str; 4] = ["accept", "content-type", "mcp-session-id", "mcp-protocol-version"];

/// A connection, in the protocol's sense: a session.
pub(super) struct Http(Arc<Channel>);

struct Channel {
    agent: Agent,
    spec: HttpSpec,
    session: Mutex<Option<String>>,
    version: Mutex<Option<&'static str>>,
    posts: AtomicUsize,
    inbox: Arc<Inbox>,
}

/// Why a POST came to nothing.
struct Failure {
    error: McpError,
    /// Of the connection, not of this message alone.
    is_of_all: bool,
}

impl Http {
    /// Gets ready; nothing is sent yet. `longest` is how long an answer may take.
    ///
    /// # Errors
    /// It is no web address.
    pub(super) fn open(spec: &HttpSpec, longest: Duration, inbox: &Arc<Inbox>) -> Result<Self, McpError> {
        let no_address = || McpError::Down("its url is not a web address".to_owned());
        let uri: Uri = spec.url.expose().parse().map_err(|_| no_address())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(no_address());
        }
        // What is on this machine is not behind the environment's proxy.
        let proxy =
            if is_loopback(uri.host().ok_or_else(no_address)?) { None } else { Proxy::try_from_env() };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would carry keys and arguments elsewhere.
            .max_redirects(0)
            .user_agent(concat!("tui-gateway/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .tls_config(trust::config())
            .timeout_resolve(Some(DIAL_TIMEOUT))
            .timeout_connect(Some(DIAL_TIMEOUT))
            .timeout_global(Some(longest + SLACK))
            .build();
        Ok(Self(Arc::new(Channel {
            agent: Agent::new_with_config(config),
            spec: spec.clone(),
            session: Mutex::default(),
            version: Mutex::default(),
            posts: AtomicUsize::new(0),
            inbox: Arc::clone(inbox),
        })))
    }
}

impl Link for Http {
    fn send(&self, message: Outgoing) -> Result<(), McpError> {
        let slot = Slot::take(&self.0).ok_or(McpError::Busy)?;
        let post = move || slot.exchange(&message);
        let spawned = thread::Builder::new().name("mcp-post".to_owned()).spawn(post);
        spawned.map(drop).map_err(|error| McpError::Down(said(&format!("no thread is left: {error}"))))
    }

    fn agreed(&self, version: &'static str) {
        *lock(&self.0.version) = Some(version);
    }

    fn end(&self) {
        let channel = &self.0;
        // Without a session there is nothing to end.
        if lock(&channel.session).is_none() {
            return;
        }
        let request = channel.dressed(channel.agent.delete(channel.spec.url.expose()));
        let request = request.config().timeout_global(Some(GOODBYE_TIMEOUT)).build();
        if let Err(error) = request.call() {
            log::debug!("cannot end the session of a tool server: {}", said(&error.to_string()));
        }
        lock(&channel.session).take();
    }
}

/// The right to one POST.
struct Slot(Arc<Channel>);

impl Slot {
    fn take(channel: &Arc<Channel>) -> Option<Self> {
        // Given back when it is dropped, also when it is one too many.
        let slot = Self(Arc::clone(channel));
        (channel.posts.fetch_add(1, Ordering::SeqCst) < POSTS_MAX).then_some(slot)
    }

    fn exchange(&self, message: &Outgoing) {
        self.0.exchange(message);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.posts.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Channel {
    /// Sends a message and hears what comes back.
    fn exchange(&self, message: &Outgoing) {
        let reply = match self.post(&message.text).and_then(|response| self.hear(response, message)) {
            Ok(()) if message.is_request => {
                Err(McpError::Malformed("its response has no answer in it".to_owned()))
            }
            Ok(()) => Ok(Value::Null),
            Err(failure) => {
                self.inbox.settle(message.ticket, Err(failure.error.clone()));
                if failure.is_of_all {
                    // Only what was refused for want of a session is known not to have been done.
                    let why = match failure.error {
                        McpError::SessionLost => McpError::Down("its session has ended".to_owned()),
                        other => other,
                    };
                    self.inbox.close(why);
                }
                return;
            }
        };
        // Does nothing for a request that was answered.
        self.inbox.settle(message.ticket, reply);
    }

    /// Sends a message; the response, if it is no refusal.
    fn post(&self, text: &str) -> Result<Response<Body>, Failure> {
        let request = self
            .agent
            .post(self.spec.url.expose())
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream");
        let had_session = lock(&self.session).is_some();
        let response = self.dressed(request).send(text).map_err(|error| of_transport(&error))?;
        let session = response.headers().get(SESSION_HEADER).and_then(|value| value.to_str().ok());
        if let Some(session) = session.filter(|session| session.len() <= SESSION_BYTES_MAX) {
            *lock(&self.session) = Some(session.to_owned());
        }
        match response.status().as_u16() {
            200..=299 => Ok(response),
            404 if had_session => {
                lock(&self.session).take();
                Err(Failure { error: McpError::SessionLost, is_of_all: true })
            }
            _ => Err(refusal(response)),
        }
    }

    /// Adds what every request has.
    fn dressed<B>(&self, mut request: RequestBuilder<B>) -> RequestBuilder<B> {
        for (name, value) in &self.spec.headers {
            if !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                request = request.header(name.as_str(), value.expose());
            }
        }
        let session = lock(&self.session).clone();
        if let Some(session) = session {
            request = request.header(SESSION_HEADER, session);
        }
        let version = *lock(&self.version);
        if let Some(version) = version {
            request = request.header(VERSION_HEADER, version);
        }
        request
    }

    /// Takes what a response has in it, until the answer was among it or nobody waits for it any more.
    fn hear(&self, response: Response<Body>, message: &Outgoing) -> Result<(), Failure> {
        if !message.is_request {
            return Ok(());
        }
        let kind = response.headers().get("Content-Type").and_then(|value| value.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"));
        let body = response.into_body().into_reader();
        if is_stream {
            let mut events = Events::new(BufReader::new(body), RPC_MESSAGE_BYTES_MAX);
            while self.inbox.is_waiting(message.ticket)
                && let Some(data) = events.next_message().map_err(|error| unreadable(&error))?
            {
                self.take(&data);
            }
            return Ok(());
        }
        let mut data = Vec::new();
        let limit = u64::try_from(RPC_MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
        body.take(limit.saturating_add(1)).read_to_end(&mut data).map_err(|error| unreadable(&error))?;
        if data.len() > RPC_MESSAGE_BYTES_MAX {
            let error = McpError::Malformed(format!("a response of more than {RPC_MESSAGE_BYTES_MAX} bytes"));
            return Err(Failure { error, is_of_all: false });
        }
        self.take(&data);
        Ok(())
    }

    fn take(&self, data: &[u8]) {
        if let Some(answer) = self.inbox.take(data)
            && let Err(failure) = self.post(&answer)
        {
            log::debug!("a tool server gets no answer: {}", failure.error);
        }
    }
}

/// No response came.
fn of_transport(error: &ureq::Error) -> Failure {
    let why = match error {
        ureq::Error::Http(_) => "one of its headers cannot be sent".to_owned(),
        ureq::Error::Timeout(which) => format!("timed out ({which})"),
        other => other.to_string(),
    };
    // One slow answer says nothing about the next.
    let is_of_all = !matches!(error, ureq::Error::Timeout(_));
    Failure { error: McpError::Down(said(&why)), is_of_all }
}

/// The response cannot be read to its end.
fn unreadable(error: &io::Error) -> Failure {
    let error = McpError::Down(said(&format!("its response broke off: {error}")));
    Failure { error, is_of_all: false }
}

/// A response that says no.
fn refusal(response: Response<Body>) -> Failure {
    let status = response.status();
    let mut why = format!("it answered HTTP {status}");
    match status.as_u16() {
        300..=399 => why.push_str("; redirects are not followed, configure the address it leads to"),
        401 | 403 => why.push_str("; check the headers that are configured for it"),
        _ => {}
    }
    let mut body = Vec::new();
    // Whatever came of it is good enough for a message.
    let _ = response.into_body().into_reader().take(ERROR_BODY_MAX).read_to_end(&mut body);
    let body = String::from_utf8_lossy(&body);
    if !body.trim().is_empty() {
        why.push_str(": ");
        why.push_str(body.trim());
    }
    Failure { error: McpError::Down(said(&why)), is_of_all: false }
}

#[cfg(test)]
mod tests;
