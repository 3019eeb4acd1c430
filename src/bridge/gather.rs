//! One question to all hosts: lists put together, or the one host that knows what is meant. Who does not
//! answer in time is left out, so that one that is slow holds nobody up.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::request::{Request, What};
use super::{Bridge, Timer};
use crate::gateway::io::Now;
use crate::gateway::method::Route;
use crate::model::ids::{ClientId, SessionId};
use crate::wire::encode;
use crate::wire::error::RpcError;
use crate::wire::jsonrpc::Id;

/// Longest that a list waits for a host.
const LIST_MAX: Duration = Duration::from_secs(1);

/// Longest that anything else does.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A question to all hosts.
#[derive(Debug)]
pub(super) struct Gather {
    client: ClientId,
    id: Id,
    route: Route,
    /// Which session the client takes for its own.
    current: Option<String>,
    /// Requests without an answer, with their hosts.
    left: BTreeSet<(u64, u32)>,
    parts: Vec<(u32, Value)>,
}

impl Bridge {
    pub(super) fn gather(
        &mut self,
        now: Now,
        client: ClientId,
        id: Id,
        method: &str,
        params: Map<String, Value>,
        route: Route,
    ) {
        let common = self.common_host(now);
        let answering = self
            .hosts
            .iter()
            .filter(|(number, host)| host.takes_lines() && (!host.sessions.is_empty() || **number == common));
        let mut hosts: BTreeSet<u32> = answering.map(|(number, _)| *number).collect();
        hosts.insert(common);
        let current = params.get("current_session_id").and_then(Value::as_str).map(str::to_owned);
        let gather = self.take_number();
        let gathered = Gather { client, id, route, current, left: BTreeSet::new(), parts: Vec::new() };
        self.gathers.insert(gather, gathered);
        let wait = if matches!(route, Route::Merged(_)) { LIST_MAX } else { WAIT_MAX };
        self.deadlines.set(Timer::Gather(gather), now.at + wait);
        // Not answered before all are asked.
        let me = (gather, 0);
        if let Some(gather) = self.gathers.get_mut(&gather) {
            gather.left.insert(me);
        }
        for host in hosts {
            let mut request = Request::own(host, method, params.clone(), What::Part(gather));
            let session = params.get("session_id").and_then(Value::as_str).and_then(SessionId::parse);
            request.session = session.filter(|id| self.sessions.get(id).is_some_and(|it| it.host == host));
            let number = self.ask(now, request);
            if let Some(gather) = self.gathers.get_mut(&gather)
                && self.requests.contains_key(&number)
            {
                gather.left.insert((number, host));
            }
        }
        if let Some(gather) = self.gathers.get_mut(&gather) {
            gather.left.remove(&me);
        }
        self.complete(gather);
    }

    /// A host's answer.
    pub(super) fn part(&mut self, gather: u64, number: u64, document: &str) {
        if let Some(gather) = self.gathers.get_mut(&gather)
            && let Some(&(_, host)) = gather.left.iter().find(|(left, _)| *left == number)
        {
            gather.left.remove(&(number, host));
            if let Ok(document) = serde_json::from_str(document) {
                gather.parts.push((host, document));
            }
        }
        self.complete(gather);
    }

    /// There will be none.
    pub(super) fn part_missing(&mut self, gather: u64, number: u64) {
        if let Some(gather) = self.gathers.get_mut(&gather) {
            gather.left.retain(|(left, _)| *left != number);
        }
        self.complete(gather);
    }

    fn complete(&mut self, gather: u64) {
        if self.gathers.get(&gather).is_some_and(|gather| gather.left.is_empty()) {
            self.gathered(gather);
        }
    }

    /// Answers with what is there.
    pub(super) fn gathered(&mut self, gather: u64) {
        self.deadlines.clear(Timer::Gather(gather));
        let Some(gather) = self.gathers.remove(&gather) else { return };
        for (number, _) in &gather.left {
            self.requests.remove(number);
        }
        let common = self.common;
        let good = |part: &&(u32, Value)| part.1.get("result").is_some();
        let first = gather.parts.iter().find(|part| Some(part.0) == common && good(part));
        let first = first.or_else(|| gather.parts.iter().find(good));
        // Who does not know what is meant says so in a result, too.
        let knows = |part: &&(u32, Value)| part.1["result"]["found"] == Value::Bool(true);
        let first = gather.parts.iter().find(knows).or(first);
        let result = match (gather.route, first) {
            (Route::Merged(list), _) => self.merged(&gather, list, first.map(|(_, part)| part)),
            (_, Some((_, part))) => part["result"].clone(),
            (_, None) => {
                let refused = gather.parts.first().map(|(_, part)| &part["error"]);
                let error = refused.map_or_else(|| RpcError::host_gone("it is busy"), error_of);
                return self.send_error(gather.client, &gather.id, &error);
            }
        };
        self.send_reply(gather.client, encode::result(&gather.id, &result));
    }

    /// The lists of all hosts as one, with the names that clients know; of hosts that did not answer what is
    /// known here.
    fn merged(&self, gather: &Gather, list: &str, first: Option<&Value>) -> Value {
        let mut all = Vec::new();
        for (host, part) in &gather.parts {
            let items = part["result"][list].as_array().cloned().unwrap_or_default();
            all.extend(items.into_iter().map(|item| self.renamed(gather, *host, item)));
        }
        if list == "sessions" {
            let answered = |host: u32| gather.parts.iter().any(|(of, _)| *of == host);
            let mut silent: Vec<_> =
                self.sessions.values().filter(|session| !answered(session.host)).collect();
            silent.sort_unstable_by_key(|session| session.id);
            all.extend(silent.into_iter().map(|session| {
                let status = if session.turn.is_some() { "working" } else { "starting" };
                json!({
                    "current": gather.current.as_deref() == Some(session.id.as_str()),
                    "id": session.id.as_str(),
                    "last_active": 0.0,
                    "message_count": 0,
                    "model": "",
                    "preview": "",
                    "session_key": session.key,
                    "started_at": 0.0,
                    "status": status,
                    "title": "",
                })
            }));
        }
        let mut result = first.map(|part| part["result"].clone()).unwrap_or_else(|| json!({}));
        result[list] = all.into();
        result
    }

    /// An item with the client's name of its session.
    fn renamed(&self, gather: &Gather, host: u32, mut item: Value) -> Value {
        let names = self.hosts.get(&host).map(|host| &host.names);
        let id = item["id"].as_str().and_then(|name| names?.get(name)).copied();
        if let Some(id) = id {
            item["id"] = id.as_str().into();
            if item.get("current").is_some() {
                item["current"] = (gather.current.as_deref() == Some(id.as_str())).into();
            }
        }
        item
    }
}

fn error_of(error: &Value) -> RpcError {
    let code = error["code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(-32_603);
    let message = error["message"].as_str().unwrap_or("internal error").to_owned();
    RpcError { code, message: message.into(), data: error.get("data").cloned().map(Box::new) }
}
