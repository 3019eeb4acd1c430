//! What sessions hear outside of their turns: output of background processes, notices for the agent,
//! subagents that run on, other tools. Knows nothing of who runs them.

use std::sync::Arc;

use super::Gateway;
use super::io::Now;
use super::session::Queued;
use crate::base::claim::Claim;
use crate::limits::NOTICES_MAX;
use crate::model::bulletin::{Bulletin, What};
use crate::model::ids::SessionId;
use crate::model::inventory::Inventory;
use crate::wire::event::Event;

/// Something the agent should hear, as a user's message, once nothing runs.
#[derive(Debug)]
pub(super) struct Notice {
    text: String,
    claim: Claim,
}

impl Gateway {
    /// Something happened outside of turns. What concerns a session that is no more is dropped; the original
    /// gives it to whoever looks first.
    pub(super) fn hear(&mut self, now: Now, bulletin: Bulletin) {
        let owner = self.keys.get(&bulletin.owner).copied();
        match (bulletin.what, owner) {
            (What::Subagents(count), _) => self.subagents = count,
            (What::Tools(inventory), _) => {
                self.use_inventory(inventory);
            }
            (What::Output { process, text }, Some(id)) => {
                self.emit(id, &Event::TerminalOutput { process_id: &process, chunk: &text });
            }
            (What::Subagent(subagent), Some(id)) => self.subagent_news(id, &subagent),
            (What::Notice { text, claim }, Some(id)) => self.notice(now, id, Notice { text, claim }),
            (What::Output { .. } | What::Subagent(_) | What::Notice { .. }, None) => {
                log::debug!("news for a session that is no more");
            }
        }
    }

    /// It is shown at once, and becomes a turn when the session is idle.
    fn notice(&mut self, now: Now, id: SessionId, notice: Notice) {
        if notice.claim.is_taken() {
            return;
        }
        self.emit(id, &Event::StatusUpdate { kind: "process", text: &notice.text });
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.notices.len() >= NOTICES_MAX {
            log::warn!("session {id} has {NOTICES_MAX} notices waiting; the oldest is dropped");
            session.notices.pop_front();
        }
        session.notices.push_back(notice);
        if session.queue.is_empty() {
            self.next_notice(now, id);
        }
    }

    /// Starts a turn with the oldest notice the agent has not seen by other means, unless one runs. The
    /// original says `message.start` twice for it. Beyond the limit of turns it waits for the session's next
    /// one.
    pub(super) fn next_notice(&mut self, now: Now, id: SessionId) {
        if self.room_for_prompt(id).is_err() {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id).filter(|session| !session.is_running()) else {
            return;
        };
        while let Some(notice) = session.notices.pop_front() {
            if notice.claim.take() {
                let prompt = Queued::new(notice.text, Vec::new(), None);
                self.keep_prompt(now, id, &prompt);
                return self.start_turn(now, id, prompt);
            }
        }
    }

    /// What agents have at hand is this. Sessions hear of it if it is something else than before; gives whether it
    /// is.
    pub(crate) fn use_inventory(&mut self, inventory: Arc<Inventory>) -> bool {
        if self.inventory == inventory {
            return false;
        }
        self.inventory = inventory;
        let heard = |session: &&super::Session| session.client.is_some();
        let ids: Vec<SessionId> =
            self.sessions_by_age().into_iter().filter(heard).map(|session| session.id).collect();
        for id in ids {
            self.send_info(id);
        }
        true
    }
}
