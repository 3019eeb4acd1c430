//! Who is heard next: mail of many senders, every one in turn, within a budget. Owns the order; must not know
//! what is said.

use std::collections::VecDeque;

use super::mailbox::Mail;

/// How much is taken.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// From one sender before the next has its turn.
    pub burst: usize,
    /// From all of them together.
    pub budget: usize,
}

/// Takes from every sender of `ring` in turn until the budget is used up or each has said once that it has
/// nothing more. `found` gets each item, and `None` once for a sender that will never have any again: it has left
/// the ring by then. It says what the item weighs against the budget, at least one. `heard` is told after each
/// sender's turn. True when something may be left.
pub fn collect<S, T>(
    ring: &mut VecDeque<S>,
    share: Share,
    take: impl Fn(&S) -> Mail<T>,
    mut found: impl FnMut(&mut S, Option<T>) -> usize,
    mut heard: impl FnMut(&mut S),
) -> bool {
    let mut budget = share.budget;
    // These are at the front; behind them stand those that have said it.
    let mut active = ring.len();
    while active > 0 && budget > 0 {
        let Some(mut sender) = ring.pop_front() else { break };
        let before = budget;
        let mut last = None;
        while budget > before.saturating_sub(share.burst) {
            match take(&sender) {
                Mail::Item(item) => budget = budget.saturating_sub(found(&mut sender, Some(item)).max(1)),
                Mail::Newest(item) => {
                    budget = budget.saturating_sub(found(&mut sender, Some(item)).max(1));
                    last = Some(Mail::Empty);
                    break;
                }
                none => {
                    last = Some(none);
                    break;
                }
            }
        }
        heard(&mut sender);
        match last {
            None => ring.insert(active - 1, sender),
            Some(Mail::Closed) => {
                active -= 1;
                found(&mut sender, None);
            }
            Some(_) => {
                active -= 1;
                ring.push_back(sender);
            }
        }
    }
    budget == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    type Sender = (u8, RefCell<VecDeque<Mail<u8>>>);

    fn sender(name: u8, mail: &[Mail<u8>]) -> Sender {
        let copy = |mail: &Mail<u8>| match mail {
            Mail::Item(item) => Mail::Item(*item),
            Mail::Newest(item) => Mail::Newest(*item),
            Mail::Empty => Mail::Empty,
            Mail::Closed => Mail::Closed,
        };
        (name, RefCell::new(mail.iter().map(copy).collect()))
    }

    fn run(ring: &mut VecDeque<Sender>, burst: usize, budget: usize) -> (Vec<(u8, Option<u8>)>, bool) {
        let mut heard = Vec::new();
        let take = |sender: &Sender| sender.1.borrow_mut().pop_front().unwrap_or(Mail::Empty);
        let left = collect(
            ring,
            Share { burst, budget },
            take,
            |sender, item| {
                heard.push((sender.0, item));
                1
            },
            |_| {},
        );
        (heard, left)
    }

    #[test]
    fn nobody_is_heard_twice_before_the_next() {
        let items = [1, 2, 3].map(Mail::Item);
        let mut ring = VecDeque::from([sender(1, &items), sender(2, &items)]);
        let (heard, left) = run(&mut ring, 2, 100);
        let order: Vec<u8> = heard.iter().map(|(name, _)| *name).collect();
        assert_eq!((order, left), (vec![1, 1, 2, 2, 1, 2], false));
    }

    #[test]
    fn the_budget_is_shared_and_the_next_look_begins_with_the_next_sender() {
        let items = [1, 2, 3].map(Mail::Item);
        let mut ring = VecDeque::from([sender(1, &items), sender(2, &items)]);
        assert_eq!(run(&mut ring, 2, 2), (vec![(1, Some(1)), (1, Some(2))], true));
        assert_eq!(run(&mut ring, 2, 1), (vec![(2, Some(1))], true));
    }

    #[test]
    fn who_is_gone_says_so_once_and_leaves() {
        let mut ring =
            VecDeque::from([sender(1, &[Mail::Item(1), Mail::Closed]), sender(2, &[Mail::Item(2)])]);
        let (heard, left) = run(&mut ring, 8, 100);
        assert_eq!(heard, [(1, Some(1)), (1, None), (2, Some(2))]);
        assert_eq!((ring.len(), left), (1, false));
    }

    #[test]
    fn who_said_the_newest_is_not_asked_again() {
        let mut ring = VecDeque::from([
            sender(1, &[Mail::Item(1), Mail::Newest(2), Mail::Newest(3)]),
            sender(2, &[Mail::Item(4), Mail::Item(5), Mail::Newest(6)]),
        ]);
        let (heard, left) = run(&mut ring, 2, 100);
        let heard: Vec<u8> = heard.into_iter().filter_map(|(_, item)| item).collect();
        assert_eq!((heard, left), (vec![1, 2, 4, 5, 6], false));
    }

    /// Found by simulation: who left without a word was counted as one who has nothing to say, so that the last
    /// of the ring was not heard.
    #[test]
    fn who_leaves_without_a_word_hides_nobody() {
        let mut ring = VecDeque::from([sender(1, &[Mail::Closed]), sender(2, &[Mail::Item(2)])]);
        let (heard, _) = run(&mut ring, 8, 100);
        assert_eq!(heard, [(1, None), (2, Some(2))]);
    }
}
