//! Actors on the connections of a hub: hears for them, says what they say, and wakes them when they want.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::actor::{Actor, Next, Report};
use super::hub::{Hub, News};
use crate::base::slots::Key;
use crate::reactor::wheel::{TimerKey, Wheel};
use crate::transport::target::Target;
use crate::transport::ws::code;

/// Documents one actor says before the others have their turn.
const BUDGET: usize = 1024;

/// Gives an actor to a connection that came; `None` turns it away.
pub(super) type Casting<'a> = dyn FnMut() -> Option<Box<dyn Actor>> + 'a;

/// What a turn brought.
#[derive(Default, Debug)]
pub(super) struct Turn {
    /// What the actors who left came to, each with the number it was given.
    pub(super) left: Vec<(usize, Report)>,
    /// A signal wants the process to end.
    pub(super) ending: bool,
}

struct Seat {
    actor: Box<dyn Actor>,
    tag: usize,
    timer: Option<TimerKey>,
    /// Whether its connection is open.
    open: bool,
}

/// The connections and who plays on them.
pub(super) struct Stage {
    hub: Hub,
    seats: HashMap<Key, Seat>,
    wheel: Wheel<Key>,
    news: Vec<News>,
}

impl Stage {
    pub(super) fn new(hub: Hub) -> Self {
        Self { hub, seats: HashMap::new(), wheel: Wheel::new(Instant::now()), news: Vec::new() }
    }

    /// Calls a gateway for an actor, which is named by `tag` when it leaves.
    pub(super) fn call(
        &mut self,
        address: SocketAddr,
        target: &Target,
        actor: Box<dyn Actor>,
        tag: usize,
    ) -> io::Result<()> {
        let key = self.hub.call(address, target)?;
        self.seats.insert(key, Seat { actor, tag, timer: None, open: false });
        Ok(())
    }

    /// Whether nobody is on the stage.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Waits until something happens, or `until`, and lets the actors it concerns act.
    pub(super) fn turn(&mut self, until: Option<Instant>, casting: &mut Casting<'_>) -> io::Result<Turn> {
        let mut turn = Turn::default();
        let until = [until, self.wheel.next_deadline()].into_iter().flatten().min();
        let mut news = std::mem::take(&mut self.news);
        self.hub.wait(until, &mut news)?;
        let now = Instant::now();
        for one in news.drain(..) {
            match one {
                News::Open(key) => self.opened(key, now, casting),
                News::Said(key, document) => {
                    if let Some(seat) = self.seats.get_mut(&key) {
                        seat.actor.heard(&document, now);
                        self.act(key, now);
                    }
                }
                News::Room(key) => self.act(key, now),
                News::Gone(key, code, why) => self.gone(key, code, why, &mut turn),
                News::Ending => turn.ending = true,
            }
        }
        // What the actors left behind for the next turn comes first in it.
        news.append(&mut self.news);
        self.news = news;
        while let Some(key) = self.wheel.expire(now) {
            if let Some(seat) = self.seats.get_mut(&key) {
                seat.timer = None;
                self.act(key, now);
            }
        }
        Ok(turn)
    }

    fn opened(&mut self, key: Key, now: Instant, casting: &mut Casting<'_>) {
        if !self.seats.contains_key(&key) {
            let Some(actor) = casting() else {
                return self.hub.close(key, code::TRY_AGAIN_LATER, "nobody left");
            };
            self.seats.insert(key, Seat { actor, tag: 0, timer: None, open: false });
        }
        if let Some(seat) = self.seats.get_mut(&key) {
            seat.open = true;
            seat.actor.opened(now);
            self.act(key, now);
        }
    }

    /// Lets an actor say what it has to say now.
    fn act(&mut self, key: Key, now: Instant) {
        let Some(seat) = self.seats.get_mut(&key) else { return };
        if let Some(timer) = seat.timer.take() {
            self.wheel.cancel(timer);
        }
        let mut budget = BUDGET;
        while seat.open && self.hub.has_room(key) {
            if budget == 0 {
                return self.news.push(News::Room(key));
            }
            budget -= 1;
            match seat.actor.next(now) {
                Next::Say(document) => self.hub.say(key, &document),
                Next::Close(code, reason) => return self.hub.close(key, code, &reason),
                Next::Wait(until) => {
                    seat.timer = until.map(|until| self.wheel.insert(until, key));
                    return;
                }
            }
        }
    }

    fn gone(&mut self, key: Key, code: Option<u16>, why: Option<String>, turn: &mut Turn) {
        let Some(mut seat) = self.seats.remove(&key) else { return };
        if let Some(timer) = seat.timer.take() {
            self.wheel.cancel(timer);
        }
        seat.actor.closed(code);
        let mut report = seat.actor.report();
        if let Some(why) = why {
            report.fault(format!("no connection: {why}"));
        }
        turn.left.push((seat.tag, report));
    }
}
