//! Server-Sent Events over a blocking stream: the data of one event after the other. Owns the bound; knows
//! nothing of what the data means. Grammar: HTML Living Standard, section 9.2.6, without a lone CR as the end
//! of a line, which no server sends.

use std::io::{self, BufRead};

use super::lines::read_line;

/// The events of a stream.
#[derive(Debug)]
pub(super) struct Events<R> {
    reader: R,
    /// Largest data of one event, in bytes.
    max: usize,
    line: Vec<u8>,
}

impl<R: BufRead> Events<R> {
    /// Those of this stream.
    pub(super) fn new(reader: R, max: usize) -> Self {
        Self { reader, max, line: Vec::new() }
    }

    /// The data of the next message, or `None` at the end. A last one whose blank line is missing counts;
    /// events of other kinds are passed over.
    ///
    /// # Errors
    /// The stream cannot be read, or the data is too large.
    pub(super) fn next_message(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut data: Option<Vec<u8>> = None;
        let mut is_message = true;
        loop {
            self.line.clear();
            let more = read_line(&mut self.reader, &mut self.line, self.max)?;
            if self.line.is_empty() {
                match data.take() {
                    Some(data) if is_message => return Ok(Some(data)),
                    _ if !more => return Ok(None),
                    _ => is_message = true,
                }
                continue;
            }
            let (name, value) = field(&self.line);
            match name {
                b"data" => match &mut data {
                    None => data = Some(value.to_vec()),
                    Some(data) => {
                        if data.len() + value.len() >= self.max {
                            let text = format!("an event of more than {} bytes", self.max);
                            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                        }
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                },
                b"event" => is_message = value.is_empty() || value == b"message",
                _ => {}
            }
        }
    }
}

/// Name and value of a line; a comment has an empty name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let (name, value) = line.split_at(at);
    let value = value.strip_prefix(b":").unwrap_or(value);
    (name, value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, max: usize) -> io::Result<Vec<String>> {
        let mut events = Events::new(text.as_bytes(), max);
        let mut found = Vec::new();
        while let Some(data) = events.next_message()? {
            found.push(String::from_utf8(data).unwrap());
        }
        Ok(found)
    }

    #[test]
    fn messages_are_found_among_the_rest() {
        let text = ": hello\n\nevent: message\nid: 1\ndata: {\"a\":\r\ndata:1}\r\n\r\nevent: other\ndata: x\n\n\
                    retry: 5\n\ndata\n\ndata: last";
        assert_eq!(read(text, 100).unwrap(), ["{\"a\":\n1}", "", "last"]);
        assert!(read("", 100).unwrap().is_empty() && read("event: x", 100).unwrap().is_empty());
    }

    #[test]
    fn events_are_bounded_in_one_line_and_over_many() {
        assert!(read(&format!("data: {}\n\n", "x".repeat(100)), 50).is_err());
        assert!(read(&"data: xxxxxxxxx\n".repeat(10), 50).is_err());
        assert_eq!(read(&"data: xxxxxxxxx\n\n".repeat(10), 50).unwrap().len(), 10);
    }
}
