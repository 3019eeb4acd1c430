//! Where tools must not read and not write, whatever anybody approves. Pure: looks at the letters of a path
//! only. Knows nothing of links: the caller follows them.
//!
//! The agent's secrets would hand its own account to the model's provider, credentials those of the user;
//! start-up files and system directories would run what a model wrote with nobody looking.

use std::path::{Path, PathBuf};

/// Trees that no tool writes to.
const SYSTEM: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/apt",
    "/var/lib/docker",
    "/var/lib/dpkg",
    "/var/lib/systemd",
    "/var/run",
    "/var/spool",
];

/// The same on other systems, where Linux would have no such meaning.
#[cfg(target_os = "macos")]
const SYSTEM_TOO: &[&str] = &["/library", "/private/etc", "/private/var/db", "/private/var/run", "/system"];
#[cfg(not(target_os = "macos"))]
const SYSTEM_TOO: &[&str] = &[];

/// Trees within them where people keep sources; images of containers do.
const SYSTEM_BUT: &[&str] = &["/usr/local/src", "/usr/src"];

/// Files of the kernel: many block when read, some show the secrets of processes.
const KERNEL: &[&str] = &["/proc", "/sys"];

/// Password hashes.
const HASHES: &[&str] = &["/etc/gshadow", "/etc/master.passwd", "/etc/shadow"];

/// Folders whose files are keys, wherever they lie.
const KEY_FOLDERS: &[&str] = &[".gnupg", ".ssh"];

/// What of such a folder is no secret.
const KEY_FOLDER_OPEN: &[&str] = &["authorized_keys", "config", "known_hosts", "known_hosts.old"];

/// Files and folders of a user's home that hold credentials.
const CREDENTIALS: &[&str] = &[
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh/hosts.yml",
    ".config/git/credentials",
    ".docker/config.json",
    ".git-credentials",
    ".kube",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
];

/// Files and folders of a user's home from which something runs later, by itself.
const START_UP: &[&str] = &[
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".config/autostart",
    ".config/fish",
    ".config/systemd",
    ".cshrc",
    ".kshrc",
    ".login",
    ".logout",
    ".pam_environment",
    ".profile",
    ".tcshrc",
    ".xinitrc",
    ".xprofile",
    ".xsession",
    ".xsessionrc",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    "library/launchagents",
];

/// The agent's secret files, wherever they lie below its home: backups have them too.
const AGENT_SECRETS: &[&str] = &[".anthropic_oauth.json", ".env", "auth.json", "webhook_subscriptions.json"];

/// The agent's folders of secrets, directly in a home. `runtime` has the token of the running server.
const AGENT_SECRET_FOLDERS: &[&str] = &["credentials", "mcp-tokens", "pairing", "runtime"];

/// What else in the agent's home only the agent itself writes: settings and records.
const AGENT_OWN: &[&str] =
    &["config.yaml", "gateway.json", "processes.json", "state.db", "state.db-shm", "state.db-wal"];

/// What else stays out of prompts (the original's): files and folders of a user's home, …
const UNATTACHED: &[&str] =
    &[".bash_profile", ".bashrc", ".config/gh", ".docker", ".profile", ".zprofile", ".zshrc"];

/// … those of the agent's home, …
const UNATTACHED_AGENT: &[&str] =
    &["auth", "auth.lock", "cache/bws_cache.json", "gateway.json", "skills/.hub"];

/// … and files of variables, wherever they lie.
const UNATTACHED_NAMES: &[&str] =
    &[".env", ".env.development", ".env.local", ".env.production", ".env.staging", ".env.test", ".envrc"];

/// The folder of the profiles' homes.
const PROFILES: &str = "profiles";

/// The lists for one session. Letters count without their case, as on file systems that ignore it.
#[derive(Debug)]
pub(in crate::tools) struct DenyLists {
    /// The home of the settings, which may be a profile's.
    agent: PathBuf,
    /// The home with the profiles; the same without one.
    root: PathBuf,
    user: Option<PathBuf>,
}

impl DenyLists {
    /// For the home of the settings and that of the user, in the form of the paths that are asked about.
    pub(in crate::tools) fn new(agent: &Path, user: Option<&Path>) -> Self {
        let agent = folded(agent);
        let profiles = agent.parent().filter(|parent| parent.ends_with(PROFILES));
        let root = profiles.and_then(Path::parent).unwrap_or(&agent).to_owned();
        Self { agent, root, user: user.map(folded) }
    }

    /// Why nobody reads there, as the end of a sentence; `None` when one may.
    pub(in crate::tools) fn reading(&self, path: &Path) -> Option<&'static str> {
        let path = &folded(path);
        if lies_in(path, KERNEL) {
            return Some("is a file of the kernel; look at it with a command");
        }
        if self.is_agent_secret(path) {
            return Some("is a secret file of the agent");
        }
        let is_key = in_key_folder(path) && !is_open_key(path);
        if is_key || lies_in(path, HASHES) || self.in_home(path, CREDENTIALS) {
            return Some("holds credentials");
        }
        None
    }

    /// Whether it stays out of prompts: what is not read, and what else the original keeps out of them.
    pub(in crate::tools) fn attaching(&self, path: &Path) -> bool {
        let folded = &folded(path);
        let is_named = folded.file_name().is_some_and(|name| UNATTACHED_NAMES.iter().any(|it| name == *it));
        self.reading(path).is_some()
            || is_named
            || in_key_folder(folded)
            || self.in_home(folded, UNATTACHED)
            || self.in_agent_home(folded).is_some_and(|rest| lies_in(rest, UNATTACHED_AGENT))
    }

    /// The same for writing. Other profiles' files may be written with `cross_profile`, except the secret
    /// ones.
    pub(in crate::tools) fn writing(&self, path: &Path, cross_profile: bool) -> Option<&'static str> {
        let path = &folded(path);
        if (lies_in(path, SYSTEM) && !lies_in(path, SYSTEM_BUT)) || lies_in(path, SYSTEM_TOO) {
            return Some("is in a system directory");
        }
        if self.is_agent_secret(path) || self.is_agent_own(path) {
            return Some("is a settings or secret file of the agent");
        }
        if in_key_folder(path) || self.in_home(path, CREDENTIALS) || self.in_home(path, &[".env"]) {
            return Some("is for credentials");
        }
        if self.in_home(path, START_UP) {
            return Some("runs at start-up");
        }
        if !cross_profile && self.in_other_profile(path) {
            return Some("belongs to another profile; cross_profile allows it");
        }
        None
    }

    fn is_agent_secret(&self, path: &Path) -> bool {
        let Some(rest) = self.in_agent_home(path) else { return false };
        let name = rest.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Copies by editors and by hand: `auth.json.bak`, `.env.old`, but not an example without values.
        let is_copy =
            |secret: &&str| name.strip_prefix(*secret).is_some_and(|end| end.starts_with(['.', '~']));
        let copies = !name.ends_with(".example") && AGENT_SECRETS.iter().any(is_copy);
        copies || AGENT_SECRETS.contains(&name) || lies_in(rest, AGENT_SECRET_FOLDERS)
    }

    fn is_agent_own(&self, path: &Path) -> bool {
        self.in_agent_home(path).is_some_and(|rest| lies_in(rest, AGENT_OWN))
    }

    /// The path below the home of the agent or of one of its profiles.
    fn in_agent_home<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let rest = path.strip_prefix(&self.root).ok()?;
        let Ok(profile) = rest.strip_prefix(PROFILES) else { return Some(rest) };
        Some(behind_first(profile).unwrap_or(rest))
    }

    fn in_other_profile(&self, path: &Path) -> bool {
        let in_profiles = path.starts_with(self.root.join(PROFILES));
        let own = path.starts_with(&self.agent) && (self.agent != self.root || !in_profiles);
        path.starts_with(&self.root) && !own
    }

    /// Whether the path is one of these of a user's home: of the user's own, and of where systems keep homes.
    fn in_home(&self, path: &Path, entries: &[&str]) -> bool {
        let own = self.user.as_ref().and_then(|home| path.strip_prefix(home).ok());
        let of_root = path.strip_prefix("/root").ok();
        let usual = ["/home", "/users"].map(|homes| path.strip_prefix(homes).ok().and_then(behind_first));
        [own, of_root].into_iter().chain(usual).flatten().any(|rest| lies_in(rest, entries))
    }
}

/// In small letters; what is no UTF-8 is no name on the lists.
fn folded(path: &Path) -> PathBuf {
    PathBuf::from(path.to_string_lossy().to_lowercase())
}

/// Whether the path is one of these files or lies in one of these folders.
fn lies_in(path: &Path, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

/// What follows the first name.
fn behind_first(path: &Path) -> Option<&Path> {
    let mut names = path.components();
    names.next().map(|_| names.as_path())
}

fn in_key_folder(path: &Path) -> bool {
    path.components().any(|name| KEY_FOLDERS.iter().any(|folder| name.as_os_str() == *folder))
}

/// Whether it is the folder itself, whose names may be seen, or a file in it that is no secret.
fn is_open_key(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    KEY_FOLDERS.contains(&name) || KEY_FOLDER_OPEN.contains(&name) || name.ends_with(".pub")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> DenyLists {
        DenyLists::new(Path::new("/data/Hermes"), Some(Path::new("/data/u")))
    }

    #[test]
    fn secrets_are_not_read() {
        for path in [
            "/data/hermes/.env",
            "/data/Hermes/AUTH.json",
            "/data/hermes/auth.json.bak",
            "/data/hermes/profiles/x/.env",
            "/data/hermes/profiles/x/runtime/a",
            "/data/hermes/backups/1/auth.json",
            "/data/hermes/runtime/tui-gateway.json",
            "/data/u/.ssh/id_rsa",
            "/srv/x/.ssh/key",
            "/home/other/.aws/credentials",
            "/root/.netrc",
            "/etc/shadow",
            "/proc/1/environ",
        ] {
            assert!(lists().reading(Path::new(path)).is_some(), "{path}");
        }
    }

    #[test]
    fn other_files_are_read() {
        for path in [
            "/data/hermes/config.yaml",
            "/data/hermes/.env.example",
            "/data/hermes/tool-results/k/1.json",
            "/data/hermes/skills/runtime/a",
            "/data/hermesx/.env",
            "/data/u/.env",
            "/data/u/project/.env",
            "/data/u/.ssh/id_rsa.pub",
            "/data/u/.ssh/known_hosts",
            "/data/u/.ssh",
            "/data/u/p/.npmrc",
            "/etc/passwd",
            "/process/x",
        ] {
            assert_eq!(lists().reading(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn prompts_get_less_than_a_reader() {
        for path in [
            "/data/u/project/.env",
            "/data/u/project/.ENV.local",
            "/data/u/.bashrc",
            "/data/u/.ssh/config",
            "/data/u/.ssh",
            "/data/u/.docker/x",
            "/data/hermes/auth.json",
            "/data/hermes/auth/google_oauth.json",
            "/data/hermes/profiles/x/skills/.hub/index",
            "/etc/shadow",
        ] {
            assert!(lists().attaching(Path::new(path)), "{path}");
        }
        for path in ["/data/u/project/.env.example", "/data/u/p/.bashrc", "/data/hermes/skills/a", "/x/env"] {
            assert!(!lists().attaching(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn what_others_rely_on_is_not_written() {
        for path in [
            "/etc/hosts",
            "/usr/bin/ls",
            "/var/spool/cron/root",
            "/data/u/.bashrc",
            "/root/.zshrc",
            "/home/x/.config/autostart/a.desktop",
            "/data/u/.env",
            "/data/u/.ssh/authorized_keys",
            "/data/hermes/config.yaml",
            "/data/hermes/profiles/x/config.yaml",
            "/data/hermes/state.db",
        ] {
            assert!(lists().writing(Path::new(path), true).is_some(), "{path}");
        }
        for path in ["/data/u/project/.env", "/tmp/x", "/usr/src/app/x", "/etcetera", "/data/hermes/skills/a"]
        {
            assert_eq!(lists().writing(Path::new(path), false), None, "{path}");
        }
    }

    #[test]
    fn another_profile_has_to_be_asked_for() {
        let default = lists();
        let own = DenyLists::new(Path::new("/data/hermes/profiles/me"), None);
        for (lists, mine, theirs) in [
            (default, "/data/hermes/skills/a", "/data/hermes/profiles/me/skills/a"),
            (own, "/data/hermes/profiles/me/skills/a", "/data/hermes/skills/a"),
        ] {
            assert_eq!(lists.writing(Path::new(mine), false), None);
            assert!(lists.writing(Path::new(theirs), false).is_some());
            assert_eq!(lists.writing(Path::new(theirs), true), None);
            assert!(lists.writing(Path::new("/data/hermes/profiles/you/.env"), true).is_some());
        }
    }
}
