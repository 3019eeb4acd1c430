//! Folders are layers: each uses only what the table allows it, and the pure ones touch nothing of the
//! machine. What is compiled for tests only is not looked at.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::tidy::rust_files;

/// What each folder or file at the top of `src` may use of the others. A path allows what is below it.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("limits", &[]),
    ("child", &["limits"]),
    ("shared_file", &["limits"]),
    ("trust", &["limits"]),
    ("model", &["base", "limits"]),
    ("reactor", &["base"]),
    ("wire", &["base", "model"]),
    ("outbound", &["base", "model", "wire", "limits", "reactor::pulse", "reactor::wheel"]),
    ("transport", &["base", "limits"]),
    ("config", &["base", "limits", "model"]),
    ("shell", &["base", "child", "model"]),
    ("probe", &["base", "model", "shell"]),
    ("extensions", &["base", "limits", "model", "config", "shared_file", "shell"]),
    ("cron", &["base", "limits", "model", "shared_file"]),
    ("learning", &["base", "limits", "model", "config::yaml", "extensions", "shared_file"]),
    ("projects", &["base", "limits", "model", "probe"]),
    ("providers", &["base", "limits", "model", "config"]),
    ("mcp", &["base", "child", "limits", "model", "trust"]),
    ("store", &["base", "limits", "model", "reactor::mailbox"]),
    ("tools", &["base", "child", "limits", "model", "shell", "trust", "config::dotenv", "config::yaml"]),
    ("render", &["base"]),
    ("gateway", &["base", "model", "wire", "limits", "render", "outbound::replay"]),
    (
        "agent",
        &[
            "base",
            "model",
            "limits",
            "child",
            "shell::environ",
            "trust",
            "tools",
            "mcp",
            "reactor::mailbox",
            "reactor::joining",
            "reactor::fair",
        ],
    ),
    (
        "host",
        &[
            "base",
            "limits",
            "child",
            "model",
            "reactor::fair",
            "reactor::joining",
            "reactor::mailbox",
            "reactor::pulse",
            "transport::lines",
            "wire::upstream",
        ],
    ),
    ("methods", &["base", "gateway", "wire", "model", "slash", "limits", "render", "outbound::replay"]),
    ("bridge", &["base", "limits", "model", "wire", "outbound::replay", "gateway", "methods::events"]),
    ("slash", &["model"]),
    (
        "jobs",
        &[
            "base",
            "model",
            "config",
            "probe",
            "shell",
            "extensions",
            "cron",
            "learning",
            "projects",
            "limits",
            "agent::supervisor",
            "reactor::mailbox",
            "store::evidence",
            "tools::approval",
        ],
    ),
    (
        "server",
        &[
            "base",
            "model",
            "limits",
            "reactor",
            "wire",
            "outbound",
            "transport",
            "trust",
            "config",
            "providers",
            "probe",
            "store",
            "tools",
            "mcp",
            "host",
            "gateway",
            "agent",
            "bridge",
            "methods",
            "slash",
            "jobs",
        ],
    ),
    ("fake_model", &["base", "limits", "reactor", "transport", "agent::demo::script"]),
    ("bench", &["base", "limits", "transport", "reactor", "wire", "fake_model", "agent::demo::script"]),
    ("wirelog", &["base", "limits", "reactor", "transport"]),
    (
        "sim",
        &[
            "base",
            "limits",
            "model",
            "wire",
            "outbound",
            "gateway",
            "methods",
            "slash",
            "bridge",
            "store::Store",
            "store::memory",
            "reactor::fair",
            "reactor::joining",
            "reactor::mailbox",
            "reactor::pulse",
            "reactor::wheel",
            "transport::lines",
            "transport::ws",
        ],
    ),
    (
        "cli",
        &[
            "base",
            "config",
            "host",
            "server",
            "methods",
            "gateway::view",
            "transport::access",
            "transport::target",
            "fake_model",
            "bench",
            "wirelog",
            "sim",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// Folders whose behaviour follows from their inputs alone.
const PURE: &[&str] = &["bridge", "gateway", "methods", "render", "slash", "wire", "outbound", "sim"];

/// What they must not name. Groups would hide the rest from this test.
const IMPURE: &[&str] = &[
    "std::net",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "std::{",
    "Instant::now",
    "SystemTime::now",
    "mio::",
];

/// Stands still on purpose, in debug builds only.
const EXEMPT: &str = "methods/debug.rs";

/// A file's place below `src`.
struct Place<'a> {
    name: &'a str,
    layer: &'a str,
}

impl<'a> Place<'a> {
    fn of(name: &'a str) -> Self {
        let top = name.split('/').next().unwrap_or(name);
        Self { name, layer: top.trim_end_matches(".rs") }
    }

    /// Modules between this one and the root of the crate.
    fn depth(&self) -> usize {
        let own = usize::from(!self.name.ends_with("mod.rs"));
        self.name.matches('/').count() + own
    }
}

/// The lines of code with their numbers: no comments, and nothing behind `#[cfg(test)]`.
fn code(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim_start() == "#[cfg(test)]" {
            skip_item(line, &mut lines);
        } else if !line.trim_start().starts_with("//") {
            kept.push((at + 1, line));
        }
    }
    kept
}

/// Skips the item behind an attribute: to its `;` or to the brace that closes at the attribute's indent.
fn skip_item<'a>(attribute: &str, lines: &mut impl Iterator<Item = (usize, &'a str)>) {
    let indent = attribute.len() - attribute.trim_start().len();
    let closing = format!("{}}}", " ".repeat(indent));
    for (_, line) in lines {
        if line == closing || (line.ends_with(';') && !line[indent..].starts_with(' ')) {
            return;
        }
    }
}

/// The files that `#[cfg(test)] mod name;` in this file stands for, as beginnings of paths.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let is_folder = path.ends_with("mod.rs") || path.ends_with("lib.rs");
    let dir = if is_folder { path.parent().unwrap().to_owned() } else { path.with_extension("") };
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for pair in lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]") {
        let declared = pair[1].strip_suffix(';').and_then(|item| item.split_once("mod "));
        if let Some((_, name)) = declared {
            found.push(dir.join(name));
            found.push(dir.join(format!("{name}.rs")));
        }
    }
    found
}

/// What is wrong with a line of a file.
fn complaints(place: &Place<'_>, line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let allowed = LAYERS.iter().find(|(name, _)| *name == place.layer).map(|(_, allowed)| *allowed);
    let Some(allowed) = allowed else { return vec!["a layer that the table does not know".to_owned()] };
    for root in ["crate::", "tui_gateway::"] {
        for (at, _) in line.match_indices(root) {
            let used = path_at(&line[at + root.len()..]);
            let own = used.split("::").next() == Some(place.layer);
            let fits = |allowed: &&str| {
                used.strip_prefix(*allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            if !own && !allowed.iter().any(fits) {
                found.push(format!("{} must not use {root}{used}", place.layer));
            }
        }
    }
    if supers(line) >= place.depth() && supers(line) > 0 {
        found.push("reaches the root of the crate through super".to_owned());
    }
    if PURE.contains(&place.layer) && place.name != EXEMPT {
        let named = IMPURE.iter().filter(|name| line.contains(**name));
        found.extend(named.map(|name| format!("{} is pure and must not name {name}", place.layer)));
    }
    found
}

/// The path at the start of `text`; with a group only up to it.
fn path_at(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    text[..end.unwrap_or(text.len())].trim_end_matches(':')
}

/// The longest chain of `super::` in a line.
fn supers(line: &str) -> usize {
    (1..).take_while(|count| line.contains(&"super::".repeat(*count))).count()
}

#[test]
fn layers_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: Vec<(PathBuf, String)> =
        rust_files("src").into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let tests: HashSet<PathBuf> = files.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let mut found = Vec::new();
    for (path, text) in &files {
        if path.ancestors().any(|part| tests.contains(part)) {
            continue;
        }
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let place = Place::of(name);
        for (number, line) in code(text) {
            found.extend(complaints(&place, line).iter().map(|what| format!("src/{name}:{number}: {what}")));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_layer_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (layer, allowed) in LAYERS {
        assert!(root.join(layer).is_dir() || root.join(format!("{layer}.rs")).is_file(), "{layer}");
        let known = |name: &&str| LAYERS.iter().any(|(layer, _)| name.split("::").next() == Some(*layer));
        assert!(allowed.iter().all(known), "{layer}");
    }
}

/// The checks themselves, since a check that cannot fail proves nothing.
#[test]
fn a_broken_rule_is_found() {
    let said = |name: &str, line: &str| complaints(&Place::of(name), line).len();
    assert_eq!(said("gateway/mod.rs", "use crate::model::ids::TurnId;"), 0);
    assert_eq!(said("gateway/mod.rs", "use crate::gateway::io::Now;"), 0);
    assert_eq!(said("gateway/mod.rs", "use crate::server::Exit;"), 1);
    assert_eq!(said("gateway/mod.rs", "use crate::modelling::X;"), 1);
    assert_eq!(said("gateway/mod.rs", "use crate::{base, server};"), 1);
    assert_eq!(said("agent/mod.rs", "use crate::reactor::mailbox::Bell;"), 0);
    assert_eq!(said("agent/mod.rs", "use crate::reactor::poller::Ready;"), 1);
    assert_eq!(said("gateway/turn.rs", "let at = Instant::now();"), 1);
    assert_eq!(said("server/tcp.rs", "let at = Instant::now();"), 0);
    assert_eq!(said("agent/mod.rs", "use super::server;"), 1);
    assert_eq!(said("agent/x.rs", "use super::{Agent, AgentIo};"), 0);
    assert_eq!(said("agent/x.rs", "use super::super::server;"), 1);
    assert_eq!(said("agent/x/y.rs", "use super::super::Agent;"), 0);
    assert_eq!(said("main.rs", "tui_gateway::server::serve()"), 1);
    assert_eq!(said("novel/mod.rs", "fn f() {}"), 1);
}

#[test]
fn tests_are_not_looked_at() {
    let text = "use a;\n// crate::x\n#[cfg(test)]\nmod stress;\n#[cfg(test)]\nfn f() {\n    b;\n}\nuse c;\n\
                #[cfg(test)]\nmod tests {\n    use d;\n\n    fn g() {}\n}\nuse e;\n";
    let kept: Vec<&str> = code(text).into_iter().map(|(_, line)| line).collect();
    assert_eq!(kept, ["use a;", "use c;", "use e;"]);
    let path = Path::new("src/reactor/mailbox.rs");
    assert_eq!(test_modules(path, text)[0], Path::new("src/reactor/mailbox/stress"));
    assert_eq!(test_modules(Path::new("src/ws/mod.rs"), text)[1], Path::new("src/ws/stress.rs"));
}
