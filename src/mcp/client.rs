//! One connection to one server: the greeting, the list of its tools, calls. Owns the order of the protocol
//! and its time limits; knows neither how messages travel nor when to connect again.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use serde_json::{Value, json};

use super::INTERRUPT_POLL;
use super::config::{ServerSpec, Transport};
use super::error::{McpError, said};
use super::http::Http;
use super::inbox::{Inbox, Reply};
use super::link::{Link, Outgoing};
use super::offer::Offer;
use super::stdio::Stdio;
use crate::base::jsonrpc;
use crate::limits::RPC_MESSAGE_BYTES_MAX;

/// Versions of the protocol that are understood; the first is asked for. What changed between them is nothing
/// that is used here.
const VERSIONS: [&str; 4] = ["2025-06-18", "2025-11-25", "2025-03-26", "2024-11-05"];

const INITIALIZE: &str = "initialize";

/// Most tools of one server that are looked at; models lose their way among far fewer.
const TOOLS_MAX: usize = 1_000;

/// Most pages the list of tools may come in.
const PAGES_MAX: usize = 100;

/// The connection.
pub(super) struct Client {
    link: Box<dyn Link>,
    inbox: Arc<Inbox>,
    /// How long a call may take.
    limit: Duration,
}

impl Client {
    /// Connects and greets. The bell is rung when something happens that [`Client::closed`] or
    /// [`Client::is_stale`] tell of.
    ///
    /// # Errors
    /// There is no connection by the deadline, or `interrupt` was set. Nothing is left running then.
    pub(super) fn connect(
        spec: &ServerSpec,
        bell: Sender<()>,
        deadline: Instant,
        interrupt: &AtomicBool,
    ) -> Result<Self, McpError> {
        let inbox = Arc::new(Inbox::new(bell));
        let link: Box<dyn Link> = match &spec.transport {
            Transport::Stdio(stdio) => Box::new(Stdio::open(stdio, &inbox)?),
            Transport::Http(http) => {
                Box::new(Http::open(http, spec.timeout.max(spec.connect_timeout), &inbox)?)
            }
        };
        let client = Self { link, inbox, limit: spec.timeout };
        match client.greet(deadline, interrupt) {
            Ok(()) => Ok(client),
            Err(error) => {
                client.end();
                Err(error)
            }
        }
    }

    fn greet(&self, deadline: Instant, interrupt: &AtomicBool) -> Result<(), McpError> {
        let params = json!({
            "protocolVersion": VERSIONS[0],
            "capabilities": {},
            "clientInfo": { "name": "tui-gateway", "version": env!("CARGO_PKG_VERSION") },
        });
        let answer = self.request(INITIALIZE, &params, left(deadline), interrupt)?;
        let theirs = answer.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        let Some(version) = VERSIONS.into_iter().find(|version| *version == theirs) else {
            let what = format!("it speaks version {theirs:?} of the protocol");
            return Err(McpError::Malformed(said(&what)));
        };
        self.link.agreed(version);
        // It has to be there before anything else is asked.
        let sent = self.note("notifications/initialized", &json!({}))?;
        reply(&sent, left(deadline), interrupt).map(drop)
    }

    /// The tools the server offers now, each name once.
    ///
    /// # Errors
    /// The list is not there by the deadline, or is none, or `interrupt` was set.
    pub(super) fn list(
        &self,
        deadline: Instant,
        interrupt: &AtomicBool,
        name: &str,
    ) -> Result<Vec<Offer>, McpError> {
        // What changes from now on changes it again.
        self.inbox.freshen();
        let mut offers: Vec<Offer> = Vec::new();
        let mut names = HashSet::new();
        let mut params = json!({});
        for _ in 0..PAGES_MAX {
            let page = match self.request("tools/list", &params, left(deadline), interrupt) {
                // A server that has none at all.
                Err(McpError::Refused { code: jsonrpc::METHOD_NOT_FOUND, .. }) => return Ok(offers),
                page => page?,
            };
            let items = page.get("tools").and_then(Value::as_array);
            let items = items.ok_or_else(|| McpError::Malformed("its list of tools is none".to_owned()))?;
            for offer in items.iter().filter_map(|item| Offer::read(item, name)) {
                if offers.len() >= TOOLS_MAX {
                    log::warn!("the tool server {name} has more than {TOOLS_MAX} tools, the rest is ignored");
                    return Ok(offers);
                }
                if names.insert(offer.name.clone()) {
                    offers.push(offer);
                }
            }
            match page.get("nextCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty()) {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(offers),
            }
        }
        log::warn!("the list of the tool server {name} has more than {PAGES_MAX} pages, the rest is ignored");
        Ok(offers)
    }

    /// Calls a tool; its result as the server gives it.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn call(&self, tool: &str, args: &Value, interrupt: &AtomicBool) -> Result<Value, McpError> {
        let params = json!({ "name": tool, "arguments": args });
        self.request("tools/call", &params, self.limit, interrupt)
    }

    /// Why the connection is over, if it is.
    pub(super) fn closed(&self) -> Option<McpError> {
        self.inbox.closed()
    }

    /// Whether the list of tools has changed since it was asked for.
    pub(super) fn is_stale(&self) -> bool {
        self.inbox.is_stale()
    }

    /// Ends the connection, and waits for that 3 s at most.
    pub(super) fn end(&self) {
        self.inbox.close(McpError::Down("it was stopped".to_owned()));
        self.link.end();
    }

    /// Asks, and waits for the answer. Who gives up tells the server so.
    fn request(&self, method: &str, params: &Value, limit: Duration, interrupt: &AtomicBool) -> Reply {
        if interrupt.load(Ordering::SeqCst) {
            return Err(McpError::Interrupted);
        }
        let (ticket, answer) = self.inbox.open()?;
        let text = jsonrpc::request(ticket, method, params);
        let sent = if text.len() > RPC_MESSAGE_BYTES_MAX {
            Err(McpError::Malformed(format!("a message of more than {RPC_MESSAGE_BYTES_MAX} bytes")))
        } else {
            self.link.send(Outgoing { text, ticket, is_request: true })
        };
        let reply = sent.and_then(|()| reply(&answer, limit, interrupt));
        // A reply has taken it off already.
        self.inbox.forget(ticket);
        if let Err(why @ (McpError::Interrupted | McpError::TimedOut(_))) = &reply
            && method != INITIALIZE
        {
            let params = json!({ "requestId": ticket, "reason": why.to_string() });
            if let Err(error) = self.note("notifications/cancelled", &params) {
                log::debug!("a tool server does not hear that a call was given up: {error}");
            }
        }
        reply
    }

    /// Tells something; where it is said that it was sent.
    fn note(&self, method: &str, params: &Value) -> Result<Receiver<Reply>, McpError> {
        let (ticket, sent) = self.inbox.open()?;
        let message = Outgoing { text: jsonrpc::note(method, params), ticket, is_request: false };
        if let Err(error) = self.link.send(message) {
            self.inbox.forget(ticket);
            return Err(error);
        }
        Ok(sent)
    }
}

/// Waits for a reply, and looks at the interrupt meanwhile.
fn reply(answer: &Receiver<Reply>, limit: Duration, interrupt: &AtomicBool) -> Reply {
    let start = Instant::now();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        match answer.recv_timeout(left.min(INTERRUPT_POLL)) {
            Ok(reply) => return reply,
            Err(RecvTimeoutError::Disconnected) => return Err(McpError::Down("it is gone".to_owned())),
            Err(RecvTimeoutError::Timeout) if interrupt.load(Ordering::SeqCst) => {
                return Err(McpError::Interrupted);
            }
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(McpError::TimedOut(limit)),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
