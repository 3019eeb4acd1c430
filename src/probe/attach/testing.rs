//! What tests of attachments share: fixed surroundings, and programs that are not there.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use jiff::civil::DateTime;

use super::Around;
use crate::base::scratch::Scratch;

/// The time of [`around`] as names have it.
pub(super) const AT: &str = "20260701_093012";

/// Surroundings with one folder for everything.
pub(super) fn around<'a>(home: &'a Scratch, programs: Option<&'a OsStr>) -> Around<'a> {
    let at = DateTime::constant(2026, 7, 1, 9, 30, 12, 0);
    Around { images: home.path(), user_home: None, env: &|_| None, programs, at }
}

/// Puts a program of the shell there. Another process writes it: a file that this one has open for writing,
/// in whichever thread, cannot be run.
pub(super) fn program(dir: &Path, name: &str, script: &str) {
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod 755 "$1""#;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", write, "sh"]).arg(dir.join(name)).arg(script);
    assert!(shell.status().unwrap().success());
}
