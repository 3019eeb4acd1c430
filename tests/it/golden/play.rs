//! Plays a golden file: every line that is something done is done, and what comes out is written below
//! it. The result is the file as it should be.
//!
//! ```text
//! # a comment                      set busy queue (before the first client), set grace none
//! +client 2                        connects                        -client 1   leaves > {json}   2> {json}
//! a client sends                  bytes 1     sends no text @33ms   @20s                     time passes,
//! deadline by deadline agent text "Hello"               the newest turn's agent         agent 1 …   that of
//! turn 1 agent lost                       its thread is gone jobs hold | answer | refuse      what the pool
//! does from now on  job done    does the oldest job text "…"   job stopped 2     the oldest job's result
//! restart     another process, with the same store
//! bulletin $k1 notice "…"   news beside turns ```
//!
//! Out come `< {json}` (client 1), `2< {json}`, `< delta …` and, for all that is no frame, `! …`.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

use tui_gateway::gateway::Setup;
use tui_gateway::gateway::io::{Input, Output};
use tui_gateway::model::bulletin::Bulletin;
use tui_gateway::model::errand::Errand;
use tui_gateway::model::ids::{AskId, ClientId, Ticket, TurnId};
use tui_gateway::model::job::{JobResult, JobSpec};
use tui_gateway::model::settings::{ApprovalMode, BusyMode, Settings};
use tui_gateway::model::store::StoreNews;
use tui_gateway::model::turn::TurnSpec;
use tui_gateway::wire::delta::Delta;

use super::names::Names;
use super::words::{span, unfold, words};
use super::{agent, is_output, outcome};
use crate::stage::{Stage, setup};

/// What the pool does with a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pool {
    Answer,
    Hold,
    Refuse,
}

/// How many wait when the pool refuses.
const QUEUED: usize = 256;

struct Play {
    setup: Setup,
    stage: Option<Stage>,
    names: Names,
    pool: Pool,
    held: VecDeque<(Ticket, JobSpec)>,
    turn: TurnId,
    asks: u32,
    /// Replies sent so far.
    replies: usize,
    /// Jobs given out so far.
    jobs: usize,
    /// Whether records are shown.
    records: bool,
    out: String,
}

/// The file that `script` should be.
pub(super) fn play(script: &str) -> String {
    let mut play = Play {
        setup: setup(),
        stage: None,
        names: Names::new(),
        pool: Pool::Answer,
        held: VecDeque::new(),
        turn: TurnId(0),
        asks: 0,
        replies: 0,
        jobs: 0,
        records: false,
        out: String::new(),
    };
    for line in script.lines().filter(|line| !is_output(line)) {
        play.say(line);
        play.line(line);
    }
    play.check_replies();
    play.out
}

impl Play {
    fn say(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn stage(&mut self) -> &mut Stage {
        let setup = &self.setup;
        self.stage.get_or_insert_with(|| Stage::new(setup.clone()))
    }

    fn line(&mut self, line: &str) {
        if let Some((client, text)) = request(line) {
            return self.request(client, text);
        }
        if let Some(time) = line.strip_prefix('@') {
            let outputs = self.stage().pass(span(time));
            return self.show(outputs);
        }
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => {}
            [comment, ..] if comment.starts_with('#') => {}
            ["+client", client] => self.input(Input::Connected { client: client_id(client) }),
            ["-client", client] => self.input(Input::Disconnected { client: client_id(client) }),
            ["bytes", client] => self.input(Input::BadLine { client: client_id(client) }),
            ["restart"] => self.restart(),
            ["shutdown"] => self.input(Input::Shutdown),
            ["show", "whole"] => self.names.whole = true,
            ["show", "records"] => self.records = true,
            ["store", "trouble", why] => self.input(Input::Store(StoreNews::Trouble((*why).to_owned()))),
            ["store", "recovered"] => self.input(Input::Store(StoreNews::Recovered)),
            ["set", name, value] => self.set(name, value),
            ["jobs", "answer"] => self.pool = Pool::Answer,
            ["jobs", "hold"] => self.pool = Pool::Hold,
            ["jobs", "refuse"] => self.pool = Pool::Refuse,
            ["job", "done"] => self.finish(None),
            ["job", result @ ..] => self.finish(Some(outcome::result(result))),
            ["bulletin", owner, what @ ..] => {
                let owner = self.names.expand(owner);
                self.input(Input::Bulletin(Bulletin { owner, what: outcome::news(what) }));
            }
            ["agent", "lost"] => {
                let why = "the agent ended without an answer".to_owned();
                self.input(Input::AgentLost { turn: self.turn, why });
            }
            ["agent", rest @ ..] => self.agent(rest),
            _ => panic!("unknown line: {line}"),
        }
    }

    /// Another process takes the place of this one, with the settings as they are now.
    fn restart(&mut self) {
        self.check_replies();
        // Its ids are others.
        self.setup.seed += 1;
        let setup = self.setup.clone();
        self.stage().restart(setup);
        (self.replies, self.held, self.turn) = (0, VecDeque::new(), TurnId(0));
    }

    fn check_replies(&mut self) {
        let replies = self.stage().gateway().counters().replies;
        assert_eq!(replies as usize, self.replies, "a reply was not shown");
    }

    /// One document, one reply: at once, or when its job is done.
    fn request(&mut self, client: ClientId, text: &str) {
        let (replies, jobs) = (self.replies, self.jobs);
        let text = self.names.expand(&unfold(text));
        let outputs = self.stage().line(client, &text);
        self.show(outputs);
        // A job that nobody waits for may be held behind its reply.
        let held = self.pool == Pool::Hold && self.jobs > jobs;
        let answered = self.replies - replies;
        assert!(answered == 1 || (answered == 0 && held), "exactly one reply to {text:.200}");
    }

    fn input(&mut self, input: Input) {
        let outputs = self.stage().input(input);
        self.show(outputs);
    }

    fn agent(&mut self, words: &[&str]) {
        let numbered = words.split_first().and_then(|(number, rest)| Some((number.parse().ok()?, rest)));
        let (turn, words) = numbered.map_or((self.turn, words), |(number, rest)| (TurnId(number), rest));
        if words.first() == Some(&"ask") {
            self.asks += 1;
        }
        let event = agent::event(words, AskId(self.asks));
        self.input(Input::Agent { turn, event });
    }

    /// The oldest job that was held is done, with this result or with the usual one.
    fn finish(&mut self, result: Option<JobResult>) {
        let Some((ticket, spec)) = self.held.pop_front() else { panic!("no job waits") };
        let result = match result {
            Some(result) => result,
            None => self.stage().job_result(&spec),
        };
        self.input(Input::JobDone { ticket, result });
    }

    fn set(&mut self, name: &str, value: &str) {
        let seconds = || (value != "none").then(|| span(value));
        let static_word =
            |words: &[&'static str]| *words.iter().find(|word| **word == value).expect("a known word");
        let settings: &mut Settings = Arc::make_mut(&mut self.setup.settings);
        match name {
            "grace" => self.setup.orphan_grace = seconds(),
            "ttl" => self.setup.session_ttl = seconds(),
            "terminal_cwd" => self.setup.terminal_cwd = Some(value.into()),
            "busy" => {
                let modes = [BusyMode::Interrupt, BusyMode::Queue, BusyMode::Steer];
                settings.busy_mode = *modes.iter().find(|mode| mode.as_str() == value).expect("a mode");
            }
            "tool_progress" => {
                settings.display.tool_progress = static_word(&["off", "new", "all", "verbose"])
            }
            "agent" => {
                self.setup.other_agent = (value != "none").then(|| value.to_owned());
                self.setup.demo_only = self.setup.other_agent.is_some();
            }
            "titles" => self.setup.titles = value == "on",
            "approvals" if value == "off" => settings.agent.approvals.mode = ApprovalMode::Off,
            "tier" => settings.display.service_tier = static_word(&["fast", "normal"]),
            "live" => settings.live_sessions_max = value.parse().ok(),
            "model" => value.clone_into(&mut settings.model.name),
            "goal_turns" => settings.raw_json = format!(r#"{{"goals":{{"max_turns":{value}}}}}"#),
            "warning" => settings.warning = Some(value.to_owned()),
            _ => panic!("no such setting: {name}"),
        }
        if self.stage.is_some() {
            let settings = Arc::clone(&self.setup.settings);
            self.input(Input::Settings(settings));
        }
    }

    fn show(&mut self, outputs: Vec<Output>) {
        let (mut asked, mut stats_asked) = (Vec::new(), None);
        for output in outputs {
            // What waits for the store waits for nothing here.
            let output = match output {
                Output::Durably(output) => {
                    if self.records {
                        self.say("! once that is kept:");
                    }
                    *output
                }
                output => output,
            };
            match output {
                Output::Record(record) if self.records => {
                    let text = self.names.fold(&format!("! record {} {:?}", record.key, record.change));
                    self.say(&text);
                }
                Output::Record(_) | Output::Durably(_) | Output::Host { .. } => {}
                Output::Send { client, frame, paced } => {
                    let text = std::str::from_utf8(frame.bytes()).expect("a frame is text");
                    self.send(client, text, paced);
                }
                Output::Delta { client, delta, leading } => self.delta(client, &delta, leading),
                Output::StartTurn(spec) => self.start(&spec),
                Output::Answer { turn, ask, answer } => {
                    self.say(&format!("! answer {} of turn {}: {answer:?}", ask.0, turn.0));
                }
                Output::Steer { turn, text } => self.say(&format!("! steer {} {text:?}", turn.0)),
                Output::Interrupt(turn) => self.say(&format!("! interrupt {}", turn.0)),
                Output::Forget(turn) => self.say(&format!("! forget {}", turn.0)),
                Output::SessionClosed { key } => {
                    let text = self.names.fold(&format!("! closed {key}"));
                    self.say(&text);
                }
                Output::Job { ticket, spec } => {
                    let text = self.names.fold(&format!("! job {:?}", shown(&spec)));
                    self.say(&text);
                    self.jobs += 1;
                    asked.push((ticket, spec));
                }
                Output::Stats { ticket } => {
                    self.say("! stats");
                    stats_asked = Some(ticket);
                }
            }
        }
        if let Some(ticket) = stats_asked {
            let stats = self.stage().stats();
            self.input(Input::Stats { ticket, stats });
        }
        for (ticket, spec) in asked {
            match self.pool {
                Pool::Answer => {
                    let result = self.stage().job_result(&spec);
                    self.input(Input::JobDone { ticket, result });
                }
                Pool::Hold => self.held.push_back((ticket, spec)),
                Pool::Refuse => self.input(Input::JobRefused { ticket, queued: QUEUED }),
            }
        }
    }

    fn send(&mut self, client: ClientId, text: &str, paced: bool) {
        if !text.starts_with(r#"{"jsonrpc":"2.0","method":"event""#) {
            self.replies += 1;
        }
        let text = self.names.frame(text);
        let paced = if paced { "paced " } else { "" };
        self.say(&format!("{}< {paced}{text}", mark(client)));
    }

    fn delta(&mut self, client: ClientId, delta: &Delta, leading: bool) {
        let when = if leading { "leading" } else { "waiting" };
        let session = self.names.fold(delta.session.as_str());
        let text = delta.log.with(delta.range.clone(), |text| format!("{text:?}"));
        let seq = delta.seq.map(|seq| format!(" seq {seq}")).unwrap_or_default();
        self.say(&format!("{}< delta {when} {:?} {session} {text}{seq}", mark(client), delta.kind));
    }

    fn start(&mut self, spec: &TurnSpec) {
        self.turn = spec.turn;
        let mut line = format!("! start {} {} {:?}", spec.turn.0, spec.session, spec.prompt);
        if let Some(model) = &spec.model {
            let _ = write!(line, " model {model}");
        }
        if spec.cwd.as_os_str() != "/w" {
            let _ = write!(line, " cwd {}", spec.cwd.display());
        }
        // Its references are no person's.
        if !spec.expands && spec.resumed.is_none() && spec.prompt.contains('@') {
            line.push_str(" unexpanded");
        }
        for message in spec.history.iter() {
            let _ = write!(line, "\n!   after {} {:?}", message.role.as_str(), message.text);
        }
        let line = self.names.fold(&line);
        self.say(&line);
    }
}

/// A job as it is written down: what judges are told is the same each time.
fn shown(spec: &JobSpec) -> JobSpec {
    let mut spec = spec.clone();
    if let JobSpec::Errand(errand) = &mut spec
        && let Errand::Judge { instructions, .. } = errand.as_mut()
    {
        instructions.replace_range(instructions.find('.').unwrap_or(0).., "…");
    }
    spec
}

/// `> text` is client 1's, `2> text` client 2's.
pub(super) fn request(line: &str) -> Option<(ClientId, &str)> {
    let (client, text) = line.split_once("> ")?;
    match client {
        "" => Some((ClientId(1), text)),
        _ => Some((ClientId(client.parse().ok()?), text)),
    }
}

fn mark(client: ClientId) -> String {
    if client == ClientId(1) { String::new() } else { client.0.to_string() }
}

fn client_id(text: &str) -> ClientId {
    ClientId(text.parse().unwrap_or_else(|why| panic!("{text}: {why}")))
}
