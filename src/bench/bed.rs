//! Where one scenario meets one gateway: what it may use to load it and to look at it.

use std::time::Duration;

use super::failure::Failure;
use super::gateway::{Agent, Child, GatewaySpec, Home, Model, Server, StdioGateway};
use super::load::{Load, Prompts, Stop};
use super::options::Sizes;
use super::process::{Memory, Meter, Strace, Used, memory};

/// Time a gateway is given to put itself in order before its memory is read.
pub const SETTLE: Duration = Duration::from_millis(500);

/// The surroundings of one scenario at one gateway.
pub struct Bed<'r> {
    /// How large the load is.
    pub sizes: &'r Sizes,
    /// What agents are told to say.
    pub prompts: &'r Prompts,
    /// The gateway.
    pub spec: &'r GatewaySpec,
    /// Who answers.
    pub agent: Agent,
    /// The model server, if there is one.
    pub model: Option<&'r Model>,
    /// The gateway's server, unless it is spoken to over pipes or the scenario starts its own.
    pub server: Option<&'r Server>,
    /// Only system calls are counted; everything is slow.
    pub counting: bool,
    /// Set when the run has to end.
    pub stop: &'r Stop,
}

/// Clients of a gateway, and the process to look at.
pub struct Link {
    /// The clients.
    pub load: Load,
    /// The gateway's process, if it is known.
    pub pid: Option<u32>,
    counting: bool,
    /// The gateway itself, if it has no other client. It goes after its pipes.
    _own: Option<Child>,
}

/// A measurement under way.
#[derive(Debug)]
pub struct Gauge {
    meter: Option<Meter>,
    strace: Option<Strace>,
    /// Where the counts are written.
    _scratch: Option<Home>,
}

/// What was used, as far as it can be known.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reading {
    /// CPU, switches and time; `None` for a gateway whose process is not known, and while calls are counted.
    pub used: Option<Used>,
    /// System calls; only while they are counted.
    pub calls: Option<u64>,
}

impl Bed<'_> {
    /// Clients for this gateway: none yet over WebSocket, the one there is over pipes.
    pub fn link(&self) -> Result<Link, Failure> {
        let counting = self.counting;
        match self.server {
            Some(server) => {
                let load = Load::new(server.endpoint.clone(), self.stop)?;
                Ok(Link { load, pid: server.pid, counting, _own: None })
            }
            None => {
                let StdioGateway { load, child } =
                    StdioGateway::start(self.spec, self.agent, self.model_port(), self.stop)?;
                Ok(Link { load, pid: Some(child.pid()), counting, _own: Some(child) })
            }
        }
    }

    /// The port of the model server.
    pub fn model_port(&self) -> Option<u16> {
        self.model.map(|model| model.port)
    }
}

impl Link {
    /// Brings the clients up to `count` and gives the index of each. Over pipes there is one, whatever was
    /// asked for, and it is given out again and again.
    pub fn users(&mut self, count: usize) -> Result<Vec<u32>, Failure> {
        if self._own.is_some() {
            self.load.wait_ready()?;
            return Ok(vec![0; count]);
        }
        Ok(self.load.connect(count)?.collect())
    }

    /// Begins to measure what the gateway uses.
    pub fn gauge(&self) -> Result<Gauge, Failure> {
        let Some(pid) = self.pid else { return Ok(Gauge { meter: None, strace: None, _scratch: None }) };
        if !self.counting {
            return Ok(Gauge { meter: Some(Meter::start(pid)), strace: None, _scratch: None });
        }
        let scratch = Home::new(None)?;
        let strace =
            Strace::attach(pid, scratch.top()).map_err(|error| Failure::Machine(error.to_string()))?;
        Ok(Gauge { meter: None, strace: Some(strace), _scratch: Some(scratch) })
    }

    /// The gateway's memory, if its process is known.
    pub fn memory(&self) -> Option<Memory> {
        self.pid.map(memory)
    }
}

impl Gauge {
    /// Ends the measurement.
    pub fn stop(self) -> Result<Reading, Failure> {
        let used = self.meter.as_ref().map(Meter::stop);
        let calls = self.strace.map(Strace::detach).transpose();
        Ok(Reading { used, calls: calls.map_err(|error| Failure::Machine(error.to_string()))? })
    }
}
