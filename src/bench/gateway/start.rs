//! Starting a gateway, as a server or over pipes.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use super::child::Stdout;
use super::{Agent, Child, GatewaySpec, Home, Kind};
use crate::bench::failure::Failure;
use crate::bench::load::{Endpoint, Load, Stop};
use crate::transport::target::Target;

/// What a server says when it listens.
const READY: &str = "HERMES_DASHBOARD_READY port=";

/// The Python server takes 1.4 s on a quiet machine, 15 s on a busy one.
const START: Duration = Duration::from_secs(60);

/// A gateway that serves WebSocket clients.
#[derive(Debug)]
pub struct Server {
    /// Where.
    pub endpoint: Endpoint,
    /// The process to look at, if it is known.
    pub pid: Option<u32>,
    /// When it was spawned.
    pub spawned: Instant,
    /// Its process, unless it ran already.
    _own: Option<Child>,
}

/// A gateway that speaks over pipes.
pub struct StdioGateway {
    /// Its one client, with index 0.
    pub load: Load,
    /// Its process.
    pub child: Child,
}

impl Server {
    /// Starts it and waits until it listens. `model` is the port of the model server.
    pub fn start(spec: &GatewaySpec, agent: Agent, model: Option<u16>, stop: &Stop) -> Result<Self, Failure> {
        if let Kind::Running(addr, target) = &spec.kind {
            let endpoint = Endpoint { addr: *addr, target: (**target).clone() };
            return Ok(Self { endpoint, pid: spec.pid, spawned: Instant::now(), _own: None });
        }
        let home = Home::new(model.filter(|_| agent == Agent::Model))?;
        let (child, stdout) = Child::spawn(&mut serve(spec, agent, &home)?).map_err(|e| cannot(spec, &e))?;
        let port = listening(&stdout, stop).map_err(|why| explained(spec, &home, why))?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let target = Target::new(Some(&format!("ws://{addr}/api/ws")), Some(home.token()))
            .map_err(|error| Failure::Machine(error.to_string()))?;
        let (pid, spawned) = (Some(child.pid()), child.spawned);
        Ok(Self { endpoint: Endpoint { addr, target }, pid, spawned, _own: Some(child.in_home(home)) })
    }
}

impl StdioGateway {
    /// Starts it and does not wait. One that runs already has no pipes.
    pub fn start(spec: &GatewaySpec, agent: Agent, model: Option<u16>, stop: &Stop) -> Result<Self, Failure> {
        let home = Home::new(model.filter(|_| agent == Agent::Model))?;
        let mut command = stdio(spec, agent, &home)?;
        let (child, stdin, stdout) = Child::spawn_piped(&mut command).map_err(|e| cannot(spec, &e))?;
        let load = Load::over_pipes(stdin, stdout, child.spawned, stop)?;
        Ok(Self { load, child: child.in_home(home) })
    }
}

fn agent_flag(agent: Agent) -> [&'static str; 2] {
    match agent {
        Agent::Demo => ["--agent", "demo"],
        Agent::Model => ["--agent", "openai"],
    }
}

fn serve(spec: &GatewaySpec, agent: Agent, home: &Home) -> Result<Command, Failure> {
    let mut command = match &spec.kind {
        Kind::Ours(path) => home.command(path)?,
        Kind::Python(venv) => home.command(&venv.join("bin/hermes"))?,
        Kind::Running(..) => return Err(running()),
    };
    command.args(["serve", "--host", "127.0.0.1", "--port", "0"]);
    if spec.is_ours() {
        command.args(agent_flag(agent));
    }
    command.args(&spec.args);
    Ok(command)
}

/// The flags of a server are not those of a gateway over pipes, so only the agent is named.
fn stdio(spec: &GatewaySpec, agent: Agent, home: &Home) -> Result<Command, Failure> {
    match &spec.kind {
        Kind::Ours(path) => {
            let mut command = home.command(path)?;
            command.arg("stdio").args(agent_flag(agent));
            Ok(command)
        }
        Kind::Python(venv) => {
            let mut command = home.command(&venv.join("bin/python"))?;
            command.args(["-m", "tui_gateway.entry"]);
            Ok(command)
        }
        Kind::Running(..) => Err(running()),
    }
}

fn running() -> Failure {
    Failure::Start("a gateway that runs already cannot be started".to_owned())
}

fn listening(stdout: &Stdout, stop: &Stop) -> Result<u16, Failure> {
    let said = stdout.wait_for(READY, START, stop)?;
    said.parse().map_err(|_| Failure::Start(format!("it listens on {said}")))
}

fn cannot(spec: &GatewaySpec, error: &std::io::Error) -> Failure {
    Failure::Start(format!("{} cannot be started: {error}", spec.label))
}

fn explained(spec: &GatewaySpec, home: &Home, why: Failure) -> Failure {
    match why {
        Failure::Start(why) => Failure::Start(format!("{}: {why}; {}", spec.label, home.complaint())),
        other => other,
    }
}
