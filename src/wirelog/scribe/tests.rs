//! Disks that are good, stuck and full.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Bounds, Desk, Item, Paper, Scribe, Tally};
use crate::base::scratch::Scratch;
use crate::wirelog::entry::{Entry, Header, Over, Side, What};
use crate::wirelog::read::Reader;

fn header() -> Header {
    Header { started: String::new(), over: Over::Stdio, gateway: String::new() }
}

fn said(document: String) -> What<'static> {
    What::Said { by: Side::Server, changed: false, document: document.into() }
}

fn entries(bytes: &[u8]) -> Vec<What<'static>> {
    let mut reader = Reader::new(bytes).unwrap();
    let mut found = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        found.push(match entry.what {
            What::Said { by, changed, document } => {
                What::Said { by, changed, document: document.into_owned().into() }
            }
            What::Gap { entries, bytes } => What::Gap { entries, bytes },
            What::End { documents } => What::End { documents },
            other => panic!("{other:?}"),
        });
    }
    assert!(!reader.is_torn());
    found
}

#[test]
fn a_file_is_new_and_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let path = scratch.path().join("log");
    let mut scribe = Scribe::start(super::open(&path).unwrap(), &header()).unwrap();
    scribe.note(3, 1, said("{\"token\":\"canary\"}".into()));
    let tally = scribe.finish();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(tally, Tally { documents: 1, lost: 0, bytes: bytes.len() as u64 });
    let masked = What::Said { by: Side::Server, changed: true, document: "{\"token\":\"***\"}".into() };
    assert_eq!(entries(&bytes), [masked, What::End { documents: 1 }]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(super::open(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}

/// Writes nothing until it is let.
struct Stuck(Receiver<()>, Arc<Mutex<Vec<u8>>>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        self.1.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper for Stuck {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.1.lock().unwrap().truncate(length as usize);
        Ok(())
    }
}

#[test]
fn a_stuck_disk_costs_entries_and_neither_time_nor_memory() {
    let (go, gate): (Sender<()>, _) = bounded(1);
    go.send(()).unwrap();
    let written = Arc::new(Mutex::new(Vec::new()));
    let bounds = Bounds { entries: 100, bytes: 10_000 };
    let stuck = Stuck(gate, Arc::clone(&written));
    let mut scribe = Scribe::start_bounded(stuck, &header(), bounds).unwrap();
    let document = format!("\"{}\"", "x".repeat(998));
    for at in 0..64 {
        scribe.note(at, 1, said(document.clone()));
    }
    assert!(scribe.waiting.load(std::sync::atomic::Ordering::Relaxed) <= bounds.bytes);
    assert!(!scribe.lost.is_none());
    drop(go);
    let tally = scribe.finish();
    assert_eq!(tally.lost + tally.documents, 64);
    let found = entries(&written.lock().unwrap());
    let gaps = found.iter().filter_map(|what| match what {
        What::Gap { entries, bytes } => Some((*entries, *bytes)),
        _ => None,
    });
    let (lost, bytes) = gaps.fold((0, 0), |sum, gap| (sum.0 + gap.0, sum.1 + gap.1));
    assert_eq!((lost, bytes), (tally.lost, tally.lost * document.len() as u64));
    assert_eq!(found.last(), Some(&What::End { documents: tally.documents }));
}

/// Takes so many bytes, and is then full until it is emptied.
struct Full(Vec<u8>, usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.1.saturating_sub(self.0.len()).min(bytes.len());
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper for Full {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.truncate(length as usize);
        Ok(())
    }
}

#[test]
fn a_full_disk_leaves_whole_lines_and_a_gap() {
    let mut paper = Full(Vec::new(), 100);
    let mut line = Vec::new();
    super::append_header(&mut line, &header());
    paper.write_all(&line).unwrap();
    let mut desk = Desk::new(paper, line.len() as u64);
    let item = |at| -> Item { Entry { at, connection: 1, what: said("{\"n\":1}".into()) } };
    for at in 0..2 {
        desk.take(item(at));
        desk.write();
    }
    for at in 2..5 {
        desk.take(item(at));
    }
    desk.write();
    desk.paper.1 = usize::MAX;
    desk.take(item(9));
    desk.write();
    let found = entries(&desk.paper.0);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(matches!(found[2], What::Gap { entries: 3, .. }), "{found:?}");
    assert_eq!((desk.tally.documents, desk.tally.lost), (3, 3));
}
