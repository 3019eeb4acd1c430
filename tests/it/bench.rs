//! `bench` as a user runs it: against this program, and against a gateway that lies.

mod liar;

use std::fs;
use std::process::{Command, ExitStatus};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::home::Home;
use crate::support::process::Process;
use liar::Lie;

/// Small enough for a debug build on a busy machine.
const SMALL: [&str; 9] =
    ["--quick", "--seconds", "0.1", "--tokens", "2000", "--clients", "3", "--sessions", "2"];

/// What a run came to.
struct Outcome {
    status: ExitStatus,
    stdout: String,
    stderr: String,
    json: Value,
    home: Home,
}

fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = home.command();
    // Its folders too are to be gone with it.
    let temporary = home.path().join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    command.env("TMPDIR", temporary).arg("bench").args(args);
    command
}

#[track_caller]
fn bench(args: &[&str]) -> Outcome {
    let home = Home::new();
    let json = home.path().join("out.json");
    let mut command = command(&home, args);
    command.arg("--json").arg(&json);
    let mut process = Process::spawn(&mut command);
    let stdout = process.rest_of_stdout();
    let status = process.wait();
    let json = fs::read(&json).map(|bytes| serde_json::from_slice(&bytes).unwrap()).unwrap_or_default();
    Outcome { status, stdout, stderr: process.stderr(), json, home }
}

impl Outcome {
    #[track_caller]
    fn expect_success(&self) {
        assert!(self.status.success(), "{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.json["failed"], false);
        self.assert_clean();
    }

    /// Nothing stays behind in the folder for temporary files.
    #[track_caller]
    fn assert_clean(&self) {
        let left: Vec<_> = fs::read_dir(self.home.path().join("tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// The median of a figure, of the first gateway.
    #[track_caller]
    fn median(&self, scenario: &str, metric: &str) -> f64 {
        let gateway = self.json["gateways"][0].as_str().unwrap();
        let named = |list: &Value, name: &str| {
            let found = list.as_array().unwrap().iter().find(|one| one["name"] == name);
            found.unwrap_or_else(|| panic!("no {name} in {}", self.stdout)).clone()
        };
        let metric = named(&named(&self.json["scenarios"], scenario)["metrics"], metric);
        metric["gateways"][gateway]["median"].as_f64().unwrap()
    }
}

#[test]
fn every_scenario_runs_against_this_program() {
    let outcome = bench(&SMALL);
    outcome.expect_success();
    assert!((4.9..130.0).contains(&outcome.median("flood", "bytes a token")));
    assert!(outcome.median("flood", "CPU a token") > 0.0);
    assert!(outcome.median("cold-start", "spawn to gateway.ready over pipes") > 0.0);
    assert!(outcome.median("idle", "RSS") > 0.5);
    let scenarios = outcome.json["scenarios"].as_array().unwrap();
    assert!(outcome.stdout.matches("\n  * ").count() > scenarios.len(), "{}", outcome.stdout);
}

#[test]
fn two_gateways_are_compared_over_pipes_and_with_a_model() {
    let files = Home::new();
    let (page, pictures) = (files.path().join("page.html"), files.path().join("pictures"));
    let mut args = vec!["flood", "call-idle", "first-token", "--vs", "self", "--rounds", "1", "--stdio"];
    args.extend(["--agent", "openai", "--markdown"]);
    args.extend(["--html", page.to_str().unwrap(), "--svg", pictures.to_str().unwrap()]);
    args.extend(SMALL);
    let outcome = bench(&args);
    outcome.expect_success();
    assert!(outcome.median("first-token", "model's first byte to first piece") >= 0.0);
    let comparison = &outcome.json["scenarios"][0]["metrics"][0]["comparison"];
    assert!(comparison["ratio"].as_f64().unwrap() > 0.0, "{comparison}");
    assert!(outcome.stdout.contains("\n| figure | self (1) | self (2) | self (1) / self (2) | 95 % |  |\n"));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg ") && page.ends_with("</html>\n"));
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http") && !elsewhere.contains("<script"), "needs nothing but itself");
    let ratios = fs::read_to_string(pictures.join("ratios.svg")).unwrap();
    assert!(ratios.starts_with("<svg ") && ratios.contains("<style>"));
}

/// The last is honest: otherwise this would pass with a client that finds everything wrong.
#[test]
fn a_gateway_that_lies_fails_the_run() {
    for (lie, said) in [
        (Lie::Dropped, "the text differs"),
        (Lie::Doubled, "the text differs"),
        (Lie::Swapped, "the text differs"),
        (Lie::Cut, "bytes were streamed"),
        (Lie::OtherEnd, "the final text differs"),
        (Lie::TwoEnds, "a turn ended twice"),
        (Lie::Strange, "a session that is not ours"),
        (Lie::Refused, "a request was refused"),
        (Lie::HangsUp, "the gateway closed"),
        (Lie::None, ""),
    ] {
        let url = liar::serve(lie);
        let outcome = bench(&["flood", "--gateway", &url, "--agent", "demo", "--tokens", "6", "--quick"]);
        if lie == Lie::None {
            outcome.expect_success();
        } else {
            assert_eq!(outcome.status.code(), Some(1), "{lie:?}: {}", outcome.stdout);
            assert_eq!(outcome.json["failed"], true);
            assert!(outcome.stdout.contains(said), "{lie:?}: {}", outcome.stdout);
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused_in_a_line() {
    for (args, said) in [
        (&["--gateway", "ws://10.0.0.1:9/"][..], "10.0.0.1 is not this machine"),
        (&["--gateway", "/no/such/program"], "there is no program"),
        (&["--vs", "wss://127.0.0.1/"], "wss://"),
        (&["--vs-args", "x"], "--vs-args needs --vs"),
        (&["nothing"], "there is no scenario 'nothing'"),
        (&["--rounds", "0"], "--rounds wants a number from 1 to 1000"),
        (&["--seconds", "-1"], "--seconds wants"),
    ] {
        let outcome = bench(args);
        assert_eq!(outcome.status.code(), Some(2), "{args:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(said), "{args:?}: {}", outcome.stderr);
    }
    // A program that is no gateway, and a port where nobody listens.
    let outcome = bench(&["flood", "--gateway", "/bin/true"]);
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.stderr.contains("true: it ended before it said"), "{}", outcome.stderr);
    outcome.assert_clean();
    let outcome = bench(&["flood", "--gateway", "ws://127.0.0.1:1/"]);
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.stdout.contains("FAILED"), "{}", outcome.stdout);
}

#[test]
fn the_list_names_every_scenario() {
    let outcome = bench(&["--list"]);
    assert!(outcome.status.success());
    for name in ["cold-start", "flood", "soak"] {
        assert!(outcome.stdout.lines().any(|line| line.starts_with(name)), "{}", outcome.stdout);
    }
}

#[test]
fn ctrl_c_ends_a_run_and_leaves_nothing_behind() {
    let home = Home::new();
    let mut process = Process::spawn(&mut command(&home, &["soak", "--seconds", "600", "--sessions", "2"]));
    process.wait_stderr("1/1: round 1, soak");
    process.signal(Signal::INT);
    assert_eq!(process.wait().code(), Some(130));
    assert!(fs::read_dir(home.path().join("tmp")).unwrap().next().is_none());
}
