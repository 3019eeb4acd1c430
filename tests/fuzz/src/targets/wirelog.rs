//! A record of a conversation, read again: the one file of state there is to import. Whatever stands in it, every
//! line is an entry or an error with its number; and masking leaves JSON what is JSON.

use std::io::BufReader;

use serde::de::IgnoredAny;
use tui_gateway::wirelog::{Entry, Fault, Header, ReadError, Reader, What, mask};

/// Sizes of the reader's buffer: lines that fit into it, and lines that do not.
const BUFFERS: [usize; 2] = [16 << 10, 7];

type Outcome = (Option<Header>, Vec<Result<Entry<'static>, (u64, Fault)>>, bool);

pub(crate) fn run(bytes: &[u8]) {
    let [whole, cut] = BUFFERS.map(|size| read(bytes, size));
    assert_eq!(whole, cut, "the buffer does not matter");
    let (header, entries, torn) = whole;
    assert!(header.is_some() || entries.len() == 1, "lines without a header");
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(entries.len() <= lines + 1 && (!torn || !bytes.ends_with(b"\n")));
    for entry in entries.into_iter().flatten() {
        if let What::Said { document, .. } = entry.what {
            check_mask(&document);
        }
    }
}

fn read(bytes: &[u8], buffer: usize) -> Outcome {
    let mut reader = match Reader::new(BufReader::with_capacity(buffer, bytes)) {
        Ok(reader) => reader,
        Err(error) => return (None, vec![Err(fault(error))], false),
    };
    let mut entries = Vec::new();
    loop {
        match reader.next_entry() {
            Ok(Some(entry)) => entries.push(Ok(to_static(entry))),
            Ok(None) => return (Some(reader.header().clone()), entries, reader.is_torn()),
            Err(error) => entries.push(Err(fault(error))),
        }
    }
}

fn fault(error: ReadError) -> (u64, Fault) {
    match error {
        ReadError::Line(number, fault) => (number, fault),
        ReadError::Io(error) => panic!("memory cannot fail: {error}"),
    }
}

fn to_static(entry: Entry<'_>) -> Entry<'static> {
    let what = match entry.what {
        What::Opened => What::Opened,
        What::Said { by, changed, document } => {
            What::Said { by, changed, document: document.into_owned().into() }
        }
        What::Closed { by, code, reason } => What::Closed { by, code, reason: reason.into_owned().into() },
        What::Gap { entries, bytes } => What::Gap { entries, bytes },
        What::End { documents } => What::End { documents },
    };
    Entry { at: entry.at, connection: entry.connection, what }
}

fn check_mask(document: &str) {
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    let masked = mask(document);
    assert!(is_json(&masked) || !is_json(document), "{document} became {masked}");
    assert_eq!(mask(&masked), masked, "masking again changes nothing");
}
