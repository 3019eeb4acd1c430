//! What plain HTTP gets, and who may become a WebSocket.

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::json;

use super::channels::{self, Role};
use super::main_loop::Server;
use super::metrics::refused;
use crate::bridge::HostRow;
use crate::model::stats::Refused;
use crate::transport::access::Refusal;
use crate::transport::http::{Head, response};
use crate::transport::upgrade::upgrade_reply;
use crate::wire::metrics;

/// What to say to a request head.
pub(super) enum Answer {
    /// One response, then the end.
    Http(Vec<u8>),
    /// The switch to WebSocket: a client's, or the end of a channel.
    Upgrade(Vec<u8>, Option<Role>),
    /// The same, on a test path.
    #[cfg(feature = "test-endpoints")]
    Test(Vec<u8>, super::test_endpoints::Endpoint),
}

/// Where the WebSocket lives.
const WS_PATH: &str = "/api/ws";

/// Where the figures are.
const METRICS_PATH: &str = "/metrics";

impl Server {
    /// The answer to a head; `Err` holds the bytes of a refusal.
    pub(super) fn answer_head(&mut self, head: &Head<'_>, peer: SocketAddr) -> Result<Answer, Vec<u8>> {
        let Some(access) = &self.access else { return Err(text(503, "")) };
        if head.header_has_token("upgrade", "websocket") {
            #[cfg(feature = "test-endpoints")]
            if let Some(endpoint) = super::test_endpoints::Endpoint::of(head.path()) {
                return endpoint.answer(head, peer);
            }
            let checked = match head.path() {
                WS_PATH | channels::PUB_PATH | channels::EVENTS_PATH => access.check_upgrade(head, peer.ip()),
                _ => Err(Refusal::UnknownPath),
            };
            let role = match checked.and_then(|()| self.channels.role(head)) {
                Ok(role) => role,
                Err(refusal) => {
                    log::info!("ws refused peer={peer} reason={refusal}");
                    return Err(self.refuse(refusal));
                }
            };
            return upgrade_reply(head).map(|reply| Answer::Upgrade(reply, role)).map_err(|error| {
                self.metrics.refused.add(Refused::Handshake);
                error.answer()
            });
        }
        let checked = match head.path() {
            METRICS_PATH => access.check_operator(head),
            _ => access.check_http(head),
        };
        checked.map_err(|refusal| self.refuse(refusal))?;
        self.metrics.http_requests += 1;
        Ok(Answer::Http(self.plain(head)))
    }

    fn refuse(&mut self, refusal: Refusal) -> Vec<u8> {
        self.metrics.refused.add(refused(refusal));
        refusal.answer()
    }

    fn plain(&self, head: &Head<'_>) -> Vec<u8> {
        let path = head.path();
        match path {
            "/healthz" => text(200, "ok\n"),
            "/readyz" if self.ending.is_some() => text(503, "ending\n"),
            "/readyz" => match self.unready_hosts() {
                unready if unready.is_empty() => text(200, "ready\n"),
                unready => text(503, &unready),
            },
            "/api/status" => json_reply(200, &self.status()),
            METRICS_PATH => {
                let page = metrics::text(&self.stats());
                response(200, metrics::CONTENT_TYPE, page.as_bytes(), &[("Cache-Control", "no-store")], false)
            }
            WS_PATH | channels::PUB_PATH | channels::EVENTS_PATH => {
                response(426, "text/plain", b"", &[("Upgrade", "websocket")], false)
            }
            _ if path.starts_with("/api/") => {
                let shown: String = path.chars().take(200).collect();
                json_reply(404, &json!({ "detail": format!("No such API endpoint: {shown}") }))
            }
            _ => text(404, "not found\n"),
        }
    }

    fn status(&self) -> serde_json::Value {
        json!({
            "status": "ok",
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "wire_version": crate::gateway::view::WIRE_VERSION,
            "uptime_s": self.started.elapsed().as_secs(),
            "connections": self.links.len(),
            "sessions": self.core.session_count(),
            "turns": self.core.turn_count(),
            "hosts": self.core.hosts(Instant::now()).iter().map(host).collect::<Vec<_>>(),
            "loop": {
                "late_wake_p99_us": self.drift.wakes().p99().as_micros() as u64,
                "late_wake_max_us": self.drift.wakes().max().as_micros() as u64,
                "turn_p99_us": self.drift.turns().p99().as_micros() as u64,
                "turn_max_us": self.drift.turns().max().as_micros() as u64,
            },
        })
    }
}

/// A host, as it is shown.
fn host(row: &HostRow) -> serde_json::Value {
    json!({
        "id": row.number,
        "pid": row.pid,
        "state": row.state.as_str(),
        "sessions": row.sessions,
        "restarts": row.restarts,
    })
}

fn text(status: u16, body: &str) -> Vec<u8> {
    response(status, "text/plain; charset=utf-8", body.as_bytes(), &[], false)
}

fn json_reply(status: u16, body: &serde_json::Value) -> Vec<u8> {
    response(status, "application/json", body.to_string().as_bytes(), &[], false)
}
