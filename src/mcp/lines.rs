//! Lines of a stream, bounded. Both transports read by it.

use std::io::{self, BufRead};

/// Reads the next line, without its end, after what is in `line`; false at the end of the stream. An LF ends
/// a line, and a CR before it belongs to the end. A last line without one counts.
///
/// # Errors
/// The stream cannot be read, or the line is longer than `max` bytes.
pub(super) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, max: usize) -> io::Result<bool> {
    // One more for the line's end.
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let count = io::Read::take(reader, limit).read_until(b'\n', line)?;
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
