//! The opening handshake, both sides, for whoever brings no own.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Largest head that is read.
const HEAD_MAX: usize = 8 << 10;

/// Reads a request byte by byte, so that nothing behind it is taken, and switches to WebSocket.
pub fn accept(stream: &mut TcpStream) -> io::Result<()> {
    let head = read_head(stream)?;
    let head = String::from_utf8_lossy(&head);
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let key = key.ok_or_else(|| io::Error::other("no key"))?;
    stream.write_all(switch(key).as_bytes())
}

/// The answer to a key.
pub fn switch(key: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// Asks for a WebSocket at `path`.
pub fn request(stream: &mut TcpStream, path: &str) -> io::Result<()> {
    let host = stream.peer_addr()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )?;
    let head = read_head(stream)?;
    if head.starts_with(b"HTTP/1.1 101 ") {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()))
}

fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > HEAD_MAX {
            return Err(io::Error::other("a head without an end"));
        }
    }
    Ok(head)
}
