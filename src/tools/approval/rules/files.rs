//! Dangers to files: deletes, modes, owners, and writes to places that open doors.

use crate::tools::approval::hardline::is_recursive;
use crate::tools::approval::path;
use crate::tools::approval::sheet::Sheet;
use crate::tools::approval::step::Step;
use crate::tools::approval::targets::{self, written};

/// Programs that delete files.
const DELETERS: &[&str] = &["grm", "rm", "rmdir", "shred", "srm", "unlink"];

/// The programs that run a command for each of their lines.
const REPEATERS: &[&str] = &["parallel", "xargs"];

pub(super) fn xargs_deletes(step: &Step, _: &Sheet) -> bool {
    step.is(DELETERS) && step.is_through(REPEATERS)
}

pub(super) fn find_runs_delete(step: &Step, _: &Sheet) -> bool {
    step.is(DELETERS) && step.is_through(&["find"])
}

pub(super) fn find_deletes(step: &Step, _: &Sheet) -> bool {
    step.is(&["find", "gfind"]) && step.texts().any(|text| text == "-delete")
}

pub(super) fn deletes_recursively(step: &Step, _: &Sheet) -> bool {
    step.is(&["grm", "rm", "srm"]) && is_recursive(step)
}

/// Also what is the root's or a home's own.
pub(super) fn deletes_system(step: &Step, _: &Sheet) -> bool {
    let is_high = |file: &str| path::is_system(file) || path::is_protected(file);
    step.is(DELETERS) && step.operands().any(is_high)
}

pub(super) fn opens_mode(step: &Step, _: &Sheet) -> bool {
    let mode = match step.name.as_str() {
        // A mode may begin with a minus, and options may follow it: every argument is looked at.
        "chmod" => step.texts().any(is_open_mode),
        "mkdir" | "install" | "mkfifo" => step.has_short('m') && step.texts().any(is_open_mode),
        _ => false,
    };
    mode || (step.is(&["umask"]) && step.texts().any(|mask| matches!(mask, "0" | "00" | "000" | "0000")))
}

/// Whether a mode lets everybody write: `777`, `o+w`, `a=rwx`.
fn is_open_mode(text: &str) -> bool {
    let is_octal = (3..=5).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    if is_octal {
        return text.ends_with(['2', '3', '6', '7']);
    }
    text.split(',').any(|clause| {
        let Some(at) = clause.find(['+', '=']) else { return false };
        let (who, what) = clause.split_at(at);
        // Without a letter the umask decides.
        let is_who = who.chars().all(|c| matches!(c, 'u' | 'g' | 'o' | 'a'));
        is_who && who.contains(['o', 'a']) && what.contains('w') && !what.contains('/')
    })
}

pub(super) fn gives_to_root(step: &Step, _: &Sheet) -> bool {
    let owner = |text: &str| {
        let user = text.split([':', '.']).next().unwrap_or(text);
        matches!(user, "root" | "0" | "+0")
    };
    step.is(&["chown"]) && is_recursive(step) && step.operands().next().is_some_and(owner)
}

fn writes(step: &Step, kind: fn(&str) -> bool) -> bool {
    written(step).iter().any(|file| kind(file))
}

pub(super) fn writes_ssh(step: &Step, _: &Sheet) -> bool {
    writes(step, targets::is_ssh) || step.is(&["ssh-copy-id"])
}

pub(super) fn writes_credential(step: &Step, _: &Sheet) -> bool {
    writes(step, targets::is_credential)
}

pub(super) fn writes_start_up(step: &Step, _: &Sheet) -> bool {
    writes(step, targets::is_start_up)
}

pub(super) fn writes_project(step: &Step, _: &Sheet) -> bool {
    writes(step, targets::is_project_settings)
}

pub(super) fn writes_own(step: &Step, _: &Sheet) -> bool {
    writes(step, targets::is_own)
}

pub(super) fn writes_system(step: &Step, _: &Sheet) -> bool {
    writes(step, path::is_system)
}

pub(super) fn deletes_windows(step: &Step, _: &Sheet) -> bool {
    let has = |flags: &[&str]| step.texts().any(|text| flags.contains(&text.to_lowercase().as_str()));
    match step.name.as_str() {
        "del" | "erase" => has(&["/s", "/f", "/q"]),
        "rd" | "rmdir" => has(&["/s"]),
        "format" => step.texts().any(|text| text.len() == 2 && text.ends_with(':')),
        "remove-item" | "ri" | "clear-content" => {
            let long = |text: &str| {
                let text = text.to_lowercase();
                // PowerShell takes beginnings of names.
                let name = text.strip_prefix('-').unwrap_or_default();
                !name.is_empty() && ["recurse", "force"].iter().any(|option| option.starts_with(name))
            };
            step.texts().any(long)
        }
        _ => false,
    }
}
