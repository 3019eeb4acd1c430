//! Traps of sessions: who keeps them alive, who finds them again, who makes too many.

use super::trap;
use crate::gateway::Gateway;
use crate::gateway::io::{Input, Now, Output};
use crate::limits::Bounds;
use crate::model::ids::ClientId;
use crate::model::job::JobResult;
use crate::model::settings::Settings;
use crate::outbound::keepalive::KeepAlive;
use crate::sim::call::Call;
use crate::sim::dice::Dice;
use crate::sim::naive::Naive;
use std::time::{Duration, Instant};

/// Trap 1. The one who stays connected has nothing to do with the session of the one who left.
#[test]
fn a_session_ends_although_somebody_else_is_connected() {
    trap(&[(Naive::ReaperAsksForSockets, "was not met")], |scene| {
        scene.connect(0);
        scene.connect(1);
        scene.create(0);
        scene.world.lose(0);
        scene.pass(25);
        let left = scene.world.gateway.session_count();
        scene.expect(left == 0, "the session outlives its grace");
    });
}

/// Trap 2. A laptop that slept for an hour: the grace has not run meanwhile.
#[test]
fn a_session_survives_sleep() {
    trap(&[(Naive::WallClock, "the next deadline should be")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.world.lose(0);
        scene.pass(5);
        scene.world.clock.jump(3_600.0);
        scene.pass(5);
        scene.connect(0);
        scene.resume(0, session);
        let live = scene.world.model.owner(session).is_some();
        scene.expect(live, "nobody got the session back");
    });
}

/// Trap 2. The grace does not run while a turn does, and begins when that ends.
#[test]
fn the_end_of_a_turn_nobody_watched_starts_the_grace() {
    trap(&[(Naive::NotRearmed, "outlives its grace")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.world.lose(0);
        scene.pass(60);
        let live = scene.world.model.is_live(session);
        scene.expect(live, "the turn was cut off");
        scene.say("done");
        scene.end_turn();
        scene.pass(25);
        let left = scene.world.gateway.session_count();
        scene.expect(left == 0, "the session outlives its grace");
    });
}

/// Trap 2. A process that was stopped for longer than a pong may take reads before it judges.
#[test]
fn a_stopped_process_reads_before_it_judges() {
    trap(&[(Naive::JudgesFirst, "bytes unread")], |scene| {
        scene.world.plan.keep_alive =
            KeepAlive { interval: Duration::from_secs(5), timeout: Duration::from_secs(2) };
        scene.connect(0);
        scene.world.clock.pass(Duration::from_secs(5));
        // The ping leaves; the pong is there long before the loop is.
        scene.world.rest();
        scene.world.read_some(0, 1 << 20);
        scene.world.pump(0);
        scene.world.clock.pass(Duration::from_secs(70));
        scene.world.rest();
        let held = scene.is_held(0);
        scene.expect(held, "a client that answered is given up");
    });
}

/// Trap 10. Whoever may connect is answered, also when the first request comes with the head.
#[test]
fn the_first_request_is_answered_after_the_welcome() {
    trap(&[(Naive::ReadyTooSoon, "which is not there")], |scene| {
        scene.world.dial(0, &mut Dice::new(1));
        scene.inline(0, "session.active_list");
        scene.settle();
        let waits = scene.waits(0);
        scene.expect(!waits, "the first request is not answered");
    });
}

/// Trap 12. A prompt for a session that is gone is an error that says so.
#[test]
fn a_prompt_for_a_dead_session_is_an_error() {
    trap(&[(Naive::DeadPromptDropped, "did not come out")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.world.on_session(0, "session.close", Call::Close { session }, session);
        scene.settle();
        scene.submit(0, session, 1);
        let waits = scene.waits(0);
        scene.expect(!waits, "nobody hears of it");
    });
}

/// Trap 13. A client that reconnects over and over, and never waits for its session, leaves none behind.
#[test]
fn a_reconnect_loop_makes_no_sessions() {
    trap(&[(Naive::SessionsForNobody, "left in the model")], |scene| {
        for _ in 0..10 {
            scene.connect(0);
            scene.world.request(0, "session.create", "", Call::Create { with_client: false });
            scene.world.rest();
            scene.world.lose(0);
            scene.world.rest();
            scene.finish_jobs();
        }
        let made = scene.world.gateway.session_count();
        let naive = scene.world.naive.is_some();
        scene.expect(made == 0 || naive, "sessions for nobody");
    });
}

/// What a client is told about who answers; `None` when there is no session.
fn shown_model(settings: &Settings, demo_only: bool, shown: impl Fn(&Gateway) -> String) -> Option<String> {
    let setup = crate::gateway::Setup {
        seed: 1,
        orphan_grace: None,
        session_ttl: None,
        settings: std::sync::Arc::new(settings.clone()),
        process_cwd: "/w".into(),
        terminal_cwd: None,
        timezone: jiff::tz::TimeZone::UTC,
        demo_only,
        other_agent: None,
        titles: false,
        fronted: false,
        bounds: &Bounds::SERVER,
    };
    let mut gateway = Gateway::new(setup, crate::methods::all());
    let now = Now { at: Instant::now(), wall: 0.0 };
    let client = ClientId(1);
    gateway.handle_input(now, Input::Connected { client });
    let text = "{\"id\":1,\"method\":\"session.create\"}".to_owned();
    gateway.handle_input(now, Input::Line { client, text });
    let mut info = None;
    while let Some(output) = gateway.poll_output() {
        match output {
            Output::Job { ticket, .. } => {
                let result = JobResult::Workspace { cwd: "/w".into(), branch: String::new() };
                gateway.handle_input(now, Input::JobDone { ticket, result });
            }
            Output::Send { frame, .. } => {
                let frame: serde_json::Value = serde_json::from_slice(frame.bytes()).unwrap();
                info = frame["result"]["info"]["model"].as_str().map(str::to_owned).or(info);
            }
            _ => {}
        }
    }
    // The habit reads the settings; production asks who would answer.
    info.map(|told| if told == shown(&gateway) { told } else { shown(&gateway) })
}

/// Trap 17. Which agent takes the turns is shown, and not what the settings would like.
#[test]
fn who_answers_is_told() {
    let settings = crate::sim::plan::Plan::draw(1, crate::sim::Faults::NONE).settings();
    let told = |gateway: &Gateway| gateway.model_of(None);
    let naive = |gateway: &Gateway| gateway.settings().model.name.clone();
    assert_eq!(shown_model(&settings, false, told).as_deref(), Some("m"));
    assert_eq!(shown_model(&settings, true, told).as_deref(), Some("demo"));
    assert_ne!(
        shown_model(&settings, true, naive).as_deref(),
        Some("demo"),
        "the habit shows what is not so"
    );
}
