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
mod tests {
    use proptest::prelude::*;

    use super::{Entry, Fault, Over, ReadError, Reader, Side, What, parse_entry};
    use crate::wirelog::entry::Header;
    use crate::wirelog::write::{append_entry, append_header, append_within};

    fn header() -> Header {
        Header { started: "2026-07-01T10:15:00.123Z".into(), over: Over::Stdio, gateway: "a \"b\"".into() }
    }

    fn said(document: &str) -> Entry<'_> {
        let what = What::Said { by: Side::Server, changed: false, document: document.into() };
        Entry { at: 5, connection: 1, what }
    }

    #[track_caller]
    fn line(entry: &Entry<'_>) -> String {
        let mut out = Vec::new();
        assert!(append_entry(&mut out, entry));
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(entry: &Entry<'_>, expected: &str) {
        assert_eq!(line(entry), format!("{expected}\n"));
        assert_eq!(parse_entry(expected.as_bytes()).as_ref(), Ok(entry));
    }

    #[test]
    fn every_entry_has_its_line() {
        let at = |what| Entry { at: u64::MAX, connection: u32::MAX, what };
        check(&at(What::Opened), r#"[18446744073709551615,4294967295,"+"]"#);
        check(&said(r#"{"id":1}"#), r#"[5,1,"s",{"id":1}]"#);
        let changed = What::Said { by: Side::Client, changed: true, document: "[]".into() };
        check(&Entry { at: 0, connection: 2, what: changed }, r#"[0,2,"c*",[]]"#);
        let closed = What::Closed { by: Some(Side::Client), code: Some(1000), reason: "a\"b\n".into() };
        check(
            &Entry { at: 0, connection: 1, what: closed },
            r#"[0,1,"-",{"by":"c","code":1000,"reason":"a\"b\n"}]"#,
        );
        let broken = What::Closed { by: None, code: None, reason: "".into() };
        check(
            &Entry { at: 0, connection: 1, what: broken },
            r#"[0,1,"-",{"by":null,"code":null,"reason":""}]"#,
        );
        let gap = What::Gap { entries: 3, bytes: 9 };
        check(&Entry { at: 0, connection: 0, what: gap }, r#"[0,0,"gap",{"entries":3,"bytes":9}]"#);
        let end = What::End { documents: 7 };
        check(&Entry { at: 0, connection: 0, what: end }, r#"[0,0,"end",{"documents":7}]"#);
    }

    #[test]
    fn what_is_no_line_of_json_becomes_a_string() {
        check(&said("{\n}"), r#"[5,1,"s","{\n}"]"#);
        check(&said(" {}"), r#"[5,1,"s"," {}"]"#);
        check(&said("{} "), r#"[5,1,"s","{} "]"#);
        check(&said("\"a\""), r#"[5,1,"s","\"a\""]"#);
        check(&said("{"), r#"[5,1,"s","{"]"#);
        check(&said("1] [2"), r#"[5,1,"s","1] [2"]"#);
        check(&said(""), r#"[5,1,"s",""]"#);
        check(&said("\u{2028}\0"), "[5,1,\"s\",\"\u{2028}\\u0000\"]");
    }

    #[test]
    fn a_line_that_would_be_too_long_is_not_written() {
        let whole = r#"[5,1,"s","\n\n\n"]"#.len();
        let mut out = vec![1];
        assert!(!append_within(&mut out, &said("\n\n\n"), whole - 1), "escaped, it is twice as long");
        assert_eq!(out, [1]);
        assert!(append_within(&mut out, &said("\n\n\n"), whole));
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "",
            "[]",
            "[1]",
            "[1,1]",
            r#"[1,1,"+""#,
            r#"[1,1,"+",1]"#,
            r#"[1,1,"+"x]"#,
            r#"[1,1,+]"#,
            r#"[-1,1,"+"]"#,
            r#"[+1,1,"+"]"#,
            r#"[1.5,1,"+"]"#,
            r#"[,1,"+"]"#,
            r#"[1,4294967296,"+"]"#,
            r#"[18446744073709551616,1,"+"]"#,
            r#"[1, 1,"+"]"#,
            r#"[1,1,"x",{}]"#,
            r#"[1,1,"s"]"#,
            r#"[1,1,"s",]"#,
            r#"[1,1,"s",{]"#,
            r#"[1,1,"s", {}]"#,
            r#"[1,1,"s",{},{}]"#,
            r#"[1,1,"s","a" ,"b"]"#,
            r#"[1,1,"s","\ud800"]"#,
            r#"[1,1,"-",{"by":"x","code":1,"reason":""}]"#,
            r#"[1,1,"-",{"by":"c","code":65536,"reason":""}]"#,
            r#"[1,1,"gap",{"entries":-1,"bytes":0}]"#,
            r#"[1,1,"end",{}]"#,
        ] {
            assert_eq!(parse_entry(line.as_bytes()), Err(Fault::NoEntry), "{line}");
        }
        assert_eq!(parse_entry(b"[1,1,\"s\",\"\xff\"]"), Err(Fault::NotUtf8));
    }

    fn fault(bytes: &[u8]) -> (u64, Fault) {
        let mut reader = match Reader::bounded(bytes, 100) {
            Err(ReadError::Line(line, fault)) => return (line, fault),
            Err(error) => panic!("{error}"),
            Ok(reader) => reader,
        };
        loop {
            match reader.next_entry() {
                Err(ReadError::Line(line, fault)) => return (line, fault),
                other => assert!(other.unwrap().is_some()),
            }
        }
    }

    #[test]
    fn heads_and_lines_are_refused_by_name() {
        assert_eq!(fault(b""), (1, Fault::Empty));
        assert_eq!(fault(b"hello\n"), (1, Fault::NoHeader));
        assert_eq!(fault(b"{\"wirelog\":1,\"over\":\"pigeon\"}\n"), (1, Fault::NoHeader));
        assert_eq!(fault(b"{\"wirelog\":2}\n"), (1, Fault::Version(2)));
        assert_eq!(fault(b"{\"wirelog\":1,\"over\":\"stdio\"}"), (1, Fault::NoHeader), "no end of line");
        let long = format!("{{\"wirelog\":1,\"over\":\"stdio\"}}\n[0,1,\"+\"]\n{}", "x".repeat(101));
        assert_eq!(fault(long.as_bytes()), (3, Fault::TooLong));
    }

    #[test]
    fn a_torn_last_line_is_told_and_not_read() {
        let mut bytes = Vec::new();
        append_header(&mut bytes, &header());
        append_entry(&mut bytes, &said("{}"));
        append_entry(&mut bytes, &said("{}"));
        let whole = bytes.len();
        for end in whole - line(&said("{}")).len()..=whole {
            let mut reader = Reader::new(&bytes[..end]).unwrap();
            assert_eq!(reader.header(), &header());
            let mut count = 0;
            while reader.next_entry().unwrap().is_some() {
                count += 1;
            }
            let last_is_whole = end == whole;
            let cut = end > whole - line(&said("{}")).len() && !last_is_whole;
            assert_eq!((count, reader.is_torn()), (1 + usize::from(last_is_whole), cut), "{end}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            at in any::<u64>(),
            connection in any::<u32>(),
            changed in any::<bool>(),
            document in "(\\PC|[\r\n\t \"\\\\{}\\[\\]:,0-9])*",
        ) {
            let what = What::Said { by: Side::Client, changed, document: document.as_str().into() };
            let entry = Entry { at, connection, what };
            let line = line(&entry);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
            prop_assert_eq!(parse_entry(line.trim_end_matches('\n').as_bytes()), Ok(entry));
        }

        #[test]
        fn hostile_lines_are_answered(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            text in "\\[?[0-9,]{0,6}(\"[sc+*-]{0,2}\")?[,\\[\\]{}\"0-9a-z:\\\\ ]{0,20}\\]?",
        ) {
            let _ = parse_entry(&bytes);
            if let Ok(entry) = parse_entry(text.as_bytes()) {
                // What is accepted is what would be written, but for the spelling of numbers and strings.
                let again = line(&entry);
                prop_assert_eq!(parse_entry(again.trim_end().as_bytes()), Ok(entry));
            }
            let _ = Reader::new(&bytes[..]).map(|mut reader| while let Ok(Some(_)) = reader.next_entry() {});
        }
    }
}
