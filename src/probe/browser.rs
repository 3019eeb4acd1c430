//! Whether a browser listens at an address: a connection, or a question over plain HTTP, within two seconds.
//! Starts no browser. Knows no URL.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::model::browser::{BrowserProbe, ProbeBy};

/// How long a connection, and each question, may take (the original's).
const PATIENCE: Duration = Duration::from_secs(2);

/// Shortest limit a socket is given; none at all would be for ever.
const PATIENCE_MIN: Duration = Duration::from_millis(1);

/// Pages that a browser's endpoint has, in the order they are asked for.
const PAGES: [&str; 2] = ["/json/version", "/json"];

/// Bytes of an answer that are read: enough for its status.
const HEAD_BYTES: usize = 64;

/// Looks.
///
/// # Errors
/// Why nothing answers; a sentence for people.
pub fn look(probe: &BrowserProbe) -> Result<(), String> {
    let looked = match probe.by {
        ProbeBy::Connecting => connect(probe, Instant::now() + PATIENCE).map(drop),
        ProbeBy::Asking { secure: true } => Err(io::Error::other("it can be asked over plain HTTP only")),
        ProbeBy::Asking { secure: false } => {
            let first = ask(probe, PAGES[0]);
            if first.is_ok() { first } else { ask(probe, PAGES[1]) }
        }
    };
    looked.map_err(|error| error.to_string())
}

/// The first address that answers.
fn connect(probe: &BrowserProbe, until: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (probe.host.as_str(), probe.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whether this page is there.
fn ask(probe: &BrowserProbe, page: &str) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut stream = connect(probe, until)?;
    let host = if probe.host.contains(':') { format!("[{}]", probe.host) } else { probe.host.clone() };
    let port = probe.port;
    let request = format!(
        "GET {page} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\nUser-Agent: tui-gateway\r\n\
         Connection: close\r\n\r\n"
    );
    stream.set_write_timeout(Some(left(until)?))?;
    stream.write_all(request.as_bytes())?;
    let mut head = [0; HEAD_BYTES];
    let mut filled = 0;
    while filled < HEAD_BYTES && !head[..filled].contains(&b'\n') {
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if is_success(&head[..filled]) { Ok(()) } else { Err(io::Error::other("it answers no browser's page")) }
}

/// `HTTP/1.1 2xx`.
fn is_success(head: &[u8]) -> bool {
    let mut words = head.split(|byte| *byte == b' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().unwrap_or_default().trim_ascii_end();
    version.starts_with(b"HTTP/1.") && status.len() == 3 && status.starts_with(b"2")
}

/// What is left of the time.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left < PATIENCE_MIN { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers every connection with this.
    fn listener(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        port
    }

    fn asked(port: u16, by: ProbeBy) -> bool {
        look(&BrowserProbe { host: "127.0.0.1".to_owned(), port, by }).is_ok()
    }

    #[test]
    fn what_answers_is_told_from_what_does_not() {
        let plain = ProbeBy::Asking { secure: false };
        assert!(asked(listener("HTTP/1.1 200 OK\r\n\r\n{}"), plain));
        for other in ["HTTP/1.1 404 Not Found\r\n\r\n", "SSH-2.0-x\r\n", "", "HTTP/1.1 2\r\n"] {
            let port = listener(other);
            assert!(!asked(port, plain), "{other}");
            assert!(asked(port, ProbeBy::Connecting), "{other}");
        }
        assert!(!asked(listener("HTTP/1.1 200 OK\r\n\r\n"), ProbeBy::Asking { secure: true }));
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(!asked(free, ProbeBy::Connecting));
    }
}
