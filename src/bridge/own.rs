//! What is answered here: it is about connections, and about what was sent on them.

use serde_json::{Map, Value};

use super::Bridge;
use super::request::{Request, What};
use crate::gateway::io::{Now, Output};
use crate::methods::events;
use crate::model::ids::{ClientId, SessionId, Ticket};
use crate::model::stats::Stats;
use crate::outbound::replay::{self, Occupancy};
use crate::wire::encode;
use crate::wire::error::{RpcError, UNKNOWN_METHOD};
use crate::wire::jsonrpc::Id;
use crate::wire::metrics;
use crate::wire::params::Params;

impl Bridge {
    pub(super) fn answer_own(&mut self, now: Now, client: ClientId, id: &Id, method: &str, params: &Params) {
        let result = match method {
            "client.capabilities" => Ok(self.capabilities(client, params)),
            "session.events.since" => self.since(now, params),
            "session.events.stats" => Ok(events::kept(self.occupancy())),
            "gateway.stats" => {
                let ticket = Ticket(self.take_number());
                self.stats_asked.push((ticket, client, id.clone()));
                self.outputs.push_back(Output::Stats { ticket });
                return;
            }
            _ => Err(RpcError::new(UNKNOWN_METHOD, format!("unknown method: {method}"))),
        };
        match result {
            Ok(result) => self.send_reply(client, encode::result(id, &result)),
            Err(error) => self.send_error(client, id, &error),
        }
    }

    /// Text as terminals show it is the host's to write, and this one asks none for it.
    fn capabilities(&mut self, client: ClientId, params: &Params) -> Value {
        let stamped = params.switch("events_seq");
        if let Some(listener) = self.clients.get_mut(&client) {
            listener.reads_numbers = stamped;
            for id in &listener.sessions {
                if let Some(session) = self.sessions.get_mut(id).filter(|_| stamped) {
                    session.replay.ask();
                }
            }
        }
        events::capabilities_known(stamped, false, self.replays.epoch())
    }

    fn since(&mut self, now: Now, params: &Params) -> Result<Value, RpcError> {
        let id = SessionId::parse(params.text_or_empty("session_id")?).ok_or_else(RpcError::no_session)?;
        let asked = events::Asked::read(params)?;
        let foreign = asked.epoch.is_some_and(|epoch| epoch != self.replays.epoch());
        let session = self.sessions.get_mut(&id).ok_or_else(RpcError::no_session)?;
        session.replay.ask();
        let since = session.replay.since(asked.seen, foreign, asked.most, id);
        self.watch_orphan(now, id);
        Ok(events::told(since, self.replays.epoch(), self.open_requests(id)))
    }

    /// Where a client is that has read the answer, as members of that.
    pub(super) fn position(&mut self, id: SessionId) -> String {
        let Some(session) = self.sessions.get_mut(&id) else { return String::new() };
        session.replay.ask();
        let (seq, epoch) = (session.replay.newest(), Value::from(self.replays.epoch()));
        let open = Value::from(self.open_requests(id));
        format!(",\"seq\":{seq},\"epoch\":{epoch},\"open_requests\":{open}")
    }

    fn open_requests(&self, id: SessionId) -> Vec<Value> {
        let Some(session) = self.sessions.get(&id) else { return Vec::new() };
        let shown = session.questions.iter().map(|question| question.shown(id));
        shown.filter_map(|document| replay::params(document.as_bytes())).collect()
    }

    fn occupancy(&self) -> Occupancy {
        let kept = || self.sessions.values().filter_map(|session| session.replay.kept());
        Occupancy { sessions: kept().count(), events: kept().sum(), bytes: self.replays.bytes() }
    }

    pub(super) fn stats_told(&mut self, ticket: Ticket, stats: &Stats) {
        if let Some(at) = self.stats_asked.iter().position(|asked| asked.0 == ticket) {
            let (_, client, id) = self.stats_asked.swap_remove(at);
            self.send_reply(client, encode::result(&id, &metrics::json(stats)));
        }
    }

    /// A session's stored key is asked for where the answer that opened it did not say.
    pub(super) fn ask_key(&mut self, now: Now, host: u32, id: SessionId) {
        let mut params = Map::new();
        params.insert("session_id".to_owned(), id.as_str().into());
        self.ask(now, Request::own(host, "session.activate", params, What::Key).of(id));
    }
}
