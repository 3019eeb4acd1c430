//! Dangers to the machine and what runs on it: disks, services, processes, containers, the agent's own
//! gateway.

use crate::tools::approval::path;
use crate::tools::approval::sheet::Sheet;
use crate::tools::approval::step::Step;
use crate::tools::approval::targets::written;
use crate::tools::approval::word::Word;

/// Devices, below `/dev`, that hold nothing.
const HARMLESS_DEVICES: &[&str] = &[
    "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdout", "tcp", "tty", "udp", "urandom",
    "zero",
];

/// Programs that change how a disk is laid out.
const DISK_TOOLS: &[&str] = &[
    "cfdisk",
    "cryptsetup",
    "fdisk",
    "gdisk",
    "gparted",
    "lvremove",
    "mdadm",
    "mkswap",
    "parted",
    "pvcreate",
    "pvremove",
    "sfdisk",
    "sgdisk",
    "vgremove",
    "wipefs",
    "zpool",
];

/// Words with which service managers end something.
const SERVICE_VERBS: &[&str] = &[
    "bootout",
    "condrestart",
    "delete",
    "disable",
    "isolate",
    "kickstart",
    "kill",
    "mask",
    "reload-or-restart",
    "remove",
    "restart",
    "stop",
    "try-restart",
    "unload",
];

/// Service managers.
const SERVICE_TOOLS: &[&str] =
    &["initctl", "invoke-rc.d", "launchctl", "net", "rc-service", "sc", "service", "sv", "systemctl"];

/// Names of the gateway's programs and processes.
const OWN_NAMES: &[&str] = &["hermes", "tui-gateway", "tui_gateway"];

/// Words that end or change a gateway.
const OWN_VERBS: &[&str] = &["kill", "restart", "stop", "uninstall", "update", "upgrade"];

/// Programs that manage containers.
const CONTAINER_TOOLS: &[&str] = &["docker", "docker-compose", "nerdctl", "podman", "podman-compose"];

/// Their words for kinds of things, which another word follows.
const CONTAINER_KINDS: &[&str] = &[
    "builder",
    "buildx",
    "compose",
    "container",
    "image",
    "network",
    "pod",
    "service",
    "stack",
    "swarm",
    "system",
    "volume",
];

/// Their options before those words whose value is the next word.
const CONTAINER_VALUES: &[&str] = &[
    "-H",
    "-c",
    "-f",
    "-l",
    "-p",
    "--config",
    "--context",
    "--env-file",
    "--file",
    "--host",
    "--log-level",
    "--profile",
    "--project-directory",
    "--project-name",
];

/// Their words that end or remove something.
const CONTAINER_VERBS: &[&str] =
    &["down", "kill", "leave", "pause", "prune", "remove", "restart", "rm", "rmi", "stop"];

/// Options of sudo whose value is the rest of the word, or the next.
const SUDO_VALUES: &str = "CDghpRrTtUu";

pub(super) fn writes_device(step: &Step, _: &Sheet) -> bool {
    written(step).iter().any(|file| {
        let parts = path::parts(file);
        let is_device = file.starts_with('/') && parts.first().is_some_and(|part| part == "dev");
        is_device && parts.get(1).is_some_and(|name| !HARMLESS_DEVICES.contains(&name.as_str()))
    })
}

pub(super) fn changes_disk(step: &Step, _: &Sheet) -> bool {
    let lists = step.has_short('l') || step.has_long("list", 2);
    let erases = step.is(&["diskutil"]) && step.texts().any(|text| text.to_lowercase().starts_with("erase"));
    erases || (step.is(DISK_TOOLS) && !lists && step.operands().next().is_some())
}

pub(super) fn stops_service(step: &Step, _: &Sheet) -> bool {
    let manages = step.is(SERVICE_TOOLS) || step.path.starts_with("/etc/init.d/");
    manages && step.operands().any(|word| SERVICE_VERBS.contains(&word))
}

pub(super) fn touches_gateway(step: &Step, _: &Sheet) -> bool {
    let manages = step.is(OWN_NAMES) && step.operands().any(|word| OWN_VERBS.contains(&word));
    manages || (step.is(&["pkill", "killall"]) && step.operands().any(names_gateway))
}

pub(super) fn kills_gateway(step: &Step, _: &Sheet) -> bool {
    // The shell that runs a command is the gateway's child.
    let own = std::process::id().to_string();
    let is_own = |word: &Word| {
        word.text == own || word.text == "${PPID}" || (word.dynamic && names_gateway(&word.text))
    };
    step.is(&["kill"]) && step.args.iter().any(is_own)
}

fn names_gateway(text: &str) -> bool {
    OWN_NAMES.iter().any(|name| text.contains(name))
}

/// By name means: without knowing which ones.
pub(super) fn kills_by_name(step: &Step, _: &Sheet) -> bool {
    let forced = step.texts().any(|text| {
        let signal = text.trim_start_matches("--signal=").trim_start_matches('-').to_uppercase();
        matches!(signal.as_str(), "9" | "KILL" | "SIGKILL")
    });
    let looks_up =
        |word: &Word| word.dynamic && ["pgrep", "pidof", "ps "].iter().any(|name| word.text.contains(name));
    match step.name.as_str() {
        "killall" => step.operands().next().is_some(),
        "pkill" => forced,
        "kill" => forced && step.args.iter().any(looks_up),
        "taskkill" => step.texts().any(|text| text.eq_ignore_ascii_case("/f")),
        _ => false,
    }
}

pub(super) fn ends_container(step: &Step, _: &Sheet) -> bool {
    if !step.is(CONTAINER_TOOLS) {
        return false;
    }
    let mut words = step.texts();
    while let Some(word) = words.next() {
        if CONTAINER_VALUES.contains(&word) {
            words.next();
        } else if !word.starts_with('-') && !CONTAINER_KINDS.contains(&word) {
            return CONTAINER_VERBS.contains(&word);
        }
    }
    false
}

pub(super) fn bends_sudo(step: &Step, _: &Sheet) -> bool {
    let long = |name: &str| matches!(name, "stdin" | "askpass" | "shell" | "login" | "list");
    sudo_options(step).any(|option| option.letters.contains(['S', 'A', 's', 'i', 'l']) || long(option.name))
}

/// Whether a step gives sudo a password that the model made up.
pub(in crate::tools::approval) fn guesses_password(step: &Step, sheet: &Sheet) -> bool {
    let reads = sudo_options(step).any(|option| option.letters.contains('S') || option.name == "stdin");
    let fed = step.document.is_some() || step.redirects.iter().any(|redirect| !redirect.writes);
    reads && (fed || !sheet.upstream(step).is_empty())
}

/// An option word of sudo.
struct SudoOption<'a> {
    /// Its letters, if it is a cluster, up to the first that takes a value.
    letters: &'a str,
    /// Its name, if it is a long one.
    name: &'a str,
}

fn sudo_options(step: &Step) -> impl Iterator<Item = SudoOption<'_>> {
    let outer = step.through.iter().filter(|through| through.name == "sudo");
    let outer = outer.flat_map(|through| through.args.iter());
    let own = step.args.iter().filter(move |_| step.name == "sudo");
    outer.chain(own).filter_map(|word| {
        if let Some(name) = word.text.strip_prefix("--") {
            return Some(SudoOption { letters: "", name });
        }
        let cluster = word.text.strip_prefix('-')?;
        let end = cluster.find(|c: char| SUDO_VALUES.contains(c)).unwrap_or(cluster.len());
        Some(SudoOption { letters: cluster.get(..end)?, name: "" })
    })
}
