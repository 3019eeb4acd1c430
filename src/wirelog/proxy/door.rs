//! The two handshakes of a pair: the client's head is judged as the gateway would, then the gateway is asked
//! with the client's own query, so that it is the gateway who judges the token. A plain request, with which
//! front ends look whether a gateway lives, is passed on and not recorded.

use mio::net::TcpStream;

use super::pair::{Broken, Dialing, Phase};
use super::{DIAL_DEADLINE, LINGER, Proxy};
use crate::base::slots::Key;
use crate::transport::access::Refusal;
use crate::transport::dial::{Dial, DialError};
use crate::transport::http::{Head, MAX_HEAD, parse_head, response};
use crate::transport::upgrade::upgrade_reply;
use crate::wirelog::entry::Side;
use crate::wirelog::hose::{Flow, Hose};

/// What a good head leads to.
pub(super) struct Ask {
    /// What the gateway is asked with; holds the token.
    query: String,
    /// What the client is told if the gateway accepts.
    pub(super) accept: Vec<u8>,
    /// What the client sent behind its head.
    pub(super) early: Vec<u8>,
}

/// What to do with a head.
enum Verdict {
    /// Answer with these bytes.
    No(Vec<u8>),
    /// Ask the gateway for a WebSocket.
    Ask(Ask),
    /// Pass these bytes on, and what comes back.
    Pass(Vec<u8>),
}

impl Proxy {
    /// Reads a client's head, and goes on to the gateway once it is whole.
    pub(super) fn read_head(&mut self, key: Key) -> Result<(), Broken> {
        loop {
            let Some(pair) = self.pairs.get_mut(key) else { return Ok(()) };
            let Phase::Head(head) = &mut pair.phase else { return Ok(()) };
            let room = (MAX_HEAD + 1).saturating_sub(head.len()).min(self.buffer.len());
            let flow =
                pair.client.read(&mut self.buffer[..room]).map_err(|error| Broken(Side::Client, error))?;
            match flow {
                Flow::Dry => return Ok(()),
                Flow::End => return self.refuse(key, &[]),
                Flow::Bytes(count) => head.extend_from_slice(&self.buffer[..count]),
            }
            let (head, peer) = (std::mem::take(head), pair.peer);
            match self.judge(&head, peer.ip()) {
                None => {
                    if let Some(pair) = self.pairs.get_mut(key) {
                        pair.phase = Phase::Head(head);
                    }
                }
                Some(Verdict::No(answer)) => return self.refuse(key, &answer),
                Some(Verdict::Ask(ask)) => {
                    self.dial(key, 0, ask);
                    return Ok(());
                }
                Some(Verdict::Pass(request)) => {
                    self.pass(key, &request);
                    return Ok(());
                }
            }
        }
    }

    /// Judges a head as far as it came; `None` while it is not whole.
    fn judge(&self, bytes: &[u8], peer: std::net::IpAddr) -> Option<Verdict> {
        let (head, taken) = match parse_head(bytes) {
            Ok(whole) => whole?,
            Err(error) => return Some(Verdict::No(error.answer())),
        };
        if !head.header_has_token("upgrade", "websocket") {
            return Some(match self.place.check_http(&head) {
                Ok(()) => Verdict::Pass(self.plain_request(&head)),
                Err(refusal) => Verdict::No(refusal.answer()),
            });
        }
        Some(match self.admit(&head, peer) {
            Ok(accept) => {
                let early = bytes[taken..].to_vec();
                Verdict::Ask(Ask { query: head.query().to_owned(), accept, early })
            }
            Err(answer) => Verdict::No(answer),
        })
    }

    /// The answer to a head that is good; the error is the answer to one that is not.
    fn admit(&self, head: &Head<'_>, peer: std::net::IpAddr) -> Result<Vec<u8>, Vec<u8>> {
        if head.path() != self.target.path() {
            return Err(Refusal::UnknownPath.answer());
        }
        self.place.check_upgrade(head, peer).map_err(Refusal::answer)?;
        upgrade_reply(head).map_err(|error| error.answer())
    }

    /// The same request to the gateway; without headers, which a look at a gateway's health does not need.
    fn plain_request(&self, head: &Head<'_>) -> Vec<u8> {
        let (path, query) = (head.path(), head.query());
        let mark = if query.is_empty() { "" } else { "?" };
        let host = self.target.authority();
        format!("GET {path}{mark}{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into_bytes()
    }

    /// Passes a plain request on.
    fn pass(&mut self, key: Key, request: &[u8]) {
        match self.connect(key, 0, request) {
            Ok(_) => {
                if let Some(pair) = self.pairs.get_mut(key) {
                    pair.pass();
                }
            }
            Err(why) => self.unreachable(key, &why),
        }
    }

    /// Asks the gateway for a WebSocket, at its address of this number or the next that can be tried.
    fn dial(&mut self, key: Key, number: usize, ask: Ask) {
        let (dial, request) = Dial::new(&self.target.with_query(&ask.query));
        match self.connect(key, number, &request) {
            Ok(next) => {
                let dialing = Dialing { dial, answer: Vec::new(), ask, next };
                if let Some(pair) = self.pairs.get_mut(key) {
                    pair.phase = Phase::Dialing(Box::new(dialing));
                }
            }
            Err(why) => self.unreachable(key, &why),
        }
    }

    /// Begins to connect to the gateway, and has `request` wait for that. Gives the number of the next address.
    fn connect(&mut self, key: Key, mut number: usize, request: &[u8]) -> Result<usize, String> {
        let mut failure = "the name has no address".to_owned();
        while let Some(address) = self.addresses.get(number) {
            number += 1;
            match TcpStream::connect(*address) {
                Ok(socket) => {
                    let Some(pair) = self.pairs.get_mut(key) else { return Ok(number) };
                    let mut hose = Hose::new(socket);
                    // Not writable yet, so this waits and cannot fail.
                    let _ = hose.push(request);
                    pair.gateway = Some(hose);
                    self.watch(key, Side::Server).map_err(|error| error.to_string())?;
                    self.set_timer(key, Some(DIAL_DEADLINE));
                    return Ok(number);
                }
                Err(error) => failure = error.to_string(),
            }
        }
        Err(failure)
    }

    /// Sends our head and reads the gateway's answer to it.
    pub(super) fn read_answer(&mut self, key: Key) -> Result<(), Broken> {
        loop {
            let Some(pair) = self.pairs.get_mut(key) else { return Ok(()) };
            let Phase::Dialing(dialing) = &mut pair.phase else { return Ok(()) };
            let Some(gateway) = &mut pair.gateway else { return Ok(()) };
            let flow = gateway.flush().and_then(|()| gateway.read(&mut self.buffer));
            match flow {
                Ok(Flow::Dry) => return Ok(()),
                Ok(Flow::Bytes(count)) => dialing.answer.extend_from_slice(&self.buffer[..count]),
                Ok(Flow::End) => {
                    self.unreachable(key, "it closed the connection");
                    return Ok(());
                }
                Err(error) => {
                    self.dial_failed(key, &error);
                    return Ok(());
                }
            }
            match dialing.dial.answered(&dialing.answer) {
                Ok(None) => {}
                Ok(Some(taken)) => return self.accepted(key, taken),
                // It said no, and why.
                Err(DialError::Status(_)) => {
                    let answer = std::mem::take(&mut dialing.answer);
                    return self.refuse(key, &answer);
                }
                Err(error) => {
                    self.unreachable(key, &error.to_string());
                    return Ok(());
                }
            }
        }
    }

    /// Both handshakes are done.
    fn accepted(&mut self, key: Key, taken: usize) -> Result<(), Broken> {
        self.set_timer(key, None);
        let Some(pair) = self.pairs.get_mut(key) else { return Ok(()) };
        let Phase::Dialing(dialing) = std::mem::replace(&mut pair.phase, Phase::Open) else { return Ok(()) };
        self.connections += 1;
        let Dialing { answer, ask, .. } = *dialing;
        let early = [ask.early, answer[taken..].to_vec()];
        pair.open(self.connections, early, &ask.accept, &mut self.scribe)?;
        // What came meanwhile has no edge of its own any more.
        self.again(key);
        Ok(())
    }

    /// The connection failed: at once where nobody listens, so the next address is tried.
    fn dial_failed(&mut self, key: Key, error: &std::io::Error) {
        let Some(pair) = self.pairs.get_mut(key) else { return };
        let Phase::Dialing(dialing) = std::mem::replace(&mut pair.phase, Phase::Refused) else { return };
        log::debug!("the gateway cannot be reached: {error}");
        if dialing.answer.is_empty() && self.addresses.len() > dialing.next {
            self.forget_gateway(key);
            return self.dial(key, dialing.next, dialing.ask);
        }
        self.unreachable(key, &error.to_string());
    }

    /// Tells the client that there is no gateway.
    pub(super) fn unreachable(&mut self, key: Key, why: &str) {
        log::warn!("cannot reach the gateway {}: {why}", self.target);
        let body = format!("the gateway cannot be reached: {why}\n");
        // A client whose socket fails now learns nothing, and is dropped with its next event.
        let _ = self.refuse(key, &response(502, "text/plain", body.as_bytes(), &[], false));
    }

    /// Gives the client these last bytes; there is nothing to record.
    fn refuse(&mut self, key: Key, answer: &[u8]) -> Result<(), Broken> {
        self.forget_gateway(key);
        self.set_timer(key, Some(LINGER));
        let Some(pair) = self.pairs.get_mut(key) else { return Ok(()) };
        pair.phase = Phase::Refused;
        pair.client.close();
        let sent = pair.client.push(answer).and_then(|()| pair.client.flush());
        sent.map_err(|error| Broken(Side::Client, error))
    }

    fn forget_gateway(&mut self, key: Key) {
        let Some(pair) = self.pairs.get_mut(key) else { return };
        if let Some(mut gateway) = pair.gateway.take() {
            self.poller.remove(&mut gateway.socket);
            if let Some(end) = pair.ends.pop() {
                self.ends.remove(end);
            }
        }
    }
}
