//! One request after the other out of the bytes of a connection. Owns what came and was not used yet; knows no
//! socket and no clock, so the time limits are its owner's.

use std::mem;

use super::RequestError;
use super::chunked::Chunked;
use super::head::{Framing, Head, parse_head};

/// A whole request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::fake_model) struct Request {
    /// Its head.
    pub(in crate::fake_model) head: Head,
    /// Its body, without chunks.
    pub(in crate::fake_model) body: Vec<u8>,
}

/// What the reader waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::fake_model) enum Awaits {
    /// The first byte of a request.
    Request,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
}

#[derive(Debug)]
enum Stage {
    Head,
    Body { head: Box<Head>, body: Vec<u8>, rest: Rest },
}

#[derive(Debug)]
enum Rest {
    Sized(usize),
    Chunked(Chunked),
}

/// The reader of one connection.
#[derive(Debug)]
pub(in crate::fake_model) struct Reader {
    /// Bytes that were not used yet.
    kept: Vec<u8>,
    stage: Stage,
    /// The client waits for `100 Continue`.
    go_ahead: bool,
}

impl Reader {
    pub(in crate::fake_model) fn new() -> Self {
        Self { kept: Vec::new(), stage: Stage::Head, go_ahead: false }
    }

    /// Takes bytes in. Call [`Reader::next`] until it has no more before the next ones, or stop reading: nothing
    /// is bounded here but by what is asked for.
    pub(in crate::fake_model) fn received(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// Bytes that were not used yet.
    pub(in crate::fake_model) fn waiting(&self) -> usize {
        self.kept.len()
    }

    /// What it waits for.
    pub(in crate::fake_model) fn awaits(&self) -> Awaits {
        match self.stage {
            Stage::Body { .. } => Awaits::Body,
            Stage::Head if self.kept.is_empty() => Awaits::Request,
            Stage::Head => Awaits::Head,
        }
    }

    /// Whether `100 Continue` is to be said now; true once a request that asks for it, and only while its body
    /// is still to come.
    pub(in crate::fake_model) fn take_go_ahead(&mut self) -> bool {
        mem::take(&mut self.go_ahead)
    }

    /// The next request, if it is whole.
    ///
    /// # Errors
    /// When no further byte can make it one; the reader is of no more use then.
    pub(in crate::fake_model) fn next(&mut self) -> Result<Option<Request>, RequestError> {
        if let Stage::Head = self.stage {
            let Some((head, consumed)) = parse_head(&self.kept)? else { return Ok(None) };
            self.kept.drain(..consumed);
            self.go_ahead = head.expects_continue;
            let rest = match head.framing {
                Framing::Sized(length) => Rest::Sized(length),
                Framing::Chunked => Rest::Chunked(Chunked::new()),
            };
            self.stage = Stage::Body { head: Box::new(head), body: Vec::new(), rest };
        }
        if !self.take_body()? {
            // A client that sends its body all the same needs no answer, but may have one.
            return Ok(None);
        }
        self.go_ahead = false;
        match mem::replace(&mut self.stage, Stage::Head) {
            Stage::Body { head, body, .. } => Ok(Some(Request { head: *head, body })),
            Stage::Head => Ok(None),
        }
    }

    /// Moves what is there into the body; whether it is whole.
    fn take_body(&mut self) -> Result<bool, RequestError> {
        let Stage::Body { body, rest, .. } = &mut self.stage else { return Ok(false) };
        match rest {
            Rest::Sized(left) => {
                let count = (*left).min(self.kept.len());
                body.extend(self.kept.drain(..count));
                *left -= count;
                Ok(*left == 0)
            }
            Rest::Chunked(decoder) => {
                let used = decoder.decode(&self.kept, body)?;
                self.kept.drain(..used);
                Ok(decoder.is_done())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Method;
    use super::*;

    fn bodies(reader: &mut Reader) -> Vec<String> {
        let mut bodies = Vec::new();
        while let Some(request) = reader.next().unwrap() {
            bodies.push(String::from_utf8(request.body).unwrap());
        }
        bodies
    }

    #[test]
    fn requests_follow_one_another() {
        let mut reader = Reader::new();
        assert_eq!(reader.awaits(), Awaits::Request);
        reader.received(
            b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\nPOST /c HTTP/1.1\r\n",
        );
        assert_eq!(bodies(&mut reader), ["abc", ""]);
        assert_eq!(reader.awaits(), Awaits::Head);
        reader.received(b"Transfer-Encoding: chunked\r\n\r\n2\r\nde");
        assert_eq!(bodies(&mut reader), [""; 0]);
        assert_eq!(reader.awaits(), Awaits::Body);
        reader.received(b"\r\n0\r\n\r\n");
        assert_eq!(bodies(&mut reader), ["de"]);
        assert_eq!((reader.awaits(), reader.waiting()), (Awaits::Request, 0));
    }

    #[test]
    fn a_cautious_client_is_told_to_go_ahead_once() {
        let mut reader = Reader::new();
        reader.received(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        assert!(bodies(&mut reader).is_empty());
        assert!(reader.take_go_ahead());
        assert!(!reader.take_go_ahead());
        reader.received(b"ok");
        assert_eq!(bodies(&mut reader), ["ok"]);
        reader.received(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(bodies(&mut reader), ["ok"]);
        assert!(!reader.take_go_ahead(), "the body was there already");
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_requests(
            texts in prop::collection::vec("[a-z{}\"]{0,30}", 1..5),
            step in 1..40_usize,
        ) {
            let mut wire = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                let (length, body) = match index % 2 {
                    0 => (format!("Content-Length: {}", text.len()), text.clone()),
                    _ if text.is_empty() => ("Transfer-Encoding: chunked".into(), "0\r\n\r\n".into()),
                    _ => ("Transfer-Encoding: chunked".into(), format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len())),
                };
                wire.extend(format!("POST /{index} HTTP/1.1\r\n{length}\r\n\r\n{body}").bytes());
            }
            let (mut reader, mut found) = (Reader::new(), Vec::new());
            for piece in wire.chunks(step) {
                reader.received(piece);
                while let Some(request) = reader.next().unwrap() {
                    prop_assert_eq!(request.head.method, Method::Post);
                    prop_assert_eq!(request.head.path, format!("/{}", found.len()));
                    found.push(String::from_utf8(request.body).unwrap());
                }
            }
            prop_assert_eq!(found, texts);
        }

        #[test]
        fn hostile_bytes_never_panic_and_never_grow(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            lines in "((Content-Length: [0-9x]{1,3}|Transfer-Encoding: chunked|Expect: 100-continue)\r\n){0,3}",
        ) {
            for head in ["", "GET /", "POST / HTTP/1.1\r\n", &format!("POST / HTTP/1.1\r\n{lines}\r\n")] {
                let mut reader = Reader::new();
                reader.received(head.as_bytes());
                reader.received(&bytes);
                while let Ok(Some(request)) = reader.next() {
                    prop_assert!(request.body.len() <= bytes.len());
                }
                prop_assert!(reader.waiting() <= head.len() + bytes.len());
            }
        }
    }
}
