//! The thread that writes. Whoever relays hands it entries and never waits: what finds no room is counted, and
//! the count becomes a gap in the record. Knows no sockets.
//!
//! The thread sleeps between two batches, so that a stream costs some twenty wake-ups a second and not one a
//! document. A recorder that is killed loses what came in that time.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::mem;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::entry::{Entry, Header, What};
use super::mask::mask;
use super::write::{append_entry, append_header};

/// Time between two batches.
const BATCH: Duration = Duration::from_millis(50);
/// What may wait for the thread.
const BOUNDS: Bounds = Bounds { entries: 1 << 16, bytes: 64 << 20 };
/// Bytes written at once.
const CHUNK: usize = 256 << 10;

/// How much may wait.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Entries.
    entries: usize,
    /// Bytes of their documents. A single larger document may wait too.
    bytes: usize,
}

/// What a record came to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Documents written.
    pub documents: u64,
    /// Entries that were lost.
    pub lost: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// An entry on its way.
pub(super) type Item = Entry<'static>;

/// The relay's end.
pub(super) struct Scribe {
    items: Sender<Item>,
    /// Bytes of the documents that wait.
    waiting: Arc<AtomicUsize>,
    bounds: Bounds,
    started: Instant,
    lost: Lost,
    /// Whether the person was told of a gap.
    warned: bool,
    thread: JoinHandle<Tally>,
}

/// What was lost since it was last told.
#[derive(Clone, Copy, Default)]
struct Lost {
    entries: u64,
    bytes: u64,
}

impl Lost {
    fn add(&mut self, what: &What<'_>) {
        match what {
            What::Gap { entries, bytes } => {
                self.entries += entries;
                self.bytes += bytes;
            }
            other => {
                self.entries += 1;
                self.bytes += weight(other) as u64;
            }
        }
    }

    fn is_none(self) -> bool {
        self.entries == 0
    }

    fn gap(self) -> What<'static> {
        What::Gap { entries: self.entries, bytes: self.bytes }
    }
}

/// Bytes of the document.
fn weight(what: &What<'_>) -> usize {
    match what {
        What::Said { document, .. } => document.len(),
        _ => 0,
    }
}

/// Where the lines go.
pub(super) trait Paper: Write + Send + 'static {
    /// Takes back what was written behind `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Paper for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

/// Opens a new file for a record, for this user alone. One that holds something already is left as it is.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.len() > 0 {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file is not empty"));
    }
    Ok(file)
}

impl Scribe {
    /// Writes the header and starts the thread. Times count from now.
    ///
    /// # Errors
    /// When the header cannot be written, or there is no thread to be had.
    pub(super) fn start(paper: impl Paper, header: &Header) -> io::Result<Self> {
        Self::start_bounded(paper, header, BOUNDS)
    }

    fn start_bounded(mut paper: impl Paper, header: &Header, bounds: Bounds) -> io::Result<Self> {
        let mut line = Vec::new();
        append_header(&mut line, header);
        paper.write_all(&line)?;
        let (items, mail) = bounded(bounds.entries);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waiting);
        let desk = Desk::new(paper, line.len() as u64);
        let thread =
            thread::Builder::new().name("scribe".to_owned()).spawn(move || desk.work(&mail, &counter))?;
        let (started, lost) = (Instant::now(), Lost::default());
        Ok(Self { items, waiting, bounds, started, lost, warned: false, thread })
    }

    /// Microseconds since the start.
    pub(super) fn now(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }

    /// Hands an entry over. Never waits.
    pub(super) fn note(&mut self, at: u64, connection: u32, what: What<'static>) {
        if !self.lost.is_none()
            && self.has_room()
            && self.offer(Entry { at, connection: 0, what: self.lost.gap() }).is_ok()
        {
            self.lost = Lost::default();
        }
        if !self.lost.is_none() {
            return self.lost.add(&what);
        }
        if let Err(item) = self.offer(Entry { at, connection, what }) {
            if !mem::replace(&mut self.warned, true) {
                log::warn!("the record has a gap: the disk is slower than the wire");
            }
            self.lost.add(&item.what);
        }
    }

    /// Whether half of what may wait has been worked off: then a gap ends, and not after each entry.
    fn has_room(&self) -> bool {
        self.items.len() * 2 <= self.bounds.entries
            && self.waiting.load(Ordering::Relaxed) * 2 <= self.bounds.bytes
    }

    fn offer(&self, item: Item) -> Result<(), Box<Item>> {
        let weight = weight(&item.what);
        let before = self.waiting.fetch_add(weight, Ordering::Relaxed);
        if before > 0 && before + weight > self.bounds.bytes {
            self.waiting.fetch_sub(weight, Ordering::Relaxed);
            return Err(Box::new(item));
        }
        self.items.try_send(item).map_err(|refused| {
            self.waiting.fetch_sub(weight, Ordering::Relaxed);
            Box::new(refused.into_inner())
        })
    }

    /// Ends the record in order: waits until everything is written.
    pub(super) fn finish(self) -> Tally {
        let (at, lost) = (self.now(), self.lost);
        if !lost.is_none() {
            // Now there is time.
            let _ = self.items.send(Entry { at, connection: 0, what: lost.gap() });
        }
        let _ = self.items.send(Entry { at, connection: 0, what: What::End { documents: 0 } });
        drop(self.items);
        self.thread.join().unwrap_or_default()
    }
}

/// The thread's end.
struct Desk<P> {
    paper: P,
    /// Whole lines that are not written yet, and what is in them.
    lines: Vec<u8>,
    pending: Tally,
    tally: Tally,
    lost: Lost,
    /// Whether the person was told that writing fails.
    warned: bool,
}

impl<P: Paper> Desk<P> {
    fn new(paper: P, length: u64) -> Self {
        Self {
            paper,
            lines: Vec::new(),
            pending: Tally::default(),
            tally: Tally { bytes: length, ..Tally::default() },
            lost: Lost::default(),
            warned: false,
        }
    }

    fn work(mut self, mail: &Receiver<Item>, waiting: &AtomicUsize) -> Tally {
        let mut ended = false;
        while let Ok(first) = mail.recv() {
            ended |= matches!(first.what, What::End { .. });
            if !ended {
                thread::sleep(BATCH);
            }
            for item in std::iter::once(first).chain(mail.try_iter()) {
                waiting.fetch_sub(weight(&item.what), Ordering::Relaxed);
                self.take(item);
            }
            self.write();
        }
        self.tally
    }

    fn take(&mut self, mut item: Item) {
        if !self.lost.is_none() {
            let gap = Entry { at: item.at, connection: 0, what: self.lost.gap() };
            append_entry(&mut self.lines, &gap);
            self.pending.lost += self.lost.entries;
            self.lost = Lost::default();
        }
        match &mut item.what {
            What::Said { changed, document, .. } => {
                if let Cow::Owned(masked) = mask(document) {
                    *document = Cow::Owned(masked);
                    *changed = true;
                }
                self.pending.documents += 1;
            }
            What::Gap { entries, .. } => self.pending.lost += *entries,
            What::End { documents } => *documents = self.tally.documents + self.pending.documents,
            What::Opened | What::Closed { .. } => {}
        }
        if !append_entry(&mut self.lines, &item) {
            self.pending.documents -= 1;
            self.lost.add(&item.what);
        }
        if self.lines.len() >= CHUNK {
            self.write();
        }
    }

    fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        match self.paper.write_all(&self.lines) {
            Ok(()) => {
                self.tally.documents += self.pending.documents;
                self.tally.lost += self.pending.lost;
                self.tally.bytes += self.lines.len() as u64;
            }
            Err(error) => self.failed(&error),
        }
        self.pending = Tally::default();
        self.lines.clear();
        // One large document must not cost its memory for ever.
        self.lines.shrink_to(2 * CHUNK);
    }

    /// A full disk may be emptied: the lines are lost and counted, and the next batch tries again.
    fn failed(&mut self, error: &io::Error) {
        if !mem::replace(&mut self.warned, true) {
            log::error!("cannot write the record, it will have a gap: {error}");
        }
        self.lost.entries +=
            self.lines.iter().filter(|byte| **byte == b'\n').count() as u64 + self.pending.lost;
        self.lost.bytes += self.lines.len() as u64;
        if let Err(error) = self.paper.cut(self.tally.bytes) {
            log::error!("cannot take half a line back: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
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
}
