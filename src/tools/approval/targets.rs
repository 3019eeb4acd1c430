//! The files that a step writes, and what kind of file that is. Knows programs by name and files by their
//! letters.

use super::path;
use super::step::Step;

/// Files a shell reads when it starts.
const START_UP: &[&str] = &[
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".cshrc",
    ".kshrc",
    ".login",
    ".profile",
    ".tcshrc",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    "config.fish",
];

/// Files and folders that hold the keys to other places.
const CREDENTIALS: &[&str] = &[
    ".aws",
    ".azure",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".vault-token",
];

/// What may follow `.env.` in a file that holds no secrets.
const EXAMPLES: &[&str] = &["dist", "example", "sample", "template"];

/// Programs that write their last operand, or below it.
const COPIERS: &[&str] = &["cp", "install", "ln", "mv", "rsync", "scp"];

/// Options whose value is a file to be written, by program.
const OUTPUT_OPTIONS: &[(&str, &[&str])] = &[
    ("aria2c", &["-o", "--out"]),
    ("cp", &["-t", "--target-directory"]),
    ("curl", &["-o", "--output"]),
    ("install", &["-t", "--target-directory"]),
    ("ln", &["-t", "--target-directory"]),
    ("mv", &["-t", "--target-directory"]),
    ("sort", &["-o", "--output"]),
    ("wget", &["-O", "--output-document"]),
];

/// The files that a step would write. May name some that it would not.
pub(super) fn written(step: &Step) -> Vec<String> {
    let redirected = step.redirects.iter().filter(|redirect| redirect.writes);
    let mut files: Vec<String> = redirected.map(|redirect| redirect.target.text.clone()).collect();
    let operands: Vec<&str> = step.operands().collect();
    match step.name.as_str() {
        "tee" | "sponge" | "truncate" => files.extend(operands.iter().map(|file| (*file).to_owned())),
        "dd" => files.extend(operands.iter().filter_map(|word| word.strip_prefix("of=")).map(str::to_owned)),
        "sed" | "gsed" if step.has_short('i') || step.has_long("in-place", 2) => {
            files.extend(operands.iter().map(|file| (*file).to_owned()));
        }
        "perl" | "ruby" if step.has_short('i') => {
            files.extend(operands.iter().map(|file| (*file).to_owned()));
        }
        "patch" => files.extend(operands.first().map(|file| (*file).to_owned())),
        _ if step.is(COPIERS) => {
            if let Some((last, sources)) = operands.split_last() {
                let is_folder = last.ends_with('/') || matches!(*last, "." | "..");
                if is_folder || path::is_protected(last) || sources.len() > 1 {
                    // In a folder the copies keep their names, and those tell the rest.
                    let names = sources.iter().filter_map(|source| source.rsplit('/').next());
                    files.extend(names.map(str::to_owned));
                }
                files.push((*last).to_owned());
            }
        }
        _ => {}
    }
    for (_, options) in OUTPUT_OPTIONS.iter().filter(|(name, _)| step.name == *name) {
        files.extend(option_values(step, options));
    }
    files
}

/// The values of these options, as the next word, after `=`, or glued to a single letter.
fn option_values(step: &Step, options: &[&str]) -> Vec<String> {
    let mut values = Vec::new();
    let mut words = step.texts();
    while let Some(word) = words.next() {
        if options.contains(&word) {
            values.extend(words.next().map(str::to_owned));
            continue;
        }
        let value = options.iter().find_map(|option| {
            let value = word.strip_prefix(*option)?;
            if option.starts_with("--") { value.strip_prefix('=') } else { Some(value) }
        });
        values.extend(value.map(str::to_owned));
    }
    values
}

/// Keys and settings of SSH.
pub(super) fn is_ssh(file: &str) -> bool {
    path::parts(file).iter().any(|part| matches!(part.as_str(), ".ssh" | "authorized_keys"))
}

/// Keys to other places.
pub(super) fn is_credential(file: &str) -> bool {
    path::parts(file).iter().any(|part| CREDENTIALS.contains(&part.as_str()))
}

/// What a shell runs when it starts.
pub(super) fn is_start_up(file: &str) -> bool {
    path::parts(file).last().is_some_and(|name| START_UP.contains(&name.as_str()))
}

/// A project's secrets and settings: `.env`, `.env.local` and so on, `config.yaml`.
pub(super) fn is_project_settings(file: &str) -> bool {
    path::parts(file).last().is_some_and(|name| match name.strip_prefix(".env") {
        Some("") => true,
        Some(kind) => kind.strip_prefix('.').is_some_and(|kind| !EXAMPLES.contains(&kind)),
        None => matches!(name.as_str(), "config.yaml" | "config.yml"),
    })
}

/// The agent's own settings and state.
pub(super) fn is_own(file: &str) -> bool {
    path::parts(file).iter().any(|part| part == ".hermes")
}

#[cfg(test)]
mod tests {
    use super::super::sheet;
    use super::*;

    fn files(command: &str) -> Vec<String> {
        sheet::read(command).iter().flat_map(|sheet| sheet.steps.iter().flat_map(written)).collect()
    }

    #[test]
    fn what_is_written_is_found() {
        for (command, expected) in [
            ("echo a > x 2>y 2>&1", &["x", "y", "1"][..]),
            ("echo a | tee -a x y", &["x", "y"]),
            ("cp a/b c", &["c"]),
            ("cp a/b c/", &["b", "c/"]),
            ("cp a/b ~", &["b", "~"]),
            ("cp -t d a", &["a", "d"]),
            ("mv --target-directory=d a", &["a", "d"]),
            ("curl -o x http://h/y", &["x"]),
            ("curl -ox http://h/y", &["x"]),
            ("dd if=a of=b", &["b"]),
            ("sed -i s/a/b/ x", &["s/a/b/", "x"]),
            ("sed s/a/b/ x", &[]),
            ("cat < x", &[]),
        ] {
            assert_eq!(files(command), expected, "{command}");
        }
    }

    #[test]
    fn kinds_of_files() {
        assert!(is_ssh("~/.ssh/config") && is_ssh("${HOME}/.ssh/x") && !is_ssh("ssh/config"));
        assert!(is_credential("~/.aws/credentials") && is_credential("/root/.netrc"));
        assert!(!is_credential("aws"));
        assert!(is_start_up("~/.bashrc") && !is_start_up(".bashrc.d/x"));
        for file in [".env", "a/.env", ".env.local", "config.yaml"] {
            assert!(is_project_settings(file), "{file}");
        }
        for file in [".env.example", ".envrc", "env", "my-config.yaml"] {
            assert!(!is_project_settings(file), "{file}");
        }
        assert!(is_own("~/.hermes/config.yaml"));
    }
}
