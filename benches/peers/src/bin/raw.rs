//! The physical limit: blocking writes of bytes that were ready before. Argument: `frame` (one `write` a
//! frame), `writev` (64 frames a call) or `block` (64 KiB a call, a whole flush where it is paced).

use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use peers::command::Command;
use peers::frame::{WIRE, wire};
use peers::produce::{self, Sink};
use peers::{announce, handshake};

/// Frames that are ready; larger orders start over.
const READY: usize = 400_000;
/// Frames of one `writev`.
const VECTORS: usize = 64;
/// Bytes of one block.
const BLOCK: usize = 64 << 10;

#[derive(Clone, Copy)]
enum Mode {
    Frame,
    Writev,
    Block,
}

fn main() -> io::Result<()> {
    let mode = match std::env::args().nth(1).as_deref() {
        Some("frame") => Mode::Frame,
        Some("writev") => Mode::Writev,
        Some("block") => Mode::Block,
        _ => return Err(io::Error::other("frame, writev or block?")),
    };
    let ready: Arc<[u8]> = wire(READY).into();
    let orders = produce::start();
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    announce(listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept()?;
        let (ready, orders) = (Arc::clone(&ready), orders.clone());
        thread::spawn(move || serve(stream, mode, &ready, &orders));
    }
}

/// One connection, until it fails or ends.
fn serve(
    mut stream: TcpStream,
    mode: Mode,
    ready: &Arc<[u8]>,
    orders: &Sender<(Command, Sink)>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    handshake::accept(&mut stream)?;
    let mut buffer = Vec::new();
    loop {
        let text = read_text(&mut stream, &mut buffer)?;
        match Command::parse(&text) {
            None => {
                let mut frame = vec![0x81];
                match text.len() {
                    len @ 0..126 => frame.push(len as u8),
                    len => frame.extend_from_slice(&[126, (len >> 8) as u8, len as u8]),
                }
                frame.extend_from_slice(text.as_bytes());
                stream.write_all(&frame)?;
            }
            Some(Command::Flood(count)) => {
                let mut left = count as usize;
                while left > 0 {
                    let frames = left.min(READY);
                    write(&mut stream, mode, &ready[..frames * WIRE])?;
                    left -= frames;
                }
            }
            Some(command) => {
                let (mut stream, ready, mut at) = (stream.try_clone()?, Arc::clone(ready), 0);
                let sink = move |frames: u32| {
                    let end = at + frames as usize * WIRE;
                    let done = ready.get(at..end).is_some_and(|part| write(&mut stream, mode, part).is_ok());
                    at = end;
                    done
                };
                orders.send((command, Box::new(sink))).map_err(|_| io::ErrorKind::BrokenPipe)?;
            }
        }
    }
}

fn write(stream: &mut TcpStream, mode: Mode, bytes: &[u8]) -> io::Result<()> {
    match mode {
        Mode::Frame => bytes.chunks(WIRE).try_for_each(|frame| stream.write_all(frame)),
        Mode::Block => bytes.chunks(BLOCK).try_for_each(|block| stream.write_all(block)),
        Mode::Writev => bytes.chunks(WIRE * VECTORS).try_for_each(|part| {
            let frames: Vec<IoSlice<'_>> = part.chunks(WIRE).map(IoSlice::new).collect();
            let written = stream.write_vectored(&frames)?;
            stream.write_all(&part[written..])
        }),
    }
}

/// The next text of a client: masked, whole, at most 64 KiB.
fn read_text(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<String> {
    loop {
        if let Some((text, used)) = parse(buffer) {
            buffer.drain(..used);
            return Ok(text);
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => buffer.extend_from_slice(&chunk[..count]),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<(String, usize)> {
    let (len, at) = match usize::from(bytes.get(1)? & 0x7f) {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        len => (len, 2),
    };
    let mask = bytes.get(at..at + 4)?;
    let payload = bytes.get(at + 4..at + 4 + len)?;
    let text: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((String::from_utf8_lossy(&text).into_owned(), at + 4 + len))
}
