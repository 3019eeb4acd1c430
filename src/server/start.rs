//! From options to a running loop: everything that may fail or block at the start does so here, and a server
//! says that it is ready only once a request can be answered.

use std::env;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::acp::Acp;
use super::connect_file::ConnectFile;
use super::core::Core;
use super::keep;
use super::listener::Listener;
use super::main_loop::{BELL, LISTENER, Parts, Server, now};
use super::shutdown::{Exit, GRACE_DEFAULT};
use super::signals::{self, OnSignal};
use super::source::{Shared, Source};
use super::stdio::reserve_stdout;
use super::upstream::Upstream;
use crate::agent::supervisor::{AgentSource, Supervisor};
use crate::base::secret::Secret;
use crate::bridge::{self, Bridge};
use crate::config::ConfigFile;
use crate::gateway::{Gateway, Setup};
use crate::host::{FRONTED, Hosts};
use crate::jobs::{Pool, Workshop};
use crate::limits::{BULLETINS_MAX, Bounds, JOB_QUEUE_MAX, STORE_MAIL_MAX};
use crate::model::settings::Settings;
use crate::outbound::keepalive::KeepAlive;
use crate::reactor::listen::listen;
use crate::reactor::mailbox::{Bell, mailbox};
use crate::reactor::poller::Poller;
use crate::store::thread;
use crate::transport::access::{Access, BindKind};
use crate::transport::target::percent_encoded;

/// Longer than any process lives, and still a sum with any `Instant`.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Which agent answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AgentChoice {
    /// The configured model; the demo agent when there is none.
    Auto,
    /// The demo agent.
    Demo,
    /// The configured model; an error when there is none.
    Openai,
}

/// Options of both transports.
pub struct Common {
    /// The configuration.
    pub config: Arc<ConfigFile>,
    /// Which agent answers.
    pub agent: AgentChoice,
    /// The agent that answers in the place of ours, one that speaks ACP.
    pub acp: Option<OtherAgent>,
    /// Whether adjacent deltas become one event.
    pub merge: bool,
    /// Whether conversations are written to disk.
    pub store: bool,
    /// Programs that do the work, instead of agents of our own.
    pub upstream: Option<Upstream>,
    /// Called at once when a signal arrives.
    pub on_signal: OnSignal,
}

/// An agent that speaks ACP.
pub struct OtherAgent {
    /// The command that starts it.
    pub command: String,
    /// The id of its way to log in, where one was chosen.
    pub login: Option<String>,
    /// Whether it is given the tool servers of the settings.
    pub lends_servers: bool,
}

/// Options of a server.
pub struct Serve {
    /// Host to bind.
    pub host: String,
    /// Port to bind; 0 takes any.
    pub port: u16,
    /// The token; random when there is none.
    pub token: Option<Secret>,
    /// Names besides IP addresses by which a bind that is not loopback may be addressed.
    pub allowed_hosts: Vec<String>,
    /// Time between pings.
    pub ping_interval: Duration,
    /// Time to wait for a pong.
    pub ping_timeout: Duration,
}

/// Why it could not start; one line for people.
#[derive(Debug)]
pub struct StartError(pub(super) String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StartError {
    fn new(what: &str, error: impl fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}

/// Serves HTTP and WebSocket until a signal.
pub fn serve(common: Common, options: Serve) -> Result<Exit, StartError> {
    let (access, token) = access(&options)?;
    let listener = bind(&options.host, options.port)?;
    let address = listener.local_addr().map_err(|error| StartError::new("cannot listen", error))?;
    let home = common.config.home().dir().to_path_buf();
    let keep_alive =
        KeepAlive { interval: or_never(options.ping_interval), timeout: or_never(options.ping_timeout) };
    let mut server = build(common, keep_alive, true)?;

    let mut socket = mio::net::TcpListener::from_std(listener);
    server
        .poller
        .add_readable(&mut socket, LISTENER)
        .map_err(|error| StartError::new("cannot listen", error))?;
    server.listener = Some(Listener::new(socket));
    server.access = Some(access);

    let host = if options.host.contains(':') { format!("[{}]", options.host) } else { options.host.clone() };
    let base = format!("ws://{host}:{}/api/ws", address.port());
    let url = Secret::new(format!("{base}?token={}", percent_encoded(token.expose())));
    let file = ConnectFile::write(&home, &url);
    if let Err(why) = &file {
        log::warn!("{why}");
    }
    announce(address.port(), &base, &url, options.token.is_none(), file.is_ok())
        .map_err(|error| StartError::new("cannot announce the port", error))?;
    server.run().map_err(|error| StartError::new("the loop failed", error))
}

/// Serves one client on stdin and stdout until it leaves.
pub fn stdio(common: Common) -> Result<Exit, StartError> {
    let stdout = reserve_stdout().map_err(|error| StartError::new("cannot take stdout", error))?;
    let mut server = build(common, KeepAlive { interval: NEVER, timeout: NEVER }, false)?;
    // Before the first document, so that it gets that too. Only over stdio, as in the original.
    if let Some(url) = env::var("HERMES_TUI_SIDECAR_URL").ok().filter(|url| !url.is_empty()) {
        server.open_sidecar(&url);
    }
    server.open_stdio(stdout).map_err(|error| StartError::new("cannot start the stdio threads", error))?;
    server.run().map_err(|error| StartError::new("the loop failed", error))
}

/// Zero switches pings, or giving up on a client, off.
fn or_never(period: Duration) -> Duration {
    if period.is_zero() { NEVER } else { period }
}

/// The rules of the listener, and the token in force.
fn access(options: &Serve) -> Result<(Access, Secret), StartError> {
    let kind = BindKind::of(&options.host);
    if kind == BindKind::Other && options.token.is_none() {
        return Err(StartError(format!(
            "refusing to listen on {} without an explicit token: set HERMES_DASHBOARD_SESSION_TOKEN or pass \
             --token",
            options.host
        )));
    }
    let token = match &options.token {
        Some(token) => token.clone(),
        None => Secret::random().map_err(|error| StartError::new("no randomness for a token", error))?,
    };
    let access = Access::new(kind, &token, options.allowed_hosts.clone())
        .map_err(|error| StartError::new("unusable token", error))?;
    Ok((access, token))
}

fn bind(host: &str, port: u16) -> Result<TcpListener, StartError> {
    let failed = |error: io::Error| StartError::new(&format!("cannot listen on {host}:{port}"), error);
    let mut addresses = (host, port).to_socket_addrs().map_err(failed)?;
    let address = addresses.next().ok_or_else(|| failed(io::Error::other("no address")))?;
    listen(address).map_err(failed)
}

/// Says where the server is: one line for programs on stdout, hints for people on stderr.
fn announce(
    port: u16,
    base: &str,
    url: &Secret,
    token_is_random: bool,
    can_be_found: bool,
) -> io::Result<()> {
    let shown = if token_is_random { url.expose() } else { base };
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "listening; connect with: {shown}")?;
    if !token_is_random {
        writeln!(stderr, "add ?token=… with the token you gave")?;
    }
    let named = if can_be_found { String::new() } else { format!(" --url '{shown}'") };
    writeln!(stderr, "try it: tui-gateway chat --once hello{named}")?;
    if let Some(path) = env::var_os("HERMES_DESKTOP_READY_FILE").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        let draft = path.with_extension("tmp");
        fs::write(&draft, format!("{{\"port\": {port}}}"))?;
        fs::rename(&draft, &path)?;
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "HERMES_DASHBOARD_READY port={port}")?;
    stdout.flush()
}

/// Everything but the transport.
fn build(common: Common, keep_alive: KeepAlive, interrupt_ends: bool) -> Result<Server, StartError> {
    let acp = common.acp.as_ref().map(|other| Acp::new(other, &common)).transpose()?;
    let system = |error: io::Error| StartError::new("cannot set up the loop", error);
    let poller = Poller::new().map_err(system)?;
    let bell = Bell::new(poller.waker(BELL).map_err(system)?);
    let grace = seconds("HERMES_TUI_GATEWAY_SHUTDOWN_GRACE_S").filter(|grace| !grace.is_zero());
    let grace = grace.unwrap_or(GRACE_DEFAULT);
    let signal_mail = signals::catch(&bell, interrupt_ends, grace, common.on_signal).map_err(system)?;
    let settings = common.config.current();
    if common.agent == AgentChoice::Openai && !cfg!(feature = "openai") {
        return Err(StartError("--agent openai needs a build with the feature openai".to_owned()));
    }
    let asks_own = common.agent == AgentChoice::Auto && common.acp.is_none() && common.upstream.is_none();
    match settings.missing_of_model() {
        Some(missing) if common.agent == AgentChoice::Openai => {
            return Err(StartError(format!("--agent openai needs a model: {missing} in config.yaml")));
        }
        // Somebody began to configure one, and may wonder why it is not asked.
        Some(missing) if asks_own && settings.names_model() => {
            log::warn!("the demo agent answers, because the model cannot be asked: {missing}");
        }
        _ => {}
    }
    // Nobody of ours answers then, and none of the settings of models count.
    let demo_only = common.agent == AgentChoice::Demo || acp.is_some() || !cfg!(feature = "openai");
    let timezone = jiff::tz::TimeZone::system();
    let (settings_sender, settings_mail) = mailbox(&bell, 4);
    let (bulletins, bulletin_mail) = mailbox(&bell, BULLETINS_MAX);
    let (store_news, store_mail) = mailbox(&bell, STORE_MAIL_MAX);
    let (store_results, store_job_mail) = mailbox(&bell, JOB_QUEUE_MAX);
    let store = keep::store(common.store, common.config.home());
    let store = thread::start(store, store_results, store_news)
        .map_err(|error| StartError::new("cannot start a thread", error))?;
    // Without tools nothing happens outside of turns.
    #[cfg(not(feature = "openai"))]
    drop(bulletins);
    let shared = Shared {
        settings: settings_sender,
        #[cfg(feature = "openai")]
        bulletins,
        #[cfg(feature = "openai")]
        store: store.0.clone(),
    };
    let source = Arc::new(Source::new(Arc::clone(&common.config), demo_only, shared)?);
    let other_agent = acp.as_ref().map(|acp| acp.name().to_owned());
    let source: Arc<dyn AgentSource> = match acp {
        Some(acp) => acp.source(source),
        None => source,
    };
    let agents = Supervisor::new(&bell, Arc::clone(&source));
    let handle = store.0.clone();
    let workshop = Workshop::new(Arc::clone(&common.config), timezone.clone(), source)
        .with_store(Arc::new(move |inquiry| handle.call(inquiry)));
    let (pool, job_mail) = Pool::new(&bell, workers(), workshop);
    let methods = crate::methods::all().chain(crate::methods::debug_only());
    let setup = setup(settings, demo_only, other_agent, timezone)?;
    let (core, hosts) = match common.upstream {
        None => (Core::Gateway(Box::new(Gateway::new(setup, methods))), None),
        Some(upstream) => {
            let hosts = Hosts::new(&bell, upstream.command.clone());
            let mut bridge = Bridge::new(bridge_setup(setup, &upstream), methods);
            bridge.begin(now());
            (Core::Bridge(Box::new(bridge)), Some(hosts))
        }
    };
    Ok(Server::new(Parts {
        poller,
        bell,
        core,
        agents,
        hosts,
        pool,
        job_mail,
        settings_mail,
        bulletin_mail,
        store,
        store_mail,
        store_job_mail,
        signal_mail,
        keep_alive,
        merge: common.merge,
        grace,
    }))
}

fn setup(
    settings: Arc<Settings>,
    demo_only: bool,
    other_agent: Option<String>,
    timezone: jiff::tz::TimeZone,
) -> Result<Setup, StartError> {
    let seed = getrandom::u64().map_err(|error| StartError::new("no randomness", error))?;
    // 0 switches the grace off; then the time to live counts.
    let grace = seconds("HERMES_TUI_WS_ORPHAN_REAP_GRACE_S").unwrap_or(Duration::from_secs(20));
    let ttl = seconds("HERMES_TUI_SESSION_TTL_S").unwrap_or(Duration::from_secs(21_600));
    let process_cwd = env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let terminal_cwd = env::var_os("TERMINAL_CWD").filter(|cwd| !cwd.is_empty()).map(PathBuf::from);
    Ok(Setup {
        seed,
        orphan_grace: Some(grace).filter(|grace| !grace.is_zero()),
        session_ttl: Some(ttl).filter(|ttl| !ttl.is_zero()),
        settings,
        process_cwd,
        terminal_cwd,
        timezone,
        demo_only,
        other_agent,
        titles: titles(),
        fronted: env::var_os(FRONTED).is_some(),
        bounds: &Bounds::SERVER,
    })
}

/// What of it a bridge needs.
fn bridge_setup(setup: Setup, upstream: &Upstream) -> bridge::Setup {
    bridge::Setup {
        seed: setup.seed,
        orphan_grace: setup.orphan_grace,
        session_ttl: setup.session_ttl,
        skin: setup.settings.display.skin_object_json.clone(),
        per_session: upstream.per_session,
        warm: upstream.warm,
        probe: upstream.probe,
        slow: upstream.slow,
        hang: upstream.hang,
    }
}

/// Seconds from the environment; `None` when unset or no number, 0 when negative.
fn seconds(name: &str) -> Option<Duration> {
    let seconds: f64 = env::var(name).ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// Whether the model is asked for titles: `TUI_GATEWAY_TITLES`, on unless it is 0. Ours: whoever pays for
/// each call, or counts them, may do without.
fn titles() -> bool {
    env::var("TUI_GATEWAY_TITLES").map_or(true, |word| word.trim() != "0")
}

/// Threads of the pool: `HERMES_TUI_RPC_POOL_WORKERS`, default 8, at least 2, as in the original (whose value
/// for nonsense is 4; ours is the default).
fn workers() -> usize {
    let wanted = env::var("HERMES_TUI_RPC_POOL_WORKERS").ok().and_then(|workers| workers.trim().parse().ok());
    wanted.unwrap_or(8).clamp(2, 64)
}
