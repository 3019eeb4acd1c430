//! `fake-model` from the command line.

use std::process::ExitCode;

use crate::cli::fail;
use crate::cli::flags::LowArgs;

/// Runs `fake-model`.
pub(crate) fn fake_model(_low: &LowArgs) -> ExitCode {
    fail("not there yet", ExitCode::FAILURE)
}
