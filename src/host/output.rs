//! What a host says: lines of its stdout become news, and the last of them is that it has ended. Reads each
//! line once; knows nothing of who is to hear it.

use std::io::PipeReader;
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use super::backlog;
use super::crash_log;
use super::pipe::drain;
use super::process::Process;
use super::rest::{Heard, Pace};
use crate::limits::HOST_DOCUMENT_BYTES_MAX;
use crate::reactor::joining::JoiningSender;
use crate::reactor::mailbox::Haste;
use crate::transport::lines::{Line, Lines};
use crate::wire::upstream::{self, HostNews, Said};

/// How long the news of the end waits for the last words of one that has exited. They are there by then,
/// unless somebody else holds the pipe.
const WORDS_GRACE: Duration = Duration::from_secs(1);

/// Reads stdout to its end, and tells that the process has ended.
pub(super) fn read(
    process: &Process,
    mut stdout: ChildStdout,
    over: &PipeReader,
    news: &JoiningSender<HostNews>,
    crashes: &crash_log::Watch,
) {
    let mut lines = Lines::new(HOST_DOCUMENT_BYTES_MAX);
    // Where nobody listens it is read on, so that the process can write what it has to before it ends.
    let mut is_heard = true;
    let mut pace = Pace::default();
    let read = drain(&mut stdout, over, |mut piece| {
        let mut heard = Heard { bytes: piece.len(), ..Heard::default() };
        while is_heard && let Some(line) = lines.next(&mut piece) {
            is_heard = tell(process, news, line, &mut heard);
        }
        let now = Instant::now();
        if pace.is_quick(heard, now) {
            process.rest.rest(now, news.until_frame(now));
        }
    });
    if let Err(error) = read {
        log::warn!("host {}: cannot read its output: {error}", process.host.0);
    }
    if is_heard && let Some(line) = lines.finish() {
        tell(process, news, line, &mut Heard::default());
    }
    process.note(|state| state.is_silent = true);
    process.wait(|state| state.has_exited);
    process.wait_until(Instant::now() + WORDS_GRACE, |state| state.is_mute);
    if is_heard && !process.is(|state| state.is_ordered) {
        process.keep_crash(crashes.appended());
    }
    // Fails when nobody listens any more.
    let _ = news.send(HostNews::Ended(Box::new(process.end())), Haste::Now);
}

/// Sends a line; waits while too much is on its way. False when nobody listens.
fn tell(process: &Process, news: &JoiningSender<HostNews>, line: Line<'_>, heard: &mut Heard) -> bool {
    let said = match line {
        Line::Text(text) => upstream::read(text.into_owned()),
        Line::NotUtf8 | Line::TooLong => Said::Noise,
    };
    // Text can wait for the next frame; what comes behind it keeps its place.
    let is_text = matches!(said, Said::Delta(_));
    let haste = if is_text { Haste::Paced } else { Haste::Now };
    *(if is_text { &mut heard.texts } else { &mut heard.others }) += 1;
    if matches!(said, Said::Reply(_)) {
        process.rest.answer();
    }
    let said = HostNews::Said(said);
    process.backlog.enter(backlog::bytes(&said));
    news.send(said, haste).is_ok()
}
