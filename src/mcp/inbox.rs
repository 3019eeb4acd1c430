//! The answers that are waited for on one connection, and what else a server says: its end, and that its tools
//! have changed. Knows no transport; whoever reads one puts messages in.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};
use serde_json::{Value, json};

use super::error::{McpError, said};
use super::lock;
use crate::base::jsonrpc::{self, Fault, Incoming};

/// Most messages of one connection whose answer, or sending, is waited for at once. Beyond a batch of calls from
/// each of some sessions something is stuck.
const OPEN_MAX: usize = 256;

/// Bytes that are logged of what is no message.
const JUNK_BYTES_SHOWN: usize = 200;

/// Says that the list of tools is another one.
const LIST_CHANGED: &str = "notifications/tools/list_changed";

/// What becomes of a message: a result, or why there is none.
pub(super) type Reply = Result<Value, McpError>;

/// The inbox of one connection.
#[derive(Debug)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// The list of tools has changed.
    is_stale: AtomicBool,
    /// Wakes the server's thread.
    bell: Sender<()>,
}

#[derive(Debug)]
struct State {
    /// The last number given.
    last: u64,
    open: HashMap<u64, Sender<Reply>>,
    /// Why the connection is over.
    closed: Option<McpError>,
}

impl Inbox {
    /// An empty one that rings this bell, which has room for one ring.
    pub(super) fn new(bell: Sender<()>) -> Self {
        let state = State { last: 0, open: HashMap::new(), closed: None };
        Self { state: Mutex::new(state), is_stale: AtomicBool::new(false), bell }
    }

    /// A number for the next message, and where its reply comes.
    ///
    /// # Errors
    /// The connection is over, or too much is waited for.
    pub(super) fn open(&self) -> Result<(u64, Receiver<Reply>), McpError> {
        let mut state = lock(&self.state);
        if let Some(why) = &state.closed {
            return Err(why.clone());
        }
        if state.open.len() >= OPEN_MAX {
            return Err(McpError::Busy);
        }
        state.last += 1;
        let ticket = state.last;
        let (sender, receiver) = crossbeam_channel::bounded(1);
        state.open.insert(ticket, sender);
        Ok((ticket, receiver))
    }

    /// The reply has come. One that nobody waits for any more is dropped.
    pub(super) fn settle(&self, ticket: u64, reply: Reply) {
        let waiting = lock(&self.state).open.remove(&ticket);
        if let Some(waiting) = waiting {
            // Whoever waited may have gone.
            let _ = waiting.try_send(reply);
        }
    }

    /// Nobody waits for this one any more.
    pub(super) fn forget(&self, ticket: u64) {
        lock(&self.state).open.remove(&ticket);
    }

    /// Whether somebody waits for it.
    pub(super) fn is_waiting(&self, ticket: u64) -> bool {
        lock(&self.state).open.contains_key(&ticket)
    }

    /// Takes what a server said; what has to be answered to it, if anything. Servers print all kinds of things:
    /// what is no message is passed over.
    pub(super) fn take(&self, message: &[u8]) -> Option<String> {
        match jsonrpc::parse(message) {
            Ok(Incoming::Answer { ticket, outcome }) => {
                let refused =
                    |fault: Fault| McpError::Refused { code: fault.code, message: said(&fault.message) };
                self.settle(ticket, outcome.map_err(refused));
                None
            }
            Ok(Incoming::Request { id, method, .. }) => Some(jsonrpc::answer(&id, do_for_server(&method))),
            Ok(Incoming::Note { method, .. }) => {
                if method == LIST_CHANGED {
                    self.is_stale.store(true, Ordering::SeqCst);
                    self.ring();
                }
                None
            }
            Err(why) => {
                let junk = message.get(..JUNK_BYTES_SHOWN).unwrap_or(message);
                let junk = said(&String::from_utf8_lossy(junk));
                log::debug!("a tool server said what is no message ({why}): {junk}");
                None
            }
        }
    }

    /// The connection is over. The first reason counts.
    pub(super) fn close(&self, why: McpError) {
        let open = {
            let mut state = lock(&self.state);
            if state.closed.is_some() {
                return;
            }
            state.closed = Some(why.clone());
            std::mem::take(&mut state.open)
        };
        for waiting in open.into_values() {
            let _ = waiting.try_send(Err(why.clone()));
        }
        self.ring();
    }

    /// Why the connection is over, if it is.
    pub(super) fn closed(&self) -> Option<McpError> {
        lock(&self.state).closed.clone()
    }

    /// Whether the list of tools has changed.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::SeqCst)
    }

    /// It is asked for again.
    pub(super) fn freshen(&self) {
        self.is_stale.store(false, Ordering::SeqCst);
    }

    fn ring(&self) {
        // A bell that rings already need not ring twice.
        let _ = self.bell.try_send(());
    }
}

/// What may be asked of us is whether we are there.
fn do_for_server(method: &str) -> Result<Value, Fault> {
    if method == "ping" { Ok(json!({})) } else { Err(Fault::method()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox() -> (Inbox, Receiver<()>) {
        let (bell, rung) = crossbeam_channel::bounded(1);
        (Inbox::new(bell), rung)
    }

    #[test]
    fn answers_find_whoever_waits_in_any_order() {
        let (inbox, _rung) = inbox();
        let [(first, first_reply), (second, second_reply), (third, _)] =
            [(); 3].map(|()| inbox.open().unwrap());
        inbox.forget(third);
        for ticket in [third, second, second, first, 99] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{ticket},"result":{ticket}}}"#);
            assert_eq!(inbox.take(text.as_bytes()), None);
        }
        assert_eq!(first_reply.try_recv(), Ok(Ok(json!(first))));
        assert_eq!(second_reply.try_recv(), Ok(Ok(json!(second))));
        assert!(!inbox.is_waiting(first));
    }

    #[test]
    fn the_end_reaches_everybody_and_the_first_reason_counts() {
        let (inbox, rung) = inbox();
        let (_, reply) = inbox.open().unwrap();
        let why = McpError::Down("x".to_owned());
        inbox.close(why.clone());
        inbox.close(McpError::Busy);
        assert_eq!(reply.try_recv(), Ok(Err(why.clone())));
        assert_eq!((inbox.open().err(), inbox.closed()), (Some(why.clone()), Some(why)));
        assert_eq!(rung.try_recv(), Ok(()));
    }

    #[test]
    fn a_refusal_is_masked() {
        let (inbox, _rung) = inbox();
        let (ticket, reply) = inbox.open().unwrap();
        let text = format!(r#"{{"jsonrpc":"2.0","id":{ticket},"error":{{"code":-1,"message":"token=x"}}}}"#);
        inbox.take(text.as_bytes());
        let refused = McpError::Refused { code: -1, message: "token=***".to_owned() };
        assert_eq!(reply.try_recv(), Ok(Err(refused)));
    }

    #[test]
    fn a_ping_is_answered_and_anything_else_refused() {
        let asked = |id: &str, method: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#);
            inbox().0.take(text.as_bytes()).unwrap()
        };
        assert_eq!(asked("7", "ping"), r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        let refused = asked(r#""x""#, "sampling/createMessage");
        assert!(refused.contains(r#""id":"x""#) && refused.contains("-32601"), "{refused}");
    }

    #[test]
    fn a_changed_list_rings() {
        let (inbox, rung) = inbox();
        assert_eq!(inbox.take(br#"{"jsonrpc":"2.0","method":"notifications/message"}"#), None);
        assert!(rung.try_recv().is_err());
        inbox.take(br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
        assert!(inbox.is_stale() && rung.try_recv().is_ok());
        inbox.freshen();
        assert!(!inbox.is_stale());
    }

    #[test]
    fn what_is_waited_for_is_bounded() {
        let (inbox, _rung) = inbox();
        let open: Vec<_> = (0..OPEN_MAX).map(|_| inbox.open().unwrap()).collect();
        assert_eq!(inbox.open().err(), Some(McpError::Busy));
        inbox.forget(open[0].0);
        assert!(inbox.open().is_ok());
    }
}
