//! The configured servers as somebody else is told of them who connects to them in our place. Starts nothing and
//! connects to nothing; knows no protocol in which they are told.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::config::{self, HttpSpec, ServerSpec, StdioSpec, Transport};
use super::error::said;
use crate::base::secret::Secret;

/// Runs a command in a directory: `$0` is the directory, the rest is the command.
const IN_DIR: &str = r#"cd "$0" && exec "$@""#;

/// What somebody is told.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Lending {
    /// The servers.
    pub servers: Vec<Lent>,
    /// One line for each that is configured and not told of: why.
    pub left: Vec<String>,
}

/// A server to be told of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lent {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub reach: Reach,
}

/// How a server is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// By starting a program.
    Stdio {
        /// The program, with its whole path where it is found.
        command: PathBuf,
        /// Its arguments; people write keys there, too.
        args: Vec<Secret>,
        /// Variables it needs.
        env: Vec<(String, Secret)>,
    },
    /// By its address.
    Http {
        /// The address; may have a key in its query.
        url: Secret,
        /// Headers of each request.
        headers: Vec<(String, Secret)>,
        /// Whether it speaks the older transport, `sse`.
        is_sse: bool,
    },
}

/// The servers in `json` that `allows` names. Not told of are those that cannot be used, and those of which only
/// some tools are to be offered, because whoever connects to one would have all of them.
pub fn lent(json: &str, allows: &dyn Fn(&str) -> bool) -> Lending {
    read(json, allows, &|name| env::var(name).ok())
}

fn read(json: &str, allows: &dyn Fn(&str) -> bool, env: config::Env<'_>) -> Lending {
    let config = config::parse(json, env);
    let document: Value = serde_json::from_str(json).unwrap_or_default();
    let mut left: Vec<String> = config.bad.iter().map(|bad| format!("{}: {}", bad.name, bad.why)).collect();
    let mut servers = Vec::new();
    // Whoever is told of them may repeat what it was told.
    config.servers.iter().for_each(ServerSpec::register_secrets);
    for ServerSpec { name, transport, filter, .. } in config.servers {
        if !allows(&name) {
            left.push(format!("{}: it is switched off", said(&name)));
            continue;
        }
        if !filter.is_open() {
            left.push(format!("{}: only some of its tools are to be offered", said(&name)));
            continue;
        }
        let reach = match transport {
            Transport::Stdio(stdio) => program(stdio, env),
            Transport::Http(HttpSpec { url, headers }) => {
                let kind = document.get(&name).and_then(|entry| entry.get("transport"));
                let is_sse = kind.and_then(Value::as_str).is_some_and(|kind| kind.trim() == "sse");
                Reach::Http { url, headers, is_sse }
            }
        };
        servers.push(Lent { name, reach });
    }
    Lending { servers, left }
}

/// Who starts it knows no directory to start it in: then a shell goes there first.
fn program(spec: StdioSpec, env: config::Env<'_>) -> Reach {
    let StdioSpec { command, args, env: variables, cwd } = spec;
    let Some(dir) = cwd else {
        return Reach::Stdio { command: found(command, env), args, env: variables };
    };
    let dir = dir.display().to_string();
    let lead = [IN_DIR.to_owned(), dir, command.display().to_string()].map(Secret::new);
    let args = [Secret::new("-c")].into_iter().chain(lead).chain(args).collect();
    Reach::Stdio { command: PathBuf::from("/bin/sh"), args, env: variables }
}

/// The program's whole path. What is not found stays as it is: whoever starts it says so.
fn found(command: PathBuf, env: config::Env<'_>) -> PathBuf {
    if command.components().count() != 1 || command.is_absolute() {
        return command;
    }
    let path = env("PATH").unwrap_or_default();
    let places = env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(&command));
    places.into_iter().find(|place: &PathBuf| is_program(place)).unwrap_or(command)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> (Vec<Lent>, Vec<String>) {
        let env = |name: &str| match name {
            "PATH" => Some("relative:/nowhere:/bin:/usr/bin".to_owned()),
            "KEY" => Some("sk-canary".to_owned()),
            _ => None,
        };
        let Lending { servers, left } = read(json, &|name| name != "off", &env);
        (servers, left)
    }

    #[test]
    fn a_program_is_told_by_its_path_with_what_it_needs() {
        let (lent, left) = of(r#"{"a": {"command": "sh", "args": ["-x"], "env": {"K": "${KEY}"}},
            "b": {"command": "./mine"}, "c": {"command": "no-such-program"}}"#);
        let Reach::Stdio { command, args, env } = &lent[0].reach else { panic!("a program") };
        assert!(command.is_absolute() && command.ends_with("sh"), "{command:?}");
        assert_eq!((args[0].expose(), env[0].0.as_str(), env[0].1.expose()), ("-x", "K", "sk-canary"));
        let commands = lent[1..].iter().map(|one| match &one.reach {
            Reach::Stdio { command, .. } => command.display().to_string(),
            Reach::Http { .. } => panic!("a program"),
        });
        assert_eq!(commands.collect::<Vec<_>>(), ["./mine", "no-such-program"]);
        assert!(left.is_empty() && !format!("{lent:?}").contains("canary"));
    }

    #[test]
    fn a_directory_is_gone_to_first() {
        let (lent, _) = of(r#"{"a": {"command": "run", "args": ["x y"], "cwd": "/w d"}}"#);
        let Reach::Stdio { command, args, .. } = &lent[0].reach else { panic!("a program") };
        let args: Vec<&str> = args.iter().map(Secret::expose).collect();
        assert_eq!((command.to_str(), args), (Some("/bin/sh"), vec!["-c", IN_DIR, "/w d", "run", "x y"]));
    }

    #[test]
    fn an_address_says_its_transport() {
        let (lent, _) = of(r#"{"a": {"url": "https://h/mcp", "headers": {"X": "y"}},
            "b": {"url": "https://h/sse", "transport": "sse"}}"#);
        let kinds = lent.iter().map(|one| matches!(one.reach, Reach::Http { is_sse: true, .. }));
        assert_eq!(kinds.collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn what_is_restricted_or_broken_is_not_told() {
        let (lent, left) = of(r#"{"a": {"command": "x", "tools": {"exclude": ["drop"]}}, "b": {},
            "c": {"command": "x", "enabled": false}, "off": {"command": "x"}}"#);
        assert_eq!((lent, left.len()), (Vec::new(), 3));
        assert!(left.iter().any(|line| line.starts_with("a: only some")), "{left:?}");
        assert_eq!(of("[").0, []);
    }
}
