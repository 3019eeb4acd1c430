//! Sessions that are live no more: whoever still asks for one by its live id is told where its conversation
//! is.

use std::collections::{HashMap, VecDeque};

use serde_json::json;

use crate::limits::REAPED_MAX;
use crate::model::ids::SessionId;
use crate::wire::error::RpcError;

/// The newest of them.
#[derive(Default, Debug)]
pub(super) struct Reaped {
    keys: HashMap<SessionId, Box<str>>,
    order: VecDeque<SessionId>,
}

impl Reaped {
    /// A session whose conversation is stored went.
    pub(super) fn add(&mut self, id: SessionId, key: &str) {
        if self.order.len() >= REAPED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        // An id is drawn once; should one come again, it names the later session.
        if self.keys.insert(id, key.into()).is_none() {
            self.order.push_back(id);
        }
    }

    /// Its stored key.
    pub(super) fn key(&self, id: SessionId) -> Option<&str> {
        self.keys.get(&id).map(AsRef::as_ref)
    }

    /// What to say to who asks for a session that is not live: 4001, and where it is, if that is known.
    pub(super) fn error(&self, id: SessionId) -> RpcError {
        let Some(key) = self.keys.get(&id) else { return RpcError::no_session() };
        let data = json!({ "reason": "reaped", "session_key": key, "resume": "session.resume" });
        let message =
            format!("session not found: it is closed; session.resume with session_id \"{key}\" goes on");
        RpcError { data: Some(Box::new(data)), ..RpcError::new(4001, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_known_and_no_more_than_that() {
        let mut reaped = Reaped::default();
        let id = SessionId::from_bits;
        for number in 0..=REAPED_MAX as u32 {
            reaped.add(id(number), "k");
        }
        assert_eq!(reaped.error(id(0)).data, None);
        assert_eq!(reaped.error(id(1)).data.expect("data")["session_key"], "k");
        assert_eq!((reaped.keys.len(), reaped.order.len()), (REAPED_MAX, REAPED_MAX));
    }
}
