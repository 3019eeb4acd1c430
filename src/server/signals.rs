//! Signals, on a thread of their own: it tells the loop to end, and ends the process itself when the loop
//! does not within the grace.

use std::io;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::main_loop::Server;
use super::shutdown::Exit;
use crate::reactor::mailbox::{Bell, Haste, MailReceiver, MailSender, mailbox};

/// How much longer than the grace this thread waits: the loop, whose grace begins later, should be the one
/// that ends the process, because it tidies up.
const MARGIN: Duration = Duration::from_millis(250);

/// What a signal means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SignalMail(&'static str);

/// Called at once when a signal arrives, on the signal thread.
pub(super) type OnSignal = Box<dyn Fn(&'static str) + Send>;

/// Catches SIGTERM, SIGHUP and SIGINT. The last is ignored on stdio (the terminal UI owns Ctrl-C) and ends
/// a server. SIGPIPE is ignored by the runtime: writes fail instead.
pub(super) fn catch(
    bell: &Arc<Bell>,
    interrupt_ends: bool,
    grace: Duration,
    on_signal: OnSignal,
) -> io::Result<MailReceiver<SignalMail>> {
    let (mail, receiver) = mailbox(bell, 4);
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            let name = match signal {
                SIGTERM => "SIGTERM",
                SIGHUP => "SIGHUP",
                _ if interrupt_ends => "SIGINT",
                _ => continue,
            };
            on_signal(name);
            end(&mail, name, grace);
        }
    })?;
    Ok(receiver)
}

fn end(mail: &MailSender<SignalMail>, name: &'static str, grace: Duration) {
    let _ = mail.send(SignalMail(name), Haste::Now);
    thread::sleep(grace.saturating_add(MARGIN));
    process::exit(0);
}

impl Server {
    pub(super) fn signalled(&mut self, mail: SignalMail) {
        self.begin_ending(Exit::Signal(mail.0));
    }
}
