//! The addresses of a name, found on a thread of its own: a name server may take half a minute, and neither the
//! start nor the loop waits for it. Owns that thread; must not know what the addresses are for.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;

use crate::reactor::mailbox::{Haste, MailSender};

/// Addresses of one name that are tried: more than any name of one machine has.
const ADDRESSES_MAX: usize = 8;

/// What a name stands for, in the order of the system.
pub(super) type Found = io::Result<Vec<SocketAddr>>;

/// Looks `host` up; exactly one answer follows in the mailbox.
///
/// # Errors
/// When there is no thread to be had; then nothing follows.
pub(super) fn start(host: String, port: u16, mail: MailSender<Found>) -> io::Result<()> {
    thread::Builder::new().name("sidecar-lookup".to_owned()).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody listens any more once the server is gone.
        let _ = mail.send(found.map(|all| all.take(ADDRESSES_MAX).collect()), Haste::Now);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactor::mailbox::{Mail, lone_bell, mailbox};

    #[test]
    fn every_name_is_answered_once() {
        let (_poll, bell) = lone_bell().unwrap();
        for (host, known) in [("localhost", true), ("no\0name", false)] {
            let (sender, receiver) = mailbox(&bell, 1);
            start(host.to_owned(), 9, sender).unwrap();
            let found = loop {
                match receiver.take() {
                    Mail::Item(found) => break found,
                    Mail::Closed => panic!("no answer for {host}"),
                    _ => std::thread::yield_now(),
                }
            };
            assert_eq!(found.is_ok_and(|all| all.iter().all(|address| address.port() == 9)), known, "{host}");
            assert!(matches!(receiver.take(), Mail::Empty | Mail::Closed));
        }
    }
}
