//! Lines of a stream, bounded. Both transports read by it, and so does what speaks to other agents.

use std::io::{self, BufRead, BufReader, Read};

/// Bytes of the buffer that are kept from one line to the next.
const KEPT_BYTES: usize = 64 << 10;

/// Hands on each line of the stream that is not blank, to its end.
///
/// # Errors
/// The stream cannot be read, or a line is longer than `max` bytes.
pub(crate) fn each_line(stream: impl Read, max: usize, mut hear: impl FnMut(&[u8])) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while read_line(&mut reader, &mut line, max)? {
        if !line.trim_ascii().is_empty() {
            hear(&line);
        }
        line.clear();
        line.shrink_to(KEPT_BYTES);
    }
    Ok(())
}

/// Reads the next line, without its end, after what is in `line`; false at the end of the stream. An LF ends
/// a line, and a CR before it belongs to the end. A last line without one counts.
///
/// # Errors
/// The stream cannot be read, or the line is longer than `max` bytes.
pub(super) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, max: usize) -> io::Result<bool> {
    // One more for the line's end.
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let count = Read::take(reader, limit).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if count > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line of more than {max} bytes")));
    }
    Ok(count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_heard_unless_it_is_blank() {
        let mut heard = Vec::new();
        let stream: &[u8] = b"one\n\n \t\r\ntwo\r\nlast";
        each_line(stream, 4, |line| heard.push(String::from_utf8_lossy(line).into_owned())).unwrap();
        assert_eq!(heard, ["one", "two", "last"]);
        let mut count = 0;
        assert!(each_line(&b"a\nlong\nb"[..], 3, |_| count += 1).is_err());
        assert_eq!(count, 1);
    }

    #[test]
    fn lines_end_in_either_way_and_are_bounded() {
        let mut reader: &[u8] = b"abc\r\n\nabcd\nlast";
        let mut read = |max| {
            let mut line = Vec::new();
            read_line(&mut reader, &mut line, max).map(|more| more.then_some(line))
        };
        assert_eq!(read(4).unwrap().as_deref(), Some(b"abc".as_slice()));
        assert_eq!(read(4).unwrap().as_deref(), Some(b"".as_slice()));
        assert!(read(3).is_err());
        let mut reader: &[u8] = b"abcd\nlast";
        let mut line = Vec::new();
        assert!(read_line(&mut reader, &mut line, 4).unwrap());
        line.clear();
        assert!(read_line(&mut reader, &mut line, 4).unwrap() && line == b"last");
        line.clear();
        assert!(!read_line(&mut reader, &mut line, 4).unwrap());
    }
}
