//! Lines that are read, lines that are refused, and torn ends.

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
    check(&Entry { at: 0, connection: 1, what: broken }, r#"[0,1,"-",{"by":null,"code":null,"reason":""}]"#);
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
