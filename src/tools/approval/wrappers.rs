//! Programs that run the command in their arguments: how to get at it. Knows nothing of what the command
//! does.

use super::word::Word;

/// How a program takes the command it runs.
#[derive(Debug)]
pub(super) struct Wrapper {
    name: &'static str,
    /// Its short options that take a value of their own.
    short: &'static str,
    /// Its long options that do, where the value is a word of its own.
    long: &'static [&'static str],
    /// Arguments before the command.
    operands: usize,
}

const fn wrapper(
    name: &'static str,
    short: &'static str,
    long: &'static [&'static str],
    operands: usize,
) -> Wrapper {
    Wrapper { name, short, long, operands }
}

/// The programs, from their manual pages (GNU, util-linux, sudo, OpenDoas, procps, strace, GNU parallel).
const WRAPPERS: &[Wrapper] = &[
    wrapper("builtin", "", &[], 0),
    wrapper("busybox", "", &[], 0),
    wrapper("caffeinate", "tw", &[], 0),
    wrapper("chroot", "", &[], 1),
    wrapper("chrt", "TPD", &["--sched-runtime", "--sched-period", "--sched-deadline"], 1),
    wrapper("command", "", &[], 0),
    wrapper("doas", "uC", &[], 0),
    wrapper("env", "uC", &["--unset", "--chdir"], 0),
    wrapper("exec", "a", &[], 0),
    wrapper("flock", "wE", &["--timeout", "--wait", "--conflict-exit-code"], 1),
    wrapper("ionice", "cn", &["--class", "--classdata"], 0),
    wrapper("ltrace", "eopsuanlwxADF", &[], 0),
    wrapper("nice", "n", &["--adjustment"], 0),
    wrapper("nohup", "", &[], 0),
    wrapper("nsenter", "tSG", &["--target", "--setuid", "--setgid"], 0),
    wrapper("parallel", "aCdEIjLnNsS", &["--jobs", "--max-args", "--arg-file", "--colsep", "--sshlogin"], 0),
    wrapper("pkexec", "u", &["--user"], 0),
    wrapper("runuser", "ugGsw", &["--user", "--group", "--supp-group", "--shell"], 0),
    wrapper("setsid", "", &[], 0),
    wrapper("ssh", "BbcDEeFIiJLlmOoPpQRSWw", &[], 1),
    wrapper("stdbuf", "ioe", &["--input", "--output", "--error"], 0),
    wrapper("strace", "abeEIoOpPsSuUX", &[], 0),
    wrapper(
        "sudo",
        "CDghpRrTtUu",
        &[
            "--chdir",
            "--chroot",
            "--close-from",
            "--command-timeout",
            "--group",
            "--host",
            "--other-user",
            "--prompt",
            "--role",
            "--type",
            "--user",
        ],
        0,
    ),
    wrapper("systemd-run", "EHMpu", &["--unit", "--property", "--slice", "--setenv", "--uid", "--gid"], 0),
    wrapper("taskset", "", &[], 1),
    wrapper("time", "fo", &["--format", "--output"], 0),
    wrapper("timeout", "ks", &["--kill-after", "--signal"], 1),
    wrapper("torsocks", "", &[], 0),
    wrapper("toybox", "", &[], 0),
    wrapper("unshare", "RSGw", &["--root", "--wd", "--setuid", "--setgid"], 0),
    wrapper("watch", "nq", &["--interval", "--equexit"], 0),
    wrapper(
        "xargs",
        "adEILnPs",
        &["--arg-file", "--delimiter", "--max-args", "--max-chars", "--max-procs", "--process-slot-var"],
        0,
    ),
];

/// The program of this name.
pub(super) fn find(name: &str) -> Option<&'static Wrapper> {
    WRAPPERS.iter().find(|wrapper| wrapper.name == name)
}

impl Wrapper {
    /// What it is called.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Of its arguments, how many come before the command.
    pub(super) fn before_command(&self, args: &[Word]) -> usize {
        let mut at = 0;
        while let Some(word) = args.get(at).map(|word| word.text.as_str()) {
            if word == "--" {
                at += 1;
                break;
            }
            if word.starts_with("--") {
                at += if self.long.contains(&word) { 2 } else { 1 };
            } else if word.len() > 1 && word.starts_with('-') {
                at += if self.takes_next(word) { 2 } else { 1 };
            } else if is_assignment(word) || word == "-" {
                at += 1;
            } else {
                break;
            }
        }
        at.saturating_add(self.operands).min(args.len())
    }

    /// Whether the value of the last option in a word like `-nu` is the next word.
    fn takes_next(&self, word: &str) -> bool {
        word.chars().skip(1).position(|c| self.short.contains(c)).is_some_and(|at| {
            // Otherwise what follows the letter is its value.
            at + 2 == word.chars().count()
        })
    }
}

/// Whether a word sets a variable for the command after it: `NAME=…`, `NAME+=…`, `NAME[…]=…`.
pub(super) fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && letters.all(|c| c == '_' || c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> String {
        let words: Vec<Word> = line.split(' ').map(Word::plain).collect();
        let wrapper = find(&words[0].text).expect(line);
        let at = wrapper.before_command(&words[1..]);
        words[1 + at..].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn options_and_their_values_are_skipped() {
        for line in [
            "sudo -nu root X=1 rm x",
            "sudo -uroot --user admin -- rm x",
            "env -i -u HOME A=b rm x",
            "nice -n 5 rm x",
            "nice -5 rm x",
            "timeout -k 5 --signal=TERM 10 rm x",
            "xargs -0 -I {} -P 4 rm x",
            "taskset -c 0 rm x",
            "command rm x",
        ] {
            assert_eq!(command(line), "rm x", "{line}");
        }
        for line in ["sudo -l", "timeout 5", "env", "sudo -u"] {
            assert_eq!(command(line), "", "{line}");
        }
    }

    #[test]
    fn assignments_have_a_name() {
        for word in ["A=1", "_a2=", "A+=x", "a[0]=y"] {
            assert!(is_assignment(word), "{word}");
        }
        for word in ["=1", "1a=2", "a-b=c", "--x=y", "./a=b", "a"] {
            assert!(!is_assignment(word), "{word}");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(WRAPPERS.is_sorted_by_key(|wrapper| wrapper.name));
    }
}
