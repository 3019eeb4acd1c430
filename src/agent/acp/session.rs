//! A session of ours as one of the agent's: the one that is open, one that the agent takes up again, or a new
//! one; with a login first where the agent wants one, and in the mode and with the model that a person chose.
//! Knows nothing of what is said in it.

use std::time::Duration;

use serde_json::{Value, json};

use super::failure::Failure;
use super::hub::{Connection, Hub, Known};
use super::lent;
use super::login;
use super::peer::{Reply, SESSION_BYTES_MAX};
use crate::limits::{ACP_LOGIN_MAX, ACP_SWITCH_MAX};
use crate::model::menu::Pick;
use crate::model::turn::TurnSpec;

/// How long an agent may take to open a session: it starts what it works with.
const NEW_MAX: Duration = Duration::from_secs(60);

/// The same to take one up again: it says all of it once more.
const LOAD_MAX: Duration = Duration::from_secs(120);

/// What it takes to open a session.
pub(super) struct Opening<'a> {
    /// What turns share.
    pub(super) hub: &'a Hub,
    /// The agent.
    pub(super) connection: &'a Connection,
    /// Whether to stop.
    pub(super) is_stopped: &'a dyn Fn() -> bool,
    /// Tells a person how it goes: a kind of status, and the line.
    pub(super) say: &'a dyn Fn(&'static str, String),
}

impl Opening<'_> {
    /// The session of the turn, ready for a prompt; what the agent calls it.
    ///
    /// # Errors
    /// The agent opens none.
    pub(super) fn open(&self, known: &mut Known, turn: &TurnSpec) -> Result<String, Failure> {
        // A conversation that was cut or compressed, or moved, is not the one that the agent remembers.
        let was_cut = known.length.is_some_and(|length| turn.history.len() <= length);
        if was_cut || known.cwd != turn.cwd {
            known.place = None;
        }
        known.length = None;
        known.cwd.clone_from(&turn.cwd);
        if let Some((id, number)) = known.place.clone() {
            if number == self.connection.number {
                return Ok(id);
            }
            if let Some(told) = self.load(&id, turn)? {
                return self.opened(known, turn, id, &told);
            }
            known.place = None;
        }
        let told = self.ask("session/new", &self.params(turn), NEW_MAX)?;
        let id = told.get("sessionId").and_then(Value::as_str).filter(|id| id.len() <= SESSION_BYTES_MAX);
        let id = id.ok_or(Failure::Malformed("it opened a session without an id"))?.to_owned();
        known.is_untold = true;
        known.context = (0, 0);
        self.opened(known, turn, id, &told)
    }

    /// Has the agent switch to a mode or a model.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn choose(
        &self,
        known: &mut Known,
        session: &str,
        pick: Pick,
        id: &str,
    ) -> Result<(), Failure> {
        let (method, params) = known.card.request(pick, session, id);
        let answer = self.connection.peer.call(method, &params, ACP_SWITCH_MAX, self.is_stopped)?;
        known.card.chosen(pick, id, &answer);
        Ok(())
    }

    /// What the agent took up again; nothing where it did not. What it says of it meanwhile nobody hears: we have
    /// it.
    fn load(&self, id: &str, turn: &TurnSpec) -> Result<Option<Value>, Failure> {
        if !self.connection.facts.loads {
            return Ok(None);
        }
        let mut params = self.params(turn);
        params["sessionId"] = id.into();
        match self.ask("session/load", &params, LOAD_MAX) {
            Ok(told) => Ok(Some(told)),
            Err(failure @ (Failure::Refused(_) | Failure::TimedOut(..))) => {
                log::debug!("a session is begun anew: {failure}");
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// It is open: what it offers, and what a person chose before. Where that comes to no end the next one opens
    /// it anew, and asks for it again.
    fn opened(
        &self,
        known: &mut Known,
        turn: &TurnSpec,
        id: String,
        told: &Value,
    ) -> Result<String, Failure> {
        known.place = Some((id.clone(), self.connection.number));
        known.card.opened(told);
        for update in self.connection.peer.asides(&id) {
            known.hear(&update);
        }
        if let Err(failure) = self.wish(known, turn, &id) {
            known.place = None;
            return Err(failure);
        }
        Ok(id)
    }

    /// What a person chose before holds again, as far as it is still on offer.
    fn wish(&self, known: &mut Known, turn: &TurnSpec, id: &str) -> Result<(), Failure> {
        let wishes = [(Pick::Mode, known.mode.clone()), (Pick::Model, turn.model_name().map(str::to_owned))];
        for (pick, wish) in wishes {
            let choices = known.card.menu.choices(pick);
            let found = wish.and_then(|wish| choices.find(&wish)).map(|offer| offer.id.clone());
            let Some(wanted) = found.filter(|wanted| *wanted != choices.current) else { continue };
            match self.choose(known, id, pick, &wanted) {
                Ok(()) => {}
                Err(failure @ (Failure::Refused(_) | Failure::TimedOut(..))) => {
                    let text = format!("The {} {wanted} does not hold any more. {failure}", pick.as_str());
                    (self.say)("warn", text);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    fn params(&self, turn: &TurnSpec) -> Value {
        let servers = lent::told(&self.hub.servers(turn), &self.connection.facts);
        json!({ "cwd": turn.cwd.display().to_string(), "mcpServers": servers })
    }

    /// Asks for a session, with a login in between if the agent wants one.
    fn ask(&self, method: &'static str, params: &Value, limit: Duration) -> Reply {
        let call = || self.connection.peer.call(method, params, limit, self.is_stopped);
        match call() {
            Err(Failure::Login(_)) => {
                let name = self.log_in()?;
                call().map_err(|failure| match failure {
                    Failure::Login(_) => {
                        Failure::Login(format!("The agent took the login {name}, and wants one still."))
                    }
                    failure => failure,
                })
            }
            reply => reply,
        }
    }

    /// Logs in; the name of the way that was taken.
    fn log_in(&self) -> Result<&str, Failure> {
        let logins = &self.connection.facts.logins;
        let way = login::choose(logins, self.hub.login()).map_err(Failure::Login)?;
        let name = way.name();
        (self.say)("status", format!("logging in: {name}"));
        let params = json!({ "methodId": way.id });
        match self.connection.peer.call("authenticate", &params, ACP_LOGIN_MAX, self.is_stopped) {
            Ok(_) => Ok(name),
            Err(Failure::Refused(fault)) => {
                let text = format!("The agent refused the login {name}: {}", fault.message);
                Err(Failure::Login(format!("{text}. {}", login::advice(logins))))
            }
            Err(Failure::Login(_)) => {
                let text = format!("The login {name} did not succeed.");
                Err(Failure::Login(format!("{text} {}", login::advice(logins))))
            }
            Err(failure) => Err(failure),
        }
    }
}
