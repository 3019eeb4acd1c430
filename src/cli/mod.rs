//! The program as people start it: arguments, help, log, crash record, and the console client.

pub mod args;
#[cfg(feature = "chat")]
pub mod chat;
pub mod crash;
pub mod environment;
pub mod flags;
#[cfg(feature = "harness")]
mod harness;
pub mod help;
pub mod launch;
pub mod log;
pub mod methods;
mod near;
mod relay;
#[cfg(any(feature = "chat", feature = "harness"))]
mod target;
pub mod values;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

pub use args::{Command, UsageError};
pub use flags::{LowArgs, Mode};

/// Exit code of a command line that cannot be followed.
pub const EXIT_USAGE: u8 = 2;

/// Does what the command line says.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Command::parse(args) {
        Ok(Command::Help(mode)) => print(&help::help(mode)),
        Ok(Command::Version) => print(&version()),
        Ok(Command::Run(Mode::Serve, low)) => launch::serve(&low),
        Ok(Command::Run(Mode::Stdio, low)) => launch::stdio(&low),
        Ok(Command::Run(Mode::Chat, low)) => run_chat(&low),
        Ok(Command::Run(Mode::Methods, low)) => {
            let rows: Vec<_> = crate::methods::all()
                .map(|method| (method.name, method.lane.as_str(), method.summary))
                .collect();
            print(&methods::render(&rows, low.names))
        }
        Ok(Command::Run(mode, low)) => run_harness(mode, &low),
        Err(error) => fail(&error.to_string(), ExitCode::from(EXIT_USAGE)),
    }
}

/// Runs a command of the instrument, where this build has it.
fn run_harness(mode: Mode, low: &LowArgs) -> ExitCode {
    #[cfg(feature = "harness")]
    if let Some(code) = harness::run(mode, low) {
        return code;
    }
    let _ = low;
    let name = mode.name();
    fail(&format!("this build has no {name}: it was built without the feature harness"), ExitCode::FAILURE)
}

/// Says that this build has no client.
#[cfg(not(feature = "chat"))]
pub fn run_chat(_low: &LowArgs) -> ExitCode {
    fail("this build has no chat: it was built without the feature of that name", ExitCode::FAILURE)
}

/// Runs `chat` on this process's terminal. A failure is one line on stderr.
#[cfg(feature = "chat")]
pub fn run_chat(low: &LowArgs) -> ExitCode {
    match chat::chat(low) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), ExitCode::FAILURE),
    }
}

/// Writes to stdout. A reader that left early, as `head` does, is no failure.
pub fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("cannot write: {error}"), ExitCode::FAILURE)
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Says on one line of stderr why the program ends, without secrets, and returns `code`.
pub fn fail(message: &str, code: ExitCode) -> ExitCode {
    let message = crate::base::mask::mask(message);
    // Without stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "tui-gateway: {}", log::one_line(&message));
    code
}

/// What `--version` prints.
pub fn version() -> String {
    format!("tui-gateway {}\n", env!("CARGO_PKG_VERSION"))
}
