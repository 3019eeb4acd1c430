//! Traps of delivery: text twice, frames lost, readers and writers that wait for each other, loops that spin.

use super::trap;
use crate::limits::Bounds;
use crate::model::agent_event::AgentEvent;
use crate::model::turn::{TurnEnd, TurnStatus, Usage};
use crate::reactor::mailbox::Haste;
use crate::sim::call::Call;
use crate::sim::naive::Naive;
use std::time::Duration;

/// Limits that a scene meets.
const SMALL: &Bounds = &Bounds { control_bytes: 12_000, wire_target: 300, delta_text: 24, ..Bounds::SERVER };

/// Trap 3. What a client is sent again after a resume has the shape of what it was sent the first time.
#[test]
fn what_is_sent_again_has_its_envelope() {
    trap(&[(Naive::BareParams, "a client received")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.ask_clarify();
        scene.connect(1);
        scene.resume(1, session);
        let shown = scene.world.people[1].seen.len();
        scene.expect(shown == 1, "the newcomer is not asked");
    });
}

/// Trap 4. Text that waited when a client resumed is in the reply or behind it, not in both. (There is no
/// replay ring here: the reply carries the text so far, and keeps its place among the deltas.)
#[test]
fn text_is_not_doubled_on_resume() {
    trap(&[(Naive::ReplyPassesText, "a client received")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.say("a");
        scene.settle();
        // Heard at once because of what follows it, it waits for the frame clock that the first piece has
        // started.
        scene.say("b");
        scene.tell(AgentEvent::SteeringTaken(0), Haste::Now);
        scene.world.rest();
        scene.resume(0, session);
        scene.say("c");
        scene.end_turn();
    });
}

/// Trap 5. Late news of a turn that is over is nobody's, because no id comes twice. (There is no `seq` here:
/// ids of turns, sessions and connections are what must not restart.)
#[test]
fn late_news_is_nobodys() {
    trap(&[(Naive::TurnIdsRestart, "streamed")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.submit(0, session, 1);
        let end = TurnEnd {
            status: TurnStatus::Complete,
            text: Some("one".to_owned()),
            reasoning: None,
            usage: Usage::default(),
            messages: Vec::new(),
        };
        scene.say("one");
        scene.tell(AgentEvent::End(Box::new(end)), Haste::Now);
        scene.say("late");
        scene.settle();
        scene.say("two");
        scene.end_turn();
    });
}

/// Trap 5. A frame larger than the bound is delivered all the same, alone.
#[test]
fn a_frame_over_the_bound_is_delivered() {
    trap(&[(Naive::OversizeDropped, "does not come to its end")], |scene| {
        scene.world.plan.bounds = SMALL;
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 3_000);
        scene.say("x");
        scene.end_turn();
        scene.resume(0, session);
    });
}

/// Trap 6. A client that writes everything before it reads anything is read all the same.
#[test]
fn reader_and_writer_do_not_wait_for_each_other() {
    trap(&[(Naive::WritesBeforeReads, "wait for each other")], |scene| {
        scene.world.plan.buffers = [2_000; 3];
        scene.connect(0);
        for _ in 0..200 {
            scene.inline(0, "billing.state");
        }
        for _ in 0..1_000 {
            scene.world.pump(0);
            scene.world.rest();
        }
        let unsent = scene.world.people[0].conn.as_ref().map_or(0, |conn| conn.unsent());
        scene.expect(unsent == 0, "client and server wait for each other");
    });
}

/// Trap 7. What one reader leaves lying is bounded in bytes: over the bound it is cut.
#[test]
fn a_backlog_is_bounded() {
    trap(&[(Naive::NoOverrun, "holds")], |scene| {
        scene.world.plan.bounds = SMALL;
        scene.world.plan.buffers = [20_000, 2_000, 2_000];
        scene.connect(0);
        scene.world.people[0].stalled = true;
        for _ in 0..300 {
            scene.inline(0, "billing.state");
            scene.world.rest();
            scene.world.pump(0);
        }
        scene.world.rest();
        let naive = scene.world.naive.is_some();
        let held = scene.is_held(0);
        scene.expect(naive || !held, "the slow reader is kept");
        scene.world.people[0].stalled = false;
    });
}

/// Trap 7. A reader that stalls holds up nobody else.
#[test]
fn a_stalled_reader_holds_up_nobody() {
    trap(&[(Naive::OneQueue, "is forgotten")], |scene| {
        scene.world.plan.buffers = [20_000, 2_000, 2_000];
        scene.connect(0);
        scene.connect(1);
        scene.world.people[0].stalled = true;
        for _ in 0..20 {
            scene.inline(0, "billing.state");
        }
        scene.world.rest();
        scene.inline(1, "session.active_list");
        scene.settle();
        let waits = scene.waits(1);
        scene.expect(!waits, "one waits behind the other");
        scene.world.people[0].stalled = false;
    });
}

/// Trap 8. A refusal is a reply like any other: it is not dropped, and a machine can read it. (That it can is
/// checked with every refusal of every run.)
#[test]
fn a_refusal_arrives() {
    trap(&[(Naive::OverloadDropped, "it was owed Reply")], |scene| {
        scene.world.jobs = crate::sim::jobs::Jobs::new(&scene.world.host.bell, 1);
        scene.connect(0);
        scene.inline(0, "session.active_list");
        for _ in 0..3 {
            scene.world.request(0, "config.get", "\"key\":\"busy\"", Call::Pool { code: 5013 });
        }
        scene.settle();
    });
}

/// Trap 15. Half of a UTF-16 pair is a character like any other that cannot be shown.
#[test]
fn a_lone_surrogate_is_no_parse_error() {
    trap(&[(Naive::StrictJson, "a reply to nothing that was asked")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        let prompt = scene.world.next_prompt();
        scene.submit_text(0, session, prompt, &format!("<p{prompt}> \\ud800"));
        scene.say("x");
        scene.end_turn();
    });
}

/// Trap 18. A loop with nothing to do does nothing.
#[test]
fn an_idle_loop_sleeps() {
    trap(&[(Naive::PollsOften, "an idle loop woke up")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.say("x");
        scene.end_turn();
    });
}

/// Trap 18. A connection whose client sends no more is let go.
#[test]
fn a_half_closed_connection_is_let_go() {
    trap(&[(Naive::ZombiesStay, "left in the model")], |scene| {
        scene.connect(0);
        scene.create(0);
        let sock = scene.world.people[0].conn.as_ref().map(|conn| conn.sock).unwrap();
        scene.world.net.client_finish(sock);
        scene.settle();
        // Gone without a reset: nothing more will ever be heard of it.
        scene.world.people[0].conn = None;
    });
}

/// The bell is silenced before the mail is drained; otherwise what is posted in between lies until something
/// else rings.
#[test]
fn mail_posted_while_the_loop_drains_is_heard() {
    trap(&[(Naive::DrainThenSilence, "mail of an agent")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.world.plan.racy = 60;
        for _ in 0..400 {
            if scene.world.agents.len().0 == 0 {
                scene.submit(0, session, 1);
            }
            let (at, mut dice) = (scene.world.clock.at(), scene.world.dice.clone());
            scene.world.agents.act(at, &mut dice, false);
            scene.world.dice = dice;
            scene.world.pass(Duration::from_millis(7));
        }
        scene.world.plan.racy = 0;
        scene.settle();
    });
}
