//! Typed lines, read on a thread of their own, so that waiting for one does not stop the conversation.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use mio::Waker;

/// Lines the thread reads ahead.
const LINES_AHEAD_MAX: usize = 16;
/// Lines typed ahead of a question that are kept for after it.
const ASIDE_MAX: usize = 64;
/// Bytes of one line; a longer one arrives in pieces.
const LINE_MAX: u64 = 1024 * 1024;

/// Where lines come from.
pub(super) struct Source {
    /// The bytes.
    pub(super) reader: Box<dyn BufRead + Send>,
    /// Whether a person types them.
    pub(super) interactive: bool,
}

/// What there is to take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// A line, without its end.
    Line(String),
    /// There will be no more lines.
    End,
    /// Nothing yet; the waker will be used.
    Nothing,
}

/// Lines that were read and are not taken yet.
pub(super) struct Input {
    lines: Receiver<String>,
    /// Typed before a question was put: prompts to come, not its answer.
    aside: VecDeque<String>,
    interactive: bool,
}

impl Input {
    /// Starts to read. The thread is not joined: a blocked read of a terminal cannot be ended, only left.
    pub(super) fn start(source: Source, waker: Arc<Waker>) -> std::io::Result<Self> {
        let (sender, lines) = crossbeam_channel::bounded(LINES_AHEAD_MAX);
        let interactive = source.interactive;
        thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            read_lines(source.reader, &sender, &waker);
            // Dropped before the waker is used: whoever wakes up sees the end.
            drop(sender);
            let _ = waker.wake();
        })?;
        Ok(Self { lines, aside: VecDeque::new(), interactive })
    }

    /// An input that is at its end.
    pub(super) fn none() -> Self {
        let (_, lines) = crossbeam_channel::bounded(0);
        Self { lines, aside: VecDeque::new(), interactive: false }
    }

    /// Whether a person types the lines.
    pub(super) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// A question is put now: what a person typed before cannot be meant as its answer. A script's lines
    /// stay where they are, in the order it wrote them.
    pub(super) fn set_aside(&mut self) {
        while self.interactive && self.aside.len() < ASIDE_MAX {
            match self.lines.try_recv() {
                Ok(line) => self.aside.push_back(line),
                Err(_) => return,
            }
        }
    }

    /// The next line. For an answer, only one that came after its question.
    pub(super) fn take(&mut self, for_answer: bool) -> Taken {
        if !for_answer && let Some(line) = self.aside.pop_front() {
            return Taken::Line(line);
        }
        match self.lines.try_recv() {
            Ok(line) => Taken::Line(line),
            Err(TryRecvError::Empty) => Taken::Nothing,
            Err(TryRecvError::Disconnected) => Taken::End,
        }
    }
}

/// Hands over lines until the end of the input, or until nobody wants them.
fn read_lines(mut reader: Box<dyn BufRead + Send>, lines: &Sender<String>, waker: &Waker) {
    loop {
        let mut bytes = Vec::new();
        match reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&bytes);
        if lines.send(line.trim_end_matches(['\n', '\r']).to_owned()).is_err() || waker.wake().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;
    use std::time::Duration;

    use mio::{Events, Poll, Token, Waker};

    use super::{Input, Source, Taken};

    /// Time for a thread to read a few bytes; only a broken test waits for it.
    const DEADLINE: Duration = Duration::from_secs(10);

    fn started(text: &'static str, interactive: bool) -> (Input, Poll) {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let source = Source { reader: Box::new(Cursor::new(text)), interactive };
        (Input::start(source, waker).unwrap(), poll)
    }

    fn next(input: &mut Input, poll: &mut Poll) -> Taken {
        loop {
            match input.take(false) {
                Taken::Nothing => {
                    poll.poll(&mut Events::with_capacity(1), Some(DEADLINE)).unwrap();
                }
                taken => return taken,
            }
        }
    }

    #[test]
    fn lines_come_in_order_then_the_end() {
        let (mut input, mut poll) = started("one\r\n\ntwo", false);
        for expected in ["one", "", "two"] {
            assert_eq!(next(&mut input, &mut poll), Taken::Line(expected.to_owned()));
        }
        assert_eq!(next(&mut input, &mut poll), Taken::End);
        assert_eq!(Input::none().take(true), Taken::End);
    }

    #[test]
    fn what_was_typed_ahead_answers_no_question() {
        let (mut input, mut poll) = started("ahead\nalso\n", true);
        while input.lines.len() < 2 {
            poll.poll(&mut Events::with_capacity(1), Some(DEADLINE)).unwrap();
        }
        input.set_aside();
        assert!(matches!(input.take(true), Taken::End | Taken::Nothing));
        assert_eq!(input.take(false), Taken::Line("ahead".to_owned()));
        assert_eq!(input.take(false), Taken::Line("also".to_owned()));
    }

    #[test]
    fn the_lines_of_a_script_answer_in_order() {
        let (mut input, mut poll) = started("prompt\nanswer\n", false);
        while input.lines.len() < 2 {
            poll.poll(&mut Events::with_capacity(1), Some(DEADLINE)).unwrap();
        }
        assert_eq!(input.take(false), Taken::Line("prompt".to_owned()));
        input.set_aside();
        assert_eq!(input.take(true), Taken::Line("answer".to_owned()));
    }
}
