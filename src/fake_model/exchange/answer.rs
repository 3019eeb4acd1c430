//! From a whole request to its answer: which page, which script, which faults.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Entry, Exchange, State, Then, World};
use crate::fake_model::ask::{Ask, Dialect};
use crate::fake_model::dialect::{Finish, Identity, TooLong, Whole, error_body, voice};
use crate::fake_model::http::{Head, Request};
use crate::fake_model::ledger::{How, Lateness};
use crate::fake_model::plan;
use crate::fake_model::reply::{self, Route};
use crate::fake_model::script::{Faults, Script};
use crate::fake_model::speech::{End, Next, Pace, Part, Piece, Speech};
use crate::fake_model::stream::{self, Stream};

/// An answer in one piece.
struct Prepared {
    status: u16,
    bytes: Vec<u8>,
    /// How many of them are the head.
    head: usize,
    then: Then,
    how: How,
}

impl Exchange {
    /// Answers a request, or prepares to.
    pub(super) fn answer(&mut self, request: Request, now: Instant, world: &mut World) {
        let Request { head, body } = request;
        self.keep_alive = head.keep_alive;
        let keep = self.keep_alive;
        let bytes = match Route::of(&head) {
            Route::Answer(dialect) => match Ask::read(dialect, &body) {
                Ok(ask) => return self.speak(&ask, &head, now, world),
                Err(why) => self.bad_request(dialect, 400, &why.to_string(), world),
            },
            Route::CountTokens => match Ask::read(Dialect::Anthropic, &body) {
                Ok(ask) => {
                    reply::json_response(200, &json!({ "input_tokens": ask.prompt_tokens }), &[], keep)
                }
                Err(why) => self.bad_request(Dialect::Anthropic, 400, &why.to_string(), world),
            },
            Route::Models => reply::models(world.created, keep),
            Route::Model(name) => reply::model(&name, world.created, keep),
            Route::Stats(id) => {
                let page = world.ledger.page(id.as_deref(), world.gauges, Lateness::of(&world.drift));
                crate::transport::http::response(200, "application/json", &page, &[], keep)
            }
            Route::Health => crate::transport::http::response(200, "text/plain", b"ok\n", &[], keep),
            Route::WrongMethod(allow) => {
                world.ledger.counters.bad_requests += 1;
                let body = error_body(Dialect::OpenAi, 405, "another method is wanted");
                reply::json_response(405, &body, &[("Allow", allow)], keep)
            }
            Route::Unknown => self.bad_request(Dialect::OpenAi, 404, "no such page", world),
        };
        self.out.bytes.extend_from_slice(&bytes);
        self.state = State::Draining { then: Then::Next, how: How::Complete };
    }

    fn bad_request(&self, dialect: Dialect, status: u16, why: &str, world: &mut World) -> Vec<u8> {
        world.ledger.counters.bad_requests += 1;
        reply::error(dialect, status, why, self.keep_alive)
    }

    /// Answers as the script of the request says.
    fn speak(&mut self, ask: &Ask, head: &Head, now: Instant, world: &mut World) {
        let script = world.defaults.script_for(ask);
        let judged = plan::verdict(&script, ask, |name| world.ledger.named(name));
        let script = judged.unwrap_or(script);
        let faults = plan::faults(&script, |id| world.ledger.named(id));
        let serial = world.ledger.open(ask, script.id.as_deref(), now);
        self.entry = Some(Entry { serial, tokens: 0 });
        self.out.drip = faults.drip;
        if let Some(status) = faults.status {
            let refused = self.refused(ask, status, faults.retry_after);
            return self.prepare(refused, now + script.delay, world);
        }
        let speech = speech(&script, faults, ask);
        let identity = identity(&script, ask, serial, world.created);
        if !ask.stream {
            let (prepared, after) = self.whole(ask, speech, &identity, faults);
            world.ledger.counters.tokens += self.entry.map_or(0, |entry| entry.tokens);
            return self.prepare(prepared, now + after, world);
        }
        // Without chunks only the end of the connection ends the body.
        self.keep_alive &= head.chunks;
        let bytes = reply::stream_head(serial, head.chunks, self.keep_alive);
        self.out.head = bytes.len();
        let head = stream::Head { bytes, chunks: head.chunks, hang: faults.hang };
        let stream = Stream::new(speech, voice(ask, identity), now, script.delay, head);
        self.state = State::Streaming { stream: Box::new(stream), next: now };
    }

    fn prepare(&mut self, prepared: Prepared, due: Instant, world: &mut World) {
        let Prepared { status, bytes, head, then, how } = prepared;
        if let Some(entry) = self.entry {
            world.ledger.set_status(entry.serial, status);
        }
        self.state = State::Waiting { due, bytes, head, then, how };
    }

    fn refused(&self, ask: &Ask, status: u16, retry_after: Option<u64>) -> Prepared {
        let body = error_body(ask.dialect, status, "as the script asked").to_string();
        let seconds = retry_after.map(|seconds| seconds.to_string());
        let headers: Vec<(&str, &str)> =
            seconds.iter().map(|seconds| ("Retry-After", seconds.as_str())).collect();
        self.json(status, body, &headers, How::Refused)
    }

    fn json(&self, status: u16, body: String, headers: &[(&str, &str)], how: How) -> Prepared {
        let bytes = crate::transport::http::response(
            status,
            "application/json",
            body.as_bytes(),
            headers,
            self.keep_alive,
        );
        let head = bytes.len() - body.len();
        Prepared { status, bytes, head, then: Then::Next, how }
    }

    /// The whole answer in one piece, and how long it would have taken to say it.
    fn whole(
        &mut self,
        ask: &Ask,
        mut speech: Speech,
        identity: &Identity,
        faults: Faults,
    ) -> (Prepared, Duration) {
        let error = |status: u16, why: &str, how: How| {
            self.json(status, error_body(ask.dialect, status, why).to_string(), &[], how)
        };
        let (whole, broken, end) = match collect(&mut speech) {
            Ok(collected) => collected,
            Err(TooLong) => {
                let why = "the script says more than fits into one piece; stream it";
                return (error(400, why, How::Refused), Duration::ZERO);
            }
        };
        let (counts, after) = (speech.counts(), speech.last_due());
        let finish = match &end {
            End::Stop => Some(Finish::Stop),
            End::Tools => Some(Finish::Tools),
            End::Length => Some(Finish::Length),
            End::Failed(why) => return (error(500, why, How::Failed), after),
            End::Unfinished | End::Cut | End::Reset => None,
        };
        let mut body = whole.body(ask.dialect, identity, finish, counts).to_string();
        if broken {
            body.truncate(body.floor_char_boundary(body.len() / 2));
        }
        let mut prepared = self.json(200, body, &[], How::Complete);
        let half = prepared.head + (prepared.bytes.len() - prepared.head) / 2;
        (prepared.then, prepared.how) = match end {
            _ if faults.hang => (Then::Hang, How::Aborted),
            End::Cut => (Then::Close, How::Cut),
            End::Reset => (Then::Reset, How::Cut),
            End::Unfinished => (Then::Next, How::Failed),
            _ => (Then::Next, How::Complete),
        };
        match prepared.then {
            Then::Hang => prepared.bytes.truncate(prepared.head),
            Then::Close | Then::Reset => prepared.bytes.truncate(half),
            Then::Next => {}
        }
        if let Some(entry) = &mut self.entry {
            entry.tokens = counts.tokens;
        }
        (prepared, after)
    }
}

/// Everything a speech says, whether something in it was broken, and its end.
fn collect(speech: &mut Speech) -> Result<(Whole, bool, End), TooLong> {
    let (mut whole, mut broken) = (Whole::default(), false);
    loop {
        match speech.next(Duration::MAX) {
            Next::Piece(piece) => {
                broken |= piece == Piece::Broken;
                whole.push(piece)?;
            }
            Next::At(_) => {}
            Next::End(end) => return Ok((whole, broken, end)),
        }
    }
}

fn speech(script: &Script, faults: Faults, ask: &Ask) -> Speech {
    let mut parts = plan::parts(script, ask);
    if faults != script.faults {
        // What passes with the faults.
        parts.retain(|part| !matches!(part, Part::Huge(_)));
    }
    Speech::new(parts, Pace { delay: script.delay, rate: script.rate, size: script.size }, faults)
}

fn identity(script: &Script, ask: &Ask, serial: u64, created: u64) -> Identity {
    Identity {
        serial,
        created,
        model: ask.model.clone(),
        include_usage: ask.include_usage,
        prompt_tokens: script.usage.map_or(ask.prompt_tokens, |(input, _)| input),
        told_tokens: script.usage.map(|(_, output)| output),
    }
}
