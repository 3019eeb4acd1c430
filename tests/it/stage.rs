//! The pure gateway on a stage: a fixed seed, a clock that stands still until it is moved, fixed settings
//! and fixed results of jobs. Knows no file format.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tui_gateway::gateway::io::{Input, Now, Output};
use tui_gateway::gateway::{Gateway, Setup};
use tui_gateway::limits::Bounds;
use tui_gateway::methods;
use tui_gateway::model::ids::ClientId;
use tui_gateway::model::job::{AgentJob, Drop, JobResult, JobSpec, PathItem};
use tui_gateway::model::provider::price::{Cost, Price};
use tui_gateway::model::provider::{
    Checked, MissingKey, ModelChoice, ProviderDone, ProviderError, ProviderJob, ProviderRow, Switched,
    Unusable,
};
use tui_gateway::model::settings::{AgentSettings, BusyMode, DisplaySettings, ModelSettings, Settings};
use tui_gateway::model::stats::{ProcessStats, Stats};
use tui_gateway::store::Store;
use tui_gateway::store::memory::MemoryStore;

/// Wall time at the start: 2026-07-01 12:00:00 UTC.
const WALL: f64 = 1_782_907_200.0;

/// Seeds every id.
const SEED: u64 = 7;

/// A gateway and its clock.
pub(crate) struct Stage {
    gateway: Gateway,
    start: Instant,
    elapsed: Duration,
    store: MemoryStore,
}

impl Stage {
    pub(crate) fn new(setup: Setup) -> Self {
        let gateway = Gateway::new(setup, methods::all());
        Self { gateway, start: Instant::now(), elapsed: Duration::ZERO, store: MemoryStore::new() }
    }

    /// Another process with the same store.
    pub(crate) fn restart(&mut self, setup: Setup) {
        self.gateway = Gateway::new(setup, methods::all());
    }

    fn now(&self) -> Now {
        Now { at: self.start + self.elapsed, wall: WALL + self.elapsed.as_secs_f64() }
    }

    /// Everything that comes out of one input.
    pub(crate) fn input(&mut self, input: Input) -> Vec<Output> {
        self.gateway.handle_input(self.now(), input);
        self.drain()
    }

    /// A document from a client, stripped as a transport strips it.
    pub(crate) fn line(&mut self, client: ClientId, text: &str) -> Vec<Output> {
        self.input(Input::Line { client, text: text.trim().to_owned() })
    }

    /// Lets time pass; every deadline on the way is met exactly.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Output> {
        let end = self.elapsed + time;
        let mut outputs = Vec::new();
        while let Some(due) = self.gateway.poll_timeout().filter(|due| *due <= self.start + end) {
            self.elapsed = self.elapsed.max(due - self.start);
            self.gateway.handle_timeout(self.now());
            outputs.extend(self.drain());
        }
        self.elapsed = end;
        outputs
    }

    /// The figures of a server around this gateway, whose loop and connections do nothing.
    pub(crate) fn stats(&self) -> Box<Stats> {
        Box::new(Stats {
            version: "1.2.3",
            wire_version: "0.18.0",
            process: ProcessStats { started: Duration::from_secs_f64(WALL), cpu: None, resident: None },
            gateway: self.gateway.stats(),
            ..Stats::default()
        })
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// What the pool would find, or the store.
    pub(crate) fn job_result(&mut self, spec: &JobSpec) -> JobResult {
        match spec {
            JobSpec::Store(inquiry) => {
                JobResult::Store(self.store.answer(&inquiry.profile, &inquiry.what).map(Box::new))
            }
            spec => job_result(spec, self.gateway.settings()),
        }
    }

    fn drain(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some(output) = self.gateway.poll_output() {
            if let Output::Record(record) = &output {
                let record = record.as_ref().clone();
                self.store.apply(&record.profile.clone(), &[record]).expect("memory takes everything");
            }
            outputs.push(output);
        }
        outputs
    }
}

/// Every frame that answers a document, its job done at once.
pub(crate) fn answered(stage: &mut Stage, client: ClientId, text: &str) -> Vec<Value> {
    let mut frames = Vec::new();
    let mut outputs = VecDeque::from(stage.line(client, text));
    while let Some(output) = outputs.pop_front() {
        let output = match output {
            Output::Durably(output) => *output,
            output => output,
        };
        match output {
            Output::Send { frame, .. } => {
                frames.push(serde_json::from_slice(frame.bytes()).expect("a frame is JSON"));
            }
            Output::Job { ticket, spec } => {
                let result = stage.job_result(&spec);
                outputs.extend(stage.input(Input::JobDone { ticket, result }));
            }
            Output::Stats { ticket } => {
                let stats = stage.stats();
                outputs.extend(stage.input(Input::Stats { ticket, stats }));
            }
            _ => {}
        }
    }
    frames
}

/// The setup every test starts from.
pub(crate) fn setup() -> Setup {
    Setup {
        seed: SEED,
        orphan_grace: Some(Duration::from_secs(20)),
        session_ttl: Some(Duration::from_secs(21_600)),
        settings: Arc::new(settings()),
        process_cwd: PathBuf::from("/w"),
        terminal_cwd: None,
        timezone: jiff::tz::TimeZone::UTC,
        demo_only: false,
        other_agent: None,
        titles: false,
        fronted: false,
        bounds: &Bounds::SERVER,
    }
}

fn settings() -> Settings {
    Settings {
        home: PathBuf::from("/home/user/.hermes"),
        home_shown: "~/.hermes".to_owned(),
        mtime: 1_782_900_000.5,
        raw_json: r#"{"model":{"default":"m"},"display":{"skin":"slate"}}"#.to_owned(),
        warning: None,
        agent: AgentSettings::default(),
        model: ModelSettings {
            name: "m".to_owned(),
            base_url: "http://localhost:1".to_owned(),
            api_tries: 3,
            ..ModelSettings::default()
        },
        busy_mode: BusyMode::Interrupt,
        display: DisplaySettings {
            skin_json: r#""slate""#.to_owned(),
            skin_object_json: r#"{"name":"slate"}"#.to_owned(),
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
            tool_progress: "all",
            custom_prompt: String::new(),
        },
        cwd: None,
        approval_timeout_s: 300,
        live_sessions_max: None,
    }
}

/// What the pool would find.
fn job_result(spec: &JobSpec, settings: &Arc<Settings>) -> JobResult {
    let first = |candidates: &[PathBuf]| candidates.first().cloned().unwrap_or_else(|| "/w".into());
    match spec {
        JobSpec::ReloadEnv => JobResult::Env { changed: 1, settings: Arc::clone(settings) },
        JobSpec::LoadSettings | JobSpec::EditSettings { .. } => JobResult::Settings(Arc::clone(settings)),
        JobSpec::Workspace { candidates } | JobSpec::ProfileWorkspace { candidates, .. } => {
            JobResult::Workspace { cwd: first(candidates), branch: "main".to_owned() }
        }
        JobSpec::CompletePath { word, candidates, .. } => {
            let meta = first(candidates).display().to_string();
            JobResult::Completions(vec![PathItem { text: format!("{word}1"), display: word.clone(), meta }])
        }
        JobSpec::Directory { path } => {
            JobResult::Directory { cwd: path.clone(), branch: "main".to_owned(), root: "/w".into() }
        }
        JobSpec::Facts(_) => JobResult::Facts(None),
        JobSpec::Verification { .. } => JobResult::Verification(None),
        JobSpec::SaveConversation(export) => {
            let name = format!("hermes_conversation_{}.json", export.stamp);
            JobResult::Saved(format!("/home/user/.hermes/sessions/saved/{name}").into())
        }
        JobSpec::Agent(AgentJob::Providers(job)) => JobResult::Providers(providers(job).map(Box::new)),
        JobSpec::Errand(_)
        | JobSpec::Agent(_)
        | JobSpec::Projects(_)
        | JobSpec::Extensions(_)
        | JobSpec::Plugins
        | JobSpec::Cron(_)
        | JobSpec::Learning(_)
        | JobSpec::Shell(_)
        | JobSpec::Browser(_)
        | JobSpec::Attach(_)
        | JobSpec::SpawnTree(_)
        | JobSpec::Store(_) => JobResult::Failed("not here".to_owned()),
        JobSpec::DetectDrop { text, .. } => JobResult::Drop(dropped(text)),
        JobSpec::SavePaste { text, number } => JobResult::Paste {
            path: format!("/home/user/.hermes/pastes/paste_{number}_120000.txt").into(),
            lines: text.matches('\n').count() + 1,
            number: *number,
        },
    }
}

/// Only `deepseek` is a provider besides the configured one.
fn providers(job: &ProviderJob) -> Result<ProviderDone, ProviderError> {
    let cost = Cost::per_token;
    let price = Price { input: cost(0.000_000_55), output: cost(0.000_002_19), cache: cost(0.0) };
    let row = |missing| ProviderRow {
        slug: "deepseek".to_owned(),
        name: "DeepSeek".to_owned(),
        models: vec!["deepseek-chat".to_owned(), "deepseek-reasoner".to_owned()],
        prices: BTreeMap::from([("deepseek-reasoner".to_owned(), price)]),
        source: "hermes",
        missing,
        ..ProviderRow::default()
    };
    let known = |slug: &str| match slug {
        "deepseek" | "custom" => Ok(slug.to_owned()),
        other => Err(Unusable::Unknown(other.chars().take(100).collect())),
    };
    match job {
        ProviderJob::Options { .. } => {
            let missing = MissingKey { auth_type: "api_key", variable: "DEEPSEEK_API_KEY" };
            Ok(ProviderDone::Rows(vec![row(None), ProviderRow { models: Vec::new(), ..row(Some(missing)) }]))
        }
        ProviderJob::SaveKey { slug, .. } => match slug.as_str() {
            "deepseek" => Ok(ProviderDone::Saved(row(None))),
            "nous" => Err(ProviderError::OtherAuth { name: "Nous Portal", auth_type: "oauth_device_code" }),
            "managed" => Err(ProviderError::ReadOnly),
            other => Err(ProviderError::Unknown(other.chars().take(100).collect())),
        },
        ProviderJob::Disconnect { slug } if slug == "deepseek" => {
            Ok(ProviderDone::Disconnected { slug: slug.clone(), name: "DeepSeek".to_owned() })
        }
        ProviderJob::Disconnect { slug } => Err(ProviderError::NoCredentials {
            slug: slug.chars().take(100).collect(),
            held: (slug == "xai").then_some("XAI_API_KEY"),
        }),
        ProviderJob::Check { slug } => {
            let provider = known(if slug.is_empty() { "custom" } else { slug });
            let provider = provider.map_err(ProviderError::Unusable)?;
            let usable = provider == "custom";
            Ok(ProviderDone::Checked(Checked { provider, source: "env/config".to_owned(), usable }))
        }
        ProviderJob::Price { model, .. } => {
            let input = model.starts_with("dear").then(|| Cost::per_token(0.00003)).flatten();
            Ok(ProviderDone::Priced(Price { input, ..Price::default() }))
        }
        ProviderJob::Switch { model, slug, persist, .. } => {
            let provider = Some(known(slug).map_err(ProviderError::Unusable)?);
            let choice = ModelChoice { name: model.clone(), provider };
            let warning = if *persist { "not written here".to_owned() } else { String::new() };
            Ok(ProviderDone::Switched(Switched { choice, settings: None, warning }))
        }
    }
}

/// Every first word under `/w` is a file; one that ends in `.png` is an image.
fn dropped(text: &str) -> Option<Drop> {
    let (path, rest) = text.split_once(' ').unwrap_or((text, ""));
    Path::new(path).starts_with("/w").then(|| Drop {
        path: path.into(),
        is_image: path.ends_with(".png"),
        remainder: rest.to_owned(),
        size: None,
    })
}
