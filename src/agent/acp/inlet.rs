//! What waits for a turn: the agent's words in their order, bounded in number and bytes. Whoever puts
//! something in waits for room, but not for ever: one turn that stands still must not silence the others.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use serde_json::Value;

use super::failure::{Failure, Fault};
use crate::model::ask::{Answer, Ask};
use crate::tools::Terminal;

/// Most news that wait for a turn. A turn that runs takes them as they come.
const NEWS_MAX: usize = 1_024;

/// Most bytes of them: twice the largest message.
const BYTES_MAX: usize = 32 << 20;

/// How long there may be no room. The gateway's loop takes an agent's events within milliseconds.
const STALL_MAX: Duration = Duration::from_secs(10);

/// Something for a turn.
#[derive(Debug)]
pub(super) enum News {
    /// The agent tells how it goes: the `update` of `session/update`.
    Update(Value),
    /// The agent asks for something.
    Request { id: Value, method: String, params: Value },
    /// A command of ours asks a person.
    Ask { question: Ask, reply: Sender<Answer> },
    /// A command that the agent asked for runs, or does not.
    Started { id: Value, outcome: Result<Terminal, Fault> },
    /// The agent's answer to the prompt. Nothing comes after it.
    Ended(Result<Value, Failure>),
}

/// Where it waits.
#[derive(Default, Debug)]
pub(super) struct Inlet {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default, Debug)]
struct State {
    waiting: VecDeque<(usize, News)>,
    bytes: usize,
    is_closed: bool,
}

impl State {
    fn is_full(&self) -> bool {
        !self.is_closed && (self.waiting.len() >= NEWS_MAX || self.bytes >= BYTES_MAX)
    }
}

impl Inlet {
    /// Puts news of so many bytes in. Waits for room, 10 s at most: then the turn has failed. False when
    /// nobody will take it.
    pub(super) fn push(&self, bytes: usize, news: News) -> bool {
        self.push_within(STALL_MAX, bytes, news)
    }

    fn push_within(&self, limit: Duration, bytes: usize, news: News) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |state| state.is_full());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return false;
        }
        if state.is_full() {
            state.waiting.push_back((0, News::Ended(Err(Failure::Flooded))));
            state.is_closed = true;
            return false;
        }
        state.bytes = state.bytes.saturating_add(bytes);
        state.waiting.push_back((bytes, news));
        drop(state);
        self.changed.notify_all();
        true
    }

    /// The prompt is answered, or never will be. Does not wait: it is the last that comes.
    pub(super) fn end(&self, outcome: Result<Value, Failure>) {
        let mut state = self.lock();
        if !state.is_closed {
            state.waiting.push_back((0, News::Ended(outcome)));
            state.is_closed = true;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The oldest news, waited for so long at most.
    pub(super) fn pop(&self, wait: Duration) -> Option<News> {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        loop {
            if let Some((bytes, news)) = state.waiting.pop_front() {
                state.bytes = state.bytes.saturating_sub(bytes);
                drop(state);
                self.changed.notify_all();
                return Some(news);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The turn is over: what waits goes, and whoever waits for an answer hears that none will come. Gives
    /// the requests of the agent that were not looked at.
    pub(super) fn close(&self) -> Vec<Value> {
        let mut state = self.lock();
        state.is_closed = true;
        state.bytes = 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        let unanswered = |(_, news)| match news {
            News::Request { id, .. } | News::Started { id, .. } => Some(id),
            News::Update(_) | News::Ask { .. } | News::Ended(_) => None,
        };
        waiting.into_iter().filter_map(unanswered).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn news_keep_their_order_and_the_end_is_the_last() {
        let inlet = Inlet::default();
        assert!(inlet.push(1, News::Update(json!(1))) && inlet.push(1, News::Update(json!(2))));
        inlet.end(Ok(json!(3)));
        assert!(!inlet.push(1, News::Update(json!(4))));
        for number in [1, 2] {
            assert!(matches!(inlet.pop(Duration::ZERO), Some(News::Update(value)) if value == number));
        }
        assert!(matches!(inlet.pop(Duration::ZERO), Some(News::Ended(Ok(value))) if value == 3));
        assert!(inlet.pop(Duration::ZERO).is_none());
    }

    #[test]
    fn a_turn_that_stands_still_fails() {
        let inlet = Inlet::default();
        assert!(inlet.push(BYTES_MAX, News::Update(json!("large"))));
        assert!(!inlet.push_within(Duration::ZERO, 1, News::Update(json!("more"))));
        assert!(matches!(inlet.pop(Duration::ZERO), Some(News::Update(_))));
        assert!(matches!(inlet.pop(Duration::ZERO), Some(News::Ended(Err(Failure::Flooded)))));
    }

    #[test]
    fn a_turn_that_is_over_leaves_its_requests_to_be_refused() {
        let inlet = Inlet::default();
        let request = News::Request { id: json!(7), method: "m".to_owned(), params: Value::Null };
        assert!(inlet.push(1, request) && inlet.push(1, News::Update(json!(1))));
        assert_eq!(inlet.close(), [json!(7)]);
        assert!(!inlet.push(1, News::Update(json!(1))));
    }
}
