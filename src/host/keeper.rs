//! One host's process, from the start to the reaping. Owns the process group and the order of its end.

use std::io::{self, PipeWriter};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitIdStatus};

use super::command::HostCommand;
use super::crash_log::{self, CrashLog};
use super::input::{self, LineReceiver};
use super::look::look;
use super::process::{Demand, Process, Step};
use super::{errors, output};
use crate::child::{Group, Pipes, wait_for_exit};
use crate::model::host::HostLook;
use crate::reactor::joining::JoiningSender;
use crate::reactor::mailbox::{Haste, MailSender};
use crate::wire::upstream::HostNews;

/// How long it may take to end once its input is closed, and then once it was told to. The original ends its
/// sessions first, which waits for their threads.
const CLOSE_GRACE: Duration = Duration::from_secs(3);
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long what it has started may live on, and hold its output open, once it has exited.
const REST_GRACE: Duration = Duration::from_secs(1);

/// Stack of a thread. The reader's parser stays well below it; only touched pages count.
const STACK_BYTES: usize = 1 << 20;

/// How long a host may take for each step of its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Graces {
    /// From the end of its input to SIGTERM.
    pub(super) close: Duration,
    /// From there to SIGKILL.
    pub(super) term: Duration,
    /// From its exit to SIGKILL for what it has left behind.
    pub(super) rest: Duration,
}

impl Default for Graces {
    fn default() -> Self {
        Self { close: CLOSE_GRACE, term: TERM_GRACE, rest: REST_GRACE }
    }
}

/// The threads' ends of what connects them to the loop.
pub(super) struct Ends {
    pub(super) news: JoiningSender<HostNews>,
    pub(super) looks: MailSender<HostLook>,
    pub(super) lines: LineReceiver,
    pub(super) crash_log: Arc<CrashLog>,
}

/// Starts a thread of a host.
pub(super) fn spawn(
    process: &Arc<Process>,
    what: &str,
    work: impl FnOnce(&Arc<Process>) + Send + 'static,
) -> io::Result<()> {
    let process = Arc::clone(process);
    let thread = thread::Builder::new().name(format!("host-{}-{what}", process.host.0));
    thread.stack_size(STACK_BYTES).spawn(move || work(&process)).map(drop)
}

/// Runs the command to its end, and that of all it has started.
pub(super) fn keep(process: &Arc<Process>, command: &HostCommand, graces: Graces, ends: Ends) {
    let Ends { news, looks, lines, crash_log } = ends;
    let crashes = crash_log.watch();
    match Group::start_piped(&mut command.process()) {
        Ok((group, pipes)) => {
            // Fails when nobody listens any more, as may all that is sent below.
            let _ = news.send(HostNews::Started { pid: number(&group) }, Haste::Now);
            match attend(process, group.pid(), pipes, news, lines, crashes) {
                Ok(over) => {
                    serve(process, &group, graces, &looks);
                    end_rest(process, group, graces, over);
                }
                Err(error) => process.exited(|| format!("cannot be started: {error}")),
            }
        }
        Err(error) => {
            process.exited(|| format!("cannot be started: {}: {error}", command.program.display()));
            let _ = news.send(HostNews::Ended(Box::new(process.end())), Haste::Now);
        }
    }
    process.note(|state| state.is_reaped = true);
}

/// Sets a thread to each of its pipes, and one to wait for its exit. Dropping what is returned ends those
/// that still wait for a pipe.
fn attend(
    process: &Arc<Process>,
    pid: Pid,
    pipes: Pipes,
    news: JoiningSender<HostNews>,
    lines: LineReceiver,
    crashes: crash_log::Watch,
) -> io::Result<PipeWriter> {
    let Pipes { input, output, errors } = pipes;
    let (ended, over) = io::pipe()?;
    let ended = Arc::new(ended);
    let (ended_for_output, ended_for_errors) = (Arc::clone(&ended), Arc::clone(&ended));
    spawn(process, "wait", move |process| watch(process, pid))?;
    spawn(process, "err", move |process| errors::read(process, errors, &ended_for_errors))?;
    spawn(process, "in", move |_| input::write(input, &ended, &lines))?;
    spawn(process, "out", move |process| output::read(process, output, &ended_for_output, &news, &crashes))?;
    Ok(over)
}

/// Waits for the exit of the leader, which stays a zombie until its keeper reaps it.
fn watch(process: &Process, pid: Pid) {
    // Fails for no child of ours; then it has exited, too.
    let status = wait_for_exit(pid);
    process.exited(|| match status {
        Ok(Some(status)) => in_words(&status),
        Ok(None) | Err(_) => "it exited".to_owned(),
    });
}

fn in_words(status: &WaitIdStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (_, Some(signal)) => format!("killed by signal {signal}"),
        _ => "it exited".to_owned(),
    }
}

/// Does what is asked for until it exits.
fn serve(process: &Process, group: &Group, graces: Graces, looks: &MailSender<HostLook>) {
    let (mut done, mut until) = (Demand::Run, None);
    loop {
        match process.step(done, until) {
            Step::Exited => return,
            Step::Look => {
                // One that finds no room has several answers waiting ahead of it.
                let _ = looks.offer(look(number(group)), Haste::Now);
            }
            Step::End(demand) => {
                until = match demand {
                    Demand::Run => None,
                    Demand::Close => Some(graces.close),
                    Demand::Term => {
                        group.signal(Signal::TERM);
                        Some(graces.term)
                    }
                    Demand::Kill => {
                        group.signal(Signal::KILL);
                        None
                    }
                }
                .map(|grace| Instant::now() + grace);
                done = demand;
            }
        }
    }
}

/// Ends what it has left behind.
fn end_rest(process: &Process, group: Group, graces: Graces, over: PipeWriter) {
    let until = Instant::now() + graces.rest;
    group.signal(Signal::TERM);
    process.wait_until(until, |state| (state.is_silent && state.is_mute) || state.demand == Demand::Kill);
    drop(over);
    process.wait_until(until, |state| state.demand == Demand::Kill);
    // Kills what is left.
    drop(group);
}

fn number(group: &Group) -> u32 {
    group.pid().as_raw_nonzero().get().unsigned_abs()
}
