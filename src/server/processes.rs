//! Background processes, seen from the loop: what they say becomes bulletins, and what clients ask about them
//! is answered. Runs on threads of its own and of the pool, never on the loop's.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use crate::model::bulletin::{Bulletin, What};
use crate::model::process::{Killed, Process};
use crate::reactor::mailbox::{Gone, Haste, MailSender};
use crate::tools::Processes;

/// Pause after output was carried. With the bound on what waits meanwhile (64 KiB), all processes together
/// cost a client 640 KB a second at most; the rest is in the list of processes.
const PAUSE: Duration = Duration::from_millis(100);

/// Who ends a process here, as the original calls it.
const KILL_SOURCE: &str = "process.kill";

/// The same for all of them.
const STOP_SOURCE: &str = "process.stop";

/// From now on what processes say goes to the loop. A process's own thread only rings; it never waits.
///
/// # Errors
/// The system has no thread left.
pub(super) fn listen(processes: &Arc<Processes>, bulletins: MailSender<Bulletin>) -> io::Result<()> {
    let (ring, rung) = bounded(1);
    processes.set_listener(Box::new(move || {
        // One ring that waits is as good as two.
        let _ = ring.try_send(());
    }));
    // Not held: the processes end with their last owner, and this thread with them.
    let processes = Arc::downgrade(processes);
    let run = move || carry(&processes, &rung, &bulletins);
    thread::Builder::new().name("process-news".to_owned()).spawn(run).map(drop)
}

fn carry(processes: &Weak<Processes>, rung: &Receiver<()>, bulletins: &MailSender<Bulletin>) {
    while rung.recv().is_ok() {
        match carry_once(processes, bulletins) {
            Ok(true) => thread::sleep(PAUSE),
            Ok(false) => {}
            Err(Gone) => return,
        }
    }
}

/// Carries what there is; whether there was output.
fn carry_once(processes: &Weak<Processes>, bulletins: &MailSender<Bulletin>) -> Result<bool, Gone> {
    let processes = processes.upgrade().ok_or(Gone)?;
    let (chunks, notices) = (processes.take_chunks(), processes.take_notices());
    drop(processes);
    let has_output = !chunks.is_empty();
    for chunk in chunks {
        let what = What::Output { process: chunk.process, text: chunk.text };
        bulletins.send(Bulletin { owner: chunk.owner, what }, Haste::Paced)?;
    }
    for notice in notices {
        let what = What::Notice { text: notice.text, claim: notice.claim };
        bulletins.send(Bulletin { owner: notice.owner, what }, Haste::Now)?;
    }
    Ok(has_output)
}

/// The processes of a session, or all.
pub(super) fn list(processes: &Processes, owner: Option<&str>) -> Vec<Process> {
    owner.map_or_else(|| processes.list_all(), |owner| processes.list(owner))
}

/// Ends a process of a session.
pub(super) fn kill(processes: &Processes, owner: &str, id: &str) -> Killed {
    processes.kill(owner, id, KILL_SOURCE)
}

/// Ends all of all sessions, and says how many.
pub(super) fn stop(processes: &Processes) -> usize {
    processes.kill_all(STOP_SOURCE)
}
