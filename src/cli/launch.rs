//! Starting a server from the command line: the log, the crash record, what secrets to mask, and the words
//! on stderr with which a server ends.

use std::env;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;

use super::crash::{self, Banner};
use super::flags::{self, DEFAULT_HOST, DEFAULT_PORT, LowArgs};
use super::{environment, fail, log as logging};
use crate::base::mask;
use crate::base::secret::Secret;
use crate::config::{ConfigFile, Home};
use crate::host::HostCommand;
use crate::server::{self, AgentChoice, Common, Exit, OtherAgent, Serve, Upstream};
use crate::transport::access::BindKind;

/// Time between two looks at whether a host answers.
const PROBE_DEFAULT: Duration = Duration::from_secs(5);

/// Without an answer for so long a host is slow: the original's own heartbeat calls its loop late then.
const SLOW_DEFAULT: Duration = Duration::from_secs(10);

/// Without an answer for so long a host that does nothing is hung. Longer than anything that stops a process for a
/// while: a laptop's lid, a debugger, a disk that spins up.
const HANG_DEFAULT: Duration = Duration::from_secs(300);

/// Runs `serve`.
pub fn serve(low: &LowArgs) -> ExitCode {
    let host = low.host.clone().unwrap_or_else(|| DEFAULT_HOST.to_owned());
    let (interval, timeout) = flags::ping_defaults(BindKind::of(&host) == BindKind::Loopback);
    let token = low
        .token
        .clone()
        .or_else(|| env::var(environment::TOKEN).ok().filter(|token| !token.is_empty()).map(Secret::new));
    if let Some(token) = &token {
        mask::register_secret(token.expose());
    }
    let options = Serve {
        host,
        port: low.port.unwrap_or(DEFAULT_PORT),
        token,
        allowed_hosts: low.allow_hosts.clone(),
        ping_interval: low.ping_interval.unwrap_or(interval),
        ping_timeout: low.ping_timeout.unwrap_or(timeout),
    };
    run(low, LevelFilter::Info, |common| server::serve(common, options))
}

/// Runs `stdio`.
pub fn stdio(low: &LowArgs) -> ExitCode {
    run(low, LevelFilter::Warn, server::stdio)
}

fn run(
    low: &LowArgs,
    level: LevelFilter,
    start: impl FnOnce(Common) -> Result<Exit, server::StartError>,
) -> ExitCode {
    let (level, warning) = logging::level(low.log_level, env::var_os(environment::LOG).as_deref(), level);
    if let Err(error) = logging::init(level, low.log_file.as_deref()) {
        return fail(&error.to_string(), ExitCode::FAILURE);
    }
    if let Some(warning) = warning {
        log::warn!("{warning}");
    }
    let home = Home::from_env();
    let crash_home = home.dir().to_path_buf();
    crash::install_panic_hook(&crash_home);
    let config = Arc::new(ConfigFile::new(home));
    if let Some(key) = &config.current().model.api_key {
        mask::register_secret(key.expose());
    }
    let upstream = match upstream(low) {
        Ok(upstream) => upstream,
        Err(why) => return fail(&why, ExitCode::from(2)),
    };
    let signal_home = crash_home.clone();
    let common = Common {
        config,
        agent: low.agent.unwrap_or(AgentChoice::Auto),
        acp: acp(low),
        merge: !low.no_merge,
        store: !low.no_store,
        upstream,
        on_signal: Box::new(move |name| {
            say(&format!("[gateway-signal] {name}"));
            crash::record(&signal_home, Banner::Signal(name), "");
        }),
    };
    // A panic of the loop: the hook has written the record and said `[gateway-crash]`.
    let ended = catch_unwind(AssertUnwindSafe(|| start(common)));
    logging::finish();
    let Ok(ended) = ended else { return ExitCode::FAILURE };
    match ended {
        Ok(exit) => {
            if !matches!(exit, Exit::Signal(_) | Exit::Quiet) {
                let reason = exit.to_string();
                say(&format!("[gateway-exit] {reason}"));
                crash::record(&crash_home, Banner::Exit(&reason), "");
            }
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string(), ExitCode::FAILURE),
    }
}

/// The program to stand in front of, if there is one.
fn upstream(low: &LowArgs) -> Result<Option<Upstream>, String> {
    let said = &low.upstream;
    let from_env = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let Some(line) = said.command.clone().or_else(|| from_env(environment::UPSTREAM)) else {
        // Nothing would come of it, and nobody would know.
        return match said.detail() {
            Some(flag) => Err(format!("--{flag} needs --upstream or {}", environment::UPSTREAM)),
            None => Ok(None),
        };
    };
    let command = HostCommand::parse(&line).map_err(|why| format!("--upstream: {why}"))?;
    let per_session = from_env(environment::UPSTREAM_PER_SESSION).is_some_and(|word| word.trim() != "0");
    let warm = from_env(environment::UPSTREAM_WARM).and_then(|count| count.trim().parse().ok());
    Ok(Some(Upstream {
        command,
        per_session: said.per_session || per_session,
        warm: said.warm.or(warm).unwrap_or_default() as usize,
        probe: said.probe.filter(|time| !time.is_zero()).unwrap_or(PROBE_DEFAULT),
        slow: said.slow.unwrap_or(SLOW_DEFAULT),
        hang: said.hang.unwrap_or(HANG_DEFAULT),
    }))
}

/// The agent that speaks ACP, if there is one.
fn acp(low: &LowArgs) -> Option<OtherAgent> {
    let from_env = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let command = low.acp.command.clone().or_else(|| from_env(environment::ACP))?;
    let login = low.acp.login.clone().or_else(|| from_env(environment::ACP_AUTH));
    let lends = from_env(environment::ACP_MCP).is_none_or(|word| word.trim() != "0");
    Some(OtherAgent { command, login, lends_servers: lends && !low.acp.keeps_servers })
}

/// A line for whoever reads stderr; the terminal UI shows it.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
