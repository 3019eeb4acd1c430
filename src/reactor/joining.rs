//! A mailbox from one thread whose newest item grows until it is taken, so that a flood of small pieces costs the
//! loop a few large ones. Owns the order between what grows and what is queued; must not know what is joined.
//!
//! Without a lock: the newest item lies in a cell of one pointer. Whoever sends takes it out, joins, and puts it
//! back; whoever takes finds it or finds nothing, and never waits for a thread that was stopped in between. Put
//! back, it says how many items were queued before it: that is its place in the order.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use crossbeam_utils::atomic::AtomicCell;
use mio::Waker;

use crate::base::join::Join;

use super::mailbox::{Bell, Gone, Haste, Mail, MailReceiver, MailSender, Refused, Wake, mailbox};

#[cfg(test)]
mod tests;

/// The newest item, while it grows.
#[derive(Debug)]
struct Newest<T> {
    item: T,
    weight: usize,
    /// Items that were queued before it.
    after: u64,
}

/// Where it lies, if it is not in somebody's hands.
struct Place<T>(AtomicCell<Option<Box<Newest<T>>>>);

const _: () = assert!(AtomicCell::<Option<Box<u8>>>::is_lock_free());

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To look would be to take.
        out.write_str("Place")
    }
}

/// The sending half; one thread has it. Dropping it rings, so that the loop learns of the end.
#[derive(Debug)]
pub struct JoiningSender<T, W: Wake = Waker> {
    queue: MailSender<T, W>,
    newest: Arc<Place<T>>,
    queued: Cell<u64>,
    weight_max: usize,
}

impl<T: Join, W: Wake> JoiningSender<T, W> {
    /// Sends and rings. Only what is [`Haste::Paced`] grows. Blocks while the queue is full.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn send(&self, mut item: T, haste: Haste) -> Result<(), Gone> {
        loop {
            match self.offer(item, haste) {
                Ok(()) => return Ok(()),
                Err(Refused::Gone(_)) => return Err(Gone),
                Err(Refused::Full(back)) => item = back,
            }
            match self.newest.0.take() {
                Some(newest) => self.push(newest.item)?,
                // All that is in the way is the queue; what is to grow has to wait for nobody.
                None if haste == Haste::Now => return self.push(item),
                None => {}
            }
        }
    }

    /// The same if there is room.
    ///
    /// # Errors
    /// Gives the item back if the queue is full or nobody listens.
    pub fn offer(&self, mut item: T, haste: Haste) -> Result<(), Refused<T>> {
        if Arc::strong_count(&self.newest) == 1 {
            return Err(Refused::Gone(item));
        }
        let weight = item.weight();
        if let Some(mut newest) = self.newest.0.take() {
            if haste == Haste::Paced && newest.weight + weight <= self.weight_max {
                match newest.item.join(item) {
                    Ok(()) => {
                        newest.weight += weight;
                        self.put(newest);
                        return Ok(());
                    }
                    Err(back) => item = back,
                }
            }
            if !self.queue.has_room() {
                self.put(newest);
                self.queue.ring();
                return Err(Refused::Full(item));
            }
            // A large one has waited long enough, so that a flood is never held back by the clock.
            match self.queue.offer(newest.item, Haste::Now) {
                Ok(()) => self.queued.set(self.queued.get() + 1),
                Err(Refused::Gone(_) | Refused::Full(_)) => return Err(Refused::Gone(item)),
            }
        }
        if haste == Haste::Now {
            self.queue.offer(item, haste)?;
            self.queued.set(self.queued.get() + 1);
        } else {
            self.put(Box::new(Newest { item, weight, after: self.queued.get() }));
        }
        Ok(())
    }

    /// How long until the loop takes by itself what is paced; `None` while it has to be rung for.
    pub fn until_frame(&self, now: Instant) -> Option<Duration> {
        self.queue.until_frame(now)
    }

    fn put(&self, newest: Box<Newest<T>>) {
        self.newest.0.store(Some(newest));
        // Before the pulse is looked at: see `Bell::set_pulsing`.
        fence(Ordering::SeqCst);
        self.queue.announce_paced();
    }

    /// Queues; blocks while there is no room.
    fn push(&self, item: T) -> Result<(), Gone> {
        self.queue.send(item, Haste::Now)?;
        self.queued.set(self.queued.get() + 1);
        Ok(())
    }
}

/// The loop's half.
#[derive(Debug)]
pub struct JoiningReceiver<T> {
    queue: MailReceiver<T>,
    newest: Arc<Place<T>>,
    /// Taken out of its place before what was queued ahead of it.
    early: RefCell<Option<Box<Newest<T>>>>,
    taken: Cell<u64>,
}

impl<T> JoiningReceiver<T> {
    /// Takes the oldest item, without waiting.
    pub fn take(&self) -> Mail<T> {
        let mut early = self.early.borrow_mut();
        if let Some(newest) = early.take_if(|newest| newest.after == self.taken.get()) {
            return Mail::Item(newest.item);
        }
        let none = match self.queue.take() {
            Mail::Item(item) => {
                self.taken.set(self.taken.get() + 1);
                return Mail::Item(item);
            }
            none => none,
        };
        match self.newest.0.take() {
            None => none,
            Some(newest) if newest.after == self.taken.get() => match none {
                // The end rang before it was looked for: nobody rings again.
                Mail::Closed => Mail::Item(newest.item),
                _ => Mail::Newest(newest.item),
            },
            // Something was queued in between.
            Some(newest) => {
                *early = Some(newest);
                drop(early);
                self.take()
            }
        }
    }

    /// Items waiting, without the one that grows.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// A mailbox of at most `capacity` items (at least one) and one that grows up to `weight_max`, that rings `bell`.
pub fn joining_mailbox<T: Join, W: Wake>(
    bell: &Arc<Bell<W>>,
    capacity: usize,
    weight_max: usize,
) -> (JoiningSender<T, W>, JoiningReceiver<T>) {
    let (sender, receiver) = mailbox(bell, capacity);
    let newest = Arc::new(Place(AtomicCell::new(None)));
    let receiver = JoiningReceiver {
        queue: receiver,
        newest: Arc::clone(&newest),
        early: RefCell::new(None),
        taken: Cell::new(0),
    };
    (JoiningSender { queue: sender, newest, queued: Cell::new(0), weight_max }, receiver)
}
