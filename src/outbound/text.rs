//! Text that waits for one client: adjacent pieces of a stream as one range, and the document the next of
//! them becomes. Must not know when it leaves, nor how a transport frames it.

use std::collections::VecDeque;
use std::mem;

use crate::model::ids::SessionId;
use crate::wire::delta::{Delta, DeltaKind};
use crate::wire::encode;

/// What is set aside for a document, in bytes.
const DOCUMENT_BYTES_USUAL: usize = 192;

/// Adjacent pieces of one stream.
#[derive(Debug)]
pub(super) struct Text {
    /// All of them.
    all: Delta,
    /// Where in the log each ends that must not be joined with the next; the last one's end is `all`'s.
    cuts: VecDeque<usize>,
}

impl Text {
    /// One piece.
    pub(super) fn new(mut piece: Delta) -> Self {
        let mut cuts = mem::take(&mut piece.cuts);
        for cut in &mut cuts {
            *cut += piece.range.start;
        }
        Self { all: piece, cuts: cuts.into() }
    }

    /// Whose it is.
    pub(super) fn session(&self) -> SessionId {
        self.all.session
    }

    /// Whether `piece` is the next of this stream.
    pub(super) fn continues_with(&self, piece: &Delta) -> bool {
        self.all.range.end == piece.range.start
            && self.all.kind == piece.kind
            && self.all.log.same(&piece.log)
            && self.all.seq.map(|last| last + piece.range.len() as u64) == piece.seq
    }

    /// Adds what comes next, to be joined with the piece before it or kept apart.
    pub(super) fn append(&mut self, next: Delta, apart: bool) {
        if apart {
            self.cuts.push_back(self.all.range.end);
        }
        self.cuts.extend(next.cuts.iter().map(|cut| next.range.start + cut));
        self.all.range.end = next.range.end;
        self.all.seq = next.seq;
    }

    /// Whether all of it was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.all.range.is_empty()
    }

    /// Takes off what the next document holds, at most `bytes_max` bytes, and writes that. Gives the number
    /// of pieces that were kept apart until now.
    pub(super) fn take(&mut self, bytes_max: usize, document: &mut Document) -> usize {
        let Delta { kind, session, log, range, seq, .. } = &self.all;
        let whole = self.cuts.front().copied().unwrap_or(range.end);
        let end = if whole - range.start > bytes_max { log.floor(range.start + bytes_max) } else { whole };
        // The numbers are those of bytes: what is cut off has one of its own.
        let seq = seq.map(|last| last.saturating_sub((range.end - end) as u64));
        log.with(range.start..end, |text| document.write(*kind, *session, text, seq));
        self.all.range.start = end;
        // The end of the last piece is no cut.
        usize::from(self.cuts.front() == Some(&end) && self.cuts.pop_front().is_some())
    }
}

/// The document being written. What all deltas of a stream begin with is kept for those that follow one
/// another.
#[derive(Default, Debug)]
pub(super) struct Document {
    bytes: Vec<u8>,
    /// Whose head `bytes` begins with, and its length.
    head: Option<(DeltaKind, SessionId, usize)>,
}

impl Document {
    /// The document.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Replaces it by a delta.
    fn write(&mut self, kind: DeltaKind, session: SessionId, text: &str, seq: Option<u64>) {
        match self.head {
            Some((of, whose, len)) if of == kind && whose == session => self.bytes.truncate(len),
            _ => {
                self.bytes.clear();
                self.bytes.reserve(DOCUMENT_BYTES_USUAL);
                encode::delta_head(&mut self.bytes, kind, session);
                self.head = Some((kind, session, self.bytes.len()));
            }
        }
        encode::delta_rest(&mut self.bytes, kind, text, seq);
    }
}
