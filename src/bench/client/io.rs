//! Reading and writing one connection of the loop: bytes in, documents to the handler; documents out, bytes
//! to the kernel.

use std::io;
use std::mem;
use std::time::Instant;

use mio::Token;

use super::conn::{Client, Conn, Gone, Phase};
use super::net::{DOCUMENT_MAX, Handler, Net, News};
use crate::base::slots::Key;
use crate::reactor::poller::Ready;
use crate::transport::dial::DialError;
use crate::transport::http::MAX_HEAD;
use crate::transport::lines::{Line, Lines};
use crate::transport::ws::{self, Binary, Decoder, Event, Opcode};

/// Bytes read from one connection before the others have their turn.
const READ_BUDGET: usize = 256 << 10;

impl<T> Net<T> {
    pub(super) fn ready(&mut self, handler: &mut impl Handler<T>, key: Key, event: Ready) {
        if event.writable
            && let Some(conn) = self.conns.get_mut(key)
        {
            conn.blocked = false;
            if !mem::replace(&mut conn.dirty, true) {
                self.dirty.push(key);
            }
        }
        if event.readable {
            self.read(handler, key);
        }
    }

    /// Writes what the handlers left behind.
    pub(super) fn flush(&mut self, handler: &mut impl Handler<T>) {
        while let Some(key) = self.dirty.pop() {
            let Some(conn) = self.conns.get_mut(key) else { continue };
            conn.dirty = false;
            if let Err(error) = conn.flush() {
                self.gone(handler, key, Gone::Io(error.kind()));
            }
        }
    }

    fn read(&mut self, handler: &mut impl Handler<T>, key: Key) {
        let mut buffer = mem::take(&mut self.buffer);
        let mut budget = READ_BUDGET;
        while let Some(conn) = self.conns.get_mut(key) {
            if conn.paused {
                conn.unread = true;
                break;
            }
            if budget == 0 {
                self.poller.carry(Ready { token: Token(key.to_bits()), readable: true, writable: false });
                break;
            }
            match conn.carrier.read(&mut buffer) {
                Ok(0) => self.gone(handler, key, Gone::Ended),
                Ok(count) => {
                    self.now = Instant::now();
                    budget = budget.saturating_sub(count);
                    conn.traffic.bytes_in += count as u64;
                    conn.traffic.reads += 1;
                    self.received(handler, key, &mut buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.gone(handler, key, Gone::Io(error.kind())),
            }
        }
        self.buffer = buffer;
    }

    fn received(&mut self, handler: &mut impl Handler<T>, key: Key, bytes: &mut [u8]) {
        let Some(conn) = self.conns.get_mut(key) else { return };
        match conn.phase {
            Phase::Shaking { .. } => self.shake(handler, key, bytes),
            Phase::Ws(_) => self.frames(handler, key, bytes),
            Phase::Lines(_) => self.lines(handler, key, bytes),
        }
    }

    /// Takes in the answer to the request head; frames may follow it at once.
    fn shake(&mut self, handler: &mut impl Handler<T>, key: Key, bytes: &mut [u8]) {
        let Some(Conn { phase, tag, .. }) = self.conns.get_mut(key) else { return };
        let Phase::Shaking { dial, answer, .. } = phase else { return };
        let before = answer.len();
        answer.extend_from_slice(&bytes[..bytes.len().min(MAX_HEAD + 1)]);
        match dial.answered(answer) {
            Ok(None) if answer.len() <= MAX_HEAD => {}
            Ok(None) => self.gone(handler, key, Gone::Refused(DialError::Malformed)),
            Err(error) => self.gone(handler, key, Gone::Refused(error)),
            Ok(Some(taken)) => {
                let client = Client { key, tag: *tag };
                *phase = Phase::Ws(Decoder::for_client(DOCUMENT_MAX, Binary::Refuse));
                handler.news(self, client, News::Open);
                // The head is whole only now, so its end lies in these bytes.
                self.frames(handler, key, &mut bytes[taken.saturating_sub(before)..]);
            }
        }
    }

    fn frames(&mut self, handler: &mut impl Handler<T>, key: Key, mut bytes: &mut [u8]) {
        // The handler may hang up between two documents.
        while let Some(Conn { phase: Phase::Ws(decoder), tag, traffic, silent, .. }) = self.conns.get_mut(key)
        {
            let client = Client { key, tag: *tag };
            match decoder.decode(&mut bytes) {
                Ok(None) => return,
                Ok(Some(Event::Text(text))) => {
                    traffic.documents_in += 1;
                    handler.news(self, client, News::Document(&text));
                }
                Ok(Some(Event::Ping(payload))) => {
                    if !*silent {
                        self.append(client, |conn| {
                            ws::append_masked_frame(&mut conn.out, Opcode::Pong, &payload, [0; 4]);
                        });
                    }
                }
                Ok(Some(Event::Pong(_) | Event::Binary(_))) => {}
                Ok(Some(Event::Close { code, .. })) => self.gone(handler, key, Gone::Closed(code)),
                Err(violation) => self.gone(handler, key, Gone::Violation(violation)),
            }
        }
    }

    fn lines(&mut self, handler: &mut impl Handler<T>, key: Key, bytes: &mut [u8]) {
        let mut input = &*bytes;
        while let Some(Conn { phase: Phase::Lines(lines), tag, traffic, .. }) = self.conns.get_mut(key) {
            let client = Client { key, tag: *tag };
            match Lines::next(lines, &mut input) {
                None => return,
                Some(Line::Text(text)) => {
                    traffic.documents_in += 1;
                    handler.news(self, client, News::Document(&text));
                }
                Some(Line::NotUtf8 | Line::TooLong) => self.gone(handler, key, Gone::BadLine),
            }
        }
    }

    /// Takes a connection out and tells.
    fn gone(&mut self, handler: &mut impl Handler<T>, key: Key, why: Gone) {
        let Some(mut conn) = self.conns.remove(key) else { return };
        self.poller.remove(&mut conn.carrier);
        handler.news(self, Client { key, tag: conn.tag }, News::Gone(why));
    }
}
