//! What the command line may name: a gateway, and who answers behind it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::transport::target::{Target, TargetError};

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Agent {
    /// The demo agent; ours only.
    Demo,
    /// The gateway's own agent, in front of a scripted model server.
    Model,
}

/// How a gateway is started.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// A build of this program.
    Ours(PathBuf),
    /// The original, installed in this virtual environment.
    Python(PathBuf),
    /// It runs already; nothing is started and nothing ended.
    Running(SocketAddr, Box<Target>),
}

/// A gateway to be measured.
#[derive(Clone, PartialEq, Debug)]
pub struct GatewaySpec {
    /// What it is called in the report.
    pub label: String,
    /// How it is started.
    pub kind: Kind,
    /// More flags for its server.
    pub args: Vec<String>,
    /// The process to be looked at, of one that runs already.
    pub pid: Option<u32>,
}

/// A gateway that cannot be measured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SpecError {
    /// There is no such program.
    NoProgram(PathBuf),
    /// The URL is none.
    Url(TargetError),
    /// The URL leads to another machine, which nobody should load without asking.
    NotLoopback(String),
    /// Our own executable cannot be found.
    NoSelf,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpecError::NoProgram(path) => write!(f, "there is no program {}", path.display()),
            SpecError::Url(error) => error.fmt(f),
            SpecError::NotLoopback(host) => {
                write!(f, "{host} is not this machine; only loopback addresses are measured")
            }
            SpecError::NoSelf => f.write_str("cannot find this program's own executable"),
        }
    }
}

impl std::error::Error for SpecError {}

/// Name of this program among gateways.
const SELF: &str = "self";
/// What stands before the folder of a virtual environment.
const PYTHON: &str = "python:";

impl GatewaySpec {
    /// Reads `self`, a path, `python:VENV` or `ws://…`. `args` is split at blanks.
    pub fn parse(word: &str, args: &str, pid: Option<u32>) -> Result<Self, SpecError> {
        let (label, kind) = if word == SELF {
            (SELF.to_owned(), Kind::Ours(std::env::current_exe().map_err(|_| SpecError::NoSelf)?))
        } else if let Some(venv) = word.strip_prefix(PYTHON) {
            let venv = absolute(Path::new(venv));
            existing(venv.join("bin/python"))?;
            existing(venv.join("bin/hermes"))?;
            ("python".to_owned(), Kind::Python(venv))
        } else if word.contains("://") {
            let target = Target::new(Some(word), None).map_err(SpecError::Url)?;
            (target.to_string(), Kind::Running(loopback(&target)?, Box::new(target)))
        } else {
            let path = existing(absolute(Path::new(word)))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, Kind::Ours(path))
        };
        let args = args.split_whitespace().map(str::to_owned).collect();
        Ok(Self { label, kind, args, pid })
    }

    /// Whether it is a build of this program.
    pub fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours(_))
    }
}

/// The path, not its target: a virtual environment's Python is a link, and has to be called by its own name.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn existing(path: PathBuf) -> Result<PathBuf, SpecError> {
    if path.is_file() { Ok(path) } else { Err(SpecError::NoProgram(path)) }
}

/// The address of a target on this machine. Names are not looked up, but for the one that always means it.
fn loopback(target: &Target) -> Result<SocketAddr, SpecError> {
    let host = if target.host.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { &target.host };
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_loopback() => Ok(SocketAddr::new(ip, target.port)),
        _ => Err(SpecError::NotLoopback(target.host.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::{GatewaySpec, Kind, SpecError};
    use crate::base::scratch::Scratch;

    fn parse(word: &str) -> Result<GatewaySpec, SpecError> {
        GatewaySpec::parse(word, "", None)
    }

    #[test]
    fn programs_are_named_by_path() {
        let scratch = Scratch::new();
        let path = scratch.write("other-build", "");
        let spec = GatewaySpec::parse(path.to_str().unwrap(), " --no-merge  --x 1", None).unwrap();
        assert_eq!((spec.label.as_str(), spec.is_ours()), ("other-build", true));
        assert_eq!(spec.args, ["--no-merge", "--x", "1"]);
        assert!(parse("self").unwrap().is_ours());
        assert!(matches!(parse("/no/such/file"), Err(SpecError::NoProgram(_))));
        assert!(matches!(parse(""), Err(SpecError::NoProgram(_))));
    }

    #[test]
    fn the_original_needs_its_environment() {
        let scratch = Scratch::new();
        scratch.write("bin/python", "");
        let word = format!("python:{}", scratch.path().display());
        assert!(matches!(parse(&word), Err(SpecError::NoProgram(path)) if path.ends_with("bin/hermes")));
        scratch.write("bin/hermes", "");
        assert_eq!(parse(&word).unwrap().label, "python");
    }

    #[test]
    fn only_this_machine_is_loaded() {
        for (url, addr) in [
            ("ws://127.0.0.1:9119/api/ws?token=t", "127.0.0.1:9119"),
            ("ws://LOCALHOST:1/", "127.0.0.1:1"),
            ("ws://[::1]:2/", "[::1]:2"),
            ("ws://127.9.9.9/", "127.9.9.9:80"),
        ] {
            let spec = parse(url).unwrap();
            assert!(matches!(spec.kind, Kind::Running(found, _) if found.to_string() == addr), "{url}");
            assert!(!spec.label.contains("token"));
        }
        for url in ["ws://10.0.0.1/", "ws://example.com/", "ws://localhost.example.com/", "ws://0.0.0.0/"] {
            assert!(matches!(parse(url), Err(SpecError::NotLoopback(_))), "{url}");
        }
        assert!(matches!(parse("wss://127.0.0.1/"), Err(SpecError::Url(_))));
        assert!(matches!(parse("http://127.0.0.1/"), Err(SpecError::Url(_))));
    }
}
