//! `replay FILE`: plays a record's both sides against each other over loopback sockets, as fast as it goes, and
//! proves that every document arrives byte for byte.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ReplayError;
use super::actor::{Actor, Report};
use super::exact::{Exact, script_hash};
use super::hub::{Door, Hub};
use super::script::Script;
use super::stage::Stage;
use crate::base::secret::Secret;
use crate::transport::access::{Access, BindKind};
use crate::transport::target::Target;
use crate::wirelog::entry::Side;

/// Time in which nothing at all may move. Both sides are ours, so only a stopped machine is that slow.
const STALL_MAX: Duration = Duration::from_secs(30);

/// What a check came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// What both sides said and heard, and every fault.
    pub report: Report,
    /// The hash of the record; equal to the report's if everything was heard as recorded.
    pub hash: u64,
    /// How long it took.
    pub took: Duration,
}

impl Checked {
    /// Whether everything arrived as recorded.
    pub fn holds(&self) -> bool {
        self.report.fault_count == 0 && self.report.hash == self.hash
    }
}

/// Plays `script` against itself.
///
/// # Errors
/// When there are no sockets to be had. That something is not as recorded is in the result.
pub fn check(script: &Arc<Script>) -> Result<Checked, ReplayError> {
    let began = Instant::now();
    let mut hub = Hub::new().map_err(ReplayError::System)?;
    let token = Secret::random().map_err(|error| ReplayError::System(error.into()))?;
    let access = Access::new(BindKind::Loopback, &token, Vec::new()).map_err(ReplayError::Token)?;
    let target = Target::new(None, Some(&token)).map_err(ReplayError::Target)?;
    let door = Door { access, path: target.path().to_owned() };
    let port = hub.listen(0, door).map_err(|error| ReplayError::Listen(0, error))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stage = Stage::new(hub);
    let mut report = Report::default();
    for conversation in 0..script.conversations.len() {
        let actor = |side| -> Box<dyn Actor> { Box::new(Exact::new(Arc::clone(script), conversation, side)) };
        stage.call(address, &target, actor(Side::Client), conversation).map_err(ReplayError::System)?;
        let mut left = 0;
        while left < 2 {
            let until = Instant::now() + STALL_MAX;
            let turn = stage.turn(Some(until), &mut || Some(actor(Side::Server)));
            let turn = turn.map_err(ReplayError::System)?;
            if turn.ending {
                return Err(ReplayError::Interrupted);
            }
            if Instant::now() >= until {
                report.fault(format!("connection {}: stalled", conversation + 1));
                break;
            }
            left += turn.left.len();
            turn.left.into_iter().for_each(|(_, one)| report.add(one));
        }
    }
    Ok(Checked { report, hash: script_hash(script), took: began.elapsed() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::check;
    use crate::wirelog::entry::Side;
    use crate::wirelog::replay::testing::script;

    #[test]
    fn a_record_is_told_over_sockets_byte_for_byte() {
        let long = format!("\"{}\"", "\u{e9}\n".repeat(50_000));
        let mut lines =
            vec![(Side::Server, "{\"a\": 1.50}"), (Side::Client, &long), (Side::Server, "not\tJSON")];
        lines.extend((0..2000).map(|_| (Side::Server, "{\"delta\":\"x\"}")));
        lines.extend((0..5).flat_map(|_| [(Side::Client, "{}"), (Side::Server, long.as_str())]));
        let checked = check(&Arc::new(script(&lines))).unwrap();
        assert_eq!(checked.report.faults, Vec::<String>::new());
        assert_eq!((checked.report.said, checked.report.heard), (lines.len() as u64, lines.len() as u64));
        assert!(checked.holds());
    }

    #[test]
    fn a_connection_on_which_nothing_was_said_is_played_too() {
        let checked = check(&Arc::new(script(&[]))).unwrap();
        assert!(checked.holds());
        assert_eq!((checked.report.connections, checked.report.said), (1, 0));
    }
}
