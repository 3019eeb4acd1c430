//! The one client of all servers. Each call measures one thing and prints it as one line of JSON:
//!
//! ```text
//! client flood --port P --pid PID --frames N [--seconds S]   N frames, again and again for S seconds
//! client paced --port P --pid PID --connections C --flushes F --frames N --seconds S
//! client rpc   --port P --pid PID --count N                  one call after the other
//! client calls --port P --rate R --seconds S                 calls that are due at a time, answered or not
//! client say   --port P --text TEXT                          sends a text, and stays a second
//! ```
//!
//! `--path` names the path, `--command` the command in place of FLOOD or PACE, `--json` parses each frame,
//! `--original` expects the original's spelling.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use peers::check::{Look, Reader, Seen, Shape};
use peers::{cpu, handshake};
use serde_json::{Value, json};

/// Bytes of one read.
const BLOCK: usize = 512 << 10;
/// Longest silence of a server.
const SILENCE: Duration = Duration::from_secs(60);
/// How long before a call is due the clock is watched instead of slept upon.
const WATCH: Duration = Duration::from_micros(200);
/// Bytes of a call.
const CALL: usize = 200;
/// Flushes are farther apart than this, the parts of one flush are not.
const GAP: Duration = Duration::from_millis(3);

struct Options(HashMap<String, String>);

impl Options {
    fn text(&self, name: &str, default: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| default.to_owned())
    }

    fn number(&self, name: &str) -> io::Result<u64> {
        let number = self.0.get(name).and_then(|text| text.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("--{name} NUMBER is missing")))
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.number("port")? as u16))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        handshake::request(&mut stream, &self.text("path", "/"))?;
        Ok(stream)
    }

    fn reader(&self, block: usize) -> Reader {
        let look = if self.0.contains_key("json") { Look::Json } else { Look::Exact };
        let original = self.0.contains_key("original");
        Reader::new(block, look, &if original { Shape::original() } else { Shape::plain() })
    }
}

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let what = words.next().unwrap_or_default();
    let mut options = Options(HashMap::new());
    while let Some(word) = words.next() {
        let name = word.trim_start_matches("--").to_owned();
        let flag = matches!(&*name, "json" | "original");
        let value = if flag { String::new() } else { words.next().unwrap_or_default() };
        options.0.insert(name, value);
    }
    let found = match &*what {
        "flood" => flood(&options),
        "paced" => paced(&options),
        "rpc" => rpc(&options),
        "calls" => calls(&options),
        "say" => say(&options),
        _ => Err(io::Error::other("flood, paced, rpc, calls or say?")),
    };
    writeln!(io::stdout(), "{}", found?)
}

/// CPU time and wall time between two moments.
struct Meter {
    pid: i32,
    server: Duration,
    client: Duration,
    wall: Instant,
}

impl Meter {
    fn start(options: &Options) -> io::Result<Self> {
        let pid = options.number("pid")? as i32;
        Ok(Self { pid, server: cpu::tree(pid), client: cpu::own(), wall: Instant::now() })
    }

    fn stop(&self, seen: Seen) -> Value {
        let wall = self.wall.elapsed();
        json!({
            "pieces": seen.pieces,
            "frames": seen.frames,
            "bytes": seen.bytes,
            "wall_s": wall.as_secs_f64(),
            "server_cpu_s": (cpu::tree(self.pid) - self.server).as_secs_f64(),
            "client_cpu_s": (cpu::own() - self.client).as_secs_f64(),
            "rss_kib": cpu::resident_kib(self.pid),
        })
    }
}

fn flood(options: &Options) -> io::Result<Value> {
    let frames = options.number("frames")?;
    let seconds = Duration::from_secs(options.number("seconds").unwrap_or(0));
    let command = format!("{} {frames}", options.text("command", "FLOOD"));
    let mut stream = options.connect()?;
    let mut reader = options.reader(BLOCK);
    let meter = Meter::start(options)?;
    let mut total = Seen::default();
    let mut announced = seconds.is_zero();
    loop {
        send_text(&mut stream, &command)?;
        while reader.seen.pieces < frames {
            reader.read(&mut stream)?;
            if !announced {
                writeln!(io::stdout(), "FLOWING")?;
                announced = true;
            }
        }
        total.pieces += reader.seen.pieces;
        total.frames += reader.seen.frames;
        total.bytes += reader.seen.bytes;
        if meter.wall.elapsed() >= seconds {
            return Ok(meter.stop(total));
        }
        reader = options.reader(BLOCK);
    }
}

struct Paced {
    stream: TcpStream,
    reader: Reader,
    arrived: Option<Instant>,
}

fn paced(options: &Options) -> io::Result<Value> {
    let (flushes, frames) = (options.number("flushes")?, options.number("frames")?);
    let seconds = options.number("seconds")?;
    let command = format!("{} {flushes} {frames} {seconds}", options.text("command", "PACE"));
    let goal = flushes * frames * seconds;
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    let mut links = Vec::new();
    for index in 0..options.number("connections")? {
        let stream = options.connect()?;
        epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, index))?;
        links.push(Paced { stream, reader: options.reader(BLOCK / 8), arrived: None });
    }
    let meter = Meter::start(options)?;
    for link in &mut links {
        send_text(&mut link.stream, &command)?;
    }
    let mut gaps = Vec::new();
    let mut missing = links.len();
    let mut events = vec![EpollEvent::empty(); 128];
    while missing > 0 {
        let timeout = EpollTimeout::try_from(SILENCE).map_err(io::Error::other)?;
        let count = epoll.wait(&mut events, timeout)?;
        if count == 0 {
            return Err(io::Error::other(format!("{missing} connections wait")));
        }
        let now = Instant::now();
        for event in &events[..count] {
            let link = &mut links[event.data() as usize];
            if link.reader.read(&mut link.stream)? == 0 {
                continue;
            }
            let gap = link.arrived.replace(now).map(|before| now - before);
            gaps.extend(gap.filter(|gap| *gap > GAP).map(|gap| gap.as_secs_f64() * 1e3));
            missing -= usize::from(link.reader.seen.pieces == goal);
        }
    }
    let mut total = Seen::default();
    for link in &links {
        total.pieces += link.reader.seen.pieces;
        total.frames += link.reader.seen.frames;
        total.bytes += link.reader.seen.bytes;
    }
    let mut found = meter.stop(total);
    found["gap_ms"] = percentiles(gaps);
    Ok(found)
}

fn rpc(options: &Options) -> io::Result<Value> {
    let mut stream = options.connect()?;
    let count = options.number("count")?;
    let mut replies = Replies::default();
    // The first ones warm up what there is to warm up.
    for number in 0..100 {
        send_text(&mut stream, &call(number))?;
        replies.wait(&mut stream)?;
    }
    let meter = Meter::start(options)?;
    let mut times = Vec::new();
    for number in 100..count + 100 {
        let sent = Instant::now();
        send_text(&mut stream, &call(number))?;
        replies.wait(&mut stream)?;
        times.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    let mut found = meter.stop(Seen { frames: count, ..Seen::default() });
    found["us"] = percentiles(times);
    Ok(found)
}

fn calls(options: &Options) -> io::Result<Value> {
    let (rate, seconds) = (options.number("rate")?, options.number("seconds")?);
    let period = Duration::from_secs(1) / rate as u32;
    let count = rate * seconds;
    let mut stream = options.connect()?;
    let mut replies = Replies::default();
    let start = Instant::now() + period;
    let due = |number: u64| start + period * number as u32;
    let (mut sent, mut times, mut late) = (0, Vec::new(), Vec::new());
    while replies.count < count {
        let now = Instant::now();
        if sent < count && now >= due(sent) {
            late.push((now - due(sent)).as_secs_f64() * 1e3);
            send_text(&mut stream, &call(sent))?;
            sent += 1;
            continue;
        }
        let rest = if sent < count { due(sent).saturating_duration_since(now) } else { SILENCE };
        let wait = PollTimeout::try_from(rest.saturating_sub(WATCH)).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, wait)? == 0 {
            continue;
        }
        let before = replies.count;
        replies.read(&mut stream)?;
        let now = Instant::now();
        times.extend((before..replies.count).map(|number| (now - due(number)).as_secs_f64() * 1e3));
    }
    Ok(json!({ "ms": percentiles(times), "late_ms": percentiles(late) }))
}

fn say(options: &Options) -> io::Result<Value> {
    let mut stream = options.connect()?;
    send_text(&mut stream, &options.text("text", ""))?;
    std::thread::sleep(Duration::from_secs(1));
    Ok(json!({}))
}

/// Counts the answers to calls and checks their order.
#[derive(Default)]
struct Replies {
    bytes: Vec<u8>,
    count: u64,
}

impl Replies {
    fn wait(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let before = self.count;
        while self.count == before {
            self.read(stream)?;
        }
        Ok(())
    }

    fn read(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let mut chunk = [0; 8192];
        let count = io::Read::read(stream, &mut chunk)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.bytes.extend_from_slice(&chunk[..count]);
        let mut start = 0;
        while let Some((opcode, from, to)) = peers::check::parse_header(&self.bytes[start..]) {
            let payload = &self.bytes[start + from..start + to];
            start += to;
            if opcode != 0x81 {
                continue;
            }
            let id = format!("\"{:08}\"", self.count);
            if !payload.windows(id.len()).any(|window| window == id.as_bytes()) {
                return Err(io::Error::other(String::from_utf8_lossy(payload).into_owned()));
            }
            self.count += 1;
        }
        self.bytes.drain(..start);
        Ok(())
    }
}

/// A request of [`CALL`] bytes.
fn call(number: u64) -> String {
    let head = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"{number:08}\",\"method\":\"terminal.resize\",\
         \"params\":{{\"cols\":80,\"pad\":\""
    );
    let pad = "x".repeat(CALL.saturating_sub(head.len() + 3));
    format!("{head}{pad}\"}}}}")
}

/// Sends a text of less than 64 KiB, with a mask of zeros.
fn send_text(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    let mut frame = vec![0x81];
    match text.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len => frame.extend_from_slice(&[0x80 | 126, (len >> 8) as u8, len as u8]),
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    stream.write_all(&frame)
}

fn percentiles(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values.get(((values.len() as f64 * share) as usize).min(values.len().max(1) - 1));
    json!({ "count": values.len(), "p50": at(0.5), "p99": at(0.99), "max": values.last() })
}
