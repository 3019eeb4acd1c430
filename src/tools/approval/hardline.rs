//! The hard line: what is never run, whoever approves. A net below the approvals, not a sandbox: it knows the
//! plain ways to destroy a machine and their disguises, not what a program of the model's own does.

use super::path::{self, is_block_device, is_protected};
use super::sheet::Sheet;
use super::step::Step;
use super::targets::written;

/// Something that is never run.
#[derive(Debug)]
pub(super) struct Line {
    /// What it is, for the model and for people.
    pub(super) what: &'static str,
    /// Whether a step of a sheet is that.
    pub(super) test: fn(&Step, &Sheet) -> bool,
}

/// All of it, as the original has it.
pub(super) const LINES: &[Line] = &[
    Line { what: "recursive delete of a root, system or home directory", test: deletes_protected },
    Line { what: "making a file system", test: makes_file_system },
    Line { what: "writing to a raw block device", test: writes_device },
    Line { what: "fork bomb", test: is_fork_bomb },
    Line { what: "killing every process", test: kills_everything },
    Line { what: "shutdown, reboot or power-off of the machine", test: ends_machine },
];

/// Units of systemd that end the machine, without `.target`.
const FINAL_UNITS: &[&str] = &["halt", "kexec", "poweroff", "reboot", "runlevel0", "runlevel6", "shutdown"];

/// Words of `systemctl` and `loginctl` that do.
const FINAL_VERBS: &[&str] = &["halt", "kexec", "poweroff", "reboot", "soft-reboot"];

/// Tests of `find` after which it still finds nearly everything.
const WIDE_TESTS: &[&str] = &["-delete", "-depth", "-mindepth", "-mount", "-print", "-type", "-xdev"];

/// Words of `systemctl` that only look.
const LOOKING_VERBS: &[&str] =
    &["cat", "help", "is-active", "is-enabled", "list-dependencies", "show", "status"];

fn deletes_protected(step: &Step, _: &Sheet) -> bool {
    if step.is(&["find", "gfind"]) {
        return step.texts().any(|text| text == "-delete") && finds_everything(step.texts());
    }
    if step.is(&["rm", "grm", "shred", "srm"]) {
        let starts = step.through.iter().find(|through| through.name == "find");
        let finds = starts.is_some_and(|find| {
            let args = find.args.iter().map(|word| word.text.as_str());
            finds_everything(args)
        });
        let unguarded = step.texts().any(|text| text == "--no-preserve-root");
        return finds || unguarded || (is_recursive(step) && step.operands().any(is_protected));
    }
    // Where everything is moved away or replaced by nothing.
    let mirrors = step.is(&["rsync"]) && step.texts().any(|text| text.starts_with("--del"));
    mirrors && step.operands().last().is_some_and(is_protected)
}

/// Whether a step has the option of `rm` and others for whole trees.
pub(super) fn is_recursive(step: &Step) -> bool {
    step.has_short('r') || step.has_short('R') || step.has_long("recursive", 1)
}

/// Whether `find` begins at a protected folder and passes over next to nothing.
fn finds_everything<'a>(args: impl Iterator<Item = &'a str> + Clone) -> bool {
    let starts = args.clone().skip_while(|text| matches!(*text, "-L" | "-H" | "-P"));
    let mut starts = starts.take_while(|text| !text.starts_with(['-', '(', '!']));
    // Those of two letters, like `-a`, only join others.
    let before_command = args.take_while(|text| !text.starts_with("-exec") && !text.starts_with("-ok"));
    let mut tests = before_command.filter(|text| text.starts_with('-') && text.len() > 2);
    starts.any(is_protected) && tests.all(|test| WIDE_TESTS.contains(&test))
}

fn makes_file_system(step: &Step, _: &Sheet) -> bool {
    let makes = step.name.starts_with("mkfs") || step.name.starts_with("newfs");
    let makes = makes || step.is(&["mke2fs", "mkdosfs", "mkntfs", "mkreiserfs"]);
    makes && step.operands().next().is_some()
}

fn writes_device(step: &Step, _: &Sheet) -> bool {
    let overwrites = step.is(&["blkdiscard", "shred", "wipefs"])
        || (step.is(&["badblocks"]) && step.has_short('w'))
        || (step.is(&["hdparm"]) && step.texts().any(|text| text.starts_with("--security-erase")));
    let is_written = written(step).iter().any(|file| is_block_device(file));
    is_written || (overwrites && step.operands().any(is_block_device))
}

/// A function that pipes itself into itself.
fn is_fork_bomb(step: &Step, sheet: &Sheet) -> bool {
    let Some(name) = &step.defines else { return false };
    let is_it = |step: &Step| step.path == *name;
    sheet.steps.iter().any(|caller| is_it(caller) && sheet.upstream(caller).iter().any(is_it))
}

fn kills_everything(step: &Step, _: &Sheet) -> bool {
    match step.name.as_str() {
        "killall5" => true,
        "kill" => {
            let mut args: Vec<&str> = step.texts().collect();
            match args.first().copied() {
                // The signal, with its name as a word of its own or glued.
                Some("-s" | "-n" | "--signal") => args.drain(..args.len().min(2)).for_each(drop),
                Some("-l" | "-L" | "--list" | "--table") => return false,
                Some(signal) if signal.starts_with('-') && signal != "--" => args.drain(..1).for_each(drop),
                _ => {}
            }
            args.contains(&"-1")
        }
        "pkill" | "killall" => {
            let everyone = |pattern: &str| matches!(pattern, "" | "." | ".*" | "^" | ".+" | "*");
            step.operands().any(everyone)
        }
        _ => false,
    }
}

fn ends_machine(step: &Step, _: &Sheet) -> bool {
    // A script of a project may have any name.
    if step.path.starts_with('.') {
        return false;
    }
    let mut operands = step.operands();
    match step.name.as_str() {
        "shutdown" | "reboot" | "halt" | "poweroff" | "stop-computer" | "restart-computer" => true,
        "init" | "telinit" => operands.any(|level| matches!(level, "0" | "6")),
        "systemctl" | "loginctl" => {
            let looks = step.operands().next().is_some_and(|verb| LOOKING_VERBS.contains(&verb));
            let ends = |word: &str| {
                let unit = word.strip_suffix(".target");
                FINAL_VERBS.contains(&word) || unit.is_some_and(|unit| FINAL_UNITS.contains(&unit))
            };
            !looks && operands.any(ends)
        }
        // The kernel's own switch.
        _ => written(step).iter().any(|file| match path::parts(file).as_slice() {
            [folder, switch] => folder == "proc" && switch.starts_with("sysrq"),
            _ => false,
        }),
    }
}

#[cfg(test)]
mod tests;
