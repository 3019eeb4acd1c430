//! `fake-model` from the command line.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::fail;
use crate::cli::flags::LowArgs;
use crate::fake_model::{Options, Server};

/// Runs `fake-model`.
pub(crate) fn fake_model(low: &LowArgs) -> ExitCode {
    let options = Options {
        port: low.port.unwrap_or(0),
        script: low.fake_model.script.clone(),
        rate: low.rate.unwrap_or(0),
    };
    let server = match Server::bind(&options) {
        Ok(server) => server,
        Err(error) => return failed(&format!("cannot listen on 127.0.0.1:{}: {error}", options.port)),
    };
    match server.port().and_then(announce).and_then(|()| server.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

/// One line for programs on stdout, hints for people on stderr.
fn announce(port: u16) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "a model to test with; base URL: http://127.0.0.1:{port}/v1")?;
    writeln!(
        stderr,
        "try it: curl -N http://127.0.0.1:{port}/v1/chat/completions -d \
         '{{\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"RATE=20 TOKENS=100\"}}]}}'"
    )?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "PORT={port}")?;
    stdout.flush()
}

fn failed(why: &str) -> ExitCode {
    fail(why, ExitCode::FAILURE)
}
