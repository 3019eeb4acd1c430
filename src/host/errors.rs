//! What a host says on its stderr: every line is logged, the last are kept for the news of its end. Neither
//! shows a secret. Knows nothing of the protocol.

use std::io::PipeReader;
use std::mem;
use std::process::ChildStderr;

use super::pipe::drain;
use super::process::Process;
use crate::base::mask::mask;
use crate::limits::HOST_LINE_BYTES_MAX;

/// Bytes that are looked at of a line. More than are kept, so that a secret is still whole where the line is
/// cut.
const LOOKED_AT_BYTES: usize = 2 * HOST_LINE_BYTES_MAX;

/// Reads stderr to its end.
pub(super) fn read(process: &Process, mut stderr: ChildStderr, over: &PipeReader) {
    let mut cutter = Cutter::default();
    let mut keep = |line: String| {
        log::info!("host {}: {line}", process.host.0);
        process.keep_line(line);
    };
    let read = drain(&mut stderr, over, |piece| cutter.take(piece, &mut keep));
    cutter.end(&mut keep);
    if let Err(error) = read {
        log::warn!("host {}: cannot read its errors: {error}", process.host.0);
    }
    process.note(|state| state.is_mute = true);
}

/// The lines of a text, as they may be shown.
pub(super) fn lines(bytes: &[u8]) -> Vec<String> {
    let (mut cutter, mut lines) = (Cutter::default(), Vec::new());
    let mut keep = |line| lines.push(line);
    cutter.take(bytes, &mut keep);
    cutter.end(&mut keep);
    lines
}

/// Cuts bytes into lines, however long they are.
#[derive(Default)]
struct Cutter {
    /// The line under way, up to [`LOOKED_AT_BYTES`].
    line: Vec<u8>,
    /// Whether some of it was left out.
    is_cut: bool,
}

impl Cutter {
    fn take(&mut self, bytes: &[u8], line: &mut impl FnMut(String)) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        // There is always a last one: what follows the last line feed.
        let last = pieces.next_back();
        for piece in pieces {
            self.add(piece);
            self.end(line);
        }
        self.add(last.unwrap_or_default());
    }

    fn add(&mut self, piece: &[u8]) {
        let room = LOOKED_AT_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(piece.get(..room).unwrap_or(piece));
        self.is_cut |= piece.len() > room;
    }

    /// Hands the line on, unless it is blank.
    fn end(&mut self, line: &mut impl FnMut(String)) {
        let text = shown(&self.line, mem::take(&mut self.is_cut));
        self.line.clear();
        if !text.is_empty() {
            line(text);
        }
    }
}

/// A line as it may be shown: without secrets, without what a terminal would obey, and not too long.
fn shown(line: &[u8], is_cut: bool) -> String {
    let plain: String =
        String::from_utf8_lossy(line).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let masked = mask(plain.trim_end());
    // A secret may have lost its end where bytes were left out, and is not known for one then.
    let sure = if is_cut { masked.len().saturating_sub(HOST_LINE_BYTES_MAX) } else { masked.len() };
    let end = masked.floor_char_boundary(sure.min(HOST_LINE_BYTES_MAX));
    masked.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::mask::register_secret;

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let (mut cutter, mut lines) = (Cutter::default(), Vec::new());
        let mut keep = |line| lines.push(line);
        pieces.iter().for_each(|piece| cutter.take(piece, &mut keep));
        cutter.end(&mut keep);
        lines
    }

    #[test]
    fn lines_are_found_however_the_bytes_are_cut() {
        assert_eq!(cut(&[b"a\n\n \nb", b"c\r\n", b"d"]), ["a", "bc", "d"]);
        assert_eq!(cut(&[b"  File \"x\"\n\xff\x1b[1m\n"]), ["  File \"x\"", "\u{fffd} [1m"]);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let long = "é".repeat(HOST_LINE_BYTES_MAX);
        let lines = cut(&[b"x", long.as_bytes(), long.as_bytes(), b"\nnext\n"]);
        assert_eq!((lines[0].len(), lines[1].as_str()), (HOST_LINE_BYTES_MAX - 1, "next"));
    }

    #[test]
    fn no_secret_is_shown_not_even_the_half_of_one() {
        register_secret("c4n4ry-of-a-host");
        assert_eq!(cut(&[b"key c4n4ry-of", b"-a-host, Bearer x\n"]), ["key ***, Bearer ***"]);
        for lead in [HOST_LINE_BYTES_MAX - 4, LOOKED_AT_BYTES - 8] {
            let line = format!("{}c4n4ry-of-a-host{}\n", "x".repeat(lead), "y".repeat(LOOKED_AT_BYTES));
            assert!(!cut(&[line.as_bytes()])[0].contains("c4n4"), "{lead}");
        }
        // Masked ones make the line shorter, so that its end comes nearer.
        let line = "c4n4ry-of-a-host ".repeat(LOOKED_AT_BYTES);
        assert!(!cut(&[line.as_bytes()]).concat().contains("c4n4"));
    }
}
