//! `bench` from the command line.

use std::process::ExitCode;

use crate::cli::fail;
use crate::cli::flags::LowArgs;

/// Runs `bench`.
pub(crate) fn bench(_low: &LowArgs) -> ExitCode {
    fail("not there yet", ExitCode::FAILURE)
}
