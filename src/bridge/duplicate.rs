//! A conversation that is opened twice: by its title in one process while another has it, because only a host can
//! tell which conversation a title or the beginning of a key names. Whoever asked gets the one that was there, and
//! the other process ends.

use super::Bridge;
use super::request::Request;
use crate::gateway::io::Now;
use crate::model::host::HostStop;
use crate::model::ids::SessionId;

impl Bridge {
    /// The session that another host has of the conversation that this one has just opened; or this one itself,
    /// where the new process has not been heard to open it again yet.
    pub(super) fn live_elsewhere(
        &self,
        host: u32,
        request: &Request,
        key: Option<&str>,
    ) -> Option<SessionId> {
        let id = self.keys.get(key?).copied()?;
        let is_elsewhere =
            self.sessions.get(&id).is_some_and(|session| session.host != host || session.is_away);
        (is_elsewhere && &*request.method == "session.resume").then_some(id)
    }

    /// Asks the host that had it first in the place of this one: what a turn has said so far, only that knows.
    pub(super) fn hand_over(
        &mut self,
        now: Now,
        number: u32,
        mut request: Request,
        key: &str,
        id: SessionId,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let is_needless = session.host != number;
        (request.host, request.session, request.is_sent) = (session.host, Some(id), false);
        request.params.insert("session_id".to_owned(), key.into());
        if let Some(host) = self.hosts.get_mut(&number).filter(|_| is_needless) {
            log::info!("session {id} was asked for by another name; host {number} is not needed for it");
            host.has_duplicate = true;
        }
        self.ask(now, request);
        self.host_is_left(now, number);
    }

    /// How a host that nobody needs is ended. One that has a conversation a second time would write into it that
    /// it is over, if it ended in order.
    pub(super) fn way_to_leave(&self, number: u32) -> HostStop {
        match self.hosts.get(&number) {
            Some(host) if host.has_duplicate => HostStop::Kill,
            _ => HostStop::Close,
        }
    }
}
