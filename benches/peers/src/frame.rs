//! The frames of every workload: an event of 130 bytes as text, 134 on the wire. Each carries its number, so
//! that a reader can check that nothing is lost, doubled, changed or out of order.

/// Before the number.
pub const PREFIX: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"type\":\"message.delta\",\
                          \"session_id\":\"00000001\",\"payload\":{\"text\":\"";
/// Behind the number.
pub const SUFFIX: &str = " token\"}}}";
/// Digits of the number.
pub const DIGITS: usize = 10;
/// Bytes of a text.
pub const TEXT: usize = 130;
/// Bytes of the header of such a text: two, and two of length.
pub const HEADER: [u8; 4] = [0x81, 126, 0, TEXT as u8];
/// Bytes on the wire.
pub const WIRE: usize = HEADER.len() + TEXT;

/// Counts texts up in place.
pub struct Texts {
    text: [u8; TEXT],
}

impl Default for Texts {
    fn default() -> Self {
        let mut text = [b'0'; TEXT];
        text[..PREFIX.len()].copy_from_slice(PREFIX.as_bytes());
        text[TEXT - SUFFIX.len()..].copy_from_slice(SUFFIX.as_bytes());
        Self { text }
    }
}

impl Texts {
    /// The next text.
    pub fn take(&mut self) -> String {
        let text = str::from_utf8(&self.text).unwrap_or_default().to_owned();
        count_up(&mut self.text[PREFIX.len()..PREFIX.len() + DIGITS]);
        text
    }
}

/// Adds one to a decimal number.
pub fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

/// The first `count` frames as they stand on the wire, for the servers that only write.
pub fn wire(count: usize) -> Vec<u8> {
    let mut texts = Texts::default();
    let mut out = Vec::with_capacity(count * WIRE);
    for _ in 0..count {
        out.extend_from_slice(&HEADER);
        out.extend_from_slice(texts.take().as_bytes());
    }
    out
}
