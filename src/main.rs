//! The binary: hands the command line over.

use std::process::ExitCode;

fn main() -> ExitCode {
    tui_gateway::cli::run(std::env::args_os().skip(1))
}
