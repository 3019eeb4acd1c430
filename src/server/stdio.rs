//! The one client on stdin and stdout, behind two threads: regular files cannot be polled, O_NONBLOCK on an
//! inherited descriptor would hit the parent too, and a stuck pipe must not stop the loop.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::thread;

use crossbeam_channel::{Receiver, Sender};

use super::links::{Carrier, Link, client_id};
use super::main_loop::Server;
use super::shutdown::Exit;
use super::sidecar::Publisher;
use crate::gateway::Replied;
use crate::gateway::io::Input;
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::outbound::Waited;
use crate::outbound::outbox::Outbox;
use crate::reactor::mailbox::{Haste, MailSender, mailbox};
use crate::transport::lines::{Line, Lines, append_line};

/// Lines the reader may be ahead of the loop.
const LINES_AHEAD: usize = 64;

/// Bytes read from stdin at once.
const READ_BYTES: usize = 64 << 10;

/// What the two threads say.
#[derive(Debug)]
pub(super) enum StdioMail {
    /// A document.
    Line(String),
    /// Something that is no text, or too long.
    BadLine,
    /// The end of stdin.
    Eof,
    /// The last chunk is written.
    Written,
    /// Stdout takes no more.
    Broken(io::Error),
}

/// The loop's end of stdout.
pub(super) struct StdioLink {
    chunks: Sender<Vec<u8>>,
    /// Whether the writer is busy with a chunk.
    busy: bool,
}

impl StdioLink {
    /// Hands the writer its next chunk, if it waits for one. Only one is under way, so that what can still be
    /// joined in the outbox is joined. Every chunk is whole documents: the sidecar gets the same, after it.
    pub(super) fn flush(&mut self, outbox: &mut Outbox, sidecar: Option<&mut Publisher>) -> Option<Waited> {
        if self.busy {
            return None;
        }
        let bytes = outbox.fill();
        if bytes.is_empty() {
            return None;
        }
        self.chunks.try_send(bytes.to_vec()).ok()?;
        self.busy = true;
        if let Some(sidecar) = sidecar {
            sidecar.tee(bytes);
        }
        let count = bytes.len();
        outbox.took(count, std::time::Instant::now())
    }

    /// Whether nothing is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        !self.busy
    }
}

/// Takes stdout for the protocol alone: from here on whatever else writes to it writes to stderr.
pub(super) fn reserve_stdout() -> io::Result<File> {
    let stdout: OwnedFd = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(stdout))
}

impl Server {
    /// Starts the two threads and opens the link.
    pub(super) fn open_stdio(&mut self, stdout: File) -> io::Result<()> {
        let (mail, said) = mailbox(&self.bell, LINES_AHEAD);
        let (chunks, to_write) = crossbeam_channel::bounded(1);
        let written = mail.clone();
        thread::Builder::new().name("stdin".to_owned()).spawn(move || read_lines(&mail))?;
        thread::Builder::new().name("stdout".to_owned()).spawn(move || write(stdout, &to_write, &written))?;
        let link = Link {
            outbox: Outbox::new(append_line, self.merge),
            is_client: false,
            closed: None,
            timer: None,
            carrier: Carrier::Stdio(StdioLink { chunks, busy: false }),
        };
        if let Ok(key) = self.links.insert(link) {
            self.metrics.accepted += 1;
            self.stdio_mail = Some(said);
            self.stdio_link = Some(key);
            self.link_open(key);
        }
        Ok(())
    }

    pub(super) fn stdio_said(&mut self, said: StdioMail) {
        let Some(key) = self.stdio_link else { return };
        match said {
            StdioMail::Line(text) => {
                self.metrics.messages_in += 1;
                self.metrics.bytes_in += text.len() as u64;
                self.input(Input::Line { client: client_id(key), text });
            }
            StdioMail::BadLine => self.input(Input::BadLine { client: client_id(key) }),
            StdioMail::Eof => self.begin_ending(Exit::Eof),
            StdioMail::Written => {
                if let Some(Link { carrier: Carrier::Stdio(stdio), .. }) = self.links.get_mut(key) {
                    stdio.busy = false;
                    self.pacer.mark(key);
                }
            }
            StdioMail::Broken(error) => {
                log::debug!("stdout: the peer hung up ({error})");
                let exit = match self.core.last_replied() {
                    Some(Replied::Method(method)) => Exit::ResponseWriteFailed(method),
                    Some(Replied::Unreadable) => Exit::ParseErrorWriteFailed,
                    None => Exit::StartupWriteFailed,
                };
                self.exit_now(exit);
            }
        }
    }
}

/// Reads documents until the end; the last one may lack its line feed.
fn read_lines(mail: &MailSender<StdioMail>) {
    let mut stdin = io::stdin().lock();
    let mut buffer = vec![0; READ_BYTES];
    let mut lines = Lines::new(DOCUMENT_BYTES_MAX);
    loop {
        let count = match stdin.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                log::error!("stdin: {error}");
                break;
            }
        };
        let mut input = &buffer[..count];
        while let Some(line) = lines.next(&mut input) {
            if mail.send(said(line), Haste::Now).is_err() {
                return;
            }
        }
    }
    if let Some(line) = lines.finish() {
        let _ = mail.send(said(line), Haste::Now);
    }
    let _ = mail.send(StdioMail::Eof, Haste::Now);
}

fn said(line: Line<'_>) -> StdioMail {
    match line {
        Line::Text(text) => StdioMail::Line(text.into_owned()),
        Line::NotUtf8 | Line::TooLong => StdioMail::BadLine,
    }
}

/// Writes chunks until the loop ends or stdout breaks.
fn write(mut stdout: File, chunks: &Receiver<Vec<u8>>, mail: &MailSender<StdioMail>) {
    while let Ok(chunk) = chunks.recv() {
        let news = match stdout.write_all(&chunk) {
            Ok(()) => StdioMail::Written,
            Err(error) => StdioMail::Broken(error),
        };
        if mail.send(news, Haste::Now).is_err() {
            return;
        }
    }
}
