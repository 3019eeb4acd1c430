//! A body in chunks (RFC 9112, 7.1), taken apart as it comes. Bounded in every part; knows no socket.

use super::RequestError;
use crate::fake_model::limits::BODY_MAX;

/// Longest line of a chunk's size with its extensions, and longest trailer line, in bytes.
const LINE_MAX: usize = 4 << 10;

/// Most bytes of trailers. They are read over: nothing here wants to know them.
const TRAILERS_MAX: usize = 16 << 10;

/// Hexadecimal digits of a size: more than the bound has, few enough to fit.
const DIGITS_MAX: usize = 15;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// A line with a size.
    Size,
    /// So many bytes of data are still to come.
    Data(usize),
    /// The line end behind the data.
    AfterData,
    /// Lines up to an empty one; so many bytes of them were read.
    Trailers(usize),
    /// Whole.
    Done,
}

/// The decoder of one body.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { state: State::Size }
    }

    /// Whether the body is whole.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what it can from the start of `input` and appends the data to `body`. Returns how many bytes were
    /// used; fewer than all means that more are needed behind them, or that the body is whole.
    ///
    /// # Errors
    /// When the bytes are no chunks, or the body is above its bound.
    pub(super) fn decode(&mut self, input: &[u8], body: &mut Vec<u8>) -> Result<usize, RequestError> {
        let mut used = 0;
        while self.state != State::Done {
            let rest = &input[used..];
            if let State::Data(left) = self.state {
                let count = left.min(rest.len());
                body.extend_from_slice(&rest[..count]);
                used += count;
                if count < left {
                    self.state = State::Data(left - count);
                    return Ok(used);
                }
                self.state = State::AfterData;
                continue;
            }
            let Some(line) = line(rest)? else { return Ok(used) };
            used += line.len() + LINE_END.len();
            self.state = self.after_line(line, body.len())?;
        }
        Ok(used)
    }

    fn after_line(&self, line: &[u8], so_far: usize) -> Result<State, RequestError> {
        match self.state {
            State::Size => match size(line)? {
                0 => Ok(State::Trailers(0)),
                size if size > BODY_MAX - so_far.min(BODY_MAX) => Err(RequestError::BodyTooLarge),
                size => Ok(State::Data(size)),
            },
            State::AfterData if line.is_empty() => Ok(State::Size),
            State::Trailers(_) if line.is_empty() => Ok(State::Done),
            State::Trailers(read) if read + line.len() <= TRAILERS_MAX => {
                // The line end counts, so that empty names are bounded too.
                Ok(State::Trailers(read + line.len() + LINE_END.len()))
            }
            _ => Err(RequestError::Chunk),
        }
    }
}

const LINE_END: &[u8] = b"\r\n";

/// The line at the start of `input`, without its end; `None` when its end is not there yet.
fn line(input: &[u8]) -> Result<Option<&[u8]>, RequestError> {
    let window = &input[..input.len().min(LINE_MAX)];
    match window.iter().position(|byte| *byte == b'\n') {
        Some(end) if end > 0 && input[end - 1] == b'\r' => Ok(Some(&input[..end - 1])),
        Some(_) => Err(RequestError::Chunk),
        None if window.len() == LINE_MAX => Err(RequestError::Chunk),
        None => Ok(None),
    }
}

/// The size in a line; extensions behind a semicolon are ignored.
fn size(line: &[u8]) -> Result<usize, RequestError> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(RequestError::Chunk);
    }
    if digits.len() > DIGITS_MAX {
        return Err(RequestError::BodyTooLarge);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| RequestError::Chunk)?;
    usize::from_str_radix(digits, 16).map_err(|_| RequestError::Chunk)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body, what was left behind it, and whether it was whole.
    fn decode(input: &[u8]) -> Result<(Vec<u8>, usize, bool), RequestError> {
        let (mut decoder, mut body) = (Chunked::new(), Vec::new());
        let used = decoder.decode(input, &mut body)?;
        Ok((body, input.len() - used, decoder.is_done()))
    }

    #[test]
    fn reads_chunks_extensions_and_trailers() {
        let input = b"5\r\nhello\r\n1;x=\"y\"\r\n,\r\n00006 \r\n world\r\n0\r\nTrailer: x\r\n\r\nnext";
        assert_eq!(decode(input), Ok((b"hello, world".to_vec(), 4, true)));
        assert_eq!(decode(b"0\r\n\r\n"), Ok((Vec::new(), 0, true)));
    }

    #[test]
    fn refuses_by_name() {
        for input in ["\r\n", "x\r\n", "-1\r\n", "0x5\r\n", "5\nhello", "5\r\nhello!\r\n", " 5\r\n", ";\r\n"]
        {
            assert_eq!(decode(input.as_bytes()), Err(RequestError::Chunk), "{input:?}");
        }
        for input in ["2000001\r\n", "fffffffffffffffffff\r\n", "0000000000000000000000\r\n"] {
            assert_eq!(decode(input.as_bytes()), Err(RequestError::BodyTooLarge), "{input:?}");
        }
        let endless = "a".repeat(LINE_MAX);
        assert_eq!(decode(endless.as_bytes()), Err(RequestError::Chunk));
        let trailers = format!("0\r\n{}", format!("A: {}\r\n", "a".repeat(1000)).repeat(20));
        assert_eq!(decode(trailers.as_bytes()), Err(RequestError::Chunk));
    }

    #[test]
    fn the_sum_of_the_chunks_is_bounded() {
        let (mut decoder, mut body) = (Chunked::new(), Vec::new());
        let mut input = b"1000000\r\n".to_vec();
        input.resize(input.len() + (16 << 20), b'x');
        input.extend(b"\r\n1000001\r\n");
        assert_eq!(decoder.decode(&input, &mut body), Err(RequestError::BodyTooLarge));
        assert_eq!(body.len(), 16 << 20);
    }

    proptest! {
        #[test]
        fn any_body_in_any_chunks_and_cuts(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            step in 1..20_usize,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend(format!("{:X}\r\n", chunk.len()).bytes());
                wire.extend(chunk);
                wire.extend(b"\r\n");
            }
            wire.extend(b"0\r\n\r\n");
            let (mut decoder, mut body, mut kept) = (Chunked::new(), Vec::new(), Vec::new());
            for piece in wire.chunks(step) {
                kept.extend(piece);
                let used = decoder.decode(&kept, &mut body).unwrap();
                kept.drain(..used);
            }
            prop_assert!(decoder.is_done() && kept.is_empty());
            prop_assert_eq!(body, chunks.concat());
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), Just(b'a'), Just(b';'), any::<u8>()], 0..200))
        {
            if let Ok((body, left, _)) = decode(&bytes) {
                prop_assert!(body.len() + left <= bytes.len());
            }
        }
    }
}
