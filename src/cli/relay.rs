//! Carries log lines to where they go on a thread of its own: the loop logs, and a terminal that is stopped
//! or a pipe that nobody reads must not stop the loop. Lines that find no room are counted, and the count is
//! the next line that does.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Lines that may wait for the writer.
const LINES_MAX: usize = 256;

/// How long the end of the process waits for the last lines.
const FINISH_WAIT: Duration = Duration::from_millis(200);

enum Message {
    Line(Vec<u8>),
    /// Answer when everything before is written.
    Finish(Sender<()>),
}

static WRITER: OnceLock<Sender<Message>> = OnceLock::new();

/// A writer that never blocks. What is written to it in one call stays together.
pub(super) struct Relay {
    lines: Sender<Message>,
    lost: u64,
}

impl Relay {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = bounded(LINES_MAX);
        thread::Builder::new().name("log".to_owned()).spawn(move || carry(out, &waiting))?;
        // Only the first is waited for at the end; a process has one log.
        let _ = WRITER.set(lines.clone());
        Ok(Self { lines, lost: 0 })
    }
}

impl Write for Relay {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.lost > 0 {
            let notice = format!("({} log lines were lost: nobody reads the log)\n", self.lost);
            if self.lines.try_send(Message::Line(notice.into_bytes())).is_ok() {
                self.lost = 0;
            }
        }
        if self.lines.try_send(Message::Line(bytes.to_vec())).is_err() {
            self.lost += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits, but not long, until what was logged so far is written.
pub(super) fn finish() {
    let Some(writer) = WRITER.get() else { return };
    let (done, wait) = bounded(1);
    if writer.try_send(Message::Finish(done)).is_ok() {
        let _ = wait.recv_timeout(FINISH_WAIT);
    }
}

fn carry(mut out: impl Write, messages: &Receiver<Message>) {
    while let Ok(message) = messages.recv() {
        match message {
            // A log that cannot be written has nobody to complain to.
            Message::Line(line) => drop(out.write_all(&line)),
            Message::Finish(done) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stuck(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            let _ = self.1.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_reader_costs_lines_not_time() {
        let (go, gate) = bounded(0);
        let (sink, written) = crossbeam_channel::unbounded();
        let mut relay = Relay::start(Stuck(gate, sink)).unwrap();
        // Nothing is read yet: one line is with the writer, LINES_MAX wait, the rest is lost.
        for _ in 0..LINES_MAX + 10 {
            relay.write_all(b"x\n").unwrap();
        }
        assert!(relay.lost > 0);
        drop(go);
        assert_eq!(written.recv().unwrap(), b"x\n");
        while relay.lost > 0 {
            relay.write_all(b"y\n").unwrap();
        }
        let notice = written.iter().find(|line| line.starts_with(b"("));
        assert!(notice.is_some_and(|line| line.ends_with(b"nobody reads the log)\n")));
    }
}
