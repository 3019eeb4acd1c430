//! `record` and `replay` from the command line.

use std::process::ExitCode;

use crate::cli::fail;
use crate::cli::flags::LowArgs;

/// Runs `record`.
pub(crate) fn record(_low: &LowArgs) -> ExitCode {
    fail("not there yet", ExitCode::FAILURE)
}

/// Runs `replay`.
pub(crate) fn replay(_low: &LowArgs) -> ExitCode {
    fail("not there yet", ExitCode::FAILURE)
}
