//! How other threads reach the loop: one bounded queue per sender and one bell for all of them.
//!
//! Owns the wake-up protocol. A sender that pushes also rings, in one call, so nobody can forget to.
//! Ringing is a load and, only when the bell is silent, a swap and one `eventfd` write. The loop silences
//! the bell *before* it drains ([`Bell::silence`]): a push after that rings again, a push before it is
//! drained, so nothing is ever left lying.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use mio::Waker;

use super::pulse::FRAME;

#[cfg(test)]
mod stress;

/// Looks at the length while a mailbox fills up.
const LOOKS: usize = 16;

/// How soon the loop has to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Haste {
    /// At once.
    Now,
    /// With the next frame of the pulse; at once when the pulse rests (the leading edge) or the queue is about
    /// half full (so that a flood is never held back by the clock).
    Paced,
}

/// Ends a wait, from any thread.
pub trait Wake {
    /// Wakes the loop, or makes its next wait return at once.
    fn wake(&self) -> io::Result<()>;
}

impl Wake for Waker {
    fn wake(&self) -> io::Result<()> {
        Waker::wake(self)
    }
}

/// The one wake-up shared by all mailboxes of a loop.
#[derive(Debug)]
pub struct Bell<W = Waker> {
    waker: W,
    ringing: AtomicBool,
    /// Whether the loop will look by itself within one frame.
    pulsing: AtomicBool,
    /// When it was made; times are counted from here.
    made: Instant,
    /// A frame the loop looks at by itself, in microseconds; the others are whole frames away from it.
    frame: AtomicU64,
}

impl<W: Wake> Bell<W> {
    /// A bell that wakes the poll `waker` belongs to.
    pub fn new(waker: W) -> Arc<Self> {
        let (ringing, pulsing) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { waker, ringing, pulsing, made: Instant::now(), frame: AtomicU64::new(0) })
    }

    /// Wakes the loop, once until it silences the bell.
    pub fn ring(&self) {
        if self.ringing.load(Ordering::SeqCst) || self.ringing.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Err(error) = self.waker.wake() {
            log::error!("cannot wake the loop: {error}");
            // The next ring has to try again.
            self.ringing.store(false, Ordering::SeqCst);
        }
    }

    /// The loop is about to drain. Call before draining, never after.
    pub fn silence(&self) -> bool {
        let rung = self.ringing.swap(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        rung
    }

    /// Tells senders whether a frame of the pulse is due anyway. After saying `false` the loop drains once
    /// more, because a paced push may have relied on the old answer.
    pub fn set_pulsing(&self, pulsing: bool) {
        self.pulsing.store(pulsing, Ordering::SeqCst);
        // What is taken next was put there before, or whoever puts it there sees the new answer: they have the
        // same fence between the two (`joining`).
        fence(Ordering::SeqCst);
    }

    /// Tells senders when a frame of the pulse is due, for those who like to come right before it. Nothing but
    /// their comfort rests on it.
    pub fn set_frame(&self, at: Instant) {
        let micros = at.saturating_duration_since(self.made).as_micros();
        self.frame.store(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long until the next frame of the pulse, at most [`FRAME`]; `None` while it rests.
    fn until_frame(&self, now: Instant) -> Option<Duration> {
        if !self.pulsing.load(Ordering::Relaxed) {
            return None;
        }
        let frame = self.made.checked_add(Duration::from_micros(self.frame.load(Ordering::Relaxed)))?;
        if let Some(until) = frame.checked_duration_since(now) {
            return Some(until.min(FRAME));
        }
        let past = now.duration_since(frame).as_micros() % FRAME.as_micros();
        // Less than a frame, so it fits by far.
        Some(FRAME - Duration::from_micros(past as u64))
    }
}

/// The sending half. Dropping it rings, so that the loop learns of the end.
#[derive(Debug)]
pub struct MailSender<T, W: Wake = Waker> {
    // Dropped before the bell rings in `Drop`, see there.
    queue: Option<Sender<T>>,
    bell: Arc<Bell<W>>,
    /// Pushes since the length was last looked at.
    unseen: AtomicUsize,
}

impl<T, W: Wake> Clone for MailSender<T, W> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), bell: Arc::clone(&self.bell), unseen: AtomicUsize::new(0) }
    }
}

/// The loop no longer listens to this mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

/// The queue took nothing; gives the item back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused<T> {
    /// It is full, and the loop has been told.
    Full(T),
    /// Nobody listens.
    Gone(T),
}

impl<T, W: Wake> MailSender<T, W> {
    /// Pushes and rings. Blocks while the queue is full: only threads that may wait send.
    pub fn send(&self, item: T, haste: Haste) -> Result<(), Gone> {
        match self.offer(item, haste) {
            Ok(()) => Ok(()),
            Err(Refused::Gone(_)) => Err(Gone),
            Err(Refused::Full(item)) => {
                self.queue.as_ref().ok_or(Gone)?.send(item).map_err(|_| Gone)?;
                self.announce(haste);
                Ok(())
            }
        }
    }

    /// Pushes and rings if there is room.
    pub fn offer(&self, item: T, haste: Haste) -> Result<(), Refused<T>> {
        let Some(queue) = &self.queue else { return Err(Refused::Gone(item)) };
        match queue.try_send(item) {
            Ok(()) => {
                self.announce(haste);
                Ok(())
            }
            Err(TrySendError::Full(item)) => {
                // Whatever the haste: a full queue means that the loop has to come now.
                self.bell.ring();
                Err(Refused::Full(item))
            }
            Err(TrySendError::Disconnected(item)) => Err(Refused::Gone(item)),
        }
    }

    /// Whether the next push finds room, if nobody else pushes.
    pub(super) fn has_room(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.is_full())
    }

    /// Wakes the loop.
    pub(super) fn ring(&self) {
        self.bell.ring();
    }

    /// How long until the loop looks by itself; `None` where it has to be rung for.
    pub(super) fn until_frame(&self, now: Instant) -> Option<Duration> {
        self.bell.until_frame(now)
    }

    /// Rings for what lies ready elsewhere, unless a frame comes by itself.
    pub(super) fn announce_paced(&self) {
        if !self.bell.pulsing.load(Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    /// Rings for what was just pushed, unless the loop comes soon enough by itself.
    fn announce(&self, haste: Haste) {
        if haste == Haste::Now || !self.bell.pulsing.load(Ordering::SeqCst) || self.is_pressed() {
            self.bell.ring();
        }
    }

    /// Whether the queue is half full. Looks with every [`LOOKS`]th part of the capacity only: the length stands
    /// where the loop writes, so that each look costs as much as a push.
    fn is_pressed(&self) -> bool {
        let Some(capacity) = self.queue.as_ref().and_then(Sender::capacity) else { return false };
        // Threads that share a sender may lose a count: they look a little later.
        let unseen = self.unseen.load(Ordering::Relaxed) + 1;
        let look = unseen * LOOKS >= capacity;
        self.unseen.store(if look { 0 } else { unseen }, Ordering::Relaxed);
        if !look {
            return false;
        }
        self.queue.as_ref().is_some_and(|queue| queue.len() * 2 >= capacity)
    }
}

impl<T, W: Wake> Drop for MailSender<T, W> {
    fn drop(&mut self) {
        // First the queue's end, then the news of it.
        self.queue = None;
        self.bell.ring();
    }
}

/// The loop's half.
#[derive(Debug)]
pub struct MailReceiver<T> {
    queue: Receiver<T>,
}

/// What a look into a mailbox found.
#[derive(PartialEq, Eq, Debug)]
pub enum Mail<T> {
    /// The oldest item.
    Item(T),
    /// The newest item, which has grown until now (`joining`). What is sent from here on has time to grow too, and
    /// rings where it has none: a look in the same turn is for nothing.
    Newest(T),
    /// Nothing now.
    Empty,
    /// Nothing ever again: empty, and every sender is gone.
    Closed,
}

impl<T> MailReceiver<T> {
    /// Takes the oldest item, without waiting.
    pub fn take(&self) -> Mail<T> {
        match self.queue.try_recv() {
            Ok(item) => Mail::Item(item),
            Err(TryRecvError::Empty) => Mail::Empty,
            Err(TryRecvError::Disconnected) => Mail::Closed,
        }
    }

    /// Items waiting.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// A mailbox of at most `capacity` items (at least one) that rings `bell`.
pub fn mailbox<T, W: Wake>(bell: &Arc<Bell<W>>, capacity: usize) -> (MailSender<T, W>, MailReceiver<T>) {
    let (sender, receiver) = crossbeam_channel::bounded(capacity.max(1));
    let sender = MailSender { queue: Some(sender), bell: Arc::clone(bell), unseen: AtomicUsize::new(0) };
    (sender, MailReceiver { queue: receiver })
}

/// A bell on a poll of its own: for tests and tools that have no loop.
pub fn lone_bell() -> io::Result<(mio::Poll, Arc<Bell>)> {
    let poll = mio::Poll::new()?;
    let waker = Waker::new(poll.registry(), mio::Token(0))?;
    Ok((poll, Bell::new(waker)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn woken(poll: &mut mio::Poll) -> bool {
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        !events.is_empty()
    }

    #[test]
    fn rings_once_until_silenced() {
        let (mut poll, bell) = lone_bell().unwrap();
        let (sender, receiver) = mailbox(&bell, 8);
        sender.send(1, Haste::Now).unwrap();
        assert!(woken(&mut poll));
        sender.send(2, Haste::Now).unwrap();
        assert!(!woken(&mut poll), "already ringing");
        assert!(bell.silence());
        assert_eq!(receiver.take(), Mail::Item(1));
        sender.send(3, Haste::Now).unwrap();
        assert!(woken(&mut poll));
    }

    #[test]
    fn paced_mail_waits_for_a_running_pulse() {
        let (mut poll, bell) = lone_bell().unwrap();
        let (sender, receiver) = mailbox(&bell, 8);
        sender.send(1, Haste::Paced).unwrap();
        assert!(woken(&mut poll), "the leading edge wakes");
        bell.silence();
        bell.set_pulsing(true);
        sender.send(2, Haste::Paced).unwrap();
        assert!(!woken(&mut poll));
        for item in 3..5 {
            sender.send(item, Haste::Paced).unwrap();
        }
        assert!(woken(&mut poll), "half full wakes");
        assert_eq!(receiver.len(), 4);
    }

    #[test]
    fn dropping_the_last_sender_rings_and_closes() {
        let (mut poll, bell) = lone_bell().unwrap();
        let (sender, receiver) = mailbox(&bell, 8);
        bell.set_pulsing(true);
        sender.send(1, Haste::Paced).unwrap();
        drop(sender);
        assert!(woken(&mut poll));
        assert_eq!(receiver.take(), Mail::Item(1));
        assert_eq!(receiver.take(), Mail::Closed);
    }

    #[test]
    fn a_full_queue_blocks_its_sender_only() {
        let (mut poll, bell) = lone_bell().unwrap();
        bell.set_pulsing(true);
        let (sender, receiver) = mailbox(&bell, 1);
        sender.send(1, Haste::Paced).unwrap();
        let blocked = std::thread::spawn(move || sender.send(2, Haste::Paced));
        while !woken(&mut poll) {
            std::thread::yield_now();
        }
        assert_eq!(receiver.take(), Mail::Item(1));
        assert_eq!(blocked.join().unwrap(), Ok(()));
        assert_eq!(receiver.take(), Mail::Item(2));
    }

    #[test]
    fn a_receiver_that_left_is_an_error() {
        let (_poll, bell) = lone_bell().unwrap();
        let (sender, receiver) = mailbox(&bell, 1);
        drop(receiver);
        assert_eq!(sender.send(1, Haste::Now), Err(Gone));
    }
}
