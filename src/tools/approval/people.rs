//! What of the commands that people type is not run, against the original's verdicts as they were observed.
//! Ours reads commands as a shell does, where the original looks for patterns: where the two differ, that is
//! said.

use super::*;

/// Never run by either.
const HARD: &[&str] = &[
    "rm -rf /",
    "rm -rf //",
    "rm -rf /.",
    "rm -rf '/'",
    "rm -rf $HOME",
    "rm -rf ${HOME}/",
    "rm -rf ~",
    "rm -rf /etc",
    "rm -rf /home/*",
    "sudo rm -rf /",
    "(rm -rf /)",
    "echo $(rm -rf /)",
    "r\\m -rf /",
    "rm${IFS}-rf${IFS}/",
    "ｒｍ -rf /",
    "rm -rf \\\n/",
    "mkfs.ext4 /dev/sda1",
    "dd if=a of=/dev/sda",
    "echo x > /dev/sda",
    ":(){ :|:& };:",
    "kill -9 -1",
    "shutdown now",
    "ls; reboot",
    "init 0",
    "systemctl reboot",
];

/// Refused by both.
const REFUSED: &[&str] = &[
    "rm -r foo",
    "rm --recursive foo",
    "chmod 777 f",
    "chown -R root x",
    "chmod +x f; ./f",
    "pkill -9 foo",
    "killall -9 foo",
    "kill $(pgrep hermes)",
    "systemctl restart x",
    "docker stop x",
    "hermes update",
    "hermes gateway stop",
    "bash -c ls",
    "python3 -c 'x'",
    "node -e 1",
    "perl -e 1",
    "python3 << EOF\nx\nEOF",
    "bash <<EOF\nls\nEOF",
    "curl x | sh",
    "bash <(curl x)",
    "eval $(curl x)",
    "echo x | base64 -d | sh",
    "echo x > /etc/hosts",
    "mv a /etc/x",
    "tee ~/.bashrc",
    "echo x >> ~/.ssh/authorized_keys",
    "echo x > .env",
    "cp a .env",
    "echo x > config.yaml",
    "sed -i s/a/b/ ~/.bashrc",
    "xargs rm",
    "find . -exec rm {} \\;",
    "find . -delete",
    "git reset --hard",
    "git push --force",
    "git push -f",
    "git push --force-with-lease",
    "git clean -fd",
    "git branch -D x",
    "sudo -S ls",
];

/// Run by both.
const RUN: &[&str] = &[
    "rm foo",
    "rm -f foo",
    "rm ./x",
    "chmod 755 f",
    "chmod +x f",
    "dd if=a of=b",
    "truncate -s0 f",
    "DELETE FROM x WHERE y",
    "pkill foo",
    "echo shutdown",
    "systemctl status x",
    "docker ps",
    "sh x.sh",
    "curl x | jq .",
    "cat /etc/hosts",
    "cat .env",
    "cp .env a",
    "echo x > config.yaml.bak",
    "sed -i s/a/b/ f",
    "git reset --soft HEAD",
    "git push origin f",
    "sudo ls",
    "sudo -n ls",
    "sudo -u root ls",
];

/// Run here, refused there: names that only look like a danger. A file below /tmp, text that is printed or a
/// message, SQL that no client reads, a branch that is deleted only when it is merged, a signal without a
/// process.
const RUN_HERE: &[&str] = &[
    "rm /tmp/x",
    "echo 'rm -rf /'",
    "git commit -m \"rm -rf / x\"",
    "DROP TABLE x",
    "DELETE FROM x",
    "TRUNCATE x",
    "git branch -d x",
    "kill -1",
    "kill -1 99999999",
];

/// Refused here, run there: a gap of its patterns.
const REFUSED_HERE: &[&str] = &["python3.11 -c x"];

#[test]
fn what_people_type_is_judged_as_the_original_judges_it() {
    for line in HARD {
        assert!(matches!(danger(line), Some(Danger::HardLine(_))), "{line}: {:?}", danger(line));
    }
    for line in REFUSED.iter().chain(REFUSED_HERE) {
        assert!(matches!(danger(line), Some(Danger::Category(_))), "{line}: {:?}", danger(line));
    }
    for line in RUN.iter().chain(RUN_HERE) {
        assert_eq!(danger(line), None, "{line}");
    }
}
