//! Agents that are programs of their own: any that speaks the Agent Client Protocol, version 1, on its stdin
//! and stdout (<https://agentclientprotocol.com>, JSON-RPC 2.0, a document a line). The gateway owns the
//! sessions; the agent thinks, and works through us where it asks to.
//!
//! Reader's path of a turn: `mod` (its frame) → `hub` (the program, the session's seat) → `session` (the
//! agent's session) → `prompt` (what is sent) → `attend` (until it is answered) with `talk` and `call` (what
//! the agent says), `permission` with `subject`, `files` and `terminals` (what it asks for). Below: `peer`
//! (requests and answers), `inlet` (what waits for a turn), `process` (the program), `words` (its
//! command line).
//!
//! What a person chooses between turns goes `choosing` → `session`; `menu` reads what there is to choose,
//! `login` the ways to log in, and `lent` writes our tool servers in the protocol's words.
//!
//! Left out of the protocol: audio, and logins that need a terminal. Guidance in the middle of a turn is not part
//! of it: it becomes the next prompt.

mod attend;
mod call;
mod choosing;
mod failure;
mod files;
mod hub;
mod inlet;
mod lent;
mod login;
mod menu;
mod peer;
mod permission;
mod process;
mod prompt;
mod session;
mod subject;
mod talk;
mod terminals;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

pub use self::hub::{DeskOf, ServersOf};
pub use self::words::CommandLine;

use self::attend::{Bench, attend};
use self::failure::Failure;
use self::hub::{Holder, Hub, Known};
use self::inlet::Inlet;
use self::peer::Reply;
use self::process::Process;
use self::session::Opening;
use self::talk::Talk;
use super::supervisor::AgentSource;
use super::{Agent, AgentIo, references};
use crate::model::agent_event::AgentEvent;
use crate::model::errand::{Errand, ErrandEnd};
use crate::model::job::{AgentJob, JobResult};
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus};

/// A program with an agent.
pub struct Program {
    /// What starts it.
    pub command: CommandLine,
    /// The id of the way to log in, where it offers several.
    pub login: Option<String>,
    /// The tool servers that it is given; nothing when it is given none.
    pub servers: Option<ServersOf>,
}

/// The agents of one program, which serves all sessions. What is no turn is done by `others`.
pub struct AcpSource {
    hub: Arc<Hub>,
    others: Arc<dyn AgentSource>,
}

impl AcpSource {
    /// Agents of the program that this command starts, when the first turn needs it.
    pub fn new(program: Program, desks: DeskOf, others: Arc<dyn AgentSource>) -> Self {
        let Program { command, login, servers } = program;
        let opener = Box::new(move || Process::start(&command));
        let hub = Hub::new(opener, desks).with_login(login).with_servers(servers);
        Self { hub: Arc::new(hub), others }
    }
}

impl AgentSource for AcpSource {
    fn agent(&self, _turn: &TurnSpec) -> Box<dyn Agent> {
        Box::new(AcpAgent { hub: Arc::clone(&self.hub) })
    }

    fn errand(&self, errand: Errand, stop: &Arc<AtomicBool>) -> ErrandEnd {
        if let Errand::Choose { spec, pick } = errand {
            let is_stopped = || stop.load(Ordering::SeqCst) || self.hub.is_closed();
            return match choosing::run(&self.hub, &spec, pick, &is_stopped) {
                Ok(menu) => ErrandEnd::Menu(Box::new(menu)),
                Err(why) => ErrandEnd::Failed(why),
            };
        }
        ErrandEnd::Failed("the agent of this server does nothing outside of turns".to_owned())
    }

    fn job(&self, job: AgentJob) -> JobResult {
        self.others.job(job)
    }

    fn session_closed(&self, key: &str) {
        self.hub.forget(key);
        self.others.session_closed(key);
    }

    fn shutdown(&self) {
        thread::scope(|scope| {
            // Side by side, so that the longer of the two is waited for, not both.
            let shutting = thread::Builder::new().spawn_scoped(scope, || self.hub.shut());
            self.others.shutdown();
            if shutting.is_err() {
                self.hub.shut();
            }
        });
    }
}

/// One turn of the program's agent.
struct AcpAgent {
    hub: Arc<Hub>,
}

impl Agent for AcpAgent {
    fn run(&mut self, turn: &TurnSpec, io: &AgentIo) -> TurnEnd {
        io.emit(AgentEvent::Thinking);
        let is_stopped = || io.interrupted() || self.hub.is_closed();
        let mut seat = match self.hub.enter(&turn.session_key, Holder::Turn, &is_stopped) {
            Ok(seat) => seat,
            Err(failure) => return Talk::new(turn, io).end(Err(failure)),
        };
        let written;
        let turn = match self.expanded(turn, io) {
            Ok(None) => turn,
            Ok(Some(spec)) => {
                written = spec;
                &written
            }
            Err(end) => return *end,
        };
        let mut talk = Talk::new(turn, io);
        let outcome = converse(&self.hub, &mut seat.known, &mut talk, turn, io);
        if matches!(outcome, Err(Failure::Interrupted | Failure::Flooded)) && talk.is_asked {
            // What the agent still says of this prompt must not be taken for the next one's.
            seat.known.place = None;
        }
        let end = talk.end(outcome);
        if end.status != TurnStatus::Error || !end.messages.is_empty() {
            seat.known.length = Some(turn.history.len());
        }
        end
    }
}

impl AcpAgent {
    /// The turn with the references of its prompt expanded, if there are any. How much room the agent's model
    /// has, nobody knows.
    fn expanded(&self, turn: &TurnSpec, io: &AgentIo) -> Result<Option<TurnSpec>, Box<TurnEnd>> {
        if !references::wanted(turn) {
            return Ok(None);
        }
        // Without a desk the turn fails a little later, and says why.
        let Ok(desk) = self.hub.desk(turn) else { return Ok(None) };
        let prompt = references::expanded(turn, &desk, 0, true, io)?;
        Ok(prompt.map(|prompt| TurnSpec { prompt, ..turn.clone() }))
    }
}

/// Asks the agent, and attends to it until it has answered.
fn converse(hub: &Hub, known: &mut Known, talk: &mut Talk<'_>, turn: &TurnSpec, io: &AgentIo) -> Reply {
    let is_stopped = || io.interrupted() || hub.is_closed();
    let desk = hub.desk(turn)?;
    let connection = hub.connect(&is_stopped)?;
    talk.name.clone_from(&connection.facts.name);
    let explained = |failure| connection.explained(failure);
    let say = |kind: &'static str, text: String| io.emit(AgentEvent::Status { kind, text });
    let opening = Opening { hub, connection: &connection, is_stopped: &is_stopped, say: &say };
    let session = opening.open(known, turn).map_err(explained)?;
    if let Some(menu) = known.news() {
        io.emit(AgentEvent::Menu(Box::new(menu)));
    }
    let blocks = prompt::blocks(turn, &connection.facts, known.is_untold);
    let inlet = Arc::new(Inlet::default());
    let peer = &connection.peer;
    // Two conversations in one session of the agent would hear each other: the next turn opens another one.
    let route = peer.route(&session, &inlet).inspect_err(|_| known.place = None)?;
    let prompt = json!({ "sessionId": session, "prompt": blocks });
    let ticket = peer.prompt(&prompt, &inlet).map_err(explained)?;
    (talk.is_asked, known.is_untold) = (true, false);
    let outcome = attend(Bench {
        io,
        peer,
        session: &session,
        inlet: &inlet,
        desk: &desk,
        known,
        talk,
        is_stopped: &is_stopped,
    });
    peer.forget(ticket);
    drop(route);
    talk.name = menu::model_name(&known.card, &connection.facts.name);
    talk.context = known.context;
    outcome.map_err(explained)
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
