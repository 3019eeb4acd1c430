//! Starting a server from the command line: the log, the crash record, what secrets to mask, and the words
//! on stderr with which a server ends.

use std::env;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use log::LevelFilter;

use super::crash::{self, Banner};
use super::flags::{self, DEFAULT_HOST, DEFAULT_PORT, LowArgs};
use super::{environment, fail, log as logging};
use crate::base::mask;
use crate::base::secret::Secret;
use crate::config::{ConfigFile, Home};
use crate::server::{self, AgentChoice, Common, Exit, Serve};
use crate::transport::access::BindKind;

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
    let signal_home = crash_home.clone();
    let common = Common {
        config,
        agent: low.agent.unwrap_or(AgentChoice::Auto),
        merge: !low.no_merge,
        store: !low.no_store,
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

/// A line for whoever reads stderr; the terminal UI shows it.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
