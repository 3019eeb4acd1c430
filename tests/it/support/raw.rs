//! A client that need not behave: bytes over a socket, and WebSocket frames written by hand.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use socket2::SockRef;

use super::DEADLINE;
use super::server::TOKEN;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The bit that ends a message, and the one that marks a masked payload.
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// The receive buffer of a client that lags, in bytes: a small part of a turn, but a few packets.
const LAGGING_BUFFER: usize = 64 << 10;

/// Any mask does.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A connection on which no wait is longer than the deadline.
#[track_caller]
pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The same with a receive buffer so small that a pause is felt.
#[track_caller]
pub(crate) fn connect_lagging(port: u16) -> TcpStream {
    let stream = connect(port);
    SockRef::from(&stream).set_recv_buffer_size(LAGGING_BUFFER).unwrap();
    stream
}

/// Sends `request` and returns everything up to the end of the connection.
#[track_caller]
pub(crate) fn exchange(port: u16, request: &str) -> String {
    let mut stream = connect(port);
    stream.write_all(request.as_bytes()).unwrap();
    read_to_end(stream)
}

/// The same, but says that it will send no more before it reads.
#[track_caller]
pub(crate) fn exchange_half_closed(port: u16, request: &str) -> String {
    let mut stream = connect(port);
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    read_to_end(stream)
}

#[track_caller]
pub(crate) fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The end of the connection, by an orderly close or a reset.
#[track_caller]
pub(crate) fn assert_ended(stream: &mut TcpStream) {
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => panic!("there is more"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
    }
}

/// The head of a good opening handshake but for its target and `headers`, each with its line end.
pub(crate) fn upgrade(target: &str, headers: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\n{headers}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// The target with the right token.
pub(crate) fn good_target() -> String {
    format!("/api/ws?token={TOKEN}")
}

/// A whole message in one masked frame, with the shortest form of its length.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(opcode, MASKED, payload.len() as u64);
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The same without a mask, as only a server may send it.
pub(crate) fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(opcode, 0, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// The header of a masked frame that announces `length` bytes, without them.
pub(crate) fn announced(opcode: u8, length: u64) -> Vec<u8> {
    let mut bytes = head(opcode, MASKED, length);
    bytes.extend(MASK);
    bytes
}

fn head(opcode: u8, masked: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![FIN | opcode];
    match length {
        0..=125 => bytes.push(masked | length as u8),
        126..=0xffff => {
            bytes.push(masked | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes
}

/// A WebSocket that does nothing by itself: it answers no ping.
pub(crate) struct RawWs {
    pub(crate) stream: TcpStream,
}

impl RawWs {
    /// Shakes hands and reads `gateway.ready`.
    #[track_caller]
    pub(crate) fn open(port: u16) -> Self {
        let mut ws = Self::asking(port);
        ws.greeted();
        ws
    }

    /// Asks to shake hands and does not wait for the answer.
    #[track_caller]
    pub(crate) fn asking(port: u16) -> Self {
        let mut stream = connect(port);
        let head = upgrade(&good_target(), "Host: 127.0.0.1\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Self { stream }
    }

    /// Reads the answer and `gateway.ready`.
    #[track_caller]
    pub(crate) fn greeted(&mut self) {
        let answer = self.response_head();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        let (opcode, payload) = self.frame();
        assert_eq!(opcode, TEXT);
        assert!(String::from_utf8(payload).unwrap().contains("gateway.ready"));
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads up to the blank line.
    #[track_caller]
    pub(crate) fn response_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.take::<1>());
        }
        String::from_utf8(head).unwrap()
    }

    /// The next frame: opcode and payload.
    #[track_caller]
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        let [first, second] = self.take();
        assert_eq!(first & FIN, FIN, "the server sends no fragments");
        let length = match second {
            126 => u64::from(u16::from_be_bytes(self.take())),
            127 => u64::from_be_bytes(self.take()),
            short => u64::from(short),
        };
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).unwrap();
        (first & 0x0f, payload)
    }

    /// Reads up to the close frame and returns its code; the connection has to end behind it.
    #[track_caller]
    pub(crate) fn close_code(&mut self) -> u16 {
        loop {
            let (opcode, payload) = self.frame();
            if opcode == CLOSE {
                assert_ended(&mut self.stream);
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    #[track_caller]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }
}
