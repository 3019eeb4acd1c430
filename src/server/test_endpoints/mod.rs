//! WebSocket paths for measurements and conformance tests, on the production loop, links and outboxes: an
//! echo, and streams of text that nobody has to think up. Only in builds with the feature `test-endpoints`,
//! only from loopback, and without a token: no release for users has them.
//!
//! Owns what the paths are and what is said there. Must not know how text is paced, queued or written: a
//! piece takes the way of an agent's, from the mailbox on.

mod producer;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use self::producer::{Plan, Producer};
use super::http::Answer;
use super::links::{Carrier, Link, client_id};
use super::main_loop::Server;
use super::tcp::Said;
use crate::base::join::Join;
use crate::base::piece::Piece;
use crate::base::slots::Key;
use crate::base::textlog::TextLog;
use crate::limits::{AGENT_BUDGET, DOCUMENT_BYTES_MAX};
use crate::model::ids::SessionId;
use crate::outbound::outbox::Outbox;
use crate::reactor::fair::{self, Share};
use crate::reactor::joining::JoiningReceiver;
use crate::reactor::mailbox::Mail;
use crate::transport::access::Refusal;
use crate::transport::http::Head;
use crate::transport::upgrade::upgrade_reply;
use crate::transport::ws::{self, Binary, Decoder, Opcode, append_document};
use crate::wire::delta::{Delta, DeltaKind};
use crate::wire::encode;
use crate::wire::jsonrpc;

/// Largest message the echo takes. The Autobahn suite sends 16 MiB.
const ECHO_BYTES_MAX: usize = 4 * DOCUMENT_BYTES_MAX;

/// Pieces taken from one stream before the next has its turn; as of an agent's (`agent::supervisor`).
const BURST: usize = 512;

/// Pieces that wait in the outbox of a stream before no more are taken: its producer is to wait, as those of
/// other servers do, instead of having its pieces joined.
const AHEAD_MAX: usize = 1024;

/// Percent of additional CPU time to burn.
const SLOWDOWN: &str = "TUI_GATEWAY_TEST_SLOWDOWN";

/// What a test path does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Endpoint {
    /// Sends every message back.
    Echo,
    /// Takes commands, see [`Command`].
    Deliver,
}

impl Endpoint {
    /// The one at `path`, if any.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "/test/echo" => Some(Endpoint::Echo),
            "/test/deliver" => Some(Endpoint::Deliver),
            _ => None,
        }
    }

    /// The answer to an upgrade. No rules but that the peer is of this machine.
    pub(super) fn answer(self, head: &Head<'_>, peer: SocketAddr) -> Result<Answer, Vec<u8>> {
        if !peer.ip().to_canonical().is_loopback() {
            return Err(Refusal::UnknownPath.answer());
        }
        let reply = upgrade_reply(head).map_err(|error| error.answer())?;
        Ok(Answer::Test(reply, self))
    }

    /// The decoder of its connections.
    pub(super) fn decoder(self) -> Decoder {
        match self {
            Endpoint::Echo => Decoder::new(ECHO_BYTES_MAX, Binary::Deliver),
            Endpoint::Deliver => Decoder::new(DOCUMENT_BYTES_MAX, Binary::Refuse),
        }
    }
}

/// What a client of `/test/deliver` may ask for. `M` in front switches merging on for its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Command {
    /// `FLOOD n`, `MFLOOD n`, `PACE flushes/s pieces seconds`, `MPACE …`.
    Stream { plan: Plan, merge: bool },
    /// `BURN threads seconds`: threads that compute, at the priority of agents.
    Burn { threads: u32, time: Duration },
}

impl Command {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next()?;
        let numbers: Vec<u32> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let (merge, name) = match name.strip_prefix('M') {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        match (name, numbers.as_slice()) {
            ("FLOOD", &[count]) => Some(Self::Stream { plan: Plan::flood(count), merge }),
            ("PACE", &[flushes, pieces, seconds]) => {
                Plan::pace(flushes, pieces, seconds).map(|plan| Self::Stream { plan, merge })
            }
            ("BURN", &[threads, seconds]) if !merge => {
                Some(Self::Burn { threads, time: Duration::from_secs(u64::from(seconds)) })
            }
            _ => None,
        }
    }
}

/// Text on its way to one connection.
struct Stream {
    link: Key,
    log: TextLog,
    mail: JoiningReceiver<Piece>,
    begun: bool,
    /// Nothing was taken because too much waits in the outbox.
    waits: bool,
}

/// What the test paths keep of their own.
#[derive(Default)]
pub(super) struct State {
    streams: VecDeque<Stream>,
    producer: Option<Producer>,
    slowdown: Slowdown,
}

impl Server {
    /// Handles what was said on a test path; anything else comes back.
    pub(super) fn test_said(&mut self, key: Key, said: Said) -> Option<Said> {
        let Some(Link { carrier: Carrier::Tcp(tcp), .. }) = self.links.get(key) else { return Some(said) };
        match (tcp.endpoint, said) {
            (Some(Endpoint::Echo), Said::Text(text)) => {
                self.push_framed(key, |out| ws::append_text(out, &text));
            }
            (Some(Endpoint::Echo), Said::Binary(bytes)) => {
                self.push_framed(key, |out| ws::append_frame(out, Opcode::Binary, &bytes));
            }
            (Some(Endpoint::Deliver), Said::Text(text)) => self.test_command(key, &text),
            (_, said) => return Some(said),
        }
        None
    }

    fn test_command(&mut self, key: Key, text: &str) {
        if text.starts_with('{') {
            return self.test_call(key, text);
        }
        let started = match Command::parse(text) {
            Some(Command::Stream { plan, merge }) => self.test_stream(key, plan, merge),
            Some(Command::Burn { threads, time }) => producer::burn(threads, time),
            None => Err(std::io::Error::other("no such command")),
        };
        if let Err(error) = started {
            self.close_link(key, ws::code::POLICY_VIOLATION, &error.to_string());
        }
    }

    /// A call: read as any request is, and its parameters are the result.
    fn test_call(&mut self, key: Key, text: &str) {
        let frame = match jsonrpc::parse(text) {
            Ok(request) => encode::result(&request.id, &Value::Object(request.params.0)),
            Err(_) => return self.close_link(key, ws::code::POLICY_VIOLATION, "no request"),
        };
        if let Some(link) = self.links.get_mut(key) {
            link.outbox.push_frame(frame, self.at);
            self.pacer.mark(key);
        }
    }

    fn test_stream(&mut self, key: Key, plan: Plan, merge: bool) -> std::io::Result<()> {
        if let Some(link) = self.links.get_mut(key).filter(|link| link.outbox.is_empty()) {
            link.outbox = Outbox::new(append_document, merge);
        }
        let producer = match self.test.producer.take() {
            Some(producer) => producer,
            None => Producer::start(&self.bell)?,
        };
        let mail = producer.order(plan);
        self.test.producer = Some(producer);
        let log = TextLog::default();
        self.test.streams.push_back(Stream { link: key, log, mail, begun: false, waits: false });
        Ok(())
    }

    /// Hands the producer's pieces on, as agents' news is: every stream in turn, within the budget. True when
    /// some are left.
    pub(super) fn test_collect(&mut self) -> bool {
        let mut streams = std::mem::take(&mut self.test.streams);
        for stream in &mut streams {
            let link = self.links.get(stream.link);
            stream.waits = link.is_some_and(|link| link.outbox.queued() >= AHEAD_MAX);
        }
        let session = SessionId::from_bits(1);
        let left = fair::collect(
            &mut streams,
            Share { burst: BURST, budget: AGENT_BUDGET },
            |stream| if stream.waits { Mail::Empty } else { stream.mail.take() },
            |stream, text| {
                let weight = text.as_ref().map_or(0, Join::weight);
                if let Some(text) = text {
                    let (log, range) = (stream.log.clone(), stream.log.append(&text));
                    let cuts = text.into_cuts();
                    let delta = Delta { kind: DeltaKind::Message, session, log, range, cuts, seq: None };
                    self.send_delta(
                        client_id(stream.link),
                        delta,
                        !std::mem::replace(&mut stream.begun, true),
                    );
                }
                weight
            },
            |_| {},
        );
        streams.retain(|stream| self.links.get(stream.link).is_some());
        self.test.streams = streams;
        left
    }

    /// The end of a turn of the loop: true when a stream that waited for its reader may go on.
    pub(super) fn test_turn_over(&mut self) -> bool {
        self.test.slowdown.burn();
        let room = |stream: &Stream| {
            let link = self.links.get(stream.link);
            stream.waits && link.is_none_or(|link| link.outbox.queued() < AHEAD_MAX)
        };
        self.test.streams.iter().any(room)
    }
}

/// A regression on demand: what the process computes costs more by a share, so that a measurement can prove
/// that it would find one.
struct Slowdown {
    /// Burnt for each unit of CPU time; 0 switches it off.
    share: f64,
    /// CPU time of the process when the last burn was over.
    seen: Duration,
}

impl Default for Slowdown {
    fn default() -> Self {
        let percent: f64 = std::env::var(SLOWDOWN).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
        Self { share: percent.clamp(0.0, 1000.0) / 100.0, seen: cpu_time() }
    }
}

impl Slowdown {
    fn burn(&mut self) {
        if self.share == 0.0 {
            return;
        }
        let until = self.seen + cpu_time().saturating_sub(self.seen).mul_f64(1.0 + self.share);
        while cpu_time() < until {
            std::hint::spin_loop();
        }
        self.seen = cpu_time();
    }
}

/// CPU time of all threads of this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_whole() {
        let parsed = Command::parse("MPACE 30 20 2");
        assert_eq!(parsed, Plan::pace(30, 20, 2).map(|plan| Command::Stream { plan, merge: true }));
        assert!(matches!(Command::parse("FLOOD 7"), Some(Command::Stream { merge: false, .. })));
        for wrong in ["", "FLOOD", "FLOOD x", "FLOOD 1 2", "PACE 0 1 1", "PACE 1 1", "MBURN 1 1", "NO 1"] {
            assert_eq!(Command::parse(wrong), None, "{wrong}");
        }
    }
}
