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
mod tests;
