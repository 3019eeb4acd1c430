//! `replay --as gateway`: a gateway made of a record, for a front end under examination.

use std::sync::Arc;
use std::time::Instant;

use super::ReplayError;
use super::actor::{Actor, Pace, Report};
use super::cues::cues;
use super::gateway::Gateway;
use super::hub::{Door, Hub};
use super::script::Script;
use super::stage::Stage;
use crate::base::secret::Secret;
use crate::transport::access::{Access, BindKind};
use crate::transport::target::Target;

/// How to be the gateway.
#[derive(Debug)]
pub struct ServeOptions {
    /// Port of 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The token a client has to show: a record is for the eyes of its user.
    pub token: Secret,
    /// How fast.
    pub pace: Pace,
    /// Whether to wait where the client spoke first; else time alone counts.
    pub waits: bool,
}

/// What to tell the person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServeNews {
    /// Clients can connect, to this port.
    Ready(u16),
    /// A client came; which conversation of the record it is played, counted from 1.
    Came(usize),
    /// A client left, and what that came to.
    Left(Report),
}

/// Plays the gateway until a signal ends it. The first client is played the first conversation, and so on; behind
/// the last one the first comes again.
///
/// # Errors
/// When it cannot listen, or the loop fails.
pub fn serve(
    script: &Arc<Script>,
    options: &ServeOptions,
    mut tell: impl FnMut(ServeNews),
) -> Result<Report, ReplayError> {
    let mut hub = Hub::new().map_err(ReplayError::System)?;
    let access = Access::new(BindKind::Loopback, &options.token, Vec::new()).map_err(ReplayError::Token)?;
    let path = Target::new(None, None).map_err(ReplayError::Target)?.path().to_owned();
    let listening = hub.listen(options.port, Door { access, path });
    tell(ServeNews::Ready(listening.map_err(|error| ReplayError::Listen(options.port, error))?));
    let mut stage = Stage::new(hub);
    let mut report = Report::default();
    let mut came = 0;
    loop {
        let mut casting = || -> Option<Box<dyn Actor>> {
            let conversation = came % script.conversations.len().max(1);
            came += 1;
            tell(ServeNews::Came(conversation + 1));
            let cues = Arc::new(cues(script, conversation));
            let script = Arc::clone(script);
            Some(Box::new(Gateway::new(script, cues, conversation, options.pace, options.waits)))
        };
        let turn = stage.turn(None::<Instant>, &mut casting).map_err(ReplayError::System)?;
        for (_, one) in turn.left {
            tell(ServeNews::Left(one.clone()));
            report.add(one);
        }
        if turn.ending {
            return Ok(report);
        }
    }
}
