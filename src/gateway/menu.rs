//! What the agent of another program offers in a session, and what a person chooses of it. Knows neither slash
//! commands nor how that agent is asked.

use super::Gateway;
use super::io::Now;
use super::view::OTHER_AGENT;
use crate::model::errand::{Errand, ErrandEnd};
use crate::model::ids::{ClientId, SessionId};
use crate::model::job::{JobResult, JobSpec};
use crate::model::menu::{Menu, Pick};
use crate::model::provider::ModelChoice;
use crate::model::store::Change;
use crate::wire::error::RpcError;

/// What is answered where that agent does not do what it is asked for.
const REFUSED: i32 = 5001;

impl Gateway {
    /// Whether another program's agent answers here.
    pub(crate) fn has_other_agent(&self) -> bool {
        self.setup.other_agent.is_some()
    }

    /// The menu of the session, or where none is named, of the newest one of this client.
    pub(crate) fn menu(&self, client: ClientId, id: Option<SessionId>) -> Option<&Menu> {
        match id {
            Some(id) => self.sessions.get(&id).map(|session| &session.menu),
            None => {
                let sessions = self.sessions_by_age().into_iter().rev();
                let mut own = sessions.filter(|session| session.client == Some(client));
                own.next().map(|session| &session.menu)
            }
        }
    }

    /// The agent says what it offers. The session's client hears of another model.
    pub(super) fn use_menu(&mut self, id: SessionId, menu: Menu) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let is_other = session.menu.models.current != menu.models.current;
        session.menu = menu;
        if is_other {
            self.send_info(id);
        }
    }

    /// The job that asks the agent for the session's menu, after a switch if one is wanted; not while a turn has
    /// the session.
    pub(crate) fn choosing(
        &mut self,
        id: SessionId,
        pick: Option<(Pick, String)>,
    ) -> Result<JobSpec, RpcError> {
        self.room_for_errand()?;
        let turn = self.take_turn_id();
        let session = self.sessions.get(&id).ok_or_else(RpcError::no_session)?;
        if session.is_running() {
            let noun = pick.map_or("mode or model", |(pick, _)| pick.as_str());
            let text = format!("session busy — /interrupt the current turn before choosing a {noun}");
            return Err(RpcError::new(4009, text));
        }
        let spec = Box::new(session.spec(turn, String::new(), Vec::new()));
        Ok(JobSpec::Errand(Box::new(Errand::Choose { spec, pick })))
    }

    /// What came of it. A model is the session's own choice from now on, also after a restart.
    pub(crate) fn chosen(
        &mut self,
        now: Now,
        id: SessionId,
        pick: Option<Pick>,
        result: JobResult,
    ) -> Result<&Menu, RpcError> {
        let menu = match result {
            JobResult::Errand(end) => match *end {
                ErrandEnd::Menu(menu) => *menu,
                ErrandEnd::Failed(why) => return Err(RpcError::new(REFUSED, why)),
                ErrandEnd::Text { .. } | ErrandEnd::Compressed(_) => {
                    log::error!("an errand gave the wrong result: no menu");
                    return Err(RpcError::new(REFUSED, "internal error"));
                }
            },
            JobResult::Failed(why) => return Err(RpcError::new(REFUSED, why)),
            _ => return Err(RpcError::new(REFUSED, "internal error")),
        };
        let model = menu.models.current.clone();
        let session = self.sessions.get_mut(&id).ok_or_else(RpcError::no_session)?;
        session.menu = menu;
        if pick == Some(Pick::Model) {
            session.model = Some(model.as_str().into());
            let provider = Some(OTHER_AGENT.to_owned());
            self.record(now, id, Change::Model(ModelChoice { name: model, provider }));
        }
        self.sessions.get(&id).map(|session| &session.menu).ok_or_else(RpcError::no_session)
    }
}
