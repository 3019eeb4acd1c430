//! Paths as they stand in a command, judged by their letters: nothing is looked up. Knows which of them a
//! system cannot do without.

use super::glob;

/// Folders that are never deleted as a whole, nor all that is in them: the Filesystem Hierarchy Standard's
/// and the macOS ones that a system or its users need.
const PROTECTED: &[&str] = &[
    "/",
    "/applications",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/library",
    "/opt",
    "/private",
    "/private/etc",
    "/private/var",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/system",
    "/users",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
];

/// Folders of users' homes.
const HOMES: &[&str] = &["home", "users"];

/// Where the system keeps its programs and settings.
const SYSTEM: &[&str] =
    &["bin", "boot", "etc", "lib", "lib32", "lib64", "sbin", "sys", "system", "proc", "usr", "library"];

/// Beginnings of block devices that a letter follows, and a digit.
const DEVICES_BY_LETTER: &[&str] = &["sd", "hd", "vd", "xvd"];
const DEVICES_BY_DIGIT: &[&str] =
    &["nvme", "mmcblk", "md", "dm-", "loop", "disk", "rdisk", "nbd", "zd", "sr", "ram", "bcache"];

/// What stands for the home in a path here: protected like any other.
const SOME_HOME: &str = "/root";

/// The parts of a path, without `.` and with `..` carried out. A home's parts are [`SOME_HOME`]'s.
pub(super) fn parts(path: &str) -> Vec<String> {
    let whole = match without_home(path) {
        Some(tail) => format!("{SOME_HOME}/{tail}"),
        None => path.to_owned(),
    };
    let mut parts: Vec<String> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            // macOS has names in any case, and a system without `/ETC` loses nothing by the comparison.
            _ => parts.push(part.to_lowercase()),
        }
    }
    parts
}

/// Whether a path begins at the root or at a home.
pub(super) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || without_home(path).is_some()
}

/// Whether to delete this with all below it would delete a protected folder, or everything in one.
pub(super) fn is_protected(path: &str) -> bool {
    if !is_absolute(path) {
        return false;
    }
    let mut parts = parts(path);
    while parts.last().is_some_and(|part| is_everything(part)) {
        parts.pop();
    }
    let is_home = parts.len() == 2 && HOMES.contains(&parts[0].as_str());
    is_home || PROTECTED.iter().any(|folder| fits(&parts, folder))
}

/// Whether this is one of the system's own files, or a folder of them. What was installed locally is not.
pub(super) fn is_system(path: &str) -> bool {
    let parts = parts(path);
    let local = parts.first().is_some_and(|part| part == "usr")
        && parts.get(1).is_some_and(|part| matches!(part.as_str(), "local" | "src"));
    let private =
        parts.first().is_some_and(|part| part == "private") && parts.get(1).is_some_and(|part| part == "etc");
    let schedule = fits_start(&parts, &["var", "spool", "cron"]);
    let system = parts.first().is_some_and(|part| SYSTEM.contains(&part.as_str()));
    path.starts_with('/') && ((system && !local) || private || schedule)
}

/// Whether this is a device that holds a file system.
pub(super) fn is_block_device(path: &str) -> bool {
    let parts = parts(path);
    if !path.starts_with('/') || parts.first().is_none_or(|part| part != "dev") {
        return false;
    }
    let Some(name) = parts.get(1) else { return false };
    if parts.len() > 2 {
        return matches!(name.as_str(), "disk" | "mapper") && parts[2] != "control";
    }
    let next = |prefix: &&str| name.strip_prefix(*prefix).and_then(|rest| rest.chars().next());
    let is_glob = |c: char| matches!(c, '*' | '?' | '[');
    DEVICES_BY_LETTER.iter().filter_map(next).any(|c| c.is_ascii_alphabetic() || is_glob(c))
        || DEVICES_BY_DIGIT.iter().filter_map(next).any(|c| c.is_ascii_digit() || is_glob(c))
}

/// The path below a home; `None` when it begins at none.
fn without_home(path: &str) -> Option<&str> {
    if let Some(tail) = path.strip_prefix("${HOME}").or_else(|| path.strip_prefix("$HOME")) {
        return (tail.is_empty() || tail.starts_with('/')).then_some(tail);
    }
    // `~name` is somebody's home too.
    let user = path.strip_prefix('~')?;
    Some(user.split_once('/').map_or("", |(_, tail)| tail))
}

/// Whether a part is a pattern for every name, or every hidden one.
fn is_everything(part: &str) -> bool {
    part.contains('*') && part.chars().all(|c| matches!(c, '*' | '?' | '.'))
        || matches!(part, ".[!.]*" | ".[^.]*")
}

/// Whether the parts are this folder's, or patterns for them.
fn fits(parts: &[String], folder: &str) -> bool {
    let names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    parts.len() == names.len() && fits_start(parts, &names)
}

fn fits_start(parts: &[String], names: &[&str]) -> bool {
    let fits = |part: &str, name: &str| part == name || (glob::is_pattern(part) && glob::matches(part, name));
    parts.len() >= names.len() && parts.iter().zip(names).all(|(part, name)| fits(part, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_folders_are_known_in_any_spelling() {
        for path in [
            "/",
            "//",
            "/.",
            "/*",
            "/.*",
            "/**",
            "/*/*",
            "/etc",
            "/etc/",
            "/etc/*",
            "/ETC",
            "/usr/../etc",
            "/x/..",
            "/e*",
            "/?tc",
            "/[e]tc",
            "/b*",
            "~",
            "~/",
            "~/*",
            "~/.",
            "~root",
            "${HOME}",
            "$HOME/",
            "${HOME}/.[!.]*",
            "/home",
            "/home/anna",
            "/Users/anna/",
            "/home/*",
            "/var/lib",
            "~/x/..",
        ] {
            assert!(is_protected(path), "{path}");
        }
        for path in [
            "",
            "x",
            ".",
            "./~",
            "build",
            "etc",
            "/tmp",
            "/tmp/*",
            "/etc/nginx",
            "~/x",
            "~/.cache/*",
            "$HOMEX",
            "${HOME}x",
            "/home/anna/x",
            "/var/lib/apt/lists/*",
            "/srv/b*",
            "${X}/",
            "*",
        ] {
            assert!(!is_protected(path), "{path}");
        }
    }

    #[test]
    fn block_devices_are_no_streams() {
        for path in [
            "/dev/sda",
            "/dev/sda1",
            "//dev/nvme0n1p2",
            "/dev/mapper/root",
            "/dev/disk/by-id/x",
            "/dev/disk2",
            "/dev/sd*",
            "/dev/../dev/vdb",
            "/dev/dm-0",
            "/dev/mmcblk0",
        ] {
            assert!(is_block_device(path), "{path}");
        }
        for path in [
            "/dev/null",
            "/dev/shm/x",
            "/dev/stdout",
            "/dev/fd/1",
            "/dev/random",
            "dev/sda",
            "/dev/mapper/control",
            "/tmp/sda",
            "/dev",
        ] {
            assert!(!is_block_device(path), "{path}");
        }
    }

    #[test]
    fn system_files_are_not_those_of_users() {
        for path in
            ["/etc/hosts", "/usr/bin/x", "/boot/grub.cfg", "/private/etc/hosts", "/var/spool/cron/root"]
        {
            assert!(is_system(path), "{path}");
        }
        for path in ["/usr/local/bin/x", "/tmp/etc", "etc/hosts", "~/etc", "/var/log/x", "/dev/null", "/"] {
            assert!(!is_system(path), "{path}");
        }
    }
}
