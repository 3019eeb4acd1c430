//! Mail to the loop that never waits for it: what finds no room is kept here and sent later. A loop that ends
//! takes nothing any more, and must not keep the store from being closed. Knows nothing of what is sent.

use std::collections::VecDeque;

use crate::reactor::mailbox::{Haste, MailSender, Refused};

/// A mailbox with room for what it does not take.
pub(super) struct Post<T> {
    mail: MailSender<T>,
    /// Oldest first.
    unsent: VecDeque<T>,
}

impl<T> Post<T> {
    /// Sends into this mailbox.
    pub(super) fn new(mail: MailSender<T>) -> Self {
        Self { mail, unsent: VecDeque::new() }
    }

    /// Puts an item behind what waits.
    pub(super) fn push(&mut self, item: T) {
        self.unsent.push_back(item);
    }

    /// The newest item that waits.
    pub(super) fn newest(&mut self) -> Option<&mut T> {
        self.unsent.back_mut()
    }

    /// Sends what finds room; how many items left. Where nobody listens, all do.
    pub(super) fn flush(&mut self) -> usize {
        let mut left = 0;
        while let Some(item) = self.unsent.pop_front() {
            if let Err(Refused::Full(item)) = self.mail.offer(item, Haste::Now) {
                self.unsent.push_front(item);
                break;
            }
            left += 1;
        }
        left
    }

    /// Whether something waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.unsent.is_empty()
    }
}
