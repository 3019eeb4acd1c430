//! The model server behind a gateway's own agent: scripted, so that its answers are known, and one for both
//! gateways, so that neither has the better one.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use super::{Child, Home};
use crate::bench::failure::Failure;
use crate::bench::load::Stop;

/// How long it may take to start, and to say what it did.
const START: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(10);

/// Largest page of statistics that is read, in bytes.
const PAGE_MAX: u64 = 64 << 20;

/// Which model server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModelSpec {
    /// This program's, started by us.
    Own,
    /// One that runs already on this port of 127.0.0.1.
    Running(u16),
}

/// A model server.
#[derive(Debug)]
pub struct Model {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    /// Its process, unless it ran already.
    _own: Option<Child>,
}

impl Model {
    /// Starts it, or takes the one that runs.
    pub fn start(spec: &ModelSpec, program: &Path, stop: &Stop) -> Result<Self, Failure> {
        let port = match spec {
            ModelSpec::Running(port) => return Ok(Self { port: *port, _own: None }),
            ModelSpec::Own => 0,
        };
        let home = Home::new(None)?;
        let mut command = home.command(program)?;
        command.args(["fake-model", "--port", &port.to_string()]);
        let (child, stdout) = Child::spawn(&mut command)?;
        let said = stdout.wait_for("PORT=", START, stop);
        let said = said.map_err(|why| match why {
            Failure::Start(why) => Failure::Start(format!("the model server: {why}; {}", home.complaint())),
            other => other,
        })?;
        let port = said.parse().map_err(|_| Failure::Start(format!("the model server listens on {said}")))?;
        Ok(Self { port, _own: Some(child.in_home(home)) })
    }

    /// When the first byte of its streamed answer to the request `ID=id` left.
    pub fn first_byte(&self, id: &str) -> Result<Option<Instant>, Failure> {
        let page = self.page("/stats")?;
        let rows = page["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
        let row = rows.iter().rev().find(|row| row["id"] == id && row["stream"] == true);
        Ok(row.and_then(|row| row["first_byte_ns"].as_u64()).and_then(at_monotonic))
    }

    fn page(&self, path: &str) -> Result<Value, Failure> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut socket = TcpStream::connect_timeout(&addr, ANSWER)?;
        socket.set_read_timeout(Some(ANSWER))?;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", self.port)?;
        let body = read_page(&mut socket)?;
        serde_json::from_slice(&body).map_err(|error| Failure::Machine(format!("the model server: {error}")))
    }
}

/// The body of an answer that says its length.
fn read_page(socket: &mut TcpStream) -> Result<Vec<u8>, Failure> {
    const END: &[u8] = b"\r\n\r\n";
    let mut socket = socket.take(PAGE_MAX);
    let mut page = Vec::new();
    let mut piece = [0; 65536];
    loop {
        let head = page.windows(END.len()).position(|window| window == END).map(|at| at + END.len());
        if let Some(head) = head
            && let Some(length) = content_length(&page[..head])
            && page.len() >= head + length
        {
            return Ok(page[head..head + length].to_vec());
        }
        match socket.read(&mut piece)? {
            0 => return Ok(head.map(|head| page.split_off(head)).unwrap_or_default()),
            count => page.extend_from_slice(&piece[..count]),
        }
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
}

/// A moment of CLOCK_MONOTONIC, which all processes of a machine share, as an `Instant`, which is the same
/// clock under a cover.
fn at_monotonic(nanoseconds: u64) -> Option<Instant> {
    let (now, clock) = (Instant::now(), clock_gettime(ClockId::Monotonic));
    let clock = Duration::new(u64::try_from(clock.tv_sec).ok()?, u32::try_from(clock.tv_nsec).ok()?);
    now.checked_sub(clock.checked_sub(Duration::from_nanos(nanoseconds))?)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use rustix::time::{ClockId, clock_gettime};

    use super::Model;

    #[test]
    fn the_first_byte_is_found_among_the_requests() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let now = clock_gettime(ClockId::Monotonic);
        let nanos = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
        let body = format!(
            r#"{{"requests":[{{"id":"a","stream":true,"first_byte_ns":{nanos}}},{{"id":"a","stream":false}}]}}"#
        );
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut piece = [0; 1024];
                    let count = stream.read(&mut piece).unwrap();
                    request.extend_from_slice(&piece[..count]);
                }
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        let model = Model { port, _own: None };
        let at = model.first_byte("a").unwrap().unwrap();
        let off = Instant::now().saturating_duration_since(at);
        assert!(off < Duration::from_secs(10), "{off:?}");
        assert_eq!(model.first_byte("b").unwrap(), None);
    }
}
