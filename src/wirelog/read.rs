//! Lines to entries, from any source of bytes. Every byte may be hostile: lines are bounded, and whatever is
//! no entry is a typed error with the number of its line.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::{Entry, Header, LINE_MAX, Over, Side, VERSION, What};

/// What is wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// There is no first line.
    Empty,
    /// The first line is no header of ours.
    NoHeader,
    /// A header of another version of the format.
    Version(u64),
    /// Longer than [`LINE_MAX`].
    TooLong,
    /// Not UTF-8.
    NotUtf8,
    /// No entry.
    NoEntry,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Empty => f.write_str("the file is empty"),
            Fault::NoHeader => f.write_str("not the header of a wire log"),
            Fault::Version(version) => {
                write!(f, "a wire log of version {version}; this program reads version {VERSION}")
            }
            Fault::TooLong => write!(f, "longer than {LINE_MAX} bytes"),
            Fault::NotUtf8 => f.write_str("not UTF-8"),
            Fault::NoEntry => f.write_str("not an entry of a wire log"),
        }
    }
}

/// Why reading ends early.
#[derive(Debug)]
pub enum ReadError {
    /// The source failed.
    Io(io::Error),
    /// A line is wrong; lines are counted from 1.
    Line(u64, Fault),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => error.fmt(f),
            ReadError::Line(number, fault) => write!(f, "line {number}: {fault}"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a record, line by line.
pub struct Reader<R> {
    source: R,
    line_max: usize,
    header: Header,
    line: Vec<u8>,
    number: u64,
    torn: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the source fails, or its first line is no header of version [`VERSION`].
    pub fn new(source: R) -> Result<Self, ReadError> {
        Self::bounded(source, LINE_MAX)
    }

    fn bounded(source: R, line_max: usize) -> Result<Self, ReadError> {
        let header = Header { started: String::new(), over: Over::Stdio, gateway: String::new() };
        let mut reader = Self { source, line_max, header, line: Vec::new(), number: 0, torn: false };
        if !reader.fill()? {
            return Err(ReadError::Line(1, if reader.torn { Fault::NoHeader } else { Fault::Empty }));
        }
        reader.header = header_of(&reader.line).map_err(|fault| ReadError::Line(1, fault))?;
        Ok(reader)
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the last line had no end: the recorder was killed while it wrote. Known at the end.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The number of the line that was read last, from 1.
    pub fn line_number(&self) -> u64 {
        self.number
    }

    /// The next entry; `None` at the end. A line without an end is not looked at, see [`Reader::is_torn`].
    ///
    /// # Errors
    /// When the source fails, or the line is no entry. Reading may go on with the next line after
    /// [`Fault::NotUtf8`] and [`Fault::NoEntry`].
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, ReadError> {
        if !self.fill()? {
            return Ok(None);
        }
        let number = self.number;
        parse_entry(&self.line).map(Some).map_err(|fault| ReadError::Line(number, fault))
    }

    /// Reads a line, without its line feed; false at the end and for a line that has none.
    fn fill(&mut self) -> Result<bool, ReadError> {
        self.line.clear();
        let bound = self.line_max as u64 + 1;
        let count = self.source.by_ref().take(bound).read_until(b'\n', &mut self.line);
        let count = count.map_err(ReadError::Io)?;
        if count == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(true);
        }
        if self.line.len() > self.line_max {
            return Err(ReadError::Line(self.number, Fault::TooLong));
        }
        self.torn = true;
        Ok(false)
    }
}

#[derive(Deserialize)]
struct HeaderLine {
    wirelog: u64,
    #[serde(default)]
    started: String,
    #[serde(default)]
    over: String,
    #[serde(default)]
    gateway: String,
}

fn header_of(line: &[u8]) -> Result<Header, Fault> {
    let said: HeaderLine = serde_json::from_slice(line).map_err(|_| Fault::NoHeader)?;
    if said.wirelog != VERSION {
        return Err(Fault::Version(said.wirelog));
    }
    let over = [Over::WebSocket, Over::Stdio].into_iter().find(|over| over.name() == said.over);
    let over = over.ok_or(Fault::NoHeader)?;
    Ok(Header { started: said.started, over, gateway: said.gateway })
}

#[derive(Deserialize)]
struct ClosedLine<'a> {
    by: Option<&'a str>,
    code: Option<u16>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

#[derive(Deserialize)]
struct GapLine {
    entries: u64,
    bytes: u64,
}

#[derive(Deserialize)]
struct EndLine {
    documents: u64,
}

/// Reads one line, without its line feed. Exactly what is written is accepted: no blanks, no other order.
pub(super) fn parse_entry(line: &[u8]) -> Result<Entry<'_>, Fault> {
    let line = str::from_utf8(line).map_err(|_| Fault::NotUtf8)?;
    parse_line(line).ok_or(Fault::NoEntry)
}

fn parse_line(line: &str) -> Option<Entry<'_>> {
    let rest = line.strip_prefix('[')?.strip_suffix(']')?;
    let (at, rest) = rest.split_once(',')?;
    let (connection, rest) = rest.split_once(',')?;
    let (word, rest) = rest.strip_prefix('"')?.split_once('"')?;
    let what = match (word, rest.strip_prefix(',')) {
        ("+", None) if rest.is_empty() => What::Opened,
        ("c" | "c*", Some(value)) => said(Side::Client, word, value)?,
        ("s" | "s*", Some(value)) => said(Side::Server, word, value)?,
        ("-", Some(value)) => closed(value)?,
        ("gap", Some(value)) => {
            let GapLine { entries, bytes } = serde_json::from_str(value).ok()?;
            What::Gap { entries, bytes }
        }
        ("end", Some(value)) => {
            let EndLine { documents } = serde_json::from_str(value).ok()?;
            What::End { documents }
        }
        _ => return None,
    };
    Some(Entry { at: number(at)?, connection: number(connection)?, what })
}

/// Digits only: `parse` alone would take a sign.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn said<'a>(by: Side, word: &str, value: &'a str) -> Option<What<'a>> {
    let document = if value.starts_with('"') {
        Cow::Owned(serde_json::from_str(value).ok()?)
    } else {
        let raw: &RawValue = serde_json::from_str(value).ok()?;
        // Blanks around it are no part of the value, and were not written by us.
        (raw.get().len() == value.len()).then_some(Cow::Borrowed(value))?
    };
    Some(What::Said { by, changed: word.ends_with('*'), document })
}

fn closed(value: &str) -> Option<What<'_>> {
    let ClosedLine { by, code, reason } = serde_json::from_str(value).ok()?;
    let by = match by {
        None => None,
        Some("c") => Some(Side::Client),
        Some("s") => Some(Side::Server),
        Some(_) => return None,
    };
    Some(What::Closed { by, code, reason })
}

#[cfg(test)]
mod tests;
