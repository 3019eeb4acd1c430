//! What is beyond the hard line, and what stays on this side of it.

use super::super::examine::examine;

#[track_caller]
fn check(line: &str, beyond: &[&str], above: &[&str]) {
    for command in beyond {
        assert!(examine(command).hard.is_some_and(|what| what.contains(line)), "{line}: {command}");
    }
    for command in above {
        assert_eq!(examine(command).hard, None, "{line}: {command}");
    }
}

#[test]
fn deletes_of_what_a_system_needs() {
    check(
        "recursive delete",
        &[
            "rm -rf /",
            "rm -r -f /*",
            "rm / -rf",
            "rm -fr -- /etc",
            "rm --recursive /usr/",
            "rm -R ~",
            "rm -rf ~/ x",
            "rm -rf $HOME",
            "rm -rf \"${HOME}/\"*",
            "rm -rf /home/anna",
            "rm -rf /e*",
            "rm -rf /{etc,usr}",
            "rm -rf ${X:-/}",
            "rm -f --no-preserve-root x",
            "find / -delete",
            "find ~ -type f -delete",
            "find / -exec rm -rf {} +",
            "rsync -a --delete empty/ /",
        ],
        &[
            "rm -rf build",
            "rm -rf ./~",
            "rm -rf /tmp/x",
            "rm -rf ~/project/target",
            "rm /etc/hosts",
            "rm -rf /var/lib/apt/lists/*",
            "rm -rf \"$DIR\"",
            "find . -delete",
            "find / -name core -delete",
            "ls -R /",
            "rsync -a --delete a/ b/",
        ],
    );
}

#[test]
fn disguises_of_a_delete() {
    check(
        "recursive delete",
        &[
            "sudo rm -rf /",
            "sudo -nu root -- rm -rf /",
            "env X=1 rm -rf /",
            "X=1 rm -rf /",
            "command rm -rf /",
            "exec nice -n 5 nohup time rm -rf /",
            "timeout 5 rm -rf /",
            "/bin/rm -rf /",
            "\\rm -rf /",
            "r''m -r\"f\" '/'",
            "rm${IFS}-rf${IFS}/",
            "{rm,-rf,/}",
            "r\\\nm -rf /",
            "$'\\x72m' -rf /",
            "ｒｍ －ｒｆ ／",
            "r\u{200b}m -rf /",
            "r\0m -rf /",
            "\u{1b}[31mrm -rf /",
            "\u{1b}[;rm -rf /",
            "bash -c 'rm -rf /'",
            "sh -xec \"bash -c 'rm -rf /'\"",
            "eval rm -rf /",
            "eval 'rm -rf' /",
            "echo $(rm -rf /)",
            "echo \"`rm -rf /`\"",
            "(rm -rf /)",
            "true && rm -rf /",
            "if true; then rm -rf /; fi",
            "f() { rm -rf /; }; f",
            "case x in x) rm -rf /;; esac",
            "trap 'rm -rf /' EXIT",
            "alias ls='rm -rf /'",
            "su -c 'rm -rf /'",
            "ssh host 'cd x; rm -rf /'",
            "ssh -p 22 host rm -rf /",
            "watch 'rm -rf /'",
            "env -S 'rm -rf /'",
            "flock /tmp/x -c 'rm -rf /'",
            "bash <<< 'rm -rf /'",
            "bash <<E\nrm -rf /\nE",
            "echo 'rm -rf /' | sudo sh",
            "find . -exec sh -c 'rm -rf /' \\;",
            "$SUDO rm -rf /",
            "$(true) rm -rf /",
            "a[1<<4]=5\nrm -rf /\n4]=5",
            "((x=1<<4))\nrm -rf /\n4",
            "echo 'x\nrm -rf /",
        ],
        &[
            "echo \"rm -rf /\"",
            "echo rm -rf /",
            "git commit -m 'do not rm -rf /'",
            "grep -r 'rm -rf /' docs",
            "# rm -rf /",
            "cat > x.md <<'E'\nrm -rf /\nE",
            "command -v rm",
            "printf '%s' '$(rm -rf /)'",
        ],
    );
}

#[test]
fn file_systems_and_devices() {
    check(
        "file system",
        &["mkfs.ext4 /dev/sda1", "sudo mkfs -t ext4 x", "mke2fs x"],
        &["man mkfs", "mkfs.ext4"],
    );
    check(
        "block device",
        &[
            "dd if=/dev/zero of=/dev/sda",
            "cat x > /dev/nvme0n1",
            "echo x | sudo tee /dev/sdb",
            "cp x /dev/vda",
            "shred -n 1 /dev/sda",
            "wipefs -a /dev/sda",
            "blkdiscard /dev/nvme0n1",
        ],
        &[
            "dd if=/dev/sda of=disk.img",
            "echo x > /dev/null",
            "cat /dev/sda",
            "shred secret.txt",
            "ls /dev/sda",
        ],
    );
}

#[test]
fn bombs_and_kills() {
    check(
        "fork bomb",
        &[
            ":(){ :|:& };:",
            ":() { : | : & } ; :",
            "bomb() { bomb | bomb & }; bomb",
            "function b { b | b & }; b",
        ],
        &["echo ':(){ :|:& };:'", "f() { g | h & }; f", "f() { f; }"],
    );
    check(
        "every process",
        &["kill -9 -1", "kill -KILL -- -1", "kill -s TERM -1", "kill -- -1", "killall5 -9", "pkill -9 ."],
        &["kill -9 1234", "kill -1 1234", "kill -l", "kill %1", "pkill node", "kill -9 -1234"],
    );
}

#[test]
fn ends_of_the_machine() {
    check(
        "shutdown",
        &[
            "shutdown -h now",
            "sudo reboot",
            "/sbin/halt",
            "poweroff -f",
            "init 0",
            "telinit 6",
            "systemctl poweroff",
            "sudo systemctl --force reboot",
            "systemctl isolate reboot.target",
            "loginctl reboot",
            "echo b > /proc/sysrq-trigger",
            "sleep 5; reboot",
        ],
        &[
            "grep shutdown log",
            "echo reboot",
            "./shutdown",
            "vim shutdown.rs",
            "git init",
            "systemctl status reboot.target",
            "systemctl restart nginx",
            "cat reboot",
        ],
    );
}
