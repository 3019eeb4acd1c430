//! The gateway's own figures. Those of the loop and the connections are not known here.

use super::Gateway;
use crate::model::stats::GatewayStats;

impl Gateway {
    /// The figures of this moment.
    pub fn stats(&self) -> GatewayStats {
        GatewayStats {
            clients: self.clients.len() as u64,
            sessions: self.sessions.len() as u64,
            sessions_opened: self.next_session - 1,
            turns_running: self.turns.len() as u64,
            turns_started: self.counters.turns,
            turns_ended: self.counters.turns_ended,
            questions: self.asks.len() as u64,
            jobs: self.jobs.len() as u64,
            replies: self.counters.replies,
            errors: self.counters.errors,
            stale_events: self.counters.stale_events,
        }
    }
}
