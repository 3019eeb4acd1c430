//! Traps of agents: taken for dead, forgotten, waited for.

use super::trap;
use crate::sim::call::Call;
use crate::sim::naive::Naive;
use crate::sim::plan::End;

/// Trap 9. A model that thinks for ten minutes is not dead, and a pong says nothing about it.
#[test]
fn a_slow_model_is_waited_for() {
    trap(&[(Naive::SilenceIsDeath, "came out")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.pass(600);
        scene.say("at last");
        scene.end_turn();
    });
}

/// Trap 14. A session that is closed while its agent is still being made takes the agent along.
#[test]
fn an_agent_that_is_being_made_is_told_to_stop() {
    trap(&[(Naive::StartingAgentsForgotten, "was not told to stop")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.world.on_session(0, "session.close", Call::Close { session }, session);
        scene.settle();
    });
}

/// Trap 16. An orderly end does not wait for an agent that does not listen.
#[test]
fn the_end_does_not_wait_for_a_wedged_agent() {
    trap(&[(Naive::WaitsForAgents, "the end is not over")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.say("x");
        scene.world.agents.wedge();
        scene.settle();
        scene.world.plan.end = End::Shutdown;
    });
}
