//! `sim` from the command line.

use std::process::ExitCode;

use crate::cli::fail;
use crate::cli::flags::LowArgs;

/// Runs `sim`.
pub(crate) fn sim(_low: &LowArgs) -> ExitCode {
    fail("not there yet", ExitCode::FAILURE)
}
