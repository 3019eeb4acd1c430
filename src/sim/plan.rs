//! The conditions of a run, drawn from its seed: which faults are on and how often, how large buffers, queues
//! and limits are, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::dice::Dice;
use super::fault::{Fault, Faults};
use super::schedule::OPS;
use crate::gateway::Setup;
use crate::limits::Bounds;
use crate::model::settings::{AgentSettings, BusyMode, DisplaySettings, ModelSettings, Settings};
use crate::outbound::keepalive::KeepAlive;

/// Limits that a run meets.
const SMALL: Bounds = Bounds {
    sessions: 4,
    turns: 2,
    queued_prompts: 2,
    turn_text: 2_000,
    control_bytes: 12_000,
    queued_items: 40,
    unmerged_deltas: 8,
    delta_text: 24,
    wire_target: 300,
    write_budget: 700,
};

/// Limits in between: sockets fill up, sessions do not.
const MIDDLE: Bounds = Bounds {
    sessions: 64,
    turns: 16,
    queued_prompts: 8,
    turn_text: 100_000,
    control_bytes: 100_000,
    queued_items: 400,
    unmerged_deltas: 64,
    delta_text: 500,
    wire_target: 2_000,
    write_budget: 4_000,
};

/// Longer than any run, and still a sum with any instant.
const NEVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How a run ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Every client closes its sessions and leaves.
    Close,
    /// Every client leaves; what they leave behind is reaped.
    Leave,
    /// The process is told to end.
    Shutdown,
}

/// The conditions.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) faults: Faults,
    pub(super) people: usize,
    /// How often each kind of step comes.
    pub(super) weights: [u16; OPS.len()],
    /// How often in a hundred a step is followed by a turn of the loop.
    pub(super) eager: u64,
    /// How often in a hundred an agent acts at a place in a turn where it could be in the way.
    pub(super) racy: u64,
    /// Bytes a kernel holds for one direction of a connection.
    pub(super) buffers: [usize; 3],
    pub(super) bounds: &'static Bounds,
    pub(super) merge: bool,
    pub(super) keep_alive: KeepAlive,
    pub(super) orphan_grace: Option<Duration>,
    pub(super) session_ttl: Option<Duration>,
    /// Events an agent may be ahead.
    pub(super) mail_max: usize,
    /// Events taken from one agent at once, and from all.
    pub(super) share: (usize, usize),
    /// Bytes the loop reads from one connection at once, and in one turn.
    pub(super) read: (usize, usize),
    pub(super) jobs_max: usize,
    pub(super) busy_mode: BusyMode,
    pub(super) tool_progress: &'static str,
    pub(super) approval_timeout_s: u64,
    pub(super) end: End,
}

impl Plan {
    /// The conditions of `seed`, with no faults but those in `allowed`.
    pub(super) fn draw(seed: u64, allowed: Faults) -> Self {
        let mut dice = Dice::new(seed);
        let density = dice.pick(&[0, 15, 40, 70]);
        let mut faults = Faults::NONE;
        for (fault, _) in super::fault::FAULTS {
            if dice.chance(density) {
                faults = faults.with(*fault);
            }
        }
        let weights = OPS.map(|(_, weight)| {
            let scaled = u32::from(weight) * dice.pick(&[1, 2, 4, 4, 4, 8, 16]) / 4;
            scaled.max(1) as u16
        });
        // Drawn whether or not they count, so that a fault less changes nothing else.
        let (small, racy, jobs_max) =
            (dice.pick(&[&SMALL, &MIDDLE]), dice.pick(&[5, 30]), dice.pick(&[1, 4]));
        let faults = faults.and(allowed);
        Self {
            seed,
            faults,
            people: dice.between(1, 5) as usize,
            weights,
            eager: dice.pick(&[10, 40, 70, 100]),
            racy: if faults.has(Fault::Races) { racy } else { 0 },
            buffers: dice.pick(&[[400, 2_000, 9_000], [4_000, 16_000, 64_000], [128 << 10; 3]]),
            bounds: if faults.has(Fault::SmallLimits) { small } else { &Bounds::SERVER },
            merge: dice.chance(70),
            keep_alive: keep_alive(&mut dice),
            orphan_grace: dice.pick(&[Some(20), Some(20), Some(1), None]).map(Duration::from_secs),
            session_ttl: dice.pick(&[Some(21_600), Some(60), None]).map(Duration::from_secs),
            mail_max: dice.pick(&[2, 8, 64, 512]),
            share: dice.pick(&[(1, 2), (4, 16), (128, 512)]),
            read: dice.pick(&[(16, 64), (500, 2_000), (64 << 10, 256 << 10)]),
            jobs_max: if faults.has(Fault::RefusedJobs) { jobs_max } else { 256 },
            busy_mode: dice.pick(&[BusyMode::Interrupt, BusyMode::Queue, BusyMode::Steer]),
            tool_progress: dice.pick(&["all", "off", "verbose", "new"]),
            approval_timeout_s: dice.pick(&[5, 60, 300]),
            end: dice.pick(&[End::Close, End::Leave, End::Shutdown]),
        }
    }

    /// What the gateway is made of.
    pub(super) fn setup(&self) -> Setup {
        Setup {
            seed: self.seed,
            orphan_grace: self.orphan_grace,
            session_ttl: self.session_ttl,
            settings: self.settings(),
            process_cwd: PathBuf::from("/w"),
            terminal_cwd: None,
            timezone: jiff::tz::TimeZone::UTC,
            demo_only: false,
            other_agent: None,
            // Nobody asked for a title, so nothing here would expect one.
            titles: false,
            fronted: false,
            bounds: self.bounds,
        }
    }

    /// The settings as they are now.
    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::new(Settings {
            home: PathBuf::from("/home/user/.hermes"),
            home_shown: "~/.hermes".to_owned(),
            mtime: 0.0,
            raw_json: "{}".to_owned(),
            warning: None,
            agent: AgentSettings::default(),
            model: ModelSettings {
                name: "m".to_owned(),
                base_url: "http://localhost:1".to_owned(),
                api_tries: 3,
                ..ModelSettings::default()
            },
            busy_mode: self.busy_mode,
            display: DisplaySettings {
                skin_json: "\"slate\"".to_owned(),
                skin_object_json: "{\"name\":\"slate\"}".to_owned(),
                indicator: "kaomoji",
                personality: "none".to_owned(),
                reasoning_effort: String::new(),
                show_reasoning: false,
                service_tier: "normal",
                details_mode: "collapsed",
                thinking_mode: "collapsed",
                compact: false,
                statusbar: "top",
                mouse: "all",
                tool_progress: self.tool_progress,
                custom_prompt: String::new(),
            },
            cwd: None,
            approval_timeout_s: self.approval_timeout_s,
            live_sessions_max: None,
        })
    }
}

fn keep_alive(dice: &mut Dice) -> KeepAlive {
    let (interval, timeout) = dice.pick(&[(30, 60), (20, 20), (5, 2), (0, 0)]);
    let seconds = |seconds| if seconds == 0 { NEVER } else { Duration::from_secs(seconds) };
    KeepAlive { interval: seconds(interval), timeout: seconds(timeout) }
}
