//! What plain HTTP gets, and who may become a WebSocket.

use std::net::SocketAddr;

use serde_json::json;

use super::main_loop::Server;
use crate::transport::access::Refusal;
use crate::transport::http::{Head, response};
use crate::transport::upgrade::upgrade_reply;

/// What to say to a request head.
pub(super) enum Answer {
    /// One response, then the end.
    Http(Vec<u8>),
    /// The switch to WebSocket.
    Upgrade(Vec<u8>),
    /// The same, on a test path.
    #[cfg(feature = "test-endpoints")]
    Test(Vec<u8>, super::test_endpoints::Endpoint),
}

/// Where the WebSocket lives.
const WS_PATH: &str = "/api/ws";

impl Server {
    /// The answer to a head; `Err` holds the bytes of a refusal.
    pub(super) fn answer_head(&self, head: &Head<'_>, peer: SocketAddr) -> Result<Answer, Vec<u8>> {
        let Some(access) = &self.access else { return Err(text(503, "")) };
        let wants_upgrade = head.header_has_token("upgrade", "websocket");
        if wants_upgrade {
            #[cfg(feature = "test-endpoints")]
            if let Some(endpoint) = super::test_endpoints::Endpoint::of(head.path()) {
                return endpoint.answer(head, peer);
            }
            if head.path() != WS_PATH {
                return Err(Refusal::UnknownPath.answer());
            }
            access.check_upgrade(head, peer.ip()).map_err(|refusal| {
                log::info!("ws refused peer={peer} reason={refusal}");
                refusal.answer()
            })?;
            return upgrade_reply(head).map(Answer::Upgrade).map_err(|error| error.answer());
        }
        access.check_http(head).map_err(|refusal| refusal.answer())?;
        Ok(Answer::Http(self.plain(head)))
    }

    fn plain(&self, head: &Head<'_>) -> Vec<u8> {
        let path = head.path();
        match path {
            "/healthz" => text(200, "ok\n"),
            "/readyz" if self.ending.is_some() => text(503, "ending\n"),
            "/readyz" => text(200, "ready\n"),
            "/api/status" => json_reply(200, &self.status()),
            WS_PATH => response(426, "text/plain", b"", &[("Upgrade", "websocket")], false),
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
            "sessions": self.gateway.session_count(),
            "turns": self.gateway.turn_count(),
            "loop": {
                "late_wake_p99_us": self.drift.wakes().p99().as_micros() as u64,
                "late_wake_max_us": self.drift.wakes().max().as_micros() as u64,
                "turn_p99_us": self.drift.turns().p99().as_micros() as u64,
                "turn_max_us": self.drift.turns().max().as_micros() as u64,
            },
        })
    }
}

fn text(status: u16, body: &str) -> Vec<u8> {
    response(status, "text/plain; charset=utf-8", body.as_bytes(), &[], false)
}

fn json_reply(status: u16, body: &serde_json::Value) -> Vec<u8> {
    response(status, "application/json", body.to_string().as_bytes(), &[], false)
}
