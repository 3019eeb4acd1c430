//! `mcp_servers` as a list of servers. Pure: the environment is given. Knows no process and no connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::said;
use crate::base::mask::register_secret;
use crate::base::secret::Secret;
use crate::base::tilde;

/// Most servers; each costs a process and some threads.
const SERVERS_MAX: usize = 64;

/// How long a call may take, and connecting, unless it is configured; as Hermes has it.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest of both, in seconds: a day.
const TIMEOUT_SECS_MAX: f64 = 86_400.0;

/// Variables and headers with one of these in their names hold secrets, by custom.
const SECRET_NAMES: [&str; 7] = ["KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CREDENTIAL", "COOKIE"];

/// Bytes below which such a value is not masked elsewhere: `none` and `basic` are words, not secrets.
const SECRET_MIN: usize = 8;

/// Looks up a variable of the environment.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is configured.
#[derive(Default, Debug)]
pub(super) struct Config {
    /// The servers that are switched on, in the order of the file.
    pub(super) servers: Vec<ServerSpec>,
    /// The entries that cannot be used.
    pub(super) bad: Vec<BadEntry>,
}

/// An entry that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BadEntry {
    pub(super) name: String,
    /// What it looks like: `stdio` or `http`.
    pub(super) transport: &'static str,
    /// What is wrong with it.
    pub(super) why: String,
}

/// One server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ServerSpec {
    pub(super) name: String,
    pub(super) transport: Transport,
    /// How long a call may take.
    pub(super) timeout: Duration,
    /// How long it may take from the start to the list of tools.
    pub(super) connect_timeout: Duration,
    pub(super) filter: Filter,
}

/// How a server is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Transport {
    Stdio(StdioSpec),
    Http(HttpSpec),
}

impl Transport {
    /// Its name for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Stdio(_) => "stdio",
            Self::Http(_) => "http",
        }
    }
}

/// A server that is a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StdioSpec {
    pub(super) command: PathBuf,
    /// People write keys there, too.
    pub(super) args: Vec<Secret>,
    pub(super) env: Vec<(String, Secret)>,
    pub(super) cwd: Option<PathBuf>,
}

/// A server that is a web address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct HttpSpec {
    /// May have a key in its query.
    pub(super) url: Secret,
    pub(super) headers: Vec<(String, Secret)>,
}

/// Which of a server's tools are offered.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Filter {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Filter {
    /// Whether every tool is offered.
    pub(super) fn is_open(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether this one is. With names to include, only those count, as Hermes has it.
    pub(super) fn allows(&self, tool: &str) -> bool {
        if self.include.is_empty() {
            return !self.exclude.iter().any(|name| name == tool);
        }
        self.include.iter().any(|name| name == tool)
    }
}

/// Reads the object.
pub(super) fn parse(json: &str, env: Env<'_>) -> Config {
    let mut config = Config::default();
    let entries = match serde_json::from_str(json) {
        Ok(Value::Object(entries)) => entries,
        Ok(Value::Null) => return config,
        _ => {
            config.spoil("mcp_servers", "stdio", "it has to be a mapping of names to servers");
            return config;
        }
    };
    for (name, entry) in &entries {
        let transport = if entry.get("url").is_some() { "http" } else { "stdio" };
        if config.servers.len() >= SERVERS_MAX {
            config.spoil(name, transport, "there are too many servers before it");
            continue;
        }
        match server(name, entry, env) {
            Ok(Some(spec)) => config.servers.push(spec),
            Ok(None) => {}
            Err(why) => config.spoil(name, transport, &why),
        }
    }
    config
}

impl Config {
    fn spoil(&mut self, name: &str, transport: &'static str, why: &str) {
        self.bad.push(BadEntry { name: said(name), transport, why: why.to_owned() });
    }
}

impl ServerSpec {
    /// Has its secrets masked from now on, wherever texts are.
    pub(super) fn register_secrets(&self) {
        match &self.transport {
            Transport::Stdio(stdio) => {
                stdio.env.iter().for_each(|(name, value)| register(name, value.expose()));
                register_args(&stdio.args);
            }
            Transport::Http(http) => {
                http.headers.iter().for_each(|(name, value)| register(name, value.expose()));
                register_query(http.url.expose());
            }
        }
    }
}

/// Has the value masked if its name is one of a secret.
fn register(name: &str, value: &str) {
    let name = name.to_ascii_uppercase();
    // Without the scheme of an `Authorization`.
    let value = value.split_whitespace().next_back().unwrap_or_default();
    if value.len() >= SECRET_MIN && SECRET_NAMES.iter().any(|part| name.contains(part)) {
        register_secret(value);
    }
}

/// `--api-key VALUE`, `--api-key=VALUE`, `-e API_KEY=VALUE`, `--header "Authorization: Bearer VALUE"`, and an
/// address with a query.
fn register_args(args: &[Secret]) {
    let mut flag = "";
    for arg in args.iter().map(Secret::expose) {
        match arg.split_once(['=', ':']) {
            Some((name, value)) if !name.contains('/') => register(name, value),
            _ => {}
        }
        if !arg.starts_with('-') {
            register(flag, arg);
        }
        flag = if arg.starts_with('-') && !arg.contains('=') { arg } else { "" };
        register_query(arg);
    }
}

/// The members of an address's query, as they are written there.
fn register_query(url: &str) {
    let Some((_, query)) = url.split_once('?') else { return };
    let query = query.split('#').next().unwrap_or_default();
    for (name, value) in query.split('&').filter_map(|member| member.split_once('=')) {
        register(name, value);
    }
}

/// The server, unless it is switched off.
fn server(name: &str, entry: &Value, env: Env<'_>) -> Result<Option<ServerSpec>, String> {
    let entry = entry.as_object().ok_or("it has to be a mapping")?;
    if !is_on(entry.get("enabled")) {
        return Ok(None);
    }
    let transport = if entry.contains_key("url") {
        let url = text(entry, "url", env)?.filter(|url| !url.is_empty()).ok_or("url is empty")?;
        Transport::Http(HttpSpec { url: Secret::new(url), headers: pairs(entry, "headers", env)? })
    } else {
        let command = text(entry, "command", env)?.filter(|command| !command.is_empty());
        Transport::Stdio(StdioSpec {
            command: at_home(&command.ok_or("it needs a command or a url")?, env),
            args: list(entry.get("args"), "args", env)?.into_iter().map(Secret::new).collect(),
            env: pairs(entry, "env", env)?,
            cwd: text(entry, "cwd", env)?.filter(|dir| !dir.is_empty()).map(|dir| at_home(&dir, env)),
        })
    };
    let tools = entry.get("tools");
    let named = |key: &str| list(tools.and_then(|tools| tools.get(key)), key, env);
    Ok(Some(ServerSpec {
        name: name.to_owned(),
        transport,
        timeout: seconds(entry, "timeout", CALL_TIMEOUT)?,
        connect_timeout: seconds(entry, "connect_timeout", CONNECT_TIMEOUT)?,
        filter: Filter { include: named("include")?, exclude: named("exclude")? },
    }))
}

/// Anything but a plain no is a yes, as Hermes has it.
fn is_on(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(on)) => *on,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(word)) => {
            !["false", "no", "off", "0"].contains(&word.trim().to_ascii_lowercase().as_str())
        }
        _ => true,
    }
}

/// Seconds, also as text.
fn seconds(entry: &Map<String, Value>, key: &str, default: Duration) -> Result<Duration, String> {
    let seconds = match entry.get(key) {
        None | Some(Value::Null) => return Ok(default),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    seconds
        .filter(|seconds| *seconds > 0.0 && *seconds <= TIMEOUT_SECS_MAX)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("{key} has to be a number of seconds above 0, a day at most"))
}

/// A text; YAML makes numbers and truth values of some.
fn plain(value: &Value, env: Env<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(expand(text, env)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn text(entry: &Map<String, Value>, key: &str, env: Env<'_>) -> Result<Option<String>, String> {
    match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => plain(value, env).map(Some).ok_or_else(|| format!("{key} has to be a text")),
    }
}

/// A list of texts, or one alone.
fn list(value: Option<&Value>, key: &str, env: Env<'_>) -> Result<Vec<String>, String> {
    let wrong = || format!("{key} has to be a list of texts");
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| plain(item, env).ok_or_else(wrong)).collect(),
        Some(one) => Ok(vec![plain(one, env).ok_or_else(wrong)?]),
    }
}

/// A mapping of names to texts. A value of null leaves its name out.
fn pairs(entry: &Map<String, Value>, key: &str, env: Env<'_>) -> Result<Vec<(String, Secret)>, String> {
    let wrong = || format!("{key} has to be a mapping of names to texts");
    let members = match entry.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value.as_object().ok_or_else(wrong)?,
    };
    let given = members.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| Ok((name.clone(), Secret::new(plain(value, env).ok_or_else(wrong)?)))).collect()
}

/// With variables of the environment for `${NAME}`. What is not set stays as it was written, as Hermes has it.
fn expand(text: &str, env: Env<'_>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let known = after.split_once('}').and_then(|(name, behind)| Some((env(name)?, behind)));
        if let Some((value, behind)) = known {
            out.push_str(&value);
            rest = behind;
        } else {
            out.push_str("${");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn at_home(path: &str, env: Env<'_>) -> PathBuf {
    let home = env("HOME").map(PathBuf::from);
    tilde::expand(Path::new(path), home.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::mask::mask;

    fn read(json: &str) -> Config {
        parse(json, &|name| match name {
            "HOME" => Some("/home/u".to_owned()),
            "KEY" => Some("v${KEY}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_process_with_all_its_keys() {
        let config = read(
            r#"{"fs": {"command": "~/bin/fs", "args": ["-p", 8080], "env": {"A": "x${KEY}y", "B": true, "C": null},
                "cwd": "~", "timeout": 1.5, "connect_timeout": "3", "tools": {"include": "read"}}}"#,
        );
        let spec = ServerSpec {
            name: "fs".to_owned(),
            transport: Transport::Stdio(StdioSpec {
                command: PathBuf::from("/home/u/bin/fs"),
                args: vec![Secret::new("-p"), Secret::new("8080")],
                env: vec![("A".to_owned(), Secret::new("xv${KEY}y")), ("B".to_owned(), Secret::new("true"))],
                cwd: Some(PathBuf::from("/home/u")),
            }),
            timeout: Duration::from_millis(1500),
            connect_timeout: Duration::from_secs(3),
            filter: Filter { include: vec!["read".to_owned()], exclude: Vec::new() },
        };
        assert_eq!((config.servers, config.bad), (vec![spec], Vec::new()));
    }

    #[test]
    fn an_address_with_the_defaults() {
        let config = read(r#"{"web": {"url": "https://h/mcp", "headers": {"X": "${NOT_SET} ${KEY"}}}"#);
        let spec = &config.servers[0];
        let headers = vec![("X".to_owned(), Secret::new("${NOT_SET} ${KEY"))];
        let http = HttpSpec { url: Secret::new("https://h/mcp"), headers };
        assert_eq!(spec.transport, Transport::Http(http));
        assert_eq!((spec.timeout, spec.connect_timeout), (CALL_TIMEOUT, CONNECT_TIMEOUT));
    }

    #[test]
    fn what_is_wrong_is_told_by_name_and_spoils_nothing_else() {
        let config = read(
            r#"{"a": {}, "b": 1, "c": {"command": "c", "timeout": 0}, "d": {"url": []}, "e": {"command": "e"},
                "f": {"command": "f", "env": {"X": []}}, "g": {"command": "g", "args": [[]]},
                "off": {"command": "off", "enabled": "No"}, "off2": {"enabled": false}}"#,
        );
        let bad: Vec<&str> = config.bad.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(bad, ["a", "b", "c", "d", "f", "g"]);
        assert_eq!(config.bad[3].transport, "http");
        assert_eq!(config.servers.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["e"]);
        assert_eq!(read("[]").bad.len(), 1);
        assert_eq!((read("null").bad.len(), read("{}").servers.len()), (0, 0));
    }

    #[test]
    fn secrets_in_arguments_and_addresses_are_masked() {
        let config = read(
            r#"{"a": {"command": "a", "args": ["--api-key", "canary-one", "--token=canary-two", "plain-word",
                "-e", "MY_SECRET=canary-six", "--header", "Authorization: Bearer canary-four",
                "https://h/x?key=canary-five"]},
                "b": {"url": "https://h/mcp?page=ordinary&access_token=canary-three#end"}}"#,
        );
        config.servers.iter().for_each(ServerSpec::register_secrets);
        let said =
            ["one", "two", "three", "four", "five", "six"].map(|word| format!("canary-{word}")).join(" ");
        assert_eq!(mask(&said), "*** *** *** *** *** ***");
        assert_eq!(mask("plain-word ordinary https://h/mcp"), "plain-word ordinary https://h/mcp");
    }

    #[test]
    fn names_to_include_go_before_names_to_exclude() {
        let of = |include: &[&str], exclude: &[&str]| Filter {
            include: include.iter().map(|&name| name.to_owned()).collect(),
            exclude: exclude.iter().map(|&name| name.to_owned()).collect(),
        };
        assert!(of(&["a"], &["a"]).allows("a") && !of(&["a"], &[]).allows("b"));
        assert!(!of(&[], &["a"]).allows("a") && of(&[], &["a"]).allows("b"));
    }
}
